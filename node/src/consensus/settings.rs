//! Durations and limits of consensus.

/// Durations and limits, all in milliseconds where the name says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsensusSettings {
    /// How long a proposal is waited for in round 0.
    pub propose_ms: u64,
    /// How much longer in round 1; each further round adds so much more than the one before.
    pub propose_delta_ms: u64,
    /// How long further prevotes are waited for in round 0.
    pub prevote_ms: u64,
    /// As [`ConsensusSettings::propose_delta_ms`].
    pub prevote_delta_ms: u64,
    /// How long further precommits are waited for in round 0.
    pub precommit_ms: u64,
    /// As [`ConsensusSettings::propose_delta_ms`].
    pub precommit_delta_ms: u64,
    /// After how long own votes are sent again.
    pub rebroadcast_ms: u64,
    /// After how long others are asked, at the earliest, for what a round lacks that doesn't move. Sooner, questions
    /// and answers that weren't needed would be in the way of what is late.
    pub ask_ms: u64,
    /// After how long without a transaction an empty block is made.
    pub heartbeat_ms: u64,
    /// The first block of a new chain after this long: validators connect meanwhile.
    pub first_block_ms: u64,
    /// How long the first transaction of a block waits for others, unless the last block held one at most.
    pub batching_delay_ms: u64,
    /// How long a proposer waits for a transaction when others have begun the height and it has
    /// none.
    pub empty_block_delay_ms: u64,
    /// After how long a proposal that others voted for is asked for.
    pub request_delay_ms: u64,
    /// After how long a running height that a peer has decided is fetched from it.
    pub sync_delay_ms: u64,
    /// How long a peer may take to send blocks.
    pub sync_timeout_ms: u64,
    /// Blocks fetched at once.
    pub sync_blocks: u32,
    /// How often the own height is announced.
    pub announce_ms: u64,
    /// After how long a new height is announced on which no other follows.
    pub commit_announce_ms: u64,
}

impl Default for ConsensusSettings {
    fn default() -> Self {
        ConsensusSettings {
            propose_ms: 800,
            propose_delta_ms: 300,
            prevote_ms: 300,
            prevote_delta_ms: 150,
            precommit_ms: 300,
            precommit_delta_ms: 150,
            rebroadcast_ms: 500,
            ask_ms: 100,
            heartbeat_ms: 60_000,
            first_block_ms: 500,
            batching_delay_ms: 5,
            empty_block_delay_ms: 50,
            request_delay_ms: 200,
            sync_delay_ms: 300,
            sync_timeout_ms: 3_000,
            sync_blocks: 64,
            announce_ms: 2_000,
            commit_announce_ms: 50,
        }
    }
}
