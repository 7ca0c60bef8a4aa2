//! What is in which column family: each declares its name, key and value once. Keys are ordered as
//! their meaning is. A value is exact bytes where the ledger defines them (envelopes, state values,
//! link entries, tree nodes), and otherwise a row in bincode 1.3.3 (fixed-size little-endian
//! integers, lengths of eight bytes), which never leaves the disk.
//!
//! Golden files pin every row's bytes; changing one needs a new [`FORMAT`] and its migration.

mod event_rows;

use bincode::Options;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use touchstone_core::Fault;
use touchstone_core::hash::{self, Hash};
use touchstone_core::state::commitment::TreeNode;

pub use event_rows::{EventKey, EventPlace, EventPlaces};

/// Version of this layout.
pub const FORMAT: u32 = 3;

/// The version before: its nodes of the tree take more bytes, and are read as they are.
pub const FORMAT_BEFORE: u32 = 2;

/// A column family.
pub trait Table {
    /// Its name in RocksDB.
    const NAME: &'static str;
    /// Whether its values shrink; hashes don't.
    const COMPRESSED: bool;
    /// Its keys.
    type Key: TableKey;
    /// Its values.
    type Value: TableValue;
}

/// A key: its bytes sort as it does.
pub trait TableKey: Sized {
    /// Its bytes.
    fn encode(&self) -> Vec<u8>;
    /// The key with these bytes.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// A value.
pub trait TableValue: Sized {
    /// Its bytes.
    fn encode(&self) -> Result<Vec<u8>, Fault>;
    /// The value with these bytes; `None` if they were damaged.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

macro_rules! tables {
    ($($(#[$doc:meta])* $table:ident $name:literal $compressed:literal: $key:ty => $value:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $table;

            impl Table for $table {
                const NAME: &'static str = $name;
                const COMPRESSED: bool = $compressed;
                type Key = $key;
                type Value = $value;
            }
        )*

        /// Name of every column family, and whether it is compressed.
        pub const TABLES: &[(&str, bool)] = &[$(($table::NAME, $table::COMPRESSED)),*];
    };
}

tables! {
    /// Headers and certificates by height.
    Headers "headers" true: HeightKey => HeaderRow;
    /// Envelopes, exact bytes.
    Transactions "transactions" true: PlaceKey => Vec<u8>;
    /// Where a transaction is, by its id.
    TransactionIndex "transaction_index" false: Hash => PlaceRow;
    /// Heights by block id.
    BlockIndex "block_index" false: Hash => u64;
    /// The state after the last block.
    State "state" true: Vec<u8> => Vec<u8>;
    /// Nodes of the tree over the state by their places, so that a block's replace those before; no place is given up.
    Tree "tree_by_place" false: Vec<u8> => NodeRow;
    /// Nodes of a store of format 1, by version and place as the `jmt` crate encodes keys: moved when it is opened.
    EarlierTree "tree" false: Vec<u8> => Vec<u8>;
    /// Entries of links.
    Links "links" true: LinkKey => Vec<u8>;
    /// Validator sets by the height of the block that made them; each votes from the next height on.
    ValidatorSets "validator_sets" true: HeightKey => Vec<u8>;
    /// Evidence of double signing.
    Misbehaviours "misbehaviour" true: EvidenceKey => Vec<u8>;
    /// Time stamps of checkpoints.
    Checkpoints "checkpoints" true: CheckpointKey => CheckpointRow;
    /// What the store is and how far it goes.
    Meta "meta" false: MetaKey => MetaRow;
    /// Which events have a value in a field: made from the blocks, and made again if it is lost.
    EventIndex "event_index" false: EventKey => EventPlaces;
    /// What this node keeps for its HTTP clients; no part of the chain.
    HttpTable "desk" true: HttpKey => Vec<u8>;
}

/// A block height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeightKey(pub u64);

impl TableKey for HeightKey {
    fn encode(&self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        Some(HeightKey(u64::from_be_bytes(bytes.try_into().ok()?)))
    }
}

/// The place of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlaceKey {
    /// Height of its block.
    pub height: u64,
    /// Its index in the block.
    pub index: u32,
}

impl TableKey for PlaceKey {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.height.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.index.to_be_bytes());
        bytes
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (height, index) = bytes.split_first_chunk::<8>()?;
        Some(PlaceKey {
            height: u64::from_be_bytes(*height),
            index: u32::from_be_bytes(index.try_into().ok()?),
        })
    }
}

impl TableKey for Hash {
    fn encode(&self) -> Vec<u8> {
        self.to_vec()
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok()
    }
}

impl TableKey for Vec<u8> {
    fn encode(&self) -> Vec<u8> {
        self.clone()
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        Some(bytes.to_vec())
    }
}

/// Bytes of a [`LinkKey`]'s owner, with which its key begins.
pub const LINK_OWNER_BYTES: usize = 32;

/// An entry of a link. The owner is hashed: owner keys differ in length, and one may begin with
/// another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkKey {
    /// SHA-256 of the owner's state key.
    pub owner: Hash,
    /// Number of the entry, from 0.
    pub sequence: u64,
}

impl LinkKey {
    /// The entry of the record with this state key.
    pub fn new(owner_key: &[u8], sequence: u64) -> LinkKey {
        LinkKey {
            owner: hash::sha256(owner_key),
            sequence,
        }
    }
}

impl TableKey for LinkKey {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.owner.to_vec();
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (owner, sequence) = bytes.split_first_chunk::<LINK_OWNER_BYTES>()?;
        Some(LinkKey {
            owner: *owner,
            sequence: u64::from_be_bytes(sequence.try_into().ok()?),
        })
    }
}

/// Evidence by height, then by its own hash: the same evidence is kept once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EvidenceKey {
    /// Height of the conflicting messages.
    pub height: u64,
    /// SHA-256 of the evidence's bytes.
    pub hash: Hash,
}

