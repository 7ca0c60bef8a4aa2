//! The forgeries that an attacker would think of, each consistent in itself as far as it can be.

use touchstone_core::block::Header;
use touchstone_core::evidence::{Subject, collect};
use touchstone_core::governance::validators::{Validator, ValidatorSet};
use touchstone_core::hash::{self, Hash};
use touchstone_core::proof::{item_history, link, transaction_tree};
use touchstone_core::state::keys;
use touchstone_core::test_support::{
    Chain, certify, container, genesis_document, item, object, public,
};
use touchstone_proto::evidence::Evidence;
use touchstone_proto::ledger::{CommitCertificate, Item, LinkEntry};
use touchstone_proto::node::{CertifiedHeader, OtherLeaf, ValidatorSetChange};

use super::bundle::World;
use super::event_logs;
use super::family::Family;
use super::graft::Grafter;
use super::records;
use super::votes;
use crate::random::Random;

/// Number of the key with which the attacker founds a validator of its own.
const STRANGER: u8 = 220;

/// A kind of forgery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Parts changed, moved, or taken from another file.
    Graft,
    /// Events or containment intervals left out, added or moved, and counted anew.
    Link,
    /// Paths spliced, cut, or with nodes in the place of leaves.
    Path,
    /// Values claimed to be absent, or present in the place of others.
    Absence,
    /// Holders, offers, answers and claims changed, exchanged or left out.
    Custody,
    /// Too few votes, doubled ones, those of strangers or of other blocks.
    Votes,
    /// Headers of the forger's own making.
    Header,
    /// Changes of the validator set removed, doubled, moved or invented.
    SetChange,
    /// A whole history of the forger's own making, from the true genesis.
    Rewritten,
    /// A whole chain of the forger's own making.
    OtherChain,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 10] = [
        Family::Graft,
        Family::Link,
        Family::Path,
        Family::Absence,
        Family::Custody,
        Family::Votes,
        Family::Header,
        Family::SetChange,
        Family::Rewritten,
        Family::OtherChain,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Family::Graft => "parts changed or from other files",
            Family::Link => "events or intervals dropped, added, moved",
            Family::Path => "paths spliced, nodes for leaves",
            Family::Absence => "presence and absence exchanged",
            Family::Custody => "holders, offers, claims changed or left out",
            Family::Votes => "votes: too few, doubled, strangers'",
            Family::Header => "headers invented",
            Family::SetChange => "changes of the validator set removed or invented",
            Family::Rewritten => "history rewritten from genesis",
            Family::OtherChain => "another chain",
        }
    }
}

/// What the attacker has at hand.
pub struct Forger {
    grafter: Grafter,
    worlds: Vec<World>,
    /// By world: files of rewritten histories.
    rewritten: Vec<Vec<Evidence>>,
    /// Files of a chain with another genesis.
    foreign: Vec<Evidence>,
}

impl Forger {
    /// A forger who knows these worlds.
    pub fn new(worlds: Vec<World>, random: &mut Random) -> Forger {
        let mut rewritten = Vec::new();
        for world in &worlds {
            let mut files = Vec::new();
            for _ in 0..4 {
                files.extend(world.rewritten(random));
            }
            rewritten.push(files);
        }
        Forger {
            grafter: Grafter::default(),
            foreign: foreign(),
            worlds,
            rewritten,
        }
    }

    /// The worlds.
    pub fn worlds(&self) -> &[World] {
        &self.worlds
    }

