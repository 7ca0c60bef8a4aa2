mod answers;
mod browsing;
mod captures;
mod described;
mod places;
mod scans;
mod subscriptions;
mod xml;

use std::path::Path;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use ed25519_dalek::SigningKey;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use touchstone_core::commit_certificate::vote_bytes;
use touchstone_core::signing::{self, Purpose};
use touchstone_core::transaction::{self, VerifiedTransaction};
use touchstone_epcis::split_document;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    CaptureEvents, CommitCertificate, Signature, Transaction, VoteKind,
};
use tower::ServiceExt;

use super::*;
use crate::chain::Chain;
use crate::mempool::{PoolLimits, SharedMempool};
use crate::service::{self, FailedAnswers, Progress};
use crate::storage::rocks::{RocksStore, StoreSettings};
use crate::storage::test_blocks;

/// A node of one validator without its consensus: blocks are made when a test says so.
struct Node {
    http: Arc<HttpStore>,
    chain: Chain<RocksStore>,
    progress: watch::Sender<Progress>,
    captures: u64,
    _gossip: mpsc::Receiver<Arc<VerifiedTransaction>>,
    folder: tempfile::TempDir,
}

/// An answer.
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// The exception's name.
    fn exception(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let body = self.json();
        assert_eq!(body["status"], self.status);
        assert!(body["detail"].is_string());
        let name = body["type"].as_str().unwrap();
        name.strip_prefix("epcisException:").unwrap().to_owned()
    }

    /// The events of a query document, which our own reader takes.
    fn events(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.text);
        split_document(self.text.as_bytes()).unwrap_or_else(|e| panic!("{e}: {}", self.text));
        let list = &self.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
        list.as_array().unwrap().clone()
    }

    /// The ids that the ledger has for its events.
    fn ids(&self) -> Vec<String> {
        let events = self.events();
        events.iter().map(id).collect()
    }

    /// The address of the next page.
    fn next(&self) -> Option<String> {
        let link = self.headers.get("link")?.to_str().unwrap();
        let address = link.strip_prefix('<').unwrap();
        Some(address.strip_suffix(">; rel=\"next\"").unwrap().to_owned())
    }
}

/// Where an event is, as text.
fn id(event: &Value) -> String {
    let record = &event["touchstone:record"];
    let part = |name: &str| record[name].as_u64().unwrap();
    format!(
        "{}-{}-{}",
        part("touchstone:height"),
        part("touchstone:index"),
        part("touchstone:event")
    )
}

fn start() -> Node {
    start_at(tempfile::tempdir().unwrap())
}

fn start_at(folder: tempfile::TempDir) -> Node {
    let genesis = test_blocks::genesis("http");
    let settings = StoreSettings::default();
    let store = RocksStore::create(folder.path(), &genesis, &settings)
        .or_else(|_| RocksStore::open(folder.path(), &genesis.chain_id, &settings))
        .unwrap();
    let mempool = SharedMempool::new(PoolLimits::default());
    let (gossip, gossiped) = mpsc::channel(1000);
    let (progress_sender, progress) = watch::channel(Progress::default());
    let parts = service::ServiceParts {
        chain_id: genesis.chain_id,
        chain_name: "http".into(),
        genesis: genesis.bytes.clone(),
        reader: store.reader(),
        mempool: mempool.clone(),
        gossip,
        progress,
        failed: FailedAnswers::default(),
    };
    let http = HttpStore::new(HttpParts {
        service: Arc::new(LedgerService::new(parts)),
        catalogue: Arc::new(store.catalogue()),
        access: Access::default(),
        audience: Audience::Members,
        surroundings: app::Surroundings::default(),
        scans: None,
    });
    Node {
        http: Arc::new(http),
        chain: Chain::open(genesis.chain_id, store, mempool).unwrap(),
        progress: progress_sender,
        captures: 0,
        _gossip: gossiped,
        folder,
    }
}

impl Node {
    /// Signs a capture.
    fn envelope(&mut self, events: &[Vec<u8>]) -> Vec<u8> {
        self.sign(Action::CaptureEvents(CaptureEvents {
            events: events.to_vec(),
            handover: None,
        }))
    }

