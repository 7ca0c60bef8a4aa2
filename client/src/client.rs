//! The light client: asks one node, believes none. Each method checks its answer before it gives
//! anything back; what can't be proven (a node's own status) says so in its name.

mod blocks;
mod organisations;
mod proposals;
mod submission;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use futures::future::BoxFuture;
use futures::stream::{StreamExt, TryStreamExt};
use tonic::transport::Channel;
use touchstone_core::evidence::{self, MAX_FILE_BYTES};
use touchstone_core::genesis::Genesis;
use touchstone_core::governance::validators::Validator;
use touchstone_core::hash::Hash;
use touchstone_core::proof::link;
use touchstone_core::state::keys;
use touchstone_core::transaction::VerifiedTransaction;
use touchstone_proto::ledger;
use touchstone_proto::node::ledger_client::LedgerClient;
use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{self, CertifiedHeader, StateReply};

pub use self::blocks::Blocks;
pub use self::proposals::Proposal;
use crate::as_of::AsOf;
use crate::attested_header::AttestedHeader;
use crate::cache::Cache;
use crate::connection::{open, within};
use crate::error::ClientError;
use crate::verification::{NotVerified, Trust};

/// Items asked for at once.
const AT_ONCE: usize = 16;

/// How long a node may take to reach what was proven before.
const CATCHES_UP: Duration = Duration::from_secs(5);
const ASKS_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// A page of an item's events.
pub struct Page {
    /// The header that proves the record.
    pub attested: AttestedHeader,
    /// The record; `None` where the item is proven to have none.
    pub record: Option<ledger::Item>,
    /// Events, unchecked: the caller checks the page, or the link as a whole.
    pub events: Vec<node::LinkedEvent>,
    /// What proves the page under the same header, unchecked.
    pub proof: node::PageProof,
}

/// Who signs: an organisation, and its key.
pub struct Signer {
    /// The organisation's id.
    pub organisation: String,
    /// Its key.
    pub key: SigningKey,
}

/// How a client works.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long an answer may take.
    pub timeout: Duration,
    /// PEM file of the certificates that an https node's is to lead to; without it, the system's.
    pub tls_roots: Option<PathBuf>,
    /// What was verified before, and will be.
    pub cache: Option<Cache>,
    /// Where account is kept of the blocks that answers are as of.
    pub as_of: AsOf,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            timeout: Duration::from_secs(30),
            tls_roots: None,
            cache: None,
            as_of: AsOf::default(),
        }
    }
}

/// A connection to one node, and what is trusted.
pub struct Client {
    ledger: LedgerClient<Channel>,
    trust: Trust,
    timeout: Duration,
    names: BTreeMap<String, String>,
    cache: Option<Cache>,
}

/// A transaction that is proven to stand in a block.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its id.
    pub id: Hash,
    /// The block that holds it.
    pub attested: AttestedHeader,
    /// Index in the block.
    pub index: u32,
    /// The transaction itself.
    pub transaction: VerifiedTransaction,
}

/// What became of a transaction.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The node doesn't know it.
    Unknown,
    /// It waits for a block.
    Pending,
    /// It is in a block.
    Recorded(Box<Recorded>),
    /// A rule refuses it (the node's word).
    Rejected(node::Rejected),
}

/// The newest block that was verified is remembered.
impl Drop for Client {
    fn drop(&mut self) {
        self.remember();
    }
}

impl Client {
    /// Connects, and follows the validators from genesis, or from what the cache remembers, to today.
    pub async fn connect(
        url: &str,
        genesis: Genesis,
        options: Options,
    ) -> Result<Client, ClientError> {
        let Options {
            timeout,
            tls_roots,
            cache,
            as_of,
        } = options;
        let ledger = open(url, timeout, tls_roots.as_deref()).await?;
        let names = genesis
            .document
            .organisations
            .iter()
            .map(|o| (o.id.clone(), o.name.clone()))
            .collect();
        let mut trust = Trust::new(genesis).with_account(as_of);
        if let Some(cache) = &cache {
            // What doesn't verify is as good as missing.
            let _ = trust.follow(&cache.read());
        }
        let mut client = Client {
            ledger,
            trust,
            timeout,
            names,
            cache,
        };
        client.follow().await?;
        if let Some(header) = client.cache.as_ref().and_then(Cache::read_newest) {
            // As above; no answer is taken from below it.
            let _ = client.trust.header(Some(&header));
        }
        Ok(client)
    }

