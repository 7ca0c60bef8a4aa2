//! The host's side of the network: checks sizes, then hands commands to the task.

use super::{Acceptance, Counters, FrameError, GossipId, NetworkLimits, Peer};
use bytes::Bytes;
use libp2p::{Multiaddr, PeerId};
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::{mpsc, oneshot, watch};

/// What the host asks of the task.
pub(super) enum Command {
    Broadcast(Bytes),
    Send(PeerId, Bytes),
    Gossip(Bytes),
    Request {
        peer: PeerId,
        bytes: Bytes,
        reply: oneshot::Sender<Result<Bytes, RequestError>>,
    },
    JudgeGossip(GossipId, Acceptance),
    SetPeers(Vec<Peer>),
    Suspend(PeerId),
    SeveralWays(bool),
    Shutdown,
}

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The message is above its protocol's limit; no peer would accept it.
    #[error("a message of {length} bytes is above the limit of {limit} bytes")]
    TooLarge {
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The network has stopped.
    #[error("the network has stopped")]
    Stopped,
}

/// Why a request got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The request could not be handed over.
    #[error(transparent)]
    NotSent(#[from] SendError),
    /// The peer is not connected.
    #[error("the peer is not connected")]
    NotConnected,
    /// Too many requests to this peer are waiting for their answers.
    #[error("too many requests to the peer are under way")]
    Busy,
    /// The peer did not answer in time.
    #[error("the peer did not answer in time")]
    TimedOut,
    /// The connection closed before the answer came.
    #[error("the connection closed before the answer came")]
    Disconnected,
    /// The peer closed the request's stream without an answer: it has none, or is overloaded.
    #[error("the peer did not answer")]
    Unanswered,
    /// The answer was malformed.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// Why an answer was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RespondError {
    /// The answer is above the limit; the peer would refuse it.
    #[error("a response of {length} bytes is above the limit of {limit} bytes")]
    TooLarge {
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The network has stopped.
    #[error("the network has stopped")]
    Stopped,
}

/// Takes the answer to a request. Dropped, it tells the peer that there is none.
#[derive(Debug)]
pub struct ResponseHandle {
    pub(super) reply: oneshot::Sender<Bytes>,
    pub(super) limit: usize,
}

impl ResponseHandle {
    /// Answers. Whether the answer arrives is not known: the peer may be gone.
    ///
    /// # Errors
    /// If the answer is above [`NetworkLimits::response`] or the network has stopped.
    pub fn respond(self, bytes: Bytes) -> Result<(), RespondError> {
        if bytes.len() > self.limit {
            return Err(RespondError::TooLarge {
                length: bytes.len(),
                limit: self.limit,
            });
        }
        self.reply.send(bytes).map_err(|_| RespondError::Stopped)
    }
}

/// Speaks to the network. Cheap to clone; the network stops when the last clone is dropped.
///
/// Methods wait only while the network's task is behind with earlier commands; the task itself
/// never waits for the host, so the two cannot block each other.
#[derive(Debug, Clone)]
pub struct NetworkHandle {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) counters: Arc<Counters>,
    pub(super) connected: watch::Receiver<BTreeSet<PeerId>>,
    pub(super) reached: watch::Receiver<BTreeSet<PeerId>>,
    pub(super) listening: watch::Receiver<Vec<Multiaddr>>,
    pub(super) local: PeerId,
    pub(super) limits: NetworkLimits,
}

impl NetworkHandle {
    /// Sends a consensus message to every connected validator. Dropped, and counted, for each one
    /// that is not connected or has too much waiting.
    ///
    /// # Errors
    /// If it is above [`NetworkLimits::consensus_message`] or the network has stopped.
    pub async fn broadcast(&self, bytes: Bytes) -> Result<(), SendError> {
        within(&bytes, self.limits.consensus_message)?;
        self.command(Command::Broadcast(bytes)).await
    }

