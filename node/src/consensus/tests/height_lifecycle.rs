//! When heights start, and timers.

use std::cell::RefCell;
use std::rc::Rc;

use super::agreement::signed_vote;
use super::*;
use crate::consensus::pacemaker::{FLOOD_PAUSE_MS, Timer};
use crate::storage::double_sign_guard::AHEAD;
use arc_malachitebft_core_types::VoteType;
use touchstone_core::rejection::Rejection;

#[test]
fn an_idle_network_makes_one_block_a_minute() {
    let mut net = Net::new(4);
    net.run(59_000);
    assert!(net.committed.is_empty());
    for i in 0..4 {
        assert_eq!(net.machine(i).round(), None);
    }
    net.run(1_500);
    let heights: BTreeSet<_> = net.committed.iter().map(|c| (c.1, c.2, c.3)).collect();
    assert_eq!(heights, BTreeSet::from([(1, 0, 0)]));
    assert_eq!(net.committed.len(), 4);
    net.run(58_000);
    assert_eq!(net.committed.len(), 4);
    net.run(3_000);
    assert_eq!(net.committed.len(), 8);
}

#[test]
fn a_new_chain_makes_its_first_block_at_once_and_then_rests() {
    let mut net = Net::new(4);
    let soon = ConsensusSettings::default().first_block_ms;
    net.settings.first_block_ms = soon;
    for i in 0..4 {
        net.crash(i);
        net.start(i);
    }
    net.run(soon + 1_000);
    let heights: BTreeSet<_> = net.committed.iter().map(|c| (c.1, c.2, c.3)).collect();
    assert_eq!(heights, BTreeSet::from([(1, 0, 0)]));
    net.run(50_000);
    assert_eq!(net.committed.len(), 4);
}

#[test]
fn a_transaction_after_a_long_pause_is_decided_in_round_0() {
    let mut net = Net::new(4);
    net.run(45_000);
    let before = net.now_ms;
    net.submit(1);
    net.run_to(1);
    assert!(net.committed.iter().all(|c| c.2 == 0 && c.3 == 1));
    assert!(net.now_ms - before < 100);
}

/// Where one client waits for each of its transactions, nothing else is waited for: proposal, prevotes and precommits
/// travel, and no height is announced by itself while others follow.
#[test]
fn transactions_one_by_one_are_decided_within_three_hops() {
    let mut net = Net::new(4);
    let announcements = std::rc::Rc::new(std::cell::Cell::new(0));
    let seen = announcements.clone();
    net.filter = Box::new(move |_, _, message| {
        let is_announcement = matches!(message, Message::Announce { height: 1.. });
        seen.set(seen.get() + u32::from(is_announcement));
        true
    });
    for number in 1..=10 {
        let before = net.now_ms;
        net.submit(number);
        net.run_to(number);
        assert_eq!(net.now_ms - before, 3 * TRAVEL_MS);
    }
    assert_eq!(announcements.get(), 0);
    net.run(net.settings.commit_announce_ms + TRAVEL_MS);
    assert_eq!(announcements.get(), 4 * 3);
}

/// Where the last block held several, more are worth waiting for.
#[test]
fn several_transactions_wait_for_others() {
    let mut net = Net::new(4);
    net.submit(1);
    net.submit(2);
    net.run_to(1);
    assert!(net.committed.iter().all(|c| c.3 == 2));
    net.run(1_000);
    let before = net.now_ms;
    net.submit(3);
    net.run_to(2);
    let delay_ms = net.settings.batching_delay_ms;
    assert_eq!(net.now_ms - before, delay_ms + 3 * TRAVEL_MS);
}

