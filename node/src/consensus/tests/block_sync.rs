//! Keeping up: early messages, late nodes, lost blocks, changing validators.

use std::cell::RefCell;
use std::rc::Rc;

use super::agreement::signed_vote;
use super::*;
use crate::consensus::future_messages::HEIGHTS;
use crate::consensus::pacemaker::Timer;
use arc_malachitebft_core_types::VoteType;
use touchstone_core::block::Block;
use touchstone_proto::ledger::change::Kind;

/// The bytes that `outputs` send to a peer.
fn sent(outputs: &[Output], peer: &PeerTag) -> Vec<Message> {
    let to_peer = outputs.iter().filter_map(|o| match o {
        Output::Send { to, bytes } if to == peer => Some(message::decode(bytes).unwrap()),
        _ => None,
    });
    to_peer.collect()
}

/// Node 0 gets height 1's decisive votes after all of height 2's messages: it needs no second
/// sending of those.
#[test]
fn messages_of_the_height_after_are_held_and_judged_in_time() {
    let mut net = Net::new(4);
    let late = std::rc::Rc::new(std::cell::Cell::new(true));
    let holds = late.clone();
    // Node 0 hears no precommit of height 1, and no announcement.
    net.filter = Box::new(move |_, to, message| match message {
        Message::Vote(vote) => {
            let is_decisive =
                vote.message.kind == VoteType::Precommit && vote.message.height.0 == 1;
            !(holds.get() && to == 0 && is_decisive)
        }
        Message::Announce { .. } => to != 0,
        _ => true,
    });
    net.submit(1);
    net.run(40);
    assert_eq!(net.nodes[1].store.tip().height, 1);
    net.submit(2);
    net.run(60);
    assert_eq!(net.nodes[1].store.tip().height, 2);
    assert_eq!(net.nodes[0].store.tip().height, 0);
    late.set(false);
    let (block, _) = net.nodes[1].store.block(1).unwrap().unwrap();
    for i in 1..4 {
        let vote = signed_vote(&net, i, VoteType::Precommit, 1, 0, Some(block.header.id()));
        let (from, bytes) = (tag(i), message::vote(&vote));
        net.give(0, Input::Message { from, bytes });
    }
    assert_eq!(net.nodes[0].store.tip().height, 2);
    net.assert_agreement();
}

/// The others decide without it meanwhile, and wait for it when its turn comes.
#[test]
fn who_hears_late_of_several_heights_decides_them_without_asking() {
    let last = 1 + HEIGHTS;
    // The first one's turn comes later.
    let mut net = Net::new(7);
    let late = Rc::new(RefCell::new(Vec::<(u64, usize, Vec<u8>)>::new()));
    let kept = late.clone();
    net.filter = Box::new(move |from, to, message| {
        let kept = &mut kept.borrow_mut();
        match message {
            Message::Vote(vote) if to == 0 => {
                kept.push((vote.message.height.0, from, message::vote(vote)));
            }
            Message::Proposal(signed, block) if to == 0 => {
                let bytes = message::proposal(signed, block.clone());
                kept.push((signed.message.height.0, from, bytes));
            }
            _ => {}
        }
        from != 0 && to != 0
    });
    for height in 1..=last {
        net.submit(height);
        net.run(50);
        assert_eq!(net.nodes[1].store.tip().height, height);
    }
    assert_eq!(net.nodes[0].store.tip().height, 0);
    // What is furthest comes first.
    let mut late = late.borrow().clone();
    late.sort_by_key(|(height, ..)| std::cmp::Reverse(*height));
    for (_, from, bytes) in late {
        let from = tag(from);
        net.give(0, Input::Message { from, bytes });
    }
    assert_eq!(net.nodes[0].store.tip().height, last);
    // The first height began long before; those that were decided as they began say nothing of how long one takes.
    assert!(net.machine(0).effects.pacemaker.gone_ms(800) > 100);
    net.assert_agreement();
}

