//! Machines over a network in memory: one queue, one clock, no chance.

mod agreement;
mod block_sync;
mod bodies;
mod chaos;
mod crashes;
mod gone_proposers;
mod height_lifecycle;
mod refusals;
mod stalled_rounds;
mod timeliness;

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use touchstone_core::fault::Fault;
use touchstone_core::genesis::{self, Genesis};
use touchstone_core::hash::Hash;
use touchstone_core::signing::Purpose;
use touchstone_core::transaction;
use touchstone_proto::ledger::{self, transaction::Action};

use super::context::number;
use super::message::{self, Message};
use super::{
    ClockReport, ConsensusSettings, Input, Machine, MachineParts, MessageRefused, Output, PeerTag,
    Silence, TimerToken, ValidatorKeys, silence,
};
use crate::admission::{Admission, Source};
use crate::chain::Chain;
use crate::mempool::{PoolLimits, SharedMempool};
use crate::storage::Store;
use crate::storage::double_sign_guard::Guard;
use crate::storage::memory_disk::MemoryDisk;
use crate::storage::memory_store::MemoryStore;
use crate::storage::wal::Wal;

/// Genesis time, and the clock's start.
const START_MS: u64 = 4_000_000_000_000;

/// Milliseconds that a message travels.
const TRAVEL_MS: u64 = 1;

type TestMachine = Machine<MemoryStore, MemoryDisk>;

/// Validator keys, ascending by public key, so that index and proposer order agree.
pub fn keys(count: usize) -> Vec<SigningKey> {
    let mut keys: Vec<_> = (0..count)
        .map(|i| SigningKey::from_bytes(&[i as u8 + 1; 32]))
        .collect();
    keys.sort_by_key(|k| k.verifying_key().to_bytes());
    keys
}

fn organisation_key() -> SigningKey {
    SigningKey::from_bytes(&[200; 32])
}

/// A genesis with one organisation that runs `count` validators.
pub fn genesis(count: usize) -> Genesis {
    Genesis::read(&document(count).to_bytes()).unwrap()
}

/// The same, where each validator has an organisation of its own: the first one's is the one that acts.
fn genesis_apart(count: usize) -> Genesis {
    let mut document = document(count);
    let nodes = document.organisations[0].nodes.split_off(1);
    for (i, node) in nodes.into_iter().enumerate() {
        let key = SigningKey::from_bytes(&[i as u8 + 201; 32]);
        document.organisations.push(genesis::Organisation {
            id: format!("other-{i}"),
            keys: vec![hex::encode(key.verifying_key().to_bytes())],
            nodes: vec![node],
            ..document.organisations[0].clone()
        });
    }
    Genesis::read(&document.to_bytes()).unwrap()
}

fn document(count: usize) -> genesis::Document {
    let hex_of = |key: &SigningKey| hex::encode(key.verifying_key().to_bytes());
    let nodes = keys(count)
        .iter()
        .enumerate()
        .map(|(i, key)| genesis::NodeKeys {
            network_key: hex_of(&network_key(i as u8)),
            addresses: Vec::new(),
            validator_key: Some(hex_of(key)),
            power: None,
        })
        .collect();
    genesis::Document {
        format: genesis::FORMAT.into(),
        chain: "test".into(),
        time_ms: START_MS,
        parameters: genesis::Parameters::default(),
        organisations: vec![genesis::Organisation {
            id: "maker".into(),
            name: "Maker".into(),
            roles: vec!["platform".into(), "designer".into()],
            keys: vec![hex_of(&organisation_key())],
            gs1_prefixes: Vec::new(),
            nodes,
        }],
    }
}

/// A deposit that no other number gives.
pub fn deposit(chain_id: &Hash, number: u64) -> Vec<u8> {
    let mut commitment = vec![0; 32];
    commitment[..8].copy_from_slice(&number.to_be_bytes());
    act(
        chain_id,
        Action::DepositDesign(ledger::DepositDesign { commitment }),
    )
}

/// A transaction of the one organisation.
pub fn act(chain_id: &Hash, action: Action) -> Vec<u8> {
    let transaction = ledger::Transaction {
        organisation: "maker".into(),
        created_ms: START_MS,
        action: Some(action),
    };
    transaction::sign(&organisation_key(), chain_id, &transaction)
}

/// What outlives a machine.
pub struct Node {
    pub machine: Option<TestMachine>,
    pub store: MemoryStore,
    pub disk: MemoryDisk,
    pub pool: SharedMempool,
    pub key: Option<SigningKey>,
    pub next_key: Option<SigningKey>,
    /// Timers of an earlier machine are never delivered to a later one.
    life: u64,
}

