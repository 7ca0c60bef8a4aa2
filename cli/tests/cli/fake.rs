//! A ledger service over an in-memory chain. Each submission becomes a block at once. Tests may
//! bend its answers on their way out.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use clap::Parser;
use ed25519_dalek::SigningKey;
use futures::channel::mpsc;
use futures::stream::{BoxStream, StreamExt};
use tonic::{Request, Response, Status, Streaming};
use touchstone_cli::output::Output;
use touchstone_cli::{Cli, run};
use touchstone_core::block::Block;
use touchstone_core::certificate::vote_bytes;
use touchstone_core::execution::{self, BlockContext};
use touchstone_core::genesis::{Document, FORMAT, Genesis, NodeKeys, Organisation, Parameters};
use touchstone_core::hash::Hash;
use touchstone_core::model::validators::ValidatorSet;
use touchstone_core::proof::transaction_tree;
use touchstone_core::rejection::Rejection;
use touchstone_core::signing::{self, Purpose};
use touchstone_core::state::commitment::{self, Node, NodeKey, TreeRead};
use touchstone_core::state::{StateRead, keys};
use touchstone_core::{Fault, transaction};
use touchstone_proto::ledger;
use touchstone_proto::node::ledger_server::{Ledger, LedgerServer};
use touchstone_proto::node::transaction_status::Status as Fate;
use touchstone_proto::node::*;

pub const GENESIS_MS: u64 = 1_767_225_600_000;

/// The clock of these tests: an hour after genesis, and a millisecond on at each look.
pub fn now_ms() -> u64 {
    static LOOKS: AtomicU64 = AtomicU64::new(0);
    GENESIS_MS + 3_600_000 + LOOKS.fetch_add(1, Ordering::SeqCst)
}

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn public(key: &SigningKey) -> String {
    hex::encode(key.verifying_key().to_bytes())
}

/// Founders: id, name, role, seed of the signing key. Each runs a validator with seed + 100.
pub const FOUNDERS: [(&str, &str, &str, u8); 4] = [
    ("acme", "Acme Logistics", "logistics", 1),
    ("bravo", "Bravo Retail", "retail", 2),
    ("carol", "Carol Design", "designer", 3),
    ("delta", "Delta IP Office", "ip-office", 4),
];

pub fn founder(index: usize) -> Organisation {
    let (id, name, role, seed) = FOUNDERS[index];
    Organisation {
        id: id.into(),
        name: name.into(),
        roles: vec![role.into()],
        keys: vec![public(&key(seed))],
        gs1_prefixes: vec![],
        nodes: vec![NodeKeys {
            network_key: public(&key(seed + 50)),
            addresses: vec![format!("/ip4/127.0.0.1/tcp/{}", 26600 + u32::from(seed))],
            validator_key: Some(public(&key(seed + 100))),
            power: None,
        }],
    }
}

/// Changes an answer on its way out.
pub type Tamper = Arc<dyn Fn(&mut dyn Any) + Send + Sync>;

pub struct World {
    pub genesis: Genesis,
    pub genesis_bytes: Vec<u8>,
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    nodes: BTreeMap<NodeKey, Node>,
    links: BTreeMap<(Vec<u8>, u64), Vec<u8>>,
    committed: BTreeMap<Hash, (u64, u32)>,
    rejected: BTreeMap<Hash, Rejection>,
    pub blocks: Vec<(Block, ledger::CommitCertificate)>,
    handovers: Vec<Handover>,
    validators: ValidatorSet,
    pub evidence: Vec<Misbehaviour>,
    /// Seeds of the validators that sign.
    pub voters: Vec<u8>,
    /// Events of one page.
    pub page: usize,
    /// Bends answers.
    pub tamper: Option<Tamper>,
    /// Transactions that the stream takes in before it falls silent.
    pub patience: Option<usize>,
    /// Submissions seen, by id: how often, and their bytes.
    pub seen: Vec<(Hash, Vec<u8>)>,
}

impl StateRead for World {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.values.get(key).cloned())
    }
    fn is_committed(&self, id: &Hash) -> Result<bool, Fault> {
        Ok(self.committed.contains_key(id))
    }
}

impl TreeRead for World {
    fn node(&self, key: &NodeKey) -> Result<Option<Node>, Fault> {
        Ok(self.nodes.get(key).cloned())
    }
}

