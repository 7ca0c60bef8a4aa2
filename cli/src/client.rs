//! The light client: asks one node, believes none. Each method checks its answer before it gives
//! anything back; what can't be proven (a node's own status) says so in its name.

mod submission;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use futures::stream::{StreamExt, TryStreamExt};
use tonic::transport::{Channel, Endpoint};
use touchstone_core::evidence::MAX_FILE_BYTES;
use touchstone_core::genesis::Genesis;
use touchstone_core::hash::Hash;
use touchstone_core::proof::link;
use touchstone_core::state::keys;
use touchstone_core::transaction::VerifiedTransaction;
use touchstone_proto::ledger;
use touchstone_proto::node::ledger_client::LedgerClient;
use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{self, CertifiedHeader, StateReply};

use crate::cache::Cache;
use crate::failure::Failure;
use crate::verify::{Attested, NotVerified, Trust};

/// Largest answer that is read; a page of an item's events stays well below.
const MAX_ANSWER_BYTES: usize = 64 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const KEEPALIVE: Duration = Duration::from_secs(20);

/// Items asked for at once.
const AT_ONCE: usize = 16;

/// A page of an item's events.
pub struct Page {
    /// The header that proves the record.
    pub attested: Attested,
    /// The record; `None` where the item is proven to have none.
    pub record: Option<ledger::Item>,
    /// Events, unchecked: the caller checks the page, or the link as a whole.
    pub events: Vec<node::LinkedEvent>,
    /// What proves the page under the same header, unchecked.
    pub proof: node::PageProof,
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
    pub attested: Attested,
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
        if let (Some(cache), Some(newest)) = (&self.cache, self.trust.newest()) {
            cache.write_newest(&newest);
        }
    }
}

