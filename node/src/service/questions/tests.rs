use futures::FutureExt;
use tokio_stream::StreamExt;
use touchstone_core::state::keys;

use super::*;
use crate::service::limits::StreamPermits;
use crate::service::tests::{Served, served};

const ITEM: &str = "https://id.gs1.org/01/09521321000018/21/1";

fn question(from: u64) -> wire::GetItemRequest {
    wire::GetItemRequest {
        id: ITEM.into(),
        from,
        limit: 0,
    }
}

fn client(connection: u64) -> Caller {
    Caller {
        connection,
        ..Caller::OWN
    }
}

/// A port that stays open.
fn open() -> CancellationToken {
    CancellationToken::new()
}

/// What is answered on a stream until it ends.
async fn told(
    served: &Served,
    requests: Vec<wire::GetItemRequest>,
) -> Vec<Result<wire::ItemReply, ServiceError>> {
    let requests = tokio_stream::iter(requests);
    let answers = answers(served.service.clone(), client(1), requests, open()).unwrap();
    answers.collect().await
}

#[tokio::test]
async fn answers_come_in_turn_and_are_those_of_calls() {
    let mut served = served();
    served.grow(2);
    let events = [vec![b"a".to_vec(), b"b".to_vec()], vec![b"c".to_vec()]];
    served.link(&keys::item(ITEM), &events);
    let places = [0, 2, 3, 0];
    let told = told(&served, places.map(question).to_vec()).await;
    let called = places.map(|from| log_page::item(&served.view(), &question(from)));
    assert_eq!(told, called);
    assert_eq!(told[0].as_ref().unwrap().events.len(), 3);
    served
        .has_streams(&served.service.limits.questions, 0)
        .await;
}

#[tokio::test]
async fn what_is_too_large_or_malformed_ends_the_stream() {
    let many: Vec<Vec<u8>> = (0..257_u16).map(|n| n.to_be_bytes().to_vec()).collect();
    let large = vec![vec![7; 64 << 10]];
    for events in [many, large] {
        let mut served = served();
        served.grow(2);
        served.link(&keys::item(ITEM), &[events]);
        let told = told(&served, vec![question(1000), question(0), question(0)]).await;
        assert_eq!(told.len(), 2);
        assert!(told[0].is_ok());
        assert!(matches!(told[1], Err(ServiceError::TooLarge(_))));
        assert!(log_page::item(&served.view(), &question(0)).is_ok());
    }
    let malformed = wire::GetItemRequest::default();
    let told = told(&served(), vec![malformed, question(0)]).await;
    assert_eq!(told.len(), 1);
    assert!(matches!(told[0], Err(ServiceError::Malformed(_))));
}

/// Otherwise the next one's turn comes while its client takes nothing, and stays with it.
#[tokio::test]
async fn a_question_is_not_begun_before_the_answer_before_it_is_taken() {
    let mut served = served();
    served.grow(2);
    let reads = served.service.limits.reads.clone();
    let free = reads.free();
    let requests = tokio_stream::iter([question(0), question(0)]);
    let answers = answers(served.service.clone(), client(1), requests, open());
    let mut answers = Box::pin(answers.unwrap());
    assert!(answers.next().await.unwrap().is_ok());
    while reads.free() < free {
        tokio::task::yield_now().await;
    }
    assert!(answers.next().now_or_never().is_none());
    assert_eq!(reads.free(), free);
    assert!(answers.next().await.unwrap().is_ok());
    assert!(answers.next().await.is_none());
}

#[tokio::test]
async fn a_stream_on_which_nothing_is_asked_gives_way() {
    let mut served = served();
    let service = Arc::get_mut(&mut served.service).unwrap();
    service.limits.questions = StreamPermits::new("streams", (1, 1));
    let silent = answers(
        served.service.clone(),
        client(1),
        tokio_stream::pending::<wire::GetItemRequest>(),
        open(),
    );
    let mut silent = Box::pin(silent.unwrap());
    let next = answers(
        served.service.clone(),
        client(2),
        tokio_stream::pending::<wire::GetItemRequest>(),
        open(),
    );
    assert!(next.is_ok());
    let ended = silent.next().await.unwrap();
    assert_eq!(ended.unwrap_err(), ServiceError::Silent);
    assert!(silent.next().await.is_none());
}

#[tokio::test]
async fn a_stream_is_told_that_its_port_closes() {
    let served = served();
    let (stop, requests) = (open(), tokio_stream::pending::<wire::GetItemRequest>());
    let answers = answers(served.service.clone(), client(1), requests, stop.clone());
    let mut answers = Box::pin(answers.unwrap());
    assert!(answers.next().now_or_never().is_none());
    stop.cancel();
    let ended = answers.next().await.unwrap();
    assert_eq!(ended.unwrap_err(), ServiceError::Stopping);
    assert!(answers.next().await.is_none());
}