impl World {
    fn new() -> World {
        let genesis_bytes = Document {
            format: FORMAT.into(),
            chain: "test".into(),
            time_ms: GENESIS_MS,
            parameters: Parameters::default(),
            organisations: (0..FOUNDERS.len()).map(founder).collect(),
        }
        .to_bytes();
        let genesis = Genesis::read(&genesis_bytes).unwrap();
        World {
            values: genesis.writes.values.clone(),
            nodes: genesis.tree.nodes.clone(),
            validators: genesis.validators.clone(),
            genesis,
            genesis_bytes,
            links: BTreeMap::new(),
            committed: BTreeMap::new(),
            rejected: BTreeMap::new(),
            blocks: Vec::new(),
            handovers: Vec::new(),
            evidence: Vec::new(),
            voters: vec![101, 102, 103],
            page: 3,
            tamper: None,
            patience: None,
            seen: Vec::new(),
        }
    }

    pub fn height(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// Makes a block of these envelopes, leaving out those that break a rule.
    pub fn make_block(&mut self, envelopes: &[Vec<u8>]) {
        let chain_id = self.genesis.chain_id;
        let mut verified = Vec::new();
        for envelope in envelopes {
            let id = transaction::id_of_envelope(&chain_id, envelope).unwrap();
            match transaction::verify(&chain_id, envelope) {
                Ok(transaction) => verified.push(transaction),
                Err(rejection) => drop(self.rejected.insert(id, rejection)),
            }
        }
        let height = self.height() + 1;
        let context = BlockContext {
            chain_id,
            height,
            time_ms: GENESIS_MS + height * 1000,
            parent: self.blocks.last().map_or(chain_id, |(b, _)| b.id()),
            proposer: self.validators.proposer(height, 0).public_key,
        };
        let refs: Vec<_> = verified.iter().collect();
        let executed = execution::execute(self, &context, &refs).unwrap();
        for (index, rejection) in &executed.rejected {
            self.rejected
                .insert(*verified[*index].id(), rejection.clone());
        }
        for (place, index) in (0u32..).zip(&executed.applied) {
            self.committed
                .insert(*verified[*index].id(), (height, place));
        }
        let block = Block {
            header: executed.header.clone(),
            transactions: executed
                .applied
                .iter()
                .map(|i| verified[*i].envelope().to_vec())
                .collect(),
        };
        let certificate = self.certify(height, &block.id());
        self.values.extend(executed.writes.values);
        self.nodes.extend(executed.tree.nodes);
        for row in executed.writes.links {
            self.links.insert((row.owner, row.sequence), row.entry);
        }
        if executed.next_validators != self.validators {
            self.handovers.push(Handover {
                header: Some(CertifiedHeader {
                    header: block.header.encode(),
                    certificate: Some(certificate.clone()),
                }),
                next_validators: Some(executed.next_validators.message()),
            });
            self.validators = executed.next_validators;
        }
        self.blocks.push((block, certificate));
    }

    fn certify(&self, height: u64, id: &Hash) -> ledger::CommitCertificate {
        let vote = vote_bytes(ledger::VoteKind::Precommit, height, 0, Some(id));
        let mut signatures: Vec<ledger::Signature> = self
            .voters
            .iter()
            .map(|seed| key(*seed))
            .filter(|k| self.validators.get(&k.verifying_key().to_bytes()).is_some())
            .map(|k| ledger::Signature {
                public_key: k.verifying_key().to_bytes().to_vec(),
                signature: signing::sign(&k, Purpose::Vote, &self.genesis.chain_id, &vote).to_vec(),
            })
            .collect();
        signatures.sort_by(|a, b| a.public_key.cmp(&b.public_key));
        ledger::CommitCertificate {
            height,
            round: 0,
            block_id: id.to_vec(),
            signatures,
        }
    }

    /// Signs an action of an organisation and makes a block of it.
    pub fn act(&mut self, organisation: &str, action: ledger::transaction::Action) -> Hash {
        let (.., seed) = FOUNDERS.iter().find(|f| f.0 == organisation).unwrap();
        let transaction = ledger::Transaction {
            organisation: organisation.into(),
            created_ms: self.height(),
            action: Some(action),
        };
        let envelope = transaction::sign(&key(*seed), &self.genesis.chain_id, &transaction);
        let id = transaction::id_of_envelope(&self.genesis.chain_id, &envelope).unwrap();
        self.make_block(&[envelope]);
        assert_eq!(self.rejected.get(&id), None);
        id
    }

    /// Records events, each text one.
    pub fn record(&mut self, organisation: &str, events: &[String]) -> Hash {
        let events = events.iter().map(|e| e.clone().into_bytes()).collect();
        let capture = ledger::CaptureEvents { events };
        self.act(
            organisation,
            ledger::transaction::Action::CaptureEvents(capture),
        )
    }

    fn certified(&self, height: u64) -> Option<CertifiedHeader> {
        let (block, certificate) = self
            .blocks
            .get(usize::try_from(height).ok()?.checked_sub(1)?)?;
        Some(CertifiedHeader {
            header: block.header.encode(),
            certificate: Some(certificate.clone()),
        })
    }

    fn state(&self, key: Vec<u8>) -> StateReply {
        let value = self.values.get(&key).cloned();
        let proof = commitment::prove(self, self.height(), &key, value.as_deref()).unwrap();
        StateReply {
            header: self.certified(self.height()),
            key,
            value,
            proof: Some(proof),
        }
    }

    fn entries(&self, owner: &[u8]) -> Vec<Vec<u8>> {
        let all = self
            .links
            .range((owner.to_vec(), 0)..=(owner.to_vec(), u64::MAX));
        all.map(|(_, entry)| entry.clone()).collect()
    }

    fn event_of(&self, entry: &[u8]) -> Vec<u8> {
        use prost::Message;
        let entry = ledger::LinkEntry::decode(entry).unwrap();
        let at = entry.position.unwrap();
        let envelope = &self.blocks[at.height as usize - 1].0.transactions[at.transaction as usize];
        let envelope = ledger::Envelope::decode(envelope.as_slice()).unwrap();
        let body = ledger::Transaction::decode(envelope.body.as_slice()).unwrap();
        match body.action {
            Some(ledger::transaction::Action::CaptureEvents(c)) => {
                c.events[at.event as usize].clone()
            }
            _ => vec![],
        }
    }

    fn item(&self, request: &GetItemRequest) -> ItemReply {
        let owner = keys::item(&request.id);
        let events = self
            .entries(&owner)
            .into_iter()
            .skip(request.from as usize)
            .take(self.page)
            .map(|entry| LinkedEvent {
                event: self.event_of(&entry),
                entry,
            })
            .collect();
        ItemReply {
            record: Some(self.state(owner)),
            from: request.from,
            events,
            head_before: vec![],
        }
    }

    fn status(&self, id: &[u8], with_proof: bool) -> TransactionStatus {
        let hash: Hash = id.try_into().unwrap_or_default();
        let fate = if let Some((height, index)) = self.committed.get(&hash) {
            let block = &self.blocks[*height as usize - 1].0;
            let siblings = transaction_tree::prove(&block.transactions, *index).unwrap();
            Fate::Committed(Committed {
                height: *height,
                index: *index,
                time_ms: block.header.time_ms,
                proof: with_proof.then(|| TransactionProof {
                    header: self.certified(*height),
                    envelope: block.transactions[*index as usize].clone(),
                    index: *index,
                    siblings: siblings.iter().map(|s| s.to_vec()).collect(),
                }),
            })
        } else if let Some(rejection) = self.rejected.get(&hash) {
            Fate::Rejected(Rejected {
                code: rejection.code(),
                rule: rejection.rule().into(),
                message: rejection.to_string(),
                event: rejection.event_index(),
            })
        } else {
            Fate::Unknown(Unknown {})
        };
        TransactionStatus {
            id: id.to_vec(),
            status: Some(fate),
        }
    }

    fn submit(&mut self, envelope: Vec<u8>) -> TransactionStatus {
        let id = transaction::id_of_envelope(&self.genesis.chain_id, &envelope).unwrap();
        self.seen.push((id, envelope.clone()));
        if !self.committed.contains_key(&id) {
            self.rejected.remove(&id);
            self.make_block(&[envelope]);
        }
        self.status(&id, false)
    }

    fn block(&self, height: u64, with_transactions: bool) -> Option<BlockReply> {
        let header = self.certified(height)?;
        let (block, _) = &self.blocks[height as usize - 1];
        Some(BlockReply {
            header: Some(header),
            transactions: if with_transactions {
                block.transactions.clone()
            } else {
                vec![]
            },
        })
    }
}

/// A served world, and a folder for the client's files.
pub struct Served {
    world: Arc<Mutex<World>>,
    url: String,
    pub folder: tempfile::TempDir,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What a run of the command gave.
#[derive(Debug)]
pub struct Ran {
    pub code: u8,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn json(&self) -> Vec<serde_json::Value> {
        let lines = self.out.lines();
        lines.map(|l| serde_json::from_str(l).unwrap()).collect()
    }
}

#[derive(Clone, Default)]
pub struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs a command that needs no node.
pub async fn touchstone(arguments: &[&str]) -> Ran {
    let cli = Cli::try_parse_from([&["touchstone"], arguments].concat()).unwrap();
    let (out, err) = (Buffer::default(), Buffer::default());
    let mut output = Output::to(
        cli.options.json,
        Box::new(out.clone()),
        Box::new(err.clone()),
        now_ms,
    );
    let code = run(cli, &mut output).await;
    Ran {
        code,
        out: out.text(),
        err: err.text(),
    }
}

impl Served {
    pub async fn start() -> Served {
        let world = Arc::new(Mutex::new(World::new()));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("genesis.json"),
            &world.lock().unwrap().genesis_bytes,
        )
        .unwrap();
        std::fs::write(folder.path().join("config.toml"), "").unwrap();
        for (id, _, _, seed) in FOUNDERS {
            let pem = touchstone_cli::keyfile::to_pem(&key(seed), None).unwrap();
            std::fs::write(folder.path().join(format!("{id}.pem")), pem.as_bytes()).unwrap();
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let incoming = futures::stream::unfold(listener, |listener| async {
            let accepted = listener.accept().await.map(|(stream, _)| stream);
            Some((accepted, listener))
        });
        let service = Service(world.clone());
        let server = tokio::spawn(async move {
            tonic::transport::Server::builder()
                .add_service(LedgerServer::new(service))
                .serve_with_incoming(incoming)
                .await
                .unwrap();
        });
        Served {
            world,
            url,
            folder,
            server,
        }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// The options that lead to this node.
    pub fn options(&self) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        ["--node", &self.url, "--timeout", "5", "--genesis"]
            .map(str::to_owned)
            .into_iter()
            .chain([path("genesis.json"), "--config".into(), path("config.toml")])
            .collect()
    }

