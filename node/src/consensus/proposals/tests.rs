//! Each transition of a proposal, and its bounds.

use arc_malachitebft_core_types::{Round, SignedMessage};

use super::requests::MAX_REQUESTS;
use super::*;
use crate::consensus::context::{Address, BlockId, Height, Proposal};

impl Proposals {
    /// How many blocks the ledger has taken for valid.
    pub fn valid_blocks(&self) -> usize {
        let valid = self
            .blocks
            .values()
            .filter(|b| matches!(b, Judged::Valid(_)));
        valid.count()
    }

    /// The first of them.
    pub fn valid_block(&self) -> Option<Hash> {
        let mut blocks = self.blocks.iter();
        blocks.find_map(|(id, judged)| matches!(judged, Judged::Valid(_)).then_some(*id))
    }

    pub fn requested_rounds(&self) -> Vec<u32> {
        let requested = self.entries.iter().filter(|(_, e)| e.request.is_some());
        requested.map(|((round, _), _)| *round).collect()
    }
}

fn signed(round: u32, id: u8) -> SignedProposal {
    let proposal = Proposal {
        height: Height(1),
        round: Round::new(round),
        value: BlockId([id; 32]),
        valid_round: Round::Nil,
        address: Address([9; 32]),
    };
    SignedMessage::new(proposal, [0; 64])
}

fn body(byte: u8) -> Body {
    Body {
        bytes: vec![byte],
        proposer: [9; 32],
        time_ms: 1,
    }
}

fn peer(byte: u8) -> PeerTag {
    vec![byte]
}

fn received(round: u32, id: u8) -> Proposals {
    let mut proposals = Proposals::default();
    let taken = proposals.receive(signed(round, id), &peer(1), 5, false);
    assert_eq!(taken, Ok(()));
    proposals
}

fn pending(proposals: &Proposals) -> Vec<ProposalKey> {
    let pending = proposals.pending_latest_first();
    pending.map(|(key, _)| *key).collect()
}

fn unread(from: u8) -> UnreadBody {
    UnreadBody {
        from: peer(from),
        bytes: vec![from],
    }
}

#[test]
fn a_proposal_is_mentioned_then_pending_then_delivered() {
    let mut proposals = Proposals::default();
    let key = (2, [7; 32]);
    assert!(proposals.mention(key, &peer(1)));
    assert_eq!(proposals.signed_in(2).count(), 0);
    assert_eq!(pending(&proposals), []);

    let taken = proposals.receive(signed(2, 7), &peer(1), 5, false);
    assert_eq!(taken, Ok(()));
    assert_eq!(pending(&proposals), [key]);
    assert_eq!(proposals.refuse(&key), Some(peer(1)));
    assert!(proposals.pending_latest_first().all(|(_, p)| p.is_refused));
    let stages = |proposals: &Proposals| -> Vec<bool> {
        proposals
            .signed_in(2)
            .map(|(_, delivered)| delivered)
            .collect()
    };
    assert_eq!(stages(&proposals), [false]);

    proposals.deliver(&key);
    assert_eq!(pending(&proposals), []);
    assert_eq!(stages(&proposals), [true]);
    assert_eq!(proposals.refuse(&key), None, "it is out of our hands");
}

/// When a proposal was first seen decides whether it was timely: a repetition doesn't count.
#[test]
fn a_repetition_changes_nothing() {
    let mut proposals = received(0, 7);
    proposals.refuse(&(0, [7; 32]));
    let taken = proposals.receive(signed(0, 7), &peer(2), 99, false);
    assert_eq!(taken, Ok(()));
    let (_, found) = proposals.pending_latest_first().next().expect("one");
    assert_eq!((found.seen_ms, found.is_refused), (5, true));
}

#[test]
fn a_round_keeps_two_proposals_and_those_with_a_polka() {
    let mut proposals = received(0, 1);
    assert!(proposals.mention((0, [4; 32]), &peer(1)), "this isn't one");
    assert_eq!(proposals.receive(signed(0, 2), &peer(1), 5, false), Ok(()));
    let third = proposals.receive(signed(0, 3), &peer(1), 5, false);
    assert_eq!(third, Err(TooMany));
    let third = proposals.receive(signed(0, 3), &peer(1), 5, true);
    assert_eq!(third, Ok(()));
    let other_round = proposals.receive(signed(1, 3), &peer(1), 5, false);
    assert_eq!(other_round, Ok(()));
    assert_eq!(proposals.signed_in(0).count(), 3);
}

#[test]
fn an_own_proposal_is_delivered_once_it_is_signed() {
    let mut proposals = Proposals::default();
    proposals.accept_block([7; 32], body(1));
    proposals.set_own_block(0, [7; 32], true);
    proposals.set_own_block(0, [8; 32], false);
    assert_eq!(proposals.own_block(0), Some([7; 32]), "the first stays");
    assert_eq!(proposals.own_block(1), None);
    assert_eq!(proposals.signed_in(0).count(), 0);
    proposals.publish(&signed(0, 7), 0);
    assert_eq!(pending(&proposals), []);
    let own: Vec<_> = proposals.own_blocks().collect();
    assert!(matches!(
        own[..],
        [OwnBlock {
            round: 0,
            is_full: true,
            ..
        }]
    ));
}

