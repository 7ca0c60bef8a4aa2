//! A cluster of real processes under load. Its clients keep outside of it what was acknowledged to them: each
//! acknowledgement is synced into a file before it counts. At the end the whole chain is read from every node,
//! compared, and executed again from genesis.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use touchstone_core::block::{Block, Header};
use touchstone_core::hash::Hash;
use touchstone_core::{signing, transaction};
use touchstone_node::chain::Chain;
use touchstone_node::mempool::{PoolLimits, SharedMempool};
use touchstone_proto::node::ledger_client::LedgerClient;
use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{BlockReply, GetStatusRequest, SubmitRequest, SubscribeBlocksRequest};

use super::campaign::Figures;
use crate::cli_user::{CliUser, judge};
use crate::cluster::{Cluster, PATIENCE, Plan, organisation_id};
use crate::load;
use crate::random::Random;
use crate::testkit::memory_store::MemoryStore;

/// Clients at each node.
const CLIENTS: usize = 2;
/// How long a client waits before it tries another node.
const PAUSE: Duration = Duration::from_millis(20);

/// A cluster with its clients.
pub struct Live {
    /// The nodes.
    pub cluster: Cluster,
    /// Where acknowledgements are kept: not where the nodes' data are.
    _outside: TempDir,
    journal: Arc<Journal>,
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

/// What was acknowledged: in a file that outlives whatever happens to the nodes, and in memory.
struct Journal {
    file: Mutex<(File, Vec<(Hash, u64)>)>,
    count: AtomicU64,
    next: AtomicU64,
}

/// What a whole chain was found to be.
struct Checked {
    height: u64,
    /// Transactions that clients were told are committed.
    acknowledged: u64,
}

/// A runtime for trials.
pub fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let built = builder.worker_threads(2).enable_all().build();
    built.expect("threads can be started")
}

/// Some time below this passes.
pub async fn pause(random: &mut Random, most_ms: u64) {
    tokio::time::sleep(Duration::from_millis(random.below(most_ms))).await;
}

impl Live {
    /// Starts nodes, and clients at each of them.
    pub async fn start(plan: &Plan) -> Live {
        let cluster = Cluster::start(plan);
        let outside = TempDir::new().expect("a temporary folder can be made");
        let file = File::create(outside.path().join("acknowledged"));
        let journal = Arc::new(Journal {
            file: Mutex::new((file.expect("a new folder is writable"), Vec::new())),
            count: AtomicU64::new(0),
            next: AtomicU64::new(0),
        });
        let mut live = Live {
            cluster,
            _outside: outside,
            journal,
            stop: Arc::default(),
            clients: Vec::new(),
        };
        for node in 0..live.cluster.size() {
            live.cluster.wait_for_height(node, 1).await;
        }
        for client in 0..CLIENTS * live.cluster.size() {
            let submitting = live.client(client);
            live.clients.push(tokio::spawn(submitting));
        }
        live
    }

    /// Acknowledgements so far.
    pub fn acknowledged(&self) -> u64 {
        self.journal.count.load(Ordering::SeqCst)
    }

