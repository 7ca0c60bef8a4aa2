//! Messages between validators: strict decoding, encoding, and why one is refused.

use arc_malachitebft_core_types as malachite;
use malachite::{
    NilOrVal, PolkaSignature, Round, RoundCertificateType, RoundSignature, SignedMessage, VoteType,
};
use prost::Message as _;
use thiserror::Error;
use touchstone_core::block::BadBlock;
use touchstone_core::encoding::{self, Malformed};
use touchstone_core::hash::Hash;
use touchstone_proto::peer::consensus_message::Message as Wire;
use touchstone_proto::{ledger, peer};

use super::context::{Address, BlockId, Ctx, Height, Proposal, Vote, number};
use crate::chain::Invalid;

/// Bytes of a message. A block has at most 6 MiB of envelopes (genesis parameters) and 5 bytes
/// of framing for each of them.
pub const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// A round above this is nonsense: no chain gets there, and sums with it can't overflow.
pub const MAX_ROUND: u32 = 1 << 30;

/// A vote with its signature.
pub type SignedVote = SignedMessage<Ctx, Vote>;
/// A proposal with its signature.
pub type SignedProposal = SignedMessage<Ctx, Proposal>;
/// More than 2/3 of prevotes for a block.
pub type Polka = malachite::PolkaCertificate<Ctx>;
/// The votes that let a node enter a round.
pub type RoundCertificate = malachite::RoundCertificate<Ctx>;

/// A decoded message; nothing in it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A vote.
    Vote(SignedVote),
    /// A proposal, usually with the exact bytes of its block.
    Proposal(SignedProposal, Option<Vec<u8>>),
    /// A polka.
    Polka(Polka),
    /// A round certificate.
    Round(RoundCertificate),
    /// The sender lacks a proposal, or votes.
    Want {
        /// Its height.
        height: u64,
        /// Its round.
        round: u32,
        /// The block, or whatever was proposed in the round, and its votes.
        block_id: Option<Hash>,
        /// Whether it has the round's proposal, and lacks votes alone.
        has_proposal: bool,
    },
    /// The sender's last block is at this height.
    Announce {
        /// Its height.
        height: u64,
    },
}

/// Why a peer's message or blocks were refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MessageRefused {
    /// Too long; not even decoded.
    #[error("a message of {found} bytes; at most {MAX_MESSAGE_BYTES}")]
    Oversized {
        /// Its length.
        found: usize,
    },
    /// Not the canonical encoding of a message, or a field of the wrong shape.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// None of the known messages.
    #[error("an empty or unknown message")]
    Empty,
    /// Neither prevote nor precommit.
    #[error("vote kind {0} is unknown")]
    VoteKind(i32),
    /// Height 0, or a vote in a certificate that is of another height or round.
    #[error("height {0} doesn't belong here")]
    Height(u64),
    /// A round that can't be.
    #[error("round {0} doesn't belong here")]
    Round(u32),
    /// A valid round that is not before the proposal's.
    #[error("valid round {valid_round} is not before round {round}")]
    ValidRound {
        /// The proposal's round.
        round: u32,
        /// What it claims.
        valid_round: u32,
    },
    /// Signed by a stranger.
    #[error("{} is not a validator at this height", hex::encode(.0))]
    UnknownValidator([u8; 32]),
    /// Signed by a validator whose turn it isn't.
    #[error("{} is not the proposer of this round", hex::encode(.0))]
    NotTheProposer([u8; 32]),
    /// The signature doesn't hold: other bytes, another key or another chain.
    #[error("the signature of {} is invalid for this chain", hex::encode(.0))]
    Signature([u8; 32]),
    /// The body isn't a block.
    #[error("the body is not a block: {0}")]
    Body(#[from] BadBlock),
    /// The peer's bodies of this height were other blocks too often.
    #[error("too many bodies that aren't the proposed block")]
    TooManyBodies,
    /// The block can't follow the tip.
    #[error("the block is invalid: {0}")]
    InvalidBlock(#[from] Invalid),
    /// A new block that someone else made.
    #[error("the block was made by another validator than the one that proposes it as new")]
    NotItsMaker,
    /// The block's time is too far from this node's clock.
    #[error("the block's time {time_ms} is not timely at {now_ms}")]
    Untimely {
        /// Time in the header, milliseconds.
        time_ms: u64,
        /// Our clock when the proposal was first seen, milliseconds.
        now_ms: u64,
    },
    /// More proposals for a round than are kept.
    #[error("too many proposals for round {0}")]
    TooManyProposals(u32),
    /// One validator twice in a certificate.
    #[error("{} stands twice in the certificate", hex::encode(.0))]
    Duplicate([u8; 32]),
    /// A prevote among precommits.
    #[error("a vote of the wrong kind in the certificate")]
    CertificateVote,
    /// Too little voting power.
    #[error("{signed} of {total} voting power signed the certificate")]
    TooFewVotes {
        /// Power of the signers.
        signed: u64,
        /// Power of all.
        total: u64,
    },
}

/// Decodes a message strictly.
pub fn decode(bytes: &[u8]) -> Result<Message, MessageRefused> {
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(MessageRefused::Oversized { found: bytes.len() });
    }
    let message: peer::ConsensusMessage = encoding::decode_exact(bytes)?;
    Ok(match message.message.ok_or(MessageRefused::Empty)? {
        Wire::Vote(vote) => Message::Vote(read_vote(&vote)?),
        Wire::Proposal(proposal) => {
            let (signed, block) = read_proposal(proposal)?;
            Message::Proposal(signed, block)
        }
        Wire::Polka(polka) => Message::Polka(read_polka(&polka)?),
        Wire::Round(certificate) => Message::Round(read_round(&certificate)?),
        Wire::Want(want) => Message::Want {
            height: want.height,
            round: want.round,
            block_id: optional_id(&want.block_id)?,
            has_proposal: want.has_proposal,
        },
        Wire::Announce(announce) => Message::Announce {
            height: announce.height,
        },
    })
}

