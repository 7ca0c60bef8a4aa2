use super::*;

type Ready = futures::stream::Iter<std::vec::IntoIter<wire::SubmitRequest>>;

fn ready(sizes: &[usize]) -> Ready {
    let requests = sizes.iter().map(|size| wire::SubmitRequest {
        envelope: vec![0; *size],
        wait: false,
    });
    futures::stream::iter(requests.collect::<Vec<_>>())
}

/// What is taken by who gathers for no time.
async fn at_once(
    stream: &mut (impl Stream<Item = wire::SubmitRequest> + Unpin),
    room: usize,
) -> Vec<wire::SubmitRequest> {
    together(stream, room, Instant::now()).await
}

async fn groups(mut stream: impl Stream<Item = wire::SubmitRequest> + Unpin) -> Vec<usize> {
    let mut sizes = Vec::new();
    loop {
        match at_once(&mut stream, OPEN_PER_STREAM).await.len() {
            0 => return sizes,
            size => sizes.push(size),
        }
    }
}

#[tokio::test]
async fn what_is_ready_is_taken_together_up_to_a_number() {
    let sizes = vec![10; 2 * TOGETHER + 3];
    assert_eq!(groups(ready(&sizes)).await, [TOGETHER, TOGETHER, 3]);
}

#[tokio::test]
async fn what_is_taken_together_is_bounded_in_bytes() {
    let sizes = [TOGETHER_BYTES, 1, TOGETHER_BYTES - 1, 1];
    assert_eq!(groups(ready(&sizes)).await, [1, 2, 1]);
}

#[tokio::test]
async fn no_more_is_taken_together_than_there_is_room_for() {
    let mut stream = ready(&[10; 5]);
    assert_eq!(at_once(&mut stream, 3).await.len(), 3);
    assert_eq!(at_once(&mut stream, 3).await.len(), 2);
}

#[tokio::test]
async fn nobody_waits_for_company_and_nothing_is_lost_to_a_wait_given_up() {
    let (sender, receiver) = mpsc::channel(4);
    let mut stream = ReceiverStream::new(receiver);
    assert!(
        at_once(&mut stream, OPEN_PER_STREAM)
            .now_or_never()
            .is_none()
    );
    sender.send(wire::SubmitRequest::default()).await.unwrap();
    assert_eq!(
        at_once(&mut stream, OPEN_PER_STREAM)
            .now_or_never()
            .unwrap()
            .len(),
        1
    );
    drop(sender);
    assert_eq!(
        at_once(&mut stream, OPEN_PER_STREAM)
            .now_or_never()
            .unwrap()
            .len(),
        0
    );
}

#[tokio::test]
async fn what_comes_beside_many_open_ones_gathers_for_a_moment() {
    assert_eq!(pause(1, MANY_OPEN - 1), Duration::ZERO);
    assert_eq!(pause(1, MANY_OPEN), GATHER);
    assert_eq!(
        pause(TOGETHER, MANY_OPEN),
        Duration::ZERO,
        "there are enough"
    );
    let mut stream = ready(&[10; 3]);
    let later = Instant::now() + Duration::from_secs(3600);
    let early = together(&mut stream, OPEN_PER_STREAM, later);
    assert!(early.now_or_never().is_none());
    let taken = at_once(&mut stream, OPEN_PER_STREAM).await;
    assert_eq!(taken.len(), 3);
}
