//! A node's life: builds the rooms, supervises them, and shuts them down. No logic of its own.
//!
//! What stops a node is decided here: a fault of consensus or of a write; a task that ends. No question stops it,
//! whatever it meets: clients could bring that about.

mod data_folder;
mod node_error;
mod ports;
pub mod processor;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use touchstone_core::Fault;
use touchstone_edge::descriptors;
use zeroize::Zeroizing;

pub use self::data_folder::{KeyHistory, OpenedChain, initialise, open_chain, reset_guard};
pub use self::node_error::NodeError;

use crate::admin::{self, AdminParts, AdminSocket, LogFilter};
use crate::config::Loaded;
use crate::consensus::{self, Machine, ValidatorKeys};
use crate::consensus_thread;
use crate::dispatch::{self, ChainWatch, Refusals, Routes};
use crate::http;
use crate::key_tables;
use crate::network::{self, NetworkConfig, NetworkHandle};
use crate::rpc;
use crate::scans::{ScanStore, ScanTime};
use crate::service::{self, FailedAnswers, LedgerService, Progress};
use crate::storage::files::FileDisk;
use crate::storage::rocks::RocksStore;
use crate::tasks::Tasks;
use crate::timestamps;

/// How long the ports may take to end once the node stops: a little more than they give their last answers.
const LAST_CALLS: Duration = Duration::from_secs(3);
/// Files that the database keeps open, and those that the log, the guard and the runtime need besides.
const STORAGE_DESCRIPTORS: u64 = 1024 + 256;
/// How long the consensus thread's own fault is waited for where a task ended: the tasks that listen
/// to it end with it.
const LAST_WORD: Duration = Duration::from_secs(1);
/// The name of the socket's task.
const ADMIN: &str = "administration";

/// Runs a node until `stop` resolves or it fails. `ready` hears the service's address once it
/// answers.
pub async fn run(
    loaded: Loaded,
    log: LogFilter,
    stop: impl Future<Output = ()>,
    ready: oneshot::Sender<SocketAddr>,
) -> Result<(), NodeError> {
    let asked_to_stop = CancellationToken::new();
    let node = RunningNode::build(loaded, log, asked_to_stop.clone()).await?;
    // An error means that the caller doesn't wait for it.
    let _ = ready.send(node.address);
    let stop = async {
        tokio::select! {
            () = stop => {}
            () = asked_to_stop.cancelled() => {}
        }
    };
    node.supervise(stop).await
}

/// A node whose rooms are built and run.
struct RunningNode {
    /// Where the gRPC service listens.
    address: SocketAddr,
    tasks: Tasks,
    network: NetworkHandle,
    consensus: ConsensusThread,
}

/// The thread that drives consensus.
struct ConsensusThread {
    thread: std::thread::JoinHandle<()>,
    /// How it ended.
    ended: oneshot::Receiver<Result<(), Fault>>,
}

