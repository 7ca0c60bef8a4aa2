//! Asking peers for proposals, and answering those that ask.

use touchstone_core::hash::Hash;

use super::{Entry, Judged, ProposalKey, Proposals, all_of};
use crate::consensus::PeerTag;
use crate::consensus::message::SignedProposal;

/// Proposals of which one peer spoke that are asked for at once. What it makes up leaves room for what others say.
pub(super) const MAX_REQUESTS: usize = 16;

/// How often the pause between two answers to a peer's request for one proposal is doubled.
const MAX_DOUBLINGS: u32 = 8;

/// A proposal is asked for.
#[derive(Debug)]
pub(super) struct Request {
    /// The peer that spoke of it.
    from: PeerTag,
    /// Whether that peer has had its time: it may have gone or be dishonest, and everyone is asked.
    was_asked: bool,
}

/// How often a peer was sent what it asked for, and when last. The pause doubles with each answer: what was lost is
/// soon sent again, and who goes on asking gets ever less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    last_ms: u64,
    times: u32,
}

impl Answered {
    /// No answer yet, and none under way: the first one is due.
    const NEVER: Answered = Answered {
        last_ms: 0,
        times: 0,
    };

    /// The first answer.
    pub fn first(now_ms: u64) -> Answered {
        Answered {
            last_ms: now_ms,
            times: 1,
        }
    }

    /// Whether another answer is due, of which the first pause was so long; it is where this clock was set back.
    pub fn may_again(&self, now_ms: u64, pause_ms: u64) -> bool {
        let pause_ms = pause_ms.saturating_mul(1 << self.times.min(MAX_DOUBLINGS));
        let age_ms = now_ms.checked_sub(self.last_ms);
        age_ms.is_none_or(|age_ms| age_ms >= pause_ms)
    }

    /// Another answer.
    pub fn again(self, now_ms: u64) -> Answered {
        Answered {
            last_ms: now_ms,
            times: self.times.saturating_add(1),
        }
    }
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
        let is_requested = entry.is_some_and(|entry| entry.request.is_some());
        let requests = self.entries.values().filter_map(|e| e.request.as_ref());
        let of_peer = requests.filter(|request| request.from == *from).count();
        if entry.is_some_and(|entry| self.is_complete(&key, entry))
            || !is_requested && of_peer >= MAX_REQUESTS
        {
            return false;
        }
        let request = &mut self.entries.entry(key).or_default().request;
        request.get_or_insert_with(|| Request {
            from: from.clone(),
            was_asked: false,
        });
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
            if is_complete {
                entry.request = None;
            } else if let Some(request) = &mut entry.request {
                let peer = (!request.was_asked).then(|| request.from.clone());
                request.was_asked = true;
                missing.push((key, peer));
            }
        }
        missing
    }

    /// A peer is newly there: what was sent to all hasn't come to it. What it was sent itself still counts, however
    /// often it comes and goes.
    pub fn newly_there(&mut self, peer: &PeerTag) {
        let published = self.entries.values_mut().filter(|e| e.published.is_some());
        for entry in published {
            let answered = entry.answered.entry(peer.clone());
            answered.or_insert(Answered::NEVER);
        }
    }

    /// The proposals of a round (or the one of a block) that a peer asks for and shall have now, those with larger
    /// bodies than `limit` not.
    pub fn answers(
        &mut self,
        peer: &PeerTag,
        round: u32,
        id: Option<Hash>,
        limit: usize,
        now_ms: u64,
        pause_ms: u64,
    ) -> Vec<(SignedProposal, Vec<u8>)> {
        let range = match id {
            Some(id) => (round, id)..=(round, id),
            None => all_of(round),
        };
        let mut answers = Vec::new();
        for ((_, id), entry) in self.entries.range_mut(range) {
            let body = match self.blocks.get(id) {
                Some(Judged::Valid(body)) if body.bytes.len() <= limit => body,
                _ => continue,
            };
            let Some(signed) = entry.signed().cloned() else {
                continue;
            };
            // What was sent to all is on its way to those who ask.
            let last = entry.answered.get(peer).or(entry.published.as_ref());
            let answered = match last {
                None => Answered::first(now_ms),
                Some(answered) if answered.may_again(now_ms, pause_ms) => answered.again(now_ms),
                Some(_) => continue,
            };
            entry.answered.insert(peer.clone(), answered);
            answers.push((signed, body.bytes.clone()));
        }
        answers
    }
}