/// However much a dishonest validator sends ahead, it fills only its own share.
#[test]
fn held_messages_are_bounded_for_each_validator() {
    let mut net = Net::new(4);
    let from = tag(3);
    for round in 0..100 {
        let vote = signed_vote(&net, 3, VoteType::Prevote, 2, round, None);
        let bytes = message::vote(&vote);
        let from = from.clone();
        net.give(0, Input::Message { from, bytes });
    }
    let mut forged = signed_vote(&net, 2, VoteType::Prevote, 2, 0, None);
    forged.signature[0] ^= 1;
    let bytes = message::vote(&forged);
    net.give(0, Input::Message { from, bytes });
    let kept = &mut net.machine(0).future_messages;
    let count = std::iter::from_fn(|| kept.take(2)).count();
    assert_eq!(count, 4);
    assert_eq!(net.machine(0).round(), None, "a later height wakes nobody");
}

/// Where messages come late each comes over several connections, and anybody may repeat what another has signed.
#[test]
fn copies_of_a_vote_leave_room_for_the_next_one() {
    let mut net = Net::new(4);
    for kind in [VoteType::Prevote, VoteType::Precommit] {
        for _ in 0..5 {
            let vote = signed_vote(&net, 3, kind, 2, 0, Some([7; 32]));
            let (from, bytes) = (tag(2), message::vote(&vote));
            net.give(0, Input::Message { from, bytes });
        }
    }
    let kept = &mut net.machine(0).future_messages;
    let kinds = std::iter::from_fn(|| kept.take(2)).map(|(_, message)| match message {
        Message::Vote(vote) => vote.message.kind,
        other => panic!("{other:?}"),
    });
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [VoteType::Prevote, VoteType::Precommit]
    );
}

#[test]
fn a_peer_that_owes_blocks_for_too_long_is_passed_over() {
    let mut net = Net::new(4);
    net.crash(0);
    net.submit(1);
    net.run_to(1);
    let (mut machine, _) = net.open(0).unwrap();
    let now_ms = net.now_ms;
    let mut fetched = Vec::new();
    let mut token = None;
    for i in [1, 2] {
        let (from, bytes) = (tag(i), message::announce(5));
        let outputs = machine
            .handle(now_ms, Input::Message { from, bytes })
            .unwrap();
        for output in outputs {
            match output {
                Output::FetchBlocks { from, .. } => fetched.push(from),
                Output::SetTimer { token: t, after_ms } => {
                    assert_eq!(after_ms, ConsensusSettings::default().sync_timeout_ms);
                    token = Some(t);
                }
                _ => {}
            }
        }
    }
    assert_eq!(fetched, [tag(1)]);
    let outputs = machine
        .handle(now_ms, Input::Timer(token.unwrap()))
        .unwrap();
    let asked = |outputs: &[Output]| {
        let from = outputs.iter().filter_map(|o| match o {
            Output::FetchBlocks { from, .. } => Some(from.clone()),
            _ => None,
        });
        from.collect::<Vec<_>>()
    };
    assert_eq!(asked(&outputs), [tag(2)]);
    // An empty answer is no better, and nobody else is left.
    let (from, blocks) = (tag(2), Vec::new());
    let outputs = machine.handle(now_ms, Input::Blocks { from, blocks });
    assert_eq!(asked(&outputs.unwrap()), Vec::<PeerTag>::new());
    // One that goes away while it owes blocks isn't waited for.
    let announce = |i| Input::Message {
        from: tag(i),
        bytes: message::announce(9),
    };
    let outputs = machine.handle(now_ms, announce(3)).unwrap();
    assert_eq!(asked(&outputs), [tag(3)]);
    machine.handle(now_ms, announce(1)).unwrap();
    let outputs = machine.handle(now_ms, Input::PeerDisconnected(tag(3)));
    assert_eq!(asked(&outputs.unwrap()), [tag(1)]);
}

