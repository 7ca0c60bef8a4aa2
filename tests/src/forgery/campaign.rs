//! A campaign: numbered forgeries and flipped bits, each before the verifiers, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use prost::Message;
use touchstone_core::designs::field::{self, DesignField, FieldName};
use touchstone_core::designs::{content, drafts};
use touchstone_core::evidence::seal;
use touchstone_core::hash::{self, Hash};
use touchstone_proto::evidence::{Evidence, Opening, State};
use touchstone_proto::ledger::Design;

use super::attack::Forger;
use super::bundle::{Bundle, World};
use super::family::Family;
use super::verifier::{Independents, Verdict, examined};
use crate::random::{Random, mix};

/// Which forgeries are made of which kind, out of each 18.
const SHARES: [Family; 18] = [
    Family::Graft,
    Family::Link,
    Family::Field,
    Family::Graft,
    Family::Path,
    Family::Graft,
    Family::Absence,
    Family::Custody,
    Family::Votes,
    Family::Disputed,
    Family::Header,
    Family::Sanctioned,
    Family::SetChange,
    Family::Field,
    Family::Link,
    Family::Rewritten,
    Family::OtherChain,
    Family::Rewritten,
];

/// A forgery that a verifier let pass.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// What it is.
    pub what: String,
    /// Who let it pass.
    pub verifier: &'static str,
    /// The file.
    pub file: Vec<u8>,
}

/// What came of a part of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Forgeries by kind.
    pub made: BTreeMap<&'static str, u64>,
    /// Refusals by the product's own examination, by the element that refused.
    pub refused: BTreeMap<&'static str, u64>,
    /// Forgeries that the independent verifiers judged too.
    pub judged_by_all: u64,
    /// Those that all refuse, but not for the same element.
    pub other_element: u64,
    /// How often each field was changed alone, by the part of the file and the field's name.
    pub fields: BTreeMap<String, u64>,
    /// Those that shouldn't be.
    pub accepted: Vec<Accepted>,
}

impl Tally {
    /// Adds another part.
    pub fn add(&mut self, other: Tally) {
        for (name, count) in other.made {
            *self.made.entry(name).or_default() += count;
        }
        for (name, count) in other.refused {
            *self.refused.entry(name).or_default() += count;
        }
        for (name, count) in other.fields {
            *self.fields.entry(name).or_default() += count;
        }
        self.judged_by_all += other.judged_by_all;
        self.other_element += other.other_element;
        self.accepted.extend(other.accepted);
    }

    /// All forgeries.
    pub fn total(&self) -> u64 {
        self.made.values().sum()
    }

    fn note(&mut self, forged: Forged, own: Option<&'static str>, others: Option<Vec<Verdict>>) {
        *self.made.entry(forged.kind).or_default() += 1;
        if let Some(field) = &forged.field {
            *self.fields.entry(field.clone()).or_default() += 1;
        }
        let accepted = |verifier| Accepted {
            what: forged.what.clone(),
            verifier,
            file: forged.file.clone(),
        };
        match own {
            Some(element) => *self.refused.entry(element).or_default() += 1,
            None => self.accepted.push(accepted("touchstone")),
        }
        let Some(others) = others else {
            return;
        };
        self.judged_by_all += 1;
        for verdict in others.iter().filter(|verdict| verdict.element.is_none()) {
            self.accepted.push(accepted(verdict.verifier));
        }
        let mut elements = others
            .iter()
            .filter_map(|verdict| verdict.element.as_deref());
        let differs = own.is_some_and(|own| elements.any(|element| element != own));
        self.other_element += u64::from(differs);
    }
}

/// A file to be judged.
struct Forged {
    /// Its kind in tables.
    kind: &'static str,
    /// The one field that is changed, where it is one.
    field: Option<String>,
    /// What it is.
    what: String,
    /// Decides whether the independent verifiers judge it.
    turn: u64,
    file: Vec<u8>,
}

/// A forgery, as its number says.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbered {
    /// Its kind.
    pub family: Family,
    /// The one field that is changed, where it is one.
    pub field: Option<String>,
    /// Its content.
    pub evidence: Evidence,
}