    /// Sends a consensus message to one peer, validator or not. Dropped, and counted, if it is not
    /// connected or has too much waiting.
    ///
    /// # Errors
    /// If it is above [`NetworkLimits::consensus_message`] or the network has stopped.
    pub async fn send(&self, peer: PeerId, bytes: Bytes) -> Result<(), SendError> {
        within(&bytes, self.limits.consensus_message)?;
        self.command(Command::Send(peer, bytes)).await
    }

    /// Publishes a message. The same bytes published again within a minute are not sent again, unless peers have come
    /// or gone: then at most once more.
    ///
    /// # Errors
    /// If it is above [`NetworkLimits::gossip_message`] or the network has stopped.
    pub async fn gossip(&self, bytes: Bytes) -> Result<(), SendError> {
        within(&bytes, self.limits.gossip_message)?;
        self.command(Command::Gossip(bytes)).await
    }

    /// Asks a peer and waits for its answer.
    ///
    /// # Errors
    /// If the request is above [`NetworkLimits::request`], or no answer comes.
    pub async fn request(&self, peer: PeerId, bytes: Bytes) -> Result<Bytes, RequestError> {
        within(&bytes, self.limits.request)?;
        let (reply, answer) = oneshot::channel();
        self.command(Command::Request { peer, bytes, reply })
            .await?;
        answer
            .await
            .unwrap_or(Err(RequestError::NotSent(SendError::Stopped)))
    }

    /// Judges a received gossip message; only an accepted one is forwarded.
    ///
    /// # Errors
    /// If the network has stopped.
    pub async fn judge_gossip(
        &self,
        id: GossipId,
        acceptance: Acceptance,
    ) -> Result<(), SendError> {
        self.command(Command::JudgeGossip(id, acceptance)).await
    }

    /// Replaces the list of peers. Who is no longer on it is disconnected; who is new is dialed.
    ///
    /// # Errors
    /// If the network has stopped.
    pub async fn set_peers(&self, peers: Vec<Peer>) -> Result<(), SendError> {
        self.command(Command::SetPeers(peers)).await
    }

    /// Disconnects a listed peer whose messages are of no use, and turns it away for
    /// [`NetworkLimits::suspension`].
    ///
    /// # Errors
    /// If the network has stopped.
    pub async fn suspend(&self, peer: PeerId) -> Result<(), SendError> {
        self.command(Command::Suspend(peer)).await
    }

    /// Sends small consensus messages over several connections to each validator from now on, or no longer: what is
    /// late on one for a lost segment isn't on all. Receivers get them more than once.
    ///
    /// # Errors
    /// If the network has stopped.
    pub async fn use_several_ways(&self, several: bool) -> Result<(), SendError> {
        self.command(Command::SeveralWays(several)).await
    }

    /// Stops the network and returns once its connections are being closed and its sockets freed.
    pub async fn shutdown(&self) {
        // An error says that it has stopped already.
        let _ = self.command(Command::Shutdown).await;
        self.commands.closed().await;
    }

    /// The peers that can be talked to, kept up to date.
    pub fn connected(&self) -> watch::Receiver<BTreeSet<PeerId>> {
        self.connected.clone()
    }

    /// The peers that gossip reaches, kept up to date. What was published before a peer was among them didn't come to
    /// it.
    pub fn reached_by_gossip(&self) -> watch::Receiver<BTreeSet<PeerId>> {
        self.reached.clone()
    }

    /// The addresses listened on, with the ports that the system chose.
    pub fn listening(&self) -> Vec<Multiaddr> {
        self.listening.borrow().clone()
    }

    /// This node's network identity.
    pub fn local_peer_id(&self) -> PeerId {
        self.local
    }

    /// What passed through so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    async fn command(&self, command: Command) -> Result<(), SendError> {
        self.commands
            .send(command)
            .await
            .map_err(|_| SendError::Stopped)
    }
}

/// Refuses a message above its limit, here rather than at every peer.
fn within(bytes: &Bytes, limit: usize) -> Result<(), SendError> {
    let length = bytes.len();
    if length > limit {
        return Err(SendError::TooLarge { length, limit });
    }
    Ok(())
}
