//! Between the rooms: network events to consensus and the pool, consensus outputs to the network.
//! It decides nothing about blocks; it only knows where things go.

mod chain_watch;
mod gossip;
mod in_turn;
mod refusals;
mod sync_answers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message;
use tokio::sync::{mpsc, watch};
use touchstone_core::block::Block;
use touchstone_core::governance::validators::ValidatorSet;
use touchstone_core::hash::Hash;
use touchstone_core::state::StateRead;
use touchstone_core::{Fault, encoding, execution};
use touchstone_proto::ledger::Organisation;
use touchstone_proto::peer;

pub use self::chain_watch::ChainWatch;
use self::gossip::Intake;
pub use self::gossip::{MESSAGE_BYTES, gossip, gossip_again};
pub use self::refusals::Refusals;
use self::sync_answers::{AskedBlocks, SyncAnswers};
use crate::consensus::{ClockReport, Input, Output, PeerTag, Silence};
use crate::consensus_thread::{self, ConsensusReport, Inbox};
use crate::log_pace::LogPace;
use crate::mempool::SharedMempool;
use crate::network::{
    Acceptance, Multiaddr, NetworkEvent, NetworkEvents, NetworkHandle, Peer, PeerId, peer_id_of,
};
use crate::organisations::organisations;
use crate::service::{FailedAnswers, Progress, ServiceError};
use crate::storage::rocks::StoreReader;

/// What dispatch works with.
#[derive(Clone)]
pub struct Routes {
    /// The chain.
    pub chain_id: Hash,
    /// Peers.
    pub network: NetworkHandle,
    /// Consensus.
    pub inbox: Inbox,
    /// The pool.
    pub mempool: SharedMempool,
    /// The store's reading side.
    pub reader: StoreReader,
    /// Listed peers that don't vote.
    pub observers: Arc<watch::Sender<BTreeSet<PeerId>>>,
    /// What was refused lately.
    pub refusals: Refusals,
    /// Counts answers that failed.
    pub failed: FailedAnswers,
}

impl Routes {
    /// Notes a fault that reading for a peer has met.
    fn judge(&self, fault: Fault) {
        self.failed.note(&ServiceError::Fault(fault));
    }
}

/// Carries network events until the network stops. It waits for nobody: votes must not stand behind
/// what others gossip.
pub async fn network_events(routes: Routes, events: NetworkEvents) {
    let intake = Intake::new(routes.clone());
    let answers = SyncAnswers::new(routes.clone());
    carry_events(routes, intake, answers, events).await;
}

async fn carry_events(
    routes: Routes,
    mut intake: Intake,
    answers: SyncAnswers,
    mut events: NetworkEvents,
) {
    while let Some((event, charge)) = events.recv().await {
        match event {
            NetworkEvent::Message { from, bytes } => {
                let message = Input::Message {
                    from: from.to_bytes(),
                    bytes: bytes.into(),
                };
                routes.inbox.put_charged(message, charge);
            }
            NetworkEvent::Gossip { id, from, bytes } => {
                if let Err(id) = intake.take(id, from, bytes, charge) {
                    // An error means that the network has stopped.
                    let _ = routes.network.judge_gossip(id, Acceptance::Ignore).await;
                }
            }
            NetworkEvent::Request {
                from,
                bytes,
                respond,
            } => {
                let asked = AskedBlocks {
                    from,
                    bytes,
                    respond,
                    charge,
                };
                answers.put(asked);
            }
            NetworkEvent::PeerConnected(peer) => {
                tracing::info!(%peer, "connected");
                let input = Input::PeerConnected(peer.to_bytes());
                routes.inbox.put_charged(input, charge);
            }
            NetworkEvent::PeerDisconnected(peer) => {
                tracing::info!(%peer, "disconnected");
                intake.forget(&peer);
                routes.refusals.forget(&peer);
                let input = Input::PeerDisconnected(peer.to_bytes());
                routes.inbox.put_charged(input, charge);
            }
            NetworkEvent::Refused { peer, reason } => {
                routes.refusals.note_network(peer, &reason);
            }
        }
    }
}

/// How often it is looked whether the chain still moves.
const WATCH: Duration = Duration::from_secs(1);

