//! What a run is like: how many validators, which of them are dishonest, how bad the network and
//! the disks are. All of it follows from a seed.

pub use super::sabotage::Sabotage;

use crate::random::Random;

/// A dishonest validator. Together they hold less than a third of the voting power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Byzantine {
    /// Two machines with one key and no common guard; each speaks to other honest nodes.
    Twins,
    /// Signs whatever contradicts what it hears, each to some of its peers.
    Equivocator,
    /// Sends rubbish, damaged copies, old messages and lies about its height and its blocks.
    Noisy,
    /// Says nothing.
    Silent,
    /// Proposes blocks that are invalid, of each kind.
    InvalidProposer,
    /// Proposes, and keeps the body from some or all.
    Withholder,
    /// Forgets at any moment what it has signed and what it is locked on.
    Amnesiac,
    /// Claims to be ahead, and serves blocks that aren't the chain's.
    LyingPeer,
    /// Votes in others' names, with signatures that aren't theirs.
    Forger,
}

impl Byzantine {
    /// All of them.
    pub const ALL: [Byzantine; 9] = [
        Byzantine::Twins,
        Byzantine::Equivocator,
        Byzantine::Noisy,
        Byzantine::Silent,
        Byzantine::InvalidProposer,
        Byzantine::Withholder,
        Byzantine::Amnesiac,
        Byzantine::LyingPeer,
        Byzantine::Forger,
    ];

    /// Those that run a machine, and not an attacker's program.
    pub fn is_machine(self) -> bool {
        matches!(
            self,
            Byzantine::Twins | Byzantine::Withholder | Byzantine::Amnesiac
        )
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Byzantine::Twins => "twins",
            Byzantine::Equivocator => "equivocator",
            Byzantine::Noisy => "noisy",
            Byzantine::Silent => "silent",
            Byzantine::InvalidProposer => "invalid-proposer",
            Byzantine::Withholder => "withholder",
            Byzantine::Amnesiac => "amnesiac",
            Byzantine::LyingPeer => "lying-peer",
            Byzantine::Forger => "forger",
        }
    }
}

/// What the guard of a validator whose disk is replaced knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewGuard {
    /// That it doesn't know what was signed: it waits for the others' word.
    Unknown,
    /// Nothing, and it permits everything: what must not be, to see that the checks notice.
    Blank,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Validators of power 1.
    pub validators: usize,
    /// Where all chance comes from.
    pub seed: u64,
    /// Whether nothing bad happens at all.
    pub calm: bool,
    /// What is broken on purpose.
    pub sabotage: Option<Sabotage>,
    /// Dishonest validators, if the seed shall not choose them.
    pub byzantine: Option<Vec<Byzantine>>,
    /// Whether the disk of one honest validator is replaced, and how its guard is made anew.
    pub replaced_disk: Option<NewGuard>,
}

impl Plan {
    /// A run with everything that the seed brings.
    pub fn new(validators: usize, seed: u64) -> Plan {
        Plan {
            validators,
            seed,
            calm: false,
            sabotage: None,
            byzantine: None,
            replaced_disk: None,
        }
    }

    /// The same run in which one honest validator's disk is replaced.
    pub fn with_replaced_disk(self, guard: NewGuard) -> Plan {
        Plan {
            replaced_disk: Some(guard),
            ..self
        }
    }

    /// A run in which nothing bad happens.
    pub fn calm(validators: usize, seed: u64) -> Plan {
        Plan {
            calm: true,
            byzantine: Some(Vec::new()),
            ..Plan::new(validators, seed)
        }
    }

    /// The same run with something broken.
    pub fn sabotaged(self, sabotage: Sabotage) -> Plan {
        Plan {
            sabotage: Some(sabotage),
            ..self
        }
    }

    /// What `simulate` is called with for this run.
    pub fn arguments(&self) -> String {
        let mut words = format!("--nodes {} --seed {}", self.validators, self.seed);
        if self.calm {
            words.push_str(" --calm");
        }
        for kind in self.byzantine.iter().flatten() {
            words.push_str(&format!(" --byzantine {}", kind.name()));
        }
        if let Some(sabotage) = self.sabotage {
            words.push_str(&format!(" --sabotage {}", sabotage.name()));
        }
        match self.replaced_disk {
            Some(NewGuard::Unknown) => words.push_str(" --replaced-disk"),
            Some(NewGuard::Blank) => words.push_str(" --replaced-disk-blank"),
            None => {}
        }
        words
    }

    /// The greatest number of dishonest validators that must be borne: less than a third.
    pub fn tolerated(&self) -> usize {
        (self.validators - 1) / 3
    }
}

