//! The light client: asks one node, believes none. Each method checks its answer before it gives
//! anything back; what can't be proven (a node's own status) says so in its name.

pub mod authorisation;
mod blocks;
mod designs;
mod expiry;
mod item_questions;
mod items;
mod organisations;
mod pictures;
mod proposals;
mod records;
mod submission;
mod traces;
mod transactions;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use futures::future::BoxFuture;
use tonic::transport::Channel;
use touchstone_core::evidence::{self, MAX_FILE_BYTES};
use touchstone_core::genesis::Genesis;
use touchstone_core::governance::validators::Validator;
use touchstone_core::hash::Hash;
use touchstone_core::state::keys;
use touchstone_proto::ledger;
use touchstone_proto::node::ledger_client::LedgerClient;
use touchstone_proto::node::{self, CertifiedHeader, StateReply};

pub use self::blocks::Blocks;
pub use self::expiry::{ExpiredTransaction, TransactionTraces, is_expiry};
use self::item_questions::ItemQuestions;
pub use self::items::{ItemPage, ItemsAhead};
pub use self::proposals::ChangeProposal;
pub use self::traces::Traces;
pub use self::transactions::{RecordedTransaction, TransactionOutcome};
use crate::as_of::AsOf;
use crate::attested_header::AttestedHeader;
use crate::cache::Cache;
use crate::connection::{ClientTls, open, within};
use crate::error::ClientError;
use crate::verification::{NotVerified, Trust};

/// How long a node may take to reach what was proven before.
const CATCHES_UP: Duration = Duration::from_secs(5);
const ASKS_AGAIN_AFTER: Duration = Duration::from_millis(100);
/// How long a node may take to say why the chain stands still, where an answer is overdue already.
const HALT_PATIENCE: Duration = Duration::from_secs(2);

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
    /// Files for https.
    pub tls: ClientTls,
    /// What was verified before, and will be.
    pub cache: Option<Cache>,
    /// Where account is kept of the blocks that answers are as of.
    pub as_of: AsOf,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            timeout: Duration::from_secs(30),
            tls: ClientTls::default(),
            cache: None,
            as_of: AsOf::default(),
        }
    }
}

/// A connection to one node, and what is trusted.
pub struct Client {
    node: String,
    ledger: LedgerClient<Channel>,
    trust: Trust,
    timeout: Duration,
    names: BTreeMap<String, String>,
    cache: Option<Cache>,
    /// Whether the node is asked about each item by itself.
    asks_singly: bool,
    item_questions: ItemQuestions,
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
            tls,
            cache,
            as_of,
        } = options;
        let ledger = open(url, timeout, &tls).await?;
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
            node: url.trim_end_matches('/').to_owned(),
            ledger,
            trust,
            timeout,
            names,
            cache,
            asks_singly: false,
            item_questions: ItemQuestions::default(),
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

    /// The address of the node that is asked.
    pub fn node(&self) -> &str {
        &self.node
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

    /// Why the chain stands still, by the node's word; none where it moves, or where the node doesn't say so soon.
    pub async fn halt(&self) -> Option<String> {
        let mut ledger = self.ledger.clone();
        let request = node::GetStatusRequest {};
        let status = within(HALT_PATIENCE, ledger.get_status(request)).await;
        status.ok()?.halt.map(|halt| halt.explanation)
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
        let began = Instant::now();
        let mut bytes: Vec<u8> = Vec::new();
        loop {
            // Each MiB has the time of an answer: pieces with next to nothing in them don't come for ever.
            let whole = u32::try_from(bytes.len() >> 20).unwrap_or(u32::MAX);
            let allowed = self.timeout.saturating_mul(whole.saturating_add(1));
            let left = allowed.checked_sub(began.elapsed());
            let left = left.ok_or(ClientError::TooLate(self.timeout))?;
            let next = tokio::time::timeout(left, pieces.message()).await;
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

    /// Asks for the changes of the validator set since the last one known, follows them and remembers them.
    pub async fn follow(&mut self) -> Result<(), ClientError> {
        let mut trust = self.trust.clone();
        self.follow_on(&mut trust).await?;
        self.take_over(trust);
        Ok(())
    }

    async fn follow_on(&self, trust: &mut Trust) -> Result<(), ClientError> {
        let mut ledger = self.ledger.clone();
        loop {
            let request = node::GetValidatorSetChangesRequest {
                from_height: trust.era_begins(),
            };
            let reply = within(self.timeout, ledger.get_validator_set_changes(request)).await?;
            if reply.changes.is_empty() {
                return Ok(());
            }
            trust.follow(&reply.changes)?;
        }
    }

    fn take_over(&mut self, trust: Trust) {
        let more = trust.changes().len() > self.trust.changes().len();
        self.trust = trust;
        if let Some(cache) = self.cache.as_ref().filter(|_| more) {
            cache.write(self.trust.changes());
        }
    }

    /// Follows changes of the validator set again if a header names validators that aren't known for its height.
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

    /// What the node proves about any key of the state, verified, with its proof.
    pub async fn state_reply(
        &mut self,
        key: &[u8],
    ) -> Result<(AttestedHeader, StateReply), ClientError> {
        let check = |trust: &Trust, reply: &StateReply| Ok(trust.state(key, Some(reply))?.0);
        self.current(record_at(key), |reply| headers(Some(reply)), check)
            .await
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

    /// The chain's parameters, as of a block that proves them.
    pub async fn parameters(
        &mut self,
    ) -> Result<(AttestedHeader, ledger::Parameters), ClientError> {
        let (attested, parameters) = self.message(keys::PARAMETERS).await?;
        let parameters = parameters.ok_or_else(|| contradiction("a state without parameters"))?;
        Ok((attested, parameters))
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

fn contradiction(what: &str) -> ClientError {
    NotVerified::Contradiction(what.to_owned()).into()
}