/// Others' transactions are proposed as always.
#[test]
fn a_flood_that_waits_alone_gives_others_time_and_they_wait_for_none_of_it() {
    for (other_after_ms, owes) in [
        (None, false),
        (None, true),
        (Some(10), false),
        (Some(10), true),
    ] {
        let mut net = Net::apart(4);
        let pool = net.nodes[0].pool.clone();
        let chain_id = net.genesis.chain_id;
        let take = |envelope: Vec<u8>| {
            let verified = transaction::verify(&chain_id, &envelope).unwrap();
            *pool.insert(verified, None).unwrap().unwrap().id()
        };
        let of_other = |created_ms: u64| {
            let transaction = ledger::Transaction {
                organisation: "other-0".into(),
                created_ms,
                action: Some(Action::DepositDesign(ledger::DepositDesign::default())),
            };
            transaction::sign(&SigningKey::from_bytes(&[201; 32]), &chain_id, &transaction)
        };
        pool.allow(Some(100));
        let flood: Vec<_> = (0..100).map(|n| take(deposit(&chain_id, n))).collect();
        // Another has come lately, and waits no longer.
        let other = take(of_other(START_MS));
        pool.committed(&[], 0, START_MS);
        pool.reject(&other, Rejection::PoolFull);
        if owes {
            pool.committed(&flood[..1], 0, START_MS);
        }
        let waits_off_ms = pool.flood_waits_off_ms(START_MS).unwrap();
        assert_eq!(waits_off_ms > FLOOD_PAUSE_MS, owes, "{waits_off_ms}");
        net.give(0, Input::Transactions);
        net.run(10);
        if other_after_ms.is_some() {
            take(of_other(START_MS + 1));
        }
        net.give(0, Input::Transactions);
        let mut waited_ms = 10;
        while net.machine(0).round().is_none() {
            net.run(1);
            waited_ms += 1;
        }
        assert_eq!(
            waited_ms,
            other_after_ms.map_or(FLOOD_PAUSE_MS.max(waits_off_ms), |ms| ms + 1)
        );
        // Else it would end the next pause too early.
        let pacemaker = &net.machine(0).effects.pacemaker;
        assert!(!pacemaker.runs(Timer::FloodPause));
    }
}

#[test]
fn a_vote_wakes_a_held_height_and_a_forged_one_does_not() {
    let mut net = Net::new(4);
    net.run(100);
    let mut forged = signed_vote(&net, 3, VoteType::Prevote, 1, 0, None);
    forged.signature[0] ^= 1;
    let bytes = message::vote(&forged);
    let from = tag(3);
    net.give(0, Input::Message { from, bytes });
    assert_eq!(net.machine(0).round(), None);
    let vote = signed_vote(&net, 3, VoteType::Prevote, 1, 0, None);
    let bytes = message::vote(&vote);
    let from = tag(3);
    net.give(0, Input::Message { from, bytes });
    assert_eq!(net.machine(0).round(), Some(0));
    assert_eq!(net.machine(1).round(), None);
}

/// A transaction that reaches only one validator, which isn't the proposer: the others are woken
/// by votes, and the height goes on.
#[test]
fn a_proposer_woken_by_others_makes_what_it_can() {
    let mut net = Net::new(4);
    let envelope = deposit(&net.genesis.chain_id, 1);
    let pool = net.nodes[0].pool.clone();
    net.nodes[0].hear(&net.genesis.chain_id, &envelope);
    net.give(0, Input::Transactions);
    net.run_to(1);
    let mut rounds = 0;
    while pool.size().0 > 0 {
        rounds += 1;
        assert!(rounds < 10_000 && net.step(u64::MAX));
    }
    net.assert_agreement();
}

#[test]
fn a_transaction_that_comes_within_the_grace_is_taken_along() {
    let mut net = Net::new(4);
    // Node 1 proposes at height 1; node 0's vote wakes it with an empty pool.
    let from = tag(0);
    let vote = signed_vote(&net, 0, VoteType::Precommit, 1, 1, None);
    let bytes = message::vote(&vote);
    net.give(1, Input::Message { from, bytes });
    assert_eq!(net.machine(1).round(), Some(0));
    assert!(net.signed.is_empty());
    net.run(10);
    assert!(net.signed.is_empty());
    net.submit(1);
    net.run_to(1);
    assert!(net.committed.iter().all(|c| c.2 == 0 && c.3 == 1));
}

#[test]
fn a_stale_timer_does_nothing() {
    let mut net = Net::new(4);
    net.submit(1);
    net.run_to(1);
    net.run(50);
    let tokens: Vec<_> = (0..200).map(TimerToken).collect();
    let running: Vec<_> = tokens
        .iter()
        .filter(|t| net.machine(0).effects.pacemaker.is_running(**t))
        .copied()
        .collect();
    for token in tokens {
        if !running.contains(&token) {
            let outputs = net.machine(0).handle(START_MS + 100, Input::Timer(token));
            assert_eq!(outputs, Ok(Vec::new()));
        }
    }
    // Those of the running height's rounds are stale too once it is decided.
    net.run(2_000);
    net.submit(2);
    net.run_to(2);
    assert!(net.committed.iter().all(|c| c.2 == 0));
}

