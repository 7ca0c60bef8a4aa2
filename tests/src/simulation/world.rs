//! Everything that exists in a run: processes, network, clients, and the events to come.

use std::collections::BTreeMap;
use std::rc::Rc;

use prost::Message;
use touchstone_core::genesis::Genesis;
use touchstone_node::consensus::{Input, Output, TimerToken};
use touchstone_node::storage::Store;
use touchstone_proto::peer;
use touchstone_proto::peer::consensus_message::Message as Wire;

use super::attacker::Decided;
use super::checks::{Broken, Checks, Violation, failure};
use super::clients::Clients;
use super::contradictions::Contradictions;
use super::faults::Trouble;
use super::message_text;
use super::network::Network;
use super::phases::Phase;
use super::plan::{Byzantine, FaultPlan, Plan};
use super::process::{Actor, Process, of_tag, tag};
use super::run_record::Trace;
use crate::random::Random;
use crate::testkit::memory_disk::Loss;

/// Steps in a thousand after which an amnesiac has forgotten everything.
const FORGETS_PERMILLE: u64 = 20;

/// Real time at which a run begins: a day after genesis, milliseconds.
pub(super) const DAY_MS: u64 = 86_400_000;
/// Genesis time, milliseconds.
pub(super) const GENESIS_MS: u64 = 1_700_000_000_000;

/// Something that will happen.
#[derive(Clone, Debug)]
pub enum Event {
    /// A message arrives.
    Message {
        /// Sender.
        from: usize,
        /// Receiver.
        to: usize,
        /// What.
        bytes: Rc<[u8]>,
    },
    /// A timer elapses, if the process still lives the same life.
    Timer(usize, u64, TimerToken),
    /// A process sees another connect or go.
    Link {
        /// Who sees it.
        process: usize,
        /// Whom.
        peer: usize,
        /// Whether it is there.
        is_up: bool,
    },
    /// A transaction of the pools' gossip arrives; `is_first` if its receiver passes it on.
    Gossip {
        /// Receiver.
        to: usize,
        /// The envelope.
        envelope: Rc<[u8]>,
        /// Whether it came from the node it was submitted to.
        is_first: bool,
    },
    /// A request for blocks arrives.
    Fetch {
        /// Who asks, and in which life.
        from: (usize, u64),
        /// Who is asked.
        to: usize,
        /// The first block wanted.
        from_height: u64,
        /// At most so many.
        limit: u32,
    },
    /// The answer arrives.
    Blocks {
        /// Who was asked.
        from: usize,
        /// Who asked, and in which life.
        to: (usize, u64),
        /// The blocks.
        blocks: Rc<Vec<Decided>>,
    },
    /// A process starts again if it is down.
    Restart(usize),
    /// A fault.
    Trouble(Trouble),
    /// Clients submit another transaction.
    Submit,
    /// Clients submit again what is still open.
    Retry,
    /// Everything is healed.
    Heal,
    /// The time allowed after the healing is over.
    Deadline,
    /// The silence after the last transaction is over.
    Rest,
}

/// Numbers of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Crashes.
    pub crashes: u64,
    /// Messages sent.
    pub messages: u64,
    /// Messages and blocks that machines refused.
    pub refused: u64,
    /// Failures of disks that showed.
    pub disk_failures: u64,
    /// Blocks decided after round 0.
    pub slow_rounds: u64,
    /// Transactions acknowledged.
    pub acknowledged: u64,
    /// Blocks imported or decided, over all honest nodes.
    pub commits: u64,
}

/// A run under way.
pub struct World {
    pub(super) plan: Plan,
    pub(super) faults: FaultPlan,
    pub(super) genesis: Genesis,
    pub(super) random: Random,
    pub(super) trace: Trace,
    pub(super) now_ms: u64,
    pub(super) events: BTreeMap<(u64, u64), Event>,
    pub(super) sequence: u64,
    pub(super) processes: Vec<Process>,
    pub(super) network: Network,
    pub(super) clients: Clients,
    pub(super) checks: Checks,
    pub(super) contradictions: Contradictions,
    pub(super) counts: Counts,
    pub(super) phase: Phase,
}

impl World {
    /// Runs to the end.
    pub fn run(&mut self) -> Result<(), Violation> {
        self.begin()?;
        while let Some(((at_ms, _), event)) = self.events.pop_first() {
            self.now_ms = at_ms;
            self.trace.now_ms = at_ms;
            self.happen(event)?;
            if self.phase == Phase::Over {
                break;
            }
        }
        Ok(())
    }

    /// Puts an event into the future.
    pub(super) fn after(&mut self, delay_ms: u64, event: Event) {
        self.sequence += 1;
        let at = (self.now_ms + delay_ms, self.sequence);
        self.events.insert(at, event);
    }

