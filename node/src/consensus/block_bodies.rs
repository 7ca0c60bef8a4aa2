//! The bytes of proposed blocks: when they are read, and how often a peer may send wrong ones.
//!
//! To read a block is to execute it, which may take longer than a round. So a body waits unread until
//! its round comes. If the round has passed, the block is only read once more than 2/3 voted for
//! it: others may decide it then, or propose it again. To read it sooner would keep this node from
//! the round that runs.

use std::collections::BTreeMap;

use arc_malachitebft_core_types::VoteType;
use touchstone_core::block::{BadBlock, Block};
use touchstone_core::fault::Fault;
use touchstone_core::hash::Hash;

use super::context::number;
use super::message::MessageRefused;
use super::message_handlers::Received;
use super::proposals::{Body, UnreadBody};
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
        if self.must_read(id) {
            return self.read_body(from, id, bytes);
        }
        let body = UnreadBody {
            from: from.clone(),
            bytes,
        };
        let current = number(self.core.round());
        let proposals = &mut self.effects.height.proposals;
        let dropped = proposals.keep_unread_body((round, *id), body, current);
        if let Some(((round, id), from)) = dropped {
            self.mention(&from, round, id);
        }
        Ok(Ok(()))
    }

    /// Whether a block is proposed in the current round, or more than 2/3 voted for it in one that
    /// has passed.
    fn must_read(&self, id: &Hash) -> bool {
        let current = number(self.core.round());
        let mut rounds = self.effects.height.proposals.rounds_of(id, current);
        rounds.any(|round| {
            let has_quorum = |kind| self.has_quorum(kind, round.into(), *id);
            round == current || has_quorum(VoteType::Prevote) || has_quorum(VoteType::Precommit)
        })
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

    /// Reads a body that has become needed, or drops one that another peer's has made needless.
    /// Whether there was one.
    pub(super) fn read_due_body(&mut self) -> Result<bool, Fault> {
        let proposals = &self.effects.height.proposals;
        let mut unread = proposals.unread_bodies().into_iter();
        let due = unread.find(|(_, id)| proposals.is_judged(id) || self.must_read(id));
        let Some(key) = due else {
            return Ok(false);
        };
        let body = self.effects.height.proposals.take_unread_body(&key);
        if let Some(UnreadBody { from, bytes }) = body {
            let (round, id) = key;
            if let Err(refused) = self.take_body(&from, round, &id, Some(bytes))? {
                self.refuse(&from, refused);
            }
            self.mention(&from, round, id);
        }
        Ok(true)
    }
}
