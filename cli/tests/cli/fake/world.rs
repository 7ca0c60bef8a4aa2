//! The chain of the fake: real execution over maps, one block for each submission.

use std::any::Any;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ed25519_dalek::SigningKey;
use touchstone_core::block::Block;
use touchstone_core::commit_certificate::vote_bytes;
use touchstone_core::evidence::{self, Additions, Archive, Stamps, Subject, WholeBlock};
use touchstone_core::execution::{self, BlockContext};
use touchstone_core::genesis::{Document, FORMAT, Genesis, NodeKeys, Organisation, Parameters};
use touchstone_core::governance::proposer_turns::ProposerTurns;
use touchstone_core::governance::validators::ValidatorSet;
use touchstone_core::hash::Hash;
use touchstone_core::proof::item_history::{CompleteLink, Recorded};
use touchstone_core::proof::page::{self, LinkRead};
use touchstone_core::proof::transaction_tree;
use touchstone_core::rejection::Rejection;
use touchstone_core::signing::{self, Purpose};
use touchstone_core::state::commitment::{self, NodeKey, TreeNode, TreeRead};
use touchstone_core::state::{StateRead, keys};
use touchstone_core::test_support::tsa::TestAuthority;
use touchstone_core::trace::{Direction, Limits, Next, Walk};
use touchstone_core::{Fault, custody, encoding, transaction};
use touchstone_proto::ledger;
use touchstone_proto::node::transaction_status::Status as Fate;
use touchstone_proto::node::*;

pub const GENESIS_MS: u64 = 1_767_225_600_000;

thread_local! {
    static LATER_MS: Cell<u64> = const { Cell::new(0) };
}

/// The clock of these tests: some 49 minutes after genesis, and a millisecond on at each look. Other tests of the
/// process look, too: the minute must not be over by them.
pub fn now_ms() -> u64 {
    static LOOKS: AtomicU64 = AtomicU64::new(0);
    GENESIS_MS + 2_950_000 + LATER_MS.get() + LOOKS.fetch_add(1, Ordering::SeqCst)
}

