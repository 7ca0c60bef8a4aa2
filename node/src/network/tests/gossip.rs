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

    /// The first message with this content. Others are left out: the same one may have come by both topics, while peers
    /// were heard of one after the other.
    async fn gossiped_with(&mut self, content: &str) -> (GossipId, PeerId) {
        loop {
            let (id, from, data) = self.gossiped().await;
            if data == bytes(content) {
                return (id, from);
            }
        }
    }

    async fn judge(&self, id: GossipId, acceptance: Acceptance) {
        self.handle
            .judge_gossip(id, acceptance)
            .await
            .expect("the network runs");
    }
}

/// Publishes until a peer gets it: its subscription may still be on its way. A message that went
/// out is not sent twice by one topic.
async fn publish(from: &Node, content: &str, to: &mut Node) -> GossipId {
    let received = tokio::select! {
        received = to.gossiped_with(content) => received,
        () = async {
            loop {
                from.handle.gossip(bytes(content)).await.expect("published");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        } => unreachable!("publishes for ever"),
    };
    let (id, source) = received;
    assert_eq!(source, from.id);
    id
}

/// Three nodes in a line; the last two have heard of each other. The first one knows of a fourth, and can't reach it.
async fn line() -> (Node, Node, Node) {
    let beyond = Peer {
        id: PeerId::random(),
        addresses: Vec::new(),
        validator: true,
    };
    line_of(Some(beyond)).await
}

/// The same, where the first one knows of nobody else, or of another one.
async fn line_of(beyond: Option<Peer>) -> (Node, Node, Node) {
    let (a, b, mut c) = (
        Node::start(1).await,
        Node::start(2).await,
        Node::start(3).await,
    );
    a.list(beyond.into_iter().chain([b.quiet_peer()])).await;
    b.list([a.peer(), c.peer()]).await;
    c.list([b.quiet_peer()]).await;
    b.connected_to([a.id, c.id]).await;
    // From then on all that it says comes by one topic.
    publish_until(&b, true, &mut c).await;
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

/// Publishes until a message comes of which its sender says that all get it, or until one comes of which it doesn't.
async fn publish_until(from: &Node, is_to_all: bool, to: &mut Node) -> GossipId {
    for number in 0.. {
        // Nobody publishes what it has heard.
        let content = format!("number {number} of {}", from.id);
        let id = publish(from, &content, to).await;
        if id.was_sent_to_all == is_to_all {
            return id;
        }
    }
    unreachable!("publishes for ever")
}

#[tokio::test]
async fn what_its_sender_has_sent_to_all_is_not_passed_on() {
    // The first one takes the second for all that there are.
    let (a, mut b, mut c) = line_of(None).await;
    let id = publish_until(&a, true, &mut b).await;
    b.judge(id, Acceptance::Accept).await;
    b.handle.gossip(bytes("after it")).await.expect("published");
    assert_eq!(c.gossiped().await.2, bytes("after it"));
}

#[tokio::test]
async fn where_messages_come_late_all_are_passed_on() {
    let (a, mut b, mut c) = line_of(None).await;
    publish_until(&a, true, &mut b).await;
    a.handle.use_several_ways(true).await.expect("runs");
    let id = publish(&a, "late", &mut b).await;
    b.judge(id, Acceptance::Accept).await;
    assert_eq!(c.gossiped().await.2, bytes("late"));
}

#[tokio::test]
async fn a_peer_that_is_out_of_reach_is_reached_by_others() {
    let (a, mut b, mut c) = line().await;
    publish_until(&a, false, &mut b).await;
    let id = publish(&a, "passed on", &mut b).await;
    assert!(!id.was_sent_to_all);
    b.judge(id, Acceptance::Accept).await;
    assert_eq!(c.gossiped().await.2, bytes("passed on"));
}

#[tokio::test]
async fn who_is_said_to_be_reached_gets_the_next_message() {
    let (a, mut b) = pair(limits()).await;
    let mut reached = a.handle.reached_by_gossip();
    let is_there = |peers: &BTreeSet<PeerId>| peers.contains(&b.id);
    guarded("reaching", reached.wait_for(is_there))
        .await
        .expect("the network runs");
    a.handle.gossip(bytes("the next")).await.expect("published");
    assert_eq!(b.gossiped().await.2, bytes("the next"));
    b.handle.shutdown().await;
    guarded("the end", reached.wait_for(BTreeSet::is_empty))
        .await
        .expect("the network runs");
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
