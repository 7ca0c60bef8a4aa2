//! Rounds that don't move since something is late, or never comes, on one connection.

use std::cell::RefCell;
use std::rc::Rc;

use super::agreement::signed_vote;
use super::*;
use crate::consensus::pacemaker::Pacemaker;
use arc_malachitebft_core_types::VoteType;

/// The rounds in which a height was decided.
fn rounds(net: &Net, height: u64) -> BTreeSet<u32> {
    let of_height = net.committed.iter().filter(|c| c.1 == height);
    of_height.map(|c| c.2).collect()
}

/// Gossip reached the others, and not the one whose turn it is: it hears that they wait, and makes the way free for
/// the next one, which has the transaction.
#[test]
fn a_proposer_without_transactions_does_not_keep_those_of_others_waiting() {
    let mut net = Net::new(4);
    let envelope = deposit(&net.genesis.chain_id, 1);
    // Node 1 proposes at height 1.
    for i in [0, 2, 3] {
        net.nodes[i].hear(&net.genesis.chain_id, &envelope);
        net.give(i, Input::Transactions);
    }
    net.run_to(2);
    assert_eq!(rounds(&net, 1), BTreeSet::from([0]));
    assert_eq!(rounds(&net, 2), BTreeSet::from([0]));
    let taken = net.committed.iter().filter(|c| c.1 <= 2);
    assert!(taken.map(|c| c.3).eq([0, 0, 0, 0, 1, 1, 1, 1]));
}

/// Nodes 1 and 2 can't decide without node 0, which doesn't hear node 2.
#[test]
fn votes_that_do_not_come_from_one_come_from_another() {
    let mut net = Net::new(4);
    net.crash(3);
    net.filter = Box::new(|from, to, _| (from, to) != (2, 0));
    net.submit(1);
    net.run_to(1);
    assert_eq!(rounds(&net, 1), BTreeSet::from([0]));
}

/// The others have decided, and nothing follows that would say so.
#[test]
fn who_lacks_the_last_votes_of_a_height_gets_them_of_who_decided() {
    let mut net = Net::new(4);
    net.filter = Box::new(|from, to, message| {
        let is_announcement = matches!(message, Message::Announce { .. });
        to != 0 || (from == 1 && !is_announcement)
    });
    net.submit(1);
    net.run(1_000);
    assert_eq!(net.lowest(), 1);
    assert_eq!(rounds(&net, 1), BTreeSet::from([0]));
}

/// Mostly a node decides by itself what others have just decided, and waits a while before it fetches the block.
#[test]
fn who_has_asked_in_vain_fetches_the_block_without_waiting() {
    let mut net = Net::new(4);
    net.settings.sync_delay_ms = 100 * 3_600_000;
    for i in 0..4 {
        net.crash(i);
        net.start(i);
    }
    net.filter = Box::new(|_, to, message| to != 0 || matches!(message, Message::Announce { .. }));
    net.submit(1);
    // Long before a second block, by which it would be known to be two behind.
    net.run(10_000);
    assert_eq!(net.lowest(), 1);
}

/// Such a proposal may be under way from its proposer, and would come twice.
#[test]
fn a_large_body_is_sent_to_who_asks_only_once_its_round_is_old() {
    let sent_after = |deposits: u64, waited_ms: u64| {
        let mut net = Net::new(4);
        let bodies = Rc::new(RefCell::new(Vec::new()));
        let seen = bodies.clone();
        // Node 1 proposes. It and node 2 alone decide nothing, and node 0 asks nobody.
        net.filter = Box::new(move |from, to, message| {
            if let Message::Proposal(_, Some(body)) = message {
                seen.borrow_mut().push((from, to, body.len()));
            }
            [from, to].iter().all(|node| [1, 2].contains(node))
        });
        for number in 0..deposits {
            net.submit(number);
        }
        net.run(waited_ms);
        let before = bodies.borrow().len();
        let bytes = message::want(1, 0, None, false);
        let from = tag(0);
        net.give(2, Input::Message { from, bytes });
        let bodies = bodies.borrow();
        let is_large = bodies[0].2 > 64 << 10;
        let sent = bodies.iter().skip(before);
        (
            is_large,
            sent.filter(|sent| (sent.0, sent.1) == (2, 0)).count(),
        )
    };
    assert_eq!(sent_after(1, 150), (false, 1));
    assert_eq!(sent_after(500, 150), (true, 0));
    assert_eq!(sent_after(500, 250), (true, 1));
}

/// A node that has the proposal isn't sent its body again, and nobody is while it may still be under way.
#[test]
fn who_lacks_votes_alone_is_sent_votes_alone() {
    let mut net = Net::new(4);
    let answers = Rc::new(RefCell::new(Vec::new()));
    let seen = answers.clone();
    net.filter = Box::new(move |from, to, message| {
        if (from, to) == (1, 0) {
            seen.borrow_mut().push(message.clone());
        }
        false
    });
    net.submit(1);
    net.run(10);
    let count = |of: fn(&Message) -> bool| answers.borrow().iter().filter(|m| of(m)).count();
    let proposals = |m: &Message| matches!(m, Message::Proposal(..));
    let votes = |m: &Message| matches!(m, Message::Vote(_));
    assert_eq!((count(proposals), count(votes)), (1, 1));
    let ask = |net: &mut Net, has_proposal| {
        let bytes = message::want(1, 0, None, has_proposal);
        let from = tag(0);
        net.give(1, Input::Message { from, bytes });
    };
    ask(&mut net, true);
    assert_eq!((count(proposals), count(votes)), (1, 2));
    ask(&mut net, false);
    assert_eq!((count(proposals), count(votes)), (1, 2));
    net.run(net.settings.request_delay_ms);
    ask(&mut net, true);
    assert_eq!((count(proposals), count(votes)), (1, 3));
    ask(&mut net, false);
    assert_eq!((count(proposals), count(votes)), (2, 3));
}