#[test]
fn one_disk_sync_per_step_and_none_for_what_others_say() {
    let mut net = Net::new(4);
    net.run(10);
    let before = net.nodes[0].disk.syncs();
    // A prevote of the next height's proposer: node 0 starts, logs it, and says nothing.
    let vote = signed_vote(&net, 3, VoteType::Prevote, 1, 0, None);
    let bytes = message::vote(&vote);
    let from = tag(3);
    net.give(0, Input::Message { from, bytes });
    assert_eq!(net.nodes[0].disk.syncs(), before);
    let mut last = before;
    net.submit(1);
    while net.nodes[0].store.tip().height == 0 {
        net.step(u64::MAX);
        let now = net.nodes[0].disk.syncs();
        // The log, and the guard with the first signature.
        assert!(
            now - last <= 1 + u64::from(last == before),
            "{}",
            now - last
        );
        last = now;
    }
    assert!(last > before);
}

/// With its prevote and with its precommit a validator syncs its log, and nothing else but the guard once in many
/// heights: the proposer's proposal leaves with its prevote.
#[test]
fn a_height_costs_a_validator_two_syncs_of_its_log() {
    let mut net = Net::new(4);
    net.submit(1);
    net.run_to(1);
    let syncs = |net: &Net| net.nodes.iter().map(|n| n.disk.syncs()).collect::<Vec<_>>();
    let before = syncs(&net);
    for height in 2..=AHEAD {
        net.submit(height);
        net.run_to(height);
    }
    assert!(net.committed.iter().all(|c| c.2 == 0), "in the first round");
    let each = syncs(&net).into_iter().zip(before);
    for costs in each.map(|(after, before)| after - before) {
        assert_eq!(costs, 2 * (AHEAD - 1));
    }
}

/// One validator alone, which may be dishonest, gets no empty block out of the proposer in the
/// first round, not even with the proposer's own votes sent back; among two of four is an honest
/// one.
#[test]
fn an_empty_block_needs_more_than_a_third() {
    let mut net = Net::new(4);
    net.filter = Box::new(|_, _, _| false);
    let say = |net: &mut Net, i: usize| {
        let vote = signed_vote(net, i, VoteType::Prevote, 1, 0, None);
        let bytes = message::vote(&vote);
        let from = tag(3);
        net.give(1, Input::Message { from, bytes });
    };
    say(&mut net, 3);
    say(&mut net, 1);
    net.run(net.settings.empty_block_delay_ms + 100);
    assert_eq!(net.machine(1).round(), Some(0));
    assert_eq!(own_blocks(&mut net, 1), []);
    say(&mut net, 0);
    assert_eq!(own_blocks(&mut net, 1).len(), 1);
}

/// One validator that is dishonest says something at each height as soon as it may. All began the height each time, and
/// asked for a block, so that an idle chain made empty ones without an end.
#[test]
fn who_begins_heights_in_vain_is_waited_for_ever_longer() {
    let mut net = Net::new(4);
    net.crash(3);
    let minutes = 5;
    for _ in 0..minutes * 600 {
        let height = net.machine(0).height();
        for i in 0..3 {
            let vote = signed_vote(&net, 3, VoteType::Prevote, height, 0, None);
            let (from, bytes) = (tag(3), message::vote(&vote));
            net.give(i, Input::Message { from, bytes });
        }
        net.run(100);
    }
    let made = net.committed.iter().map(|c| c.1).max().unwrap();
    // Twice as many as validators, six with pauses up to a minute, and a heartbeat's and its own each minute.
    assert!(made <= 8 + 6 + 2 * minutes, "{made} blocks");
    // Its word still counts where others have begun a height, and others' alone begins one.
    net.submit(1);
    net.run_to(made + 1);
    net.start(3);
    net.run_to(made + 1);
    net.assert_agreement();
}

/// Each answer to the same wish of the same peer comes after twice the pause.
#[test]
fn a_peer_that_goes_on_asking_gets_ever_less() {
    let mut net = Net::new(4);
    let answers = std::rc::Rc::new(std::cell::Cell::new(0));
    let seen = answers.clone();
    net.filter = Box::new(move |from, to, message| {
        let is_answer = matches!(message, Message::Proposal(..)) && (from, to) == (1, 2);
        seen.set(seen.get() + u32::from(is_answer));
        false
    });
    net.submit(1);
    net.run(20);
    assert_eq!(answers.get(), 1, "the proposal itself");
    let want = message::want(1, 0, None, false);
    let pause_ms = net.settings.request_delay_ms / 2;
    for _ in 0..1000 {
        let (from, bytes) = (tag(2), want.clone());
        net.give(1, Input::Message { from, bytes });
        net.run(pause_ms);
    }
    // After 2, 4, 8 … 256 pauses, and every 256.
    let expected = 8 + (1000 - 510) / 256;
    assert_eq!(answers.get() - 1, expected);
}

