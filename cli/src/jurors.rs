//! A platform's list of jurors as a file, and a juror's card: his place in the list and the path that shows it.

use std::path::Path;

use serde::{Deserialize, Serialize};
use touchstone_core::designs::review::jurors::MAX_JURORS;
use touchstone_core::encoding;
use touchstone_core::hash::Hash;
use touchstone_core::proof::juror_tree;
use touchstone_core::signing;

use crate::failure::Failure;
use crate::json_file::{self, bad};
use crate::receipt;

/// The format of a card's file.
pub const CARD_FORMAT: &str = "touchstone/juror-card/v1";
/// No card has more bytes.
const MAX_CARD_BYTES: u64 = 16 << 10;

/// A list of jurors: in each line a public key in hex and, after a blank, the organisation that the juror belongs to,
/// if any. Lines that are empty or begin with `#` don't count.
pub struct JurorFile {
    jurors: Vec<([u8; 32], String)>,
    leaves: Vec<Hash>,
}

impl JurorFile {
    /// Reads it. A key stands once, so that a juror has one chance.
    pub fn read(path: &Path) -> Result<JurorFile, Failure> {
        let text = std::fs::read_to_string(path).map_err(|e| Failure::io("reading", path, &e))?;
        let mut jurors = Vec::new();
        let mut known = std::collections::BTreeSet::new();
        for (number, line) in (1u64..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let bad =
                |why: &str| Failure::Usage(format!("{}, line {number}: {why}", path.display()));
            let (key, organisation) = line.split_once(' ').unwrap_or((line, ""));
            let key = receipt::bytes("public_key", key)
                .map_err(|_| bad("a public key in 64 hex digits, and after it an organisation"))?;
            signing::check_public_key(&key).map_err(|e| bad(&e.to_string()))?;
            if !known.insert(key) {
                return Err(bad("this key stands in the list before"));
            }
            jurors.push((key, organisation.trim().to_owned()));
        }
        if jurors.is_empty() || jurors.len() > MAX_JURORS as usize {
            return Err(Failure::Usage(format!(
                "{}: a list has 1 to {MAX_JURORS} jurors",
                path.display()
            )));
        }
        let leaves = jurors.iter();
        let leaves = leaves.map(|(key, organisation)| juror_tree::leaf(key, organisation));
        let leaves = leaves.collect();
        Ok(JurorFile { jurors, leaves })
    }

    /// The root over it.
    pub fn root(&self) -> Hash {
        juror_tree::root(&self.leaves).unwrap_or_default()
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        u32::try_from(self.jurors.len()).unwrap_or(u32::MAX)
    }

    /// The card of the juror with a key; `None` where he isn't in the list.
    pub fn card(&self, public_key: &[u8; 32]) -> Option<JurorCard> {
        let mut places = (0u32..).zip(&self.jurors);
        let (juror, (key, organisation)) = places.find(|(_, (key, _))| key == public_key)?;
        let path = juror_tree::prove(&self.leaves, juror)?;
        Some(JurorCard {
            format: CARD_FORMAT.to_owned(),
            root: hex::encode(self.root()),
            count: self.count(),
            juror,
            public_key: hex::encode(key),
            organisation: organisation.clone(),
            path: path.iter().map(hex::encode).collect(),
        })
    }
}

/// A juror's card. Byte strings are lower-case hex.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JurorCard {
    /// [`CARD_FORMAT`].
    pub format: String,
    /// Root and count of the list.
    pub root: String,
    /// How many jurors the list has.
    pub count: u32,
    /// The juror's place, from 0.
    pub juror: u32,
    /// His key.
    pub public_key: String,
    /// Whom he belongs to; empty: nobody.
    pub organisation: String,
    /// The siblings from his leaf to the root, bottom up.
    pub path: Vec<String>,
}

impl JurorCard {
    /// Reads a card, and checks that its path leads to its root.
    pub fn read(path: &Path) -> Result<JurorCard, Failure> {
        let refused = |why| bad(format!("no juror's card: {why}"), path);
        let (_, card) = json_file::read::<JurorCard>(path, MAX_CARD_BYTES, refused)?;
        let root = receipt::bytes("root", &card.root)?;
        let leaf = juror_tree::leaf(&card.key()?, &card.organisation);
        let siblings = card.siblings()?;
        let holds = juror_tree::verify(&root, card.count, card.juror, &leaf, &siblings);
        match holds && card.format == CARD_FORMAT {
            true => Ok(card),
            false => Err(bad(
                "no juror's card, or its path doesn't lead to its root",
                path,
            )),
        }
    }

    /// The juror's key.
    pub fn key(&self) -> Result<[u8; 32], Failure> {
        receipt::bytes("public_key", &self.public_key)
    }

    /// The path.
    pub fn siblings(&self) -> Result<Vec<Hash>, Failure> {
        let siblings = self.path.iter();
        let read = siblings.map(|sibling| {
            let bytes = hex::decode(sibling).unwrap_or_default();
            encoding::exact("path", &bytes).map_err(|e| Failure::Usage(e.to_string()))
        });
        read.collect()
    }
}
