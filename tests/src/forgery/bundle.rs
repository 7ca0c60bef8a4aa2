//! Genuine files: chains that grew by chance, and what they tell about items and designs.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use touchstone_core::designs::field::FieldName;
use touchstone_core::designs::{content, design};
use touchstone_core::evidence::{self, Additions, Subject};
use touchstone_core::hash::Hash;
use touchstone_core::test_support::{
    Chain, aggregation, answer, approve, capture, change_keys, claim, container, item, object,
    offer, public, put_validator, remove_validator,
};
use touchstone_pictures::SPECIFICATION;
use touchstone_proto::evidence::{Evidence, Opening, OriginalFile, evidence::Subject as Wire};
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    DepositDesign, DesignContent, DiscloseDesign, Fingerprints, Outcome, PictureFingerprint,
};

use super::deposits::{drafted, fielded, shown};
use super::{disputed, owners};
use crate::random::Random;

/// Items and containers that a chain tells about; the next one is never recorded.
const ITEMS: u64 = 4;
const CONTAINERS: u64 = 3;

/// Who signs, and the number of each one's first key.
const ORGANISATIONS: [(&str, u8); 4] = [("market", 1), ("carrier", 2), ("maker", 3), ("office", 4)];

/// A design whose owner keeps the opening.
#[derive(Clone, Debug)]
struct Secret {
    id: Hash,
    opening: Opening,
    /// All fields, where the deposit covers some; the opening shows a part.
    whole: Option<DesignContent>,
}

/// A genuine file.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Its content.
    pub evidence: Evidence,
    /// The holder's own words in it, which nothing proves, and its questions: another one has another answer.
    pub words: Vec<Vec<u8>>,
}

impl Bundle {
    fn closed(evidence: Evidence) -> Bundle {
        let words = evidence.questions.iter().map(Message::encode_to_vec);
        Bundle {
            words: words.collect(),
            evidence,
        }
    }

    /// The positions of the holder's words in the sealed file.
    pub fn unproven(&self, sealed: &[u8]) -> BTreeSet<usize> {
        let mut positions = BTreeSet::new();
        for word in &self.words {
            let windows = sealed.windows(word.len()).enumerate();
            for (at, _) in windows.filter(|(_, window)| *window == word.as_slice()) {
                positions.extend(at..at + word.len());
            }
        }
        positions
    }
}

/// A chain that grew by chance, with genuine files of two of its heights.
pub struct World {
    /// The chain at its last height.
    pub chain: Chain,
    /// Files about every subject, from the middle of its life and from the end.
    pub bundles: Vec<Bundle>,
}

impl World {
    /// Grows a chain of some twenty to thirty blocks.
    pub fn grow(random: &mut Random) -> World {
        let mut grower = Grower {
            chain: Chain::start(),
            keys: ORGANISATIONS.into_iter().collect(),
            secrets: Vec::new(),
            next_key: 50,
            next_change: 1,
            disputes: Vec::new(),
            closed: Vec::new(),
        };
        grower.deposit(random);
        let design = grower.secrets[0].id;
        grower.disputes = disputed::grow(&mut grower.chain, &design, random);
        grower.closed = owners::grow(&mut grower.chain, random);
        let mut bundles = Vec::new();
        for half in 0..2 {
            for _ in 0..random.between(5, 9) {
                grower.step(random);
            }
            // The first time, at least one of each kind.
            if half == 0 {
                grower.pack(random);
                grower.hand_over(random);
                grower.deposit(random);
            }
            grower.bundles(&mut bundles);
        }
        World {
            chain: grower.chain,
            bundles,
        }
    }

    /// The same chain up to some block, which the forger then changes: one transaction fewer, or one
    /// of another content. What came after is played again as far as the rules allow.
    pub fn rewritten(&self, random: &mut Random) -> Vec<Evidence> {
        let recorded: Vec<usize> = (0..self.chain.blocks.len())
            .filter(|at| !self.chain.blocks[*at].transactions.is_empty())
            .collect();
        let changed = recorded[random.index(recorded.len())];
        let mut chain = Chain::start();
        for (at, block) in self.chain.blocks.iter().enumerate() {
            let mut transactions = block.transactions.clone();
            if at == changed {
                let victim = random.index(transactions.len());
                if random.permille(500) {
                    transactions.remove(victim);
                } else {
                    let items = [item(random.between(1, ITEMS))];
                    let action = capture(&[object(999, &items)]);
                    transactions[victim] = chain.sign(ORGANISATIONS[0], action);
                }
            }
            chain.commit(&transactions);
        }
        let mut subjects = Vec::new();
        for bundle in &self.bundles {
            let evidence = &bundle.evidence;
            let about = subject(evidence).map(|subject| (subject, additions(evidence)));
            if !about.as_ref().is_some_and(|about| subjects.contains(about)) {
                subjects.extend(about);
            }
        }
        collected(&chain, &subjects)
    }
}

