//! What is known of the running height besides Malachite's own state.

use super::block_bodies::BadBodies;
use super::effects::wal_append::LoggedEntries;
use super::get_value::BlockRequest;
use super::proposals::Proposals;
use super::stalled_round::Asking;

/// The running height. Each part has one owner, which alone knows its fields.
#[derive(Debug, Default)]
pub struct HeightState {
    validators: Vec<[u8; 32]>,
    round: u32,
    proposer: [u8; 32],
    is_decided: bool,
    /// The proposals and their blocks.
    pub proposals: Proposals,
    /// Peers whose bodies weren't the blocks that they came for.
    pub bad_bodies: BadBodies,
    /// Malachite's request for a block of this node's, and the reasons for making one.
    pub block_request: BlockRequest,
    /// Who lacks something.
    pub asking: Asking,
    /// When it began, milliseconds.
    began_ms: u64,
    /// What the write-ahead log holds already.
    pub logged: LoggedEntries,
}

impl HeightState {
    /// A height of these validators begins.
    pub fn begin(&mut self, validators: Vec<[u8; 32]>, now_ms: u64) {
        self.validators = validators;
        self.began_ms = now_ms;
    }

    /// When it began, milliseconds.
    pub fn began_ms(&self) -> u64 {
        self.began_ms
    }

    /// A round begins.
    pub fn start_round(&mut self, round: u32, proposer: [u8; 32], now_ms: u64) {
        self.round = round;
        self.proposer = proposer;
        self.asking.start_round(now_ms);
        self.block_request.withdraw();
    }

    /// The height's block is committed.
    pub fn set_decided(&mut self) {
        self.is_decided = true;
    }

    /// The height's validators, by public key.
    pub fn validators(&self) -> &[[u8; 32]] {
        &self.validators
    }

    /// The round.
    pub fn round(&self) -> u32 {
        self.round
    }

    /// Public key of the round's proposer.
    pub fn proposer(&self) -> &[u8; 32] {
        &self.proposer
    }

    /// Whether the height is decided and committed.
    pub fn is_decided(&self) -> bool {
        self.is_decided
    }
}
