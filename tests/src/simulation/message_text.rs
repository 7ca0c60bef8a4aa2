//! Inputs and outputs of machines in words, and as numbers for the digest.

use prost::Message;
use touchstone_node::consensus::{Input, Output};
use touchstone_proto::ledger::{self, VoteKind};
use touchstone_proto::peer;
use touchstone_proto::peer::consensus_message::Message as Wire;

use super::checks::short;
use super::process::of_tag;
use super::run_record::digest_of;

/// A number that depends on all of the input.
pub fn digest_of_input(input: &Input) -> u64 {
    match input {
        Input::Message { from, bytes } => digest_of(bytes) ^ digest_of(from),
        Input::Timer(token) => 0x100_0000 ^ token.0,
        Input::Transactions => 0x200_0000,
        Input::Blocks { from, blocks } => blocks
            .iter()
            .fold(0x300_0000 ^ digest_of(from), |sum, (b, _)| {
                sum.rotate_left(5) ^ digest_of(&b.header.encode())
            }),
        Input::PeerConnected(tag) => 0x400_0000 ^ digest_of(tag),
        Input::PeerDisconnected(tag) => 0x500_0000 ^ digest_of(tag),
    }
}

/// A number that depends on all that matters of the output.
pub fn digest_of_output(output: &Output) -> u64 {
    match output {
        Output::Broadcast(bytes) => digest_of(bytes),
        Output::Send { to, bytes } => digest_of(bytes).rotate_left(1) ^ digest_of(to),
        Output::SetTimer { token, after_ms } => token.0 ^ after_ms.rotate_left(32),
        Output::FetchBlocks {
            from, from_height, ..
        } => 0x600_0000 ^ digest_of(from) ^ from_height.rotate_left(32),
        Output::Committed { block_id, .. } => digest_of(block_id),
        Output::Refused { peer, .. } => 0x700_0000 ^ digest_of(peer),
        Output::Misbehaviour(evidence) => digest_of(&evidence.encode_to_vec()),
        Output::Clocks(report) => report.untimely.iter().fold(0x800_0000, |sum, offset| {
            sum.rotate_left(5) ^ digest_of(&offset.validator)
        }),
        Output::Late(is_late) => 0x900_0000 ^ u64::from(*is_late),
    }
}

/// An input in words; none for what is routine.
pub fn input(input: &Input) -> String {
    match input {
        Input::Message { bytes, .. } if is_announcement(bytes) => String::new(),
        Input::Message { from, bytes } => {
            format!("hears from {}: {}", of_tag(from), message(bytes))
        }
        Input::Timer(_) => "a timer elapses".into(),
        Input::Transactions => "has new transactions".into(),
        Input::Blocks { from, blocks } => {
            let heights: Vec<u64> = blocks.iter().map(|(b, _)| b.header.height).collect();
            format!("gets blocks {heights:?} from {}", of_tag(from))
        }
        Input::PeerConnected(tag) => format!("sees {} connect", of_tag(tag)),
        Input::PeerDisconnected(tag) => format!("sees {} go", of_tag(tag)),
    }
}

/// An output in words; none for what is routine.
pub fn output(output: &Output) -> String {
    match output {
        Output::Broadcast(bytes) if is_announcement(bytes) => String::new(),
        Output::Broadcast(bytes) => format!("  tells all: {}", message(bytes)),
        Output::Send { to, bytes } => format!("  tells {}: {}", of_tag(to), message(bytes)),
        Output::SetTimer { .. } => String::new(),
        Output::FetchBlocks {
            from,
            from_height,
            limit,
        } => format!(
            "  asks {} for {limit} blocks from {from_height}",
            of_tag(from)
        ),
        Output::Committed {
            height,
            block_id,
            round,
            transactions,
            ..
        } => format!(
            "  COMMITS {height} = {} of round {round} with {transactions} transactions",
            short(block_id)
        ),
        Output::Refused { peer, reason } => {
            format!("  refuses what {} said: {reason}", of_tag(peer))
        }
        Output::Clocks(report) => format!("  sees clocks disagree: {report:?}"),
        Output::Late(is_late) => format!("  finds that messages come late: {is_late}"),
        Output::Misbehaviour(evidence) => format!(
            "  ACCUSES {} of two {}s at height {}",
            hex::encode(&evidence.validator[..4.min(evidence.validator.len())]),
            evidence.kind,
            evidence.height
        ),
    }
}

fn is_announcement(bytes: &[u8]) -> bool {
    let message = peer::ConsensusMessage::decode(bytes);
    message.is_ok_and(|m| matches!(m.message, Some(Wire::Announce(_))))
}

/// A message between machines in words.
pub fn message(bytes: &[u8]) -> String {
    let Ok(message) = peer::ConsensusMessage::decode(bytes) else {
        return format!("{} bytes of rubbish", bytes.len());
    };
    match message.message {
        None => "an empty message".into(),
        Some(Wire::Vote(signed)) => vote(&signed),
        Some(Wire::Proposal(signed)) => {
            let proposal = ledger::Proposal::decode(signed.proposal.as_slice()).unwrap_or_default();
            let body = signed.block.map_or(0, |b| b.len());
            format!(
                "proposal {}/{} of {} by {}, valid round {:?}, body of {body} bytes",
                proposal.height,
                proposal.round,
                start(&proposal.block_id),
                start(&signed.public_key),
                proposal.valid_round,
            )
        }
        Some(Wire::Polka(polka)) => format!(
            "polka {}/{} for {} by {}",
            polka.height,
            polka.round,
            start(&polka.block_id),
            polka.signatures.len()
        ),
        Some(Wire::Round(certificate)) => {
            let votes: Vec<String> = certificate.votes.iter().map(vote).collect();
            let kind = if certificate.skip {
                "skip"
            } else {
                "precommit"
            };
            let (height, round) = (certificate.height, certificate.round);
            format!("{kind} certificate {height}/{round}: {}", votes.join("; "))
        }
        Some(Wire::Want(want)) => {
            let id = start(&want.block_id);
            let what = match want.has_proposal {
                true => "votes",
                false => "proposal",
            };
            format!("wants {what} {}/{} {id}", want.height, want.round)
        }
        Some(Wire::Announce(announce)) => format!("height {}", announce.height),
    }
}

fn vote(signed: &peer::SignedVote) -> String {
    let vote = ledger::Vote::decode(signed.vote.as_slice()).unwrap_or_default();
    let kind = match VoteKind::try_from(vote.kind) {
        Ok(VoteKind::Prevote) => "prevote",
        Ok(VoteKind::Precommit) => "precommit",
        _ => "vote of no kind",
    };
    let voter = start(&signed.public_key);
    let id = start(&vote.block_id);
    format!("{kind} {}/{} for {id} by {voter}", vote.height, vote.round)
}

fn start(bytes: &[u8]) -> String {
    match bytes {
        [] => "nil".into(),
        bytes => hex::encode(&bytes[..4.min(bytes.len())]),
    }
}
