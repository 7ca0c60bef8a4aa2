//! Wires the rooms into one process and shuts them down. No logic.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use touchstone_core::Fault;

use crate::chain::Chain;
use crate::config::{ConfigError, Loaded};
use crate::consensus::{self, Machine};
use crate::engine;
use crate::http;
use crate::mempool::{Limits, SharedMempool};
use crate::network::{self, NetworkConfig, NetworkError};
use crate::router::{self, Refusals, Routes};
use crate::rpc::{self, Progress};
use crate::storage::Store;
use crate::storage::double_sign_guard::{Guard, GuardError};
use crate::storage::files::{DataFolder, FileDisk, FolderError};
use crate::storage::rocks::{EventCatalogue, OpenError, RocksStore, Settings};
use crate::storage::wal::{Wal, WalError};
use crate::tasks::Tasks;
use crate::timestamps;

/// How long open calls may take once the node stops.
const LAST_CALLS: Duration = Duration::from_secs(2);
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
    /// The node failed.
    #[error("the node stops: {0}")]
    Fault(#[from] Fault),
    /// A thread couldn't be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
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
    RocksStore::create(&path, &loaded.genesis, &Settings::default())
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
    let tip = RocksStore::open(&path, &loaded.genesis.chain_id, &Settings::default())
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
    } = loaded;
    let chain_id = genesis.chain_id;
    let folder = DataFolder::open(&config.data)?;
    let path = folder.path().join("chain");
    let store = RocksStore::open(&path, &chain_id, &Settings::default())
        .map_err(|error| NodeError::Store { path, error })?;
    let reader = store.reader();
    let catalogue = store.catalogue();
    let writer = store.checkpoint_writer();
    let mempool = SharedMempool::new(Limits::default());
    let chain = Chain::open(chain_id, store, mempool.clone())?;
    let disk = FileDisk::new(folder);
    let signer = match validator_key {
        Some(key) => Some((key, Guard::open(disk.clone())?)),
        None => None,
    };
    let (wal, recovered) = Wal::open(disk)?;

    let peers = router::peers(&reader.snapshot())?;
    let observers = Arc::new(watch::Sender::new(router::observers(&peers)));
    let limits = network::Limits {
        gossip_message: router::MESSAGE_BYTES,
        ..network::Limits::default()
    };
    let network_config = NetworkConfig {
        listen: config.listen.clone(),
        peers,
        chain_tag: hex::encode(chain_id),
        limits,
    };
    let (network, events) = network::start(network_config, network_key.to_bytes()).await?;

    let parts = consensus::Parts {
        settings: config.consensus.settings(),
        chain,
        wal,
        recovered,
        signer,
        tag_of: router::tag_of,
    };
    let (machine, first) = Machine::open(parts, engine::now_ms())?;
    let (inbox, inputs) = engine::inbox();
    let (reports_sender, reports) = mpsc::channel(1024);
    let (failed_sender, mut failed) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("consensus".into())
        .spawn(move || {
            let result = engine::run(machine, first, inputs, reports_sender);
            // An error means that nobody waits any more.
            let _ = failed_sender.send(result);
        })
        .map_err(NodeError::Thread)?;

    let (progress_sender, progress) = watch::channel(Progress::default());
    let routes = Routes {
        chain_id,
        network: network.clone(),
        inbox,
        mempool: mempool.clone(),
        reader: reader.clone(),
        observers,
        refusals: Refusals::default(),
    };
    let (gossip_sender, gossip) = mpsc::channel(10_000);
    let (shutdown_sender, shutdown) = watch::channel(false);
    let stamping = timestamps::Parts {
        chain_id,
        schedule: authorities.schedule,
        reader: reader.clone(),
        writer,
        progress: progress.clone(),
    };
    let parts = rpc::Parts {
        chain_id,
        chain_name: genesis.document.chain.clone(),
        genesis: genesis.bytes.clone(),
        reader,
        mempool,
        gossip: gossip_sender,
        progress,
    };
    let shared = Arc::new(rpc::Shared::new(parts));
    let (address, service) = rpc::serve(config.rpc, shared.clone(), shutdown.clone())
        .await
        .map_err(|error| NodeError::Rpc {
            address: config.rpc,
            error,
        })?;
    let mut service = tokio::spawn(service);
    let mut web = tokio::spawn(serve_http(config.http, shared, catalogue, shutdown).await?);
    let mut tasks = Tasks::default();
    tasks.spawn(
        "network events",
        router::network_events(routes.clone(), events),
    );
    tasks.spawn(
        "consensus reports",
        router::consensus_reports(routes.clone(), reports, progress_sender),
    );
    tasks.spawn("gossip of what waits", router::gossip_again(routes.clone()));
    tasks.spawn("gossip", router::gossip(routes, gossip));
    for authority in authorities.authorities {
        tasks.spawn("time stamps", timestamps::run(authority, stamping.clone()));
    }
    tracing::info!(%address, chain_id = %hex::encode(chain_id), "the node runs");
    // An error means that the caller doesn't wait for it.
    let _ = ready.send(address);

    let outcome = tokio::select! {
        () = stop => Ok(()),
        result = &mut failed => Err(consensus_fault(result)),
        fault = tasks.ended() => Err(match tokio::time::timeout(LAST_WORD, &mut failed).await {
            Ok(result @ Ok(Err(_))) => consensus_fault(result),
            _ => fault,
        }),
        _ = &mut service => Err(Fault::Invariant("the gRPC service ended".into())),
        _ = &mut web => Err(Fault::Invariant("the HTTP interface ended".into())),
    };
    // Clients first, then peers, then consensus: its inboxes close with the tasks that feed it.
    shutdown_sender.send_replace(true);
    let is_served = service.is_finished();
    if !is_served && tokio::time::timeout(LAST_CALLS, service).await.is_err() {
        tracing::debug!("open calls were cut off");
    }
    let is_served = web.is_finished();
    if !is_served && tokio::time::timeout(LAST_CALLS, &mut web).await.is_err() {
        web.abort();
    }
    network.shutdown().await;
    tasks.stop().await;
    let joined = tokio::task::spawn_blocking(move || thread.join()).await;
    if !matches!(joined, Ok(Ok(()))) {
        return Err(Fault::Invariant("the consensus thread panicked".into()).into());
    }
    Ok(outcome?)
}

/// The HTTP interface where the configuration names an address for it; otherwise it never ends.
async fn serve_http(
    address: Option<SocketAddr>,
    service: Arc<rpc::Shared>,
    catalogue: EventCatalogue,
    shutdown: watch::Receiver<bool>,
) -> Result<impl Future<Output = ()>, NodeError> {
    let serving = match address {
        None => None,
        Some(address) => {
            let parts = http::Parts { service, catalogue };
            let served = http::serve(address, parts, shutdown.clone()).await;
            let (bound, serving) = served.map_err(|error| NodeError::Http { address, error })?;
            tracing::info!(address = %bound, "EPCIS over HTTP is served");
            Some(serving)
        }
    };
    Ok(async move {
        match serving {
            Some(serving) => serving.await,
            None => {
                let mut shutdown = shutdown;
                // An error means that the node is gone.
                let _ = shutdown.wait_for(|stop| *stop).await;
            }
        }
    })
}

/// The consensus thread has ended though nobody stopped the node.
fn consensus_fault(result: Result<Result<(), Fault>, oneshot::error::RecvError>) -> Fault {
    match result {
        Ok(Err(fault)) => fault,
        Ok(Ok(())) | Err(_) => Fault::Invariant("the consensus thread ended".into()),
    }
}
