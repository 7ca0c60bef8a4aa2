//! The genesis document: a JSON file that the founding organisations agree on. The chain id is
//! the SHA-256 of its exact bytes (`sha256sum genesis.json`), so whoever holds the file holds
//! the root of trust.
//!
//! Consensus-critical: yes

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use touchstone_proto::ledger;

use crate::governance::enrollment;
use crate::governance::organisation::BadOrganisation;
use crate::governance::parameters;
use crate::governance::role;
use crate::governance::validators::{BadValidatorSet, Validator, ValidatorSet};
use crate::hash::{self, Hash};
use crate::rejection::Rejection;
use crate::rules::RuleError;
use crate::state::commitment::{self, NodeKey, TreeNode, TreeRead, TreeUpdate};
use crate::state::delta::{Delta, Writes};
use crate::state::{StateRead, keys};
use crate::{Fault, encoding};

/// The format's name, the first thing in the file.
pub const FORMAT: &str = "touchstone/genesis/v1";

/// The document as written. Byte strings are lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// [`FORMAT`].
    pub format: String,
    /// A name for people.
    pub chain: String,
    /// Genesis time, milliseconds since 1970-01-01T00:00:00Z; blocks are later.
    pub time_ms: u64,
    /// Rules for every validator.
    pub parameters: Parameters,
    /// The founders.
    pub organisations: Vec<Organisation>,
}

/// See `ledger::Parameters`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Clock precision, milliseconds.
    pub precision_ms: u64,
    /// Message delay, milliseconds.
    pub message_delay_ms: u64,
    /// Bytes of a block's envelopes.
    pub max_block_bytes: u64,
    /// Transactions of a block.
    pub max_block_transactions: u64,
    /// Bytes of an envelope.
    pub max_transaction_bytes: u64,
    /// Events of a capture.
    pub max_events_per_transaction: u64,
    /// How long a block takes a transaction after it was created, milliseconds; a day where it isn't given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_lifetime_ms: Option<u64>,
}

impl Default for Parameters {
    fn default() -> Self {
        Parameters {
            precision_ms: 500,
            message_delay_ms: 4000,
            max_block_bytes: 4 << 20,
            max_block_transactions: 10_000,
            max_transaction_bytes: 1 << 20,
            max_events_per_transaction: 1000,
            transaction_lifetime_ms: None,
        }
    }
}

impl Parameters {
    /// As the state has them.
    pub fn ledger(&self) -> ledger::Parameters {
        ledger::Parameters {
            precision_ms: self.precision_ms,
            message_delay_ms: self.message_delay_ms,
            max_block_bytes: self.max_block_bytes,
            max_block_transactions: self.max_block_transactions,
            max_transaction_bytes: self.max_transaction_bytes,
            max_events_per_transaction: self.max_events_per_transaction,
            transaction_lifetime_ms: self.transaction_lifetime_ms.unwrap_or_default(),
            expired_before_ms: 0,
        }
    }

    /// Bound on the error of the time of a block that was decided in its first round, milliseconds.
    pub fn time_error_ms(&self) -> u64 {
        self.precision_ms.saturating_add(self.message_delay_ms)
    }
}

/// An organisation's public part: what it contributes to the ceremony.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its roles: platform, logistics, manufacturer, ip-office, court, designer, customs,
    /// inspection, laboratory, retail, assistance.
    pub roles: Vec<String>,
    /// Its signing keys.
    pub keys: Vec<String>,
    /// GS1 company prefixes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gs1_prefixes: Vec<String>,
    /// Its nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeKeys>,
}

/// A node of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeKeys {
    /// Its network identity.
    pub network_key: String,
    /// Where it listens, as multiaddresses.
    pub addresses: Vec<String>,
    /// The key that votes, if it is a validator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validator_key: Option<String>,
    /// Voting power; 1 where it isn't given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<u64>,
}

/// Why a genesis document can't start a chain.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadGenesis {
    /// Not JSON of this shape.
    #[error("the genesis document is not readable: {0}")]
    Unreadable(String),
    /// Another format.
    #[error("format {0:?} is unknown; this program reads {FORMAT:?}")]
    Format(String),
    /// A chain's name is 1 to 64 bytes.
    #[error("the chain's name has 1 to 64 bytes without control characters")]
    Name,
    /// A parameter out of range.
    #[error("parameter {0} is out of range")]
    Parameter(&'static str),
    /// Not lower-case hex of 32 bytes.
    #[error("{0:?} is not 32 bytes in lower-case hex")]
    Hex(String),
    /// Unknown role.
    #[error("role {0:?} is unknown")]
    Role(String),
    /// An organisation twice.
    #[error("organisation {0:?} stands twice")]
    Twice(String),
    /// An organisation's record is wrong.
    #[error("organisation {0:?}: {1}")]
    Organisation(String, BadOrganisation),
    /// A rule is broken.
    #[error("organisation {0:?}: {1}")]
    Rule(String, Rejection),
    /// No or wrong validators.
    #[error(transparent)]
    Validators(#[from] BadValidatorSet),
}

/// A checked genesis: the chain's identity and its state before the first block.
#[derive(Clone, Debug)]
pub struct Genesis {
    /// The document's exact bytes.
    pub bytes: Vec<u8>,
    /// Their SHA-256.
    pub chain_id: Hash,
    /// The document.
    pub document: Document,
    /// The validators of the first block.
    pub validators: ValidatorSet,
    /// The state at height 0.
    pub writes: Writes,
    /// Its tree.
    pub tree: TreeUpdate,
}

impl Genesis {
    /// Reads the exact bytes of a genesis document.
    pub fn read(bytes: &[u8]) -> Result<Genesis, BadGenesis> {
        let document: Document =
            serde_json::from_slice(bytes).map_err(|e| BadGenesis::Unreadable(e.to_string()))?;
        check(&document)?;
        let validators = validators(&document)?;
        let writes = initial_writes(&document, &validators)?;
        let tree = commitment::update(&Nothing, 0, &writes.values)
            .map_err(|e| BadGenesis::Unreadable(e.to_string()))?;
        Ok(Genesis {
            bytes: bytes.to_vec(),
            chain_id: hash::sha256(bytes),
            document,
            validators,
            writes,
            tree,
        })
    }
}

impl Document {
    /// The file's bytes as the ceremony writes them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = serde_json::to_string_pretty(self)
            .expect("strings, numbers and lists always serialise to JSON");
        text.push('\n');
        text.into_bytes()
    }
}

