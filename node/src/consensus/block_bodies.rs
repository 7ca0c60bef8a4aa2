//! The bytes of proposed blocks: when they are read, and how often a peer may send wrong ones.

use std::collections::BTreeMap;

use touchstone_core::block::{BadBlock, Block};
use touchstone_core::fault::Fault;
use touchstone_core::hash::Hash;

use super::context::number;
use super::message::MessageRefused;
use super::message_handlers::Received;
use super::proposals::{Body, EarlyBody};
use super::{Machine, PeerTag};
use crate::storage::{Disk, Store};

/// Bodies of a peer that may be other blocks than they should, in one height. Reading one costs a
/// hash of all of it.
const MAX_BAD_BODIES: u32 = 3;

/// How many bodies of each peer weren't the block that they came for.
#[derive(Debug, Default)]
pub struct BadBodies(BTreeMap<PeerTag, u32>);

impl BadBodies {
    /// How many this peer has sent.
    pub fn of(&self, peer: &PeerTag) -> u32 {
        self.0.get(peer).copied().unwrap_or(0)
    }

    fn add(&mut self, peer: &PeerTag) {
        let count = self.0.entry(peer.clone()).or_insert(0);
        *count = count.saturating_add(1);
    }
}

impl<S: Store, D: Disk> Machine<S, D> {
    /// Takes what came as a proposal's block. The cheap questions come first, and a body that no
    /// round needs yet is kept unread.
    pub(super) fn take_body(
        &mut self,
        from: &PeerTag,
        round: u32,
        id: &Hash,
        bytes: Option<Vec<u8>>,
    ) -> Received {
        let height = &mut self.effects.height;
        let Some(bytes) = bytes.filter(|_| !height.proposals.is_judged(id)) else {
            return Ok(Ok(()));
        };
        if height.bad_bodies.of(from) >= MAX_BAD_BODIES {
            return Ok(Err(MessageRefused::TooManyBodies));
        }
        if let Err(bad) = Block::check_start(&bytes, id, self.effects.chain.parameters()) {
            return Ok(Err(self.refuse_body(from, bad)));
        }
        let current = number(self.core.round());
        let proposals = &mut self.effects.height.proposals;
        if round <= current || proposals.is_signed_until(current, id) {
            return self.read_body(from, id, bytes);
        }
        let body = EarlyBody {
            from: from.clone(),
            bytes,
        };
        if let Some(((round, id), from)) = proposals.keep_early_body((round, *id), body) {
            self.mention(&from, round, id);
        }
        Ok(Ok(()))
    }

    /// Counts a body that isn't the block it came for.
    fn refuse_body(&mut self, from: &PeerTag, bad: BadBlock) -> MessageRefused {
        self.effects.height.bad_bodies.add(from);
        bad.into()
    }

    /// Reads a body and asks the ledger.
    fn read_body(&mut self, from: &PeerTag, id: &Hash, bytes: Vec<u8>) -> Received {
        let block = match Block::decode(&bytes) {
            Ok(block) => block,
            Err(bad) => return Ok(Err(self.refuse_body(from, bad))),
        };
        if let Err(invalid) = self.effects.chain.validate(&block)? {
            self.effects.height.proposals.reject_block(*id);
            return Ok(Err(invalid.into()));
        }
        let body = Body::new(&block.header, bytes);
        self.effects.height.proposals.accept_block(*id, body);
        Ok(Ok(()))
    }

    /// Reads an early body whose round has come. Whether there was one.
    pub(super) fn read_due_body(&mut self) -> Result<bool, Fault> {
        let current = number(self.core.round());
        let due = self.effects.height.proposals.take_due_body(current);
        let Some(((round, id), EarlyBody { from, bytes })) = due else {
            return Ok(false);
        };
        if let Err(refused) = self.take_body(&from, round, &id, Some(bytes))? {
            self.refuse(&from, refused);
        }
        self.mention(&from, round, id);
        Ok(true)
    }
}
