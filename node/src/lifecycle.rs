//! A node's life: builds the rooms, supervises them, and shuts them down. No logic of its own.
//!
//! What stops a node is decided here and in [`crate::service::ServiceError::stops_the_node`]: a fault of consensus or
//! of a write; a task that ends; damage that a read has met. A disk that refuses to read stops nothing: clients could
//! bring that about.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use touchstone_core::Fault;
use touchstone_edge::Protocol;
use touchstone_edge::budget::{self, Budget};
use touchstone_edge::descriptors::{self, DescriptorError};
use touchstone_edge::server::Server;
use touchstone_edge::tls::{Tls, TlsError};

use crate::chain::Chain;
use crate::config::{Config, ConfigError, Loaded};
use crate::consensus::{self, Machine};
use crate::consensus_thread;
use crate::dispatch::{self, ChainWatch, Refusals, Routes};
use crate::http;
use crate::mempool::{PoolLimits, SharedMempool};
use crate::network::{self, NetworkConfig, NetworkError};
use crate::rpc;
use crate::service::{self, LedgerService, Progress};
use crate::storage::Store;
use crate::storage::double_sign_guard::{Guard, GuardError};
use crate::storage::files::{DataFolder, FileDisk, FolderError};
use crate::storage::rocks::{OpenError, RocksStore, StoreSettings};
use crate::storage::wal::{Wal, WalError};
use crate::tasks::Tasks;
use crate::timestamps;

/// How long the ports may take to end once the node stops: a little more than they give their last answers.
const LAST_CALLS: Duration = Duration::from_secs(3);
/// Files that the database keeps open, and those that the log, the guard and the runtime need besides.
const STORAGE_DESCRIPTORS: u64 = 1024 + 256;
/// How long the consensus thread's own fault is waited for where a task ended: the tasks that listen
/// to it end with it.
const LAST_WORD: Duration = Duration::from_secs(1);