/// How many transactions a node puts in its next block.
fn block_limit(net: &mut Net, i: usize) -> u64 {
    let effects = &net.machine(i).effects;
    let parameters = effects.chain.parameters();
    effects.block_size.of(parameters).transactions
}

#[test]
fn a_full_block_that_is_decided_at_once_lets_the_next_be_larger() {
    let mut net = Net::new(4);
    // Node 1 proposes at height 1.
    for _ in 0..10 {
        net.machine(1).effects.block_size.failed();
    }
    let (few, first) = (block_limit(&mut net, 1), block_limit(&mut net, 0));
    assert!(few < first);
    for number in 0..=few {
        net.submit(number);
    }
    net.run_to(1);
    assert!(net.committed.iter().all(|c| (c.2, c.3) == (0, few)));
    assert!(block_limit(&mut net, 1) > few);
    assert_eq!(block_limit(&mut net, 0), first, "it has proposed nothing");
}

#[test]
fn a_block_that_is_not_decided_in_its_round_makes_the_next_smaller() {
    let mut net = Net::new(4);
    let first = block_limit(&mut net, 1);
    net.filter =
        Box::new(|from, _, message| from != 1 || !matches!(message, Message::Proposal(..)));
    net.submit(1);
    net.run_to(1);
    assert!(net.committed.iter().all(|c| (c.2, c.3) == (1, 1)));
    assert_eq!(block_limit(&mut net, 1), first / 2);
    for i in [0, 2, 3] {
        let limit = block_limit(&mut net, i);
        assert_eq!(
            limit, first,
            "what isn't full proves nothing, and others' blocks don't count"
        );
    }
}

/// A block takes five times as long to make, and again to check, as a proposal is waited for. It is
/// decided after a few rounds, and the next one at once.
#[test]
fn a_block_that_takes_long_is_decided_in_few_rounds_and_the_next_in_one() {
    let mut net = Net::new(4);
    net.work_ms = 4_000;
    net.submit(1);
    net.run_to(1);
    let rounds = |net: &Net, height| -> BTreeSet<u32> {
        let of_height = net.committed.iter().filter(|c| c.1 == height);
        of_height.map(|(_, _, round, _)| *round).collect()
    };
    let needed = rounds(&net, 1);
    assert!(
        needed.iter().all(|round| (1..=6).contains(round)),
        "{needed:?}"
    );
    let took_ms = net.now_ms - START_MS;
    assert!(took_ms < 45_000, "{took_ms}");
    for height in 2..=4 {
        net.submit(height);
        net.run_to(height);
        assert_eq!(rounds(&net, height), BTreeSet::from([0]), "{height}");
    }
    net.assert_agreement();
    // Where blocks are quick again, the patience ends.
    net.work_ms = 0;
    for height in 5..=80 {
        net.submit(height);
        net.run_to(height);
    }
    let timeout = net
        .machine(0)
        .effects
        .pacemaker
        .duration_ms(Timer::Propose(0), &[0; 32]);
    assert_eq!(timeout, net.settings.propose_ms);
}

/// An author may have every other turn: it can't make the others wait ever longer for it.
#[test]
fn a_late_block_of_a_given_turn_makes_no_round_longer() {
    let usual_ms = ConsensusSettings::default().propose_ms;
    let longer_ms = usual_ms + ConsensusSettings::default().propose_delta_ms;
    // Node 0 is the author's: height 2 is an own turn of node 2, and height 3 is given.
    for (proposer, height, expected_ms) in [(2, 2, longer_ms), (0, 3, usual_ms)] {
        let mut net = Net::apart(4);
        for before in 1..height {
            net.submit(before);
            net.run_to(before);
        }
        let late = Rc::new(RefCell::new(Vec::new()));
        let kept = late.clone();
        net.filter = Box::new(move |from, _, message| match message {
            Message::Proposal(signed, block) if from == proposer => {
                let bytes = message::proposal(signed, block.clone());
                kept.borrow_mut().push(bytes);
                false
            }
            _ => true,
        });
        net.submit(height);
        while net.machine(1).round() != Some(1) {
            assert!(net.step(u64::MAX));
        }
        let (from, bytes) = (tag(proposer), late.borrow()[0].clone());
        net.give(1, Input::Message { from, bytes });
        net.run_to(height);
        let pacemaker = &net.machine(1).effects.pacemaker;
        let next_ms = pacemaker.duration_ms(Timer::Propose(0), &[0; 32]);
        assert_eq!(next_ms, expected_ms, "height {height}");
    }
}