    /// Keeps the newest block that was proven for later runs: none of them is answered from below it.
    pub fn remember(&self) {
        if let (Some(cache), Some(newest)) = (&self.cache, self.trust.newest()) {
            cache.write_newest(&newest);
        }
    }

    /// Asks a question about the state, and checks the answer. Where the node is below what was proven
    /// before, it is asked again for a short time.
    async fn current<R, T, Asked>(
        &mut self,
        ask: impl Fn(LedgerClient<Channel>) -> Asked,
        headers: impl Fn(&R) -> Vec<CertifiedHeader>,
        check: impl Fn(&Trust, &R) -> Result<T, NotVerified>,
    ) -> Result<(T, R), ClientError>
    where
        Asked: Future<Output = Result<tonic::Response<R>, tonic::Status>>,
    {
        let asked_first = Instant::now();
        loop {
            let reply = within(self.timeout, ask(self.ledger.clone())).await?;
            for header in headers(&reply) {
                self.catch_up(Some(&header)).await?;
            }
            match check(&self.trust, &reply) {
                Ok(checked) => return Ok((checked, reply)),
                Err(NotVerified::Behind { .. })
                    if asked_first.elapsed() < CATCHES_UP.min(self.timeout) =>
                {
                    tokio::time::sleep(ASKS_AGAIN_AFTER).await;
                }
                Err(wrong) => return Err(wrong.into()),
            }
        }
    }

    /// What is trusted.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// As of which blocks the answers about the state are.
    pub fn as_of(&self) -> &AsOf {
        self.trust.as_of()
    }

    /// The raw service, for streams of submissions. Its answers are unchecked.
    pub fn raw(&self) -> LedgerClient<Channel> {
        self.ledger.clone()
    }

    /// Whether there is a block that could prove anything; by the node's own word, where none was proven.
    pub async fn has_blocks(&self) -> Result<bool, ClientError> {
        Ok(self.trust.proven_height() > 0 || self.status().await?.height > 0)
    }

    /// Makes sure that the node is as far as what was proven before.
    async fn reach_proven(&mut self) -> Result<(), ClientError> {
        if self.has_blocks().await? {
            self.validators().await?;
        }
        Ok(())
    }

    /// What the node says of itself. Its own word.
    pub async fn status(&self) -> Result<node::NodeStatus, ClientError> {
        let mut ledger = self.ledger.clone();
        let request = node::GetStatusRequest {};
        within(self.timeout, ledger.get_status(request)).await
    }

    /// Evidence of double signing, each piece checked; the validator that it convicts stands beside it. That
    /// there is no more is the node's word, as of a block that isn't below what was proven.
    pub async fn misbehaviour(
        &mut self,
    ) -> Result<Vec<(node::Misbehaviour, Validator)>, ClientError> {
        self.reach_proven().await?;
        let mut ledger = self.ledger.clone();
        let request = node::GetMisbehaviourRequest {};
        let reply = within(self.timeout, ledger.get_misbehaviour(request)).await?;
        let mut checked = Vec::with_capacity(reply.evidence.len());
        for evidence in reply.evidence {
            let validator = self.trust.misbehaviour(&evidence)?;
            checked.push((evidence, validator));
        }
        Ok(checked)
    }

    /// Time stamps that the node keeps of blocks from a height on, after one of its own list. Unchecked; as of
    /// a block that isn't below what was proven.
    pub async fn checkpoints(
        &mut self,
        request: node::ListCheckpointsRequest,
    ) -> Result<Vec<node::StampedRange>, ClientError> {
        self.reach_proven().await?;
        let mut ledger = self.ledger.clone();
        let reply = within(self.timeout, ledger.list_checkpoints(request)).await?;
        Ok(reply.checkpoints)
    }