/// Why a node stopped or didn't start.
#[derive(Debug, Error)]
pub enum NodeError {
    /// Configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database.
    #[error("the database in {path}: {error}")]
    Store {
        /// Its folder.
        path: PathBuf,
        /// What is wrong.
        error: OpenError,
    },
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The write-ahead log.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// The double-sign guard.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// A validator without guard.
    #[error(
        "there is no double-sign guard in {path}, and the chain here is at height {height}. If this node has \
         only followed until now, make one: touchstone-node reset-guard --height {height}. If it has voted, \
         restore nothing: docs/operating.md, \"A lost guard\""
    )]
    NoGuard {
        /// The data folder.
        path: PathBuf,
        /// The chain's height here.
        height: u64,
    },
    /// Nobody said what the validator's key has signed before.
    #[error(
        "a validator's data folder isn't made before it is known what its key has signed on this \
         chain: say --new-key (nothing: the chain or the validator is new), --signed-to HEIGHT \
         (nothing above that height), or --used-key (not known: the node signs nothing until more \
         than 2/3 of the voting power, others' alone, have confirmed a height)"
    )]
    KeyHistory,
    /// A guard is reset below what the node has committed itself.
    #[error(
        "the chain stands at height {tip} in this data folder, and the validator has signed up to \
         there: the guard isn't reset to {asked}, which is below"
    )]
    GuardTooLow {
        /// What was asked for.
        asked: u64,
        /// The store's height.
        tip: u64,
    },
    /// The voting key is nobody's.
    #[error(
        "the key in {path} (public key {public_key}) is no validator's at height {height}: is it the right file? Leave \
         validator_key out to follow only; say validator_candidate = true if the vote on it is still to come"
    )]
    NotAValidator {
        /// The key's file.
        path: PathBuf,
        /// Its public half, in hex.
        public_key: String,
        /// The chain's height.
        height: u64,
    },
    /// The network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The service's address.
    #[error("the gRPC service can't listen on {address}: {error}")]
    Rpc {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        error: std::io::Error,
    },
    /// The HTTP interface's address.
    #[error("EPCIS over HTTP can't be served on {address}: {error}")]
    Http {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        error: std::io::Error,
    },
    /// Too few files may be opened.
    #[error(transparent)]
    Descriptors(#[from] DescriptorError),
    /// A port's encryption.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The node failed.
    #[error("the node stops: {0}")]
    Fault(#[from] Fault),
    /// A thread couldn't be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

impl NodeError {
    /// The exit code of a program that ends with it, so that who restarts it knows whether that can help.
    pub fn exit_code(&self) -> u8 {
        match self {
            NodeError::Config(_) | NodeError::NotAValidator { .. } | NodeError::Tls(_) => 3,
            NodeError::Store { .. }
            | NodeError::Folder(_)
            | NodeError::Wal(_)
            | NodeError::Guard(_)
            | NodeError::NoGuard { .. }
            | NodeError::GuardTooLow { .. } => 4,
            NodeError::KeyHistory => 2,
            NodeError::Fault(Fault::Damaged(_)) => 4,
            NodeError::Network(_)
            | NodeError::Rpc { .. }
            | NodeError::Http { .. }
            | NodeError::Descriptors(_)
            | NodeError::Fault(_)
            | NodeError::Thread(_) => 1,
        }
    }
}

/// What a validator's key has signed on this chain before its data folder is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyHistory {
    /// Nothing: the chain or the validator is new.
    New,
    /// Nothing above this height.
    SignedTo(u64),
    /// Something, up to a height that isn't known: the node signs nothing until the others confirm
    /// one.
    Unknown,
}

/// Creates a node's data folder: the database at genesis, and the double-sign guard of a validator.
pub fn initialise(loaded: &Loaded, history: Option<KeyHistory>) -> Result<(), NodeError> {
    if loaded.validator_key.is_some() && history.is_none() {
        return Err(NodeError::KeyHistory);
    }
    let folder = DataFolder::open(&loaded.config.data)?;
    let path = folder.path().join("chain");
    RocksStore::create(&path, &loaded.genesis, &StoreSettings::default())
        .map_err(|error| NodeError::Store { path, error })?;
    let disk = FileDisk::new(folder);
    match history.filter(|_| loaded.validator_key.is_some()) {
        None => {}
        Some(KeyHistory::New) => drop(Guard::create(disk)?),
        Some(KeyHistory::SignedTo(height)) => drop(Guard::reset(disk, height)?),
        Some(KeyHistory::Unknown) => drop(Guard::create_unknown(disk)?),
    }
    Ok(())
}

/// Makes a new guard that refuses every signature up to `height`.
pub fn reset_guard(loaded: &Loaded, height: u64) -> Result<(), NodeError> {
    let folder = DataFolder::open(&loaded.config.data)?;
    let path = folder.path().join("chain");
    let tip = RocksStore::open(&path, &loaded.genesis.chain_id, &StoreSettings::default())
        .map_err(|error| NodeError::Store { path, error })?
        .tip()
        .height;
    if height < tip {
        return Err(NodeError::GuardTooLow { asked: height, tip });
    }
    Guard::reset(FileDisk::new(folder), height)?;
    Ok(())
}

/// Runs a node until `stop` resolves or it fails. `ready` hears the service's address once it
/// answers.
pub async fn run(
    loaded: Loaded,
    stop: impl Future<Output = ()>,
    ready: oneshot::Sender<SocketAddr>,
) -> Result<(), NodeError> {
    let Loaded {
        config,
        genesis,
        network_key,
        validator_key,
        timestamps: authorities,
        access,
    } = loaded;
    let rpc_limits = config.limits.rpc();
    let http_limits = config.limits.http();
    let peer_limits = network::NetworkLimits {
        gossip_message: dispatch::MESSAGE_BYTES,
        ..network::NetworkLimits::default()
    };
    let needed = [
        STORAGE_DESCRIPTORS,
        rpc_limits.descriptors(),
        http_limits.descriptors(),
        peer_limits.descriptors(),
    ];
    descriptors::reserve(needed.iter().sum())?;
    let chain_id = genesis.chain_id;
    let folder = DataFolder::open(&config.data)?;
    let path = folder.path().join("chain");
    let store = RocksStore::open(&path, &chain_id, &StoreSettings::default())
        .map_err(|error| NodeError::Store { path, error })?;
    let reader = store.reader();
    let catalogue = store.catalogue();
    let writer = store.checkpoint_writer();
    let mempool = SharedMempool::new(PoolLimits::default());
    let chain = Chain::open(chain_id, store, mempool.clone())?;
    let disk = FileDisk::new(folder);
    let signer = match validator_key {
        Some(key) => {
            check_membership(&config, &chain, &key)?;
            let guard = match Guard::open(disk.clone()) {
                Err(GuardError::Missing) => {
                    return Err(NodeError::NoGuard {
                        path: config.data,
                        height: chain.tip().height,
                    });
                }
                guard => guard?,
            };
            Some((key, guard))
        }
        None => None,
    };
    let (wal, recovered) = Wal::open(disk)?;

    // Ports are bound before anything runs, so that a node which can't serve doesn't vote for a moment.
    let budget = Budget::new(budget::ByteLimits::default());
    let tls = |protocol| {
        config
            .tls
            .clone()
            .map(|files| Tls::load(files.into(), protocol))
    };
    let rpc_server = Server {
        protocol: Protocol::Http2,
        listener: bind(config.rpc).await.map_err(|error| NodeError::Rpc {
            address: config.rpc,
            error,
        })?,
        limits: rpc_limits,
        budget: budget.clone(),
        tls: tls(Protocol::Http2).transpose()?,
    };
    let http_server = match config.http {
        None => None,
        Some(address) => Some(Server {
            protocol: Protocol::Http1,
            listener: bind(address)
                .await
                .map_err(|error| NodeError::Http { address, error })?,
            limits: http_limits,
            budget,
            tls: tls(Protocol::Http1).transpose()?,
        }),
    };
    let address = rpc_server.listener.local_addr().unwrap_or(config.rpc);

    let peers = dispatch::peers(&reader.snapshot())?;
    let observers = Arc::new(watch::Sender::new(dispatch::observers(&peers)));
    let network_config = NetworkConfig {
        listen: config.listen.clone(),
        peers,
        chain_tag: hex::encode(chain_id),
        limits: peer_limits,
    };
    let (network, events) = network::start(network_config, network_key.to_bytes()).await?;

    let settings = config.consensus.settings();
    let watch = ChainWatch::new(Duration::from_millis(settings.heartbeat_ms));
    let parts = consensus::MachineParts {
        settings,
        chain,
        wal,
        recovered,
        signer,
        tag_of: dispatch::tag_of,
        verify: touchstone_core::signing::verify,
    };
    let (machine, first) = Machine::open(parts, consensus_thread::now_ms())?;
    let (inbox, inputs) = consensus_thread::inbox();
    let (reports_sender, reports) = mpsc::channel(1024);
    let (failed_sender, mut failed) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("consensus".into())
        .spawn(move || {
            let result = consensus_thread::run(machine, first, inputs, reports_sender);
            // An error means that nobody waits any more.
            let _ = failed_sender.send(result);
        })
        .map_err(NodeError::Thread)?;

    let (progress_sender, progress) = watch::channel(Progress::default());
    let (faults_sender, mut faults) = mpsc::channel(1);
    let routes = Routes {
        chain_id,
        network: network.clone(),
        inbox,
        mempool: mempool.clone(),
        reader: reader.clone(),
        observers,
        refusals: Refusals::default(),
        faults: faults_sender.clone(),
    };
    let (gossip_sender, gossip) = mpsc::channel(10_000);
    let stamping = timestamps::TimestampParts {
        chain_id,
        schedule: authorities.schedule,
        reader: reader.clone(),
        writer,
        progress: progress.clone(),
    };
    let service = Arc::new(LedgerService::new(service::ServiceParts {
        chain_id,
        chain_name: genesis.document.chain.clone(),
        genesis: genesis.bytes.clone(),
        reader,
        mempool,
        gossip: gossip_sender,
        progress,
        faults: faults_sender,
    }));
    let mut tasks = Tasks::default();
    let rpc = rpc::serve(rpc_server, service.clone(), tasks.stop_token());
    tasks.spawn(
        RPC,
        rpc.map_err(|error| NodeError::Rpc {
            address: config.rpc,
            error,
        })?,
    );
    if let Some(server) = http_server {
        let address = server.listener.local_addr().ok();
        tracing::info!(?address, "EPCIS over HTTP is served");
        let parts = http::HttpParts {
            service,
            catalogue,
            access,
        };
        tasks.spawn(HTTP, http::serve(server, parts, tasks.stop_token()));
    }
    tasks.spawn(
        "network events",
        dispatch::network_events(routes.clone(), events),
    );
    tasks.spawn(
        "consensus reports",
        dispatch::consensus_reports(routes.clone(), reports, progress_sender, watch),
    );
    tasks.spawn(
        "gossip of what waits",
        dispatch::gossip_again(routes.clone()),
    );
    tasks.spawn("gossip", dispatch::gossip(routes, gossip));
    for authority in authorities.authorities {
        tasks.spawn("time stamps", timestamps::run(authority, stamping.clone()));
    }
    tracing::info!(%address, chain_id = %hex::encode(chain_id), "the node runs");
    // An error means that the caller doesn't wait for it.
    let _ = ready.send(address);

    let outcome = tokio::select! {
        () = stop => Ok(()),
        result = &mut failed => Err(consensus_fault(result)),
        Some(fault) = faults.recv() => Err(fault),
        // Tasks end with the consensus thread that they listen to: its own fault is the cause.
        fault = tasks.ended() => Err(match tokio::time::timeout(LAST_WORD, &mut failed).await {
            Ok(result @ Ok(Err(_))) => consensus_fault(result),
            _ => fault,
        }),
    };
    // Clients first, then peers, then consensus: its inboxes close with the tasks that feed it.
    tasks.finish(&[RPC, HTTP], LAST_CALLS).await;
    network.shutdown().await;
    tasks.abort().await;
    let joined = tokio::task::spawn_blocking(move || thread.join()).await;
    if !matches!(joined, Ok(Ok(()))) {
        return Err(Fault::Invariant("the consensus thread panicked".into()).into());
    }
    Ok(outcome?)
}

/// A key that is no validator's makes a node that follows in silence: its operator must want that.
fn check_membership(
    config: &Config,
    chain: &Chain<RocksStore>,
    key: &SigningKey,
) -> Result<(), NodeError> {
    let public_key = key.verifying_key().to_bytes();
    if config.validator_candidate || chain.validators().get(&public_key).is_some() {
        return Ok(());
    }
    Err(NodeError::NotAValidator {
        path: config.validator_key.clone().unwrap_or_default(),
        public_key: hex::encode(public_key),
        height: chain.tip().height,
    })
}

/// Names of the ports' tasks.
const RPC: &str = "the gRPC service";
const HTTP: &str = "EPCIS over HTTP";

async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// The consensus thread has ended though nobody stopped the node.
fn consensus_fault(result: Result<Result<(), Fault>, oneshot::error::RecvError>) -> Fault {
    match result {
        Ok(Err(fault)) => fault,
        Ok(Ok(())) | Err(_) => Fault::Invariant("the consensus thread ended".into()),
    }
}
