//! Transactions between the pools: those that peers gossip are judged and taken in, those that
//! clients submit here are batched and gossiped, and what still waits is gossiped again (`again`).

pub(super) mod again;
mod outgoing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;
use touchstone_core::state::StateRead;
use touchstone_core::transaction::{MAX_ENVELOPE_BYTES, VerifiedTransaction};
use touchstone_core::{Fault, Rejection, encoding};
use touchstone_proto::peer;

pub use self::again::gossip_again;
use self::outgoing::Outgoing;
use super::Routes;
use super::in_turn::InTurn;
use crate::admission::Admission;
use crate::consensus_thread::{self, Inbox};
use crate::mempool::{PoolOutcome, SharedMempool, TOGETHER};
use crate::network::{Acceptance, GossipId, PeerId, QueueCharge};

/// Gossip messages whose signatures are being verified at once.
const VERIFYING: usize = 2;
/// Parts of gossip messages of one peer that wait for it or are being verified. What doesn't come in is lost until its
/// sender gossips it again, so that there is room for what a node gossips in seconds; votes have the other half of
/// what a peer may have queued.
pub(super) const PARTS_PER_PEER: usize = 256;
/// Bytes of a part. A message takes one at least, which bounds how many messages wait.
const PART_BYTES: usize = 64 << 10;
/// Bytes of a name by which messages that wait are told apart; no organisation has a longer one.
const NAME_BYTES: usize = 64;
/// Envelopes in one gossip message.
const ENVELOPES: usize = 1000;
/// Bytes of envelopes with which a gossip message is full.
const FULL_BYTES: usize = 256 << 10;
/// Bytes of one gossip message: almost full, one more envelope of any size, and the framing.
pub const MESSAGE_BYTES: usize = FULL_BYTES + MAX_ENVELOPE_BYTES + ENVELOPES * 8;
/// The pause between gossip messages: what comes meanwhile goes together. The first after a pause waits for no others.
const PAUSE: Duration = Duration::from_millis(5);
/// The pause while several come for one message, or many wait here for a block: few large messages cost less than many
/// small ones. Each costs every node what several transactions do, and a block has to wait for it.
const LONG_PAUSE: Duration = Duration::from_millis(20);
/// Transactions, or bytes of them, that are many.
const MANY: (usize, u64) = (256, 1 << 20);

/// Takes in what peers gossip. Each peer has a few messages that wait to be verified; more of them
/// are ignored, so that it neither delays others for long nor fills the memory. Those that wait are verified by
/// organisations in turn. Whose a message is, is its own word until then; a peer that gives a false one is held to
/// account for the signature.
pub struct Intake {
    routes: Routes,
    verifying: Arc<Semaphore>,
    pub(super) waiting: Arc<Mutex<InTurn<Incoming>>>,
    peers: HashMap<PeerId, Arc<Semaphore>>,
}

/// A gossip message that waits to be verified, with its peer's share and charge.
pub(super) struct Incoming {
    id: GossipId,
    from: PeerId,
    bytes: Bytes,
    share: OwnedSemaphorePermit,
    charge: QueueCharge,
}

impl Intake {
    /// Nothing under way.
    pub fn new(routes: Routes) -> Intake {
        Intake {
            routes,
            verifying: Arc::new(Semaphore::new(VERIFYING)),
            waiting: Arc::default(),
            peers: HashMap::new(),
        }
    }

    /// Verifies a message's transactions in the background, puts them in the pool and judges the
    /// message; gives its id back if it has to be ignored. The charge is kept meanwhile.
    pub fn take(
        &mut self,
        id: GossipId,
        from: PeerId,
        bytes: Bytes,
        charge: QueueCharge,
    ) -> Result<(), GossipId> {
        let Some(share) = self.share(from, bytes.len()) else {
            return Err(id);
        };
        let organisation = claimed_organisation(&bytes);
        let incoming = Incoming {
            id,
            from,
            bytes,
            share,
            charge,
        };
        lock(&self.waiting).push(organisation, incoming);
        let routes = self.routes.clone();
        let (verifying, waiting) = (self.verifying.clone(), self.waiting.clone());
        tokio::spawn(async move {
            let Ok(permit) = verifying.acquire_owned().await else {
                return;
            };
            // There are as many tasks as messages: each does the one whose turn it is.
            let Some(next) = lock(&waiting).take() else {
                return;
            };
            let Incoming {
                id,
                from,
                bytes,
                share,
                charge,
            } = next;
            let pool = routes.clone();
            let judged = tokio::task::spawn_blocking(move || take_in(&pool, &from, &bytes)).await;
            drop(permit);
            let acceptance = judged.unwrap_or(Acceptance::Ignore);
            // An error means that the network has stopped.
            let _ = routes.network.judge_gossip(id, acceptance).await;
            routes.inbox.put_transactions();
            drop((share, charge));
        });
        Ok(())
    }