    /// How long an answer may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// An evidence file, as the node writes it; its anchor isn't below what was proven. The rest is
    /// unchecked: an examination names what is wrong.
    pub async fn evidence(
        &mut self,
        request: node::GetEvidenceRequest,
    ) -> Result<Vec<u8>, ClientError> {
        let asked_first = Instant::now();
        loop {
            let bytes = self.evidence_file(request.clone()).await?;
            let anchor = evidence::open(&bytes).ok().and_then(|file| file.anchor);
            self.catch_up(anchor.as_ref()).await?;
            match self.trust.tip(anchor.as_ref()) {
                Err(NotVerified::Behind { .. })
                    if asked_first.elapsed() < CATCHES_UP.min(self.timeout) =>
                {
                    tokio::time::sleep(ASKS_AGAIN_AFTER).await;
                }
                Err(behind @ NotVerified::Behind { .. }) => return Err(behind.into()),
                Ok(_) | Err(_) => return Ok(bytes),
            }
        }
    }

    async fn evidence_file(
        &self,
        request: node::GetEvidenceRequest,
    ) -> Result<Vec<u8>, ClientError> {
        let mut ledger = self.ledger.clone();
        let mut pieces = within(self.timeout, ledger.get_evidence(request)).await?;
        let mut bytes = Vec::new();
        loop {
            let next = tokio::time::timeout(self.timeout, pieces.message()).await;
            let Some(piece) = next.map_err(|_| ClientError::TooLate(self.timeout))?? else {
                return Ok(bytes);
            };
            bytes.extend(piece.bytes);
            if bytes.len() > MAX_FILE_BYTES {
                return Err(ClientError::Broken(
                    "sends more than an evidence file can have",
                ));
            }
        }
    }

    /// A trace, as the node tells it. Unchecked, but for the node's being as far as what was proven.
    pub async fn trace(&mut self, request: node::TraceRequest) -> Result<Traces, ClientError> {
        self.reach_proven().await?;
        let mut ledger = self.ledger.clone();
        let replies = within(self.timeout, ledger.trace(request)).await?;
        Ok(Traces {
            replies,
            timeout: self.timeout,
        })
    }

    /// Asks for the hand-overs since the last one known, follows them and remembers them.
    pub async fn follow(&mut self) -> Result<(), ClientError> {
        let mut trust = self.trust.clone();
        self.follow_on(&mut trust).await?;
        self.take_over(trust);
        Ok(())
    }

    async fn follow_on(&self, trust: &mut Trust) -> Result<(), ClientError> {
        let mut ledger = self.ledger.clone();
        loop {
            let request = node::GetHandoversRequest {
                from_height: trust.era_begins(),
            };
            let reply = within(self.timeout, ledger.get_handovers(request)).await?;
            if reply.handovers.is_empty() {
                return Ok(());
            }
            trust.follow(&reply.handovers)?;
        }
    }

    fn take_over(&mut self, trust: Trust) {
        let more = trust.handovers().len() > self.trust.handovers().len();
        self.trust = trust;
        if let Some(cache) = self.cache.as_ref().filter(|_| more) {
            cache.write(self.trust.handovers());
        }
    }

    /// Follows hand-overs again if a header names validators that aren't known for its height.
    async fn catch_up(&mut self, certified: Option<&CertifiedHeader>) -> Result<(), ClientError> {
        if self.trust.knows_validators_of(certified) {
            return Ok(());
        }
        self.follow().await
    }

    /// The message at a key of the state, asked for in one of the ways that there are.
    async fn record<R, M, Asked>(
        &mut self,
        key: &[u8],
        ask: impl Fn(LedgerClient<Channel>) -> Asked,
        record: impl Fn(&R) -> Option<&StateReply>,
    ) -> Result<(AttestedHeader, Option<M>, R), ClientError>
    where
        M: prost::Message + Default,
        Asked: Future<Output = Result<tonic::Response<R>, tonic::Status>>,
    {
        let check = |trust: &Trust, reply: &R| trust.record(key, record(reply));
        let ((attested, message), reply) = self
            .current(ask, |reply| headers(record(reply)), check)
            .await?;
        Ok((attested, message, reply))
    }

    /// One page of an item's events from number `from` on, counted from 0; a `limit` of 0 leaves their
    /// number to the node.
    pub async fn item_page(
        &mut self,
        id: &str,
        from: u64,
        limit: u32,
    ) -> Result<Page, ClientError> {
        let request = node::GetItemRequest {
            id: id.to_owned(),
            from,
            limit,
        };
        let ask = |mut ledger: LedgerClient<Channel>| {
            let request = request.clone();
            async move { ledger.get_item(request).await }
        };
        let check = |trust: &Trust, reply: &node::ItemReply| check_page(trust, id, from, reply);
        let ((attested, record), reply) = self
            .current(ask, |reply| headers(reply.record.as_ref()), check)
            .await?;
        Ok(Page::new(attested, record, reply))
    }