/// A proposal from the log waits for its block unless that is known; then it counts as delivered,
/// for the log is replayed to Malachite.
#[test]
fn what_the_log_holds_is_pending_until_its_block_is_read() {
    let mut proposals = Proposals::default();
    proposals.restore(signed(0, 7), 5);
    proposals.restore(signed(1, 7), 5);
    proposals.restore(signed(1, 8), 5);
    assert_eq!(proposals.refuse(&(0, [7; 32])), None, "no peer sent it");
    proposals.accept_block([7; 32], body(1));
    proposals.deliver_block(&[7; 32]);
    assert_eq!(pending(&proposals), [(1, [8; 32])]);
    proposals.restore(signed(2, 7), 5);
    assert_eq!(pending(&proposals), [(1, [8; 32])]);
}

#[test]
fn a_blocks_verdict_holds_in_every_round() {
    let mut proposals = received(0, 7);
    assert!(!proposals.is_judged(&[7; 32]));
    proposals.accept_block([7; 32], body(1));
    assert!(proposals.is_judged(&[7; 32]) && proposals.body(&[7; 32]).is_some());
    proposals.reject_block([8; 32]);
    assert!(proposals.is_rejected(&[8; 32]) && proposals.body(&[8; 32]).is_none());
    let taken = proposals.receive(signed(3, 7), &peer(1), 5, false);
    assert_eq!(taken, Ok(()));
    let rounds = |id: u8, until| proposals.rounds_of(&[id; 32], until).collect::<Vec<_>>();
    assert_eq!(rounds(7, 2), [0]);
    assert_eq!(rounds(7, 3), [0, 3]);
    assert!(rounds(8, 3).is_empty());
}

#[test]
fn unread_bodies_are_those_of_the_nearest_rounds() {
    let mut proposals = Proposals::default();
    for round in 0..8 {
        let taken = proposals.receive(signed(round, 7), &peer(1), 5, false);
        assert_eq!(taken, Ok(()));
    }
    let mut keep = |round: u32, current: u32| {
        let body = unread(round as u8);
        proposals.keep_unread_body((round, [7; 32]), body, current)
    };
    assert_eq!(keep(5, 3), None);
    assert_eq!(keep(6, 3), None);
    let dropped = keep(4, 3);
    assert_eq!(dropped, Some(((6, [7; 32]), peer(6))), "the furthest");
    for round in [2, 0, 3] {
        assert_eq!(keep(round, 3), None, "what is past isn't asked for again");
    }
    let rounds = |proposals: &Proposals| -> Vec<u32> {
        let unread = proposals.unread_bodies().into_iter();
        unread.map(|(round, _)| round).collect()
    };
    assert_eq!(rounds(&proposals), [2, 3, 4, 5], "the oldest is dropped");
    let first = proposals.keep_unread_body((2, [7; 32]), unread(9), 3);
    assert_eq!(first, None);
    let kept = proposals.take_unread_body(&(2, [7; 32]));
    assert_eq!(kept.map(|body| body.from), Some(peer(2)), "the first stays");
    assert_eq!(rounds(&proposals), [3, 4, 5]);
}

#[test]
fn a_missing_proposal_is_asked_of_one_peer_and_then_of_all() {
    let mut proposals = Proposals::default();
    let key = (0, [7; 32]);
    assert!(proposals.mention(key, &peer(1)));
    assert!(proposals.mention(key, &peer(2)));
    assert_eq!(proposals.requests(), [(key, Some(peer(1)))]);
    assert_eq!(proposals.requests(), [(key, None)]);

    let taken = proposals.receive(signed(0, 7), &peer(1), 5, false);
    assert_eq!(taken, Ok(()));
    assert_eq!(proposals.requests(), [(key, None)], "its block is missing");
    proposals.accept_block([7; 32], body(1));
    assert_eq!(proposals.requests(), []);
    assert!(!proposals.mention(key, &peer(1)), "nothing is missing");
}

#[test]
fn requests_are_bounded() {
    let mut proposals = Proposals::default();
    for round in 0..100 {
        let is_taken = proposals.mention((round, [7; 32]), &peer(1));
        assert_eq!(is_taken, round < MAX_REQUESTS as u32);
    }
    // What one makes up doesn't stand before what another has.
    assert!(proposals.mention((0, [8; 32]), &peer(2)));
    let asked = proposals.requests();
    assert_eq!(asked.len(), MAX_REQUESTS + 1);
    assert!(asked.contains(&((0, [8; 32]), Some(peer(2)))));
}

#[test]
fn an_answer_needs_the_block_and_a_growing_pause() {
    let mut proposals = received(0, 7);
    let ask = |proposals: &mut Proposals, from: u8, now_ms| {
        proposals
            .answers(&peer(from), 0, None, usize::MAX, now_ms, 10)
            .len()
    };
    assert_eq!(ask(&mut proposals, 1, 0), 0, "without its block");
    proposals.accept_block([7; 32], body(1));
    let times = [(0, 1), (10, 0), (19, 0), (20, 1), (59, 0), (60, 1)];
    for (now_ms, expected) in times {
        assert_eq!(ask(&mut proposals, 1, now_ms), expected, "at {now_ms}");
    }
    assert_eq!(ask(&mut proposals, 2, 60), 1, "each peer has its own pause");
    let other = proposals.answers(&peer(3), 0, Some([8; 32]), usize::MAX, 0, 10);
    assert!(other.is_empty());
}