impl RunningNode {
    async fn build(
        loaded: Loaded,
        log: LogFilter,
        asked_to_stop: CancellationToken,
    ) -> Result<RunningNode, NodeError> {
        let Loaded {
            config,
            genesis,
            network_key,
            validator_key,
            next_validator_key,
            timestamps: authorities,
            access,
        } = loaded;
        let peer_limits = network::NetworkLimits {
            gossip_message: dispatch::MESSAGE_BYTES,
            ..network::NetworkLimits::default()
        };
        let needed = [
            STORAGE_DESCRIPTORS,
            ports::descriptors(&config),
            peer_limits.descriptors(),
        ];
        descriptors::reserve(needed.iter().sum())?;
        let chain_id = genesis.chain_id;
        let validator_keys = validator_key.map(ValidatorKeys::from);
        let validator_keys = validator_keys.map(|keys| keys.with_next(next_validator_key));
        let OpenedChain {
            chain,
            mempool,
            reader,
            catalogue,
            checkpoints,
            signer,
            wal,
            recovered,
        } = open_chain(&config, &chain_id, validator_keys)?;

        let ports = ports::bind(&config).await?;
        let address = ports.address;
        let folder = config.admin_folder();
        let admin =
            AdminSocket::bind(&folder).map_err(|error| NodeError::AdminSocket { folder, error })?;

        let peers = dispatch::peers(&reader.snapshot())?;
        let observers = Arc::new(watch::Sender::new(dispatch::observers(&peers)));
        let network_config = NetworkConfig {
            listen: config.listen.clone(),
            peers,
            chain_tag: hex::encode(chain_id),
            limits: peer_limits,
        };
        let seed = Zeroizing::new(network_key.to_bytes());
        let (network, events) = network::start(network_config, seed).await?;

        let settings = config.consensus.settings();
        let watch = ChainWatch::new(Duration::from_millis(settings.heartbeat_ms));
        let parts = consensus::MachineParts {
            settings,
            chain,
            wal,
            recovered,
            signer,
            tag_of: dispatch::tag_of,
            verify: key_tables::verify_vote,
        };
        let (inbox, inputs) = consensus_thread::inbox();
        let (reports_sender, reports) = mpsc::channel(1024);

        let (progress_sender, progress) = watch::channel(Progress::default());
        let failed = FailedAnswers::default();
        let routes = Routes {
            chain_id,
            network: network.clone(),
            inbox,
            mempool: mempool.clone(),
            reader: reader.clone(),
            observers,
            refusals: Refusals::default(),
            failed: failed.clone(),
        };
        let (gossip_sender, gossip) = mpsc::channel(10_000);
        let stamping = timestamps::TimestampParts {
            chain_id,
            schedule: authorities.schedule,
            reader: reader.clone(),
            writer: checkpoints,
            progress: progress.clone(),
            failed: failed.clone(),
        };
        let service = LedgerService::new(service::ServiceParts {
            chain_id,
            chain_name: genesis.document.chain.clone(),
            genesis: genesis.bytes.clone(),
            reader,
            mempool,
            gossip: gossip_sender,
            progress,
            failed,
        });
        let service = Arc::new(service.searching_within(config.limits.region_search()));
        let catalogue = Arc::new(catalogue);
        let mut tasks = Tasks::default();
        let mut grpc = Vec::new();
        for port in ports.rpc {
            let stop = tasks.stop_token();
            let served = rpc::serve(port.server, service.clone(), port.audience, stop);
            let served = served.map_err(|error| NodeError::Port {
                name: port.name,
                address,
                error,
            });
            grpc.push((port.name, served?));
        }
        let folder = config.data.join("scans");
        let time = ScanTime {
            clock_ms: consensus_thread::now_ms(),
            block_ms: routes.reader.snapshot().tip().time_ms,
        };
        let scans = config
            .scans
            .then(|| ScanStore::open(&folder, time))
            .transpose()
            .map_err(|error| NodeError::Scans { folder, error })?
            .map(Arc::new);
        // From here on the node may sign: nothing that follows can fail.
        let consensus = ConsensusThread::start(parts, inputs, reports_sender)?;

        let administrated = AdminParts {
            service: service.clone(),
            budget: ports.budget,
            log,
            asked_to_stop,
        };
        tasks.spawn(
            ADMIN,
            admin::serve(admin, administrated, tasks.stop_token()),
        );
        for (name, served) in grpc {
            tasks.spawn(name, served);
        }
        for port in ports.http {
            let address = port.server.listener.local_addr().ok();
            tracing::info!(?address, audience = ?port.audience, "HTTP is served");
            let parts = http::HttpParts {
                service: service.clone(),
                catalogue: catalogue.clone(),
                access: access.clone(),
                audience: port.audience,
                surroundings: http::app::Surroundings {
                    members: config.http_members.clone(),
                    openings: config.openings.clone(),
                },
                scans: scans.clone(),
            };
            let stop = tasks.stop_token();
            tasks.spawn(port.name, http::serve(port.server, parts, stop));
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
        Ok(RunningNode {
            address,
            tasks,
            network,
            consensus,
        })
    }

    /// Waits for `stop` or a fault, and shuts down.
    async fn supervise(mut self, stop: impl Future<Output = ()>) -> Result<(), NodeError> {
        let ended = &mut self.consensus.ended;
        let outcome = tokio::select! {
            () = stop => Ok(()),
            result = &mut *ended => Err(consensus_fault(result)),
            // Tasks end with the consensus thread that they listen to: its own fault is the cause.
            fault = self.tasks.ended() => Err(match tokio::time::timeout(LAST_WORD, ended).await {
                Ok(result @ Ok(Err(_))) => consensus_fault(result),
                _ => fault,
            }),
        };
        // Clients first, then peers, then consensus: its inboxes close with the tasks that feed it.
        let last: Vec<&str> = ports::NAMES.into_iter().chain([ADMIN]).collect();
        self.tasks.finish(&last, LAST_CALLS).await;
        self.network.shutdown().await;
        self.tasks.abort().await;
        let thread = self.consensus.thread;
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            return Err(Fault::Invariant("the consensus thread panicked".into()).into());
        }
        Ok(last_word(outcome, &mut self.consensus.ended)?)
    }
}