    /// Waits for another acknowledgement after these.
    ///
    /// # Panics
    /// If none comes.
    pub async fn wait_for_more_than(&self, before: u64) {
        for _ in 0..PATIENCE.as_millis() / 5 {
            if self.acknowledged() > before {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let logs: Vec<String> = (0..self.cluster.size())
            .map(|node| self.cluster.log(node))
            .collect();
        panic!("nothing is acknowledged any more\n{}", logs.join("\n\n"));
    }

    /// One client: submits one transaction after the other, each until it is acknowledged, by turns at every node.
    fn client(&self, client: usize) -> impl Future<Output = ()> + Send + use<> {
        let channels: Vec<Channel> = (0..self.cluster.size())
            .map(|node| Endpoint::from_shared(self.cluster.url(node)))
            .map(|endpoint| endpoint.expect("the URL is well-formed").connect_lazy())
            .collect();
        let (journal, stop) = (self.journal.clone(), self.stop.clone());
        let (key, chain_id) = (self.cluster.keys[0].clone(), self.cluster.genesis.chain_id);
        async move {
            let mut turn = client;
            while !stop.load(Ordering::Relaxed) {
                let number = journal.next.fetch_add(1, Ordering::Relaxed);
                let events = vec![load::event(number)];
                let envelope =
                    load::capture(&key, &chain_id, &organisation_id(0), now_ms(), events);
                let id = transaction::id_of_envelope(&chain_id, &envelope);
                let id = id.expect("an envelope that was just made is canonical");
                while !stop.load(Ordering::Relaxed) {
                    let request = SubmitRequest {
                        envelope: envelope.clone(),
                        wait: true,
                    };
                    let channel = channels[turn % channels.len()].clone();
                    let answer = LedgerClient::new(channel).submit(request).await;
                    let status = answer.ok().and_then(|reply| reply.into_inner().status);
                    if let Some(Status::Committed(_)) = status {
                        journal.keep(id, number);
                        break;
                    }
                    turn += 1;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Ends the clients, looks at everything and counts it; all nodes must run.
    pub async fn check_into(self, figures: &mut Figures) {
        match self.check().await {
            Ok(checked) => {
                figures.add("acknowledged", checked.acknowledged);
                figures.add("blocks", checked.height);
            }
            Err(what) => figures.break_with(what),
        }
    }

    async fn check(self) -> Result<Checked, String> {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.map_err(|e| format!("a client: {e}"))?;
        }
        let acknowledged = {
            let kept = self.journal.file.lock();
            kept.unwrap_or_else(PoisonError::into_inner).1.clone()
        };
        let mut height = 0;
        for node in 0..self.cluster.size() {
            let mut client = self.cluster.client(node).await;
            let status = client.get_status(GetStatusRequest {}).await;
            let status = status.map_err(|e| e.to_string())?.into_inner();
            height = height.max(status.height);
        }
        let mut agreed = Vec::new();
        for node in 0..self.cluster.size() {
            self.cluster.wait_for_height(node, height).await;
            let chain = read_chain(&self.cluster, node, height).await?;
            let places = places(&self.cluster.genesis.chain_id, &chain)?;
            check_places(node, &acknowledged, &places)?;
            match node {
                0 => agreed = chain,
                _ => same(node, &agreed, &chain)?,
            }
        }
        execute_again(&self.cluster, &agreed)?;
        if let Some((_, number)) = acknowledged.last() {
            check_evidence(&self.cluster, *number)?;
        }
        Ok(Checked {
            height,
            acknowledged: acknowledged.len() as u64,
        })
    }
}

impl Journal {
    fn keep(&self, id: Hash, number: u64) {
        let mut kept = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let line = format!("{}\n", hex::encode(id));
        let written = kept.0.write_all(line.as_bytes());
        written
            .and_then(|()| kept.0.sync_data())
            .expect("the file is writable");
        kept.1.push((id, number));
        self.count.fetch_add(1, Ordering::SeqCst);
    }
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_millis() as u64)
}

/// All blocks of a node up to a height.
async fn read_chain(
    cluster: &Cluster,
    node: usize,
    height: u64,
) -> Result<Vec<BlockReply>, String> {
    let request = SubscribeBlocksRequest {
        from_height: 1,
        with_transactions: true,
    };
    let mut client = cluster.client(node).await;
    let blocks = client.subscribe_blocks(request).await;
    let mut blocks = blocks.map_err(|e| e.to_string())?.into_inner();
    let mut chain = Vec::new();
    while (chain.len() as u64) < height {
        let block = blocks.message().await.map_err(|e| e.to_string())?;
        chain.push(block.ok_or_else(|| format!("node {node}'s blocks end"))?);
    }
    Ok(chain)
}

/// How often each transaction stands in a chain.
fn places(chain_id: &Hash, chain: &[BlockReply]) -> Result<BTreeMap<Hash, u64>, String> {
    let mut places = BTreeMap::new();
    for envelope in chain.iter().flat_map(|block| &block.transactions) {
        let id = transaction::id_of_envelope(chain_id, envelope).map_err(|e| e.to_string())?;
        *places.entry(id).or_default() += 1;
    }
    Ok(places)
}

fn check_places(
    node: usize,
    acknowledged: &[(Hash, u64)],
    places: &BTreeMap<Hash, u64>,
) -> Result<(), String> {
    let lost = acknowledged
        .iter()
        .filter(|(id, _)| !places.contains_key(id));
    let doubled = places.values().filter(|times| **times > 1);
    match (lost.count(), doubled.count()) {
        (0, 0) => Ok(()),
        (lost, doubled) => Err(format!(
            "node {node}: {lost} acknowledged transactions are lost, {doubled} stand more than once"
        )),
    }
}

fn same(node: usize, agreed: &[BlockReply], chain: &[BlockReply]) -> Result<(), String> {
    let header = |block: &BlockReply| block.header.clone().unwrap_or_default().header;
    for (height, (one, other)) in (1..).zip(agreed.iter().zip(chain)) {
        if header(one) != header(other) || one.transactions != other.transactions {
            return Err(format!(
                "nodes 0 and {node} hold two blocks of height {height}"
            ));
        }
    }
    Ok(())
}

/// Executes every block from genesis on: certificates, headers and state roots must hold.
fn execute_again(cluster: &Cluster, blocks: &[BlockReply]) -> Result<(), String> {
    let pool = SharedMempool::new(PoolLimits::default());
    let store = MemoryStore::new(&cluster.genesis);
    let chain = Chain::open(cluster.genesis.chain_id, store.clone(), pool);
    let mut chain = chain.map_err(|fault| fault.to_string())?;
    for block in blocks {
        let certified = block.header.clone().unwrap_or_default();
        let header = Header::decode(&certified.header).map_err(|e| e.to_string())?;
        let (height, time_ms) = (header.height, header.time_ms);
        let certificate = certified.certificate.unwrap_or_default();
        let block = Block {
            header,
            transactions: block.transactions.clone(),
        };
        let imported = chain.import(signing::verify, &block, &certificate, time_ms);
        imported
            .map_err(|fault| format!("height {height}: {fault}"))?
            .map_err(|invalid| format!("height {height}: {invalid}"))?;
    }
    let stated = chain.tip().header.as_ref().map(|header| header.state_root);
    let found = store.recomputed_root().map_err(|fault| fault.to_string())?;
    match stated.is_none_or(|stated| stated == found) {
        true => Ok(()),
        false => Err("the state that the blocks make has another root".into()),
    }
}

/// Evidence about a unit that was captured holds for both verifiers. Where the only validator is its recorder's own,
/// both say so, and have no other reservation.
fn check_evidence(cluster: &Cluster, number: u64) -> Result<(), String> {
    let unit = format!("https://id.gs1.org/01/09521321000018/21/{number}");
    let asks = cluster.size().min(2) - 1;
    let file = CliUser::of(cluster, asks).evidence(&unit, "unit.evidence", &[]);
    let judged = judge(&file, Some(&cluster.genesis_file()), &[]);
    let checks = judged.report["checks"].as_array();
    let mut reserved = checks.into_iter().flatten();
    let is_only_its_own = reserved
        .all(|check| check["result"] != "reservation" || check["element"] == "independence");
    match judged.code {
        0 => Ok(()),
        6 if cluster.size() == 1 && is_only_its_own => Ok(()),
        _ => Err(format!(
            "the evidence about {unit} doesn't hold: {judged:?}"
        )),
    }
}