    /// Runs a command against this node.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        let options = self.options();
        let mut all: Vec<&str> = arguments.to_vec();
        all.extend(options.iter().map(String::as_str));
        touchstone(&all).await
    }

    /// The same, signed by an organisation.
    pub async fn run_as(&self, organisation: &str, arguments: &[&str]) -> Ran {
        let key = self.path(&format!("{organisation}.pem"));
        let signing = [
            "--organisation",
            organisation,
            "--key",
            key.to_str().unwrap(),
        ];
        self.run(&[arguments, &signing].concat()).await
    }

    /// Bends every answer of type `T`.
    pub fn tamper<T: 'static>(&self, bend: impl Fn(&mut T) + Send + Sync + 'static) {
        self.world().tamper = Some(Arc::new(move |reply: &mut dyn Any| {
            if let Some(reply) = reply.downcast_mut::<T>() {
                bend(reply);
            }
        }));
    }
}

pub fn exists(path: &Path) -> bool {
    path.exists()
}

struct Service(Arc<Mutex<World>>);

type Answer<T> = Result<Response<T>, Status>;

impl Service {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    fn answer<T: 'static>(&self, make: impl FnOnce(&mut World) -> T) -> Answer<T> {
        let mut world = self.world();
        let mut reply = make(&mut world);
        if let Some(tamper) = &world.tamper {
            tamper(&mut reply);
        }
        Ok(Response::new(reply))
    }
}

