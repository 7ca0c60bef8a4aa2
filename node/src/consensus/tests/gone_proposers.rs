//! Rounds whose proposer's connections have ended.

use std::cell::RefCell;
use std::rc::Rc;

use arc_malachitebft_core_types::VoteType;

use super::agreement::signed_vote;
use super::*;
use crate::consensus::pacemaker::Pacemaker;
use crate::consensus::peers::Peers;
use crate::consensus::stalled_round::SMALL_BODY;
use crate::organisations::organisations;

/// Decides heights of which the last one is `height`; how long that took, milliseconds.
fn decide(net: &mut Net, heights: std::ops::RangeInclusive<u64>) -> u64 {
    let mut began_ms = net.now_ms;
    for height in heights {
        began_ms = net.now_ms;
        net.submit(height);
        net.run_to(height);
    }
    net.now_ms - began_ms
}

/// Seven validators 50 ms apart, whose next proposer is node 4.
fn seven_at_a_distance(net: Net) -> Net {
    let mut net = net;
    net.travel = Box::new(|| vec![50]);
    let took_ms = decide(&mut net, 1..=3);
    assert!(took_ms <= 150, "{took_ms}");
    net
}

fn rounds(net: &Net, height: u64) -> BTreeSet<u32> {
    let of_height = net.committed.iter().filter(|c| c.1 == height);
    of_height.map(|c| c.2).collect()
}

/// Two validators don't hear each other any more, and each has seen the connections end.
fn part(net: &mut Net, a: usize, b: usize) {
    net.give(a, Input::PeerDisconnected(tag(b)));
    net.give(b, Input::PeerDisconnected(tag(a)));
}

/// Its three hops, two of votes on nothing, and three for the next one's block.
#[test]
fn a_dead_proposers_first_turn_costs_less_than_a_timeout() {
    let mut net = seven_at_a_distance(Net::apart(7));
    net.crash(4);
    let took_ms = decide(&mut net, 4..=4);
    assert_eq!(rounds(&net, 4), BTreeSet::from([1]));
    // 112 until it is given up, and five hops.
    assert_eq!(took_ms, 362);
    net.assert_agreement();
}

/// Another node of its organisation may be the one that votes: the chain doesn't say which does.
#[test]
fn an_organisation_of_which_a_node_is_connected_has_not_gone() {
    let mut net = seven_at_a_distance(Net::new(7));
    net.crash(4);
    let took_ms = decide(&mut net, 4..=4);
    assert!(took_ms >= net.settings.propose_ms, "{took_ms}");
}

/// Whose node it was that has gone, a block may tell later.
#[test]
fn an_organisation_has_gone_once_a_block_lists_the_gone_node_as_its_only_one() {
    let mut net = Net::new(7);
    net.travel = Box::new(|| vec![50]);
    decide(&mut net, 1..=2);
    net.crash(4);
    let mut maker = organisations(&net.nodes[0].store).unwrap().remove(0);
    let of_gone = network_key(4).verifying_key();
    let is_gone = |peer: &ledger::Peer| peer.public_key == of_gone.as_bytes();
    maker.peers.retain(is_gone);
    assert_eq!(maker.peers.len(), 1);
    let change = ledger::Change {
        sequence: 1,
        kind: Some(ledger::change::Kind::PutOrganisation(maker)),
    };
    let approve = ledger::ApproveChange {
        change: Some(change),
    };
    let envelope = act(&net.genesis.chain_id, Action::ApproveChange(approve));
    net.submit_envelope(&envelope);
    net.run_to(3);
    let took_ms = decide(&mut net, 4..=4);
    assert_eq!(rounds(&net, 4), BTreeSet::from([1]), "it was node 4's turn");
    assert!(took_ms < net.settings.propose_ms, "{took_ms}");
}

