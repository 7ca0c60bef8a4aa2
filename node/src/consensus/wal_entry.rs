//! Entries of the write-ahead log: what Malachite must hear again after a crash, in our own
//! strict encoding. A proposed value carries its block, so that a body is durable before this
//! node votes for it.

use arc_malachitebft_core_consensus::{Input, ProposedValue};
use arc_malachitebft_core_types::{Round, Timeout, TimeoutKind, Validity, ValueOrigin};
use prost::Message as _;
use touchstone_core::encoding;
use touchstone_core::fault::Fault;
use touchstone_proto::peer;

use super::context::{Address, BlockId, Ctx, Height, number};
use super::message;

const VOTE: u8 = 1;
const PROPOSAL: u8 = 2;
const POLKA: u8 = 3;
const TIMEOUT: u8 = 4;
const VALUE: u8 = 5;

/// An entry read back.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What to feed.
    pub input: Input<Ctx>,
    /// The block of a proposed value, where this entry is the one that carries it.
    pub body: Option<Vec<u8>>,
}

/// The entry without a body, or `None` for an input that is never logged.
pub fn encode(input: &Input<Ctx>) -> Option<Vec<u8>> {
    let (tag, rest) = match input {
        Input::Vote(vote) => (VOTE, message::write_vote(vote).encode_to_vec()),
        Input::Proposal(proposal) => (
            PROPOSAL,
            message::write_proposal(proposal, None).encode_to_vec(),
        ),
        Input::PolkaCertificate(polka) => (POLKA, message::write_polka(polka).encode_to_vec()),
        Input::TimeoutElapsed(timeout) => (TIMEOUT, encode_timeout(timeout)?),
        Input::ProposedValue(value, ValueOrigin::Consensus) => (VALUE, encode_value(value)),
        _ => return None,
    };
    let mut entry = Vec::with_capacity(1 + rest.len());
    entry.push(tag);
    entry.extend_from_slice(&rest);
    Some(entry)
}

/// Reads an entry of `height`. The log's checksums have held, so whatever doesn't decode is damage.
pub fn decode(height: u64, entry: &[u8]) -> Result<Entry, Fault> {
    let damaged = |what: String| Fault::Damaged(format!("entry of the write-ahead log: {what}"));
    let (tag, rest) = entry.split_first().ok_or_else(|| damaged("empty".into()))?;
    let input = match *tag {
        VOTE => {
            let wire: peer::SignedVote =
                encoding::decode_exact(rest).map_err(|e| damaged(e.to_string()))?;
            Input::Vote(message::read_vote(&wire).map_err(|e| damaged(e.to_string()))?)
        }
        PROPOSAL => {
            let wire: peer::SignedProposal =
                encoding::decode_exact(rest).map_err(|e| damaged(e.to_string()))?;
            let read = message::read_proposal(wire).map_err(|e| damaged(e.to_string()))?;
            Input::Proposal(read.0)
        }
        POLKA => {
            let wire: peer::PolkaCertificate =
                encoding::decode_exact(rest).map_err(|e| damaged(e.to_string()))?;
            Input::PolkaCertificate(message::read_polka(&wire).map_err(|e| damaged(e.to_string()))?)
        }
        TIMEOUT => {
            Input::TimeoutElapsed(decode_timeout(rest).ok_or_else(|| damaged("a timeout".into()))?)
        }
        VALUE => {
            let (value, body) =
                decode_value(height, rest).ok_or_else(|| damaged("a proposed value".into()))?;
            return Ok(Entry {
                input: Input::ProposedValue(value, ValueOrigin::Consensus),
                body: (!body.is_empty()).then(|| body.to_vec()),
            });
        }
        other => return Err(damaged(format!("kind {other}"))),
    };
    Ok(Entry { input, body: None })
}

fn encode_timeout(timeout: &Timeout) -> Option<Vec<u8>> {
    let kind = match timeout.kind {
        TimeoutKind::Propose => 0,
        TimeoutKind::Prevote => 1,
        TimeoutKind::Precommit => 2,
        TimeoutKind::Rebroadcast | TimeoutKind::FinalizeHeight(_) => return None,
    };
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&number(timeout.round).to_be_bytes());
    Some(bytes)
}

fn decode_timeout(bytes: &[u8]) -> Option<Timeout> {
    let (kind, round) = bytes.split_first()?;
    let kind = match kind {
        0 => TimeoutKind::Propose,
        1 => TimeoutKind::Prevote,
        2 => TimeoutKind::Precommit,
        _ => return None,
    };
    let round = u32::from_be_bytes(round.try_into().ok()?);
    Some(Timeout::new(Round::new(round), kind))
}

/// `round ‖ valid round + 1 (0: none) ‖ proposer ‖ block id ‖ 1 if valid`; a body may follow.
fn encode_value(value: &ProposedValue<Ctx>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(77);
    bytes.extend_from_slice(&number(value.round).to_be_bytes());
    let valid_round = value
        .valid_round
        .as_u32()
        .map_or(0, |r| r.saturating_add(1));
    bytes.extend_from_slice(&valid_round.to_be_bytes());
    bytes.extend_from_slice(&value.proposer.0);
    bytes.extend_from_slice(&value.value.0);
    bytes.push(u8::from(value.validity.is_valid()));
    bytes
}

fn decode_value(height: u64, bytes: &[u8]) -> Option<(ProposedValue<Ctx>, &[u8])> {
    let (round, bytes) = bytes.split_first_chunk::<4>()?;
    let (valid_round, bytes) = bytes.split_first_chunk::<4>()?;
    let (proposer, bytes) = bytes.split_first_chunk::<32>()?;
    let (id, bytes) = bytes.split_first_chunk::<32>()?;
    let (validity, body) = bytes.split_first()?;
    let value = ProposedValue {
        height: Height(height),
        round: Round::new(u32::from_be_bytes(*round)),
        valid_round: Round::from(u32::from_be_bytes(*valid_round).checked_sub(1)),
        proposer: Address(*proposer),
        value: BlockId(*id),
        validity: match validity {
            0 => Validity::Invalid,
            1 => Validity::Valid,
            _ => return None,
        },
    };
    Some((value, body))
}