    /// Room for one more message of a peer, of so many bytes, if it has not taken all of its own.
    pub(super) fn share(&mut self, peer: PeerId, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let shares = self.peers.entry(peer);
        let shares = shares.or_insert_with(|| Arc::new(Semaphore::new(PARTS_PER_PEER)));
        let parts = u32::try_from(bytes.div_ceil(PART_BYTES).max(1)).ok()?;
        shares.clone().try_acquire_many_owned(parts).ok()
    }

    /// Lets nothing be verified while it is held.
    #[cfg(test)]
    pub(super) async fn busy(&self) -> OwnedSemaphorePermit {
        let all = u32::try_from(VERIFYING).expect("a small number");
        let verifying = self.verifying.clone();
        verifying.acquire_many_owned(all).await.expect("it is open")
    }

    /// A peer has gone.
    pub fn forget(&mut self, peer: &PeerId) {
        self.peers.remove(peer);
    }
}

pub(super) fn lock(waiting: &Mutex<InTurn<Incoming>>) -> MutexGuard<'_, InTurn<Incoming>> {
    // It is whole between any two calls.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The organisation that a message's first transaction names; nothing where it has another form, which is refused soon.
fn claimed_organisation(message: &[u8]) -> String {
    // The first envelope, its body, and there the organisation.
    let named = first_field(message)
        .and_then(first_field)
        .and_then(first_field);
    let named = named.filter(|name| name.len() <= NAME_BYTES);
    String::from_utf8_lossy(named.unwrap_or_default()).into_owned()
}

/// The content of field 1 where a message begins with it.
fn first_field(mut message: &[u8]) -> Option<&[u8]> {
    let (1, WireType::LengthDelimited) = decode_key(&mut message).ok()? else {
        return None;
    };
    let length = usize::try_from(decode_varint(&mut message).ok()?).ok()?;
    message.get(..length)
}

fn take_in(routes: &Routes, from: &PeerId, bytes: &[u8]) -> Acceptance {
    let snapshot = routes.reader.snapshot();
    let (tip, now_ms) = (snapshot.tip(), consensus_thread::now_ms());
    let admission = Admission::new(&routes.chain_id, &snapshot, tip, now_ms, &routes.mempool);
    let mut told = |rejection: &Rejection| routes.refusals.note_transaction(*from, rejection);
    judge(&admission, bytes, &mut told).unwrap_or_else(|fault| {
        tracing::error!(%fault, "the store can't be read");
        routes.judge(fault);
        Acceptance::Ignore
    })
}

/// Takes in what can be, and judges the message. It is passed on only if each of its transactions
/// was verified here, now or before, so that an honest node never passes on what its neighbours
/// hold against it. It is held against its sender only where every honest node would have refused
/// it, whatever the state that it has reached.
fn judge<S: StateRead>(
    admission: &Admission<'_, S>,
    bytes: &[u8],
    told: &mut impl FnMut(&Rejection),
) -> Result<Acceptance, Fault> {
    if !fits(bytes) {
        return Ok(Acceptance::Reject);
    }
    let Ok(message) = encoding::decode_exact::<peer::Transactions>(bytes) else {
        return Ok(Acceptance::Reject);
    };
    let mut acceptance = Acceptance::Accept;
    for together in message.envelopes.chunks(TOGETHER) {
        for admitted in admission.admit_all(together) {
            let Err(rejection) = admitted? else {
                continue;
            };
            if !matches!(rejection, Rejection::AlreadyCommitted | Rejection::PoolFull) {
                told(&rejection);
            }
            if is_wrong_everywhere(&rejection) {
                return Ok(Acceptance::Reject);
            }
            acceptance = Acceptance::Ignore;
        }
    }
    Ok(acceptance)
}

/// Whether a transaction is refused for what it is, not for the state or the pool that it meets.
fn is_wrong_everywhere(rejection: &Rejection) -> bool {
    match rejection {
        Rejection::Malformed(_)
        | Rejection::SignatureCount { .. }
        | Rejection::NoAction
        | Rejection::BadSignature { .. } => true,
        Rejection::TransactionTooLarge { bytes, .. } => *bytes > MAX_ENVELOPE_BYTES as u64,
        _ => false,
    }
}

