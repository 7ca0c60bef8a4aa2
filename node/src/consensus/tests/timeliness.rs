//! When a proposed block counts: its maker, its time, and what stands in for them.

use super::agreement::signed_vote;
use super::refusals::{
    assert_a_quorum_decides, assert_prevoted_nil, block, block_of, proposal, refusal,
};
use super::*;
use crate::chain::Invalid;
use crate::consensus::context::{BlockId, Height};
use crate::consensus::message::{Polka, SignedProposal};
use crate::consensus::pacemaker::PARENT_TIME_MS;
use arc_malachitebft_core_types::{Round, VoteType};
use prost::Message as _;
use touchstone_core::block::{Block, MAX_TIME_MS};

#[test]
fn a_new_block_must_be_timely() {
    let parameters = genesis::Parameters::default();
    let (precision, delay) = (parameters.precision_ms, parameters.message_delay_ms);
    let now_ms = START_MS + 100_000;
    let cases = [
        (now_ms - delay - precision - 1, false),
        (now_ms - delay - precision, true),
        (now_ms + precision, true),
        (now_ms + precision + 1, false),
    ];
    for (time_ms, is_timely) in cases {
        let mut net = Net::new(4);
        net.now_ms = now_ms;
        let block = block(&net, time_ms);
        let signed = proposal(&net, 1, 0, block.id(), None);
        let reason = refusal(&mut net, message::proposal(&signed, Some(block.encode())));
        if is_timely {
            assert_eq!(reason, None);
        } else {
            assert_eq!(reason, Some(MessageRefused::Untimely { time_ms, now_ms }));
            assert_prevoted_nil(&net);
        }
    }
}

/// Others found the block timely and decide it: this node prevotes nil but follows the decision.
#[test]
fn an_untimely_block_with_a_quorum_is_decided_here_too() {
    let mut net = Net::new(4);
    net.now_ms = START_MS + 100_000;
    let block = block(&net, START_MS + 1);
    let id = block.id();
    let signed = proposal(&net, 1, 0, id, None);
    let reason = refusal(&mut net, message::proposal(&signed, Some(block.encode())));
    assert!(matches!(reason, Some(MessageRefused::Untimely { .. })));
    assert_prevoted_nil(&net);
    assert_a_quorum_decides(&mut net, id);
}

/// A block slipped in with an invented valid round isn't judged for timeliness then, and so must
/// not count as valid when it is later proposed as new.
#[test]
fn an_untimely_block_cannot_be_slipped_in_by_a_valid_round() {
    let mut net = Net::new(4);
    net.filter = Box::new(|_, _, _| false);
    net.now_ms = START_MS + 100_000;
    let block = block_of(&net, 2, START_MS + 1);
    let slipped = proposal(&net, 2, 1, block.id(), Some(0));
    let bytes = message::proposal(&slipped, Some(block.encode()));
    assert_eq!(refusal(&mut net, bytes), None);
    for i in [1, 3] {
        let vote = signed_vote(&net, i, VoteType::Prevote, 1, 5, None);
        assert_eq!(refusal(&mut net, message::vote(&vote)), None);
    }
    assert_eq!(net.machine(0).round(), Some(5));
    let as_new = proposal(&net, 2, 5, block.id(), None);
    let bytes = message::proposal(&as_new, Some(block.encode()));
    let reason = refusal(&mut net, bytes);
    assert!(matches!(reason, Some(MessageRefused::Untimely { .. })));
    let own = keys(4)[0].verifying_key().to_bytes().to_vec();
    net.run(10_000);
    let prevote = net.signed.get(&(own, true, 1, 5, VoteType::Prevote as u8));
    let vote = ledger::Vote::decode(&prevote.unwrap()[..]).unwrap();
    assert_eq!(vote.block_id, Vec::<u8>::new());
}

/// What node 0 has prevoted at height 1: nothing yet, nil, or a block.
fn prevote(net: &Net, round: u32) -> Option<Vec<u8>> {
    let own = keys(4)[0].verifying_key().to_bytes().to_vec();
    let bytes = net
        .signed
        .get(&(own, true, 1, round, VoteType::Prevote as u8))?;
    Some(ledger::Vote::decode(&bytes[..]).unwrap().block_id)
}

