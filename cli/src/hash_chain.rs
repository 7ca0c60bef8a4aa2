//! The secret of a validator's hash chain, in a private file. What was revealed, the ledger tells: so the file never
//! changes, and a copy of it serves as well.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;
use touchstone_core::governance::hash_chain::{self, MAX_VALUES};
use touchstone_core::hash::Hash;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::file;
use crate::json_file::{self, bad};
use crate::keyfile;
use crate::receipt;

/// The format of the file.
const FORMAT: &str = "touchstone/hash-chain/v1";
/// No such file has more bytes.
const MAX_FILE_BYTES: u64 = 4096;

/// A chain of values that ends in a secret.
pub struct SecretChain {
    secret: Zeroizing<Hash>,
    values: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainFile {
    format: String,
    secret: String,
    values: u32,
}

impl SecretChain {
    /// A new one, of so many values.
    pub fn generate(values: u32) -> Result<SecretChain, Failure> {
        match (1..=MAX_VALUES).contains(&values) {
            true => Ok(SecretChain {
                secret: keyfile::random::<32>()?,
                values,
            }),
            false => Err(Failure::Usage(format!(
                "a hash chain has 1 to {MAX_VALUES} values"
            ))),
        }
    }

    /// Reads a file that nobody else may read.
    pub fn read(path: &Path) -> Result<SecretChain, Failure> {
        keyfile::check_private(path)?;
        let refused = |why| bad(format!("no hash chain's secret: {why}"), path);
        let (_, file) = json_file::read::<ChainFile>(path, MAX_FILE_BYTES, refused)?;
        if file.format != FORMAT || !(1..=MAX_VALUES).contains(&file.values) {
            return Err(bad(format!("not of the format {FORMAT}"), path));
        }
        let secret = Zeroizing::new(file.secret);
        Ok(SecretChain {
            secret: Zeroizing::new(receipt::bytes("secret", &secret)?),
            values: file.values,
        })
    }

    /// Writes it for its owner alone.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let file = ChainFile {
            format: FORMAT.to_owned(),
            secret: hex::encode(*self.secret),
            values: self.values,
        };
        let text = Zeroizing::new(format!("{:#}\n", json!(file)));
        file::write_private(path, text.as_bytes())
    }

    /// What the consortium registers.
    pub fn tip(&self) -> Hash {
        hash_chain::tip(&self.secret, self.values)
    }

    /// The value below a tip; `None` where the tip is another chain's, or all values are revealed.
    pub fn value_below(&self, tip: &Hash) -> Option<Hash> {
        hash_chain::value_below(&self.secret, self.values, tip)
    }
}