/// It wasn't decided just now, so that nothing of it is under way.
#[test]
fn a_block_that_a_peer_had_when_it_was_connected_is_fetched_at_once() {
    let mut net = Net::new(4);
    net.crash(0);
    net.submit(1);
    net.run_to(1);
    net.start(0);
    net.run(10);
    assert_eq!(net.nodes[0].store.tip().height, 1);
    // What is decided from then on comes by itself, if a while is given to it.
    let asked = |net: &mut Net, height| {
        let machine = net.machine(0);
        let now_ms = machine.effects.now_ms;
        asks(machine, now_ms, claim(1, height))
    };
    assert_eq!(asked(&mut net, 2), Vec::<PeerTag>::new());
    assert_eq!(asked(&mut net, 3), [tag(1)], "two at once don't");
}

/// A machine of node 0 without any block, where the others have so many; and those.
fn left_behind(count: u64) -> (Net, TestMachine, Vec<(Block, ledger::CommitCertificate)>) {
    let mut net = Net::new(4);
    net.crash(0);
    for height in 1..=count {
        net.submit(height);
        net.run_to(height);
    }
    let store = &net.nodes[1].store;
    let blocks = (1..=count).map(|height| store.block(height).unwrap().unwrap());
    let blocks = blocks.collect();
    let (machine, _) = net.open(0).unwrap();
    (net, machine, blocks)
}

/// Whom the machine asks for blocks after an input.
fn asks(machine: &mut TestMachine, now_ms: u64, input: Input) -> Vec<PeerTag> {
    let outputs = machine.handle(now_ms, input).unwrap();
    let asked = outputs.into_iter().filter_map(|output| match output {
        Output::FetchBlocks { from, .. } => Some(from),
        _ => None,
    });
    asked.collect()
}

fn claim(peer: usize, height: u64) -> Input {
    Input::Message {
        from: tag(peer),
        bytes: message::announce(height),
    }
}

/// It claims more than anybody has, and sends one block just before its time is over: whoever sends more is asked.
#[test]
fn a_peer_that_sends_slowly_holds_nobody_up_again_and_again() {
    let (net, mut machine, blocks) = left_behind(6);
    let nobody = Vec::<PeerTag>::new();
    let answer = |peer: usize, blocks: &[(Block, ledger::CommitCertificate)]| Input::Blocks {
        from: tag(peer),
        blocks: blocks.to_vec(),
    };
    let mut now_ms = net.now_ms;
    assert_eq!(asks(&mut machine, now_ms, claim(1, u64::MAX)), [tag(1)]);
    assert_eq!(asks(&mut machine, now_ms, claim(2, 6)), nobody);
    now_ms += 2_900;
    let slow = answer(1, &blocks[..1]);
    assert_eq!(asks(&mut machine, now_ms, slow), [tag(2)]);
    // To come anew makes nobody quicker.
    assert_eq!(
        asks(&mut machine, now_ms, Input::PeerDisconnected(tag(1))),
        nobody
    );
    asks(&mut machine, now_ms, Input::PeerConnected(tag(1)));
    assert_eq!(asks(&mut machine, now_ms, claim(1, u64::MAX)), nobody);
    for range in [1..3, 3..5] {
        now_ms += 10;
        let quick = answer(2, &blocks[range]);
        assert_eq!(asks(&mut machine, now_ms, quick), [tag(2)]);
    }
    // Nobody else claims more: it is asked, and gives way as soon as somebody quicker does.
    now_ms += 10;
    let last = answer(2, &blocks[5..]);
    assert_eq!(asks(&mut machine, now_ms, last), [tag(1)]);
    assert_eq!(asks(&mut machine, now_ms + 299, claim(2, 7)), nobody);
    now_ms += 300;
    assert_eq!(asks(&mut machine, now_ms, claim(2, 8)), [tag(2)]);
    assert!(machine.is_syncing());
    let gone = Input::PeerDisconnected(tag(2));
    assert_eq!(asks(&mut machine, now_ms, gone), nobody);
    assert_eq!(asks(&mut machine, now_ms, claim(1, u64::MAX)), [tag(1)]);
    assert!(!machine.is_syncing(), "it isn't believed");
    assert_eq!(machine.chain().tip().height, 6);
}