/// The bytes of a vote message.
pub fn vote(signed: &SignedVote) -> Vec<u8> {
    wrap(Wire::Vote(write_vote(signed)))
}

/// The bytes of a proposal message.
pub fn proposal(signed: &SignedProposal, block: Option<Vec<u8>>) -> Vec<u8> {
    wrap(Wire::Proposal(write_proposal(signed, block)))
}

/// The bytes of a polka message.
pub fn polka(certificate: &Polka) -> Vec<u8> {
    wrap(Wire::Polka(write_polka(certificate)))
}

/// The bytes of a round certificate message.
pub fn round(certificate: &RoundCertificate) -> Vec<u8> {
    wrap(Wire::Round(peer::RoundCertificate {
        height: certificate.height.0,
        round: number(certificate.round),
        skip: certificate.cert_type == RoundCertificateType::Skip,
        votes: certificate.votes(&Ctx).map(|v| write_vote(&v)).collect(),
    }))
}

/// The bytes of a request for a proposal, or for votes.
pub fn want(height: u64, round: u32, block_id: Option<&Hash>, has_proposal: bool) -> Vec<u8> {
    wrap(Wire::Want(peer::WantBlock {
        height,
        round,
        block_id: block_id.map(|id| id.to_vec()).unwrap_or_default(),
        has_proposal,
    }))
}

/// The bytes of an announcement.
pub fn announce(height: u64) -> Vec<u8> {
    wrap(Wire::Announce(peer::Announce { height }))
}

fn wrap(message: Wire) -> Vec<u8> {
    peer::ConsensusMessage {
        message: Some(message),
    }
    .encode_to_vec()
}

/// A vote as it travels and is logged.
pub fn write_vote(signed: &SignedVote) -> peer::SignedVote {
    peer::SignedVote {
        vote: signed.message.signed().1,
        public_key: signed.message.address.0.to_vec(),
        signature: signed.signature.to_vec(),
    }
}

/// Reads a vote strictly.
pub fn read_vote(message: &peer::SignedVote) -> Result<SignedVote, MessageRefused> {
    let vote: ledger::Vote = encoding::decode_exact(&message.vote)?;
    let kind = match ledger::VoteKind::try_from(vote.kind) {
        Ok(ledger::VoteKind::Prevote) => VoteType::Prevote,
        Ok(ledger::VoteKind::Precommit) => VoteType::Precommit,
        _ => return Err(MessageRefused::VoteKind(vote.kind)),
    };
    let address = Address(encoding::exact("public_key", &message.public_key)?);
    let signature = encoding::exact("signature", &message.signature)?;
    let vote = Vote {
        kind,
        height: checked_height(vote.height)?,
        round: checked_round(vote.round)?,
        value: match optional_id(&vote.block_id)? {
            Some(id) => NilOrVal::Val(BlockId(id)),
            None => NilOrVal::Nil,
        },
        address,
    };
    Ok(SignedMessage::new(vote, signature))
}

