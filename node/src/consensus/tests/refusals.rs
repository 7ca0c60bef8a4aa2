//! What is refused, and why.

use super::agreement::signed_vote;
use super::*;
use crate::chain::Invalid;
use crate::consensus::context::{Address, BlockId, Height, Proposal};
use crate::consensus::message::{Polka, RoundCertificate, SignedProposal};
use arc_malachitebft_core_types::{Round, RoundCertificateType, SignedMessage, VoteType};
use prost::Message as _;
use touchstone_core::block::{BadBlock, Block};
use touchstone_core::execution::InvalidBlock;
use touchstone_core::signing;
use touchstone_proto::peer;

/// Gives bytes to node 0 and returns the refusal.
pub fn refusal(net: &mut Net, bytes: Vec<u8>) -> Option<MessageRefused> {
    net.refused.clear();
    let from = tag(1);
    net.give(
        0,
        Input::Message {
            from: from.clone(),
            bytes,
        },
    );
    assert!(net.refused.len() <= 1);
    net.refused.pop().map(|(_, peer, reason)| {
        assert_eq!(peer, from);
        reason
    })
}

/// A block that validator 1 makes at height 1.
pub fn block(net: &Net, time_ms: u64) -> Block {
    block_of(net, 1, time_ms)
}

pub fn block_of(net: &Net, maker: usize, time_ms: u64) -> Block {
    let store = net.nodes[1].store.clone();
    let pool = SharedMempool::new(PoolLimits::default());
    let mut chain = Chain::open(net.genesis.chain_id, store, pool).unwrap();
    let proposer = keys(4)[maker].verifying_key().to_bytes();
    chain.build(time_ms, proposer).unwrap()
}

pub fn proposal(
    net: &Net,
    i: usize,
    round: u32,
    id: Hash,
    valid_round: Option<u32>,
) -> SignedProposal {
    let key = &keys(4)[i];
    let proposal = Proposal {
        height: Height(1),
        round: Round::new(round),
        value: BlockId(id),
        valid_round: valid_round.into(),
        address: Address(key.verifying_key().to_bytes()),
    };
    let (purpose, bytes) = proposal.signed();
    let signature = signing::sign(key, purpose, &net.genesis.chain_id, &bytes);
    SignedMessage::new(proposal, signature)
}

#[test]
fn votes_are_refused_with_their_reason() {
    let mut net = Net::new(4);
    let vote = signed_vote(&net, 1, VoteType::Prevote, 1, 0, Some([3; 32]));
    let key = vote.message.address.0;
    let stranger = SigningKey::from_bytes(&[77; 32]).verifying_key().to_bytes();
    let wire = message::write_vote(&vote);
    let ledger_vote = ledger::Vote::decode(&wire.vote[..]).unwrap();
    type Change = Box<dyn Fn(&mut peer::SignedVote, &mut ledger::Vote)>;
    type Expected = fn(&MessageRefused) -> bool;
    let cases: Vec<(Change, Expected)> = vec![
        (Box::new(|w, _| w.signature[5] ^= 1), |r| {
            matches!(r, MessageRefused::Signature(_))
        }),
        (Box::new(|_, v| v.block_id[0] ^= 1), |r| {
            matches!(r, MessageRefused::Signature(_))
        }),
        (Box::new(|_, v| v.round = 1), |r| {
            matches!(r, MessageRefused::Signature(_))
        }),
        (Box::new(|_, v| v.kind = 2), |r| {
            matches!(r, MessageRefused::Signature(_))
        }),
        (
            Box::new(move |w, _| w.public_key = stranger.to_vec()),
            |r| matches!(r, MessageRefused::UnknownValidator(_)),
        ),
        (Box::new(|w, _| w.public_key.truncate(31)), |r| {
            matches!(r, MessageRefused::Malformed(_))
        }),
        (Box::new(|w, _| w.signature.push(0)), |r| {
            matches!(r, MessageRefused::Malformed(_))
        }),
        (Box::new(|_, v| v.block_id.truncate(4)), |r| {
            matches!(r, MessageRefused::Malformed(_))
        }),
        (Box::new(|_, v| v.kind = 0), |r| {
            matches!(r, MessageRefused::VoteKind(0))
        }),
        (Box::new(|_, v| v.kind = 3), |r| {
            matches!(r, MessageRefused::VoteKind(3))
        }),
        (Box::new(|_, v| v.height = 0), |r| {
            matches!(r, MessageRefused::Height(0))
        }),
        (Box::new(|_, v| v.round = u32::MAX), |r| {
            matches!(r, MessageRefused::Round(u32::MAX))
        }),
    ];
    for (i, (change, expected)) in cases.iter().enumerate() {
        let (mut wire, mut vote) = (wire.clone(), ledger_vote.clone());
        change(&mut wire, &mut vote);
        wire.vote = vote.encode_to_vec();
        let message = peer::ConsensusMessage {
            message: Some(peer::consensus_message::Message::Vote(wire)),
        };
        let reason = refusal(&mut net, message.encode_to_vec());
        assert!(
            reason.as_ref().is_some_and(expected),
            "case {i}: {reason:?}"
        );
    }
    assert_eq!(net.machine(0).round(), None, "a refused vote wakes nobody");
    assert_eq!(refusal(&mut net, message::vote(&vote)), None);
    assert!(net.machine(0).round().is_some());
    let far = signed_vote(&net, 1, VoteType::Prevote, 1, 11, None);
    let reason = refusal(&mut net, message::vote(&far));
    assert_eq!(reason, Some(MessageRefused::Round(11)));
    let _ = key;
}