    /// A forgery of this family, on the ground of a genuine file by chance; nothing where the
    /// file has no such part.
    pub fn forge(&self, family: Family, random: &mut Random) -> Option<Evidence> {
        let at = random.index(self.worlds.len());
        let world = &self.worlds[at];
        let genuine = self.any(at, random);
        match family {
            Family::Graft => Some(self.grafts(at, genuine.clone(), random)),
            Family::Link => event_logs::forge(genuine.clone(), world, random),
            Family::Path => paths(genuine.clone(), self.any(at, random), random),
            Family::Absence => absence(genuine.clone(), self.any(at, random), random),
            Family::Custody => records::custody(genuine.clone(), self.any(at, random), random),
            Family::Votes => certificates(genuine.clone(), &world.chain, random),
            Family::Header => header(genuine.clone(), &world.chain, random),
            Family::SetChange => changes(genuine.clone(), &world.chain, random),
            Family::Rewritten => {
                let files = &self.rewritten[at];
                let file = files[random.index(files.len())].clone();
                recertified(file, &world.chain, random)
            }
            Family::OtherChain => {
                let mut file = self.foreign[random.index(self.foreign.len())].clone();
                if random.permille(800) {
                    file.genesis.clone_from(&genuine.genesis);
                }
                Some(match random.permille(500) {
                    true => self.grafter.graft(&file, genuine, random),
                    false => file,
                })
            }
        }
    }

    fn any(&self, world: usize, random: &mut Random) -> &Evidence {
        let bundles = &self.worlds[world].bundles;
        &bundles[random.index(bundles.len())].evidence
    }

    /// One to three grafts, from a file of this world or of any.
    fn grafts(&self, world: usize, mut evidence: Evidence, random: &mut Random) -> Evidence {
        for _ in 0..random.between(1, 3) {
            let donor = match random.permille(700) {
                true => world,
                false => random.index(self.worlds.len()),
            };
            let donor = self.any(donor, random);
            evidence = self.grafter.graft(&evidence, donor, random);
        }
        evidence
    }
}

/// Files of a chain with the same members, started a second later.
fn foreign() -> Vec<Evidence> {
    let mut document = genesis_document();
    document.time_ms += 1000;
    let mut chain = Chain::from(&document);
    for note in 0..3 {
        let event = object(note, &[item(1)]);
        chain.capture(&[event]).expect("a good event");
    }
    let subjects = [item(1), item(5), container(1)].map(Subject::Item);
    let files = subjects.iter().map(|subject| collect(&chain, subject));
    files.map(|file| file.expect("a chain in memory")).collect()
}

/// Certified headers of a file: those of set changes, the blocks and the anchor.
fn certified(evidence: &mut Evidence) -> Vec<&mut CertifiedHeader> {
    let changes = evidence.validator_set_changes.iter_mut();
    let mut all: Vec<_> = changes.filter_map(|h| h.header.as_mut()).collect();
    all.extend(&mut evidence.blocks);
    all.extend(&mut evidence.anchor);
    all
}

fn any_certified<'a>(
    evidence: &'a mut Evidence,
    random: &mut Random,
) -> Option<&'a mut CertifiedHeader> {
    let mut all = certified(evidence);
    (!all.is_empty()).then(|| all.swap_remove(random.index(all.len())))
}

fn place(entry: &[u8]) -> (u64, u32, u32) {
    let entry = decode_exact::<LinkEntry>(entry).unwrap_or_default();
    item_history::place(&entry)
}

/// Leaves out, adds or moves events or a whole stay in a container, and counts anew.
fn links(mut evidence: Evidence, world: &World, random: &mut Random) -> Option<Evidence> {
    let count = evidence.links.len();
    let at = random.index(count);
    let length = evidence.links.get(at)?.entries.len();
    if length == 0 {
        return None;
    }
    let (one, two) = (random.index(length), random.index(length));
    let entries = &mut evidence.links[at].entries;
    match random.below(7) {
        0 | 1 => drop(entries.remove(one)),
        2 => entries.swap(one, two),
        3 => entries.truncate(one),
        4 => entries.insert(one, entries[two].clone()),
        5 => {
            let forged = invented(&entries[one], &mut evidence.transactions, world, random)?;
            evidence.links[at].entries[one] = forged;
        }
        _ => {
            // The container's link, and what it shares with the others: the stay in it.
            let container = evidence.links.remove(at);
            let shared: Vec<_> = container.entries.iter().map(|e| place(e)).collect();
            for link in &mut evidence.links {
                link.entries.retain(|entry| !shared.contains(&place(entry)));
            }
            evidence
                .states
                .retain(|s| s.key != keys::item(&container.item));
        }
    }
    if random.permille(700) {
        prune(&mut evidence);
    }
    if random.permille(700) {
        count_anew(&mut evidence, random);
    }
    Some(evidence)
}