/// An answer may take long for its bytes: who sends it isn't given up for one whose answers take as long.
#[test]
fn a_peer_that_takes_as_long_as_others_is_waited_for() {
    let (net, mut machine, blocks) = left_behind(4);
    let nobody = Vec::<PeerTag>::new();
    let answer = |peer: usize, place: usize| Input::Blocks {
        from: tag(peer),
        blocks: blocks[place..=place].to_vec(),
    };
    let mut now_ms = net.now_ms;
    assert_eq!(asks(&mut machine, now_ms, claim(1, 8)), [tag(1)]);
    assert_eq!(asks(&mut machine, now_ms, claim(2, 8)), nobody);
    for (peer, took_ms, next) in [(1, 400, 2), (2, 500, 1), (1, 400, 2)] {
        now_ms += took_ms;
        let place = usize::try_from(machine.chain().tip().height).unwrap();
        let asked = asks(&mut machine, now_ms, answer(peer, place));
        assert_eq!(asked, [tag(next)]);
    }
    // The first one was the quicker: it is asked where the second takes longer than twice its time.
    assert_eq!(asks(&mut machine, now_ms + 799, claim(1, 9)), nobody);
    assert_eq!(asks(&mut machine, now_ms + 800, claim(1, 10)), [tag(1)]);
}

/// Over a slow line a whole answer may never come in time, and each peer would be asked for the same blocks in turn.
#[test]
fn less_is_asked_for_where_answers_come_too_late() {
    let (net, mut machine, blocks) = left_behind(3);
    let ConsensusSettings {
        sync_blocks,
        sync_timeout_ms,
        ..
    } = ConsensusSettings::default();
    // How much is asked for after an input, and the timer of its answer.
    let mut asked = |now_ms: u64, input: Input| {
        let mut found = (None, None);
        for output in machine.handle(now_ms, input).unwrap() {
            match output {
                Output::FetchBlocks { limit, .. } => found.0 = Some(limit),
                Output::SetTimer { token, after_ms } if after_ms == sync_timeout_ms => {
                    found.1 = Some(token);
                }
                _ => {}
            }
        }
        found
    };
    let answer = |place: usize| Input::Blocks {
        from: tag(2),
        blocks: blocks[place..=place].to_vec(),
    };
    let mut now_ms = net.now_ms;
    let (limit, timer) = asked(now_ms, claim(1, 8));
    assert_eq!(limit, Some(sync_blocks));
    now_ms += sync_timeout_ms;
    assert_eq!(asked(now_ms, Input::Timer(timer.unwrap())).0, None);
    assert_eq!(asked(now_ms, claim(2, 8)).0, Some(sync_blocks / 2));
    // What comes in time just so isn't doubled.
    now_ms += sync_timeout_ms - 1;
    assert_eq!(asked(now_ms, answer(0)).0, Some(sync_blocks / 2));
    now_ms += 1;
    assert_eq!(asked(now_ms, answer(1)).0, Some(sync_blocks));
}

/// What a peer was asked for has come meanwhile: it is not to blame.
#[test]
fn a_peer_whose_blocks_have_come_from_elsewhere_has_not_failed() {
    let (net, mut machine, blocks) = left_behind(2);
    let now_ms = net.now_ms;
    assert_eq!(asks(&mut machine, now_ms, claim(1, 3)), [tag(1)]);
    let first = |peer: usize| Input::Blocks {
        from: tag(peer),
        blocks: blocks[..1].to_vec(),
    };
    asks(&mut machine, now_ms, first(2));
    assert_eq!(machine.chain().tip().height, 1);
    assert_eq!(asks(&mut machine, now_ms, first(1)), [tag(1)]);
    // Now it was asked for the second.
    assert_eq!(asks(&mut machine, now_ms, first(1)), Vec::<PeerTag>::new());
    assert!(!machine.is_syncing());
}