/// How bad it is until it is healed. Chances are in a thousand, times in milliseconds; a pause of
/// 0 means never.
#[derive(Clone, Debug)]
pub struct FaultPlan {
    /// How long it lasts.
    pub lasts_ms: u64,
    /// Transactions that clients submit meanwhile.
    pub submissions: u64,
    /// Messages that are lost.
    pub drop: u64,
    /// Messages that arrive twice.
    pub duplicate: u64,
    /// Messages that take up to [`FaultPlan::slow_ms`].
    pub slow: u64,
    /// How late a slow message is at most.
    pub slow_ms: u64,
    /// How long any message takes at most.
    pub latency_ms: u64,
    /// Links that lose half of what they carry.
    pub flaky_links: u64,
    /// Mean time between partitions.
    pub partition_pause_ms: u64,
    /// Mean time between crashes of one node.
    pub crash_pause_ms: u64,
    /// Mean time between disks that start failing.
    pub disk_pause_ms: u64,
    /// Steps whose outputs are carried out in part before the node crashes.
    pub cut: u64,
    /// Power cuts for all nodes at once.
    pub blackouts: u64,
    /// Dishonest validators.
    pub byzantine: Vec<Byzantine>,
    /// Nodes that only follow.
    pub observers: usize,
    /// Whether one honest validator's clock is far off.
    pub has_wrong_clock: bool,
}

impl FaultPlan {
    /// The faults of a plan.
    pub fn of(plan: &Plan, random: &mut Random) -> FaultPlan {
        let mut faults = FaultPlan::faulty(plan, random);
        if plan.calm {
            faults = faults.calmed();
        }
        if let Some(byzantine) = &plan.byzantine {
            faults.byzantine = byzantine.clone();
        }
        if let Some(sabotage) = plan.sabotage {
            sabotage.adapt(plan, &mut faults);
        }
        if plan.replaced_disk.is_some() {
            // It counts as one of those that must be borne.
            let others = plan.tolerated().saturating_sub(1);
            faults.byzantine.truncate(others);
        }
        faults.has_wrong_clock &= faults.byzantine.len() < plan.tolerated();
        faults
    }

    fn faulty(plan: &Plan, random: &mut Random) -> FaultPlan {
        let mut one_of = |choices: &[u64]| choices[random.index(choices.len())];
        let mut faults = FaultPlan {
            lasts_ms: one_of(&[8_000, 12_000, 18_000]),
            submissions: one_of(&[8, 12, 16]),
            drop: one_of(&[0, 10, 50, 150, 300]),
            duplicate: one_of(&[0, 20, 150]),
            slow: one_of(&[0, 20, 100]),
            slow_ms: one_of(&[300, 1_500, 4_000]),
            latency_ms: one_of(&[2, 10, 60, 150]),
            flaky_links: one_of(&[0, 0, 100, 300]),
            partition_pause_ms: one_of(&[0, 2_000, 5_000]),
            crash_pause_ms: one_of(&[0, 1_500, 4_000]),
            disk_pause_ms: one_of(&[0, 0, 2_000, 5_000]),
            cut: one_of(&[0, 1, 5, 20]),
            blackouts: one_of(&[0, 0, 1, 2, 4]),
            observers: one_of(&[0, 0, 1]) as usize,
            has_wrong_clock: one_of(&[0, 0, 0, 1]) == 1,
            byzantine: Vec::new(),
        };
        let kinds = [
            Byzantine::Twins,
            Byzantine::Twins,
            Byzantine::Equivocator,
            Byzantine::Equivocator,
            Byzantine::Noisy,
            Byzantine::Silent,
            Byzantine::InvalidProposer,
            Byzantine::Withholder,
            Byzantine::Amnesiac,
            Byzantine::Amnesiac,
            Byzantine::LyingPeer,
            Byzantine::Forger,
        ];
        let count = random.index(plan.tolerated() + 1);
        let kind = |random: &mut Random| kinds[random.index(kinds.len())];
        faults.byzantine = (0..count).map(|_| kind(random)).collect();
        faults
    }

    /// The same number of transactions on a perfect network of honest nodes.
    fn calmed(self) -> FaultPlan {
        FaultPlan {
            drop: 0,
            duplicate: 0,
            slow: 0,
            latency_ms: 10,
            flaky_links: 0,
            partition_pause_ms: 0,
            crash_pause_ms: 0,
            disk_pause_ms: 0,
            cut: 0,
            blackouts: 0,
            has_wrong_clock: false,
            byzantine: Vec::new(),
            ..self
        }
    }
}