    /// The first pages of several items, asked for at once.
    pub async fn first_pages(&mut self, ids: &[String]) -> Result<Vec<Page>, ClientError> {
        let asked = ids.iter().map(|id| {
            let request = node::GetItemRequest {
                id: id.to_owned(),
                from: 0,
                limit: 0,
            };
            let mut ledger = self.ledger.clone();
            let timeout = self.timeout;
            async move { within(timeout, ledger.get_item(request)).await }
        });
        let replies: Vec<node::ItemReply> = futures::stream::iter(asked)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut pages = Vec::with_capacity(ids.len());
        for (id, reply) in ids.iter().zip(replies) {
            let header = reply.record.as_ref().and_then(|r| r.header.as_ref());
            self.catch_up(header).await?;
            pages.push(match check_page(&self.trust, id, 0, &reply) {
                Ok((attested, record)) => Page::new(attested, record, reply),
                // A block came between the answers.
                Err(NotVerified::Behind { .. }) => self.item_page(id, 0, 0).await?,
                Err(wrong) => return Err(wrong.into()),
            });
        }
        Ok(pages)
    }

    /// A design's record, or proof that there is none.
    pub async fn design(
        &mut self,
        id: &Hash,
    ) -> Result<(AttestedHeader, Option<ledger::Design>), ClientError> {
        let ask = |mut ledger: LedgerClient<Channel>| {
            let request = node::GetDesignRequest { id: id.to_vec() };
            async move { ledger.get_design(request).await }
        };
        let (attested, design, _) = self
            .record(&keys::design(id), ask, |reply| reply.record.as_ref())
            .await?;
        Ok((attested, design))
    }

    /// All disclosures of a file, complete: all pages, then one check over all of them.
    pub async fn designs_by_file(
        &mut self,
        sha256: &Hash,
    ) -> Result<(AttestedHeader, Vec<ledger::LinkEntry>), ClientError> {
        let key = keys::design_file(sha256);
        let mut entries: Vec<Vec<u8>> = Vec::new();
        loop {
            let from = entries.len() as u64;
            let ask = |mut ledger: LedgerClient<Channel>| {
                let request = node::GetDesignsByFileRequest {
                    sha256: sha256.to_vec(),
                    from,
                    limit: 0,
                };
                async move { ledger.get_designs_by_file(request).await }
            };
            let (attested, file, reply): (_, Option<ledger::DesignFile>, _) = self
                .record(&key, ask, |reply| reply.record.as_ref())
                .await?;
            if reply.from != from {
                return Err(contradiction("another page than asked for"));
            }
            let link = file.and_then(|f| f.link).unwrap_or_else(link::empty);
            let is_last = reply.entries.is_empty();
            entries.extend(reply.entries);
            // The last page's record proves all pages: a link only grows.
            if is_last || entries.len() as u64 >= link.count {
                let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
                let decoded = link::verify_entries(&link, &entries).map_err(NotVerified::from)?;
                return Ok((attested, decoded));
            }
        }
    }

    /// The record of a change of the consortium, or proof that nobody approved it yet.
    pub async fn change(
        &mut self,
        id: &Hash,
    ) -> Result<(AttestedHeader, Option<ledger::ChangeRecord>), ClientError> {
        let ask = |mut ledger: LedgerClient<Channel>| {
            let request = node::GetChangeRequest { id: id.to_vec() };
            async move { ledger.get_change(request).await }
        };
        let key = keys::change(id);
        let (attested, record, _) = self.record(&key, ask, |reply| Some(reply)).await?;
        Ok((attested, record))
    }

    /// The value at any key of the state, or proof that there is none.
    pub async fn state_value(
        &mut self,
        key: &[u8],
    ) -> Result<(AttestedHeader, Option<Vec<u8>>), ClientError> {
        let check = |trust: &Trust, reply: &StateReply| {
            let (attested, value) = trust.state(key, Some(reply))?;
            Ok((attested, value.map(<[u8]>::to_vec)))
        };
        let (found, _) = self
            .current(record_at(key), |reply| headers(Some(reply)), check)
            .await?;
        Ok(found)
    }