/// Worlds, a forger who knows them, and all genuine files.
pub struct Campaign {
    seed: u64,
    forger: Forger,
    /// SHA-256 of the genuine files' contents.
    genuine: BTreeSet<Hash>,
    chain_id: Hash,
}

impl Campaign {
    /// Everything follows from the seed.
    pub fn new(seed: u64, worlds: usize) -> Campaign {
        let mut random = Random::new(seed);
        let worlds: Vec<World> = (0..worlds).map(|_| World::grow(&mut random)).collect();
        let forger = Forger::new(worlds, &mut random);
        let bundles = forger.worlds().iter().flat_map(|world| &world.bundles);
        let genuine = bundles.map(|b| fingerprint(&b.evidence)).collect();
        let chain_id = forger.worlds()[0].chain.id;
        Campaign {
            seed,
            forger,
            genuine,
            chain_id,
        }
    }

    /// Exact bytes of the genesis document that all worlds begin with.
    pub fn genesis(&self) -> &[u8] {
        &self.forger.worlds()[0].chain.genesis
    }

    /// So many genuine files, of every world in turn; fewer if there are no more.
    pub fn bundles(&self, count: usize) -> Vec<&Bundle> {
        let worlds = self.forger.worlds();
        let longest = worlds.iter().map(|w| w.bundles.len()).max().unwrap_or(0);
        let mut bundles: Vec<&Bundle> = (0..longest)
            .flat_map(|at| worlds.iter().filter_map(move |w| w.bundles.get(at)))
            .collect();
        bundles.truncate(count);
        bundles
    }

    /// Genuine files that a verifier refuses: must be none, or a refusal says nothing.
    pub fn refused_though_genuine(
        &self,
        independent: Option<&mut Independents>,
    ) -> io::Result<Vec<String>> {
        let files: Vec<Vec<u8>> = self
            .bundles(usize::MAX)
            .iter()
            .map(|b| seal(&b.evidence))
            .collect();
        let own = files
            .iter()
            .map(|f| examined(f, self.chain_id).map(str::to_owned));
        let mut refused: Vec<String> = own.flatten().collect();
        if let Some(independent) = independent {
            let verdicts = independent.judge(&files)?.into_iter().flatten();
            refused.extend(verdicts.filter_map(|verdict| verdict.element));
        }
        Ok(refused)
    }

    /// The fields that a file may have, and that no genuine one lets anybody change.
    pub fn missing_fields(&self) -> BTreeSet<String> {
        self.forger.missing_fields()
    }

    /// The forgery of this number.
    pub fn forgery(&self, number: u64) -> Numbered {
        let family = SHARES[(number % SHARES.len() as u64) as usize];
        let mut random = Random::new(mix(self.seed) ^ number);
        loop {
            let forged = match family {
                Family::Field => self
                    .forger
                    .bend(&mut random)
                    .map(|(field, evidence)| (Some(field.to_owned()), evidence)),
                _ => self
                    .forger
                    .forge(family, &mut random)
                    .map(|evidence| (None, evidence)),
            };
            if let Some((field, evidence)) = forged
                && !self.genuine.contains(&fingerprint(&evidence))
            {
                return Numbered {
                    family,
                    field,
                    evidence,
                };
            }
        }
    }

    /// Judges these forgeries; the independent verifiers judge every `each`th of each kind.
    pub fn structural(
        &self,
        numbers: impl Iterator<Item = u64>,
        independent: Option<(&mut Independents, u64)>,
    ) -> io::Result<Tally> {
        let forged = numbers.map(|number| {
            let forged = self.forgery(number);
            Forged {
                kind: forged.family.name(),
                field: forged.field,
                what: format!("forgery-{}-{number}", self.seed),
                turn: number / SHARES.len() as u64,
                file: seal(&forged.evidence),
            }
        });
        self.judged(forged, independent)
    }