/// Carries what consensus says until it stops; tells the pool's gossip and the service where the
/// chain is, who is connected, and whether the chain still moves.
pub async fn consensus_reports(
    routes: Routes,
    mut reports: mpsc::Receiver<ConsensusReport>,
    progress: watch::Sender<Progress>,
    mut watch: ChainWatch,
) {
    let mut consortium = 0;
    let mut silent = None;
    // A line for each of some hundred blocks a second would cost more than what it says.
    let mut committed = LogPace::default();
    let mut connected = routes.network.connected();
    let mut peers = names(&mut connected);
    let mut ticks = tokio::time::interval(WATCH);
    loop {
        tokio::select! {
            report = reports.recv() => match report {
                None => return,
                Some(ConsensusReport::Output(output)) => {
                    if let Output::Committed { time_ms, height, block_id, .. } = &output {
                        watch.committed(*time_ms, consensus_thread::now_ms());
                        if let Some(untold) = committed.line((), Instant::now()) {
                            let block_id = hex::encode(block_id);
                            tracing::info!(height, block_id, untold, "committed");
                        }
                    }
                    if let Output::Clocks(report) = &output {
                        watch.clocks(report);
                    }
                    carry(&routes, output).await;
                }
                Some(ConsensusReport::Position(position)) => {
                    if silent != position.silence {
                        silent = position.silence;
                        log_silence(silent, position.validator);
                    }
                    let changes = position.consortium_changes;
                    watch.moved(position, Instant::now());
                    if consortium != changes {
                        consortium = changes;
                        refresh_peers(&routes).await;
                    }
                }
            },
            Ok(()) = connected.changed() => peers = names(&mut connected),
            _ = ticks.tick() => {}
        }
        let is_idle = routes.mempool.size().0 == 0;
        let now = watch.progress(&peers, is_idle, Instant::now());
        progress.send_if_modified(|known| {
            let changed = *known != now;
            *known = now;
            changed
        });
    }
}

/// The names of those who are connected; made when they change, since consensus reports many times for each block.
fn names(connected: &mut watch::Receiver<BTreeSet<PeerId>>) -> Arc<[String]> {
    let peers = connected.borrow_and_update();
    peers.iter().map(PeerId::to_string).collect()
}

fn log_clocks(report: &ClockReport) {
    let ahead = report.offsets();
    match (report.is_alarm, report.is_own_clock) {
        _ if ahead.is_empty() => tracing::info!("all validators' clocks agree again"),
        (_, true) => tracing::error!(
            ahead,
            "this node's clock disagrees with most validators': set it right (NTP); until then its \
             blocks and votes don't count"
        ),
        (true, false) => tracing::error!(
            ahead,
            "the clocks of a third of the voting power or more disagree with this node's: the chain \
             may stand still; compare clocks (NTP)"
        ),
        (false, false) => tracing::warn!(
            ahead,
            "validators' clocks disagree with this node's: their blocks aren't made"
        ),
    }
}

fn log_silence(silence: Option<Silence>, is_validator: bool) {
    match silence {
        None if is_validator => tracing::info!("the validator signs"),
        None => tracing::info!("the guard is confirmed; the key is no validator's yet"),
        Some(Silence::Unconfirmed) => tracing::warn!(
            "the validator signs nothing: its disk is new, and more than 2/3 of the voting power \
             haven't yet confirmed a height; if they can't, name one: touchstone-node reset-guard"
        ),
        Some(Silence::UntilHeight(height)) => tracing::warn!(
            height,
            "the validator signs nothing up to this height, where it may have signed before"
        ),
    }
}

async fn carry(routes: &Routes, output: Output) {
    // Errors below mean that the network has stopped or the message is too large; the machine
    // checks sizes when it cuts blocks.
    match output {
        Output::Broadcast(bytes) => log(routes.network.broadcast(bytes.into()).await),
        Output::Send { to, bytes } => {
            if let Ok(peer) = PeerId::from_bytes(&to) {
                log(routes.network.send(peer, bytes.into()).await);
            }
        }
        Output::FetchBlocks {
            from,
            from_height,
            limit,
        } => {
            tokio::spawn(fetch(routes.clone(), from, from_height, limit));
        }
        Output::Refused { peer, reason } => {
            let Ok(peer) = PeerId::from_bytes(&peer) else {
                return;
            };
            if routes.refusals.note_message(peer, &reason) {
                log(routes.network.suspend(peer).await);
            }
        }
        Output::Misbehaviour(evidence) => {
            let validator = hex::encode(&evidence.validator);
            tracing::error!(
                validator,
                height = evidence.height,
                kind = evidence.kind,
                "a validator signed two conflicting messages; the evidence is kept (touchstone \
                 misbehaviour); organisations vote it out: touchstone misbehaviour remove \
                 --public-key {validator} --organisation ID --key FILE"
            );
        }
        Output::Clocks(report) => log_clocks(&report),
        Output::Late(is_late) => {
            tracing::info!(
                is_late,
                "whether messages of validators come late again and again"
            );
            log(routes.network.use_several_ways(is_late).await);
        }
        Output::Committed { height, .. } => announce_to_observers(routes, height).await,
        Output::SetTimer { .. } => {}
    }
}

