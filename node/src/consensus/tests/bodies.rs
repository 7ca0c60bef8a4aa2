//! What a peer can make of the bodies that it sends.

use super::agreement::signed_vote;
use super::refusals::{assert_a_quorum_decides, block, block_of, proposal, refusal};
use super::*;
use crate::consensus::context::Height;
use crate::consensus::proposals::Proposals;
use crate::consensus::wal_entry;
use arc_malachitebft_core_consensus::Input as CoreInput;
use arc_malachitebft_core_types::{SignedMessage, VoteType};
use prost::Message as _;
use touchstone_core::block::{BadBlock, Block};
use touchstone_core::signing;

/// A body with the right header and other transactions costs the hash of all of it.
fn junk(block: &Block, number: u8) -> Vec<u8> {
    let mut junk = block.clone();
    junk.transactions.push(vec![number]);
    junk.encode()
}

fn sent_by(net: &mut Net, peer: usize, bytes: Vec<u8>) -> Option<MessageRefused> {
    net.refused.clear();
    let from = tag(peer);
    net.give(0, Input::Message { from, bytes });
    net.refused.pop().map(|(_, _, reason)| reason)
}

#[test]
fn a_peer_whose_bodies_are_wrong_too_often_is_no_longer_read() {
    let mut net = Net::new(4);
    net.filter = Box::new(|_, _, _| false);
    let block = block(&net, START_MS + 1);
    let signed = proposal(&net, 1, 0, block.id(), None);
    let body = |bytes: Vec<u8>| message::proposal(&signed, Some(bytes));
    for i in 0..3 {
        let reason = sent_by(&mut net, 2, body(junk(&block, i)));
        let expected = MessageRefused::Body(BadBlock::TransactionRoot);
        assert_eq!(reason, Some(expected));
    }
    for bytes in [junk(&block, 3), block.encode()] {
        let reason = sent_by(&mut net, 2, body(bytes));
        assert_eq!(reason, Some(MessageRefused::TooManyBodies));
    }
    assert_eq!(net.machine(0).effects.height.proposals.valid_blocks(), 0);
    // Its votes and proposals are still heard, and others' bodies read.
    assert_eq!(sent_by(&mut net, 2, message::proposal(&signed, None)), None);
    assert_eq!(sent_by(&mut net, 3, body(block.encode())), None);
    assert!(
        net.machine(0)
            .effects
            .height
            .proposals
            .body(&block.id())
            .is_some()
    );
}

/// Another block's body is recognised by its header, whatever follows.
#[test]
fn another_blocks_body_is_refused_for_its_header() {
    let mut net = Net::new(4);
    let good = block(&net, START_MS + 1);
    let signed = proposal(&net, 1, 0, good.id(), None);
    let other = junk(&block(&net, START_MS + 2), 0);
    let reason = sent_by(&mut net, 2, message::proposal(&signed, Some(other)));
    assert_eq!(reason, Some(MessageRefused::Body(BadBlock::Other)));
}

/// One proposal is kept for a round of a later height: what isn't the block doesn't take its place.
#[test]
fn a_proposal_of_a_later_height_is_kept_with_its_block_alone() {
    let mut net = Net::new(4);
    let mut block = block_of(&net, 2, START_MS + 1);
    block.header.height = 2;
    let mut message = proposal(&net, 2, 0, block.id(), None).message;
    message.height = Height(2);
    let (purpose, bytes) = message.signed();
    let signature = signing::sign(&keys(4)[2], purpose, &net.genesis.chain_id, &bytes);
    let signed = SignedMessage::new(message, signature);
    let bad = [
        (block_of(&net, 2, START_MS).encode(), BadBlock::Other),
        (junk(&block, 0), BadBlock::TransactionRoot),
    ];
    for (body, why) in bad {
        let reason = sent_by(&mut net, 3, message::proposal(&signed, Some(body)));
        assert_eq!(reason, Some(MessageRefused::Body(why)));
    }
    // What the parameters of that height may allow isn't held against its sender.
    let large = vec![0; message::MAX_MESSAGE_BYTES - 1000];
    let whole = Some(block.encode());
    for body in [None, Some(large), whole.clone(), whole] {
        let bytes = message::proposal(&signed, body);
        assert_eq!(sent_by(&mut net, 3, bytes), None);
    }
    let kept = &mut net.machine(0).future_messages;
    let kept: Vec<_> = std::iter::from_fn(|| kept.take(2)).collect();
    let whole = Message::Proposal(signed, Some(block.encode()));
    assert_eq!(kept, [(tag(3), whole)]);
}