/// An organisation's public part as the ledger records it, its keys valid from height 1.
pub fn organisation(public: &Organisation) -> Result<ledger::Organisation, BadGenesis> {
    let mut roles = public
        .roles
        .iter()
        .map(|name| {
            role::named(name)
                .map(|r| r as i32)
                .ok_or_else(|| BadGenesis::Role(name.clone()))
        })
        .collect::<Result<Vec<i32>, _>>()?;
    roles.sort_unstable();
    let keys = public
        .keys
        .iter()
        .map(|k| {
            Ok(ledger::Key {
                public_key: key_bytes(k)?.to_vec(),
                valid_from_height: 1,
                valid_until_height: 0,
                compromised_since_ms: 0,
                added_ms: 0,
                dispute: 0,
            })
        })
        .collect::<Result<_, BadGenesis>>()?;
    let peers = public
        .nodes
        .iter()
        .map(|n| {
            Ok(ledger::Peer {
                public_key: key_bytes(&n.network_key)?.to_vec(),
                addresses: n.addresses.clone(),
            })
        })
        .collect::<Result<_, BadGenesis>>()?;
    let mut gs1_prefixes = public.gs1_prefixes.clone();
    gs1_prefixes.sort();
    Ok(ledger::Organisation {
        id: public.id.clone(),
        name: public.name.clone(),
        roles,
        keys,
        peers,
        gs1_prefixes,
        standing: 0,
        standing_height: 0,
    })
}

fn check(document: &Document) -> Result<(), BadGenesis> {
    if document.format != FORMAT {
        return Err(BadGenesis::Format(document.format.clone()));
    }
    let name = &document.chain;
    if name.is_empty() || name.len() > 64 || name.chars().any(char::is_control) {
        return Err(BadGenesis::Name);
    }
    let p = &document.parameters;
    if p.transaction_lifetime_ms == Some(0) {
        return Err(BadGenesis::Parameter("transaction_lifetime_ms"));
    }
    parameters::check_ranges(&p.ledger()).map_err(BadGenesis::Parameter)
}

fn validators(document: &Document) -> Result<ValidatorSet, BadGenesis> {
    let mut validators = Vec::new();
    for organisation in &document.organisations {
        for node in &organisation.nodes {
            if let Some(key) = &node.validator_key {
                validators.push(Validator {
                    public_key: key_bytes(key)?,
                    power: node.power.unwrap_or(1),
                    organisation: organisation.id.clone(),
                });
            }
        }
    }
    Ok(ValidatorSet::new(validators, 1)?)
}

fn initial_writes(document: &Document, validators: &ValidatorSet) -> Result<Writes, BadGenesis> {
    let mut seen = BTreeMap::new();
    let mut delta = Delta::new(&Nothing);
    for public in &document.organisations {
        if seen.insert(public.id.clone(), ()).is_some() {
            return Err(BadGenesis::Twice(public.id.clone()));
        }
        let record = organisation(public)?;
        enrollment::enroll(&mut delta, &record, 0).map_err(|error| match error {
            RuleError::Rejected(rejection) => BadGenesis::Rule(public.id.clone(), rejection),
            RuleError::Failed(fault) => BadGenesis::Unreadable(fault.to_string()),
        })?;
    }
    delta.put(keys::VALIDATORS.to_vec(), validators.encode());
    let parameters = document.parameters.ledger();
    delta.write(keys::PARAMETERS.to_vec(), &parameters);
    delta.accept_block_writes();
    Ok(delta.into_writes())
}

fn key_bytes(text: &str) -> Result<[u8; 32], BadGenesis> {
    let bad = || BadGenesis::Hex(text.to_owned());
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(bad());
    }
    let bytes = hex::decode(text).map_err(|_| bad())?;
    encoding::exact("key", &bytes).map_err(|_| bad())
}

/// The state before genesis.
struct Nothing;

impl StateRead for Nothing {
    fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(None)
    }
    fn is_committed(&self, _: &Hash) -> Result<bool, Fault> {
        Ok(false)
    }
}

impl TreeRead for Nothing {
    fn node(&self, _: &NodeKey) -> Result<Option<TreeNode>, Fault> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
