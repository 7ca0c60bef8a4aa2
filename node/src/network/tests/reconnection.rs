//! Starting, stopping and coming back.

use super::*;

#[tokio::test]
async fn a_peer_that_restarts_is_found_again() {
    let (a, b) = pair(limits()).await;
    let address = b.address();
    a.list([b.peer()]).await;
    for _ in 0..2 {
        b.handle.shutdown().await;
        a.connected_to([]).await;
    }
    let mut b = Node::start_with(2, limits(), TAG, address).await;
    b.list([a.quiet_peer()]).await;
    a.connected_to([b.id]).await;
    a.handle
        .broadcast(bytes("welcome back"))
        .await
        .expect("sent");
    assert_eq!(b.message().await, (a.id, bytes("welcome back")));
}

#[tokio::test]
async fn a_connection_is_told_once_and_so_is_its_end() {
    let (mut a, b) = pair(limits()).await;
    b.handle.shutdown().await;
    a.connected_to([]).await;
    let told: Vec<String> = std::iter::from_fn(|| a.events.try_recv())
        .map(|(event, _)| format!("{event:?}"))
        .collect();
    let expected = [
        format!("{:?}", NetworkEvent::PeerConnected(b.id)),
        format!("{:?}", NetworkEvent::PeerDisconnected(b.id)),
    ];
    assert_eq!(told, expected);
}

/// The task has ended: nothing more comes, and nothing more is taken.
async fn stopped(handle: &NetworkHandle, events: &mut NetworkEvents) {
    guarded("the end", async { while events.recv().await.is_some() {} }).await;
    assert_eq!(handle.broadcast(bytes("?")).await, Err(SendError::Stopped));
    assert_eq!(
        handle.request(PeerId::random(), bytes("?")).await,
        Err(RequestError::NotSent(SendError::Stopped))
    );
}

#[tokio::test]
async fn shutting_down_ends_the_task_and_frees_the_port() {
    let (mut a, b) = pair(limits()).await;
    let address = a.address();
    guarded("the end", a.handle.shutdown()).await;
    stopped(&a.handle, &mut a.events).await;
    b.connected_to([]).await;
    // A second time is fine.
    guarded("the end", a.handle.shutdown()).await;
    Node::start_with(9, limits(), TAG, address).await;
}

#[tokio::test]
async fn the_network_stops_when_the_host_drops_either_end() {
    let Node { handle, events, .. } = Node::start(1).await;
    drop(events);
    guarded("the end", handle.commands.closed()).await;
    assert_eq!(handle.broadcast(bytes("?")).await, Err(SendError::Stopped));

    let Node {
        handle, mut events, ..
    } = Node::start(2).await;
    drop(handle);
    guarded("the end", async { while events.recv().await.is_some() {} }).await;
}

#[tokio::test]
async fn an_address_that_cannot_be_listened_on_is_an_error() {
    let taken = Node::start(1).await;
    // TEST-NET-1 (RFC 5737) is nobody's address.
    for address in [
        taken.address(),
        "/ip4/192.0.2.1/tcp/0".parse().expect("valid"),
        "/memory/1".parse().expect("valid"),
    ] {
        let config = NetworkConfig {
            listen: vec![address.clone()],
            peers: Vec::new(),
            chain_tag: TAG.to_owned(),
            limits: limits(),
        };
        let error = start(config, [2; 32].into()).await.err();
        assert!(
            matches!(&error, Some(NetworkError::Listen { address: at, .. }) if *at == address),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn contradicting_limits_are_an_error() {
    let config = NetworkConfig {
        listen: Vec::new(),
        peers: Vec::new(),
        chain_tag: TAG.to_owned(),
        limits: NetworkLimits {
            request: 0,
            ..limits()
        },
    };
    let error = start(config, [2; 32].into()).await.err();
    assert!(
        matches!(error, Some(NetworkError::Config(NetworkConfigError::Zero))),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_peer_id_follows_from_the_public_key() {
    let node = Node::start(5).await;
    let key = ed25519_dalek::SigningKey::from_bytes(&[5; 32]).verifying_key();
    assert_eq!(peer_id_of(key.as_bytes()), Ok(node.id));
    // RFC 8032, section 5.1.3: no curve point has this y.
    let mut no_point = [0; 32];
    no_point[0] = 2;
    assert_eq!(peer_id_of(&no_point), Err(InvalidPublicKey));
}