/// What a file is about, if it says.
fn subject(evidence: &Evidence) -> Option<Subject> {
    match evidence.subject.as_ref()? {
        Wire::Item(id) => Some(Subject::Item(id.clone())),
        Wire::Design(id) => Some(Subject::Design(id.as_slice().try_into().ok()?)),
    }
}

/// What more it shows.
fn additions(evidence: &Evidence) -> Additions {
    let shown = evidence.disputes.iter().flat_map(|shown| &shown.ids);
    Additions {
        disputes: shown.map(|id| exact(id)).collect(),
        questions: evidence.questions.clone(),
    }
}

fn subjects() -> Vec<(Subject, Additions)> {
    let items = (1..=ITEMS + 1).map(item);
    let containers = (1..=CONTAINERS + 1).map(container);
    let mut subjects: Vec<_> = items.chain(containers).map(Subject::Item).collect();
    subjects.push(Subject::Design([7; 32]));
    let plain = subjects.into_iter();
    plain
        .map(|subject| (subject, Additions::default()))
        .collect()
}

/// Files about all of these; a dispute that isn't on the chain is left out.
fn collected(chain: &Chain, subjects: &[(Subject, Additions)]) -> Vec<Evidence> {
    let file = |(subject, additions): &(Subject, Additions)| {
        evidence::collect_with(chain, subject, additions)
            .or_else(|_| evidence::collect(chain, subject))
            .expect("a chain in memory tells all")
    };
    subjects.iter().map(file).collect()
}

/// A chain, and what its organisations know.
struct Grower {
    chain: Chain,
    keys: BTreeMap<&'static str, u8>,
    secrets: Vec<Secret>,
    next_key: u8,
    next_change: u64,
    /// Under the first design's right.
    disputes: Vec<Hash>,
    /// Designs that stay closed: of another owner, or passed on.
    closed: Vec<Hash>,
}

impl Grower {
    /// One or more blocks about anything; what the rules refuse is left out.
    fn step(&mut self, random: &mut Random) {
        match random.below(13) {
            0..=3 => self.observe(random),
            4 | 5 => self.pack(random),
            6 => self.deposit(random),
            7 => self.disclose(random),
            8 => self.change_validators(random),
            9..=11 => self.hand_over(random),
            _ => self.change_keys(random),
        }
    }

    fn who(&self, random: &mut Random) -> (&'static str, u8) {
        let (name, _) = ORGANISATIONS[random.index(ORGANISATIONS.len())];
        (name, self.keys[name])
    }

    fn apply(&mut self, who: (&str, u8), action: Action) -> bool {
        self.chain.run(who, action).is_ok()
    }

    /// A block of up to three transactions of up to three events.
    fn observe(&mut self, random: &mut Random) {
        let mut envelopes = Vec::new();
        for number in 0..random.between(1, 3) {
            let events: Vec<_> = (0..random.between(1, 3))
                .map(|_| {
                    let mut items = vec![item(random.between(1, ITEMS))];
                    if random.permille(300) {
                        items.push(container(random.between(1, CONTAINERS)));
                    }
                    object(random.below(1000), &items)
                })
                .collect();
            let created = self.chain.height * 10 + number;
            let action = match random.permille(150) {
                true => claim("found in our yard", &events),
                false => capture(&events),
            };
            envelopes.extend(self.allowed(random, created, &action));
        }
        self.chain.commit(&envelopes);
    }

    /// The action, signed by any organisation that the rules allow it now.
    fn allowed(&self, random: &mut Random, created: u64, action: &Action) -> Option<Vec<u8>> {
        let first = random.index(ORGANISATIONS.len());
        let mut names = ORGANISATIONS
            .iter()
            .cycle()
            .skip(first)
            .map(|(name, _)| *name);
        let signed = names.by_ref().take(ORGANISATIONS.len()).map(|name| {
            let who = (name, self.keys[name]);
            self.chain.sign_at(who, created, action.clone())
        });
        signed
            .into_iter()
            .find(|envelope| self.chain.check(envelope).is_ok())
    }