/// Broadcasts reach validators only; whoever else follows learns here that there is a new block.
async fn announce_to_observers(routes: &Routes, height: u64) {
    let message = peer::ConsensusMessage {
        message: Some(peer::consensus_message::Message::Announce(peer::Announce {
            height,
        })),
    };
    let bytes = Bytes::from(message.encode_to_vec());
    let observers: Vec<PeerId> = routes.observers.borrow().iter().copied().collect();
    for observer in observers {
        if routes.network.connected().borrow().contains(&observer) {
            log(routes.network.send(observer, bytes.clone()).await);
        }
    }
}

fn log(result: Result<(), crate::network::SendError>) {
    if let Err(error) = result {
        tracing::error!(%error, "a message was not sent");
    }
}

async fn fetch(routes: Routes, from: Vec<u8>, from_height: u64, limit: u32) {
    let Ok(peer) = PeerId::from_bytes(&from) else {
        return;
    };
    let request = peer::SyncRequest { from_height, limit }.encode_to_vec();
    let blocks = match routes.network.request(peer, request.into()).await {
        Ok(bytes) => decode_blocks(&bytes).unwrap_or_else(|reason| {
            tracing::warn!(%peer, reason, "a sync answer was refused");
            Vec::new()
        }),
        Err(error) => {
            tracing::debug!(%peer, %error, "a sync request failed");
            Vec::new()
        }
    };
    routes.inbox.put(Input::Blocks { from, blocks });
}

type Decided = (Block, touchstone_proto::ledger::CommitCertificate);

fn decode_blocks(bytes: &Bytes) -> Result<Vec<Decided>, String> {
    let reply: peer::SyncReply = encoding::decode_exact(bytes).map_err(|e| e.to_string())?;
    reply
        .blocks
        .into_iter()
        .map(|decided| {
            let block = Block::decode(&decided.block).map_err(|e| e.to_string())?;
            let certificate = decided.certificate.ok_or("a block without a certificate")?;
            Ok((block, certificate))
        })
        .collect()
}

async fn refresh_peers(routes: &Routes) {
    let reader = routes.reader.clone();
    match tokio::task::spawn_blocking(move || peers(&reader.snapshot())).await {
        Ok(Ok(peers)) => {
            routes.observers.send_replace(observers(&peers));
            log(routes.network.set_peers(peers).await);
        }
        Ok(Err(fault)) => {
            tracing::error!(%fault, "the list of peers can't be read");
            routes.judge(fault);
        }
        Err(error) => tracing::error!(%error, "the list of peers can't be read"),
    }
}

/// Those of the peers that don't vote.
pub fn observers(peers: &[Peer]) -> BTreeSet<PeerId> {
    peers
        .iter()
        .filter(|peer| !peer.validator)
        .map(|peer| peer.id)
        .collect()
}

/// The peers that the chain lists.
pub fn peers(state: &impl StateRead) -> Result<Vec<Peer>, Fault> {
    let validators = execution::validators(state)?;
    let mut peers = BTreeMap::new();
    for organisation in organisations(state)? {
        for node in &organisation.peers {
            if let Some(peer) = peer_of(&organisation, node, &validators) {
                peers.insert(peer.id, peer);
            }
        }
    }
    Ok(peers.into_values().collect())
}

/// How consensus knows the peer with this network key.
pub fn tag_of(key: &[u8; 32]) -> Option<PeerTag> {
    Some(peer_id_of(key).ok()?.to_bytes())
}

fn peer_of(
    organisation: &Organisation,
    node: &touchstone_proto::ledger::Peer,
    validators: &ValidatorSet,
) -> Option<Peer> {
    let key: [u8; 32] = encoding::exact("public_key", &node.public_key).ok()?;
    Some(Peer {
        id: peer_id_of(&key).ok()?,
        addresses: node
            .addresses
            .iter()
            .filter_map(|text| text.parse::<Multiaddr>().ok())
            .collect(),
        validator: validators.power_of_organisation(&organisation.id) > 0,
    })
}

#[cfg(test)]
mod tests;