    /// Flips each bit of a genuine file, as it is (the checksum stays) or with a new checksum, but
    /// for the words that prove nothing. The independent verifiers judge every `each`th.
    pub fn flips(
        &self,
        bundle: &Bundle,
        with_new_checksum: bool,
        independent: Option<(&mut Independents, u64)>,
    ) -> io::Result<Tally> {
        let genuine = seal(&bundle.evidence);
        let content = genuine.len() - 32;
        let name = hex::encode(&fingerprint(&bundle.evidence)[..4]);
        let (kind, end, unproven) = match with_new_checksum {
            true => {
                let unproven = bundle.unproven(&genuine[..content]);
                ("bits flipped, with a new checksum", content, unproven)
            }
            false => ("bits flipped", genuine.len(), BTreeSet::new()),
        };
        let bits = (0..end * 8).filter(|bit| !unproven.contains(&(bit / 8)));
        let flipped = bits.map(|bit| {
            let mut file = genuine.clone();
            file[bit / 8] ^= 1 << (bit % 8);
            if with_new_checksum {
                let sum = hash::sha256(&file[..content]);
                file[content..].copy_from_slice(&sum);
            }
            Forged {
                kind,
                field: None,
                what: format!("flip-{bit}-of-{name}"),
                turn: bit as u64,
                file,
            }
        });
        self.judged(flipped, independent)
    }

    /// Shows files to the verifiers; to the independent ones where it is their turn.
    fn judged(
        &self,
        mut forged: impl Iterator<Item = Forged>,
        mut independent: Option<(&mut Independents, u64)>,
    ) -> io::Result<Tally> {
        let mut tally = Tally::default();
        loop {
            let some: Vec<Forged> = forged.by_ref().take(64).collect();
            if some.is_empty() {
                return Ok(tally);
            }
            let mut others = vec![None; some.len()];
            if let Some((verifier, each)) = &mut independent {
                let is_chosen = |at: &usize| some[*at].turn.is_multiple_of(*each);
                let chosen: Vec<usize> = (0..some.len()).filter(is_chosen).collect();
                let sent: Vec<&[u8]> = chosen.iter().map(|at| &some[*at].file[..]).collect();
                for (at, verdict) in chosen.into_iter().zip(verifier.judge(&sent)?) {
                    others[at] = Some(verdict);
                }
            }
            for (forged, other) in some.into_iter().zip(others) {
                let own = examined(&forged.file, self.chain_id);
                tally.note(forged, own, other);
            }
        }
    }
}

/// Whether the drafts are those that the deposit's field counts: a holder may leave them out, too. The field stands in
/// the opening, or in what was disclosed on the ledger.
fn are_genuine(opening: &Opening, states: &[State]) -> bool {
    let records = states.iter().filter(|s| s.key.starts_with(b"design/"));
    let records = records.filter_map(|s| Design::decode(s.value.as_deref()?).ok());
    let disclosed = records.filter_map(|design| design.disclosure?.content);
    let content = opening.content.iter().cloned().chain(disclosed);
    let mut fields = content
        .flat_map(|content| content.disclosures)
        .filter_map(|text| DesignField::read(&text).ok());
    let field = fields.find(|field| field.name == FieldName::Drafts);
    let head = field.and_then(|field| field::drafts_head(&field.value).ok());
    head.is_some_and(|(count, head)| drafts::verify(&opening.drafts, count, &head).is_ok())
}

/// One name for a file, whichever of its design's fields it shows: a holder may leave any of them out. A field that the
/// deposit doesn't cover, or a title that isn't shown as a field, makes it another file.
fn fingerprint(evidence: &Evidence) -> Hash {
    let mut evidence = evidence.clone();
    if let Some(opening) = &mut evidence.opening {
        let files = opening.files.iter().map(|f| f.sha256.as_slice().try_into());
        let files: Result<Vec<Hash>, _> = files.collect();
        let opened = files.map(|files| content::open(&files, opening.content.as_ref()));
        let is_shown = opened.is_ok_and(|opened| {
            opened.is_ok_and(|opened| opened.check_title(&opening.title).is_ok())
        });
        if is_shown && are_genuine(opening, &evidence.states) {
            opening.drafts.clear();
        }
        if let Some(content) = opening.content.as_mut().filter(|_| is_shown) {
            content.disclosures.clear();
            opening.title.clear();
        }
    }
    hash::sha256(&evidence.encode_to_vec())
}
