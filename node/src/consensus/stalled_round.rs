//! A round that doesn't move. What it lacks may be late on one connection only, such as behind a lost segment that
//! TCP sends again after 200 ms, while other peers have it. So each validator asks all the others soon, and less and
//! less often: a proposer whose transactions didn't come hears that others want a block, and who lacks votes gets those
//! that others have.
//!
//! What is asked costs little to answer, and is answered to each peer in bounds ([`super::proposals::Answered`]).

use std::collections::{BTreeMap, BTreeSet};

use arc_malachitebft_core_types::{NilOrVal, Round, SignedMessage, VoteType};
use touchstone_core::fault::Fault;
use touchstone_core::governance::validators::ValidatorSet;
use touchstone_proto::ledger::CommitCertificate;

use super::context::{Address, BlockId, Height, Vote};
use super::guard_confirmation::TagOf;
use super::message;
use super::pacemaker::Timer;
use super::peers::Peers;
use super::proposals::Answered;
use super::signature_verification::exceeds_one_third;
use super::{Machine, Output, PeerTag};
use crate::organisations::organisations;
use crate::storage::{Disk, Store};

/// Larger bodies come to who asks for the round's proposal only once the round is older than a proposal usually takes:
/// they may be under way.
pub const SMALL_BODY: usize = 64 << 10;

/// Which organisation runs a peer, by the chain's list.
#[derive(Debug)]
pub struct PeerOrganisations {
    tag_of: TagOf,
    /// The list's state that was read; see [`crate::chain::Chain::consortium_changes`].
    read_at: Option<u64>,
    by_tag: BTreeMap<PeerTag, String>,
}

impl PeerOrganisations {
    /// Nothing is read.
    pub fn new(tag_of: TagOf) -> PeerOrganisations {
        PeerOrganisations {
            tag_of,
            read_at: None,
            by_tag: BTreeMap::new(),
        }
    }

    /// Organisations of whose nodes one was connected and none is.
    pub fn gone(&self, peers: &Peers) -> BTreeSet<String> {
        let of = |is: fn(&Peers, &PeerTag) -> bool| -> BTreeSet<&String> {
            let nodes = self.by_tag.iter().filter(|(tag, _)| is(peers, tag));
            nodes.map(|(_, organisation)| organisation).collect()
        };
        let (gone, there) = (of(Peers::has_gone), of(Peers::is_connected));
        gone.difference(&there).copied().cloned().collect()
    }
}

/// Who has asked at the running height, and what they were sent.
#[derive(Debug, Default)]
pub struct Asking {
    /// How often this node has asked since the round last moved.
    asked: u32,
    /// Whether it has asked at this height.
    has_asked: bool,
    /// When the round began, milliseconds.
    round_began_ms: u64,
    /// Organisations that have begun the height and lack something.
    organisations: BTreeSet<String>,
    /// Votes of each round that each peer was sent.
    sent: BTreeMap<(PeerTag, u32), SentVotes>,
    /// Peers that asked for a round's proposal before it was here, and which round's.
    early: BTreeMap<PeerTag, u32>,
}

/// Votes of a round that a peer was sent: so many of those that came first.
#[derive(Clone, Copy, Debug)]
struct SentVotes {
    count: usize,
    answered: Answered,
}

impl Asking {
    /// The round has moved.
    pub fn moved(&mut self) {
        self.asked = 0;
    }

    /// Another round begins.
    pub fn start_round(&mut self, now_ms: u64) {
        self.asked = 0;
        self.round_began_ms = now_ms;
    }

    /// A peer that has no connection to the proposer asks for a round's proposal before it is here.
    pub fn ask_early(&mut self, peer: &PeerTag, round: u32) {
        self.early.insert(peer.clone(), round);
    }

    /// The peers that shall be sent this round's proposal now that it is here.
    pub fn take_early(&mut self, round: u32) -> Vec<PeerTag> {
        let (due, later) = std::mem::take(&mut self.early)
            .into_iter()
            .partition(|(_, asked)| *asked == round);
        self.early = later;
        let due: BTreeMap<PeerTag, u32> = due;
        due.into_keys().collect()
    }

    /// Whether this node has asked at this height.
    pub fn has_asked(&self) -> bool {
        self.has_asked
    }

    /// How often this node has asked since the round last moved.
    pub fn asked(&self) -> u32 {
        self.asked
    }

