//! Consensus messages, requests and their limits.

use super::*;

#[tokio::test]
async fn a_broadcast_reaches_every_other_node_of_a_mesh() {
    let mut nodes = mesh(4).await;
    for sender in 0..nodes.len() {
        let from = nodes[sender].id;
        let content = Bytes::from(vec![sender as u8; 1000]);
        nodes[sender]
            .handle
            .broadcast(content.clone())
            .await
            .expect("sent");
        for (receiver, node) in nodes.iter_mut().enumerate() {
            if receiver != sender {
                assert_eq!(node.message().await, (from, content.clone()));
            }
        }
    }
}

#[tokio::test]
async fn a_broadcast_goes_to_validators_only_and_an_observer_can_be_sent_to() {
    let (a, mut b, mut observer) = (
        Node::start(1).await,
        Node::start(2).await,
        Node::start(3).await,
    );
    let watching = Peer {
        validator: false,
        ..observer.peer()
    };
    a.list([b.peer(), watching]).await;
    b.list([a.quiet_peer()]).await;
    observer.list([a.quiet_peer()]).await;
    a.connected_to([b.id, observer.id]).await;

    a.handle
        .broadcast(bytes("to validators"))
        .await
        .expect("sent");
    assert_eq!(b.message().await, (a.id, bytes("to validators")));
    assert_eq!(a.counted(|c| &c.messages_out), 1);
    a.handle
        .send(observer.id, bytes("to you"))
        .await
        .expect("sent");
    assert_eq!(observer.message().await, (a.id, bytes("to you")));
    assert_eq!(a.counted(|c| &c.messages_out), 2);
}

#[tokio::test]
async fn messages_and_answers_of_the_largest_size_arrive_whole() {
    let (mut a, b) = pair(limits()).await;
    for size in [0, 1, 64 << 10, (64 << 10) + 1, limits().consensus_message] {
        let content: Bytes = (0..size).map(|i| (i % 251) as u8).collect();
        b.handle.broadcast(content.clone()).await.expect("sent");
        let (from, received) = a.message().await;
        assert!(from == b.id && received == content, "{size} bytes");
    }

    let answer = Bytes::from(vec![7; limits().response]);
    let question = Bytes::from(vec![6; limits().request]);
    let (answered, ()) = tokio::join!(
        guarded("an answer", b.handle.request(a.id, question.clone())),
        async {
            let (asked, respond) = a.asked().await;
            assert_eq!(asked, question);
            respond.respond(answer.clone()).expect("taken");
        }
    );
    assert!(answered.expect("answered") == answer);
}

#[tokio::test]
async fn a_message_above_its_limit_is_refused_at_the_sender() {
    let (mut a, b) = pair(limits()).await;
    let above = |limit: usize| Bytes::from(vec![0; limit + 1]);
    let too_large = |limit: usize| SendError::TooLarge {
        length: limit + 1,
        limit,
    };
    let l = limits();

    let consensus = above(l.consensus_message);
    assert_eq!(
        b.handle.broadcast(consensus.clone()).await,
        Err(too_large(l.consensus_message))
    );
    assert_eq!(
        b.handle.send(a.id, consensus).await,
        Err(too_large(l.consensus_message))
    );
    assert_eq!(
        b.handle.gossip(above(l.gossip_message)).await,
        Err(too_large(l.gossip_message))
    );
    assert_eq!(
        b.handle.request(a.id, above(l.request)).await,
        Err(RequestError::NotSent(too_large(l.request)))
    );

    let (answered, ()) = tokio::join!(
        guarded("no answer", b.handle.request(a.id, bytes("?"))),
        async {
            let (_, respond) = a.asked().await;
            assert_eq!(
                respond.respond(above(l.response)),
                Err(RespondError::TooLarge {
                    length: l.response + 1,
                    limit: l.response
                })
            );
        }
    );
    assert_eq!(answered, Err(RequestError::Unanswered));
}

#[tokio::test]
async fn a_message_for_a_peer_that_is_not_connected_is_dropped_and_counted() {
    let a = Node::start(1).await;
    let stranger = PeerId::random();
    a.list([Peer {
        id: stranger,
        addresses: Vec::new(),
        validator: true,
    }])
    .await;
    a.handle.broadcast(bytes("anyone?")).await.expect("taken");
    a.handle.send(stranger, bytes("you?")).await.expect("taken");
    assert_eq!(
        a.handle.request(stranger, bytes("?")).await,
        Err(RequestError::NotConnected)
    );
    assert_eq!(a.counted(|c| &c.dropped_out), 3);
    assert_eq!(a.counted(|c| &c.messages_out), 0);
}