    /// The message at any key of the state, or proof that there is none.
    pub async fn message<M: prost::Message + Default>(
        &mut self,
        key: &[u8],
    ) -> Result<(AttestedHeader, Option<M>), ClientError> {
        let (attested, message, _) = self
            .record(key, record_at(key), |reply| Some(reply))
            .await?;
        Ok((attested, message))
    }

    /// Today's validators.
    pub async fn validators(&mut self) -> Result<AttestedHeader, ClientError> {
        let ask = |mut ledger: LedgerClient<Channel>| {
            let request = node::GetValidatorsRequest {};
            async move { ledger.get_validators(request).await }
        };
        let headers = |reply: &node::ValidatorsReply| reply.header.iter().cloned().collect();
        let (attested, _) = self.current(ask, headers, Trust::validators).await?;
        Ok(attested)
    }

    /// What became of a transaction. "Recorded" is proven, the rest is the node's word, as of a block that
    /// isn't below what was proven.
    pub async fn transaction(&mut self, id: &Hash) -> Result<Outcome, ClientError> {
        self.reach_proven().await?;
        self.outcome(id).await
    }

    /// What became of a transaction of one's own, which a node that is behind may not know yet.
    pub async fn outcome(&mut self, id: &Hash) -> Result<Outcome, ClientError> {
        let mut ledger = self.ledger.clone();
        let request = node::GetTransactionRequest {
            id: id.to_vec(),
            with_proof: true,
        };
        let reply = match within(self.timeout, ledger.get_transaction(request)).await {
            Err(error) if error.is_not_found() => return Ok(Outcome::Unknown),
            other => other?,
        };
        if reply.id != id {
            return Err(contradiction("the status is of another transaction"));
        }
        match reply.status {
            Some(Status::Unknown(_)) => Ok(Outcome::Unknown),
            Some(Status::Pending(_)) => Ok(Outcome::Pending),
            Some(Status::Rejected(rejected)) => Ok(Outcome::Rejected(rejected)),
            Some(Status::Committed(committed)) => {
                let proof = committed.proof.as_ref();
                self.catch_up(proof.and_then(|p| p.header.as_ref())).await?;
                let (attested, transaction) = self.trust.transaction(id, proof)?;
                Ok(Outcome::Recorded(Box::new(Recorded {
                    id: *id,
                    attested,
                    index: proof.map_or(0, |p| p.index),
                    transaction,
                })))
            }
            None => Err(NotVerified::Missing("status").into()),
        }
    }
}

impl Page {
    fn new(attested: AttestedHeader, record: Option<ledger::Item>, reply: node::ItemReply) -> Page {
        Page {
            attested,
            record,
            events: reply.events,
            proof: reply.proof.unwrap_or_default(),
        }
    }
}

fn check_page(
    trust: &Trust,
    id: &str,
    from: u64,
    reply: &node::ItemReply,
) -> Result<(AttestedHeader, Option<ledger::Item>), NotVerified> {
    let checked = trust.record(&keys::item(id), reply.record.as_ref())?;
    match reply.from == from {
        true => Ok(checked),
        false => Err(NotVerified::Contradiction(
            "another page than asked for".into(),
        )),
    }
}

fn headers(reply: Option<&StateReply>) -> Vec<CertifiedHeader> {
    let header = reply.and_then(|r| r.header.clone());
    header.into_iter().collect()
}

/// Asks for the value at a key.
fn record_at(
    key: &[u8],
) -> impl Fn(
    LedgerClient<Channel>,
) -> BoxFuture<'static, Result<tonic::Response<StateReply>, tonic::Status>> {
    let request = node::GetRecordRequest { key: key.to_vec() };
    move |mut ledger| {
        let request = request.clone();
        Box::pin(async move { ledger.get_record(request).await })
    }
}

/// The pieces of a trace.
pub struct Traces {
    replies: tonic::Streaming<node::TraceReply>,
    timeout: Duration,
}

impl Traces {
    /// The next piece; none after the last.
    pub async fn next(&mut self) -> Result<Option<node::TraceReply>, ClientError> {
        let next = tokio::time::timeout(self.timeout, self.replies.message()).await;
        Ok(next.map_err(|_| ClientError::TooLate(self.timeout))??)
    }
}

fn contradiction(what: &str) -> ClientError {
    NotVerified::Contradiction(what.to_owned()).into()
}