    /// Honest processes.
    pub(super) fn honest(&self) -> impl Iterator<Item = usize> + use<'_> {
        let all = self.processes.iter().enumerate();
        all.filter(|(_, p)| p.is_honest).map(|(index, _)| index)
    }

    /// A process's own clock, milliseconds since 1970.
    pub(super) fn clock(&self, process: usize) -> u64 {
        let true_ms = GENESIS_MS + DAY_MS + self.now_ms;
        true_ms.saturating_add_signed(self.processes[process].clock_shift_ms)
    }

    fn happen(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::Message { from, to, bytes } => self.arrive(from, to, &bytes),
            Event::Timer(process, life, token) => match self.processes[process].life == life {
                true => self.give(process, Input::Timer(token)),
                false => Ok(()),
            },
            Event::Link {
                process,
                peer,
                is_up,
            } => {
                let peer = tag(peer);
                let input = match is_up {
                    true => Input::PeerConnected(peer),
                    false => Input::PeerDisconnected(peer),
                };
                self.give(process, input)
            }
            Event::Gossip {
                to,
                envelope,
                is_first,
            } => self.hear_gossip(to, &envelope, is_first),
            Event::Fetch {
                from,
                to,
                from_height,
                limit,
            } => {
                self.serve(from, to, from_height, limit);
                Ok(())
            }
            Event::Blocks { from, to, blocks } => match self.processes[to.0].life == to.1 {
                true => {
                    let from = tag(from);
                    let blocks = blocks.to_vec();
                    self.give(to.0, Input::Blocks { from, blocks })
                }
                false => Ok(()),
            },
            Event::Restart(process) => self.restart(process),
            Event::Trouble(trouble) => self.trouble(trouble),
            Event::Submit => self.submit_another(),
            Event::Retry => self.retry(),
            Event::Heal => self.heal(),
            Event::Deadline => self.deadline(),
            Event::Rest => self.end_rest(),
        }
    }

    fn arrive(&mut self, from: usize, to: usize, bytes: &[u8]) -> Result<(), Violation> {
        match &mut self.processes[to].actor {
            Actor::Down => Ok(()),
            Actor::Attacker(attacker) => {
                for (receiver, bytes) in attacker.hear(bytes) {
                    self.send(to, receiver, bytes.into());
                }
                Ok(())
            }
            Actor::Machine(machine) => {
                let place = (machine.height(), machine.round());
                if self.processes[to].is_honest {
                    let life = self.processes[to].life;
                    self.contradictions.hear(to, life, place, bytes);
                }
                let (from, bytes) = (tag(from), bytes.to_vec());
                self.give(to, Input::Message { from, bytes })
            }
        }
    }

    /// Gives a machine an input and carries out what it says.
    pub(super) fn give(&mut self, process: usize, input: Input) -> Result<(), Violation> {
        let now_ms = self.clock(process);
        let Actor::Machine(machine) = &mut self.processes[process].actor else {
            return Ok(());
        };
        let digest = message_text::digest_of_input(&input);
        self.trace
            .note(process, digest, || message_text::input(&input));
        let result = machine.handle(now_ms, input);
        self.finish_step(process, result.map_err(|fault| fault.to_string()))
    }

    /// After a step of a machine: what it committed is looked at even if the step failed.
    pub(super) fn finish_step(
        &mut self,
        process: usize,
        result: Result<Vec<Output>, String>,
    ) -> Result<(), Violation> {
        self.observe(process)?;
        let outputs = match result {
            Ok(outputs) => outputs,
            Err(fault) => return self.fail(process, fault),
        };
        let outputs = self.sabotaged(process, outputs);
        if self.forgets(process) {
            self.carry_out(process, outputs.into_iter())?;
            self.trace.note(process, 13, || "FORGETS everything".into());
            self.crash(process, Loss::Everything);
            return Ok(());
        }
        if self.processes[process].is_honest && self.random.permille(self.faults.cut) {
            let kept = self.random.index(outputs.len() + 1);
            self.carry_out(process, outputs.into_iter().take(kept))?;
            self.trace
                .note(process, 1, || format!("crashes after {kept} outputs"));
            self.crash(process, Loss::Parts);
            return Ok(());
        }
        self.carry_out(process, outputs.into_iter())
    }

    fn fail(&mut self, process: usize, fault: String) -> Result<(), Violation> {
        let excused = self.processes[process].disk_has_failed();
        self.trace.note(process, 2, || format!("fails: {fault}"));
        self.counts.disk_failures += u64::from(excused);
        if !excused && self.processes[process].is_honest {
            let fault = touchstone_core::Fault::Invariant(fault);
            return Err(failure(process, &fault));
        }
        self.crash(process, Loss::Parts);
        Ok(())
    }

    fn carry_out(
        &mut self,
        process: usize,
        outputs: impl Iterator<Item = Output>,
    ) -> Result<(), Violation> {
        let is_honest = self.processes[process].is_honest;
        for output in outputs {
            let digest = message_text::digest_of_output(&output);
            self.trace
                .note(process, digest, || message_text::output(&output));
            match output {
                Output::Broadcast(bytes) => {
                    if is_honest {
                        self.checks.leaves(&bytes)?;
                    }
                    let bytes: Rc<[u8]> = bytes.into();
                    let without_body = self.without_body(process, &bytes);
                    for to in 0..self.processes.len() {
                        match &without_body {
                            Some(less) if self.random.permille(600) => {
                                self.send(process, to, less.clone());
                            }
                            _ => self.send(process, to, bytes.clone()),
                        }
                    }
                }
                Output::Send { to, bytes } => {
                    if self.without_body(process, &bytes).is_some() {
                        continue;
                    }
                    if is_honest {
                        self.checks.leaves(&bytes)?;
                    }
                    self.send(process, of_tag(&to), bytes.into());
                }
                Output::SetTimer { token, after_ms } => {
                    let life = self.processes[process].life;
                    self.after(after_ms, Event::Timer(process, life, token));
                }
                Output::FetchBlocks {
                    from,
                    from_height,
                    limit,
                } => self.request(process, of_tag(&from), from_height, limit),
                Output::Refused { .. } => self.counts.refused += 1,
                Output::Clocks(_) | Output::Late(_) => {}
                Output::Misbehaviour(evidence) => {
                    if is_honest {
                        self.checks.accuses(process, &evidence)?;
                    }
                }
                Output::Committed { round, .. } => {
                    if is_honest {
                        self.counts.slow_rounds += u64::from(round > 0);
                        if round > 0 && self.plan.calm && self.faults.byzantine.is_empty() {
                            let what = format!("node {process} needed round {round}");
                            return Err(Violation::new(Broken::SlowRound, what));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a dishonest validator forgets what it has signed, now.
    fn forgets(&mut self, process: usize) -> bool {
        self.processes[process].byzantine == Some(Byzantine::Amnesiac)
            && self.phase == Phase::Faults
            && self.random.permille(FORGETS_PERMILLE)
    }

    /// A proposal as one sends it that keeps bodies back.
    fn without_body(&self, process: usize, bytes: &[u8]) -> Option<Rc<[u8]>> {
        if self.processes[process].byzantine != Some(Byzantine::Withholder) {
            return None;
        }
        let message = peer::ConsensusMessage::decode(bytes).ok()?.message?;
        let Wire::Proposal(mut proposal) = message else {
            return None;
        };
        proposal.block = None;
        let message = Some(Wire::Proposal(proposal));
        Some(peer::ConsensusMessage { message }.encode_to_vec().into())
    }

    /// A message sets out.
    fn send(&mut self, from: usize, to: usize, bytes: Rc<[u8]>) {
        if from == to || to >= self.processes.len() {
            return;
        }
        self.counts.messages += 1;
        for delay_ms in self.network.delays(from, to, &mut self.random) {
            let bytes = bytes.clone();
            self.after(delay_ms, Event::Message { from, to, bytes });
        }
    }

    fn request(&mut self, process: usize, to: usize, from_height: u64, limit: u32) {
        if to >= self.processes.len() {
            return;
        }
        let from = (process, self.processes[process].life);
        for delay_ms in self.network.delays(process, to, &mut self.random) {
            self.after(
                delay_ms,
                Event::Fetch {
                    from,
                    to,
                    from_height,
                    limit,
                },
            );
        }
    }

    fn serve(&mut self, from: (usize, u64), to: usize, from_height: u64, limit: u32) {
        let store = match self.processes[to].actor {
            Actor::Down => return,
            Actor::Machine(_) => self.processes[to].store.clone(),
            // It has no chain of its own; it takes an honest one to distort.
            Actor::Attacker(_) => match self.honest().next() {
                Some(honest) => self.processes[honest].store.clone(),
                None => return,
            },
        };
        let heights = (from_height..).take(limit as usize);
        let blocks = heights.map_while(|h| store.block(h).ok().flatten());
        let blocks: Vec<Decided> = blocks.collect();
        let answer = match &mut self.processes[to].actor {
            Actor::Attacker(attacker) => attacker.answer(blocks),
            _ => Some(blocks),
        };
        let Some(blocks) = answer else { return };
        let blocks = Rc::new(blocks);
        for delay_ms in self.network.delays(to, from.0, &mut self.random) {
            let (from, to, blocks) = (to, from, blocks.clone());
            self.after(delay_ms, Event::Blocks { from, to, blocks });
        }
    }
}
