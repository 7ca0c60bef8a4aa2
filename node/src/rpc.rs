//! gRPC over the service: each call is one question, and one mapping turns the service's errors into status codes.
//! A port for everybody answers the calls of `public` alone.

mod public;
mod status;

use std::sync::Arc;
use std::time::Duration;

use axum::middleware;
use prost::Message;
use tokio::sync::watch;
use tokio_stream::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use touchstone_edge::Caller;
use touchstone_edge::body::{ReceivedBytes, Weight};
use touchstone_edge::server::{self, Server};
use touchstone_proto::node as wire;
use touchstone_proto::node::ledger_server::{Ledger, LedgerServer};

use crate::service::{
    Audience, LedgerService, Progress, ProvenState, ServiceError, blocks, evidence, items,
    log_page, questions, state_query, status as node_status, submission, trace, transaction_status,
};

/// Bytes of a request: an envelope at its largest, and some room.
const MAX_REQUEST_BYTES: usize = 5 << 20;
/// How often health is looked at: as often as whether the chain moves is.
const HEALTH: Duration = Duration::from_secs(1);
/// Bytes of a reply: a block at its largest, and some room.
const MAX_REPLY_BYTES: usize = 64 << 20;

#[derive(Clone)]
pub(crate) struct Ledgers {
    pub(crate) service: Arc<LedgerService>,
    pub(crate) audience: Audience,
    stop: CancellationToken,
}

/// Serves until `stop`, and until the calls under way have had their time.
pub fn serve(
    server: Server,
    service: Arc<LedgerService>,
    audience: Audience,
    stop: CancellationToken,
) -> std::io::Result<impl Future<Output = ()>> {
    let progress = service.parts.progress.clone();
    let ledgers = Ledgers {
        service,
        audience,
        stop: stop.clone(),
    };
    let ledger = LedgerServer::new(ledgers)
        .max_decoding_message_size(MAX_REQUEST_BYTES)
        .max_encoding_message_size(MAX_REPLY_BYTES);
    let (health, health_service) = tonic_health::server::health_reporter();
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(touchstone_proto::DESCRIPTORS)
        .build_v1()
        .map_err(std::io::Error::other)?;
    let routes = Routes::new(health_service)
        .add_service(reflection)
        .add_service(ledger);
    let router = routes.prepare().into_axum_router();
    let router = match audience {
        Audience::Members => router,
        Audience::Everybody => router.layer(middleware::from_fn(public::only)),
    };
    Ok(async move {
        tokio::select! {
            () = server::serve(server, router, status::refusal, stop) => {}
            () = tell_health(health, progress) => {}
        }
    })
}

/// Health by gRPC's own protocol: serving while the chain moves. It is looked at now and then: to be woken by each
/// block would cost more than all that is told.
async fn tell_health(health: HealthReporter, progress: watch::Receiver<Progress>) {
    let mut told = None;
    let mut ticks = tokio::time::interval(HEALTH);
    loop {
        ticks.tick().await;
        let serving = match progress.borrow().halt {
            None => ServingStatus::Serving,
            Some(_) => ServingStatus::NotServing,
        };
        if told.replace(serving) == Some(serving) {
            continue;
        }
        for name in ["", touchstone_proto::node::ledger_server::SERVICE_NAME] {
            health.set_service_status(name, serving).await;
        }
    }
}

/// An answer with what it weighs, which the port charges to its client.
fn weighed<T: Message>(answer: T) -> Response<T> {
    let weight = Weight(answer.encoded_len());
    let mut response = Response::new(answer);
    response.extensions_mut().insert(weight);
    response
}

impl Ledgers {
    /// Asks a question of one snapshot.
    async fn read<T: Message + 'static>(
        &self,
        client: Caller,
        question: impl FnOnce(&ProvenState<'_>) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<Response<T>, Status> {
        let answer = self.service.read(client, question).await;
        answer.map(weighed).map_err(status::of)
    }

    /// The same for what may take long.
    async fn read_long<T: Message + 'static>(
        &self,
        client: Caller,
        question: impl FnOnce(&ProvenState<'_>) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<Response<T>, Status> {
        let answer = self.service.read_long(client, question).await;
        answer.map(weighed).map_err(status::of)
    }
}

/// Who asks on a stream, and what. Each request that is read gives the client's port its bytes back; a broken one ends
/// the stream.
fn received<T: Send + 'static>(
    request: Request<Streaming<T>>,
) -> (Caller, impl Stream<Item = T> + Send + Unpin + 'static) {
    let client = Caller::of(request.extensions());
    let received = ReceivedBytes::of(request.extensions());
    let requests = request.into_inner().map_while(Result::ok);
    let requests = requests.map(move |request| {
        received.taken();
        request
    });
    (client, Box::pin(requests))
}

/// A stream that says, where it ends as the port closes, that the node stops.
fn told_of_stop<T: Send + 'static>(
    stream: impl Stream<Item = Result<T, ServiceError>> + Send + 'static,
    stop: CancellationToken,
) -> impl Stream<Item = Result<T, ServiceError>> + Send + 'static {
    let word = async move { stop.is_cancelled().then_some(Err(ServiceError::Stopping)) };
    stream.chain(futures::stream::once(word).filter_map(|word| word))
}

