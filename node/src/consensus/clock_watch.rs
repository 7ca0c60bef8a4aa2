//! Clocks that disagree. A block's time is its proposer's, so each new proposal says how far that
//! validator's clock is from this node's. Those whose proposals aren't timely make no blocks; if they
//! hold a third of the voting power, the chain may stand still, and this node's clock may be the
//! wrong one. Someone must look then.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use touchstone_core::governance::validators::ValidatorSet;

/// A validator whose last proposal wasn't timely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// Its public key.
    pub validator: [u8; 32],
    /// By how much its block's time was ahead of this node's clock, milliseconds.
    pub ahead_ms: i64,
}

/// The validators whose clocks disagree with this node's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClockReport {
    /// Those whose last new proposals weren't timely, by key.
    pub untimely: Vec<ClockOffset>,
    /// Whether they hold at least a third of the voting power: the chain may stand still.
    pub is_alarm: bool,
    /// Whether this node is the one that most others disagree with.
    pub is_own_clock: bool,
}

impl ClockReport {
    /// By how many seconds each clock is ahead of this node's, by the validators' keys in hex.
    pub fn offsets(&self) -> String {
        let offsets = self.untimely.iter().map(|offset| {
            let key = hex::encode(offset.validator);
            format!("{key}: {} s", offset.ahead_ms / 1_000)
        });
        offsets.collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for ClockReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offsets = self.offsets();
        match self.is_own_clock {
            true => write!(
                f,
                "most validators' clocks disagree with this node's, which is probably wrong (ahead of it: {offsets}): \
                 set them right, docs/operating.md, \"A wrong clock\""
            ),
            false => write!(
                f,
                "the clocks of a third of the voting power or more disagree with this node's (ahead of it: {offsets}): \
                 set them right, docs/operating.md, \"A wrong clock\""
            ),
        }
    }
}

/// What the last new proposal of each validator said.
#[derive(Debug, Default)]
pub struct ClockWatch {
    untimely: BTreeMap<[u8; 32], i64>,
    timely: BTreeSet<[u8; 32]>,
    reported: ClockReport,
}

impl ClockWatch {
    /// A new proposal was judged by its time. What is to be told, if that has changed. That an offset
    /// changes by less than a second isn't news.
    pub fn observe(
        &mut self,
        set: &ValidatorSet,
        proposer: [u8; 32],
        ahead_ms: i64,
        is_timely: bool,
    ) -> Option<ClockReport> {
        match is_timely {
            true => {
                self.untimely.remove(&proposer);
                self.timely.insert(proposer);
            }
            false => {
                self.timely.remove(&proposer);
                self.untimely.insert(proposer, ahead_ms);
            }
        }
        self.untimely.retain(|key, _| set.get(key).is_some());
        self.timely.retain(|key| set.get(key).is_some());
        let power = |keys: &mut dyn Iterator<Item = &[u8; 32]>| -> u128 {
            let of_each = keys.filter_map(|key| set.get(key));
            of_each.map(|v| u128::from(v.power)).sum()
        };
        let untimely = power(&mut self.untimely.keys());
        let timely = power(&mut self.timely.iter());
        let report = ClockReport {
            untimely: self
                .untimely
                .iter()
                .map(|(validator, ahead_ms)| ClockOffset {
                    validator: *validator,
                    ahead_ms: *ahead_ms,
                })
                .collect(),
            is_alarm: untimely * 3 >= u128::from(set.total_power()),
            is_own_clock: untimely * 2 > u128::from(set.total_power()) && untimely > timely,
        };
        if is_same(&report, &self.reported) {
            return None;
        }
        self.reported = report.clone();
        Some(report)
    }

    /// What was told last.
    pub fn report(&self) -> &ClockReport {
        &self.reported
    }
}

fn is_same(a: &ClockReport, b: &ClockReport) -> bool {
    let offsets = a.untimely.iter().zip(&b.untimely);
    a.is_alarm == b.is_alarm
        && a.is_own_clock == b.is_own_clock
        && a.untimely.len() == b.untimely.len()
        && offsets
            .into_iter()
            .all(|(a, b)| a.validator == b.validator && a.ahead_ms.abs_diff(b.ahead_ms) < 1_000)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use touchstone_core::governance::validators::Validator;

    use super::*;

    fn key(validator: u8) -> [u8; 32] {
        let seed = [validator + 1; 32];
        SigningKey::from_bytes(&seed).verifying_key().to_bytes()
    }

    fn four() -> ValidatorSet {
        let validators = (0..4).map(|i| Validator {
            public_key: key(i),
            power: 1,
            organisation: i.to_string(),
        });
        ValidatorSet::new(validators.collect(), 1).expect("a valid set")
    }

    #[test]
    fn one_wrong_clock_is_told_and_two_of_four_raise_an_alarm() {
        let (set, mut watch) = (four(), ClockWatch::default());
        assert_eq!(watch.observe(&set, key(1), 20, true), None);
        let one = watch.observe(&set, key(2), 3_600_000, false).expect("news");
        assert_eq!((one.untimely.len(), one.is_alarm), (1, false));
        assert_eq!(watch.observe(&set, key(2), 3_600_400, false), None);
        let two = watch.observe(&set, key(3), -90_000, false).expect("news");
        assert_eq!(
            (two.untimely.len(), two.is_alarm, two.is_own_clock),
            (2, true, false)
        );
        assert_eq!(watch.report(), &two);
        let told = two.to_string();
        assert!(
            told.contains(&format!("{}: -90 s", hex::encode(key(3)))),
            "{told}"
        );
        let three = watch.observe(&set, key(1), 9_000, false).expect("news");
        assert!(
            three.is_own_clock,
            "it is this node's that all disagree with"
        );
        for other in [1, 2, 3] {
            watch.observe(&set, key(other), 0, true);
        }
        assert_eq!(watch.report(), &ClockReport::default());
    }

    /// A validator that was removed no longer counts.
    #[test]
    fn who_left_is_forgotten() {
        let (set, mut watch) = (four(), ClockWatch::default());
        watch.observe(&set, key(9), 9_000_000, false);
        assert_eq!(watch.report(), &ClockReport::default());
    }
}