impl Client {
    /// Connects, and follows the validators from genesis, or from what the cache remembers, to today.
    pub async fn connect(
        url: &str,
        timeout: Duration,
        genesis: Genesis,
        cache: Option<Cache>,
    ) -> Result<Client, Failure> {
        let ledger = open(url, timeout).await?;
        let names = genesis
            .document
            .organisations
            .iter()
            .map(|o| (o.id.clone(), o.name.clone()))
            .collect();
        let mut trust = Trust::new(genesis);
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
            // As above; it tells whether a node is behind what another one showed before.
            let _ = client.trust.header(Some(&header));
        }
        Ok(client)
    }

    /// What is trusted.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The raw service, for streams. Its answers are unchecked.
    pub fn raw(&self) -> LedgerClient<Channel> {
        self.ledger.clone()
    }

    /// Height of the last block, by the node's own word; 0 where no block exists that could prove
    /// anything.
    pub async fn claimed_height(&self) -> Result<u64, Failure> {
        let mut ledger = self.ledger.clone();
        let request = node::GetStatusRequest {};
        Ok(within(self.timeout, ledger.get_status(request))
            .await?
            .height)
    }

    /// How long an answer may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// An evidence file, as the node writes it. Unchecked.
    pub async fn evidence(&self, request: node::GetEvidenceRequest) -> Result<Vec<u8>, Failure> {
        let mut ledger = self.ledger.clone();
        let mut pieces = within(self.timeout, ledger.get_evidence(request)).await?;
        let mut bytes = Vec::new();
        loop {
            let next = tokio::time::timeout(self.timeout, pieces.message()).await;
            let Some(piece) = next.map_err(|_| too_late(self.timeout))?? else {
                return Ok(bytes);
            };
            bytes.extend(piece.bytes);
            if bytes.len() > MAX_FILE_BYTES {
                return Err(Failure::Unreachable(
                    "the node sends more than an evidence file can have".into(),
                ));
            }
        }
    }

    /// A trace, as the node tells it. Unchecked.
    pub async fn trace(&self, request: node::TraceRequest) -> Result<Traces, Failure> {
        let mut ledger = self.ledger.clone();
        let replies = within(self.timeout, ledger.trace(request)).await?;
        Ok(Traces {
            replies,
            timeout: self.timeout,
        })
    }

    /// Asks for the hand-overs since the last one known, follows them and remembers them.
    pub async fn follow(&mut self) -> Result<(), Failure> {
        let mut trust = self.trust.clone();
        self.follow_on(&mut trust).await?;
        self.take_over(trust);
        Ok(())
    }

    async fn follow_on(&self, trust: &mut Trust) -> Result<(), Failure> {
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
    async fn catch_up(&mut self, certified: Option<&CertifiedHeader>) -> Result<(), Failure> {
        if self.trust.knows_validators_of(certified) {
            return Ok(());
        }
        self.follow().await
    }

    /// Checks an answer about one key of the state.
    pub async fn record<M: prost::Message + Default>(
        &mut self,
        key: &[u8],
        reply: Option<&StateReply>,
    ) -> Result<(Attested, Option<M>), Failure> {
        self.catch_up(reply.and_then(|r| r.header.as_ref())).await?;
        Ok(self.trust.record(key, reply)?)
    }

    /// Checks an answer about one key of the state; gives its bytes.
    pub async fn value(
        &mut self,
        key: &[u8],
        reply: &StateReply,
    ) -> Result<Option<Vec<u8>>, Failure> {
        self.catch_up(reply.header.as_ref()).await?;
        let (_, value) = self.trust.state(key, Some(reply))?;
        Ok(value.map(<[u8]>::to_vec))
    }

    /// One page of an item's events from number `from` on, counted from 0; a `limit` of 0 leaves their
    /// number to the node.
    pub async fn item_page(&mut self, id: &str, from: u64, limit: u32) -> Result<Page, Failure> {
        let reply = item_reply(self.ledger.clone(), self.timeout, id, from, limit).await?;
        self.checked_page(id, from, reply).await
    }

    /// The first pages of several items, asked for at once.
    pub async fn first_pages(&mut self, ids: &[String]) -> Result<Vec<Page>, Failure> {
        let asked = ids.iter().map(|id| {
            let ledger = self.ledger.clone();
            item_reply(ledger, self.timeout, id, 0, 0)
        });
        let replies: Vec<node::ItemReply> = futures::stream::iter(asked)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut pages = Vec::with_capacity(ids.len());
        for (id, reply) in ids.iter().zip(replies) {
            pages.push(self.checked_page(id, 0, reply).await?);
        }
        Ok(pages)
    }

    async fn checked_page(
        &mut self,
        id: &str,
        from: u64,
        reply: node::ItemReply,
    ) -> Result<Page, Failure> {
        let (attested, record) = self.record(&keys::item(id), reply.record.as_ref()).await?;
        if reply.from != from {
            return Err(contradiction("another page than asked for"));
        }
        Ok(Page {
            attested,
            record,
            events: reply.events,
            proof: reply.proof.unwrap_or_default(),
        })
    }

    /// A design's record, or proof that there is none.
    pub async fn design(
        &mut self,
        id: &Hash,
    ) -> Result<(Attested, Option<ledger::Design>), Failure> {
        let mut ledger = self.ledger.clone();
        let request = node::GetDesignRequest { id: id.to_vec() };
        let reply = within(self.timeout, ledger.get_design(request)).await?;
        self.record(&keys::design(id), reply.record.as_ref()).await
    }

    /// All disclosures of a file, complete: all pages, then one check over all of them.
    pub async fn designs_by_file(
        &mut self,
        sha256: &Hash,
    ) -> Result<(Attested, Vec<ledger::LinkEntry>), Failure> {
        let key = keys::design_file(sha256);
        let mut entries: Vec<Vec<u8>> = Vec::new();
        loop {
            let from = entries.len() as u64;
            let request = node::GetDesignsByFileRequest {
                sha256: sha256.to_vec(),
                from,
                limit: 0,
            };
            let mut ledger = self.ledger.clone();
            let reply = within(self.timeout, ledger.get_designs_by_file(request)).await?;
            let (attested, record) = self
                .record::<ledger::DesignFile>(&key, reply.record.as_ref())
                .await?;
            if reply.from != from {
                return Err(contradiction("another page than asked for"));
            }
            let link = record.and_then(|r| r.link).unwrap_or_else(link::empty);
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

    /// An organisation's record, or proof that there is none.
    pub async fn organisation(
        &mut self,
        id: &str,
    ) -> Result<(Attested, Option<ledger::Organisation>), Failure> {
        let mut ledger = self.ledger.clone();
        let request = node::GetOrganisationRequest { id: id.to_owned() };
        let reply = within(self.timeout, ledger.get_organisation(request)).await?;
        self.record(&keys::organisation(id), Some(&reply)).await
    }

    /// The record of a change of the consortium, or proof that nobody approved it yet.
    pub async fn change(
        &mut self,
        id: &Hash,
    ) -> Result<(Attested, Option<ledger::ChangeRecord>), Failure> {
        let mut ledger = self.ledger.clone();
        let request = node::GetChangeRequest { id: id.to_vec() };
        let reply = within(self.timeout, ledger.get_change(request)).await?;
        self.record(&keys::change(id), Some(&reply)).await
    }

    /// The value at any key of the state, or proof that there is none.
    pub async fn state_value(
        &mut self,
        key: &[u8],
    ) -> Result<(Attested, Option<Vec<u8>>), Failure> {
        let mut ledger = self.ledger.clone();
        let request = node::GetRecordRequest { key: key.to_vec() };
        let reply = within(self.timeout, ledger.get_record(request)).await?;
        self.catch_up(reply.header.as_ref()).await?;
        let (attested, value) = self.trust.state(key, Some(&reply))?;
        Ok((attested, value.map(<[u8]>::to_vec)))
    }

    /// The message at any key of the state, or proof that there is none.
    pub async fn message<M: prost::Message + Default>(
        &mut self,
        key: &[u8],
    ) -> Result<(Attested, Option<M>), Failure> {
        let mut ledger = self.ledger.clone();
        let request = node::GetRecordRequest { key: key.to_vec() };
        let reply = within(self.timeout, ledger.get_record(request)).await?;
        self.record(key, Some(&reply)).await
    }

    /// An organisation's name: from genesis, else from its record, else its id.
    pub async fn name(&mut self, id: &str) -> Result<String, Failure> {
        if let Some(name) = self.names.get(id) {
            return Ok(name.clone());
        }
        let name = match self.organisation(id).await? {
            (_, Some(record)) => record.name,
            (_, None) => id.to_owned(),
        };
        self.names.insert(id.to_owned(), name.clone());
        Ok(name)
    }

    /// Today's validators.
    pub async fn validators(&mut self) -> Result<Attested, Failure> {
        let mut ledger = self.ledger.clone();
        let request = node::GetValidatorsRequest {};
        let reply = within(self.timeout, ledger.get_validators(request)).await?;
        self.catch_up(reply.header.as_ref()).await?;
        Ok(self.trust.validators(&reply)?)
    }

    /// A block's header, and its envelopes where they are asked for.
    pub async fn block(
        &mut self,
        height: u64,
        with_transactions: bool,
    ) -> Result<(Attested, Vec<Vec<u8>>), Failure> {
        let request = node::GetBlockRequest {
            block: Some(node::get_block_request::Block::Height(height)),
            with_transactions,
            with_proof: false,
        };
        let mut ledger = self.ledger.clone();
        let reply = within(self.timeout, ledger.get_block(request)).await?;
        let attested = self.checked_block(&reply, with_transactions).await?;
        if attested.header.height != height {
            return Err(contradiction("another block than asked for"));
        }
        Ok((attested, reply.transactions))
    }

    /// A block's header, and the later one under whose state its id is proven: whoever came to hold old
    /// validators' keys can't make another. The last block has no later one.
    pub async fn past_block(
        &mut self,
        height: u64,
    ) -> Result<(Attested, Option<Attested>), Failure> {
        // The last block may stop being the last between two questions, once.
        for _ in 0..2 {
            let request = node::GetBlockRequest {
                block: Some(node::get_block_request::Block::Height(height)),
                with_transactions: false,
                with_proof: true,
            };
            let mut ledger = self.ledger.clone();
            let reply = match within(self.timeout, ledger.get_block(request)).await {
                Err(Failure::NotFound(_)) => return Err(self.no_block(height).await),
                other => other?,
            };
            let attested = self.checked_block(&reply, false).await?;
            if attested.header.height != height {
                return Err(contradiction("another block than asked for"));
            }
            if let Some(proof) = &reply.proof {
                self.catch_up(proof.header.as_ref()).await?;
                let later = self.trust.past_block(&attested.header, proof)?;
                return Ok((attested, Some(later)));
            }
            if self.validators().await?.header.height <= height {
                return Ok((attested, None));
            }
        }
        Err(NotVerified::Missing("proof of the block's id under a later header").into())
    }

    /// Why a node gives no block at a height.
    async fn no_block(&mut self, height: u64) -> Failure {
        match self.validators().await {
            Ok(newest) if height > newest.header.height => Failure::NotFound(format!(
                "no block at height {height} yet; the last is {}",
                newest.header.height
            )),
            Ok(_) if height > 0 => contradiction("the node denies a block before its last one"),
            Ok(_) => Failure::NotFound("the first block has height 1".into()),
            Err(failure) => failure,
        }
    }

    /// Checks a block from a stream.
    pub async fn checked_block(
        &mut self,
        reply: &node::BlockReply,
        with_transactions: bool,
    ) -> Result<Attested, Failure> {
        self.catch_up(reply.header.as_ref()).await?;
        Ok(self.trust.block(reply, with_transactions)?)
    }

    /// What became of a transaction. "Recorded" is proven, the rest is the node's word.
    pub async fn transaction(&mut self, id: &Hash) -> Result<Outcome, Failure> {
        let mut ledger = self.ledger.clone();
        let request = node::GetTransactionRequest {
            id: id.to_vec(),
            with_proof: true,
        };
        let reply = match within(self.timeout, ledger.get_transaction(request)).await {
            Err(Failure::NotFound(_)) => return Ok(Outcome::Unknown),
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

/// The pieces of a trace.
pub struct Traces {
    replies: tonic::Streaming<node::TraceReply>,
    timeout: Duration,
}

impl Traces {
    /// The next piece; none after the last.
    pub async fn next(&mut self) -> Result<Option<node::TraceReply>, Failure> {
        let next = tokio::time::timeout(self.timeout, self.replies.message()).await;
        Ok(next.map_err(|_| too_late(self.timeout))??)
    }
}

/// Opens a channel; the first call connects.
pub async fn open(url: &str, timeout: Duration) -> Result<LedgerClient<Channel>, Failure> {
    if !url.starts_with("http://") {
        return Err(Failure::Usage(format!(
            "--node {url:?} is no address of a node; write http://HOST:PORT"
        )));
    }
    let endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(|e| Failure::Usage(format!("--node {url:?}: {e}; write http://HOST:PORT")))?
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true);
    let channel = endpoint.connect().await.map_err(|e| {
        let cause = std::error::Error::source(&e).map(|c| format!(": {c}"));
        Failure::Unreachable(format!(
            "no connection to the node at {url}{}; is it running, and is --node right?",
            cause.unwrap_or_default()
        ))
    })?;
    Ok(LedgerClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES))
}

/// One answer within the time allowed.
pub async fn within<T>(
    timeout: Duration,
    call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(timeout, call).await {
        Ok(reply) => Ok(reply?.into_inner()),
        Err(_) => Err(too_late(timeout)),
    }
}

async fn item_reply(
    mut ledger: LedgerClient<Channel>,
    timeout: Duration,
    id: &str,
    from: u64,
    limit: u32,
) -> Result<node::ItemReply, Failure> {
    let request = node::GetItemRequest {
        id: id.to_owned(),
        from,
        limit,
    };
    within(timeout, ledger.get_item(request)).await
}

fn too_late(timeout: Duration) -> Failure {
    Failure::Unreachable(format!(
        "no answer within {} s; raise --timeout or ask another node",
        timeout.as_secs()
    ))
}

fn contradiction(what: &str) -> Failure {
    NotVerified::Contradiction(what.to_owned()).into()
}