/// A stream's items as gRPC has them.
fn statuses<T: Send + 'static>(
    stream: impl Stream<Item = Result<T, ServiceError>> + Send + 'static,
) -> Replies<T> {
    Box::pin(stream.map(|item| item.map_err(status::of)))
}

type Replies<T> = std::pin::Pin<Box<dyn Stream<Item = Result<T, Status>> + Send + 'static>>;

#[tonic::async_trait]
impl Ledger for Ledgers {
    async fn submit(
        &self,
        request: Request<wire::SubmitRequest>,
    ) -> Result<Response<wire::TransactionStatus>, Status> {
        let client = Caller::of(request.extensions());
        let answer = submission::submit(&self.service, client, request.into_inner()).await;
        answer.map(weighed).map_err(status::of)
    }

    type SubmitManyStream = Replies<wire::TransactionStatus>;

    async fn submit_many(
        &self,
        request: Request<Streaming<wire::SubmitRequest>>,
    ) -> Result<Response<Self::SubmitManyStream>, Status> {
        let (client, requests) = received(request);
        // Nothing more is taken in once the port closes. What is open is answered, as long as the port has time.
        let closed = self.stop.clone().cancelled_owned();
        let requests = Box::pin(futures::StreamExt::take_until(requests, closed));
        let answers = submission::submit_many(self.service.clone(), client, requests);
        answers
            .map(|a| Response::new(statuses(told_of_stop(a, self.stop.clone()))))
            .map_err(status::of)
    }

    async fn get_transaction(
        &self,
        request: Request<wire::GetTransactionRequest>,
    ) -> Result<Response<wire::TransactionStatus>, Status> {
        let client = Caller::of(request.extensions());
        let request = request.into_inner();
        let known =
            transaction_status::known(&self.service.parts, &request.id).map_err(status::of)?;
        let proof = request.with_proof;
        self.read(client, move |view| {
            transaction_status::transaction(view, &request.id, known, proof)
        })
        .await
    }

    async fn get_item(
        &self,
        request: Request<wire::GetItemRequest>,
    ) -> Result<Response<wire::ItemReply>, Status> {
        let client = Caller::of(request.extensions());
        let request = request.into_inner();
        let answer = log_page::ask_item(&self.service, client, request, log_page::item).await;
        answer.map(weighed).map_err(status::of)
    }

    type AskItemsStream = Replies<wire::ItemReply>;

    async fn ask_items(
        &self,
        request: Request<Streaming<wire::GetItemRequest>>,
    ) -> Result<Response<Self::AskItemsStream>, Status> {
        let (client, requests) = received(request);
        let (service, stop) = (self.service.clone(), self.stop.clone());
        let answers = questions::answers(service, client, requests, stop);
        answers
            .map(|a| Response::new(statuses(a)))
            .map_err(status::of)
    }

    async fn get_items(
        &self,
        request: Request<wire::GetItemsRequest>,
    ) -> Result<Response<wire::ItemsReply>, Status> {
        let client = Caller::of(request.extensions());
        let request = request.into_inner();
        self.read(client, move |view| items::items(view, &request))
            .await
    }

    async fn get_design(
        &self,
        request: Request<wire::GetDesignRequest>,
    ) -> Result<Response<wire::DesignReply>, Status> {
        let client = Caller::of(request.extensions());
        let id = request.into_inner().id;
        self.read(client, move |view| state_query::design(view, &id))
            .await
    }

    async fn get_designs_by_file(
        &self,
        request: Request<wire::GetDesignsByFileRequest>,
    ) -> Result<Response<wire::DesignsByFileReply>, Status> {
        let client = Caller::of(request.extensions());
        let request = request.into_inner();
        self.read(client, move |view| {
            log_page::designs_by_file(view, &request)
        })
        .await
    }

    async fn get_organisation(
        &self,
        request: Request<wire::GetOrganisationRequest>,
    ) -> Result<Response<wire::StateReply>, Status> {
        let client = Caller::of(request.extensions());
        let id = request.into_inner().id;
        self.read(client, move |view| state_query::organisation(view, &id))
            .await
    }

    async fn get_change(
        &self,
        request: Request<wire::GetChangeRequest>,
    ) -> Result<Response<wire::StateReply>, Status> {
        let client = Caller::of(request.extensions());
        let id = request.into_inner().id;
        self.read(client, move |view| state_query::change(view, &id))
            .await
    }

    async fn get_record(
        &self,
        request: Request<wire::GetRecordRequest>,
    ) -> Result<Response<wire::StateReply>, Status> {
        let client = Caller::of(request.extensions());
        let key = request.into_inner().key;
        self.read(client, move |view| state_query::record(view, &key))
            .await
    }

    async fn compare_picture(
        &self,
        request: Request<wire::ComparePictureRequest>,
    ) -> Result<Response<wire::ComparePictureReply>, Status> {
        let client = Caller::of(request.extensions());
        let request = request.into_inner();
        self.read_long(client, move |view| {
            state_query::compare_picture(view, &request)
        })
        .await
    }