#[test]
fn whoever_speaks_of_an_old_height_is_told_the_new_one() {
    let mut net = Net::new(4);
    for height in 1..=2 {
        net.submit(height);
        net.run_to(height);
    }
    let vote = signed_vote(&net, 3, VoteType::Prevote, 1, 0, None);
    let input = Input::Message {
        from: tag(3),
        bytes: message::vote(&vote),
    };
    let now_ms = net.now_ms + 1_000;
    let outputs = net.machine(0).handle(now_ms, input.clone()).unwrap();
    assert_eq!(sent(&outputs, &tag(3)), [Message::Announce { height: 2 }]);
    // Not at every word.
    let outputs = net.machine(0).handle(now_ms, input.clone()).unwrap();
    assert_eq!(sent(&outputs, &tag(3)), []);
    // Where the clock is set back, not only once it is as late again.
    let outputs = net.machine(0).handle(now_ms - 60_000, input).unwrap();
    assert_eq!(sent(&outputs, &tag(3)), [Message::Announce { height: 2 }]);
}

#[test]
fn a_wanted_proposal_is_sent_as_signed_and_not_too_often() {
    let mut net = Net::new(4);
    net.filter = Box::new(|_, to, message| to == 2 && !matches!(message, Message::Vote(_)));
    net.submit(1);
    net.run(20);
    let (original, body) = {
        let proposals = &net.machine(2).effects.height.proposals;
        let (proposal, _) = proposals.signed_in(0).next().unwrap();
        let body = proposals.body(&proposal.message.value.0).unwrap();
        (proposal.clone(), body.bytes.clone())
    };
    let id = original.message.value.0;
    let now_ms = net.now_ms;
    for block_id in [Some(id), None] {
        let ask = |from: PeerTag| Input::Message {
            from,
            bytes: message::want(1, 0, block_id.as_ref(), false),
        };
        let peer = tag(if block_id.is_some() { 0 } else { 3 });
        let outputs = net.machine(2).handle(now_ms, ask(peer.clone())).unwrap();
        let expected = Message::Proposal(original.clone(), Some(body.clone()));
        let mut answers = sent(&outputs, &peer);
        if block_id.is_none() {
            // The round's votes that are here.
            assert!(matches!(answers.pop(), Some(Message::Vote(_))));
        }
        assert_eq!(answers, [expected]);
        let outputs = net.machine(2).handle(now_ms, ask(peer.clone())).unwrap();
        assert_eq!(sent(&outputs, &peer), []);
    }
    let input = Input::Message {
        from: tag(0),
        bytes: message::want(1, 0, Some(&[1; 32]), false),
    };
    let outputs = net.machine(2).handle(now_ms, input).unwrap();
    assert_eq!(sent(&outputs, &tag(0)), []);
}

/// The chain keeps the effects of some blocks only; a decided one that was dropped is executed
/// again.
#[test]
fn a_decided_block_whose_effects_were_dropped_is_validated_again() {
    let mut net = Net::new(4);
    net.submit(1);
    let id = loop {
        assert!(net.step(u64::MAX));
        let proposals = &net.machine(0).effects.height.proposals;
        if let Some(id) = proposals.valid_block() {
            break id;
        }
    };
    let store = net.nodes[0].store.clone();
    let pool = SharedMempool::new(PoolLimits::default());
    let mut other = Chain::open(net.genesis.chain_id, store, pool).unwrap();
    let proposer = keys(4)[2].verifying_key().to_bytes();
    let mut time_ms = START_MS + 1;
    while net.machine(0).chain().candidate(&id).is_some() {
        let block = other.build(time_ms, proposer).unwrap();
        net.machine(0)
            .effects
            .chain
            .validate(&block)
            .unwrap()
            .unwrap();
        time_ms += 1;
        assert!(time_ms < START_MS + 10_000);
    }
    net.run_to(1);
    net.assert_agreement();
}

/// A change that the one organisation makes.
fn change(net: &mut Net, sequence: u64, kind: Kind) {
    let change = ledger::Change {
        sequence,
        kind: Some(kind),
    };
    let approve = ledger::ApproveChange {
        change: Some(change),
    };
    let envelope = act(&net.genesis.chain_id, Action::ApproveChange(approve));
    net.submit_envelope(&envelope);
}

