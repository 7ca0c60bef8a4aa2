//! The adapter over a real socket: calls, errors and health as a client of gRPC sees them.

use std::net::Ipv4Addr;

use tokio::net::TcpListener;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::health_check_response::ServingStatus as Serving;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use touchstone_edge::Protocol;
use touchstone_edge::budget::{self, Budget};
use touchstone_edge::server::PortLimits;
use touchstone_proto::node::ledger_client::LedgerClient;

use super::*;
use crate::service::Halt;
use crate::service::tests::{Served, served};

/// A service at a port, and a channel to it.
async fn serving(served: &Served, audience: Audience) -> (Channel, CancellationToken) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server {
        listener,
        protocol: Protocol::Http2,
        limits: PortLimits::default(),
        budget: Budget::new(budget::ByteLimits::default()),
        tls: None,
    };
    let stop = CancellationToken::new();
    let serving = serve(server, served.service.clone(), audience, stop.clone()).unwrap();
    tokio::spawn(serving);
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    (endpoint.connect().await.unwrap(), stop)
}

async fn health(channel: &Channel) -> Serving {
    let mut client = HealthClient::new(channel.clone());
    let asked = client.check(HealthCheckRequest::default()).await;
    let HealthCheckResponse { status } = asked.unwrap().into_inner();
    Serving::try_from(status).unwrap()
}

#[tokio::test]
async fn questions_are_answered_and_refused_in_grpcs_words() {
    let mut served = served();
    served.grow(2);
    let (channel, stop) = serving(&served, Audience::Members).await;
    let mut client = LedgerClient::new(channel);
    let status = client.get_status(wire::GetStatusRequest {}).await.unwrap();
    let status = status.into_inner();
    assert_eq!((status.height, status.halt), (2, None));
    let block = |height| wire::GetBlockRequest {
        block: Some(wire::get_block_request::Block::Height(height)),
        with_transactions: true,
        with_proof: true,
    };
    let found = client.get_block(block(1)).await.unwrap().into_inner();
    assert!(found.header.is_some() && found.proof.is_some());
    let missing = client.get_block(block(9)).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    let request = wire::GetDesignRequest { id: vec![1] };
    let malformed = client.get_design(request).await.unwrap_err();
    assert_eq!(malformed.code(), Code::InvalidArgument);

    let request = wire::SubscribeBlocksRequest {
        from_height: 1,
        with_transactions: false,
    };
    let blocks = client.subscribe_blocks(request).await.unwrap();
    let mut blocks = blocks.into_inner();
    for _ in 0..2 {
        assert!(blocks.message().await.unwrap().is_some());
    }
    stop.cancel();
}

#[tokio::test]
async fn a_halted_chain_is_not_serving_and_says_why() {
    let mut served = served();
    served.grow(2);
    let (channel, stop) = serving(&served, Audience::Members).await;
    assert_eq!(health(&channel).await, Serving::Serving);
    let halt = Halt {
        since_s: 90,
        height: 3,
        round: 8,
        missing: vec!["court".into()],
        muted_until: None,
        is_unconfirmed: false,
        clock_offset_ms: None,
    };
    served.progress.send_modify(|p| p.halt = Some(halt));
    while health(&channel).await != Serving::NotServing {
        tokio::task::yield_now().await;
    }
    let mut client = LedgerClient::new(channel.clone());
    let status = client.get_status(wire::GetStatusRequest {}).await.unwrap();
    let told = status.into_inner().halt.unwrap();
    assert_eq!(
        (told.height, told.round, told.missing),
        (3, 8, vec!["court".to_owned()])
    );
    assert!(
        told.explanation.contains("docs/operating.md"),
        "{}",
        told.explanation
    );
    served.progress.send_modify(|p| p.halt = None);
    while health(&channel).await != Serving::Serving {
        tokio::task::yield_now().await;
    }
    stop.cancel();
}

/// They would hold up a port that closes, and break off without a word.
#[tokio::test]
async fn streams_on_which_nothing_comes_are_told_that_the_node_stops() {
    let mut served = served();
    served.grow(2);
    let (channel, stop) = serving(&served, Audience::Members).await;
    let mut client = LedgerClient::new(channel);
    let request = wire::SubscribeBlocksRequest {
        from_height: 9,
        with_transactions: false,
    };
    let blocks = client.subscribe_blocks(request).await.unwrap();
    let outcomes = client.submit_many(tokio_stream::pending()).await.unwrap();
    let answers = client.ask_items(tokio_stream::pending()).await.unwrap();
    stop.cancel();
    let ended = [
        blocks.into_inner().message().await.unwrap_err(),
        outcomes.into_inner().message().await.unwrap_err(),
        answers.into_inner().message().await.unwrap_err(),
    ];
    let words = ServiceError::Stopping.to_string();
    for status in ended {
        assert_eq!(status.code(), Code::Unavailable, "{status}");
        assert_eq!(status.message(), words);
    }
}

/// Whether a call was let through to be answered.
fn is_open<T>(answer: Result<T, Status>) -> bool {
    !answer.is_err_and(|status| status.code() == Code::PermissionDenied)
}

#[tokio::test]
async fn everybody_is_answered_about_one_exact_thing_and_nothing_else() {
    let mut served = served();
    served.grow(2);
    let (channel, stop) = serving(&served, Audience::Everybody).await;
    assert_eq!(health(&channel).await, Serving::Serving);
    let mut client = LedgerClient::new(channel);
    let block = |with_transactions| wire::GetBlockRequest {
        block: Some(wire::get_block_request::Block::Height(1)),
        with_transactions,
        with_proof: true,
    };
    let found = client.get_block(block(false)).await.unwrap().into_inner();
    assert!(found.header.is_some() && found.transactions.is_empty());
    let item = wire::GetItemRequest {
        id: "https://id.gs1.org/00/095212340000000150".into(),
        ..Default::default()
    };
    let open = [
        is_open(client.get_item(item).await),
        is_open(client.get_design(wire::GetDesignRequest::default()).await),
        is_open(
            client
                .get_designs_by_file(wire::GetDesignsByFileRequest::default())
                .await,
        ),
        is_open(
            client
                .get_evidence(wire::GetEvidenceRequest::default())
                .await,
        ),
        is_open(client.get_validators(wire::GetValidatorsRequest {}).await),
        is_open(
            client
                .get_validator_set_changes(wire::GetValidatorSetChangesRequest { from_height: 0 })
                .await,
        ),
    ];
    assert_eq!(open, [true; 6]);
    let shut = [
        is_open(client.get_block(block(true)).await),
        is_open(
            client
                .list_organisations(wire::ListOrganisationsRequest {})
                .await,
        ),
        is_open(
            client
                .subscribe_blocks(wire::SubscribeBlocksRequest::default())
                .await,
        ),
        is_open(client.get_items(wire::GetItemsRequest::default()).await),
        is_open(client.ask_items(tokio_stream::empty()).await),
        is_open(client.trace(wire::TraceRequest::default()).await),
        is_open(client.submit(wire::SubmitRequest::default()).await),
        is_open(client.submit_many(tokio_stream::empty()).await),
        is_open(
            client
                .get_transaction(wire::GetTransactionRequest::default())
                .await,
        ),
        is_open(
            client
                .compare_picture(wire::ComparePictureRequest::default())
                .await,
        ),
        is_open(
            client
                .find_regions(wire::FindRegionsRequest::default())
                .await,
        ),
        is_open(client.get_change(wire::GetChangeRequest::default()).await),
        is_open(client.get_status(wire::GetStatusRequest {}).await),
    ];
    assert_eq!(shut, [false; 13]);
    stop.cancel();
}
