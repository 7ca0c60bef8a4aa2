//! Where the node is, and whether its chain moves. A chain that doesn't says why, and what helps.

use std::fmt;
use std::sync::Arc;

use touchstone_edge::release::VERSION;
use touchstone_proto::node as wire;

use super::LedgerService;

/// What the service tells of the node's progress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Height of the last block committed.
    pub height: u64,
    /// Round of the height under way.
    pub round: u32,
    /// Whether this node votes.
    pub validator: bool,
    /// The public half of the key that it votes with, or would if it were a validator's.
    pub voting_key: Option<[u8; 32]>,
    /// Whether peers are known to be ahead.
    pub syncing: bool,
    /// Network identities of connected peers.
    pub peers: Arc<[String]>,
    /// Why the chain doesn't move, if it doesn't.
    pub halt: Option<Halt>,
    /// Whose clocks disagree with this node's, where that may halt the chain.
    pub clock_alarm: Option<String>,
    /// Why its key signs nothing for now, whether the chain moves or not.
    pub silence: Option<String>,
}

impl Progress {
    /// What an operator does whose validator key is nobody's here; none while the node catches up, which may bring
    /// the change.
    pub fn idle_key(&self) -> Option<String> {
        let key = self
            .voting_key
            .filter(|_| !self.validator && !self.syncing)?;
        Some(format!(
            "this node signs nothing: its key {} is no validator's. If another key took its place, name that one's \
             file as validator_key and start the node again; if the vote on it is still to come, it votes from then on",
            hex::encode(key)
        ))
    }
}

/// Why no block comes though one is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// Seconds since the last block.
    pub since_s: u64,
    /// The height that isn't decided, and its round.
    pub height: u64,
    /// The round.
    pub round: u32,
    /// Organisations whose validators aren't heard at this height.
    pub missing: Vec<String>,
    /// The height up to which this node's own validator signs nothing, if it doesn't.
    pub muted_until: Option<u64>,
    /// Whether this node's validator signs nothing since its disk is new and the others haven't confirmed a height.
    pub is_unconfirmed: bool,
    /// How far this node's clock is from the others', milliseconds, as far as their blocks tell.
    pub clock_offset_ms: Option<i64>,
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Halt {
            since_s,
            height,
            round,
            missing,
            muted_until,
            is_unconfirmed,
            clock_offset_ms,
        } = self;
        let mut parts = vec![format!(
            "no block for {since_s} s: height {height} is in round {round}"
        )];
        if !missing.is_empty() {
            parts.push(format!("not heard: {}", missing.join(", ")));
        }
        if let Some(until) = muted_until {
            parts.push(format!("this validator signs nothing up to height {until}"));
        }
        if *is_unconfirmed {
            parts.push("this validator's disk is new, and it signs nothing".to_owned());
        }
        if let Some(offset) = clock_offset_ms {
            parts.push(format!("this clock is {offset} ms off the others'"));
        }
        // Command lines recognise each part (language/messages/zh-reasons.toml).
        write!(f, "{}. {}", parts.join("; "), self.way_out())
    }
}

impl Halt {
    /// What the operator does, by the guide's words.
    pub fn way_out(&self) -> &'static str {
        if self.is_unconfirmed {
            "More than 2/3 of the others must confirm a height: docs/operating.md, \"A validator's disk is replaced\""
        } else if self.muted_until.is_some() {
            "Its guard knows of signatures that its log doesn't: docs/operating.md, \"A muted validator\""
        } else if self.clock_offset_ms.is_some() {
            "Set the clock: docs/operating.md, \"A wrong clock\""
        } else {
            "More than 2/3 of the voting power must be up and connected: docs/operating.md, \"A halted chain\""
        }
    }
}

/// The node's status.
pub fn status(service: &LedgerService, tip: crate::storage::Tip) -> wire::NodeStatus {
    let parts = &service.parts;
    let progress = parts.progress.borrow().clone();
    let (pending, _) = parts.mempool.size();
    wire::NodeStatus {
        chain_id: parts.chain_id.to_vec(),
        chain_name: parts.chain_name.clone(),
        height: tip.height,
        block_id: tip.block_id.to_vec(),
        time_ms: tip.time_ms,
        round: progress.round,
        pending_transactions: u32::try_from(pending).unwrap_or(u32::MAX),
        connected_peers: progress.peers.to_vec(),
        validator: progress.validator,
        voting_key: progress.voting_key.map(Vec::from).unwrap_or_default(),
        syncing: progress.syncing,
        version: VERSION.to_owned(),
        clock_alarm: progress.clock_alarm.unwrap_or_default(),
        silence: progress.silence.unwrap_or_default(),
        failure_alarm: parts
            .failed
            .alarm()
            .map_or_else(String::new, |alarm| alarm.to_string()),
        halt: progress.halt.map(|halt| wire::Halt {
            explanation: halt.to_string(),
            since_s: halt.since_s,
            height: halt.height,
            round: halt.round,
            missing: halt.missing,
            muted_until: halt.muted_until,
            is_unconfirmed: halt.is_unconfirmed,
            clock_offset_ms: halt.clock_offset_ms,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halt_says_who_is_missing_and_what_helps() {
        let halt = Halt {
            since_s: 90,
            height: 7,
            round: 12,
            missing: vec!["court".into(), "platform".into()],
            muted_until: None,
            is_unconfirmed: false,
            clock_offset_ms: None,
        };
        let text = halt.to_string();
        assert!(text.starts_with(
            "no block for 90 s: height 7 is in round 12; not heard: court, platform. "
        ));
        assert!(text.contains("A halted chain"), "{text}");
        let muted = Halt {
            muted_until: Some(9),
            ..halt.clone()
        };
        assert!(muted.to_string().contains("up to height 9") && muted.way_out().contains("muted"));
        let clock = Halt {
            clock_offset_ms: Some(-4000),
            ..halt
        };
        assert!(clock.to_string().contains("-4000 ms") && clock.way_out().contains("clock"));
    }
}