#[test]
fn a_vote_for_another_chain_is_refused() {
    let mut net = Net::new(4);
    let mut other = Net::new(4);
    other.genesis.chain_id = [9; 32];
    let vote = signed_vote(&other, 1, VoteType::Prevote, 1, 0, None);
    let key = vote.message.address.0;
    let reason = refusal(&mut net, message::vote(&vote));
    assert_eq!(reason, Some(MessageRefused::Signature(key)));
}

#[test]
fn bytes_that_are_no_message_are_refused() {
    let mut net = Net::new(4);
    let reason = refusal(&mut net, vec![0; message::MAX_MESSAGE_BYTES + 1]);
    let found = message::MAX_MESSAGE_BYTES + 1;
    assert_eq!(reason, Some(MessageRefused::Oversized { found }));
    assert_eq!(refusal(&mut net, Vec::new()), Some(MessageRefused::Empty));
    let reason = refusal(&mut net, vec![1, 2, 3]);
    assert!(matches!(reason, Some(MessageRefused::Malformed(_))));
    // An unknown field behind a good message.
    let mut bytes = message::announce(3);
    bytes.extend_from_slice(&[0x78, 1]);
    let reason = refusal(&mut net, bytes);
    assert!(matches!(reason, Some(MessageRefused::Malformed(_))));
}

/// Every single-bit change of a good proposal message is refused or changes nothing, and never
/// ends the machine.
#[test]
fn a_flipped_bit_never_harms() {
    let mut net = Net::new(4);
    let block = block(&net, START_MS + 1);
    let good = proposal(&net, 1, 0, block.id(), None);
    let bytes = message::proposal(&good, Some(block.encode()));
    for i in 0..bytes.len() * 8 {
        let mut bad = bytes.clone();
        bad[i / 8] ^= 1 << (i % 8);
        // A later height's messages are left aside: its validators may be others.
        let is_later = match message::decode(&bad) {
            Ok(Message::Proposal(proposal, _)) => proposal.message.height > Height(1),
            Ok(Message::Vote(vote)) => vote.message.height > Height(1),
            _ => false,
        };
        let reason = refusal(&mut net, bad);
        assert!(reason.is_some() || is_later, "bit {i}");
        assert_eq!(
            net.machine(0).effects.height.proposals.valid_blocks(),
            0,
            "bit {i}"
        );
    }
}

#[test]
fn proposals_are_refused_with_their_reason() {
    let mut net = Net::new(4);
    let good = block(&net, START_MS + 1);
    let id = good.id();
    let key = |i: usize| keys(4)[i].verifying_key().to_bytes();

    let wrong_turn = proposal(&net, 2, 0, id, None);
    let reason = refusal(&mut net, message::proposal(&wrong_turn, None));
    assert_eq!(reason, Some(MessageRefused::NotTheProposer(key(2))));

    let mut forged = proposal(&net, 1, 0, id, None);
    forged.signature[0] ^= 1;
    let reason = refusal(&mut net, message::proposal(&forged, None));
    assert_eq!(reason, Some(MessageRefused::Signature(key(1))));

    let backwards = proposal(&net, 2, 1, id, Some(1));
    let reason = refusal(&mut net, message::proposal(&backwards, None));
    let expected = MessageRefused::ValidRound {
        round: 1,
        valid_round: 1,
    };
    assert_eq!(reason, Some(expected));

    let signed = proposal(&net, 1, 0, id, None);
    let other = block(&net, START_MS + 2).encode();
    let reason = refusal(&mut net, message::proposal(&signed, Some(other)));
    assert_eq!(reason, Some(MessageRefused::Body(BadBlock::Other)));
    let reason = refusal(&mut net, message::proposal(&signed, Some(vec![1])));
    assert!(matches!(reason, Some(MessageRefused::Body(_))));

    let reason = refusal(&mut net, message::proposal(&signed, Some(good.encode())));
    assert_eq!(reason, None);
    assert!(net.machine(0).effects.height.proposals.body(&id).is_some());
}

