//! A few real machines in one thread over a calm network and a virtual clock: over files or over memory, and more than
//! one with the same keys if need be. Everything that they sign and let out is kept.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use touchstone_core::Fault;
use touchstone_node::admission::{Admission, Source};
use touchstone_node::consensus::{Input, Machine, Output, PeerTag, TimerToken};
use touchstone_node::storage::{Disk, Store, Tip};
use touchstone_proto::ledger;
use touchstone_proto::peer;
use touchstone_proto::peer::consensus_message::Message as Wire;

use crate::simulation::attacker::Decided;

/// What a machine is to the others, whatever it keeps its data in.
pub trait Seat {
    /// See [`Machine::handle`].
    fn step(&mut self, now_ms: u64, input: Input) -> Result<Vec<Output>, Fault>;

    /// Its last block.
    fn tip(&self) -> Tip;

    /// A block that it has.
    fn block(&self, height: u64) -> Option<Decided>;

    /// Takes a transaction into its pool; whether it did.
    fn submit(&self, now_ms: u64, envelope: &[u8]) -> bool;
}

impl<S: Store, D: Disk> Seat for Machine<S, D> {
    fn step(&mut self, now_ms: u64, input: Input) -> Result<Vec<Output>, Fault> {
        self.handle(now_ms, input)
    }

    fn tip(&self) -> Tip {
        self.chain().tip().clone()
    }

    fn block(&self, height: u64) -> Option<Decided> {
        self.chain().store().block(height).ok().flatten()
    }

    fn submit(&self, now_ms: u64, envelope: &[u8]) -> bool {
        let chain = self.chain();
        let (state, pool) = (chain.store(), chain.mempool());
        let admission = Admission::new(chain.chain_id(), state, self.tip(), now_ms, pool);
        matches!(admission.admit(envelope, Source::Client(None)), Ok(Ok(_)))
    }
}

/// A tag is the public network key itself.
pub fn tag_of(network_key: &[u8; 32]) -> Option<PeerTag> {
    Some(network_key.to_vec())
}

/// Who signed, at which height, in which round, and which step of it.
type Step = (Vec<u8>, u64, u32, i32);

/// What was signed in each step; honest validators sign one thing.
#[derive(Clone, Debug, Default)]
pub struct Signed(BTreeMap<Step, BTreeSet<Vec<u8>>>);

impl Signed {
    /// Something leaves a machine.
    fn note(&mut self, bytes: &[u8]) {
        let message = peer::ConsensusMessage::decode(bytes).ok();
        match message.and_then(|message| message.message) {
            Some(Wire::Vote(signed)) => {
                if let Ok(vote) = ledger::Vote::decode(signed.vote.as_slice()) {
                    let step = (signed.public_key, vote.height, vote.round, vote.kind);
                    self.0.entry(step).or_default().insert(signed.vote);
                }
            }
            Some(Wire::Proposal(signed)) => {
                if let Ok(proposal) = ledger::Proposal::decode(signed.proposal.as_slice()) {
                    let step = (signed.public_key, proposal.height, proposal.round, 0);
                    self.0.entry(step).or_default().insert(signed.proposal);
                }
            }
            _ => {}
        }
    }

    /// A step in which one key signed two things.
    pub fn conflict(&self) -> Option<String> {
        let twice = self.0.iter().find(|(_, messages)| messages.len() > 1);
        twice.map(|((key, height, round, kind), _)| {
            let kind = ["proposals", "prevotes", "precommits"]
                .get(*kind as usize)
                .unwrap_or(&"messages");
            let key = hex::encode(key.get(..4).unwrap_or(key));
            format!("{key} signed two {kind} at height {height} in round {round}")
        })
    }

    /// Steps in which something was signed.
    pub fn steps(&self) -> u64 {
        self.0.len() as u64
    }
}

struct Place {
    tag: PeerTag,
    seat: Option<Box<dyn Seat>>,
    life: u64,
    /// The fault that ended it.
    fault: Option<String>,
}

enum Event {
    Input(Input),
    Timer(TimerToken),
    /// A peer asks for blocks.
    Fetch {
        from: usize,
        from_height: u64,
        limit: u32,
    },
}

/// The machines and the network between them.
pub struct Seats {
    /// The clock of all, milliseconds since 1970.
    pub now_ms: u64,
    /// Everything that left a machine.
    pub signed: Signed,
    /// Every message that left one, as often as it did; kept if asked for.
    pub messages: Option<Vec<Vec<u8>>>,
    places: Vec<Place>,
    barred: BTreeSet<(usize, usize)>,
    events: BTreeMap<(u64, u64), (usize, u64, Event)>,
    sequence: u64,
}

impl Seats {
    /// Places for processes with these tags; nothing runs yet.
    pub fn new(now_ms: u64, tags: Vec<PeerTag>) -> Seats {
        let place = |tag| Place {
            tag,
            seat: None,
            life: 0,
            fault: None,
        };
        Seats {
            now_ms,
            signed: Signed::default(),
            messages: None,
            places: tags.into_iter().map(place).collect(),
            barred: BTreeSet::new(),
            events: BTreeMap::new(),
            sequence: 0,
        }
    }

    /// Two places never hear of each other.
    pub fn bar(&mut self, a: usize, b: usize) {
        self.barred.extend([(a, b), (b, a)]);
    }