    fn apply_by_any(&mut self, random: &mut Random, action: &Action) {
        let envelope = self.allowed(random, self.chain.height, action);
        if let Some(envelope) = envelope {
            self.chain.commit(&[envelope]);
        }
    }

    /// Packs or unpacks, and lets the container move.
    fn pack(&mut self, random: &mut Random) {
        let case = container(random.between(1, CONTAINERS));
        let what = match random.permille(350) {
            true => container(random.between(1, CONTAINERS)),
            false => item(random.between(1, ITEMS)),
        };
        let event = match random.below(8) {
            0 => aggregation("DELETE", &case, &[]),
            1 | 2 => aggregation("DELETE", &case, &[what]),
            _ => aggregation("ADD", &case, &[what]),
        };
        self.apply_by_any(random, &capture(&[event]));
        let moved = object(random.below(1000), &[case]);
        self.apply_by_any(random, &capture(&[moved]));
    }

    /// One or two things are offered, and mostly answered: accepted, accepted in part, rejected, withdrawn.
    fn hand_over(&mut self, random: &mut Random) {
        let mut goods = vec![match random.permille(600) {
            true => item(random.between(1, ITEMS)),
            false => container(random.between(1, CONTAINERS)),
        }];
        if random.permille(400) {
            goods.push(item(random.between(1, ITEMS)));
        }
        let (to, _) = self.who(random);
        let deadline = self.chain.time_ms + random.between(2, 12) * 1000;
        let shipped = offer(to, deadline, &[object(random.below(1000), &goods)]);
        let Some(envelope) = self.allowed(random, self.chain.height, &shipped) else {
            return;
        };
        self.chain.commit(std::slice::from_ref(&envelope));
        let Ok(made) = self.chain.verified(&envelope) else {
            return;
        };
        let (outcome, stated) = match random.below(6) {
            0 | 1 => (Outcome::Accepted, ""),
            2 => (Outcome::Rejected, ""),
            3 => (Outcome::Withdrawn, ""),
            4 => (Outcome::AcceptedWithDiscrepancy, "a corner is dented"),
            // Nobody answers.
            _ => return,
        };
        let named = match outcome {
            // What arrived; the rest is left out.
            Outcome::AcceptedWithDiscrepancy => &goods[..1],
            _ => &goods[..],
        };
        let events = [object(random.below(1000), named)];
        let answered = answer(made.id(), outcome, stated, &events);
        self.apply_by_any(random, &answered);
    }

    fn deposit(&mut self, random: &mut Random) {
        let owner = public(self.keys["maker"]);
        let number = self.secrets.len();
        let mut opening = Opening {
            salt: random.bytes().to_vec(),
            files: (0..random.between(1, 2))
                .map(|n| OriginalFile {
                    sha256: random.bytes().to_vec(),
                    name: format!("drawing-{number}-{n}.svg"),
                })
                .collect(),
            title: format!("Title of design {number}"),
            content: None,
            drafts: Vec::new(),
        };
        let files: Vec<Hash> = opening.files.iter().map(|f| exact(&f.sha256)).collect();
        let drafts = match random.permille(500) {
            true => drafted(&files, random),
            false => Vec::new(),
        };
        let whole = random
            .permille(600)
            .then(|| fielded(files.len(), &opening.title, &drafts, random));
        let opened = content::open(&files, whole.as_ref()).expect("a genuine content");
        let root = opened.root;
        let commitment = design::commitment(&self.chain.id, &owner, &exact(&opening.salt), &root);
        if let Some(whole) = &whole {
            (opening.title, opening.content) = shown(whole, &files, random);
            let shown = content::open(&files, opening.content.as_ref()).expect("a genuine part");
            let mut fields = shown.fields.iter();
            if fields.any(|(_, field)| field.name == FieldName::Drafts) && random.permille(800) {
                opening.drafts = drafts;
            }
        }
        let action = DepositDesign {
            commitment: commitment.to_vec(),
        };
        if self.apply(("maker", self.keys["maker"]), Action::DepositDesign(action)) {
            let id = design::id(&owner, &commitment);
            self.secrets.push(Secret { id, opening, whole });
        }
    }