impl ConsensusThread {
    fn start(
        parts: consensus::MachineParts<RocksStore, FileDisk>,
        inputs: consensus_thread::Inputs,
        reports: mpsc::Sender<consensus_thread::ConsensusReport>,
    ) -> Result<ConsensusThread, NodeError> {
        let (machine, first) = Machine::open(parts, consensus_thread::now_ms())?;
        let (sender, ended) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("consensus".into())
            .spawn(move || {
                let result = consensus_thread::run(machine, first, inputs, reports);
                // An error means that nobody waits any more.
                let _ = sender.send(result);
            })
            .map_err(NodeError::Thread)?;
        Ok(ConsensusThread { thread, ended })
    }
}

/// How a node ended whose consensus thread is done: one that was asked to stop may meet a fault in its last step.
fn last_word(
    outcome: Result<(), Fault>,
    ended: &mut oneshot::Receiver<Result<(), Fault>>,
) -> Result<(), Fault> {
    outcome?;
    // What was heard already, as nobody asked it to stop, is the outcome.
    ended.try_recv().unwrap_or(Ok(()))
}

/// The consensus thread has ended though nobody stopped the node.
fn consensus_fault(result: Result<Result<(), Fault>, oneshot::error::RecvError>) -> Fault {
    match result {
        Ok(Err(fault)) => fault,
        Ok(Ok(())) | Err(_) => Fault::Invariant("the consensus thread ended".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node whose start fails has signed nothing, so that its operator may start another one.
    #[test]
    fn no_step_that_can_fail_follows_the_start_of_consensus() {
        let source = include_str!("lifecycle.rs");
        let (_, build) = source.split_once("async fn build(").unwrap();
        let (build, _) = build.split_once("async fn supervise(").unwrap();
        let (_, after) = build.split_once("ConsensusThread::start(").unwrap();
        // Its own line may fail, and a field that is logged has a question mark.
        let mut lines = after.lines().skip(1);
        let failing = lines.find(|line| line.contains('?') && !line.contains("tracing::"));
        assert_eq!(failing, None);
    }

    #[test]
    fn a_fault_while_the_node_stops_is_no_success() {
        let heard = |outcome, word| {
            let (sender, mut ended) = oneshot::channel();
            let _ = sender.send(word);
            last_word(outcome, &mut ended)
        };
        let disk = || Err(Fault::Storage("the disk is full".into()));
        let task = || Err(Fault::Invariant("the task of gossip ended".into()));
        assert_eq!(heard(Ok(()), Ok(())), Ok(()));
        assert_eq!(heard(Ok(()), disk()), disk());
        // What stopped the node is told.
        assert_eq!(heard(task(), disk()), task());
    }
}
