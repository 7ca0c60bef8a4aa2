use std::net::IpAddr;

use super::*;

fn client(address: u8, connection: u64) -> Caller {
    Caller {
        address: IpAddr::from([192, 0, 2, address]),
        connection,
    }
}

/// A queue of one thread, and what keeps it busy until it is dropped.
async fn busy(waiting: usize) -> (WorkQueue, std::sync::mpsc::Sender<()>) {
    let queue = WorkQueue::new(1, waiting);
    let (release, held) = std::sync::mpsc::channel::<()>();
    let running = queue.clone();
    tokio::spawn(async move {
        let _ = running
            .run(Caller::OWN, move |_| {
                let _ = held.recv();
                Ok(())
            })
            .await;
    });
    while queue.free() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    (queue, release)
}

#[tokio::test]
async fn a_client_that_asks_much_waits_for_itself() {
    let (queue, release) = busy(WAITING).await;
    let (done, order) = std::sync::mpsc::channel();
    let mut asked = Vec::new();
    for (from, count) in [(client(1, 1), 50), (client(2, 2), 1)] {
        for _ in 0..count {
            let (queue, done) = (queue.clone(), done.clone());
            asked.push(tokio::spawn(async move {
                let work = move |_: &Cancelled| Ok(done.send(from.connection).is_ok());
                queue.run(from, work).await
            }));
            tokio::task::yield_now().await;
        }
    }
    while queue.shared.lock().turns.len() < 51 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop((release, done));
    for call in asked {
        assert_eq!(call.await.unwrap(), Ok(true));
    }
    let order: Vec<u64> = order.iter().collect();
    assert_eq!(order.len(), 51);
    assert_eq!(order.get(1), Some(&2), "{order:?}");
}

/// Whoever waits has its turn first: nobody is answered beside the line.
#[tokio::test]
async fn work_runs_here_only_where_nobody_waits_and_some_threads_are_left() {
    let queue = WorkQueue::new(64, WAITING);
    let again = || queue.run_here(client(1, 1), || Ok(1));
    assert_eq!(again(), Some(Ok(1)));
    // Each within the one before, as many as may.
    fn within(queue: &WorkQueue) -> usize {
        let inner = queue.run_here(Caller::OWN, || Ok(within(queue)));
        inner.map_or(0, |depth| 1 + depth.unwrap())
    }
    assert_eq!(within(&queue), queue.shared.here_limit);
    assert!(queue.shared.here_limit < cores().max(2));
    let panics = queue.run_here(client(1, 1), || -> Result<(), _> { panic!("on purpose") });
    assert_eq!(panics, Some(Err(panicked())));
    assert_eq!((queue.free(), again()), (64, Some(Ok(1))));

    let (queue, release) = busy(WAITING).await;
    assert_eq!(queue.run_here(client(1, 1), || Ok(())), None);
    let waits = queue.clone();
    let waits = tokio::spawn(async move { waits.run(client(2, 2), |_| Ok(())).await });
    while queue.shared.lock().turns.len() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(release);
    assert_eq!(waits.await.unwrap(), Ok(()));
    while queue.free() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(queue.run_here(client(1, 1), || Ok(())), Some(Ok(())));
}

/// Callers hold all places of long reads, and more wait there: another's single read is answered.
#[tokio::test]
async fn pages_that_read_long_keep_no_question_waiting() {
    let limits = ServiceLimits::default();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let mut pages = Vec::new();
    for connection in 0..1000 {
        let (queue, held) = (limits.long_reads.clone(), held.clone());
        pages.push(tokio::spawn(async move {
            let page = move |_: &Cancelled| {
                let _ = held.lock().unwrap().recv();
                Ok(())
            };
            queue.run(client(1, connection), page).await
        }));
    }
    while limits.long_reads.shared.lock().turns.len() + limits.long_reads.shared.limit < 1000 {
        tokio::task::yield_now().await;
    }
    let read = limits.reads.run(client(1, 5000), |_| Ok("an item"));
    assert_eq!(read.await, Ok("an item"));
    drop(release);
    for page in pages {
        assert_eq!(page.await.unwrap(), Ok(()));
    }
}

#[tokio::test]
async fn work_in_the_background_gives_way_and_its_panic_is_a_fault() {
    let queue = WorkQueue::in_background(1, 1);
    let rank = || background::rank().unwrap();
    let before = rank();
    assert_eq!(
        queue.run(client(1, 1), move |_| Ok(rank())).await,
        Ok(background::RANK.max(before))
    );
    assert_eq!(rank(), before, "others keep theirs");
    let broken = queue.run(client(1, 1), |_| -> Result<(), ServiceError> {
        panic!("on purpose")
    });
    assert!(matches!(broken.await, Err(ServiceError::Fault(_))));
    assert_eq!(queue.run(client(1, 1), |_| Ok(3)).await, Ok(3));
}

#[tokio::test]
async fn a_queue_lets_so_many_wait_and_refuses_the_rest() {
    let (queue, release) = busy(1).await;
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.run(client(1, 1), |_| Ok(2)).await }
    });
    while queue.shared.lock().turns.len() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let refused = queue.run(client(2, 2), |_| Ok(3)).await;
    assert!(matches!(refused, Err(ServiceError::Busy(_))), "{refused:?}");
    drop(release);
    assert_eq!(waiting.await.unwrap(), Ok(2));
    assert_eq!(queue.run(client(2, 2), |_| Ok(3)).await, Ok(3));
}

#[tokio::test]
async fn what_a_client_gave_up_is_not_begun_or_told_so() {
    let (queue, release) = busy(10).await;
    let (begun, seen) = std::sync::mpsc::channel();
    let given_up = tokio::spawn({
        let queue = queue.clone();
        async move {
            queue
                .run(client(1, 1), move |_| Ok(begun.send(()).is_ok()))
                .await
        }
    });
    while queue.shared.lock().turns.len() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    drop(release);
    assert_eq!(queue.run(client(2, 2), |_| Ok(3)).await, Ok(3));
    assert!(seen.recv().is_err(), "it was not begun");

    let (started, heard) = std::sync::mpsc::channel();
    let (told, outcome) = std::sync::mpsc::channel();
    let running = tokio::spawn({
        let queue = queue.clone();
        async move {
            let work = move |cancelled: &Cancelled| {
                let _ = started.send(());
                while !cancelled.is_set() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                let _ = told.send(());
                cancelled.check()
            };
            queue.run(client(1, 1), work).await
        }
    });
    tokio::task::spawn_blocking(move || heard.recv())
        .await
        .unwrap()
        .unwrap();
    running.abort();
    tokio::task::spawn_blocking(move || outcome.recv())
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_silent_stream_gives_way_to_one_that_speaks() {
    let permits = StreamPermits::new("streams", (4, 2));
    let silent = permits.take(client(1, 1)).unwrap();
    let speaking = permits.take(client(1, 2)).unwrap();
    speaking.spoke();
    let third = permits.take(client(1, 3)).unwrap();
    silent.displaced().await;
    third.owes();
    speaking.owes();
    let refused = permits.take(client(1, 4)).err();
    assert!(
        matches!(refused, Some(ServiceError::Busy(_))),
        "{refused:?}"
    );
    assert!(permits.take(client(2, 5)).is_ok());
}