impl Node {
    /// Takes a transaction in, as gossip does.
    pub fn hear(&self, chain_id: &Hash, envelope: &[u8]) {
        let admission = Admission::new(chain_id, &self.store, self.store.tip(), 0, &self.pool);
        // A rejection means that it is committed already, which is what was wanted.
        let _ = admission.admit(envelope, Source::Peer).unwrap();
    }
}

enum Event {
    Message {
        from: usize,
        to: usize,
        bytes: Vec<u8>,
    },
    Timer {
        to: usize,
        life: u64,
        token: TimerToken,
    },
    Fetch {
        from: usize,
        to: usize,
        height: u64,
        limit: u32,
    },
}

type Filter = Box<dyn FnMut(usize, usize, &Message) -> bool>;

/// Signer, whether it is a vote, height, round, kind of vote.
type Place = (Vec<u8>, bool, u64, u32, u8);

/// A node's tag.
pub fn tag(i: usize) -> PeerTag {
    vec![i as u8]
}

/// The tag of the node with this network key; see [`genesis`].
fn tag_of(key: &[u8; 32]) -> Option<PeerTag> {
    (0..100u8)
        .find(|i| network_key(*i).verifying_key().as_bytes() == key)
        .map(|i| vec![i])
}

fn network_key(i: u8) -> SigningKey {
    SigningKey::from_bytes(&[i + 100; 32])
}

fn index(tag: &PeerTag) -> usize {
    usize::from(tag[0])
}

/// The blocks that a node made at its height.
fn own_blocks(net: &mut Net, i: usize) -> Vec<(u32, Hash)> {
    let own = net.machine(i).effects.height.proposals.own_blocks();
    own.map(|own| (own.round, own.id)).collect()
}

/// The network.
pub struct Net {
    pub genesis: Genesis,
    pub settings: ConsensusSettings,
    pub now_ms: u64,
    pub nodes: Vec<Node>,
    events: BTreeMap<(u64, u64), Event>,
    next: u64,
    /// Whether a message is delivered.
    pub filter: Filter,
    /// After how long each copy of a message arrives.
    pub travel: Box<dyn FnMut() -> Vec<u64>>,
    /// Everything that was refused: by whom, of whom, why.
    pub refused: Vec<(usize, PeerTag, MessageRefused)>,
    pub committed: Vec<(usize, u64, u32, u64)>,
    pub misbehaviour: usize,
    pub clocks: Vec<(usize, ClockReport)>,
    pub late: Vec<(usize, bool)>,
    /// The one message that each validator signed for each purpose, height, round and kind.
    signed: BTreeMap<Place, Vec<u8>>,
    /// By how much each node's clock is ahead.
    pub clock_ahead_ms: Vec<u64>,
    /// How long a node takes to make or to execute a block: meanwhile it does nothing else.
    pub work_ms: u64,
    /// Until when each node works.
    busy_until_ms: Vec<u64>,
    /// Outputs seen of each node, and after which of them it is killed.
    pub outputs: Vec<u64>,
    pub kill: Option<(usize, u64)>,
}

impl Net {
    /// `count` validators, all running and connected.
    pub fn new(count: usize) -> Net {
        Net::with(count, 0)
    }

    /// Validators and nodes that only follow.
    pub fn with(validators: usize, followers: usize) -> Net {
        Net::of(genesis(validators), validators, followers)
    }

    /// Validators that have an organisation each.
    pub fn apart(validators: usize) -> Net {
        Net::of(genesis_apart(validators), validators, 0)
    }

    fn of(genesis: Genesis, validators: usize, followers: usize) -> Net {
        let mut keys: Vec<_> = keys(validators).into_iter().map(Some).collect();
        keys.resize(validators + followers, None);
        let nodes: Vec<_> = keys
            .into_iter()
            .map(|key| {
                let disk = MemoryDisk::new();
                Guard::create(disk.clone()).unwrap();
                Node {
                    machine: None,
                    store: MemoryStore::new(&genesis),
                    disk,
                    pool: SharedMempool::new(PoolLimits::default()),
                    key,
                    next_key: None,
                    life: 0,
                }
            })
            .collect();
        let mut net = Net {
            genesis,
            settings: ConsensusSettings {
                // Tests make their own reasons for a block.
                first_block_ms: ConsensusSettings::default().heartbeat_ms,
                ..ConsensusSettings::default()
            },
            now_ms: START_MS,
            outputs: vec![0; nodes.len()],
            clock_ahead_ms: vec![0; nodes.len()],
            work_ms: 0,
            busy_until_ms: vec![0; nodes.len()],
            nodes,
            events: BTreeMap::new(),
            next: 0,
            filter: Box::new(|_, _, _| true),
            travel: Box::new(|| vec![TRAVEL_MS]),
            refused: Vec::new(),
            committed: Vec::new(),
            misbehaviour: 0,
            clocks: Vec::new(),
            late: Vec::new(),
            signed: BTreeMap::new(),
            kill: None,
        };
        for i in 0..net.nodes.len() {
            net.start(i);
        }
        net
    }

