//! Writing to the log what Malachite must hear again after a crash.

use std::collections::BTreeSet;

use arc_malachitebft_core_consensus::Input as CoreInput;
use touchstone_core::fault::Fault;
use touchstone_core::hash::{self, Hash};

use super::Effects;
use crate::consensus::context::Ctx;
use crate::consensus::wal_entry;
use crate::storage::{Disk, Store};

/// What the log holds of the running height.
#[derive(Debug, Default)]
pub struct LoggedEntries {
    entries: BTreeSet<Hash>,
    bodies: BTreeSet<Hash>,
}

impl LoggedEntries {
    /// Notes an entry that was read from the log, so that a replay doesn't log it again.
    pub fn note(&mut self, input: &CoreInput<Ctx>, with_body: bool) {
        if let Some(entry) = wal_entry::encode(input) {
            self.entries.insert(hash::sha256(&entry));
        }
        if let (CoreInput::ProposedValue(value, _), true) = (input, with_body) {
            self.bodies.insert(value.value.0);
        }
    }
}

impl<S: Store, D: Disk> Effects<S, D> {
    /// Logs an input, once, and the block of a valid value with the first entry that names it.
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
        if !height.logged.entries.insert(hash::sha256(&entry)) {
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
