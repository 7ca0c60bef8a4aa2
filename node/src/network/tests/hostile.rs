//! Listed peers that misbehave.

use super::{
    rogue::{Protocol, Rogue},
    *,
};

/// A node with an honest peer and a listed rogue, all connected.
async fn beset(limits: NetworkLimits) -> (Node, Node, Rogue) {
    let node = Node::start_with(1, limits, TAG, loopback()).await;
    let honest = Node::start(2).await;
    let mut rogue = Rogue::new(66, TAG);
    node.list([honest.quiet_peer(), rogue.peer()]).await;
    honest.list([node.peer()]).await;
    rogue.dial(&node);
    let both = [honest.id, rogue.id];
    tokio::select! {
        () = node.connected_to(both) => {}
        () = rogue.run() => unreachable!("runs for ever"),
    }
    honest.connected_to([node.id]).await;
    (node, honest, rogue)
}

/// The honest peer still gets through.
async fn still_works(node: &mut Node, honest: &Node) {
    honest
        .handle
        .broadcast(bytes("still here"))
        .await
        .expect("sent");
    assert_eq!(node.message().await, (honest.id, bytes("still here")));
}

/// The rogue peer is gone, and refused when it comes again.
async fn is_kept_out(node: &mut Node, honest: &Node, rogue: &mut Rogue) {
    node.connected_to([honest.id]).await;

    rogue.dial(node);
    guarded("connecting", rogue.connected()).await;
    guarded("closing", rogue.closed()).await;
    node.refused(Some(rogue.id), Refusal::Suspended).await;
    still_works(node, honest).await;
}

#[tokio::test]
async fn malformed_frames_are_refused_and_nothing_else_suffers() {
    let (mut node, honest, mut rogue) = beset(limits()).await;
    let claim = |size: usize| u32::try_from(size).expect("fits").to_be_bytes().to_vec();
    let too_large = |claimed, limit| FrameError::TooLarge { claimed, limit };
    let l = limits();
    let cases = [
        (Protocol::Small, claim(65_537), too_large(65_537, 65_536)),
        (
            Protocol::Large,
            claim(l.consensus_message + 1),
            too_large(l.consensus_message + 1, l.consensus_message),
        ),
        (
            Protocol::Requests,
            vec![0xff; 4],
            too_large(u32::MAX as usize, l.request),
        ),
        (Protocol::Small, Vec::new(), FrameError::Truncated),
        (Protocol::Large, vec![0, 0], FrameError::Truncated),
        (
            Protocol::Requests,
            b"\0\0\0\x09too few".to_vec(),
            FrameError::Truncated,
        ),
    ];
    for (protocol, raw, error) in cases {
        rogue.send(protocol, node.id, raw);
        let answer = guarded("an outcome", rogue.outcome()).await;
        assert_eq!(answer.unwrap_or_default(), b"", "{protocol:?} acknowledged");
        assert_eq!(
            node.refusal().await,
            (Some(rogue.id), Refusal::Frame(error)),
            "{protocol:?}"
        );
    }
    still_works(&mut node, &honest).await;
    // The rogue is still connected: well-formed messages of its arrive. A large one is acknowledged by an empty frame.
    for (protocol, acknowledgement) in [(Protocol::Small, vec![]), (Protocol::Large, vec![0; 4])] {
        rogue.send(protocol, node.id, b"\0\0\0\x02ok".to_vec());
        let acknowledged = guarded("an outcome", rogue.outcome()).await;
        assert_eq!(acknowledged, Ok(acknowledgement));
        assert_eq!(node.message().await, (rogue.id, bytes("ok")));
    }
}

/// More streams than are read, without a word on them: each is charged as a message is.
#[tokio::test]
async fn streams_without_messages_are_refused() {
    let (mut node, honest, mut rogue) = beset(limits()).await;
    for _ in 0..5 {
        rogue.send(Protocol::Small, node.id, Vec::new());
        assert_eq!(guarded("an outcome", rogue.outcome()).await, Ok(vec![]));
        let refused = (Some(rogue.id), Refusal::Frame(FrameError::Truncated));
        assert_eq!(node.refusal().await, refused);
    }
    still_works(&mut node, &honest).await;
}