/// Has so much time go by on the clock of this thread, milliseconds.
pub fn let_time_pass(ms: u64) {
    LATER_MS.set(LATER_MS.get() + ms);
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

#[derive(Clone)]
pub struct World {
    pub genesis: Genesis,
    pub genesis_bytes: Vec<u8>,
    pub values: BTreeMap<Vec<u8>, Vec<u8>>,
    pub nodes: BTreeMap<NodeKey, TreeNode>,
    pub links: BTreeMap<(Vec<u8>, u64), Vec<u8>>,
    pub committed: BTreeMap<Hash, (u64, u32)>,
    pub rejected: BTreeMap<Hash, Rejection>,
    pub blocks: Vec<(Block, ledger::CommitCertificate)>,
    pub set_changes: Vec<ValidatorSetChange>,
    /// Heights from which on hand-overs were asked for.
    pub asked_from: Vec<u64>,
    pub validators: ValidatorSet,
    pub evidence: Vec<Misbehaviour>,
    /// What time-stamp authorities gave.
    pub stamps: Stamps,
    /// What a list of time stamps answers, by authority and last height.
    pub checkpoints: Vec<StampedRange>,
    /// Seeds of the validators that sign.
    pub voters: Vec<u8>,
    /// Events of one page.
    pub page: usize,
    /// A block that is denied.
    pub denied: Option<u64>,
    /// Bends answers.
    pub tamper: Option<Tamper>,
    /// It is a node of before, which answers about each item by itself.
    pub is_older: bool,
    /// It answers questions about items on streams, too.
    pub takes_streams: bool,
    /// Answers given there.
    pub streamed: usize,
    /// Transactions that the stream takes in before it falls silent.
    pub patience: Option<usize>,
    /// Transactions are taken in, and no block comes.
    pub stands_still: bool,
    /// Evidence comes in pieces with nothing in them, for ever.
    pub is_endless: bool,
    /// Empty blocks to make before the next answers, one before each.
    pub grows: usize,
    /// Why the chain stands still, as the node says.
    pub halt: Option<Halt>,
    /// Answers given.
    pub answers: usize,
    /// The stream records what is under way at once in reverse order.
    pub reverses: bool,
    /// By how much the next blocks are later than a second after their parents, milliseconds.
    pub later_ms: u64,
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
    fn node(&self, key: &NodeKey) -> Result<Option<TreeNode>, Fault> {
        Ok(self.nodes.get(key).cloned())
    }
}

impl Archive for World {
    fn genesis(&self) -> Result<Vec<u8>, Fault> {
        Ok(self.genesis_bytes.clone())
    }
    fn anchor(&self) -> Result<Option<CertifiedHeader>, Fault> {
        Ok(self.certified(self.height()))
    }
    fn validator_set_changes(&self) -> Result<Vec<ValidatorSetChange>, Fault> {
        Ok(self.set_changes.clone())
    }
    fn prove(&self, key: &[u8]) -> Result<(Option<Vec<u8>>, StateProof), Fault> {
        let reply = self.state(key.to_vec());
        Ok((reply.value, reply.proof.unwrap()))
    }
    fn entries(&self, owner_key: &[u8]) -> Result<Vec<Vec<u8>>, Fault> {
        Ok(self.entries(owner_key))
    }
    fn envelope(&self, height: u64, index: u32) -> Result<Option<Vec<u8>>, Fault> {
        let block = self.block(height, true);
        Ok(block.and_then(|b| b.transactions.into_iter().nth(index as usize)))
    }
    fn block(&self, height: u64) -> Result<Option<WholeBlock>, Fault> {
        let block = self.block(height, true);
        Ok(block.map(|b| (b.header.unwrap(), b.transactions)))
    }
    fn stamps(&self, _heights: &BTreeSet<u64>) -> Result<Stamps, Fault> {
        Ok(self.stamps.clone())
    }
}

impl LinkRead for World {
    fn entries_between(&self, owner: &[u8], from: u64, to: u64) -> Result<Vec<Vec<u8>>, Fault> {
        let range = (owner.to_vec(), from)..(owner.to_vec(), to);
        Ok(self.links.range(range).map(|(_, e)| e.clone()).collect())
    }
    fn prove_key(&self, key: &[u8]) -> Result<(Option<Vec<u8>>, StateProof), Fault> {
        self.prove(key)
    }
}

impl World {
    pub fn new() -> World {
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
            set_changes: Vec::new(),
            asked_from: Vec::new(),
            evidence: Vec::new(),
            stamps: Stamps::default(),
            checkpoints: Vec::new(),
            voters: vec![101, 102, 103],
            page: 3,
            denied: None,
            tamper: None,
            is_older: false,
            takes_streams: false,
            streamed: 0,
            patience: None,
            stands_still: false,
            is_endless: false,
            grows: 0,
            halt: None,
            answers: 0,
            reverses: false,
            later_ms: 0,
            seen: Vec::new(),
        }
    }

    /// Has an authority stamp all blocks, at 2026-03-01T12:00:00.250Z.
    pub fn stamp(&mut self, authority: &TestAuthority, url: &str) {
        let headers: Vec<_> = self.blocks.iter().map(|(block, _)| &block.header).collect();
        let chain_id = self.genesis.chain_id;
        authority.stamp_blocks(
            &mut self.stamps,
            &chain_id,
            url,
            &headers,
            1_772_366_400_250,
        );
    }

    pub fn height(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// Time of the block at a height that is made now.
    pub fn time_ms(&self, height: u64) -> u64 {
        GENESIS_MS + height * 1000 + self.later_ms
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
        let turns = ProposerTurns::current(self).unwrap();
        let context = BlockContext {
            chain_id,
            height,
            time_ms: self.time_ms(height),
            parent: self.blocks.last().map_or(chain_id, |(b, _)| b.id()),
            proposer: turns.proposer(&self.validators, height, 0).public_key,
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
            self.set_changes.push(ValidatorSetChange {
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

    pub fn certify(&self, height: u64, id: &Hash) -> ledger::CommitCertificate {
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

    /// Other validators' certificates for all blocks, as another node may hold them.
    pub fn sign_again(&mut self, voters: &[u8]) {
        self.voters = voters.to_vec();
        for index in 0..self.blocks.len() {
            let id = self.blocks[index].0.id();
            self.blocks[index].1 = self.certify(index as u64 + 1, &id);
        }
    }

    /// Signs an action of an organisation and makes a block of it.
    pub fn act(&mut self, organisation: &str, action: ledger::transaction::Action) -> Hash {
        let (.., seed) = FOUNDERS.iter().find(|f| f.0 == organisation).unwrap();
        let transaction = ledger::Transaction {
            organisation: organisation.into(),
            created_ms: self.time_ms(self.height()),
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
        let capture = ledger::CaptureEvents {
            events,
            handover: None,
        };
        self.act(
            organisation,
            ledger::transaction::Action::CaptureEvents(capture),
        )
    }

    /// Records one event about what another organisation holds, as a claim.
    pub fn claim(&mut self, organisation: &str, event: &str) -> Hash {
        let claim = ledger::ClaimCustody {
            reason: "delivered without an offer".into(),
        };
        let capture = ledger::CaptureEvents {
            events: vec![event.as_bytes().to_vec()],
            handover: Some(ledger::capture_events::Handover::Claim(claim)),
        };
        self.act(
            organisation,
            ledger::transaction::Action::CaptureEvents(capture),
        )
    }

    pub fn certified(&self, height: u64) -> Option<CertifiedHeader> {
        let (block, certificate) = self
            .blocks
            .get(usize::try_from(height).ok()?.checked_sub(1)?)?;
        Some(CertifiedHeader {
            header: block.header.encode(),
            certificate: Some(certificate.clone()),
        })
    }

    pub fn state(&self, key: Vec<u8>) -> StateReply {
        let value = self.values.get(&key).cloned();
        let proof = commitment::prove(self, self.height(), &key, value.as_deref()).unwrap();
        StateReply {
            header: self.certified(self.height()),
            key,
            value,
            proof: Some(proof),
        }
    }

    /// The evidence file that is asked for.
    pub fn evidence_file(&self, request: GetEvidenceRequest) -> Vec<u8> {
        let subject = match request.subject.unwrap() {
            get_evidence_request::Subject::Item(id) => Subject::Item(id),
            get_evidence_request::Subject::Design(id) => Subject::Design(id.try_into().unwrap()),
        };
        let disputes = request.disputes.into_iter();
        let additions = Additions {
            disputes: disputes.map(|id| id.try_into().unwrap()).collect(),
            questions: request.questions,
        };
        evidence::seal(&evidence::collect_with(self, &subject, &additions).unwrap())
    }

    /// The evidence file about a subject.
    pub fn evidence_of(&self, subject: &Subject) -> Vec<u8> {
        evidence::seal(&evidence::collect(self, subject).unwrap())
    }

    pub fn entries(&self, owner: &[u8]) -> Vec<Vec<u8>> {
        let all = self
            .links
            .range((owner.to_vec(), 0)..=(owner.to_vec(), u64::MAX));
        all.map(|(_, entry)| entry.clone()).collect()
    }

    pub fn event_of(&self, entry: &[u8]) -> Vec<u8> {
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

    pub fn item(&self, request: &GetItemRequest) -> ItemReply {
        let owner = keys::item(&request.id);
        let (entries, proof) = self.page(&owner, request.from, request.limit);
        let events = entries.into_iter().map(|entry| LinkedEvent {
            event: self.event_of(&entry),
            entry,
        });
        ItemReply {
            from: request.from,
            events: events.collect(),
            record: Some(self.state(owner)),
            proof,
        }
    }

    /// All of these items with the containers around them.
    pub fn items(&self, request: &GetItemsRequest) -> ItemsReply {
        let mut reply = ItemsReply {
            header: self.certified(self.height()),
            ..ItemsReply::default()
        };
        let mut numbers = BTreeMap::new();
        let mut item = |id: &String| {
            let owner = keys::item(id);
            let record = self.values.get(&owner).cloned();
            let mut events = Vec::new();
            for entry in self.entries(&owner) {
                let next = numbers.len() as u32;
                let number = *numbers.entry(entry.clone()).or_insert(next);
                if number == next {
                    let event = self.event_of(&entry);
                    reply.events.push(LinkedEvent { entry, event });
                }
                events.push(number);
            }
            ItemEvents {
                id: id.clone(),
                record,
                events,
            }
        };
        let container = |item: &ItemEvents| {
            let item: ledger::Item = encoding::decode_exact(item.record.as_ref()?).unwrap();
            Some(item.packed?.container)
        };
        let asked: Vec<ItemEvents> = request.ids.iter().map(&mut item).collect();
        let mut around: Vec<ItemEvents> = Vec::new();
        let mut next: Vec<String> = asked.iter().filter_map(container).collect();
        while let Some(id) = next.pop() {
            if !asked.iter().chain(&around).any(|known| known.id == id) {
                let found = item(&id);
                next.extend(container(&found));
                around.push(found);
            }
        }
        (reply.items, reply.around) = (asked, around);
        let all = reply.items.iter().chain(&reply.around);
        let values: Vec<(Vec<u8>, Option<Vec<u8>>)> = all
            .map(|item| (keys::item(&item.id), item.record.clone()))
            .collect();
        let values: Vec<_> = values
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_deref()))
            .collect();
        reply.proof = Some(commitment::prove_all(self, self.height(), &values).unwrap());
        reply
    }

    pub fn trace(&self, request: &TraceRequest) -> TraceReply {
        let direction = match request.direction() {
            TraceDirection::Forward => Direction::Forward,
            TraceDirection::Backward => Direction::Backward,
        };
        let limits = Limits {
            depth: request.max_depth,
            items: request.max_items as usize,
        };
        let mut walk = Walk::new(&request.id, direction, limits);
        let (mut links, mut items) = (BTreeMap::new(), Vec::new());
        loop {
            match walk.next(|id| links.get(id)).unwrap() {
                Next::Missing(id) => {
                    let owner = keys::item(&id);
                    let recorded = |entry: Vec<u8>| {
                        let event = self.event_of(&entry);
                        Recorded::new(encoding::decode_exact(&entry).unwrap(), event)
                    };
                    let events = self.entries(&owner).into_iter().map(recorded).collect();
                    let height = self.blocks.len() as u64;
                    links.insert(id.clone(), CompleteLink::new(id, height, events));
                }
                Next::Item(traced) => {
                    let standing = custody::status(self, &traced.id, 0).unwrap();
                    let holder = standing.holder().unwrap_or_default().to_owned();
                    items.push(traced.message(&holder, None));
                }
                Next::End(end) => {
                    let end = TraceEnd {
                        height: self.blocks.len() as u64,
                        time_ms: GENESIS_MS,
                        too_deep: end.too_deep,
                        too_many: end.too_many,
                    };
                    let end = Some(end);
                    return TraceReply { items, end };
                }
            }
        }
    }

    pub fn designs_by_file(&self, request: &GetDesignsByFileRequest) -> DesignsByFileReply {
        let owner = keys::design_file(&request.sha256.as_slice().try_into().unwrap());
        let (entries, proof) = self.page(&owner, request.from, request.limit);
        DesignsByFileReply {
            record: Some(self.state(owner)),
            entries,
            from: request.from,
            proof,
        }
    }

    /// Entries from a number on, with their proof.
    fn page(&self, owner: &[u8], from: u64, limit: u32) -> (Vec<Vec<u8>>, Option<PageProof>) {
        let count = self.entries(owner).len() as u64;
        let limit = match limit {
            0 => self.page as u64,
            limit => u64::from(limit),
        };
        let to = count.min(from.saturating_add(limit));
        if from >= to {
            return (vec![], None);
        }
        let proof = page::prove(self, owner, from, to, count).unwrap();
        (self.entries_between(owner, from, to).unwrap(), Some(proof))
    }

    pub fn status(&self, id: &[u8], with_proof: bool) -> TransactionStatus {
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

    pub fn submit(&mut self, envelope: Vec<u8>) -> TransactionStatus {
        let id = transaction::id_of_envelope(&self.genesis.chain_id, &envelope).unwrap();
        self.seen.push((id, envelope.clone()));
        if !self.stands_still && !self.committed.contains_key(&id) {
            self.rejected.remove(&id);
            self.make_block(&[envelope]);
        }
        self.status(&id, false)
    }

    pub fn block(&self, height: u64, with_transactions: bool) -> Option<BlockReply> {
        let header = self.certified(height)?;
        let (block, _) = &self.blocks[height as usize - 1];
        Some(BlockReply {
            proof: None,
            header: Some(header),
            transactions: if with_transactions {
                block.transactions.clone()
            } else {
                vec![]
            },
        })
    }
}