#[test]
fn questions_come_ever_less_often_and_later_where_heights_take_long() {
    let mut pacemaker = Pacemaker::new(ConsensusSettings::default());
    let pauses = |p: &Pacemaker| (0..4).map(|asked| p.ask_ms(asked)).collect::<Vec<_>>();
    assert_eq!(pauses(&pacemaker), [100, 200, 400, 500]);
    for _ in 0..16 {
        pacemaker.height_took(150);
    }
    assert_eq!(pauses(&pacemaker), [300, 500, 500, 500]);
    pacemaker.height_took(10);
    assert_eq!(pacemaker.ask_ms(0), 100, "one that was quick tells more");
    for _ in 0..16 {
        pacemaker.height_took(150);
    }
    assert_eq!(pacemaker.ask_ms(0), 300);
}

/// One of three that are needed doesn't hear another one: in each height it has to ask. Where it hears all again, it
/// says so after a while.
#[test]
fn rounds_that_stand_again_and_again_say_that_messages_come_late() {
    let mut net = Net::new(4);
    net.crash(3);
    net.filter = Box::new(|from, to, _| (from, to) != (2, 0));
    let mut number = 0;
    let mut decide = |net: &mut Net, heights: u64| {
        for _ in 0..heights {
            number += 1;
            net.submit(number);
            net.run_to(number);
        }
    };
    decide(&mut net, 2);
    assert_eq!(net.late, []);
    decide(&mut net, 4);
    assert!(net.late.contains(&(0, true)), "{:?}", net.late);
    net.filter = Box::new(|_, _, _| true);
    net.start(3);
    decide(&mut net, 60);
    assert_eq!(net.late.iter().rfind(|(i, _)| *i == 0), Some(&(0, false)));
}

/// A copy of a message that comes late on another connection.
#[test]
fn who_has_said_that_it_has_a_height_is_not_told_of_it_for_a_late_message() {
    let mut net = Net::new(4);
    net.submit(1);
    net.run_to(1);
    net.run(1_000);
    let told = Rc::new(RefCell::new(0));
    let seen = told.clone();
    net.filter = Box::new(move |from, to, message| {
        let is_announcement = matches!(message, Message::Announce { .. });
        *seen.borrow_mut() += u32::from(is_announcement && (from, to) == (1, 2));
        true
    });
    let late = message::vote(&signed_vote(&net, 2, VoteType::Precommit, 1, 0, None));
    for (knows, expected) in [(true, 0), (false, 1)] {
        if !knows {
            // It has begun anew.
            net.give(1, Input::PeerDisconnected(tag(2)));
        }
        let (from, bytes) = (tag(2), late.clone());
        net.give(1, Input::Message { from, bytes });
        assert_eq!(*told.borrow(), expected);
    }
}

/// All lose power once they have voted, and are connected some time after they have started.
#[test]
fn who_is_connected_in_a_running_round_hears_at_once_what_it_missed() {
    let mut net = Net::new(4);
    net.filter = Box::new(|_, _, message| matches!(message, Message::Proposal(..)));
    net.submit(1);
    net.run(10);
    for i in 0..4 {
        net.crash(i);
    }
    net.events.clear();
    net.filter = Box::new(|_, _, _| false);
    for i in 0..4 {
        let (machine, outputs) = net.open(i).unwrap();
        net.nodes[i].machine = Some(machine);
        net.take(i, outputs);
    }
    net.run(5);
    net.filter = Box::new(|_, _, _| true);
    for i in 0..4 {
        for j in (0..4).filter(|j| *j != i) {
            net.give(i, Input::PeerConnected(tag(j)));
        }
    }
    // Three hops; a round that stands is asked about after a hundred milliseconds.
    net.run(10);
    assert_eq!(net.lowest(), 1);
    assert_eq!(rounds(&net, 1), BTreeSet::from([0]));
    net.assert_agreement();
}

/// The others haven't even begun the height. One that comes and goes gets no more by it than by asking.
#[test]
fn a_proposal_that_nobody_heard_comes_to_who_is_connected_after_it() {
    let mut net = Net::new(4);
    let sent = Rc::new(RefCell::new(0));
    let seen = sent.clone();
    net.filter = Box::new(move |_, to, message| {
        *seen.borrow_mut() += u32::from(to == 0 && matches!(message, Message::Proposal(..)));
        false
    });
    let envelope = deposit(&net.genesis.chain_id, 1);
    net.nodes[1].hear(&net.genesis.chain_id, &envelope);
    net.give(1, Input::Transactions);
    net.run(10);
    let meet = |net: &mut Net, i: usize| {
        net.give(1, Input::PeerDisconnected(tag(i)));
        net.give(1, Input::PeerConnected(tag(i)));
    };
    for _ in 0..3 {
        meet(&mut net, 0);
        assert_eq!(*sent.borrow(), 2, "the proposal itself, and once more");
    }
    net.filter = Box::new(|_, _, _| true);
    for i in [2, 3] {
        meet(&mut net, i);
    }
    net.run(20);
    let heights = net.nodes[1..].iter().map(|node| node.store.tip().height);
    assert!(heights.eq([1, 1, 1]));
    assert_eq!(rounds(&net, 1), BTreeSet::from([0]));
}
