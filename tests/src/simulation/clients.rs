//! Clients: what they submit, and what they may expect of it.

use ed25519_dalek::SigningKey;
use touchstone_core::hash::{self, Hash};
use touchstone_core::transaction;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{ChangeKeys, DepositDesign, Transaction};

use super::world::{DAY_MS, GENESIS_MS};
use crate::load;
use crate::random::Random;

/// What must become of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// It is committed at last.
    Committed,
    /// It breaks a rule and must never be committed.
    Refused,
    /// Either: it depends on which of several comes first.
    Either,
}

/// A transaction of a client.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Its id.
    pub id: Hash,
    /// Its exact bytes.
    pub envelope: Vec<u8>,
    /// What must become of it.
    pub expectation: Expectation,
    /// What it is, in words.
    pub what: &'static str,
    /// Processes at which the client waits for the outcome.
    pub waits_at: Vec<usize>,
    /// The height at which some node said that it is committed.
    pub acknowledged: Option<u64>,
    /// Whether some node said that it breaks a rule.
    pub is_refused: bool,
}

impl Wish {
    /// Whether its client still hopes for it.
    pub fn is_open(&self) -> bool {
        let is_hopeless = match self.expectation {
            Expectation::Committed => false,
            Expectation::Either => self.is_refused,
            Expectation::Refused => true,
        };
        self.acknowledged.is_none() && !is_hopeless
    }
}

/// An organisation's second key, on its way in and out.
#[derive(Clone, Debug)]
enum SpareKey {
    None,
    /// Its addition is the wish of this index.
    Adding(SigningKey, usize),
    /// Its retirement is the wish of this index.
    Retiring(SigningKey, usize),
}

/// All clients; the organisations' keys are theirs.
pub struct Clients {
    /// What was submitted, in order.
    pub wishes: Vec<Wish>,
    chain_id: Hash,
    keys: Vec<SigningKey>,
    spares: Vec<SpareKey>,
    random: Random,
    created_ms: u64,
    /// Whether nobody submits what breaks a rule.
    is_lawful: bool,
}

/// The id of the organisation with this number.
pub fn organisation_id(index: usize) -> String {
    format!("organisation-{index}")
}

impl Clients {
    /// Clients of the organisations with these keys.
    pub fn new(chain_id: Hash, keys: Vec<SigningKey>, is_lawful: bool, random: Random) -> Clients {
        Clients {
            wishes: Vec::new(),
            chain_id,
            spares: vec![SpareKey::None; keys.len()],
            keys,
            random,
            created_ms: GENESIS_MS + DAY_MS,
            is_lawful,
        }
    }

    /// Makes up another transaction; its index among the wishes.
    pub fn wish(&mut self) -> usize {
        let organisation = self.random.index(self.keys.len());
        // The last kinds break rules; a node that waits for one of them alone costs a round.
        let kinds = if self.is_lawful { 15 } else { 20 };
        match self.random.below(kinds) {
            0..9 => self.capture(organisation, 1),
            9 => self.capture(organisation, 12),
            10 | 11 => self.deposit(organisation),
            12..15 => self.change_keys(organisation),
            15 => self.use_spare_key(organisation),
            16 => self.foreign_key(organisation),
            17 => self.broken_event(organisation),
            18 => self.bad_signature(organisation),
            _ => self.repeat(),
        }
    }

    /// A plain valid transaction.
    pub fn plain(&mut self) -> usize {
        let organisation = self.random.index(self.keys.len());
        self.capture(organisation, 1)
    }

    /// The wish with this id.
    pub fn find(&self, id: &Hash) -> Option<&Wish> {
        self.wishes.iter().find(|w| w.id == *id)
    }

    /// Events about units of the organisation's own: only the holder records.
    fn events(&mut self, organisation: usize, count: u64) -> Vec<Vec<u8>> {
        let first = organisation as u64 * 1000;
        (0..count)
            .map(|_| load::event(first + self.random.below(30)))
            .collect()
    }

    fn capture(&mut self, organisation: usize, count: u64) -> usize {
        let key = self.keys[organisation].clone();
        let envelope = self.sign_capture(&key, organisation, count);
        self.add("a capture", Expectation::Committed, envelope)
    }

    fn sign_capture(&mut self, key: &SigningKey, organisation: usize, count: u64) -> Vec<u8> {
        let events = self.events(organisation, count);
        self.created_ms += 1;
        let id = organisation_id(organisation);
        load::capture(key, &self.chain_id, &id, self.created_ms, events)
    }

