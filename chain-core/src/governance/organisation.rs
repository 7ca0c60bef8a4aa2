//! Organisations and their keys.
//!
//! Consensus-critical: yes

use std::collections::BTreeSet;
use std::str::Utf8Error;

use thiserror::Error;
use touchstone_proto::ledger::{Key, KeyDispute, Organisation, Role};

use crate::Fault;
use crate::encoding;
use crate::signing::{self, BadKey};
use crate::state::{StateRead, keys};

/// Keys that an organisation may have had in all its life.
pub const MAX_KEYS: usize = 256;
/// Nodes of an organisation.
pub const MAX_PEERS: usize = 16;
/// Bytes of an organisation's name.
pub const MAX_NAME_BYTES: usize = 128;

/// Why an organisation's record is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadOrganisation {
    /// The id's spelling.
    #[error(
        "organisation id {0:?}: 2 to 64 lower-case letters, digits and hyphens, starting with a letter"
    )]
    Id(String),
    /// The name's length.
    #[error("an organisation's name has 1 to {MAX_NAME_BYTES} bytes without control characters")]
    Name,
    /// Roles.
    #[error("roles must be known, ascending, each once, and at least one")]
    Roles,
    /// Keys.
    #[error("an organisation has 1 to {MAX_KEYS} keys, each once")]
    Keys,
    /// One key.
    #[error("key {}: {error}", hex::encode(.key))]
    Key {
        /// The key.
        key: Vec<u8>,
        /// What is wrong with it.
        error: BadKey,
    },
    /// A field of the wrong length.
    #[error(transparent)]
    Malformed(#[from] encoding::Malformed),
    /// Peers.
    #[error(
        "at most {MAX_PEERS} peers, each with a distinct network key and at most 8 addresses of at most 256 bytes"
    )]
    Peers,
    /// Prefixes.
    #[error(
        "GS1 company prefix {0:?}: 4 to 12 digits, ascending, each once (GS1 General Specifications §1.4)"
    )]
    Prefix(String),
}

/// Checks the shape of an organisation's record.
pub fn check(organisation: &Organisation) -> Result<(), BadOrganisation> {
    if !is_id(&organisation.id) {
        return Err(BadOrganisation::Id(organisation.id.clone()));
    }
    let name = &organisation.name;
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        return Err(BadOrganisation::Name);
    }
    check_roles(&organisation.roles)?;
    check_keys(&organisation.keys)?;
    check_peers(organisation)?;
    check_prefixes(&organisation.gs1_prefixes)
}

/// Whether `text` may be an organisation's id.
pub fn is_id(text: &str) -> bool {
    (2..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && text.starts_with(|c: char| c.is_ascii_lowercase())
}

/// The key with these bytes, if it may sign at `height`.
pub fn key_valid_at<'a>(
    organisation: &'a Organisation,
    public_key: &[u8],
    height: u64,
) -> Option<&'a Key> {
    organisation
        .keys
        .iter()
        .find(|k| k.public_key == public_key && valid_at(k, height))
}

/// Whether a key may sign at `height`.
pub fn valid_at(key: &Key, height: u64) -> bool {
    key.valid_from_height <= height
        && (key.valid_until_height == 0 || height <= key.valid_until_height)
}

/// Whether what is said of a key rests on the word of a key that may be a thief's.
pub fn is_contested(key: &Key) -> bool {
    key.dispute == KeyDispute::Contested as i32
}

/// Whether the consortium's vote settled what is said of a key.
pub fn is_settled(key: &Key) -> bool {
    key.dispute == KeyDispute::Settled as i32
}

/// Whether the organisation has one of these roles.
pub fn has_role(organisation: &Organisation, roles: &[Role]) -> bool {
    roles
        .iter()
        .any(|role| organisation.roles.contains(&(*role as i32)))
}

/// A key that an organisation gets at `height`: it may sign from the next one on. `added_ms` is the time of the block
/// where the organisation itself adds it, 0 where the consortium does.
pub(crate) fn new_key(public_key: &[u8; 32], height: u64, added_ms: u64) -> Key {
    Key {
        public_key: public_key.to_vec(),
        valid_from_height: height.saturating_add(1),
        valid_until_height: 0,
        compromised_since_ms: 0,
        added_ms,
        dispute: 0,
    }
}

/// Ids of the enrolled organisations, ascending.
pub fn enrolled(state: &impl StateRead) -> Result<Vec<String>, Fault> {
    let list = state.get(keys::ORGANISATIONS)?.unwrap_or_default();
    ids(&list).map_err(|e| Fault::Damaged(format!("organisations: {e}")))
}

/// The ids in a stored list of organisations, ascending.
pub fn ids(list: &[u8]) -> Result<Vec<String>, Utf8Error> {
    let ids = list.split(|b| *b == 0).filter(|id| !id.is_empty());
    ids.map(|id| std::str::from_utf8(id).map(str::to_owned))
        .collect()
}

/// The stored form of a list of organisations.
pub(crate) fn encode_ids(mut ids: Vec<String>) -> Vec<u8> {
    ids.sort_unstable();
    let ids = ids.iter();
    ids.flat_map(|id| [id.as_bytes(), &[0]].concat()).collect()
}

fn check_roles(roles: &[i32]) -> Result<(), BadOrganisation> {
    let known = roles
        .iter()
        .all(|r| matches!(Role::try_from(*r), Ok(role) if role != Role::Unspecified));
    if roles.is_empty() || !known || !strictly_ascending(roles) {
        return Err(BadOrganisation::Roles);
    }
    Ok(())
}

fn check_keys(keys: &[Key]) -> Result<(), BadOrganisation> {
    let distinct: BTreeSet<&[u8]> = keys.iter().map(|k| k.public_key.as_slice()).collect();
    if keys.is_empty() || keys.len() > MAX_KEYS || distinct.len() != keys.len() {
        return Err(BadOrganisation::Keys);
    }
    for key in keys {
        let bytes = encoding::exact("public_key", &key.public_key)?;
        signing::check_public_key(&bytes).map_err(|error| BadOrganisation::Key {
            key: key.public_key.clone(),
            error,
        })?;
    }
    Ok(())
}

fn check_peers(organisation: &Organisation) -> Result<(), BadOrganisation> {
    let peers = &organisation.peers;
    let distinct: BTreeSet<&[u8]> = peers.iter().map(|p| p.public_key.as_slice()).collect();
    let addresses_fit = peers
        .iter()
        .all(|p| p.addresses.len() <= 8 && p.addresses.iter().all(|a| a.len() <= 256));
    if peers.len() > MAX_PEERS || distinct.len() != peers.len() || !addresses_fit {
        return Err(BadOrganisation::Peers);
    }
    for peer in peers {
        let bytes = encoding::exact("peer public_key", &peer.public_key)?;
        signing::check_public_key(&bytes).map_err(|error| BadOrganisation::Key {
            key: peer.public_key.clone(),
            error,
        })?;
    }
    Ok(())
}

fn check_prefixes(prefixes: &[String]) -> Result<(), BadOrganisation> {
    for prefix in prefixes {
        if !(4..=12).contains(&prefix.len()) || !prefix.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadOrganisation::Prefix(prefix.clone()));
        }
    }
    if !strictly_ascending(prefixes) {
        return Err(BadOrganisation::Prefix(prefixes.join(", ")));
    }
    Ok(())
}

fn strictly_ascending<T: PartialOrd>(values: &[T]) -> bool {
    values.iter().zip(values.iter().skip(1)).all(|(a, b)| a < b)
}

#[cfg(test)]
mod tests;
