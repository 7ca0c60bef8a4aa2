//! The receipt of a deposit: the salt and what else is needed to prove, years later, what was
//! deposited. It is a secret until the design is disclosed: who has it can confirm a guess.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
pub use touchstone_client::deposit::Opening;
use touchstone_client::verification::NotVerified;
use touchstone_core::designs::design;
use touchstone_core::hash::Hash;
use touchstone_core::transaction;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{DesignContent, DesignView};

use crate::failure::Failure;
use crate::json_file::{self, bad};
use crate::{fields, file, keyfile};

/// The format's name, where the deposit covers files alone.
pub const FORMAT: &str = "touchstone/receipt/v1";
/// The format's name, where it covers views and fields.
pub const FORMAT_OF_FIELDS: &str = "touchstone/receipt/v2";
/// A receipt has no more bytes, whatever the thousand names of its files.
const MAX_FILE_BYTES: u64 = 4 << 20;
/// How receipts' file names end.
pub const SUFFIX: &str = ".touchstone.json";
/// What is added to the name of a receipt whose deposit was refused.
pub const REFUSED: &str = ".refused";

/// What is kept. Byte strings are lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// [`FORMAT`] or [`FORMAT_OF_FIELDS`].
    pub format: String,
    /// The chain's id.
    pub chain_id: String,
    /// The design's id.
    pub design_id: String,
    /// Who deposited it.
    pub organisation: String,
    /// The key that signed.
    pub owner_key: String,
    /// 32 random bytes: the secret.
    pub salt: String,
    /// A name for people.
    pub title: String,
    /// The files, in the order of the deposit.
    pub files: Vec<ReceiptFile>,
    /// What the deposit covers besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<ReceiptFields>,
    /// Id of the deposit's transaction.
    pub transaction_id: String,
    /// Its exact bytes, to send again if need be.
    pub envelope: String,
}

/// A deposited file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptFile {
    /// Its name.
    pub name: String,
    /// Its SHA-256.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// What it shows of the design, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
}

/// The fields of a deposit. Who has their disclosures can show them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptFields {
    /// The digest at each place.
    pub digests: Vec<String>,
    /// The disclosure of each field.
    pub disclosures: Vec<String>,
}

impl Receipt {
    /// Reads a receipt.
    pub fn read(path: &Path) -> Result<Receipt, Failure> {
        let refused = |why| bad(format!("not a receipt: {why}"), path);
        let (_, receipt) = json_file::read::<Receipt>(path, MAX_FILE_BYTES, refused)?;
        let expected = match receipt.fields {
            None => FORMAT,
            Some(_) => FORMAT_OF_FIELDS,
        };
        if receipt.format != expected {
            return Err(bad(
                format!(
                    "format {:?} is unknown; this program reads {FORMAT:?} and, with fields, {FORMAT_OF_FIELDS:?}",
                    receipt.format
                ),
                path,
            ));
        }
        Ok(receipt)
    }

    /// Writes the receipt as a private file into a folder; gives its path.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, Failure> {
        let path = folder.join(format!("{}{SUFFIX}", self.design_id));
        keyfile::write_secret(&path, &self.text()?, false)?;
        Ok(path)
    }

    /// Writes the receipt over its former self.
    pub fn replace(&self, path: &Path) -> Result<(), Failure> {
        keyfile::write_secret(path, &self.text()?, true)
    }

    fn text(&self) -> Result<Vec<u8>, Failure> {
        let mut text =
            serde_json::to_vec_pretty(self).map_err(|e| Failure::Usage(format!("receipt: {e}")))?;
        text.push(b'\n');
        Ok(text)
    }

    /// The design's id.
    pub fn id(&self) -> Result<Hash, Failure> {
        bytes("design_id", &self.design_id)
    }

    /// What opens the commitment.
    pub fn opening(&self) -> Result<Opening, Failure> {
        Ok(Opening {
            owner_key: bytes("owner_key", &self.owner_key)?,
            salt: bytes("salt", &self.salt)?,
            files: self
                .files
                .iter()
                .map(|f| bytes("sha256", &f.sha256))
                .collect::<Result<_, _>>()?,
            content: self.content()?,
        })
    }

    /// What the deposit covers beside its files, with all fields shown.
    pub fn content(&self) -> Result<Option<DesignContent>, Failure> {
        let Some(fields) = &self.fields else {
            return Ok(None);
        };
        let mut views = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let view = match file.view.as_deref() {
                Some(name) => {
                    fields::view_of(name).ok_or_else(|| changed("it names an unknown view"))?
                }
                None => DesignView::Unspecified,
            };
            views.push(view as i32);
        }
        let digests = fields.digests.iter().map(|d| bytes("digests", d));
        let digests = digests.map(|digest| Ok(digest?.to_vec()));
        Ok(Some(DesignContent {
            views,
            digests: digests.collect::<Result<_, Failure>>()?,
            disclosures: fields.disclosures.clone(),
        }))
    }

    /// The envelope's bytes.
    pub fn envelope(&self) -> Result<Vec<u8>, Failure> {
        hex::decode(&self.envelope).map_err(|_| wrong("envelope"))
    }

    /// Checks that the receipt is of this chain and agrees with itself.
    pub fn check(&self, chain_id: &Hash) -> Result<(), Failure> {
        if self.chain_id != hex::encode(chain_id) {
            return Err(Failure::Usage(format!(
                "the receipt is of chain {}, not of {}; name its genesis document",
                self.chain_id,
                hex::encode(chain_id)
            )));
        }
        let opening = self.opening()?;
        let opened = opening.opened().map_err(|e| changed(&e.to_string()))?;
        opened
            .check_title(&self.title)
            .map_err(|e| changed(&e.to_string()))?;
        let (owner, salt) = (&opening.owner_key, &opening.salt);
        let commitment = design::commitment(chain_id, owner, salt, &opened.root);
        if design::id(&opening.owner_key, &commitment) != self.id()? {
            return Err(changed("its salt, key and files don't give its design id"));
        }
        let deposit = transaction::verify(chain_id, &self.envelope()?)
            .map_err(|_| changed("its transaction isn't one of this chain"))?;
        let deposits_it = matches!(
            deposit.action(),
            Action::DepositDesign(deposit) if deposit.commitment == commitment
        );
        if !deposits_it
            || deposit.signer() != &opening.owner_key
            || deposit.organisation() != self.organisation
            || deposit.id() != &bytes("transaction_id", &self.transaction_id)?
        {
            return Err(changed("its transaction isn't the deposit of its design"));
        }
        Ok(())
    }
}