/// A proposal as it travels and, without the block, is logged.
pub fn write_proposal(signed: &SignedProposal, block: Option<Vec<u8>>) -> peer::SignedProposal {
    peer::SignedProposal {
        proposal: signed.message.signed().1,
        public_key: signed.message.address.0.to_vec(),
        signature: signed.signature.to_vec(),
        block,
    }
}

/// Reads a proposal strictly; the block's bytes are left as they are.
pub fn read_proposal(
    message: peer::SignedProposal,
) -> Result<(SignedProposal, Option<Vec<u8>>), MessageRefused> {
    let proposal: ledger::Proposal = encoding::decode_exact(&message.proposal)?;
    let address = Address(encoding::exact("public_key", &message.public_key)?);
    let signature = encoding::exact("signature", &message.signature)?;
    let round = checked_round(proposal.round)?;
    if let Some(valid_round) = proposal.valid_round.filter(|v| *v >= proposal.round) {
        return Err(MessageRefused::ValidRound {
            round: proposal.round,
            valid_round,
        });
    }
    let decoded = Proposal {
        height: checked_height(proposal.height)?,
        round,
        value: BlockId(encoding::exact("block_id", &proposal.block_id)?),
        valid_round: Round::from(proposal.valid_round),
        address,
    };
    Ok((SignedMessage::new(decoded, signature), message.block))
}

/// A polka as it travels and is logged.
pub fn write_polka(certificate: &Polka) -> peer::PolkaCertificate {
    let signatures = certificate.polka_signatures.iter();
    peer::PolkaCertificate {
        height: certificate.height.0,
        round: number(certificate.round),
        block_id: certificate.value_id.0.to_vec(),
        signatures: signatures
            .map(|s| ledger::Signature {
                public_key: s.address.0.to_vec(),
                signature: s.signature.to_vec(),
            })
            .collect(),
    }
}

/// Reads a polka strictly.
pub fn read_polka(message: &peer::PolkaCertificate) -> Result<Polka, MessageRefused> {
    let polka_signatures = message
        .signatures
        .iter()
        .map(|s| {
            let address = Address(encoding::exact("public_key", &s.public_key)?);
            let signature = encoding::exact("signature", &s.signature)?;
            Ok(PolkaSignature::new(address, signature))
        })
        .collect::<Result<_, Malformed>>()?;
    Ok(Polka {
        height: checked_height(message.height)?,
        round: checked_round(message.round)?,
        value_id: BlockId(encoding::exact("block_id", &message.block_id)?),
        polka_signatures,
    })
}

fn read_round(message: &peer::RoundCertificate) -> Result<RoundCertificate, MessageRefused> {
    let height = checked_height(message.height)?;
    let round = checked_round(message.round)?;
    let mut round_signatures = Vec::with_capacity(message.votes.len());
    for vote in &message.votes {
        let SignedMessage { message, signature } = read_vote(vote)?;
        if message.height != height {
            return Err(MessageRefused::Height(message.height.0));
        }
        if message.round != round {
            return Err(MessageRefused::Round(number(message.round)));
        }
        round_signatures.push(RoundSignature::new(
            message.kind,
            message.value,
            message.address,
            signature,
        ));
    }
    Ok(RoundCertificate {
        height,
        round,
        cert_type: match message.skip {
            true => RoundCertificateType::Skip,
            false => RoundCertificateType::Precommit,
        },
        round_signatures,
    })
}

fn checked_height(height: u64) -> Result<Height, MessageRefused> {
    match height {
        0 => Err(MessageRefused::Height(0)),
        height => Ok(Height(height)),
    }
}

fn checked_round(round: u32) -> Result<Round, MessageRefused> {
    match round <= MAX_ROUND {
        true => Ok(Round::new(round)),
        false => Err(MessageRefused::Round(round)),
    }
}

fn optional_id(bytes: &[u8]) -> Result<Option<Hash>, Malformed> {
    match bytes.is_empty() {
        true => Ok(None),
        false => encoding::exact("block_id", bytes).map(Some),
    }
}
