//! Asking peers for proposals, and answering those that ask.

use touchstone_core::hash::Hash;

use super::{Entry, Judged, ProposalKey, Proposals, all_of};
use crate::consensus::PeerTag;
use crate::consensus::message::SignedProposal;

/// Proposals asked for at once.
pub(super) const MAX_REQUESTS: usize = 16;

/// How often the pause between two answers to a peer's request for one proposal is doubled.
const MAX_DOUBLINGS: u32 = 8;

/// Whom to ask for a proposal.
#[derive(Debug)]
pub(super) enum Request {
    /// The peer that spoke of it.
    Peer(PeerTag),
    /// That peer has had its time: it may have gone or be dishonest.
    Everyone,
}

/// How often a proposal was sent to a peer that asked for it, and when last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    last_ms: u64,
    times: u32,
}

impl Proposals {
    /// Whether nothing is to be asked of peers for this proposal: it is here with its block.
    fn is_complete(&self, key: &ProposalKey, entry: &Entry) -> bool {
        let has_body = self.is_judged(&key.1) || entry.unread_body().is_some();
        has_body && entry.signed().is_some()
    }

    /// A peer speaks of a proposal. Whether it is one that we lack and shall ask for.
    pub fn mention(&mut self, key: ProposalKey, from: &PeerTag) -> bool {
        let entry = self.entries.get(&key);
        let requests = self.entries.values().filter(|e| e.request.is_some());
        if entry.is_some_and(|entry| self.is_complete(&key, entry))
            || requests.count() >= MAX_REQUESTS
        {
            return false;
        }
        let request = &mut self.entries.entry(key).or_default().request;
        request.get_or_insert_with(|| Request::Peer(from.clone()));
        true
    }

    /// The proposals that were mentioned and haven't come, each with the peer to ask; none is
    /// everyone. Next time everyone is asked.
    pub fn requests(&mut self) -> Vec<(ProposalKey, Option<PeerTag>)> {
        let requested = self.entries.iter().filter(|(_, e)| e.request.is_some());
        let requested: Vec<(ProposalKey, bool)> = requested
            .map(|(key, entry)| (*key, self.is_complete(key, entry)))
            .collect();
        let mut missing = Vec::new();
        for (key, is_complete) in requested {
            let Some(entry) = self.entries.get_mut(&key) else {
                continue;
            };
            let request = entry.request.take();
            if is_complete {
                continue;
            }
            entry.request = Some(Request::Everyone);
            missing.push(match request {
                Some(Request::Peer(peer)) => (key, Some(peer)),
                Some(Request::Everyone) | None => (key, None),
            });
        }
        missing
    }

    /// The proposals of a round (or the one of a block) that a peer asks for and shall have now. The
    /// pause doubles with each answer: one that was lost is soon sent again, and who goes on asking
    /// gets ever less.
    pub fn answers(
        &mut self,
        peer: &PeerTag,
        round: u32,
        id: Option<Hash>,
        now_ms: u64,
        pause_ms: u64,
    ) -> Vec<(SignedProposal, Vec<u8>)> {
        let range = match id {
            Some(id) => (round, id)..=(round, id),
            None => all_of(round),
        };
        let mut answers = Vec::new();
        for ((_, id), entry) in self.entries.range_mut(range) {
            let Some(Judged::Valid(body)) = self.blocks.get(id) else {
                continue;
            };
            let Some(signed) = entry.signed().cloned() else {
                continue;
            };
            let answered = entry.answered.get(peer);
            let times = answered.map_or(0, |a| a.times);
            let pause_ms = pause_ms.saturating_mul(1 << times.min(MAX_DOUBLINGS));
            if answered.is_none_or(|a| now_ms.saturating_sub(a.last_ms) >= pause_ms) {
                let times = times.saturating_add(1);
                let last_ms = now_ms;
                entry
                    .answered
                    .insert(peer.clone(), Answered { last_ms, times });
                answers.push((signed, body.bytes.clone()));
            }
        }
        answers
    }
}