    /// Which of a round's `known` votes a peer shall be sent now: those that it wasn't, and all again after a pause
    /// that doubles. Each round has its own pause, or who asks for two of them by turns would get all each time.
    fn votes_for(
        &mut self,
        peer: &PeerTag,
        round: u32,
        known: usize,
        now_ms: u64,
        pause_ms: u64,
    ) -> std::ops::Range<usize> {
        if known == 0 {
            return 0..0;
        }
        let key = (peer.clone(), round);
        let (from, answered) = match self.sent.get(&key) {
            None => (0, Answered::first(now_ms)),
            Some(sent) if sent.answered.may_again(now_ms, pause_ms) => {
                (0, sent.answered.again(now_ms))
            }
            Some(sent) => (sent.count.min(known), sent.answered),
        };
        let count = known;
        self.sent.insert(key, SentVotes { count, answered });
        from..known
    }
}

impl<S: Store, D: Disk> Machine<S, D> {
    /// The round hasn't moved for a while: asks everyone for what it lacks.
    pub(super) fn ask_round(&mut self) {
        let height = &mut self.effects.height;
        let round = height.round();
        let own = self.effects.signer.as_ref().map(|s| s.address().0);
        let has_proposal = height.proposals.has_body_in(round);
        let is_own_turn = own == Some(*height.proposer());
        height.asking.asked = height.asking.asked.saturating_add(1);
        height.asking.has_asked = true;
        // Others wait for this node while it has proposed nothing.
        if has_proposal || !is_own_turn {
            let bytes = message::want(self.height(), round, None, has_proposal);
            self.effects.put(Output::Broadcast(bytes));
        }
        self.effects.set_timer(Timer::Ask);
    }

    /// A peer is newly there: what was said in the running round before didn't come to it. So it is told that before
    /// the round stands for it, in the bounds of an answer to one that asks.
    pub(super) fn meet_in_round(&mut self, peer: &PeerTag) {
        if !self.is_running {
            return;
        }
        let round = self.effects.height.round();
        self.effects.height.proposals.newly_there(peer);
        self.send_proposals(peer, round, None, SMALL_BODY);
        self.send_votes(peer, round);
    }

    /// Whether this node has asked in vain since its round last moved.
    pub(super) fn is_stalled(&self) -> bool {
        self.is_running && self.effects.height.asking.asked > 0
    }

    /// A peer lacks something at the next height: it has begun it. Where organisations with more than a third of the
    /// power have, at least an honest one among them, it begins here too, and a proposer without transactions makes
    /// an empty block rather than keep them waiting.
    pub(super) fn hear_asking(&mut self, from: &PeerTag) -> Result<(), Fault> {
        if !self.may_run() {
            return Ok(());
        }
        if let Some(organisation) = self.organisation_of(from)? {
            let asking = &mut self.effects.height.asking;
            asking.organisations.insert(organisation);
        }
        match self.is_asked_for() {
            true => self.try_start_height(),
            false => Ok(()),
        }
    }

    /// Whether organisations with more than a third of the power have asked at this height.
    pub(super) fn is_asked_for(&self) -> bool {
        let asking = &self.effects.height.asking.organisations;
        exceed_one_third(asking, self.effects.chain.validators())
    }

    fn organisation_of(&mut self, peer: &PeerTag) -> Result<Option<String>, Fault> {
        self.read_organisations()?;
        Ok(self.peer_organisations.by_tag.get(peer).cloned())
    }

    /// Reads which organisation runs which peer, if the chain's list has changed.
    pub(super) fn read_organisations(&mut self) -> Result<(), Fault> {
        let chain = &self.effects.chain;
        let known = &mut self.peer_organisations;
        if known.read_at != Some(chain.consortium_changes()) {
            known.by_tag.clear();
            for organisation in organisations(chain.store())? {
                for node in &organisation.peers {
                    let key: Option<[u8; 32]> = node.public_key.as_slice().try_into().ok();
                    if let Some(tag) = key.and_then(|key| (known.tag_of)(&key)) {
                        known.by_tag.insert(tag, organisation.id.clone());
                    }
                }
            }
            known.read_at = Some(chain.consortium_changes());
        }
        Ok(())
    }

    /// Whether the round has lasted so long that large bodies are sent to who lacks its proposal.
    pub(super) fn may_send_large(&self) -> bool {
        let began_ms = self.effects.height.asking.round_began_ms;
        let age_ms = self.effects.now_ms.saturating_sub(began_ms);
        age_ms >= self.effects.settings().request_delay_ms
    }

    /// A peer asks for a round's proposal. If that isn't here, and the round is too young for anybody to ask since it
    /// stands, the peer isn't connected with the proposer: it is sent the proposal when it comes.
    pub(super) fn note_early(&mut self, from: &PeerTag, round: u32) {
        let height = &mut self.effects.height;
        let age_ms = match self.is_running {
            true => self
                .effects
                .now_ms
                .saturating_sub(height.asking.round_began_ms),
            false => 0,
        };
        let is_young = age_ms < self.effects.pacemaker.ask_ms(0);
        if is_young && !height.proposals.has_body_in(round) {
            height.asking.ask_early(from, round);
        }
    }