/// A validator's key is replaced, and its node has the new one: it votes with it from the next height on, which the
/// others need, without a start between; and after one.
#[test]
fn a_validator_votes_with_its_next_key_once_that_takes_the_place() {
    for crash_at in [None, Some(1), Some(2), Some(3)] {
        let mut net = Net::new(4);
        let old = net.nodes[1].key.as_ref().unwrap().verifying_key();
        let next = SigningKey::from_bytes(&[60; 32]);
        let new = next.verifying_key();
        net.crash(1);
        net.nodes[1].next_key = Some(next);
        net.start(1);
        assert_eq!(net.machine(1).voting_key(), Some(old.to_bytes()));
        // Three of four are needed, so its vote is.
        net.crash(0);
        for height in 1..=5 {
            match height {
                2 => {
                    let replacement = ledger::ReplaceValidator {
                        old_key: old.to_bytes().to_vec(),
                        new_key: new.to_bytes().to_vec(),
                    };
                    change(&mut net, 1, Kind::ReplaceValidator(replacement));
                }
                _ => net.submit(height),
            }
            net.run_to(height);
            if crash_at == Some(height) {
                net.crash(1);
                net.start(1);
            }
        }
        assert!(net.machine(1).is_validator());
        assert_eq!(net.machine(1).voting_key(), Some(new.to_bytes()));
        let heights = |key: &[u8; 32]| -> BTreeSet<u64> {
            let places = net.signed.keys().filter(|place| place.0 == *key);
            places.map(|place| place.2).collect()
        };
        let voted = |from: u64, to: u64| (from..=to).collect::<BTreeSet<_>>();
        assert_eq!(heights(&old.to_bytes()), voted(1, 2), "{crash_at:?}");
        assert_eq!(heights(&new.to_bytes()), voted(3, 5), "{crash_at:?}");
        assert_eq!(net.misbehaviour, 0);
        net.assert_agreement();
    }
}

/// A follower with a key becomes a validator by a change on the chain, votes from the next height
/// on, and stops when it is removed.
#[test]
fn a_follower_becomes_a_validator_and_leaves_again() {
    let mut net = Net::with(4, 1);
    let key = SigningKey::from_bytes(&[60; 32]);
    let public_key = key.verifying_key().to_bytes();
    net.nodes[4].machine = None;
    net.nodes[4].key = Some(key);
    net.start(4);
    assert!(!net.machine(4).is_validator());
    let validator = ledger::Validator {
        public_key: public_key.to_vec(),
        power: 1,
        organisation: "maker".into(),
    };
    change(&mut net, 1, Kind::PutValidator(validator));
    net.run_to(1);
    assert!(net.machine(4).is_validator());
    // Four of five are needed, so the new one's vote is.
    net.crash(0);
    for height in 2..=6 {
        net.submit(height);
        net.run_to(height);
    }
    net.start(0);
    net.run_to(6);
    let has_signed = |net: &Net| net.signed.keys().filter(|p| p.0 == public_key).count();
    assert!(has_signed(&net) > 0);
    change(&mut net, 2, Kind::RemoveValidator(public_key.to_vec()));
    net.run_to(7);
    assert!(!net.machine(4).is_validator());
    let before = has_signed(&net);
    net.submit(8);
    net.run_to(8);
    assert_eq!(has_signed(&net), before);
    net.assert_agreement();
}

/// The caller's word that the pool has grown may get lost: it is looked at now and then.
#[test]
fn a_filled_pool_is_noticed_without_a_word() {
    let mut net = Net::new(4);
    let envelope = deposit(&net.genesis.chain_id, 1);
    for node in &net.nodes {
        node.hear(&net.genesis.chain_id, &envelope);
    }
    assert!(!net.machine(0).effects.pacemaker.runs(Timer::BatchingDelay));
    net.run(ConsensusSettings::default().announce_ms + 100);
    assert_eq!(net.lowest(), 1);
}
