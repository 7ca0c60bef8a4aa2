//! Agreement, with and without everyone there.

use super::*;
use crate::consensus::context::{Address, BlockId, Height, Vote};
use arc_malachitebft_core_types::{NilOrVal, Round, SignedMessage, VoteType};
use touchstone_core::signing;

#[test]
fn four_validators_decide_twenty_heights_alike() {
    let mut net = Net::new(4);
    for height in 1..=20 {
        net.submit(height);
        net.run_to(height);
    }
    net.assert_agreement();
    assert_eq!(net.refused, Vec::new());
    for (_, height, round, transactions) in &net.committed {
        assert_eq!((*round, *transactions), (0, 1), "height {height}");
    }
    for i in 0..4 {
        let tip = net.nodes[i].store.tip();
        assert_eq!(tip.height, 20);
        assert_eq!(
            tip.header.unwrap().proposer,
            keys(4)[0].verifying_key().to_bytes()
        );
    }
}

#[test]
fn a_single_validator_decides_alone() {
    let mut net = Net::new(1);
    for height in 1..=3 {
        net.submit(height);
        net.run_to(height);
    }
    assert_eq!(net.committed, [(0, 1, 0, 1), (0, 2, 0, 1), (0, 3, 0, 1)]);
}

#[test]
fn three_of_four_go_on_without_a_silent_one_and_soon_stop_waiting_for_it() {
    let mut net = Net::new(4);
    net.crash(3);
    let mut took = Vec::new();
    for height in 1..=12 {
        let before = net.now_ms;
        net.submit(height);
        net.run_to(height);
        // The silent one's turns.
        if height % 4 == 3 {
            took.push(net.now_ms - before);
        }
    }
    net.assert_agreement();
    let settings = ConsensusSettings::default();
    assert!(took[0] >= settings.propose_ms, "{took:?}");
    // A round in which more than 2/3 precommitted no block is left at once.
    assert!(took[0] < settings.propose_ms + 50, "{took:?}");
    for later in &took[1..] {
        assert!(*later < settings.propose_ms, "{took:?}");
    }
}

/// The state says whose turn is skipped: between the turns that are lost there are one, two, four and eight that cost
/// nothing. Back again, it proposes again.
#[test]
fn the_turns_of_a_dead_proposer_are_skipped_until_it_is_back() {
    let mut net = Net::new(4);
    net.crash(3);
    for height in 1..=44 {
        net.submit(height);
        net.run_to(height);
    }
    net.assert_agreement();
    let of_first = net.committed.iter().filter(|(node, ..)| *node == 0);
    let late = of_first.filter(|(_, _, round, _)| *round > 0);
    let late: Vec<u64> = late.map(|(_, height, ..)| *height).collect();
    assert_eq!(late, [3, 11, 23, 43]);
    net.start(3);
    let absent = keys(4)[3].verifying_key().to_bytes();
    let mut made = 0;
    for height in 45..=100 {
        net.submit(height);
        net.run_to(height);
        let tip = net.nodes[0].store.tip();
        made += usize::from(tip.header.unwrap().proposer == absent);
    }
    net.assert_agreement();
    assert!(made > 3, "{made} blocks");
    assert!(!net.machine(0).chain().turns().is_skipped(&absent, 101));
}

/// One organisation submits, and every other turn of the others is given to its validator.
#[test]
fn whose_transactions_came_last_is_given_turns_of_the_others() {
    let mut net = Net::apart(4);
    let mut made = [0; 4];
    for height in 1..=40 {
        net.submit(height);
        net.run_to(height);
        let maker = net.nodes[3].store.tip().header.unwrap().proposer;
        let made_by = |key: &SigningKey| key.verifying_key().to_bytes() == maker;
        made[keys(4).iter().position(made_by).unwrap()] += 1;
    }
    net.assert_agreement();
    assert!(net.committed.iter().all(|(_, _, round, _)| *round == 0));
    // At the first height nobody was the author yet.
    assert_eq!(made, [24, 6, 5, 5]);
}

#[test]
fn a_proposer_that_is_heard_again_is_waited_for_again() {
    let mut net = Net::new(4);
    net.crash(3);
    for height in 1..=3 {
        net.submit(height);
        net.run_to(height);
    }
    let absent = keys(4)[3].verifying_key().to_bytes();
    assert!(net.machine(0).effects.pacemaker.is_absent(&absent));
    net.start(3);
    net.run_to(3);
    net.submit(4);
    net.run_to(4);
    net.run(10);
    assert!(!net.machine(0).effects.pacemaker.is_absent(&absent));
}