/// Another event in the place of a recorded one, signed by whom the attacker likes.
fn invented(
    entry: &[u8],
    transactions: &mut [touchstone_proto::evidence::Transaction],
    world: &World,
    random: &mut Random,
) -> Option<Vec<u8>> {
    let event = object(random.below(1000), &[item(1)]);
    let envelope = world
        .chain
        .sign(("market", 1), capture(std::slice::from_ref(&event)));
    let (height, index, _) = place(entry);
    let mut entry: LinkEntry = decode_exact(entry).ok()?;
    entry.content_hash = hash::sha256(&event).to_vec();
    entry.transaction_id = world.chain.verified(&envelope).ok()?.id().to_vec();
    entry.position.as_mut()?.event = 0;
    for transaction in transactions {
        if (transaction.height, transaction.index) == (height, index) {
            transaction.envelope.clone_from(&envelope);
        }
    }
    Some(entry.encode_to_vec())
}

/// Takes away what no entry speaks of any more.
fn prune(evidence: &mut Evidence) {
    let entries = evidence.links.iter().flat_map(|link| &link.entries);
    let told: Vec<_> = entries.map(|e| place(e)).map(|p| (p.0, p.1)).collect();
    evidence
        .transactions
        .retain(|t| told.contains(&(t.height, t.index)));
    let height = |block: &CertifiedHeader| Header::decode(&block.header).map(|h| h.height);
    let is_told = |height: u64| told.iter().any(|place| place.0 == height);
    evidence
        .blocks
        .retain(|block| height(block).is_ok_and(is_told));
    let left: Vec<Vec<u8>> = evidence
        .blocks
        .iter()
        .flat_map(height)
        .map(keys::block)
        .collect();
    evidence
        .states
        .retain(|s| !s.key.starts_with(b"block/") || left.contains(&s.key));
}

/// Writes each link's new count and head, or one of both, into its record.
fn count_anew(evidence: &mut Evidence, random: &mut Random) {
    for message in &evidence.links {
        let key = keys::item(&message.item);
        let Some(state) = evidence.states.iter_mut().find(|s| s.key == key) else {
            continue;
        };
        let bytes = state.value.as_deref().unwrap_or_default();
        let mut record: Item = decode_exact(bytes).unwrap_or_default();
        let mut head: Hash = link::EMPTY_HEAD;
        for entry in &message.entries {
            head = link::extend(&head, entry);
        }
        let link = record.link.get_or_insert_default();
        if random.permille(900) {
            link.count = message.entries.len() as u64;
        }
        if random.permille(900) {
            link.head = head.to_vec();
        }
        state.value = Some(record.encode_to_vec());
    }
}

/// Splices, cuts or lengthens a path, or shows an inner node as a leaf.
fn paths(mut evidence: Evidence, donor: &Evidence, random: &mut Random) -> Option<Evidence> {
    let others: Vec<&Vec<u8>> = donor
        .transactions
        .iter()
        .flat_map(|t| &t.siblings)
        .chain(
            donor
                .states
                .iter()
                .flat_map(|s| s.proof.iter().flat_map(|p| &p.siblings)),
        )
        .collect();
    let other = others.get(random.index(others.len())).map(|s| (*s).clone());
    let of_transaction = !evidence.transactions.is_empty() && random.permille(500);
    let count = evidence.transactions.len();
    let siblings = if of_transaction {
        let transaction = &mut evidence.transactions[random.index(count)];
        if random.permille(200) {
            // The node above the leaf, as if it were the envelope.
            let envelopes = [transaction.envelope.as_slice()];
            let leaf = transaction_tree::root(&envelopes);
            let sibling = transaction.siblings.first().cloned().unwrap_or_default();
            let inner = [leaf.as_slice(), &sibling].concat();
            transaction.envelope = inner;
            transaction.index /= 2;
        }
        &mut transaction.siblings
    } else {
        let at = random.index(evidence.states.len());
        &mut evidence.states.get_mut(at)?.proof.as_mut()?.siblings
    };
    let (one, two) = (random.index(siblings.len()), random.index(siblings.len()));
    match random.below(6) {
        0 if !siblings.is_empty() => siblings[one] = other?,
        1 => siblings.insert(one, other?),
        2 if !siblings.is_empty() => drop(siblings.remove(one)),
        3 => siblings.truncate(one),
        4 if !siblings.is_empty() => siblings.swap(one, two),
        _ => siblings.insert(0, random.bytes().to_vec()),
    }
    Some(evidence)
}