#[test]
fn a_block_that_execution_denies_gets_a_nil_prevote() {
    let mut net = Net::new(4);
    let mut bad = block(&net, START_MS + 1);
    bad.header.state_root = [1; 32];
    let signed = proposal(&net, 1, 0, bad.id(), None);
    let reason = refusal(&mut net, message::proposal(&signed, Some(bad.encode())));
    let invalid = Invalid::Execution(InvalidBlock::Header("state root"));
    assert_eq!(reason, Some(MessageRefused::InvalidBlock(invalid)));
    assert_prevoted_nil(&net);
}

/// Node 0 has prevoted, for nil.
/// The three other validators vote for a block at height 1, round 0: node 0 decides it.
pub fn assert_a_quorum_decides(net: &mut Net, id: Hash) {
    for kind in [VoteType::Prevote, VoteType::Precommit] {
        for i in 1..4 {
            let vote = signed_vote(net, i, kind, 1, 0, Some(id));
            assert_eq!(refusal(net, message::vote(&vote)), None);
        }
    }
    assert_eq!(net.committed, [(0, 1, 0, 0)]);
}

pub fn assert_prevoted_nil(net: &Net) {
    let own = keys(4)[0].verifying_key().to_bytes().to_vec();
    let prevote = net.signed.get(&(own, true, 1, 0, VoteType::Prevote as u8));
    let vote = ledger::Vote::decode(&prevote.unwrap()[..]).unwrap();
    assert_eq!(vote.block_id, Vec::<u8>::new());
}

#[test]
fn certificates_are_refused_with_their_reason() {
    let mut net = Net::new(4);
    let id = [5; 32];
    let votes = |net: &Net, kind, round, of: &[usize]| -> Vec<_> {
        let signed = of
            .iter()
            .map(|i| signed_vote(net, *i, kind, 1, round, Some(id)));
        signed.collect()
    };
    let polka = |net: &Net, of: &[usize]| {
        let votes = votes(net, VoteType::Prevote, 0, of);
        Polka::new(Height(1), Round::new(0), BlockId(id), votes)
    };
    let round = |net: &Net, kind, skip, of: &[usize]| {
        let votes = votes(net, kind, 1, of);
        let cert_type = match skip {
            true => RoundCertificateType::Skip,
            false => RoundCertificateType::Precommit,
        };
        RoundCertificate::new_from_votes(Height(1), Round::new(1), cert_type, votes)
    };
    let few = |signed| Some(MessageRefused::TooFewVotes { signed, total: 4 });
    let twice = Some(MessageRefused::Duplicate(
        keys(4)[1].verifying_key().to_bytes(),
    ));

    let bytes = message::polka(&polka(&net, &[1, 2]));
    assert_eq!(refusal(&mut net, bytes), few(2));
    let bytes = message::polka(&polka(&net, &[1, 1, 2]));
    assert_eq!(refusal(&mut net, bytes), twice.clone());
    let mut forged = polka(&net, &[1, 2, 3]);
    forged.polka_signatures[1].signature[0] ^= 1;
    let reason = refusal(&mut net, message::polka(&forged));
    assert!(matches!(reason, Some(MessageRefused::Signature(_))));

    let bytes = message::round(&round(&net, VoteType::Prevote, true, &[1]));
    assert_eq!(refusal(&mut net, bytes), few(1));
    let bytes = message::round(&round(&net, VoteType::Precommit, false, &[1, 2]));
    assert_eq!(refusal(&mut net, bytes), few(2));
    let bytes = message::round(&round(&net, VoteType::Prevote, false, &[1, 2, 3]));
    assert_eq!(
        refusal(&mut net, bytes),
        Some(MessageRefused::CertificateVote)
    );
    let bytes = message::round(&round(&net, VoteType::Prevote, true, &[1, 1]));
    assert_eq!(refusal(&mut net, bytes), twice);
    assert_eq!(net.machine(0).round(), None);

    // A good one of each.
    let bytes = message::polka(&polka(&net, &[1, 2, 3]));
    assert_eq!(refusal(&mut net, bytes), None);
    assert_eq!(net.machine(0).round(), Some(0));
    let bytes = message::round(&round(&net, VoteType::Prevote, true, &[1, 2]));
    assert_eq!(refusal(&mut net, bytes), None);
    assert_eq!(net.machine(0).round(), Some(1));
}