    /// Opens a node's machine over its disk and connects it.
    pub fn start(&mut self, i: usize) {
        let (machine, outputs) = self.open(i).unwrap();
        self.nodes[i].machine = Some(machine);
        self.take(i, outputs);
        for j in 0..self.nodes.len() {
            if i != j && self.nodes[i].machine.is_some() && self.nodes[j].machine.is_some() {
                self.give(i, Input::PeerConnected(tag(j)));
                self.give(j, Input::PeerConnected(tag(i)));
            }
        }
    }

    pub fn open(&mut self, i: usize) -> Result<(TestMachine, Vec<Output>), Fault> {
        let node = &mut self.nodes[i];
        node.life += 1;
        let (wal, recovered) =
            Wal::open(node.disk.clone()).map_err(|e| Fault::Storage(e.to_string()))?;
        let signer = node
            .key
            .clone()
            .map(|key| ValidatorKeys::from(key).with_next(node.next_key.clone()))
            .map(|keys| (keys, Guard::open(node.disk.clone()).unwrap()));
        let chain = Chain::open(self.genesis.chain_id, node.store.clone(), node.pool.clone())?;
        let parts = MachineParts {
            settings: self.settings.clone(),
            chain,
            wal,
            recovered,
            signer,
            tag_of,
            verify: touchstone_core::signing::verify,
        };
        Machine::open(parts, self.now_ms)
    }

    /// Kills a node: what it had not synced is lost.
    pub fn crash(&mut self, i: usize) {
        self.nodes[i].machine = None;
        self.nodes[i].disk.crash_keeping(|_, _| 0);
        self.nodes[i].store.crash(|_| 0);
        for j in 0..self.nodes.len() {
            if i != j && self.nodes[j].machine.is_some() {
                self.give(j, Input::PeerDisconnected(tag(i)));
            }
        }
    }

    /// Gives an input to a node and takes its outputs. A fault kills the node.
    pub fn give(&mut self, i: usize, input: Input) {
        if let Err(fault) = self.try_give(i, input) {
            panic!("node {i}: {fault}");
        }
    }

    pub fn try_give(&mut self, i: usize, input: Input) -> Result<(), Fault> {
        let now_ms = self.now_ms;
        let Some(machine) = &mut self.nodes[i].machine else {
            return Ok(());
        };
        let executed = |machine: &TestMachine| {
            let blocks = machine.effects.height.proposals.valid_blocks() as u64;
            (machine.height(), blocks)
        };
        let (height, before) = executed(machine);
        let outputs = machine.handle(now_ms + self.clock_ahead_ms[i], input)?;
        let (height_after, after) = executed(machine);
        if height == height_after {
            // What it says leaves when the work is done.
            self.now_ms += (after - before) * self.work_ms;
            self.busy_until_ms[i] = self.now_ms;
        }
        self.take(i, outputs);
        self.now_ms = now_ms;
        Ok(())
    }

    fn take(&mut self, i: usize, outputs: Vec<Output>) {
        for output in outputs {
            if self.kill == Some((i, self.outputs[i])) {
                self.kill = None;
                self.crash(i);
                return;
            }
            self.outputs[i] += 1;
            self.take_one(i, output);
        }
    }

    fn take_one(&mut self, i: usize, output: Output) {
        match output {
            Output::Broadcast(bytes) => {
                for to in 0..self.nodes.len() {
                    if to != i {
                        self.send(i, to, bytes.clone());
                    }
                }
            }
            Output::Send { to, bytes } => self.send(i, index(&to), bytes),
            Output::SetTimer { token, after_ms } => {
                let life = self.nodes[i].life;
                self.at(after_ms, Event::Timer { to: i, life, token });
            }
            Output::FetchBlocks {
                from,
                from_height,
                limit,
            } => {
                let event = Event::Fetch {
                    from: index(&from),
                    to: i,
                    height: from_height,
                    limit,
                };
                self.at(2 * TRAVEL_MS, event);
            }
            Output::Committed {
                height,
                round,
                transactions,
                ..
            } => self.committed.push((i, height, round, transactions)),
            Output::Refused { peer, reason } => self.refused.push((i, peer, reason)),
            Output::Misbehaviour(_) => self.misbehaviour += 1,
            Output::Clocks(report) => self.clocks.push((i, report)),
            Output::Late(is_late) => self.late.push((i, is_late)),
        }
    }

    fn send(&mut self, from: usize, to: usize, bytes: Vec<u8>) {
        let message = message::decode(&bytes).expect("a machine's message is decodable");
        self.watch(&message);
        if (self.filter)(from, to, &message) {
            for after_ms in (self.travel)() {
                let bytes = bytes.clone();
                self.at(after_ms, Event::Message { from, to, bytes });
            }
        }
    }