impl TableKey for EvidenceKey {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.height.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.hash);
        bytes
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (height, hash) = bytes.split_first_chunk::<8>()?;
        Some(EvidenceKey {
            height: u64::from_be_bytes(*height),
            hash: hash.try_into().ok()?,
        })
    }
}

/// A checkpoint of one authority, by its last height: the first row from a height on is the earliest
/// one that may cover it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckpointKey {
    /// SHA-256 of the authority's name.
    pub authority: Hash,
    /// The last height covered.
    pub last: u64,
}

impl CheckpointKey {
    /// The checkpoint of the authority with this name that ends at a height.
    pub fn new(authority: &str, last: u64) -> CheckpointKey {
        CheckpointKey {
            authority: hash::sha256(authority.as_bytes()),
            last,
        }
    }
}

impl TableKey for CheckpointKey {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.authority.to_vec();
        bytes.extend_from_slice(&self.last.to_be_bytes());
        bytes
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (authority, last) = bytes.split_first_chunk::<32>()?;
        Some(CheckpointKey {
            authority: *authority,
            last: u64::from_be_bytes(last.try_into().ok()?),
        })
    }
}

/// A row of [`HttpTable`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HttpKey {
    /// Height up to which [`EventIndex`] goes, 8 bytes big-endian.
    Indexed,
    /// The same of an earlier layout, with a row for each event: it is made anew.
    IndexedByEvent,
    /// A named query, as JSON.
    Query(String),
}

impl TableKey for HttpKey {
    fn encode(&self) -> Vec<u8> {
        match self {
            HttpKey::Indexed => b"indexed-by-block".to_vec(),
            HttpKey::IndexedByEvent => b"indexed".to_vec(),
            HttpKey::Query(name) => [b"query/", name.as_bytes()].concat(),
        }
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            b"indexed-by-block" => return Some(HttpKey::Indexed),
            b"indexed" => return Some(HttpKey::IndexedByEvent),
            _ => {}
        }
        let name = bytes.strip_prefix(b"query/")?.to_vec();
        Some(HttpKey::Query(String::from_utf8(name).ok()?))
    }
}

/// A row of [`Meta`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MetaKey {
    /// [`MetaRow::Format`].
    Format,
    /// [`MetaRow::Genesis`].
    Genesis,
    /// [`MetaRow::Tip`].
    Tip,
}

impl TableKey for MetaKey {
    fn encode(&self) -> Vec<u8> {
        match self {
            MetaKey::Format => b"format".to_vec(),
            MetaKey::Genesis => b"genesis".to_vec(),
            MetaKey::Tip => b"tip".to_vec(),
        }
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        [MetaKey::Format, MetaKey::Genesis, MetaKey::Tip]
            .into_iter()
            .find(|key| key.encode() == bytes)
    }
}

/// A decided header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderRow {
    /// Exact bytes.
    pub header: Vec<u8>,
    /// Bytes of its `CommitCertificate`.
    pub certificate: Vec<u8>,
    /// Number of its transactions.
    pub transactions: u32,
}

/// Where a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceRow {
    /// Height of its block.
    pub height: u64,
    /// Its index in the block.
    pub index: u32,
    /// Time of the block, milliseconds.
    pub time_ms: u64,
}

/// A checkpoint and its time stamp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointRow {
    /// The first height covered.
    pub first: u64,
    /// The authority's name.
    pub authority: String,
    /// DER of the time-stamp token.
    pub token: Vec<u8>,
    /// DER of the certificates that lead from the token's signer to a trusted root, where the
    /// token doesn't hold them.
    pub certificates: Vec<Vec<u8>>,
}

/// A value of [`Meta`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MetaRow {
    /// Version of the layout.
    Format(u32),
    /// What the chain began with.
    Genesis {
        /// The chain.
        chain_id: Hash,
        /// Genesis time, milliseconds.
        time_ms: u64,
        /// Root of the state at height 0.
        state_root: Hash,
    },
    /// The last block.
    Tip {
        /// Its height.
        height: u64,
        /// Its id; the chain id at height 0.
        block_id: Hash,
        /// Exact bytes of its header; empty at height 0.
        header: Vec<u8>,
    },
}

/// A node of the tree, in the bytes that chain-core gives a row: the version that made it, and the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRow {
    /// The version.
    pub version: u64,
    /// The node.
    pub node: TreeNode,
}

impl TableValue for NodeRow {
    fn encode(&self) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        self.node.encode_row(self.version, &mut bytes);
        Ok(bytes)
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, node) = TreeNode::decode_row(bytes)?;
        Some(NodeRow { version, node })
    }
}

impl TableValue for Vec<u8> {
    fn encode(&self) -> Result<Vec<u8>, Fault> {
        Ok(self.clone())
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        Some(bytes.to_vec())
    }
}

macro_rules! rows {
    ($($row:ty),*) => {$(
        impl TableValue for $row {
            fn encode(&self) -> Result<Vec<u8>, Fault> {
                encode_row(self)
            }
            fn decode(bytes: &[u8]) -> Option<Self> {
                decode_row(bytes)
            }
        }
    )*};
}

rows!(u64, HeaderRow, PlaceRow, CheckpointRow, MetaRow);

fn layout() -> impl Options {
    bincode::DefaultOptions::new()
        .with_fixint_encoding()
        .reject_trailing_bytes()
}

fn encode_row<T: Serialize>(row: &T) -> Result<Vec<u8>, Fault> {
    layout()
        .serialize(row)
        .map_err(|e| Fault::Invariant(format!("a row doesn't serialise: {e}")))
}

fn decode_row<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    layout().deserialize(bytes).ok()
}

#[cfg(test)]
mod tests;