#[tokio::test]
async fn gossip_above_the_limit_is_not_heard_and_nothing_else_suffers() {
    let (mut node, honest, mut rogue) = beset(limits()).await;
    guarded("subscribing", rogue.subscribed()).await;
    rogue.publish(vec![0; 2 * limits().gossip_message]);
    // Both are driven until long after the large message would have arrived.
    for _ in 0..20 {
        rogue.send(Protocol::Small, node.id, b"\0\0\0\x02ok".to_vec());
        assert_eq!(guarded("an outcome", rogue.outcome()).await, Ok(vec![]));
    }
    let (_, from, heard) = tokio::select! {
        heard = node.gossiped() => heard,
        () = rogue.run() => unreachable!("runs for ever"),
        () = async {
            for number in 0u32.. {
                honest.handle.gossip(bytes(&number.to_string())).await.expect("published");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        } => unreachable!("publishes for ever"),
    };
    assert_eq!(from, honest.id);
    assert!(heard.len() < 16, "a number, not the large message");
    still_works(&mut node, &honest).await;
}

/// Limits under which the setting up of a connection passes and a flood does not.
fn strict() -> NetworkLimits {
    NetworkLimits {
        rate: Rate {
            messages_per_second: 3,
            bytes_per_second: 1 << 20,
            burst_seconds: 8,
        },
        suspension: Duration::from_secs(3600),
        ..limits()
    }
}

#[tokio::test]
async fn a_peer_that_sends_more_than_its_rate_is_disconnected_and_kept_out() {
    let (mut node, honest, mut rogue) = beset(strict()).await;
    for _ in 0..100 {
        rogue.send(Protocol::Small, node.id, b"\0\0\0\0".to_vec());
    }
    guarded("closing", rogue.closed()).await;
    node.refused(Some(rogue.id), Refusal::RateExceeded).await;
    is_kept_out(&mut node, &honest, &mut rogue).await;
}

#[tokio::test]
async fn a_peer_that_the_host_suspends_is_disconnected_and_kept_out() {
    let (mut node, honest, mut rogue) = beset(strict()).await;
    node.handle.suspend(rogue.id).await.expect("it runs");
    guarded("closing", rogue.closed()).await;
    node.refused(Some(rogue.id), Refusal::Useless).await;
    is_kept_out(&mut node, &honest, &mut rogue).await;
}

#[tokio::test]
async fn malformed_frames_count_against_the_rate() {
    let (mut node, _honest, mut rogue) = beset(strict()).await;
    for _ in 0..100 {
        rogue.send(Protocol::Requests, node.id, vec![0xff; 4]);
    }
    guarded("closing", rogue.closed()).await;
    node.refused(Some(rogue.id), Refusal::RateExceeded).await;
}

#[tokio::test]
async fn bytes_count_against_the_rate() {
    // A sender that hardly gets a turn must not find its allowance filled up again.
    let slowly = NetworkLimits {
        rate: Rate {
            messages_per_second: 3,
            bytes_per_second: 1 << 12,
            burst_seconds: 1 << 11,
        },
        ..strict()
    };
    let (mut node, _honest, mut rogue) = beset(slowly).await;
    let body = vec![0; 7 << 20];
    let frame = [&(7u32 << 20).to_be_bytes(), body.as_slice()].concat();
    for _ in 0..4 {
        rogue.send(Protocol::Large, node.id, frame.clone());
    }
    guarded("closing", rogue.closed()).await;
    node.refused(Some(rogue.id), Refusal::RateExceeded).await;
}

#[tokio::test]
async fn gossip_frames_that_say_nothing_new_count_against_the_rate() {
    let (mut node, _honest, mut rogue) = beset(strict()).await;
    guarded("subscribing", rogue.subscribed()).await;
    for _ in 0..100 {
        rogue.resubscribe();
    }
    guarded("closing", rogue.closed()).await;
    node.refused(Some(rogue.id), Refusal::RateExceeded).await;
    assert_eq!(node.counted(|c| &c.messages_in), 0);
}

#[tokio::test]
async fn a_peer_that_does_not_answer_pings_is_disconnected() {
    let impatient = NetworkLimits {
        ping_interval: Duration::from_millis(200),
        ..limits()
    };
    let mut node = Node::start_with(1, impatient, TAG, loopback()).await;
    let mut mute = Rogue::without_ping(66, TAG);
    node.list([mute.peer()]).await;
    mute.dial(&node);
    guarded("connecting", mute.connected()).await;
    guarded("closing", mute.closed()).await;
    node.refused(Some(mute.id), Refusal::Unresponsive).await;
    assert!(node.handle.connected().borrow().is_empty());
}