    /// Panics on a double sign.
    fn watch(&mut self, message: &Message) {
        let (address, purpose, bytes, height, round, kind) = match message {
            Message::Vote(vote) => {
                let (purpose, bytes) = vote.message.signed();
                let kind = vote.message.kind as u8;
                let vote = &vote.message;
                (vote.address, purpose, bytes, vote.height, vote.round, kind)
            }
            Message::Proposal(proposal, _) => {
                let (purpose, bytes) = proposal.message.signed();
                let p = &proposal.message;
                (p.address, purpose, bytes, p.height, p.round, 9)
            }
            _ => return,
        };
        let place = (
            address.0.to_vec(),
            purpose == Purpose::Vote,
            height.0,
            number(round),
            kind,
        );
        let first = self.signed.entry(place).or_insert_with(|| bytes.clone());
        assert_eq!(*first, bytes, "a double sign by {address}");
    }

    fn at(&mut self, after_ms: u64, event: Event) {
        self.next += 1;
        self.events
            .insert((self.now_ms + after_ms, self.next), event);
    }

    /// Delivers the next event; false if there is none before `until_ms`.
    pub fn step(&mut self, until_ms: u64) -> bool {
        match self.events.first_key_value() {
            Some(((at, _), _)) if *at <= until_ms => {}
            _ => {
                self.now_ms = until_ms;
                return false;
            }
        }
        let ((at, number), event) = self.events.pop_first().unwrap();
        self.now_ms = at;
        let (Event::Message { to, .. } | Event::Timer { to, .. } | Event::Fetch { to, .. }) =
            &event;
        if self.busy_until_ms[*to] > at {
            self.events.insert((self.busy_until_ms[*to], number), event);
            return true;
        }
        match event {
            Event::Message { from, to, bytes } => {
                let from = tag(from);
                self.give(to, Input::Message { from, bytes });
            }
            Event::Timer { to, life, token } => {
                if self.nodes[to].life == life {
                    self.give(to, Input::Timer(token));
                }
            }
            Event::Fetch {
                from,
                to,
                height,
                limit,
            } => {
                if self.nodes[from].machine.is_none() {
                    return true;
                }
                let store = &self.nodes[from].store;
                let blocks = (height..height + u64::from(limit))
                    .map_while(|h| store.block(h).unwrap())
                    .collect();
                let from = tag(from);
                self.give(to, Input::Blocks { from, blocks });
            }
        }
        true
    }

    /// Runs for a while.
    pub fn run(&mut self, for_ms: u64) {
        let until_ms = self.now_ms + for_ms;
        while self.step(until_ms) {}
    }

    /// Runs until every living node is at `height`; panics after a simulated hour.
    pub fn run_to(&mut self, height: u64) {
        let until_ms = self.now_ms + 3_600_000;
        while self.lowest() < height {
            assert!(self.step(until_ms), "no progress to height {height}");
        }
    }

    fn lowest(&self) -> u64 {
        let living = self.nodes.iter().filter(|n| n.machine.is_some());
        living.map(|n| n.store.tip().height).min().unwrap_or(0)
    }

    /// Submits a deposit to every living node, as gossip does.
    pub fn submit(&mut self, number: u64) {
        let envelope = deposit(&self.genesis.chain_id, number);
        self.submit_envelope(&envelope);
    }

    pub fn submit_envelope(&mut self, envelope: &[u8]) {
        for i in 0..self.nodes.len() {
            self.nodes[i].hear(&self.genesis.chain_id, envelope);
            self.give(i, Input::Transactions);
        }
    }

    pub fn machine(&mut self, i: usize) -> &mut TestMachine {
        self.nodes[i].machine.as_mut().unwrap()
    }

    /// All nodes have the same block at each height they have.
    pub fn assert_agreement(&self) {
        for height in 1.. {
            let blocks = self
                .nodes
                .iter()
                .filter_map(|n| n.store.block(height).unwrap());
            let headers: Vec<_> = blocks.map(|(block, _)| block.header).collect();
            if headers.is_empty() {
                return;
            }
            let ids: BTreeSet<_> = headers.iter().map(|h| (h.id(), h.state_root)).collect();
            assert_eq!(ids.len(), 1, "height {height}");
        }
    }
}

#[test]
fn of_an_unknown_guard_it_is_told_that_nothing_is_signed_whosever_the_key_is() {
    let unconfirmed = Some(Silence::Unconfirmed);
    assert_eq!(silence(true, 5, None), unconfirmed);
    assert_eq!(silence(true, 5, Some(u64::MAX)), unconfirmed);
    assert_eq!(silence(false, 5, Some(5)), Some(Silence::UntilHeight(5)));
    assert_eq!(silence(false, 6, Some(5)), None);
    assert_eq!(silence(false, 5, None), None);
}