#[tokio::test]
async fn a_request_fails_when_its_peer_drops_it_is_late_or_leaves() {
    let hurried = NetworkLimits {
        request_streams: 2,
        request_timeout: Duration::from_secs(2),
        ..limits()
    };
    let (a, mut b) = pair(hurried).await;

    let (dropped, ()) = tokio::join!(a.handle.request(b.id, bytes("drop")), async {
        drop(b.asked().await);
    });
    assert_eq!(dropped, Err(RequestError::Unanswered));

    let late = guarded("late", a.handle.request(b.id, bytes("late")));
    let ((_, _kept), late) = tokio::join!(b.asked(), late);
    assert_eq!(late, Err(RequestError::TimedOut));

    let left = guarded("left", a.handle.request(b.id, bytes("leave")));
    let ((busy, ()), left) = tokio::join!(
        async {
            let (_, _kept) = b.asked().await;
            let busy = a.handle.request(b.id, bytes("one too many")).await;
            (busy, b.handle.shutdown().await)
        },
        left
    );
    assert_eq!(busy, Err(RequestError::Busy));
    assert_eq!(left, Err(RequestError::Disconnected));
}

#[tokio::test]
async fn an_answer_above_the_askers_limit_is_refused() {
    let small = NetworkLimits {
        response: 10,
        ..limits()
    };
    let (a, mut b) = pair(small).await;
    let (answered, ()) = tokio::join!(
        guarded("an answer", a.handle.request(b.id, bytes("?"))),
        async {
            let (_, respond) = b.asked().await;
            respond.respond(Bytes::from(vec![0; 11])).expect("taken");
        }
    );
    assert_eq!(
        answered,
        Err(RequestError::Frame(FrameError::TooLarge {
            claimed: 11,
            limit: 10
        }))
    );
}

#[tokio::test]
async fn a_slow_host_gets_what_fits_its_queue_and_the_rest_is_dropped() {
    let slow = NetworkLimits {
        queued_messages_per_peer: 4,
        ..limits()
    };
    let (mut a, b) = pair(slow).await;
    for _ in 0..20 {
        b.handle.broadcast(bytes("much")).await.expect("sent");
    }
    a.until("the rest", |a| a.counted(|c| &c.dropped_in) == 16)
        .await;
    let waiting = std::iter::from_fn(|| a.events.try_recv())
        .filter(|(event, _)| matches!(event, NetworkEvent::Message { .. }))
        .count();
    assert_eq!(waiting, 4);

    b.handle.broadcast(bytes("more")).await.expect("sent");
    assert_eq!(a.message().await, (b.id, bytes("more")));
}

/// Large messages are acknowledged once the host has them in its queue.
#[tokio::test]
async fn a_large_message_that_a_slow_host_has_no_room_for_is_not_acknowledged() {
    let slow = NetworkLimits {
        queued_messages_per_peer: 2,
        ..limits()
    };
    let (a, b) = pair(slow).await;
    for _ in 0..5 {
        let large = Bytes::from(vec![1; 100 << 10]);
        b.handle.send(a.id, large).await.expect("sent");
    }
    b.until("five fates", |b| {
        let lost = b.counted(|c| &c.failed_out) + b.counted(|c| &c.dropped_out);
        b.counted(|c| &c.acknowledged) + lost == 5
    })
    .await;
    assert_eq!(b.counted(|c| &c.acknowledged) as usize, waiting_messages(a));
}

fn waiting_messages(mut node: Node) -> usize {
    std::iter::from_fn(|| node.events.try_recv())
        .filter(|(event, _)| matches!(event, NetworkEvent::Message { .. }))
        .count()
}

/// They share one stream, so they come in the order in which they were sent.
#[tokio::test]
async fn small_messages_keep_their_order() {
    let (a, mut b) = pair(limits()).await;
    for number in 0..50u8 {
        let message = Bytes::from(vec![number]);
        a.handle.send(b.id, message).await.expect("sent");
    }
    for number in 0..50u8 {
        assert_eq!(b.message().await, (a.id, Bytes::from(vec![number])));
    }
    assert_eq!(a.counted(|c| &c.failed_out), 0);
}

#[tokio::test]
async fn a_burst_waits_its_turn_and_arrives() {
    let narrow = NetworkLimits {
        small_streams: 4,
        ..limits()
    };
    let (a, mut b) = pair(narrow).await;
    for number in 0..200u8 {
        a.handle
            .send(b.id, Bytes::from(vec![number]))
            .await
            .expect("sent");
    }
    let mut received = BTreeSet::new();
    for _ in 0..200 {
        received.insert(b.message().await.1);
    }
    assert_eq!(received.len(), 200);
    assert_eq!(a.counted(|c| &c.dropped_out), 0);
}

/// Nodes that are connected once find further ways, over which each small message goes.
#[tokio::test]
async fn where_messages_come_late_they_go_over_several_connections() {
    let (a, mut b) = pair(limits()).await;
    a.handle.use_several_ways(true).await.expect("runs");
    b.handle.use_several_ways(true).await.expect("runs");
    let mut number = 0;
    guarded("several ways", async {
        let mut copies = std::collections::BTreeMap::new();
        while !copies.values().any(|count| *count == limits().ways) {
            number += 1;
            let content = bytes(&format!("vote {number}"));
            a.handle.send(b.id, content.clone()).await.expect("sent");
            while !copies.contains_key(&content) {
                let (_, got) = b.message().await;
                *copies.entry(got).or_insert(0) += 1;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    // Each message counts once on its lane.
    assert_eq!(a.counted(|c| &c.messages_out), number);
}
