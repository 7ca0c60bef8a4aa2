//! The gRPC service: submitting, following and querying. Every answer about the state is read
//! from one snapshot, carries its certified header and proof, and is verified here before it is
//! sent: a node never gives an answer that its own clients would refuse.

mod blocks;
mod evidence;
pub(crate) mod gates;
pub(crate) mod page;
pub(crate) mod query;
pub(crate) mod refusal;
pub(crate) mod submit;
pub(crate) mod trace;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};
use touchstone_core::hash::Hash;
use touchstone_proto::node as wire;
use touchstone_proto::node::ledger_server::{Ledger, LedgerServer};

use crate::mempool::SharedMempool;
use crate::storage::rocks::Reader;
use gates::Gates;
use view::Known;
pub(crate) use view::View;

/// How long a unary call may take, waiting for a commit included.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a reader of a trace may sleep before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Calls at once on one connection.
const STREAMS_PER_CONNECTION: u32 = 256;
/// Bytes of a request: an envelope at its largest, and some room.
const MAX_REQUEST_BYTES: usize = 5 << 20;
/// Bytes of a reply: a page of large events.
const MAX_REPLY_BYTES: usize = 64 << 20;

/// What the service tells of the node's progress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Height of the last block committed.
    pub height: u64,
    /// Round of the height under way.
    pub round: u32,
    /// Whether this node votes.
    pub validator: bool,
    /// Whether peers are known to be ahead.
    pub syncing: bool,
    /// Network identities of connected peers.
    pub peers: Vec<String>,
}

/// What the service works with.
pub struct Parts {
    /// The chain.
    pub chain_id: Hash,
    /// Its name.
    pub chain_name: String,
    /// Exact bytes of its genesis document.
    pub genesis: Vec<u8>,
    /// The store's reading side.
    pub reader: Reader,
    /// The pool.
    pub mempool: SharedMempool,
    /// Envelopes taken in here, to be told to the peers.
    pub gossip: mpsc::Sender<Vec<u8>>,
    /// The node's progress.
    pub progress: watch::Receiver<Progress>,
}

#[derive(Clone)]
struct Service {
    shared: Arc<Shared>,
}

/// What all calls share: those over gRPC, and those over HTTP.
pub struct Shared {
    pub(crate) parts: Parts,
    pub(crate) gates: Gates,
    known: Known,
}

/// Serves until `shutdown` changes to true. The address is bound before this returns.
pub async fn serve(
    address: SocketAddr,
    shared: Arc<Shared>,
    mut shutdown: watch::Receiver<bool>,
) -> std::io::Result<(
    SocketAddr,
    impl Future<Output = Result<(), tonic::transport::Error>>,
)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let service = Service { shared };
    let ledger = LedgerServer::new(service)
        .max_decoding_message_size(MAX_REQUEST_BYTES)
        .max_encoding_message_size(MAX_REPLY_BYTES);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<LedgerServer<Service>>().await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(touchstone_proto::DESCRIPTORS)
        .build_v1()
        .map_err(std::io::Error::other)?;
    let server = tonic::transport::Server::builder()
        .timeout(CALL_TIMEOUT)
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .concurrency_limit_per_connection(STREAMS_PER_CONNECTION as usize)
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .add_service(health_service)
        .add_service(reflection)
        .add_service(ledger);
    // The builder's own setting doesn't reach a listener that is given; without it, each answer of more
    // than one segment waits for the reader's delayed acknowledgement, some 40 ms.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let serving = server.serve_with_incoming_shutdown(incoming, async move {
        // An error means that the node is gone: stop as well.
        let _ = shutdown.wait_for(|stop| *stop).await;
    });
    Ok((bound, serving))
}

impl Shared {
    /// With limits of its own.
    pub fn new(parts: Parts) -> Shared {
        Shared {
            parts,
            gates: Gates::default(),
            known: Known::default(),
        }
    }

    pub(crate) fn view(&self) -> View<'_> {
        View::new(&self.parts.reader, self.parts.chain_id, &self.known)
    }
}

impl Service {
    /// Runs a query on one snapshot, off the network's threads.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&View<'_>) -> Result<T, Status> + Send + 'static,
    ) -> Result<Response<T>, Status> {
        let shared = self.shared.clone();
        let work = move || query(&shared.view());
        self.shared.gates.reads.run(work).await.map(Response::new)
    }
}

#[tonic::async_trait]
impl Ledger for Service {
    async fn submit(
        &self,
        request: Request<wire::SubmitRequest>,
    ) -> Result<Response<wire::TransactionStatus>, Status> {
        submit::submit(&self.shared, request.into_inner())
            .await
            .map(Response::new)
    }

    type SubmitManyStream = submit::StatusStream;

    async fn submit_many(
        &self,
        request: Request<Streaming<wire::SubmitRequest>>,
    ) -> Result<Response<Self::SubmitManyStream>, Status> {
        submit::submit_many(self.shared.clone(), request.into_inner()).map(Response::new)
    }

    async fn get_transaction(
        &self,
        request: Request<wire::GetTransactionRequest>,
    ) -> Result<Response<wire::TransactionStatus>, Status> {
        let request = request.into_inner();
        let known = submit::known(&self.shared.parts, &request.id)?;
        let proof = request.with_proof;
        self.read(move |view| query::transaction(view, &request.id, known, proof))
            .await
    }

    async fn get_item(
        &self,
        request: Request<wire::GetItemRequest>,
    ) -> Result<Response<wire::ItemReply>, Status> {
        let request = request.into_inner();
        self.read(move |view| page::item(view, &request)).await
    }