    fn deposit(&mut self, organisation: usize) -> usize {
        let commitment = hash::sha256(&self.random.bytes()).to_vec();
        let action = Action::DepositDesign(DepositDesign { commitment });
        let envelope = self.sign(organisation, action);
        self.add("a deposit", Expectation::Committed, envelope)
    }

    /// Adds a second key; once that is acknowledged, retires it.
    fn change_keys(&mut self, organisation: usize) -> usize {
        match self.spares[organisation].clone() {
            SpareKey::None => {
                let key = SigningKey::from_bytes(&self.random.bytes());
                let add = vec![key.verifying_key().to_bytes().to_vec()];
                let change = ChangeKeys {
                    add,
                    ..ChangeKeys::default()
                };
                let envelope = self.sign(organisation, Action::ChangeKeys(change));
                let index = self.add("a new key", Expectation::Committed, envelope);
                self.spares[organisation] = SpareKey::Adding(key, index);
                index
            }
            SpareKey::Adding(key, index) if self.wishes[index].acknowledged.is_some() => {
                let retire = vec![key.verifying_key().to_bytes().to_vec()];
                let change = ChangeKeys {
                    retire,
                    ..ChangeKeys::default()
                };
                let envelope = self.sign(organisation, Action::ChangeKeys(change));
                let index = self.add("a key's retirement", Expectation::Committed, envelope);
                self.spares[organisation] = SpareKey::Retiring(key, index);
                index
            }
            _ => self.capture(organisation, 1),
        }
    }

    fn use_spare_key(&mut self, organisation: usize) -> usize {
        let (key, expectation) = match self.spares[organisation].clone() {
            SpareKey::None => return self.capture(organisation, 1),
            SpareKey::Adding(key, _) => (key, Expectation::Either),
            SpareKey::Retiring(key, index) => match self.wishes[index].acknowledged {
                Some(_) => (key, Expectation::Refused),
                None => (key, Expectation::Either),
            },
        };
        let envelope = self.sign_capture(&key, organisation, 1);
        self.add("a capture by a second key", expectation, envelope)
    }

    fn foreign_key(&mut self, organisation: usize) -> usize {
        let other = (organisation + 1) % self.keys.len();
        let key = self.keys[other].clone();
        let envelope = self.sign_capture(&key, organisation, 1);
        let expectation = match other == organisation {
            true => Expectation::Committed,
            false => Expectation::Refused,
        };
        self.add("a capture by a foreign key", expectation, envelope)
    }

    fn broken_event(&mut self, organisation: usize) -> usize {
        let mut events = self.events(organisation, 2);
        events[1].truncate(40);
        self.created_ms += 1;
        let key = self.keys[organisation].clone();
        let id = organisation_id(organisation);
        let envelope = load::capture(&key, &self.chain_id, &id, self.created_ms, events);
        self.add("a broken event", Expectation::Refused, envelope)
    }

    fn bad_signature(&mut self, organisation: usize) -> usize {
        let key = self.keys[organisation].clone();
        let mut envelope = self.sign_capture(&key, organisation, 1);
        // The signature's bytes stand at the end of an envelope.
        if let Some(last) = envelope.last_mut() {
            *last ^= 1;
        }
        self.add("a bad signature", Expectation::Refused, envelope)
    }

    fn repeat(&mut self) -> usize {
        match self.random.index(self.wishes.len()) {
            0 => self.plain(),
            index => index,
        }
    }

    fn sign(&mut self, organisation: usize, action: Action) -> Vec<u8> {
        self.created_ms += 1;
        let transaction = Transaction {
            organisation: organisation_id(organisation),
            created_ms: self.created_ms,
            action: Some(action),
        };
        transaction::sign(&self.keys[organisation], &self.chain_id, &transaction)
    }

    fn add(&mut self, what: &'static str, expectation: Expectation, envelope: Vec<u8>) -> usize {
        let id = transaction::id_of_envelope(&self.chain_id, &envelope)
            .expect("an envelope that was just encoded is canonical");
        self.wishes.push(Wish {
            id,
            envelope,
            expectation,
            what,
            waits_at: Vec::new(),
            acknowledged: None,
            is_refused: false,
        });
        self.wishes.len() - 1
    }
}