/// Nothing says that a process that was stopped, or whose cable was cut, isn't merely slow.
#[test]
fn a_silent_proposer_whose_connections_are_open_is_waited_for() {
    let mut net = seven_at_a_distance(Net::apart(7));
    net.filter = Box::new(|from, _, _| from != 4);
    let took_ms = decide(&mut net, 4..=4);
    assert!(took_ms >= net.settings.propose_ms, "{took_ms}");
}

#[test]
fn a_proposer_that_goes_in_its_turn_is_waited_for_no_longer_than_one_that_went_before() {
    let mut net = seven_at_a_distance(Net::apart(7));
    net.filter = Box::new(|from, _, _| from != 4);
    let began_ms = net.now_ms;
    net.submit(4);
    net.run(200);
    net.crash(4);
    // Others that come and go meanwhile change nothing.
    net.run(100);
    for i in 0..4 {
        part(&mut net, i, 5);
    }
    net.run_to(4);
    assert_eq!(net.now_ms - began_ms, 200 + 362);
    assert_eq!(rounds(&net, 4), BTreeSet::from([1]));
}

/// Two of four can't decide alone: the other two get the proposal of the one that hears the proposer, before they give
/// it up.
#[test]
fn a_proposer_that_is_cut_off_from_two_keeps_its_turn_by_the_third() {
    // The last one's block is larger than what is sent to whoever asks for a round's proposal.
    for (travel_ms, more) in [(1, 0), (50, 0), (1, 600)] {
        let mut net = Net::apart(4);
        net.travel = Box::new(move || vec![travel_ms]);
        decide(&mut net, 1..=1);
        for number in 0..more {
            let envelope = deposit(&net.genesis.chain_id, 1000 + number);
            net.nodes[2].hear(&net.genesis.chain_id, &envelope);
        }
        net.filter =
            Box::new(|from, to, _| ![(2, 0), (0, 2), (2, 3), (3, 2)].contains(&(from, to)));
        part(&mut net, 2, 0);
        part(&mut net, 2, 3);
        net.submit(2);
        net.run_to(2);
        assert_eq!(rounds(&net, 2), BTreeSet::from([0]), "{travel_ms}, {more}");
        let (block, _) = net.nodes[0].store.block(2).unwrap().unwrap();
        assert_eq!(block.encode().len() > SMALL_BODY, more > 0);
    }
}

/// Its connections with two end when it has just proposed.
#[test]
fn who_loses_the_proposer_in_its_turn_asks_the_others_at_once() {
    let mut net = Net::apart(4);
    net.travel = Box::new(|| vec![20]);
    decide(&mut net, 1..=1);
    net.filter = Box::new(|from, to, _| ![(2, 0), (0, 2), (2, 3), (3, 2)].contains(&(from, to)));
    net.submit(2);
    net.run(50);
    part(&mut net, 2, 0);
    part(&mut net, 2, 3);
    // Asked and answered, and two rounds of votes; a round that stands would be asked for 70 ms later.
    net.run(80);
    assert_eq!(net.nodes[0].store.tip().height, 2);
    assert_eq!(rounds(&net, 2), BTreeSet::from([0]));
}

/// Who asks since its round stands, gets what is here: what isn't may be on its way to all.
#[test]
fn what_comes_late_is_not_passed_on_to_all_who_have_asked() {
    for (waited_ms, passed_on) in [(1, 1), (300, 0)] {
        let mut net = Net::apart(4);
        decide(&mut net, 1..=1);
        let sent = Rc::new(RefCell::new(0));
        let seen = sent.clone();
        net.filter = Box::new(move |from, to, message| {
            let is_proposal = matches!(message, Message::Proposal(..));
            *seen.borrow_mut() += u32::from(is_proposal && (from, to) == (1, 0));
            from == 2 && to == 1 && !matches!(message, Message::Want { .. })
        });
        net.travel = Box::new(|| vec![400]);
        net.submit(2);
        net.run(waited_ms);
        let bytes = message::want(2, 0, None, false);
        let from = tag(0);
        net.give(1, Input::Message { from, bytes });
        net.run(500);
        assert_eq!(*sent.borrow(), passed_on, "{waited_ms}");
    }
}