#[tonic::async_trait]
impl Ledger for Service {
    type SubmitManyStream = BoxStream<'static, Result<TransactionStatus, Status>>;
    type SubscribeBlocksStream = BoxStream<'static, Result<BlockReply, Status>>;

    async fn submit(&self, request: Request<SubmitRequest>) -> Answer<TransactionStatus> {
        self.answer(|w| w.submit(request.into_inner().envelope))
    }

    async fn submit_many(
        &self,
        request: Request<Streaming<SubmitRequest>>,
    ) -> Answer<Self::SubmitManyStream> {
        let world = self.0.clone();
        let mut requests = request.into_inner();
        let (answers, stream) = mpsc::unbounded();
        tokio::spawn(async move {
            while let Some(Ok(request)) = requests.next().await {
                let mut world = world.lock().unwrap();
                match &mut world.patience {
                    Some(0) => continue,
                    Some(left) => *left -= 1,
                    None => {}
                }
                let mut status = world.submit(request.envelope);
                if let Some(tamper) = &world.tamper {
                    tamper(&mut status);
                }
                let _ = answers.unbounded_send(Ok(status));
            }
        });
        Ok(Response::new(stream.boxed()))
    }

    async fn get_transaction(
        &self,
        request: Request<GetTransactionRequest>,
    ) -> Answer<TransactionStatus> {
        let request = request.into_inner();
        self.answer(|w| w.status(&request.id, request.with_proof))
    }