    /// Sends a peer the votes of a round that it may lack.
    pub(super) fn send_votes(&mut self, to: &PeerTag, round: u32) {
        let votes = self.core.driver.votes();
        let of_round = votes.per_round(Round::new(round));
        let known = of_round.map_or(&[][..], |votes| votes.received_votes().as_slice());
        let now_ms = self.effects.now_ms;
        let pause_ms = self.effects.settings().ask_ms / 2;
        let asking = &mut self.effects.height.asking;
        let due = asking.votes_for(to, round, known.len(), now_ms, pause_ms);
        for vote in known.get(due).unwrap_or_default() {
            let (to, bytes) = (to.clone(), message::vote(vote));
            self.effects.put(Output::Send { to, bytes });
        }
    }

    /// Sends a peer that is at the height of the last block, and has the proposal, the votes that decided it; not too
    /// often.
    pub(super) fn send_decision(&mut self, to: &PeerTag) {
        if !self.peers.may_tell(to, self.effects.now_ms) {
            return;
        }
        let Some(certificate) = &self.effects.tip_certificate else {
            return;
        };
        let votes: Vec<Vec<u8>> = precommits(certificate).collect();
        for bytes in votes {
            let to = to.clone();
            self.effects.put(Output::Send { to, bytes });
        }
    }
}

/// Whether organisations have more than a third of the power.
fn exceed_one_third(organisations: &BTreeSet<String>, set: &ValidatorSet) -> bool {
    let power = organisations.iter().map(|id| set.power_of_organisation(id));
    exceeds_one_third(power.fold(0, u64::saturating_add), set.total_power())
}

/// The messages of the votes in a certificate.
fn precommits(certificate: &CommitCertificate) -> impl Iterator<Item = Vec<u8>> {
    let id = certificate.block_id.as_slice().try_into().ok();
    let signatures = id.map(|id| (id, certificate.signatures.iter()));
    signatures.into_iter().flat_map(move |(id, signatures)| {
        signatures.filter_map(move |signature| {
            let vote = Vote {
                kind: VoteType::Precommit,
                height: Height(certificate.height),
                round: Round::new(certificate.round),
                value: NilOrVal::Val(BlockId(id)),
                address: Address(signature.public_key.as_slice().try_into().ok()?),
            };
            let signature = signature.signature.as_slice().try_into().ok()?;
            Some(message::vote(&SignedMessage::new(vote, signature)))
        })
    })
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use touchstone_core::governance::validators::Validator;

    use super::*;

    /// One that is dishonest gets no empty blocks out of the others.
    #[test]
    fn more_than_a_third_must_ask() {
        let validators = (1..=4u8).map(|i| Validator {
            public_key: SigningKey::from_bytes(&[i; 32]).verifying_key().to_bytes(),
            power: 1,
            organisation: i.to_string(),
        });
        let set = ValidatorSet::new(validators.collect(), 1).unwrap();
        let asking = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        assert!(!exceed_one_third(&asking(&[]), &set));
        assert!(!exceed_one_third(&asking(&["1", "stranger"]), &set));
        assert!(exceed_one_third(&asking(&["1", "3"]), &set));
    }

    #[test]
    fn who_asks_gets_what_is_new_and_the_rest_ever_less() {
        let mut asking = Asking::default();
        let peer = vec![1];
        let mut ask = |round, known, now_ms| {
            let due = asking.votes_for(&peer, round, known, now_ms, 10);
            due.collect::<Vec<usize>>()
        };
        let none = Vec::<usize>::new();
        assert_eq!(ask(0, 2, 0), [0, 1]);
        assert_eq!(ask(0, 2, 1), none, "it has just had them");
        assert_eq!(ask(0, 3, 2), [2], "what is new comes at once");
        assert_eq!(ask(0, 3, 19), none);
        assert_eq!(ask(0, 3, 20), [0, 1, 2], "they may have been lost");
        assert_eq!(ask(0, 3, 59), none, "the pause has doubled");
        assert_eq!(ask(0, 3, 60), [0, 1, 2]);
        assert_eq!(ask(1, 1, 61), [0], "another round");
        assert_eq!(ask(2, 0, 61), none, "of which nothing is here");
        assert_eq!(ask(0, 3, 62), none, "and back");
        assert_eq!(ask(1, 1, 62), none);
        assert_eq!(ask(0, 3, 10), [0, 1, 2], "the clock was set back");
    }
}