/// Only node 0 runs, long after the genesis; the others are their keys.
fn alone() -> Net {
    let mut net = Net::new(4);
    net.filter = Box::new(|_, _, _| false);
    net.now_ms = START_MS + 100_000;
    net
}

/// Two others speak of a round, and node 0 follows them there.
fn go_to(net: &mut Net, round: u32) {
    for i in [1, 3] {
        let vote = signed_vote(net, i, VoteType::Prevote, 1, round, None);
        let bytes = message::vote(&vote);
        let from = tag(i);
        net.give(0, Input::Message { from, bytes });
    }
    assert_eq!(net.machine(0).round(), Some(round));
}

fn polka(net: &Net, round: u32, id: Hash) -> Vec<u8> {
    let votes = (1..4).map(|i| signed_vote(net, i, VoteType::Prevote, 1, round, Some(id)));
    let polka = Polka::new(Height(1), Round::new(round), BlockId(id), votes.collect());
    message::polka(&polka)
}

fn send(net: &mut Net, signed: &SignedProposal, block: Option<&Block>) {
    let bytes = message::proposal(signed, block.map(Block::encode));
    let from = tag(1);
    net.give(0, Input::Message { from, bytes });
}

/// Validator 1 proposes in rounds 0, 4 and 8, validator 2 in rounds 1, 5 and 9. A valid round that
/// nobody voted for doesn't carry an untimely or another's block past the judgement, in whatever
/// order, round or company it comes.
#[test]
fn an_invented_valid_round_carries_nothing_past_the_judgement() {
    type Step = (u32, Option<u32>, bool);
    let new = |round, with_body| -> Step { (round, None, with_body) };
    let claimed = |round, valid, with_body| -> Step { (round, Some(valid), with_body) };
    let cases: [&[Step]; 8] = [
        &[new(5, false), claimed(9, 0, true)],
        &[new(5, false), claimed(5, 0, true)],
        &[new(5, false), claimed(1, 0, true)],
        &[claimed(9, 0, true), new(5, false)],
        &[claimed(5, 0, true), new(5, false)],
        &[claimed(1, 0, true), new(5, false)],
        &[claimed(1, 0, true), new(5, true)],
        &[claimed(1, 0, false), new(5, false), claimed(9, 8, true)],
    ];
    for (i, steps) in cases.iter().enumerate() {
        // Untimely; and timely, but made by validator 3.
        for (maker, time_ms) in [(2, START_MS + 1), (3, START_MS + 100_000)] {
            let mut net = alone();
            let block = block_of(&net, maker, time_ms);
            go_to(&mut net, 5);
            for (round, valid_round, with_body) in *steps {
                let signed = proposal(&net, 2, *round, block.id(), *valid_round);
                send(&mut net, &signed, with_body.then_some(&block));
            }
            net.run(10_000);
            assert_eq!(
                prevote(&net, 5),
                Some(Vec::new()),
                "case {i}, maker {maker}"
            );
        }
    }
}

/// The same before the rounds come: whatever is sent ahead is judged in its own round.
#[test]
fn what_is_sent_ahead_is_judged_in_its_round() {
    for is_later_first in [true, false] {
        let mut net = alone();
        let block = block_of(&net, 1, START_MS + 1);
        let mut rounds = [0, 4];
        if is_later_first {
            rounds.reverse();
        }
        for round in rounds {
            let signed = proposal(&net, 1, round, block.id(), None);
            send(&mut net, &signed, Some(&block));
        }
        assert_eq!(prevote(&net, 0), Some(Vec::new()));
        go_to(&mut net, 4);
        net.run(10_000);
        assert_eq!(prevote(&net, 4), Some(Vec::new()), "{is_later_first}");
    }
}

