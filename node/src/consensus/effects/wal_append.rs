//! Writing to the log what Malachite must hear again after a crash.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use arc_malachitebft_core_consensus::Input as CoreInput;
use touchstone_core::fault::Fault;
use touchstone_core::hash::{self, Hash};

use super::Effects;
use crate::consensus::context::Ctx;
use crate::consensus::wal_entry;
use crate::storage::{Disk, Store};

/// What the log holds of the running height, as far as Malachite still knows it.
#[derive(Debug, Default)]
pub struct LoggedEntries {
    entries: BTreeSet<Hash>,
    bodies: BTreeSet<Hash>,
    /// How often a replay still comes upon an entry.
    ahead: BTreeMap<Hash, usize>,
}

impl LoggedEntries {
    /// Notes an entry that was read from the log and will be replayed.
    pub fn expect(&mut self, input: &CoreInput<Ctx>, with_body: bool) {
        if let Some(entry) = wal_entry::encode(input) {
            *self.ahead.entry(hash::sha256(&entry)).or_default() += 1;
        }
        if let (CoreInput::ProposedValue(value, _), true) = (input, with_body) {
            self.bodies.insert(value.value.0);
        }
    }

    /// Notes that an expected entry is replayed now.
    pub fn replay(&mut self, input: &CoreInput<Ctx>) {
        let Some(entry) = wal_entry::encode(input) else {
            return;
        };
        let id = hash::sha256(&entry);
        if let Entry::Occupied(mut ahead) = self.ahead.entry(id) {
            *ahead.get_mut() -= 1;
            if *ahead.get() == 0 {
                ahead.remove();
            }
        }
        self.entries.insert(id);
    }

    /// Forgets entries as Malachite does: what comes again is taken as new, and a replay needs it in its new place.
    /// The log keeps blocks, and so their names stay.
    pub fn forget(&mut self) {
        self.entries.clear();
    }

    /// Whether an entry is to be written.
    fn is_new(&mut self, entry: &[u8]) -> bool {
        let id = hash::sha256(entry);
        !self.ahead.contains_key(&id) && self.entries.insert(id)
    }
}

impl<S: Store, D: Disk> Effects<S, D> {
    /// Logs an input, once as long as Malachite knows it, and the block of a valid value with the first entry that
    /// names it.
    pub(super) fn wal_append(&mut self, input: &CoreInput<Ctx>) -> Result<(), Fault> {
        let mut entry = wal_entry::encode(input)
            .ok_or_else(|| Fault::Invariant("an input that is never logged".into()))?;
        let signature = match input {
            CoreInput::Vote(vote) => Some(&vote.signature),
            CoreInput::Proposal(proposal) => Some(&proposal.signature),
            _ => None,
        };
        if let (Some(signature), Some(signer)) = (signature, &mut self.signer) {
            signer.logged(signature);
        }
        let height = &mut self.height;
        if !height.logged.is_new(&entry) {
            return Ok(());
        }
        if let CoreInput::ProposedValue(value, _) = input
            && value.validity.is_valid()
            && height.logged.bodies.insert(value.value.0)
        {
            let body = height.proposals.body(&value.value.0).ok_or_else(|| {
                Fault::Invariant("a value is logged whose block is not known".into())
            })?;
            entry.extend_from_slice(&body.bytes);
        }
        self.wal.append(&entry)
    }
}