/// Of coming rounds only the two nearest bodies are kept, and none is read; the others are asked
/// for when their round comes.
#[test]
fn bodies_of_coming_rounds_are_few_and_unread() {
    let mut net = Net::new(4);
    net.filter = Box::new(|_, _, _| false);
    for round in (1..10).rev() {
        let maker = (1 + round as usize) % 4;
        if maker != 0 {
            let block = block_of(&net, maker, START_MS + u64::from(round));
            let signed = proposal(&net, maker, round, block.id(), None);
            let bytes = message::proposal(&signed, Some(junk(&block, 0)));
            assert_eq!(refusal(&mut net, bytes), None);
        }
    }
    let height = &net.machine(0).effects.height;
    assert_eq!(unread_rounds(&height.proposals), [1, 2]);
    assert_eq!(height.proposals.valid_blocks(), 0);
    assert_eq!(height.bad_bodies.of(&tag(1)), 0);
    for i in [1, 3] {
        let vote = signed_vote(&net, i, VoteType::Prevote, 1, 2, None);
        let bytes = message::vote(&vote);
        net.give(
            0,
            Input::Message {
                from: tag(i),
                bytes,
            },
        );
    }
    let height = &net.machine(0).effects.height;
    // Round 1 has passed without votes for its block.
    assert_eq!(unread_rounds(&height.proposals), [1]);
    assert_eq!(height.bad_bodies.of(&tag(1)), 1);
    let requested = height.proposals.requested_rounds();
    assert_eq!(requested, [2, 4, 5, 6, 8, 9]);
}

fn unread_rounds(proposals: &Proposals) -> Vec<u32> {
    let unread = proposals.unread_bodies().into_iter();
    unread.map(|(round, _)| round).collect()
}

/// A block whose round has passed is executed only once more than 2/3 voted for it.
#[test]
fn a_body_of_a_round_that_has_passed_waits_for_a_quorum() {
    let mut net = Net::new(4);
    net.filter = Box::new(|_, _, _| false);
    for i in [1, 3] {
        let vote = signed_vote(&net, i, VoteType::Prevote, 1, 1, None);
        assert_eq!(sent_by(&mut net, i, message::vote(&vote)), None);
    }
    assert_eq!(net.machine(0).round(), Some(1));
    let block = block(&net, START_MS + 1);
    let id = block.id();
    let signed = proposal(&net, 1, 0, id, None);
    let bytes = message::proposal(&signed, Some(block.encode()));
    assert_eq!(sent_by(&mut net, 1, bytes), None);
    for i in 1..4 {
        assert_eq!(net.machine(0).effects.height.proposals.valid_blocks(), 0);
        let vote = signed_vote(&net, i, VoteType::Precommit, 1, 0, Some(id));
        assert_eq!(sent_by(&mut net, i, message::vote(&vote)), None);
    }
    assert_eq!(net.committed, [(0, 1, 0, 0)]);
}

/// Malachite sees neither of two proposals whose blocks never come; they accuse all the same.
#[test]
fn two_proposals_without_bodies_accuse_their_proposer() {
    let mut net = Net::new(4);
    net.crash(1);
    for id in [[7; 32], [8; 32]] {
        let signed = proposal(&net, 1, 0, id, None);
        let bytes = message::proposal(&signed, None);
        let from = tag(1);
        net.give(0, Input::Message { from, bytes });
    }
    net.submit(1);
    net.run_to(1);
    let evidence = net.nodes[0].store.misbehaviour();
    assert_eq!(evidence.len(), 1);
    assert_eq!(evidence[0].kind, "proposal");
    assert!(net.nodes[2].store.misbehaviour().is_empty());
}

/// A proposal that was refused before a crash is asked for again and can be decided after it.
#[test]
fn what_was_refused_before_a_crash_can_be_decided_after_it() {
    let mut net = Net::new(4);
    net.filter = Box::new(|_, _, _| false);
    net.now_ms = START_MS + 100_000;
    let block = block(&net, START_MS + 1);
    let id = block.id();
    let signed = proposal(&net, 1, 0, id, None);
    let with_body = message::proposal(&signed, Some(block.encode()));
    assert!(refusal(&mut net, with_body.clone()).is_some());
    net.crash(0);
    net.start(0);
    assert_eq!(refusal(&mut net, with_body), None);
    assert_a_quorum_decides(&mut net, id);
}

/// A log that was torn behind a proposal: its block comes again and is judged.
#[test]
fn a_proposal_that_the_log_holds_alone_still_gets_its_prevote() {
    let mut net = Net::new(4);
    net.filter = Box::new(|_, _, _| false);
    net.crash(0);
    let block = block(&net, START_MS + 1);
    let signed = proposal(&net, 1, 0, block.id(), None);
    let (mut wal, _) = Wal::open(net.nodes[0].disk.clone()).unwrap();
    wal.start_height(1).unwrap();
    let entry = wal_entry::encode(&CoreInput::Proposal(signed.clone())).unwrap();
    wal.append(&entry).unwrap();
    wal.sync().unwrap();
    net.start(0);
    let bytes = message::proposal(&signed, Some(block.encode()));
    assert_eq!(refusal(&mut net, bytes), None);
    let own = keys(4)[0].verifying_key().to_bytes().to_vec();
    let prevote = &net.signed[&(own, true, 1, 0, VoteType::Prevote as u8)];
    let vote = ledger::Vote::decode(&prevote[..]).unwrap();
    assert_eq!(vote.block_id, block.id());
}
