//! A world at its beginning: who takes part, who is dishonest, who speaks to whom.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use ed25519_dalek::SigningKey;
use touchstone_core::genesis::{Document, FORMAT, Genesis, NodeKeys, Organisation, Parameters};
use touchstone_core::hash;
use touchstone_node::consensus::PeerTag;

use super::attacker::Attacker;
use super::checks::Checks;
use super::clients::{Clients, organisation_id};
use super::contradictions::Contradictions;
use super::network::Network;
use super::phases::Phase;
use super::plan::{Byzantine, FaultPlan, Plan, Sabotage};
use super::process::{Actor, Process, tag};
use super::run_record::{Trace, Words};
use super::world::{Counts, GENESIS_MS, World};
use crate::random::Random;

/// Validators in a simulation, at most.
const MAX_VALIDATORS: usize = 100;

impl World {
    /// A world at the beginning of its run.
    pub fn new(plan: &Plan, words: Words) -> World {
        let mut random = Random::new(plan.seed);
        let faults = FaultPlan::of(plan, &mut random);
        let keys: Vec<SigningKey> = (0..plan.validators).map(|i| key(1, i)).collect();
        let genesis = genesis_of(plan.validators);
        let byzantine = random.order(plan.validators);
        let byzantine: BTreeMap<usize, Byzantine> = byzantine
            .into_iter()
            .zip(faults.byzantine.iter().copied())
            .collect();
        let twins = byzantine.iter().filter(|(_, v)| **v == Byzantine::Twins);
        let twins: Vec<usize> = twins.map(|(index, _)| *index).collect();
        let count = plan.validators + faults.observers + twins.len();

        let mut processes = Vec::with_capacity(count);
        let mut honest = BTreeMap::new();
        for index in 0..count {
            let owner = match index.checked_sub(plan.validators + faults.observers) {
                Some(twin) => twins[twin],
                None => index,
            };
            let key = (owner < plan.validators).then(|| key(3, owner));
            // Two processes with one key are no dishonest validator where the lock is to blame.
            let kind = byzantine.get(&owner).copied();
            let is_honest = kind.is_none() || plan.sabotage == Some(Sabotage::IgnoredLock);
            if let (Some(key), true) = (&key, is_honest) {
                honest.insert(key.verifying_key().to_bytes(), index);
            }
            let mut process = Process::new(&genesis, key.clone(), is_honest);
            process.clock_shift_ms = random.between(0, 200) as i64 - 100;
            process.byzantine = kind.filter(|_| !is_honest);
            if let Some(sabotage) = plan.sabotage {
                sabotage.fit(index, &mut process);
            }
            match (kind, key) {
                (Some(kind), Some(key)) if !kind.is_machine() => {
                    let attacker = Attacker::new(
                        kind,
                        key,
                        genesis.chain_id,
                        genesis.validators.clone(),
                        count,
                        random.fork(),
                    );
                    process.actor = Actor::Attacker(Box::new(attacker));
                }
                _ => {}
            }
            processes.push(process);
        }
        if faults.has_wrong_clock
            && let Some(process) = processes.iter_mut().find(|p| p.is_honest)
        {
            process.clock_shift_ms = random.between(0, 60_000) as i64 - 30_000;
        }
        let network = Network::new(&faults, count, &mut random);
        let clients = Clients::new(genesis.chain_id, keys, plan.calm, random.fork());
        let checks = Checks::new(&genesis, honest);
        let mut world = World {
            plan: plan.clone(),
            faults,
            random,
            trace: Trace::new(words),
            now_ms: 0,
            events: BTreeMap::new(),
            sequence: 0,
            processes,
            network,
            clients,
            checks,
            contradictions: Contradictions::new(genesis.chain_id),
            counts: Counts::default(),
            phase: Phase::Faults,
            genesis,
        };
        world.part_twins(&twins);
        world
    }

    /// Each other process speaks to one of a pair of twins, or to both; the twins don't speak to
    /// each other. Where half of the power colludes, the honest nodes are parted as well.
    fn part_twins(&mut self, twins: &[usize]) {
        let first_twin = self.plan.validators + self.faults.observers;
        let split = self.plan.sabotage == Some(Sabotage::QuorumOfAThird);
        let is_left = |process: usize| process.is_multiple_of(2);
        for (offset, original) in twins.iter().enumerate() {
            let copy = first_twin + offset;
            self.network.bar(*original, copy);
            for other in 0..self.processes.len() {
                let is_twin = twins.contains(&other) || other >= first_twin;
                if is_twin && split {
                    // Originals speak to originals, copies to copies.
                    let is_copy = other >= first_twin;
                    self.network
                        .bar(other, if is_copy { *original } else { copy });
                    continue;
                }
                let side = match split {
                    true => 4 * u64::from(!is_left(other)),
                    false => self.random.below(6),
                };
                match side {
                    0 | 1 => self.network.bar(other, copy),
                    4 | 5 => self.network.bar(other, *original),
                    _ => {}
                }
            }
        }
        if split {
            let honest: Vec<usize> = self.honest().collect();
            for a in &honest {
                for b in honest.iter().filter(|b| is_left(*a) != is_left(**b)) {
                    self.network.bar(*a, *b);
                }
            }
        }
    }
}

/// The key of a kind (1: organisation, 2: network, 3: validator) with this number.
fn key(kind: u8, index: usize) -> SigningKey {
    SigningKey::from_bytes(&hash::sha256(&[kind, index as u8]))
}

/// The tag of the process with this network key.
pub(super) fn tag_of(network_key: &[u8; 32]) -> Option<PeerTag> {
    // Machines ask with most messages, and a public key takes as long as a signature.
    static PROCESSES: LazyLock<HashMap<[u8; 32], usize>> = LazyLock::new(|| {
        let all = 0..MAX_VALIDATORS;
        all.map(|index| (key(2, index).verifying_key().to_bytes(), index))
            .collect()
    });
    PROCESSES.get(network_key).copied().map(tag)
}

/// The genesis of so many validators, made once by each thread.
fn genesis_of(validators: usize) -> Genesis {
    thread_local! {
        static MADE: RefCell<BTreeMap<usize, Genesis>> = const { RefCell::new(BTreeMap::new()) };
    }
    let make = || genesis(&(0..validators).map(|i| key(1, i)).collect::<Vec<_>>());
    MADE.with_borrow_mut(|made| made.entry(validators).or_insert_with(make).clone())
}

fn genesis(keys: &[SigningKey]) -> Genesis {
    let public = |key: &SigningKey| hex::encode(key.verifying_key().to_bytes());
    let organisations = keys.iter().enumerate().map(|(index, own)| Organisation {
        id: organisation_id(index),
        name: format!("Organisation {index}"),
        roles: vec!["platform".into()],
        keys: vec![public(own)],
        gs1_prefixes: vec![],
        nodes: vec![NodeKeys {
            network_key: public(&key(2, index)),
            addresses: vec![],
            validator_key: Some(public(&key(3, index))),
            power: None,
        }],
    });
    let document = Document {
        format: FORMAT.into(),
        chain: "simulation".into(),
        time_ms: GENESIS_MS,
        parameters: Parameters::default(),
        organisations: organisations.collect(),
    };
    Genesis::read(&document.to_bytes()).expect("the simulation's genesis is valid")
}