#[test]
fn a_proposal_lost_on_the_way_is_asked_for() {
    let mut net = Net::new(4);
    // Height 1's proposer reaches node 0 only with its votes.
    net.filter = Box::new(|from, to, message| {
        !(from == 1 && to == 0 && matches!(message, Message::Proposal(..)))
    });
    let asked = std::rc::Rc::new(std::cell::Cell::new(false));
    let seen = asked.clone();
    let mut lose = std::mem::replace(&mut net.filter, Box::new(|_, _, _| true));
    net.filter = Box::new(move |from, to, message| {
        if from == 0 && matches!(message, Message::Want { .. }) {
            seen.set(true);
        }
        // The others' announcements are late, so that only the proposal helps.
        let is_announce = matches!(message, Message::Announce { height: 1.. });
        lose(from, to, message) && !(to == 0 && is_announce)
    });
    net.submit(1);
    // One of the others falls silent after its prevote: node 0's votes are needed.
    net.run_to(1);
    assert!(asked.get());
    net.assert_agreement();
    let by_zero = net.committed.iter().find(|c| c.0 == 0).unwrap();
    assert_eq!((by_zero.1, by_zero.2), (1, 0));
}

#[test]
fn a_laggard_and_a_follower_import_blocks() {
    let mut net = Net::with(4, 1);
    net.crash(2);
    for height in 1..=9 {
        net.submit(height);
        let until_ms = net.now_ms + 60_000;
        while net.nodes[4].store.tip().height < height {
            assert!(net.step(until_ms));
        }
    }
    assert_eq!(net.nodes[2].store.tip().height, 0);
    net.start(2);
    net.run_to(9);
    net.submit(10);
    net.run_to(10);
    net.assert_agreement();
    assert!(!net.machine(4).is_validator());
    assert!(net.machine(2).is_validator());
}

#[test]
fn each_distinct_signature_is_verified_once_and_own_ones_never() {
    let mut net = Net::new(4);
    for height in 1..=5 {
        net.submit(height);
        net.run_to(height);
        net.run(20);
    }
    for i in 0..4 {
        let per_height = net.machine(i).verifications() as f64 / 5.0;
        // One proposal, the prevotes of three others, and the precommits of two, which decide with the own one.
        assert!(per_height <= 6.0, "{per_height}");
    }
}

/// Signs a vote by validator `i` as its owner would, without a guard.
pub fn signed_vote(
    net: &Net,
    i: usize,
    kind: VoteType,
    height: u64,
    round: u32,
    id: Option<Hash>,
) -> message::SignedVote {
    let key = &keys(4)[i];
    let vote = Vote {
        kind,
        height: Height(height),
        round: Round::new(round),
        value: id.map_or(NilOrVal::Nil, |id| NilOrVal::Val(BlockId(id))),
        address: Address(key.verifying_key().to_bytes()),
    };
    let (purpose, bytes) = vote.signed();
    let signature = signing::sign(key, purpose, &net.genesis.chain_id, &bytes);
    SignedMessage::new(vote, signature)
}

#[test]
fn an_equivocator_is_recorded_and_agreement_holds() {
    let mut net = Net::new(4);
    net.crash(3);
    net.submit(1);
    let from = tag(3);
    for id in [None, Some([7; 32])] {
        let vote = signed_vote(&net, 3, VoteType::Prevote, 1, 0, id);
        let bytes = message::vote(&vote);
        let from = from.clone();
        net.give(0, Input::PeerConnected(from.clone()));
        net.give(0, Input::Message { from, bytes });
    }
    net.run_to(1);
    net.assert_agreement();
    let evidence = net.nodes[0].store.misbehaviour();
    assert_eq!(evidence.len(), 1);
    let evidence = &evidence[0];
    let key = keys(4)[3].verifying_key().to_bytes();
    assert_eq!(evidence.validator, key);
    assert_ne!(evidence.first, evidence.second);
    for (bytes, signature) in [
        (&evidence.first, &evidence.first_signature),
        (&evidence.second, &evidence.second_signature),
    ] {
        let signature = signature.as_slice().try_into().unwrap();
        let chain_id = &net.genesis.chain_id;
        assert!(signing::verify(
            &key,
            Purpose::Vote,
            chain_id,
            bytes,
            &signature
        ));
    }
    assert_eq!(net.misbehaviour, 1);
    assert!(net.nodes[1].store.misbehaviour().is_empty());
}