#[test]
fn a_third_proposal_of_a_round_is_refused() {
    let mut net = Net::new(4);
    for (time, expected) in [
        (1, None),
        (2, None),
        (3, Some(MessageRefused::TooManyProposals(0))),
    ] {
        let block = block(&net, START_MS + time);
        let signed = proposal(&net, 1, 0, block.id(), None);
        let bytes = message::proposal(&signed, Some(block.encode()));
        assert_eq!(refusal(&mut net, bytes), expected, "{time}");
    }
}

/// Blocks of an answer are checked one by one; a bad one is refused and another peer asked.
#[test]
fn a_bad_block_in_a_sync_answer_is_refused_and_another_peer_asked() {
    let mut net = Net::new(4);
    net.crash(0);
    for height in 1..=3 {
        net.submit(height);
        net.run_to(height);
    }
    let good: Vec<_> = (1..=3)
        .map(|h| net.nodes[1].store.block(h).unwrap().unwrap())
        .collect();
    type Spoil = fn(&mut Block, &mut ledger::CommitCertificate);
    let spoils: [Spoil; 7] = [
        |_, c| c.signatures[0].signature[0] ^= 1,
        |_, c| c.signatures.truncate(2),
        |_, c| c.signatures.swap(0, 1),
        |_, c| c.round += 1,
        |_, c| c.height += 1,
        |_, c| c.block_id[0] ^= 1,
        |b, _| b.header.state_root[0] ^= 1,
    ];
    for spoil in spoils {
        net.events.clear();
        let (mut machine, _) = net.open(0).unwrap();
        let now = net.now_ms;
        for peer in 1..=2 {
            machine
                .handle(now, Input::PeerConnected(tag(peer)))
                .unwrap();
        }
        let announce = |from: PeerTag| Input::Message {
            from,
            bytes: message::announce(3),
        };
        let outputs = machine.handle(now, announce(tag(1))).unwrap();
        assert!(asks(&outputs, &tag(1)));
        let outputs = machine.handle(now, announce(tag(2))).unwrap();
        assert!(!asks(&outputs, &tag(2)), "one fetch at a time");
        let (mut block, mut certificate) = good[0].clone();
        spoil(&mut block, &mut certificate);
        let from = tag(1);
        let blocks = vec![(block, certificate)];
        let outputs = machine.handle(now, Input::Blocks { from, blocks }).unwrap();
        let is_refusal = |o: &Output| match o {
            Output::Refused { peer, reason } => {
                *peer == tag(1) && matches!(reason, MessageRefused::InvalidBlock(_))
            }
            _ => false,
        };
        assert!(outputs.iter().any(is_refusal));
        assert!(asks(&outputs, &tag(2)));
        assert_eq!(machine.height(), 1);
    }
    net.start(0);
    net.run_to(3);
    net.assert_agreement();
}

fn asks(outputs: &[Output], peer: &PeerTag) -> bool {
    let is_fetch = |o: &Output| matches!(o, Output::FetchBlocks { from, .. } if from == peer);
    outputs.iter().any(is_fetch)
}

/// The guard refuses: the machine ends and nothing leaves.
#[test]
fn a_guard_that_refuses_ends_the_machine() {
    let mut net = Net::new(4);
    let (mut machine, _) = net.open(0).unwrap();
    let last = crate::storage::double_sign_guard::LastSigned {
        height: 1,
        round: 7,
        step: crate::storage::double_sign_guard::SignedStep::Precommit,
        hash: [1; 32],
    };
    machine
        .effects
        .signer
        .as_mut()
        .unwrap()
        .recover(last)
        .unwrap();
    let block = block(&net, START_MS + 1);
    let signed = proposal(&net, 1, 0, block.id(), None);
    let bytes = message::proposal(&signed, Some(block.encode()));
    let from = tag(1);
    let result = machine.handle(net.now_ms, Input::Message { from, bytes });
    assert!(matches!(result, Err(Fault::Signing(_))), "{result:?}");
    let again = machine.handle(net.now_ms, Input::Transactions);
    assert!(again.is_err());
}