#[test]
fn a_block_sent_ahead_gets_the_prevote_of_its_round() {
    let mut net = alone();
    let block = block_of(&net, 2, net.now_ms);
    let signed = proposal(&net, 2, 1, block.id(), None);
    send(&mut net, &signed, Some(&block));
    assert_eq!(net.machine(0).effects.height.proposals.valid_blocks(), 0);
    go_to(&mut net, 1);
    assert_eq!(prevote(&net, 1), Some(block.id().to_vec()));
}

/// A block that more than 2/3 prevoted in an earlier round is prevoted when it is proposed again,
/// whatever its time and in whatever order polka, proposal and body come.
#[test]
fn a_block_with_a_polka_is_prevoted_again_whatever_its_time() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Part {
        Polka,
        Proposal,
        Body,
    }
    use Part::*;
    let orders = [
        [Polka, Proposal, Body],
        [Polka, Body, Proposal],
        [Proposal, Polka, Body],
        [Proposal, Body, Polka],
        [Body, Polka, Proposal],
    ];
    for order in orders {
        let mut net = alone();
        let block = block_of(&net, 1, START_MS + 1);
        let id = block.id();
        go_to(&mut net, 5);
        let signed = proposal(&net, 2, 5, id, Some(0));
        for part in order {
            match part {
                Polka => {
                    let bytes = polka(&net, 0, id);
                    assert_eq!(refusal(&mut net, bytes), None);
                }
                Proposal => send(&mut net, &signed, None),
                Body => send(&mut net, &signed, Some(&block)),
            }
        }
        assert_eq!(prevote(&net, 5), Some(id.to_vec()), "{order:?}");
    }
}

/// A claim that isn't proven in time gets a nil prevote, but what the others then decide is
/// decided here too.
#[test]
fn an_unproven_block_with_a_quorum_is_decided_here_too() {
    for votes_come_first in [false, true] {
        let mut net = alone();
        let block = block_of(&net, 1, START_MS + 1);
        let id = block.id();
        go_to(&mut net, 5);
        let signed = proposal(&net, 2, 5, id, Some(0));
        if !votes_come_first {
            send(&mut net, &signed, Some(&block));
            net.run(10_000);
            assert_eq!(prevote(&net, 5), Some(Vec::new()));
        }
        for i in 1..4 {
            let vote = signed_vote(&net, i, VoteType::Precommit, 1, 5, Some(id));
            assert_eq!(refusal(&mut net, message::vote(&vote)), None);
        }
        if votes_come_first {
            send(&mut net, &signed, Some(&block));
        }
        assert_eq!(net.committed, [(0, 1, 5, 0)], "{votes_come_first}");
    }
}

/// Made by validator 1, proposed as new by validator 2 in its round.
#[test]
fn a_stolen_block_is_refused() {
    let mut net = alone();
    let block = block_of(&net, 1, net.now_ms);
    go_to(&mut net, 1);
    let stolen = proposal(&net, 2, 1, block.id(), None);
    let bytes = message::proposal(&stolen, Some(block.encode()));
    assert_eq!(refusal(&mut net, bytes), Some(MessageRefused::NotItsMaker));
    assert_eq!(prevote(&net, 1), Some(Vec::new()));
}

#[test]
fn a_time_that_cannot_be_written_is_refused() {
    for (time_ms, expected) in [(MAX_TIME_MS, false), (MAX_TIME_MS + 1, true)] {
        let mut net = alone();
        let block = block_of(&net, 1, time_ms);
        let signed = proposal(&net, 1, 0, block.id(), None);
        let bytes = message::proposal(&signed, Some(block.encode()));
        let too_late = MessageRefused::InvalidBlock(Invalid::TimeTooLate(time_ms));
        let reason = refusal(&mut net, bytes).unwrap();
        assert_eq!(reason == too_late, expected, "{reason}");
        assert_eq!(prevote(&net, 0), Some(Vec::new()));
    }
}