/// 32 bytes of hex.
pub fn bytes(field: &'static str, text: &str) -> Result<[u8; 32], Failure> {
    let decoded = hex::decode(text).map_err(|_| wrong(field))?;
    decoded.try_into().map_err(|_| wrong(field))
}

fn changed(how: &str) -> Failure {
    NotVerified::Contradiction(format!("the receipt was changed: {how}")).into()
}

fn wrong(field: &str) -> Failure {
    Failure::Usage(format!(
        "the receipt's {field} is not hex of the right length"
    ))
}

/// Hashes a file without holding it in memory.
pub fn hash_file(path: &Path) -> Result<ReceiptFile, Failure> {
    use sha2::{Digest, Sha256};
    use std::io::Read;
    let failed = |e: std::io::Error| Failure::io("reading", path, &e);
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0u8; 1 << 16];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer).map_err(failed)?;
        let Some(part) = buffer.get(..count).filter(|p| !p.is_empty()) else {
            break;
        };
        hasher.update(part);
        size += part.len() as u64;
    }
    let name = path.file_name().unwrap_or_default();
    Ok(ReceiptFile {
        name: name.to_string_lossy().into_owned(),
        sha256: hex::encode(hasher.finalize()),
        bytes: size,
        view: None,
    })
}

/// Marks the receipt of a refused deposit by its name, and gives that. It isn't removed: a refusal is one
/// node's word, and the salt is nowhere else.
pub fn mark_refused(path: &Path) -> Result<PathBuf, Failure> {
    if is_marked(path) {
        return Ok(path.to_owned());
    }
    let mut name = path.as_os_str().to_owned();
    name.push(REFUSED);
    rename(path, PathBuf::from(name))
}

/// Takes the mark off a receipt whose deposit is recorded after all; gives its path.
pub fn unmark(path: &Path) -> Result<PathBuf, Failure> {
    match is_marked(path) {
        true => rename(path, path.with_extension("")),
        false => Ok(path.to_owned()),
    }
}

fn is_marked(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == &REFUSED[1..])
}

fn rename(from: &Path, to: PathBuf) -> Result<PathBuf, Failure> {
    file::refuse_existing(&to, false)?;
    std::fs::rename(from, &to).map_err(|e| Failure::io("renaming", from, &e))?;
    Ok(to)
}

/// The receipt of a design in a folder, by default this one.
pub fn of_design(folder: Option<&Path>, design_id: &str) -> Result<Option<Receipt>, Failure> {
    let folder = folder.unwrap_or(Path::new("."));
    let found = find(folder, |r| r.design_id == design_id)?;
    Ok(found.into_iter().next().map(|(_, receipt)| receipt))
}

/// A receipt in a folder of the same files in the same order, whose deposit wasn't refused, as far as is known.
pub fn of_files(folder: &Path, files: &[ReceiptFile]) -> Option<PathBuf> {
    let hashes = |files: &[ReceiptFile]| -> Vec<String> {
        files.iter().map(|file| file.sha256.clone()).collect()
    };
    let wanted = hashes(files);
    let found = find(folder, |receipt| hashes(&receipt.files) == wanted);
    let mut found = found.unwrap_or_default().into_iter();
    found
        .next()
        .map(|(path, _)| path)
        .filter(|path| !is_marked(path))
}

/// Receipts in a folder that are `wanted`, those of refused deposits last.
pub fn find(
    folder: &Path,
    wanted: impl Fn(&Receipt) -> bool,
) -> Result<Vec<(PathBuf, Receipt)>, Failure> {
    let mut found = Vec::new();
    for path in named(folder)? {
        // Another file of that name is no error: it just isn't a receipt.
        if let Ok(receipt) = Receipt::read(&path)
            && wanted(&receipt)
        {
            found.push((path, receipt));
        }
    }
    let is_refused = |path: &Path| path.to_string_lossy().ends_with(REFUSED);
    found.sort_by(|(a, _), (b, _)| (is_refused(a), a).cmp(&(is_refused(b), b)));
    Ok(found)
}

/// Why files of a folder that are named as receipts can't be read: one of them may be the receipt that is looked for.
pub fn unread(folder: &Path) -> Result<Vec<Failure>, Failure> {
    let paths = named(folder)?;
    Ok(paths
        .iter()
        .filter_map(|path| Receipt::read(path).err())
        .collect())
}

/// The files of a folder that are named as receipts, in order.
fn named(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |e: std::io::Error| Failure::io("reading", folder, &e);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_named = path.file_name().is_some_and(|name| {
            let name = name.to_string_lossy();
            name.strip_suffix(REFUSED)
                .unwrap_or(&name)
                .ends_with(SUFFIX)
        });
        if is_named {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