/// Says that something is absent which is there, or the other way round.
fn absence(mut evidence: Evidence, donor: &Evidence, random: &mut Random) -> Option<Evidence> {
    let at = random.index(evidence.states.len());
    let neighbour = evidence
        .states
        .get(random.index(evidence.states.len()))?
        .clone();
    let other = donor.states.get(random.index(donor.states.len()))?.clone();
    let state = evidence.states.get_mut(at)?;
    let leaf_of = |state: &touchstone_proto::evidence::State| OtherLeaf {
        key_hash: hash::sha256(&state.key).to_vec(),
        value_hash: hash::sha256(state.value.as_deref().unwrap_or_default()).to_vec(),
    };
    match random.below(6) {
        0 => {
            state.proof.as_mut()?.other_leaf = Some(leaf_of(&neighbour));
            state.value = None;
        }
        1 => {
            let leaf = leaf_of(state);
            state.proof.as_mut()?.other_leaf = Some(leaf);
            state.value = None;
        }
        2 => {
            state.value = None;
            state.proof = other.proof;
        }
        3 => state.value = other.value,
        4 => {
            let key = state.key.clone();
            *state = neighbour;
            state.key = key;
        }
        _ => {
            evidence.subject.clone_from(&donor.subject);
            if random.permille(500) {
                evidence.links.clone_from(&donor.links);
            }
        }
    }
    Some(evidence)
}

/// A genuine block with votes that don't suffice.
fn certificates(mut evidence: Evidence, chain: &Chain, random: &mut Random) -> Option<Evidence> {
    let target = any_certified(&mut evidence, random)?;
    let stranger = certify(&chain.id, &Header::decode(&target.header).ok()?, 0, &[220]);
    let certificate = target.certificate.as_mut()?;
    let signatures = &mut certificate.signatures;
    let (one, two) = (
        random.index(signatures.len()),
        random.index(signatures.len()),
    );
    match random.below(7) {
        0 => drop(signatures.remove(one)),
        1 if one != two => signatures[one] = signatures[two].clone(),
        2 => signatures.insert(one, signatures[two].clone()),
        3 => {
            signatures.remove(one);
            signatures.extend(stranger.signatures);
            signatures.sort_by(|a, b| a.public_key.cmp(&b.public_key));
        }
        4 => {
            let key = signatures[one].public_key.clone();
            signatures[one] = stranger.signatures.into_iter().next()?;
            signatures[one].public_key = key;
        }
        5 => {
            let height = random.between(1, chain.height);
            let other = chain.certificate(height);
            if other.block_id == certificate.block_id {
                return None;
            }
            signatures.clone_from(&other.signatures);
        }
        _ => certificate.round += 1,
    }
    Some(evidence)
}

/// A block of the attacker's own making.
fn header(mut evidence: Evidence, chain: &Chain, random: &mut Random) -> Option<Evidence> {
    let target = any_certified(&mut evidence, random)?;
    let mut header = Header::decode(&target.header).ok()?;
    match random.below(9) {
        0 => header.height = random.between(1, chain.height + 2),
        1 => header.time_ms -= random.between(1, 100_000),
        2 => header.parent = random.bytes(),
        3 => header.state_root = random.bytes(),
        4 => header.transaction_root = random.bytes(),
        5 => header.transaction_count += 1,
        6 => header.validators_hash = random.bytes(),
        7 => header.next_validators_hash = random.bytes(),
        _ => header.proposer = random.bytes(),
    }
    let certificate = votes::forged(chain, &header, random);
    replace(target, &header, certificate, random)?;
    Some(evidence)
}

