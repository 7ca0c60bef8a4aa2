//! Between the rooms: network events to consensus and the pool, consensus outputs to the network.
//! It decides nothing about blocks; it only knows where things go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use tokio::sync::{Semaphore, mpsc, watch};
use touchstone_core::block::Block;
use touchstone_core::hash::Hash;
use touchstone_core::model::validators::ValidatorSet;
use touchstone_core::state::delta::decode_stored;
use touchstone_core::state::{StateRead, keys};
use touchstone_core::{Fault, Rejection, encoding, execution};
use touchstone_proto::ledger::Organisation;
use touchstone_proto::peer;

use crate::consensus::{Input, Output};
use crate::engine::{Inbox, Position, Report};
use crate::mempool::SharedMempool;
use crate::network::{
    Acceptance, Multiaddr, NetworkEvent, NetworkEvents, NetworkHandle, Peer, PeerId, Topic,
    peer_id_of,
};
use crate::rpc::Progress;
use crate::storage::rocks::Reader;

/// Gossip messages whose signatures are being verified at once.
const VERIFYING: usize = 2;
/// Bytes of envelopes in one gossip message.
const GOSSIP_BYTES: usize = 256 << 10;
/// How long an envelope waits for others to be gossiped with.
const GOSSIP_LINGER: Duration = Duration::from_millis(5);
/// How often what still waits is gossiped again.
const GOSSIP_AGAIN: Duration = Duration::from_secs(5);
/// Envelopes that are gossiped again at once.
const GOSSIP_AGAIN_MOST: usize = 1000;
/// Bytes of blocks in one sync answer; one block always fits.
const SYNC_BYTES: usize = 6 << 20;
/// Blocks in one sync answer.
const SYNC_BLOCKS: u32 = 500;

/// What the router works with.
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
    pub reader: Reader,
    /// Listed peers that don't vote.
    pub observers: Arc<watch::Sender<BTreeSet<PeerId>>>,
}

/// Carries network events until the network stops.
pub async fn network_events(routes: Routes, mut events: NetworkEvents) {
    let verifying = Arc::new(Semaphore::new(VERIFYING));
    while let Some(event) = events.recv().await {
        match event {
            NetworkEvent::Message { from, bytes } => {
                routes.inbox.put(Input::Message {
                    from: from.to_bytes(),
                    bytes: bytes.to_vec(),
                });
            }
            NetworkEvent::Gossip {
                id,
                topic: Topic::Transactions,
                bytes,
                ..
            } => {
                let Ok(permit) = verifying.clone().acquire_owned().await else {
                    return;
                };
                let routes = routes.clone();
                tokio::spawn(async move {
                    let pool = routes.clone();
                    let judged = tokio::task::spawn_blocking(move || take_in(&pool, &bytes)).await;
                    let acceptance = judged.unwrap_or(Acceptance::Ignore);
                    // An error means that the network has stopped.
                    let _ = routes.network.judge_gossip(id, acceptance).await;
                    routes.inbox.put(Input::Transactions);
                    drop(permit);
                });
            }
            NetworkEvent::Gossip {
                id,
                topic: Topic::Blocks,
                ..
            } => {
                let _ = routes.network.judge_gossip(id, Acceptance::Ignore).await;
            }
            NetworkEvent::Request {
                from,
                bytes,
                respond,
            } => {
                let reader = routes.reader.clone();
                tokio::task::spawn_blocking(move || match answer_sync(&reader, &bytes) {
                    Ok(reply) => {
                        if let Err(error) = respond.respond(reply.into()) {
                            tracing::warn!(%from, %error, "a sync answer was not sent");
                        }
                    }
                    Err(error) => tracing::warn!(%from, %error, "a sync request was refused"),
                });
            }
            NetworkEvent::PeerConnected(peer) => {
                tracing::info!(%peer, "connected");
                routes.inbox.put(Input::PeerConnected(peer.to_bytes()));
            }
            NetworkEvent::PeerDisconnected(peer) => {
                tracing::info!(%peer, "disconnected");
                routes.inbox.put(Input::PeerDisconnected(peer.to_bytes()));
            }
            NetworkEvent::Refused { peer, reason } => {
                let peer = peer.map(|p| p.to_string()).unwrap_or_default();
                tracing::warn!(%peer, %reason, "refused");
            }
        }
    }
}

/// Verifies gossiped transactions and puts them in the pool.
fn take_in(routes: &Routes, bytes: &[u8]) -> Acceptance {
    let Ok(message) = encoding::decode_exact::<peer::Transactions>(bytes) else {
        return Acceptance::Reject;
    };
    let mut acceptance = Acceptance::Accept;
    let snapshot = routes.reader.snapshot();
    for envelope in &message.envelopes {
        let Ok(id) = touchstone_core::transaction::id_of_envelope(&routes.chain_id, envelope)
        else {
            return Acceptance::Reject;
        };
        match snapshot.is_committed(&id) {
            Ok(false) => {}
            Ok(true) => continue,
            Err(fault) => {
                tracing::error!(%fault, "the store can't be read");
                return Acceptance::Ignore;
            }
        }
        match routes.mempool.submit(&routes.chain_id, envelope, None) {
            Ok(_) | Err(Rejection::AlreadyCommitted) => {}
            Err(Rejection::PoolFull) => acceptance = Acceptance::Ignore,
            Err(rejection) => {
                tracing::warn!(%rejection, "a gossiped transaction was refused");
                return Acceptance::Reject;
            }
        }
    }
    acceptance
}