/// One more of them may still make a block of it.
#[test]
fn only_precommits_on_no_block_end_a_round_at_once() {
    let mut net = Net::new(4);
    net.filter = Box::new(|_, to, message| {
        to != 0
            || !matches!(message, Message::Vote(vote) if vote.message.kind == VoteType::Precommit)
    });
    net.submit(1);
    net.run(10);
    let nil = |net: &mut Net, i: usize| {
        let bytes = message::vote(&signed_vote(net, i, VoteType::Precommit, 1, 0, None));
        let from = tag(i);
        net.give(0, Input::Message { from, bytes });
        net.machine(0).round()
    };
    assert_eq!(nil(&mut net, 1), Some(0));
    assert_eq!(nil(&mut net, 2), Some(0), "its own one is on a block");
    assert_eq!(nil(&mut net, 3), Some(1));
}

#[test]
fn who_is_back_has_not_gone() {
    let (mut peers, peer) = (Peers::default(), tag(3));
    for _ in 0..2 {
        peers.connect(&peer);
        assert!(!peers.has_gone(&peer));
        peers.disconnect(&peer);
        assert!(peers.has_gone(&peer));
    }
}

#[test]
fn nobody_is_waited_for_longer_since_it_has_gone() {
    let mut pacemaker = Pacemaker::new(ConsensusSettings::default());
    assert_eq!(
        pacemaker.gone_ms(800),
        800,
        "nobody knows how long a height takes"
    );
    for (took_ms, waits_ms) in [(4_000, 800), (400, 300), (8, 100)] {
        pacemaker.height_took(took_ms);
        assert_eq!(pacemaker.gone_ms(800), waits_ms);
    }
    assert_eq!(pacemaker.gone_ms(50), 50);
}

/// One that doesn't hear the proposer is no reason for the others to lose its turn, whatever it does.
#[test]
fn a_proposer_that_is_cut_off_from_one_keeps_its_turn() {
    let mut net = Net::apart(4);
    decide(&mut net, 1..=1);
    net.filter = Box::new(|from, to, _| ![(2, 0), (0, 2)].contains(&(from, to)));
    part(&mut net, 2, 0);
    decide(&mut net, 2..=2);
    assert_eq!(rounds(&net, 2), BTreeSet::from([0]));
}

/// So where few are connected with each other, rounds become long enough for what must go by way of others.
#[test]
fn only_as_many_rounds_are_short_as_validators_may_be_missing() {
    for (count, short) in [(4, 1), (7, 2)] {
        let mut net = Net::apart(count);
        decide(&mut net, 1..=1);
        net.crash(2);
        let gone = keys(count)[2].verifying_key().to_bytes();
        let there = keys(count)[3].verifying_key().to_bytes();
        let all = keys(count);
        let all = all.iter().map(|key| key.verifying_key().to_bytes());
        let effects = &mut net.machine(0).effects;
        effects.height.begin(all.collect(), START_MS);
        let usual = effects.settings().clone();
        for (proposer, is_gone) in [(gone, true), (there, false)] {
            effects.height.start_round(0, proposer, START_MS);
            for round in 0..4 {
                let waits_ms = effects.proposal_ms(round);
                assert_eq!(
                    waits_ms == 100,
                    is_gone && round < short,
                    "{round}: {waits_ms}"
                );
                assert!(waits_ms == 100 || waits_ms >= usual.propose_ms);
            }
        }
        net.start(2);
        let effects = &mut net.machine(0).effects;
        effects.height.start_round(0, gone, START_MS);
        assert_eq!(effects.proposal_ms(0), usual.propose_ms, "it is back");
    }
}

/// A new node knows of no height, so not how far the others are.
#[test]
fn who_has_decided_nothing_waits_for_the_usual_time() {
    let mut net = Net::apart(4);
    net.crash(1);
    let took_ms = decide(&mut net, 1..=1);
    assert!(took_ms >= net.settings.propose_ms, "{took_ms}");
}