fn replace(
    target: &mut CertifiedHeader,
    header: &Header,
    certificate: Option<CommitCertificate>,
    random: &mut Random,
) -> Option<()> {
    let bytes = header.encode();
    if bytes == target.header {
        return None;
    }
    target.header = bytes;
    if random.permille(850) {
        target.certificate = certificate;
    } else if let Some(old) = &mut target.certificate {
        // The true votes, with the forged block's name on them.
        old.block_id = header.id().to_vec();
        old.height = header.height;
    }
    Some(())
}

/// Changes of the validator set removed, doubled, moved, or to validators of the attacker's own.
fn changes(mut evidence: Evidence, chain: &Chain, random: &mut Random) -> Option<Evidence> {
    let count = evidence.validator_set_changes.len();
    let (one, two) = (random.index(count), random.index(count));
    match random.below(6) {
        0 if count > 0 => drop(evidence.validator_set_changes.remove(one)),
        1 if count > 0 => evidence
            .validator_set_changes
            .insert(two, evidence.validator_set_changes[one].clone()),
        2 if one != two => evidence.validator_set_changes.swap(one, two),
        3 if count > 0 => {
            let change = &mut evidence.validator_set_changes[one];
            let set = &mut change.next_validators.as_mut()?.validators;
            let at = random.index(set.len());
            match random.below(3) {
                0 => set[at].power += 1,
                1 => set[at].public_key = public(STRANGER).to_vec(),
                _ => drop(set.remove(at)),
            }
            let set = ValidatorSet::from_message(change.next_validators.as_ref()?);
            if random.permille(700)
                && let Ok(set) = set
            {
                let target = change.header.as_mut()?;
                let mut header = Header::decode(&target.header).ok()?;
                header.next_validators_hash = set.hash();
                let certificate = votes::forged(chain, &header, random);
                replace(target, &header, certificate, random)?;
            }
        }
        _ => usurped(&mut evidence, chain, random)?,
    }
    Some(evidence)
}

/// A change to one validator of the attacker's, which then certifies an anchor of its own.
fn usurped(evidence: &mut Evidence, chain: &Chain, random: &mut Random) -> Option<()> {
    let anchor = evidence.anchor.as_mut()?;
    let mut header = Header::decode(&anchor.header).ok()?;
    let own = Validator {
        public_key: public(STRANGER),
        power: 1,
        organisation: "market".into(),
    };
    let own = ValidatorSet::new(vec![own], header.height.checked_add(1)?).ok()?;
    let mut last = header.clone();
    last.next_validators_hash = own.hash();
    let change = ValidatorSetChange {
        header: Some(CertifiedHeader {
            header: last.encode(),
            certificate: votes::forged(chain, &last, random),
        }),
        next_validators: Some(own.message()),
    };
    header.height += 1;
    header.parent = last.id();
    header.validators_hash = own.hash();
    header.next_validators_hash = own.hash();
    header.proposer = public(STRANGER);
    *anchor = touchstone_core::test_support::certified(&chain.id, &header, &[STRANGER]);
    evidence.validator_set_changes.push(change);
    Some(())
}

/// A file of a rewritten history, whose every block that the validators never decided gets the
/// votes that the attacker can give.
fn recertified(mut file: Evidence, chain: &Chain, random: &mut Random) -> Option<Evidence> {
    let mut has_changed = false;
    for target in certified(&mut file) {
        let header = Header::decode(&target.header).ok()?;
        let genuine = chain.blocks.get((header.height as usize).checked_sub(1)?);
        if genuine.is_none_or(|block| block.header != header) {
            target.certificate = votes::forged(chain, &header, random);
            has_changed = true;
        }
    }
    has_changed.then_some(file)
}
