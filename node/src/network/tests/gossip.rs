//! Gossip and the host's judgement of it.

use super::*;

impl Node {
    pub(super) async fn gossiped(&mut self) -> (GossipId, PeerId, Bytes) {
        self.next("gossip", |event| match event {
            NetworkEvent::Gossip { id, from, bytes } => Some((id, from, bytes)),
            _ => None,
        })
        .await
    }

    async fn judge(&self, id: GossipId, acceptance: Acceptance) {
        self.handle
            .judge_gossip(id, acceptance)
            .await
            .expect("the network runs");
    }
}

/// Publishes until a peer gets it: its subscription may still be on its way. A message that went
/// out is not sent twice.
async fn publish(from: &Node, content: &str, to: &mut Node) -> GossipId {
    let received = tokio::select! {
        received = to.gossiped() => received,
        () = async {
            loop {
                from.handle.gossip(bytes(content)).await.expect("published");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        } => unreachable!("publishes for ever"),
    };
    let (id, source, data) = received;
    assert_eq!((source, data), (from.id, bytes(content)));
    id
}

/// Three nodes in a line; the last two have heard of each other.
async fn line() -> (Node, Node, Node) {
    let (a, b, mut c) = (
        Node::start(1).await,
        Node::start(2).await,
        Node::start(3).await,
    );
    a.list([b.quiet_peer()]).await;
    b.list([a.peer(), c.peer()]).await;
    c.list([b.quiet_peer()]).await;
    b.connected_to([a.id, c.id]).await;
    publish(&b, "hello", &mut c).await;
    (a, b, c)
}

#[tokio::test]
async fn gossip_is_forwarded_once_accepted_and_not_when_rejected_or_ignored() {
    let (a, mut b, mut c) = line().await;
    for (content, acceptance) in [
        ("bad", Acceptance::Reject),
        ("useless", Acceptance::Ignore),
        ("good", Acceptance::Accept),
    ] {
        let id = publish(&a, content, &mut b).await;
        b.judge(id, acceptance).await;
    }
    // Everything to the last node goes the same way in order, so the earlier two were not sent.
    let (_, from, content) = c.gossiped().await;
    assert_eq!((from, content), (b.id, bytes("good")));
}

#[tokio::test]
async fn gossip_that_is_not_judged_goes_no_further() {
    let (a, mut b, mut c) = line().await;
    publish(&a, "unjudged", &mut b).await;
    let id = publish(&a, "judged", &mut b).await;
    b.judge(id, Acceptance::Accept).await;
    assert_eq!(c.gossiped().await.2, bytes("judged"));
}

#[tokio::test]
async fn a_peer_that_gossips_invalid_messages_is_not_heard_any_more() {
    let (a, mut b, _c) = line().await;
    for number in 0..5 {
        let id = publish(&a, &format!("bad {number}"), &mut b).await;
        b.judge(id, Acceptance::Reject).await;
    }
    // The message is on its way before the request, and the answer comes after it.
    let heard = b.counted(|c| &c.messages_in);
    a.handle
        .gossip(bytes("after all that"))
        .await
        .expect("published");
    a.until("published", |a| a.counted(|c| &c.messages_out) == 6)
        .await;
    let (answer, ()) = tokio::join!(a.handle.request(b.id, bytes("?")), async {
        b.asked().await.1.respond(bytes("!")).expect("taken");
    });
    assert_eq!(answer, Ok(bytes("!")));
    assert_eq!(b.counted(|c| &c.messages_in), heard + 1, "the request only");
}