/// Counts a message's envelopes before room is made for them: 1 to [`ENVELOPES`], none of them
/// larger than any may be.
fn fits(mut bytes: &[u8]) -> bool {
    let mut count = 0;
    while !bytes.is_empty() {
        match decode_key(&mut bytes) {
            Ok((1, WireType::LengthDelimited)) => {}
            // The number of the attempt ends it.
            Ok((2, WireType::Varint)) => {
                return decode_varint(&mut bytes).is_ok() && bytes.is_empty() && count > 0;
            }
            _ => return false,
        }
        let Ok(length) = decode_varint(&mut bytes).map(usize::try_from) else {
            return false;
        };
        let Some(length) = length.ok().filter(|l| *l <= bytes.remaining()) else {
            return false;
        };
        bytes.advance(length);
        count += 1;
        if length > MAX_ENVELOPE_BYTES || count > ENVELOPES {
            return false;
        }
    }
    count > 0
}

/// Envelopes for one message.
#[derive(Default)]
struct Batch {
    message: peer::Transactions,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, envelope: Vec<u8>) {
        self.bytes += envelope.len();
        self.message.envelopes.push(envelope);
    }

    fn is_full(&self) -> bool {
        self.bytes >= FULL_BYTES || self.message.envelopes.len() >= ENVELOPES
    }

    /// The message of an attempt, if there is anything for it.
    fn take(&mut self, attempt: u32) -> Option<Vec<u8>> {
        let mut message = std::mem::take(self).message;
        message.attempt = attempt;
        (!message.envelopes.is_empty()).then(|| message.encode_to_vec())
    }

    async fn send(&mut self, routes: &Routes, attempt: u32) {
        if let Some(bytes) = self.take(attempt) {
            super::log(routes.network.gossip(bytes.into()).await);
        }
    }
}

/// Batches what clients submitted here, organisations in turn, and gossips it.
pub async fn gossip(routes: Routes, mut submitted: mpsc::Receiver<Arc<VerifiedTransaction>>) {
    let mut outgoing = Outgoing::default();
    let mut next = Instant::now();
    loop {
        if outgoing.is_empty() {
            match submitted.recv().await {
                Some(first) => outgoing.push(first),
                None => return,
            }
        }
        routes.inbox.put_transactions();
        gather(&routes.inbox, &mut outgoing, &mut submitted, next).await;
        let (mut batch, of_flood) = fill(&mut outgoing, &routes.mempool);
        let count = batch.message.envelopes.len();
        if count > 0 {
            batch.send(&routes, 0).await;
            next = Instant::now() + pause(&routes.mempool, of_flood || count > 1);
        }
    }
}

/// What still waits of what is to be sent, up to a message, and whether some of it is of a flood. What a block has
/// taken meanwhile the others have, too.
fn fill(outgoing: &mut Outgoing, pool: &SharedMempool) -> (Batch, bool) {
    let mut batch = Batch::default();
    let mut of_flood = false;
    while !batch.is_full()
        && let Some(transaction) = outgoing.take()
    {
        if !matches!(pool.outcome(transaction.id()), Some(PoolOutcome::Pending)) {
            continue;
        }
        of_flood = of_flood || pool.floods(transaction.organisation());
        batch.push(transaction.envelope().to_vec());
    }
    (batch, of_flood)
}

/// The pause after a message, of many transactions or not, also by what waits in the pool. What waits of another's
/// flood is no reason: others would wait for it.
fn pause(pool: &SharedMempool, is_many: bool) -> Duration {
    let (transactions, bytes) = pool.size_beside_a_flood();
    match is_many || transactions >= MANY.0 || bytes >= MANY.1 {
        true => LONG_PAUSE,
        false => PAUSE,
    }
}

/// Takes what is there: until a time or enough for a message, and beyond what is there at once. Consensus hears of each
/// meanwhile: where this node has the turn, a commit may take less than the pause.
async fn gather(
    inbox: &Inbox,
    outgoing: &mut Outgoing,
    submitted: &mut mpsc::Receiver<Arc<VerifiedTransaction>>,
    until: Instant,
) {
    let pause = tokio::time::sleep_until(until);
    tokio::pin!(pause);
    while !outgoing.is_full() {
        let is_enough = outgoing.bytes() >= FULL_BYTES;
        tokio::select! {
            biased;
            transaction = submitted.recv() => match transaction {
                Some(transaction) => {
                    outgoing.push(transaction);
                    inbox.put_transactions();
                }
                None => return,
            },
            () = std::future::ready(()), if is_enough => return,
            () = &mut pause => return,
        }
    }
}

#[cfg(test)]
mod tests;