    async fn find_regions(
        &self,
        request: Request<wire::FindRegionsRequest>,
    ) -> Result<Response<wire::FindRegionsReply>, Status> {
        let client = Caller::of(request.extensions());
        let request = request.into_inner();
        let service = self.service.clone();
        self.read_long(client, move |view| service.regions.find(view, &request))
            .await
    }

    async fn get_authorisation(
        &self,
        request: Request<wire::GetAuthorisationRequest>,
    ) -> Result<Response<wire::AuthorisationReply>, Status> {
        let client = Caller::of(request.extensions());
        let request = request.into_inner();
        self.read(client, move |view| {
            state_query::authorisation(view, request)
        })
        .await
    }

    async fn list_organisations(
        &self,
        request: Request<wire::ListOrganisationsRequest>,
    ) -> Result<Response<wire::ListOrganisationsReply>, Status> {
        self.read(Caller::of(request.extensions()), state_query::organisations)
            .await
    }

    async fn get_validators(
        &self,
        request: Request<wire::GetValidatorsRequest>,
    ) -> Result<Response<wire::ValidatorsReply>, Status> {
        self.read(Caller::of(request.extensions()), state_query::validators)
            .await
    }

    async fn get_block(
        &self,
        request: Request<wire::GetBlockRequest>,
    ) -> Result<Response<wire::BlockReply>, Status> {
        let client = Caller::of(request.extensions());
        let request = request.into_inner();
        if self.audience == Audience::Everybody && request.with_transactions {
            return Err(public::refusal("a block's transactions"));
        }
        let is_whole = request.with_transactions;
        let question = move |view: &ProvenState<'_>| blocks::get(view, &request);
        match is_whole {
            true => self.read_long(client, question).await,
            false => self.read(client, question).await,
        }
    }

    type SubscribeBlocksStream = Replies<wire::BlockReply>;

    async fn subscribe_blocks(
        &self,
        request: Request<wire::SubscribeBlocksRequest>,
    ) -> Result<Response<Self::SubscribeBlocksStream>, Status> {
        let client = Caller::of(request.extensions());
        let blocks = blocks::subscribe(self.service.clone(), client, request.into_inner());
        let blocks = blocks.map_err(status::of)?;
        let closed = self.stop.clone().cancelled_owned();
        let blocks = futures::StreamExt::take_until(blocks, closed);
        Ok(Response::new(statuses(told_of_stop(
            blocks,
            self.stop.clone(),
        ))))
    }

    async fn get_validator_set_changes(
        &self,
        request: Request<wire::GetValidatorSetChangesRequest>,
    ) -> Result<Response<wire::ValidatorSetChangesReply>, Status> {
        let client = Caller::of(request.extensions());
        let from = request.into_inner().from_height;
        self.read(client, move |view| {
            state_query::validator_set_changes(view, from)
        })
        .await
    }

    type GetEvidenceStream = Replies<wire::EvidencePiece>;

    async fn get_evidence(
        &self,
        request: Request<wire::GetEvidenceRequest>,
    ) -> Result<Response<Self::GetEvidenceStream>, Status> {
        let client = Caller::of(request.extensions());
        let request = request.into_inner();
        let service = self.service.clone();
        let genesis = move || service.parts.genesis.clone();
        let question = move |view: &ProvenState<'_>| evidence::file(view, &genesis(), &request);
        let file = self.service.read_long(client, question).await;
        let file = file.map_err(status::of)?;
        let weight = Weight(file.len());
        let mut response = Response::new(statuses(evidence::pieces(file).map(Ok)));
        response.extensions_mut().insert(weight);
        Ok(response)
    }

    type TraceStream = Replies<wire::TraceReply>;

    async fn trace(
        &self,
        request: Request<wire::TraceRequest>,
    ) -> Result<Response<Self::TraceStream>, Status> {
        let client = Caller::of(request.extensions());
        let replies = trace::stream(self.service.clone(), client, request.into_inner());
        replies
            .map(|r| Response::new(statuses(r)))
            .map_err(status::of)
    }

    async fn get_misbehaviour(
        &self,
        request: Request<wire::GetMisbehaviourRequest>,
    ) -> Result<Response<wire::MisbehaviourReply>, Status> {
        self.read(Caller::of(request.extensions()), state_query::misbehaviour)
            .await
    }

    async fn list_checkpoints(
        &self,
        request: Request<wire::ListCheckpointsRequest>,
    ) -> Result<Response<wire::ListCheckpointsReply>, Status> {
        let client = Caller::of(request.extensions());
        let request = request.into_inner();
        self.read(client, move |view| state_query::checkpoints(view, &request))
            .await
    }

    async fn get_status(
        &self,
        request: Request<wire::GetStatusRequest>,
    ) -> Result<Response<wire::NodeStatus>, Status> {
        let client = Caller::of(request.extensions());
        let service = self.service.clone();
        let question =
            move |view: &ProvenState<'_>| Ok(node_status::status(&service, view.snapshot.tip()));
        self.read(client, question).await
    }
}

#[cfg(test)]
mod tests;