fn answer_sync(reader: &Reader, bytes: &[u8]) -> Result<Vec<u8>, SyncRefused> {
    let request: peer::SyncRequest = encoding::decode_exact(bytes)?;
    let snapshot = reader.snapshot();
    let tip = snapshot.tip().height;
    let mut reply = peer::SyncReply::default();
    let mut size = 0;
    let mut height = request.from_height.max(1);
    while height <= tip && reply.blocks.len() < request.limit.min(SYNC_BLOCKS) as usize {
        let Some((block, certificate)) = snapshot.block(height)? else {
            break;
        };
        let block = block.encode();
        size += block.len();
        if size > SYNC_BYTES && !reply.blocks.is_empty() {
            break;
        }
        reply.blocks.push(peer::CertifiedBlock {
            block,
            certificate: Some(certificate),
        });
        height += 1;
    }
    Ok(reply.encode_to_vec())
}

#[derive(Debug, thiserror::Error)]
enum SyncRefused {
    #[error(transparent)]
    Malformed(#[from] encoding::Malformed),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Carries what consensus says until it stops; tells the pool's gossip and the service where the
/// chain is.
pub async fn consensus_reports(
    routes: Routes,
    mut reports: mpsc::Receiver<Report>,
    progress: watch::Sender<Progress>,
) {
    let mut consortium = 0;
    while let Some(report) = reports.recv().await {
        match report {
            Report::Output(output) => carry(&routes, output).await,
            Report::Position(position) => {
                let Position {
                    height,
                    round,
                    validator,
                    syncing,
                    consortium_changes,
                } = position;
                let connected = routes.network.connected();
                let peers: Vec<String> = connected.borrow().iter().map(PeerId::to_string).collect();
                progress.send_if_modified(|known| {
                    let now = Progress {
                        height,
                        round,
                        validator,
                        syncing,
                        peers,
                    };
                    let changed = *known != now;
                    *known = now;
                    changed
                });
                if consortium != consortium_changes {
                    consortium = consortium_changes;
                    refresh_peers(&routes).await;
                }
            }
        }
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
            let peer = PeerId::from_bytes(&peer)
                .map(|p| p.to_string())
                .unwrap_or_default();
            tracing::warn!(%peer, %reason, "a consensus message was refused");
        }
        Output::Misbehaviour(evidence) => {
            tracing::error!(?evidence, "a validator signed two conflicting messages");
        }
        Output::Committed {
            height, block_id, ..
        } => {
            tracing::info!(height, block_id = %hex::encode(block_id), "committed");
            announce_to_observers(routes, height).await;
        }
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

/// Batches envelopes that clients submitted here and gossips them.
pub async fn gossip(routes: Routes, mut envelopes: mpsc::Receiver<Vec<u8>>) {
    while let Some(first) = envelopes.recv().await {
        routes.inbox.put(Input::Transactions);
        let mut size = first.len();
        let mut batch = peer::Transactions {
            envelopes: vec![first],
        };
        let linger = tokio::time::sleep(GOSSIP_LINGER);
        tokio::pin!(linger);
        while size < GOSSIP_BYTES {
            tokio::select! {
                envelope = envelopes.recv() => match envelope {
                    Some(envelope) => {
                        size += envelope.len();
                        batch.envelopes.push(envelope);
                    }
                    None => break,
                },
                () = &mut linger => break,
            }
        }
        send_batch(&routes, batch).await;
    }
}

/// Gossips again what has waited for long: its first gossip may have been lost, and a node that
/// never proposes would keep it for ever.
pub async fn gossip_again(routes: Routes) {
    let mut ticks = tokio::time::interval(GOSSIP_AGAIN);
    let mut mark = 0;
    loop {
        ticks.tick().await;
        let (waiting, next) = routes.mempool.waiting_since(mark, GOSSIP_AGAIN_MOST);
        mark = next;
        let mut batch = peer::Transactions::default();
        let mut size = 0;
        for transaction in waiting {
            size += transaction.envelope().len();
            batch.envelopes.push(transaction.envelope().to_vec());
            if size >= GOSSIP_BYTES {
                send_batch(&routes, std::mem::take(&mut batch)).await;
                size = 0;
            }
        }
        if !batch.envelopes.is_empty() {
            send_batch(&routes, batch).await;
        }
    }
}

/// Envelopes of up to the transaction limit each may add up to more than one message.
async fn send_batch(routes: &Routes, batch: peer::Transactions) {
    let bytes = batch.encode_to_vec();
    if bytes.len() <= GOSSIP_BYTES + (1 << 20) || batch.envelopes.len() == 1 {
        log(routes
            .network
            .gossip(Topic::Transactions, bytes.into())
            .await);
        return;
    }
    for envelope in batch.envelopes {
        let single = peer::Transactions {
            envelopes: vec![envelope],
        }
        .encode_to_vec();
        log(routes
            .network
            .gossip(Topic::Transactions, single.into())
            .await);
    }
}

async fn refresh_peers(routes: &Routes) {
    let reader = routes.reader.clone();
    match tokio::task::spawn_blocking(move || peers(&reader.snapshot())).await {
        Ok(Ok(peers)) => {
            routes.observers.send_replace(observers(&peers));
            log(routes.network.set_peers(peers).await);
        }
        Ok(Err(fault)) => tracing::error!(%fault, "the list of peers can't be read"),
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
    let listed = state.get(keys::ORGANISATIONS)?.unwrap_or_default();
    let mut peers = BTreeMap::new();
    for id in listed.split(|b| *b == 0).filter(|id| !id.is_empty()) {
        let key = keys::organisation(&String::from_utf8_lossy(id));
        let Some(bytes) = state.get(&key)? else {
            continue;
        };
        let organisation: Organisation = decode_stored(&key, &bytes)?;
        for node in &organisation.peers {
            if let Some(peer) = peer_of(&organisation, node, &validators) {
                peers.insert(peer.id, peer);
            }
        }
    }
    Ok(peers.into_values().collect())
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