    async fn get_item(&self, request: Request<GetItemRequest>) -> Answer<ItemReply> {
        self.answer(|w| w.item(&request.into_inner()))
    }

    async fn get_design(&self, request: Request<GetDesignRequest>) -> Answer<DesignReply> {
        let id: Hash = request.into_inner().id.try_into().unwrap();
        self.answer(|w| DesignReply {
            record: Some(w.state(keys::design(&id))),
        })
    }

    async fn get_designs_by_file(
        &self,
        request: Request<GetDesignsByFileRequest>,
    ) -> Answer<DesignsByFileReply> {
        let sha256: Hash = request.into_inner().sha256.try_into().unwrap();
        self.answer(|w| {
            let key = keys::design_file(&sha256);
            DesignsByFileReply {
                entries: w.entries(&key),
                record: Some(w.state(key)),
            }
        })
    }

    async fn get_organisation(
        &self,
        request: Request<GetOrganisationRequest>,
    ) -> Answer<StateReply> {
        self.answer(|w| w.state(keys::organisation(&request.into_inner().id)))
    }

    async fn list_organisations(
        &self,
        _: Request<ListOrganisationsRequest>,
    ) -> Answer<ListOrganisationsReply> {
        self.answer(|w| {
            let list = w
                .values
                .get(keys::ORGANISATIONS)
                .cloned()
                .unwrap_or_default();
            let ids: BTreeSet<String> = list
                .split(|b| *b == 0)
                .filter(|id| !id.is_empty())
                .map(|id| String::from_utf8_lossy(id).into_owned())
                .collect();
            let mut organisations = vec![w.state(keys::ORGANISATIONS.to_vec())];
            organisations.extend(ids.iter().map(|id| w.state(keys::organisation(id))));
            ListOrganisationsReply { organisations }
        })
    }

    async fn get_validators(&self, _: Request<GetValidatorsRequest>) -> Answer<ValidatorsReply> {
        self.answer(|w| {
            let header = w.certified(w.height());
            let hash = w.blocks.last().map(|(b, _)| b.header.validators_hash);
            let current = Some(w.validators.hash()) == hash;
            let set = if current {
                &w.validators
            } else {
                &w.genesis.validators
            };
            ValidatorsReply {
                header,
                validators: Some(set.message()),
            }
        })
    }

    async fn get_block(&self, request: Request<GetBlockRequest>) -> Answer<BlockReply> {
        let request = request.into_inner();
        let Some(get_block_request::Block::Height(height)) = request.block else {
            return Err(Status::unimplemented("by height only"));
        };
        if self.world().certified(height).is_none() {
            return Err(Status::not_found("no such block"));
        }
        self.answer(|w| w.block(height, request.with_transactions).unwrap())
    }

    async fn subscribe_blocks(
        &self,
        request: Request<SubscribeBlocksRequest>,
    ) -> Answer<Self::SubscribeBlocksStream> {
        let request = request.into_inner();
        let world = self.world();
        let from = request.from_height.max(1);
        let blocks: Vec<_> = (from..=world.height())
            .filter_map(|height| world.block(height, request.with_transactions))
            .map(|mut reply| {
                if let Some(tamper) = &world.tamper {
                    tamper(&mut reply);
                }
                Ok(reply)
            })
            .collect();
        Ok(Response::new(futures::stream::iter(blocks).boxed()))
    }

    async fn get_handovers(&self, _: Request<GetHandoversRequest>) -> Answer<HandoversReply> {
        self.answer(|w| HandoversReply {
            handovers: w.handovers.clone(),
        })
    }

    async fn get_misbehaviour(
        &self,
        _: Request<GetMisbehaviourRequest>,
    ) -> Answer<MisbehaviourReply> {
        self.answer(|w| MisbehaviourReply {
            evidence: w.evidence.clone(),
        })
    }

    async fn get_status(&self, _: Request<GetStatusRequest>) -> Answer<NodeStatus> {
        self.answer(|w| NodeStatus {
            chain_id: w.genesis.chain_id.to_vec(),
            chain_name: w.genesis.document.chain.clone(),
            height: w.height(),
            time_ms: GENESIS_MS + w.height() * 1000,
            version: "test".into(),
            validator: true,
            ..NodeStatus::default()
        })
    }
}
