//! The forgeries that an attacker would think of, each consistent in itself as far as it can be.

use std::collections::{BTreeMap, BTreeSet};

use touchstone_core::block::Header;
use touchstone_core::evidence::{Subject, collect};
use touchstone_core::governance::validators::{Validator, ValidatorSet};
use touchstone_core::hash;
use touchstone_core::proof::transaction_tree;
use touchstone_core::test_support::{
    Chain, certify, container, genesis_document, item, object, public,
};
use touchstone_proto::evidence::Evidence;
use touchstone_proto::ledger::CommitCertificate;
use touchstone_proto::node::{CertifiedHeader, OtherLeaf, ValidatorSetChange};

use super::bundle::World;
use super::disputed;
use super::event_logs;
use super::family::Family;
use super::graft::Grafter;
use super::records;
use super::sanctioned;
use super::votes;
use crate::random::Random;

/// Number of the key with which the attacker founds a validator of its own.
const STRANGER: u8 = 220;

/// What the attacker has at hand.
pub struct Forger {
    grafter: Grafter,
    worlds: Vec<World>,
    /// By world: files of rewritten histories.
    rewritten: Vec<Vec<Evidence>>,
    /// Files of a chain with another genesis.
    foreign: Vec<Evidence>,
    /// By field: the genuine files that have it, each by its world and its number there.
    fields: Vec<(String, Vec<(usize, usize)>)>,
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
        let grafter = Grafter::default();
        Forger {
            fields: fields(&grafter, &worlds),
            grafter,
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
            Family::Field => self.bend(random).map(|(_, evidence)| evidence),
            Family::Link => event_logs::forge(genuine.clone(), world, random),
            Family::Path => paths(genuine.clone(), self.any(at, random), random),
            Family::Absence => absence(genuine.clone(), self.any(at, random), random),
            Family::Custody => records::custody(genuine.clone(), self.any(at, random), random),
            Family::Disputed => disputed::forge(genuine.clone(), self.any(at, random), random),
            Family::Sanctioned => sanctioned::forge(genuine.clone(), self.any(at, random), random),
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

    /// A genuine file in which one field is changed, and which one.
    pub fn bend(&self, random: &mut Random) -> Option<(&str, Evidence)> {
        let (field, files) = &self.fields[random.index(self.fields.len())];
        let (world, file) = files[random.index(files.len())];
        let genuine = &self.worlds[world].bundles[file].evidence;
        let bent = self.grafter.bend(genuine, field, random)?;
        Some((field, bent))
    }

    /// The fields that a file may have, and no genuine one has.
    pub fn missing_fields(&self) -> BTreeSet<String> {
        let mut missing = self.grafter.all_fields();
        for (field, _) in &self.fields {
            missing.remove(field);
        }
        missing
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

/// By field: the genuine files that have it.
fn fields(grafter: &Grafter, worlds: &[World]) -> Vec<(String, Vec<(usize, usize)>)> {
    let mut found: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
    for (at, world) in worlds.iter().enumerate() {
        for (number, bundle) in world.bundles.iter().enumerate() {
            for field in grafter.fields(&bundle.evidence) {
                found.entry(field).or_default().push((at, number));
            }
        }
    }
    found.into_iter().collect()
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