    fn disclose(&mut self, random: &mut Random) {
        let Some(secret) = self.secrets.get(random.index(self.secrets.len())).cloned() else {
            return;
        };
        let files: Vec<Vec<u8>> = secret.opening.files.into_iter().map(|f| f.sha256).collect();
        let hashes: Vec<Hash> = files.iter().map(|f| exact(f)).collect();
        let (title, content) = match &secret.whole {
            Some(whole) => shown(whole, &hashes, random),
            None => ("A recorded title".into(), None),
        };
        let action = DiscloseDesign {
            design_id: secret.id.to_vec(),
            salt: secret.opening.salt,
            fingerprints: (random.index(4) > 0).then(|| fingerprints(&files, random)),
            file_hashes: files,
            title,
            content,
        };
        self.apply(
            ("maker", self.keys["maker"]),
            Action::DiscloseDesign(action),
        );
    }

    /// A validator comes or goes, by as many approvals as it takes.
    fn change_validators(&mut self, random: &mut Random) {
        let sequence = self.next_change;
        self.next_change += 1;
        let seed = random.between(11, 18) as u8;
        let is_member = self.chain.validators.get(&public(seed)).is_some();
        let change = if is_member && self.chain.validators.count() > 4 {
            remove_validator(sequence, seed)
        } else {
            let (organisation, _) = ORGANISATIONS[random.index(ORGANISATIONS.len())];
            put_validator(sequence, seed, random.between(1, 2), organisation)
        };
        for (name, _) in ORGANISATIONS {
            self.apply((name, self.keys[name]), approve(&change));
        }
    }

    /// An organisation takes a new key, and may retire the one before.
    fn change_keys(&mut self, random: &mut Random) {
        let (name, seed) = self.who(random);
        let fresh = self.next_key;
        let retired = [seed];
        let retire: &[u8] = match random.permille(500) {
            true => &retired,
            false => &[],
        };
        if self.apply((name, seed), change_keys(&[fresh], retire)) {
            self.keys.insert(name, fresh);
            self.next_key += 1;
        }
    }

    fn bundles(&self, bundles: &mut Vec<Bundle>) {
        let plain = collected(&self.chain, &subjects());
        bundles.extend(plain.into_iter().map(Bundle::closed));
        let plain = |id: &Hash| (Subject::Design(*id), Additions::default());
        let closed: Vec<_> = self.closed.iter().map(plain).collect();
        let closed = collected(&self.chain, &closed);
        bundles.extend(closed.into_iter().map(Bundle::closed));
        for (number, secret) in self.secrets.iter().enumerate() {
            let subject = Subject::Design(secret.id);
            let mut wanted = vec![(subject.clone(), Additions::default())];
            if number == 0 {
                let more = disputed::additions(&self.disputes, self.chain.time_ms);
                // Without questions, too: then nothing else reads the parties' sanctions.
                let alone = Additions {
                    questions: Vec::new(),
                    ..more.clone()
                };
                wanted.extend([(subject.clone(), more), (subject, alone)]);
            }
            for evidence in collected(&self.chain, &wanted) {
                let mut words: Vec<_> = secret
                    .opening
                    .files
                    .iter()
                    .map(|file| file.name.clone())
                    .collect();
                // A title that the commitment covers is no mere word.
                if secret.whole.is_none() {
                    words.push(secret.opening.title.clone());
                }
                let closed = Bundle::closed(evidence);
                let mut opened = closed.clone();
                opened.evidence.opening = Some(secret.opening.clone());
                opened
                    .words
                    .extend(words.into_iter().map(String::into_bytes));
                bundles.extend([closed, opened]);
            }
        }
    }
}

fn exact(bytes: &[u8]) -> Hash {
    bytes.try_into().expect("32 bytes")
}

/// Fingerprints of few pictures, a little bent: they look alike.
fn fingerprints(files: &[Vec<u8>], random: &mut Random) -> Fingerprints {
    let mut files = files.to_vec();
    files.sort();
    let mut bits = |look: u8| {
        let mut bits = [look; 32];
        for _ in 0..random.index(12) {
            bits[random.index(32)] ^= 1 << random.index(8);
        }
        bits.to_vec()
    };
    let pictures = files.into_iter().map(|file_hash| {
        let look = if file_hash[0] % 2 == 0 { 0x0f } else { 0x39 };
        PictureFingerprint {
            file_hash,
            whole: bits(look),
            trimmed: bits(look),
            whole_quality: 60,
            trimmed_quality: 61,
        }
    });
    Fingerprints {
        specification: SPECIFICATION.to_vec(),
        pictures: pictures.collect(),
    }
}
