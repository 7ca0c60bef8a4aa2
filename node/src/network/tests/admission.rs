//! Who may connect.

use super::{rogue::Rogue, *};
use libp2p::swarm::SwarmEvent;

#[tokio::test]
async fn an_unlisted_peer_is_refused_at_both_sides_before_it_is_heard() {
    let mut node = Node::start(1).await;
    let mut rogue = Rogue::new(66, TAG);
    rogue.dial(&node);
    guarded("connecting", rogue.connected()).await;
    // It speaks at once, on every protocol.
    for protocol in rogue.protocols() {
        rogue.send(protocol, node.id, b"\0\0\0\x02hi".to_vec());
    }
    rogue.publish(b"hi".to_vec());
    let mut failed = 0;
    guarded("failing", async {
        while failed < 3 {
            if rogue.outcome().await.is_err() {
                failed += 1;
            }
        }
    })
    .await;
    guarded("closing", rogue.closed()).await;

    assert_eq!(node.refusal().await, (Some(rogue.id), Refusal::NotListed));
    assert_eq!(node.counted(|c| &c.messages_in), 0);
    assert!(node.events.try_recv().is_none(), "nothing else was heard");

    // A node that is refused learns it too.
    let mut refused = Node::start(2).await;
    refused.list([node.peer()]).await;
    refused.refused(Some(node.id), Refusal::ClosedByPeer).await;
    node.refused(Some(refused.id), Refusal::NotListed).await;
    assert!(refused.handle.connected().borrow().is_empty());
}

#[tokio::test]
async fn a_peer_taken_off_the_list_is_disconnected_and_stays_out() {
    let (mut a, mut b) = pair(limits()).await;
    a.list([]).await;
    a.connected_to([]).await;
    a.next("a disconnection", |event| {
        matches!(event, NetworkEvent::PeerDisconnected(peer) if peer == b.id).then_some(())
    })
    .await;
    b.next("a disconnection", |event| {
        matches!(event, NetworkEvent::PeerDisconnected(peer) if peer == a.id).then_some(())
    })
    .await;
    a.refused(Some(b.id), Refusal::NotListed).await;
    b.refused(Some(a.id), Refusal::ClosedByPeer).await;

    a.list([b.quiet_peer()]).await;
    a.connected_to([b.id]).await;
    b.connected_to([a.id]).await;
}

#[tokio::test]
async fn a_node_of_another_chain_fails_the_handshake() {
    let mut a = Node::start(1).await;
    let mut b = Node::start_with(2, limits(), "another chain", loopback()).await;
    a.list([b.quiet_peer()]).await;
    b.list([a.peer()]).await;
    assert_eq!(b.refusal().await, (Some(a.id), Refusal::Handshake));
    assert_eq!(a.refusal().await, (None, Refusal::Handshake));
    assert!(a.handle.connected().borrow().is_empty());
    assert!(b.handle.connected().borrow().is_empty());
}

#[tokio::test]
async fn an_address_where_somebody_else_answers_is_reported() {
    let (mut a, b) = (Node::start(1).await, Node::start(2).await);
    let expected = PeerId::random();
    a.list([Peer {
        id: expected,
        ..b.peer()
    }])
    .await;
    assert_eq!(
        a.refusal().await,
        (Some(expected), Refusal::WrongIdentity { obtained: b.id })
    );
}

#[tokio::test]
async fn more_connections_of_one_peer_than_it_may_have_are_refused() {
    let mut node = Node::start(1).await;
    let mut rogue = Rogue::new(66, TAG);
    node.list([rogue.peer()]).await;
    for _ in 0..=limits().connections_per_peer {
        rogue.dial(&node);
        guarded("connecting", rogue.connected()).await;
    }
    let closing = async {
        loop {
            if let SwarmEvent::ConnectionClosed { .. } = rogue.next().await {
                return;
            }
        }
    };
    let ((), refusal) = tokio::join!(guarded("closing", closing), node.refusal());
    assert_eq!(refusal, (Some(rogue.id), Refusal::TooManyConnections));
    node.connected_to([rogue.id]).await;
}