    fn sign(&mut self, action: Action) -> Vec<u8> {
        self.captures += 1;
        let body = Transaction {
            organisation: "platform".into(),
            created_ms: crate::consensus_thread::now_ms() + self.captures,
            action: Some(action),
        };
        let key = SigningKey::from_bytes(&[1; 32]);
        transaction::sign(&key, self.chain.chain_id(), &body)
    }

    /// Makes a block of what is pending; how many transactions it has.
    fn block(&mut self) -> usize {
        let key = SigningKey::from_bytes(&[3; 32]);
        let now = (self.chain.tip().time_ms + 1000).max(crate::consensus_thread::now_ms());
        let block = self
            .chain
            .build(now, key.verifying_key().to_bytes())
            .unwrap();
        let height = block.header.height;
        let vote = vote_bytes(VoteKind::Precommit, height, 1, Some(&block.id()));
        let signature = signing::sign(&key, Purpose::Vote, self.chain.chain_id(), &vote);
        let certificate = CommitCertificate {
            height,
            round: 1,
            block_id: block.id().to_vec(),
            signatures: vec![Signature {
                public_key: key.verifying_key().to_bytes().to_vec(),
                signature: signature.to_vec(),
            }],
        };
        self.chain.commit(&block.id(), &certificate, now).unwrap();
        self.progress.send_modify(|p| p.height = height);
        block.transactions.len()
    }

    /// Records each capture in a block of its own, unless a rule refuses it; how many were recorded.
    fn record(&mut self, captures: &[Vec<Vec<u8>>]) -> usize {
        let mut recorded = 0;
        for events in captures {
            let envelope = self.envelope(events);
            recorded += self.take(&envelope);
        }
        recorded
    }

    /// Records an action in a block of its own; the transaction's id.
    fn act(&mut self, action: Action) -> [u8; 32] {
        let envelope = self.sign(action);
        assert_eq!(self.take(&envelope), 1);
        transaction::id_of_envelope(self.chain.chain_id(), &envelope).unwrap()
    }

    fn take(&mut self, envelope: &[u8]) -> usize {
        let verified = transaction::verify(self.chain.chain_id(), envelope).unwrap();
        self.chain
            .mempool()
            .insert(verified, None)
            .unwrap()
            .unwrap();
        self.block()
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let answer = router(self.http.clone()).oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    async fn get(&self, address: &str) -> Answer {
        self.ask(Request::get(address).body(Body::empty()).unwrap())
            .await
    }

    async fn get_as(&self, address: &str, form: &str) -> Answer {
        let request = Request::get(address).header("accept", form);
        self.ask(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, address: &str, form: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(address).header("content-type", form);
        self.ask(request.body(body.into()).unwrap()).await
    }

    /// The ids of all pages, in order.
    async fn all(&self, address: &str) -> Vec<String> {
        let mut ids = Vec::new();
        let mut next = Some(address.to_owned());
        while let Some(address) = next {
            let page = self.get(&address).await;
            ids.extend(page.ids());
            next = page.next();
        }
        ids
    }
}

/// The events of the documents in a folder of the test data, by file.
fn documents(folder: &str) -> Vec<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/data")
        .join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    let documents = files.iter().map(|file| std::fs::read(file).unwrap());
    documents.map(|d| split_document(&d).unwrap()).collect()
}

/// The events of the public documents, each as a capture.
fn public() -> Vec<Vec<Vec<u8>>> {
    let events = documents("epcis/valid").into_iter().flatten();
    events.map(|event| vec![event]).collect()
}

/// Percent-encodes a segment of a path.
fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// An event about one thing.
fn event(epc: &str, more: &str) -> Vec<u8> {
    format!(
        r#"{{"@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
        "type": "ObjectEvent", "action": "OBSERVE", "eventTime": "2026-03-01T08:30:00Z",
        "eventTimeZoneOffset": "+00:00", "epcList": ["{epc}"]{more}}}"#
    )
    .into_bytes()
}