/// The earliest time that counts lies a tenth of the message delay further back with each round,
/// the latest stays: a message delay that is too short for a network can't stop its chain.
#[test]
fn each_round_allows_for_slower_messages() {
    let precision = genesis::Parameters::default().precision_ms;
    let now_ms = START_MS + 10_000_000;
    let cases = [
        (1, 4_400),
        (4, 5_856),
        (9, 9_429),
        (77, 3_600_000),
        (400, 3_600_000),
    ];
    for (round, delay) in cases {
        for (time_ms, is_timely) in [
            (now_ms - delay - precision - 1, false),
            (now_ms - delay - precision, true),
            (now_ms + precision, true),
            (now_ms + precision + 1, false),
        ] {
            let mut net = alone();
            net.now_ms = now_ms;
            let maker = (1 + round as usize) % 4;
            let block = block_of(&net, maker, time_ms);
            for ahead in (0..round).step_by(10).skip(1).chain([round]) {
                go_to(&mut net, ahead);
            }
            let signed = proposal(&net, maker, round, block.id(), None);
            send(&mut net, &signed, Some(&block));
            let expected = match is_timely {
                true => block.id().to_vec(),
                false => Vec::new(),
            };
            assert_eq!(prevote(&net, round), Some(expected), "{round}, {time_ms}");
        }
    }
}

/// Two of four clocks are an hour off: the chain stands still, and every node says so. One of them is
/// set right, and the chain goes on.
#[test]
fn two_wrong_clocks_of_four_raise_an_alarm_at_every_node() {
    let mut net = Net::new(4);
    net.clock_ahead_ms = vec![0, 0, 3_600_000, 7_200_000];
    net.submit(1);
    net.run(120_000);
    assert!(net.committed.is_empty());
    for i in 0..4 {
        let report = net.machine(i).clocks().clone();
        assert!(report.is_alarm, "node {i}: {report:?}");
        assert!(
            net.clocks
                .iter()
                .any(|(node, told)| *node == i && *told == report)
        );
        let wrong = keys(4)[3].verifying_key().to_bytes();
        let seen = report.untimely.iter().find(|o| o.validator == wrong);
        assert_eq!(seen.is_some(), i != 3);
        assert!(seen.is_none_or(|offset| offset.ahead_ms >= 3_000_000));
    }
    net.clock_ahead_ms[2] = 0;
    net.run_to(1);
    for height in 2..=6 {
        net.submit(height);
        net.run_to(height);
    }
    assert!(!net.machine(0).clocks().is_alarm);
    assert_eq!(net.machine(0).clocks().untimely.len(), 1);
}

/// Validator 1's block is as far ahead as the quicker clocks allow, and it votes for nothing of the others'. Node 3's
/// clock is 30 ms slower, and its vote is needed.
#[test]
fn a_time_far_ahead_makes_nobody_miss_the_next_turn() {
    let mut net = Net::new(4);
    let ahead_ms = genesis::Parameters::default().precision_ms;
    net.clock_ahead_ms = vec![30, 30 + ahead_ms, 30, 0];
    net.submit(1);
    net.run_to(1);
    let untimely = net.refused.drain(..).map(|(node, ..)| node);
    assert!(untimely.eq([3]));
    let began_ms = net.now_ms;
    net.filter = Box::new(|from, _, _| from != 1);
    net.submit(2);
    net.run_to(2);
    let mut rounds = net.committed.iter().filter(|c| c.1 == 2).map(|c| c.2);
    assert!(rounds.all(|round| round == 0));
    assert!(net.now_ms - began_ms <= PARENT_TIME_MS + 10);
    net.assert_agreement();
}

/// It may be this node's clock that is wrong.
#[test]
fn a_proposer_with_a_slow_clock_does_not_wait_for_it() {
    let mut net = Net::new(4);
    net.clock_ahead_ms = vec![3_600_000; 4];
    net.submit(1);
    net.run_to(1);
    net.clock_ahead_ms[2] = 0;
    net.submit(2);
    net.run_to(2);
    let rounds: Vec<u32> = net
        .committed
        .iter()
        .filter(|c| c.1 == 2)
        .map(|c| c.2)
        .collect();
    assert_eq!(rounds, [0; 4]);
}