    /// A machine that was just opened takes its place, and all see each other.
    pub fn sit_down(&mut self, index: usize, seat: Box<dyn Seat>, first: Vec<Output>) {
        let place = &mut self.places[index];
        place.life += 1;
        place.fault = None;
        place.seat = Some(seat);
        self.carry_out(index, first);
        for other in 0..self.places.len() {
            if self.places[other].seat.is_some() && self.is_linked(index, other) {
                let tags = [index, other].map(|i| self.places[i].tag.clone());
                let [own, others] = tags;
                self.after(1, other, Event::Input(Input::PeerConnected(own)));
                self.after(1, index, Event::Input(Input::PeerConnected(others)));
            }
        }
    }

    /// A machine ends where it is.
    pub fn stand_up(&mut self, index: usize) {
        let place = &mut self.places[index];
        place.life += 1;
        place.seat = None;
        let tag = place.tag.clone();
        for other in 0..self.places.len() {
            if self.is_linked(index, other) {
                self.after(1, other, Event::Input(Input::PeerDisconnected(tag.clone())));
            }
        }
    }

    /// The machine at a place.
    pub fn seat(&self, index: usize) -> Option<&dyn Seat> {
        self.places[index].seat.as_deref()
    }

    /// The height of a machine's last block; 0 where none runs.
    pub fn height(&self, index: usize) -> u64 {
        self.seat(index).map_or(0, |seat| seat.tip().height)
    }

    /// Why a machine ended by itself.
    pub fn fault(&self, index: usize) -> Option<&str> {
        self.places[index].fault.as_deref()
    }

    /// A client submits to a machine; whether it took the transaction.
    pub fn submit(&mut self, index: usize, envelope: &[u8]) -> bool {
        let now_ms = self.now_ms;
        let taken = self.seat(index).is_some_and(|s| s.submit(now_ms, envelope));
        if taken {
            self.after(0, index, Event::Input(Input::Transactions));
        }
        taken
    }

    /// Lets time pass until something holds; whether it did within this time.
    pub fn run_until(&mut self, within_ms: u64, mut holds: impl FnMut(&Seats) -> bool) -> bool {
        let end_ms = self.now_ms + within_ms;
        while !holds(self) {
            match self.events.first_key_value() {
                Some(((at_ms, _), _)) if *at_ms <= end_ms => self.next(),
                _ => {
                    self.now_ms = end_ms;
                    return false;
                }
            }
        }
        true
    }

    /// The next event happens.
    fn next(&mut self) {
        let Some(((at_ms, _), (index, life, event))) = self.events.pop_first() else {
            return;
        };
        self.now_ms = at_ms;
        let place = &mut self.places[index];
        if place.life != life {
            return;
        }
        let Some(seat) = &mut place.seat else { return };
        let input = match event {
            Event::Input(input) => input,
            Event::Timer(token) => Input::Timer(token),
            Event::Fetch {
                from,
                from_height,
                limit,
            } => {
                let heights = (from_height..).take(limit as usize);
                let blocks: Vec<Decided> = heights.map_while(|h| seat.block(h)).collect();
                let answer = Input::Blocks {
                    from: place.tag.clone(),
                    blocks,
                };
                self.after(1, from, Event::Input(answer));
                return;
            }
        };
        match seat.step(at_ms, input) {
            Ok(outputs) => self.carry_out(index, outputs),
            Err(fault) => {
                place.fault = Some(fault.to_string());
                self.stand_up(index);
            }
        }
    }

    fn carry_out(&mut self, index: usize, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Broadcast(bytes) => {
                    self.note(&bytes);
                    for other in 0..self.places.len() {
                        self.send(index, other, &bytes);
                    }
                }
                Output::Send { to, bytes } => {
                    self.note(&bytes);
                    for other in self.of_tag(&to) {
                        self.send(index, other, &bytes);
                    }
                }
                Output::SetTimer { token, after_ms } => {
                    self.after(after_ms, index, Event::Timer(token));
                }
                Output::FetchBlocks {
                    from,
                    from_height,
                    limit,
                } => {
                    let others = self.of_tag(&from);
                    let asked = others.into_iter().find(|o| self.is_linked(index, *o));
                    if let Some(asked) = asked {
                        let from = index;
                        self.after(
                            1,
                            asked,
                            Event::Fetch {
                                from,
                                from_height,
                                limit,
                            },
                        );
                    }
                }
                Output::Committed { .. }
                | Output::Refused { .. }
                | Output::Misbehaviour(_)
                | Output::Clocks(_)
                | Output::Late(_) => {}
            }
        }
    }

    fn note(&mut self, bytes: &[u8]) {
        self.signed.note(bytes);
        if let Some(messages) = &mut self.messages {
            messages.push(bytes.to_vec());
        }
    }

    fn send(&mut self, from: usize, to: usize, bytes: &[u8]) {
        if self.is_linked(from, to) {
            let input = Input::Message {
                from: self.places[from].tag.clone(),
                bytes: bytes.to_vec(),
            };
            self.after(1, to, Event::Input(input));
        }
    }

    fn of_tag(&self, tag: &PeerTag) -> Vec<usize> {
        let places = self.places.iter().enumerate();
        places
            .filter(|(_, p)| p.tag == *tag)
            .map(|(i, _)| i)
            .collect()
    }

    fn is_linked(&self, a: usize, b: usize) -> bool {
        a != b && !self.barred.contains(&(a, b))
    }

    /// Something happens to a process in its present life, and never in a later one.
    fn after(&mut self, delay_ms: u64, index: usize, event: Event) {
        self.sequence += 1;
        let life = self.places[index].life;
        let at = (self.now_ms + delay_ms, self.sequence);
        self.events.insert(at, (index, life, event));
    }
}