    async fn get_design(
        &self,
        request: Request<wire::GetDesignRequest>,
    ) -> Result<Response<wire::DesignReply>, Status> {
        let id = request.into_inner().id;
        self.read(move |view| query::design(view, &id)).await
    }

    async fn get_designs_by_file(
        &self,
        request: Request<wire::GetDesignsByFileRequest>,
    ) -> Result<Response<wire::DesignsByFileReply>, Status> {
        let request = request.into_inner();
        self.read(move |view| page::designs_by_file(view, &request))
            .await
    }

    async fn get_organisation(
        &self,
        request: Request<wire::GetOrganisationRequest>,
    ) -> Result<Response<wire::StateReply>, Status> {
        let id = request.into_inner().id;
        self.read(move |view| query::organisation(view, &id)).await
    }

    async fn get_change(
        &self,
        request: Request<wire::GetChangeRequest>,
    ) -> Result<Response<wire::StateReply>, Status> {
        let id = request.into_inner().id;
        self.read(move |view| query::change(view, &id)).await
    }

    async fn get_record(
        &self,
        request: Request<wire::GetRecordRequest>,
    ) -> Result<Response<wire::StateReply>, Status> {
        let key = request.into_inner().key;
        self.read(move |view| query::record(view, &key)).await
    }

    async fn list_organisations(
        &self,
        _: Request<wire::ListOrganisationsRequest>,
    ) -> Result<Response<wire::ListOrganisationsReply>, Status> {
        self.read(query::organisations).await
    }

    async fn get_validators(
        &self,
        _: Request<wire::GetValidatorsRequest>,
    ) -> Result<Response<wire::ValidatorsReply>, Status> {
        self.read(query::validators).await
    }

    async fn get_block(
        &self,
        request: Request<wire::GetBlockRequest>,
    ) -> Result<Response<wire::BlockReply>, Status> {
        let request = request.into_inner();
        self.read(move |view| blocks::get(view, &request)).await
    }

    type SubscribeBlocksStream = blocks::BlockStream;

    async fn subscribe_blocks(
        &self,
        request: Request<wire::SubscribeBlocksRequest>,
    ) -> Result<Response<Self::SubscribeBlocksStream>, Status> {
        blocks::subscribe(self.shared.clone(), request.into_inner()).map(Response::new)
    }

    async fn get_handovers(
        &self,
        request: Request<wire::GetHandoversRequest>,
    ) -> Result<Response<wire::HandoversReply>, Status> {
        let from = request.into_inner().from_height;
        self.read(move |view| query::handovers(view, from)).await
    }

    type GetEvidenceStream = evidence::Pieces;

    async fn get_evidence(
        &self,
        request: Request<wire::GetEvidenceRequest>,
    ) -> Result<Response<Self::GetEvidenceStream>, Status> {
        let request = request.into_inner();
        let shared = self.shared.clone();
        let file = self
            .read(move |view| {
                let parts = &shared.parts;
                evidence::file(&view.snapshot, parts.chain_id, &parts.genesis, &request)
            })
            .await?;
        Ok(file.map(|bytes| evidence::pieces(&bytes)))
    }

    type TraceStream = ReceiverStream<Result<wire::TraceReply, Status>>;

    async fn trace(
        &self,
        request: Request<wire::TraceRequest>,
    ) -> Result<Response<Self::TraceStream>, Status> {
        let seat = self.shared.gates.traces.take()?;
        let request = request.into_inner();
        let shared = self.shared.clone();
        let (replies, stream) = mpsc::channel(4);
        tokio::spawn(async move {
            let _seat = seat;
            let walking = shared.clone();
            let found = replies.clone();
            let runtime = tokio::runtime::Handle::current();
            let walk = move || {
                trace::walk(&walking.view(), &request, |reply| {
                    let sent = found.send(Ok(reply));
                    let sent =
                        runtime.block_on(async { tokio::time::timeout(PATIENCE, sent).await });
                    matches!(sent, Ok(Ok(())))
                })
            };
            if let Err(status) = shared.gates.walks.run_in_turn(walk).await {
                // An error means that the client has gone.
                let _ = replies.send(Err(status)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn get_misbehaviour(
        &self,
        _: Request<wire::GetMisbehaviourRequest>,
    ) -> Result<Response<wire::MisbehaviourReply>, Status> {
        self.read(query::misbehaviour).await
    }

    async fn list_checkpoints(
        &self,
        request: Request<wire::ListCheckpointsRequest>,
    ) -> Result<Response<wire::ListCheckpointsReply>, Status> {
        let request = request.into_inner();
        self.read(move |view| query::checkpoints(view, &request))
            .await
    }

    async fn get_status(
        &self,
        _: Request<wire::GetStatusRequest>,
    ) -> Result<Response<wire::NodeStatus>, Status> {
        let shared = self.shared.clone();
        self.read(move |view| {
            let parts = &shared.parts;
            let progress = parts.progress.borrow().clone();
            let tip = view.snapshot.tip();
            let (pending, _) = parts.mempool.size();
            Ok(wire::NodeStatus {
                chain_id: parts.chain_id.to_vec(),
                chain_name: parts.chain_name.clone(),
                height: tip.height,
                block_id: tip.block_id.to_vec(),
                time_ms: tip.time_ms,
                round: progress.round,
                pending_transactions: u32::try_from(pending).unwrap_or(u32::MAX),
                connected_peers: progress.peers,
                validator: progress.validator,
                syncing: progress.syncing,
                version: env!("CARGO_PKG_VERSION").to_owned(),
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests;
