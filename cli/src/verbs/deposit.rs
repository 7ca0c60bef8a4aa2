//! `touchstone deposit`: prove later that a design existed now, and show nothing.

use std::path::{Path, PathBuf};

use serde_json::json;
use touchstone_client::client::{Client, Signer, is_expiry};
use touchstone_client::deposit::{self, ProvenDeposit};
use touchstone_core::block::Header;
use touchstone_core::designs::content;
use touchstone_core::designs::design::{self, MAX_FILES};
use touchstone_core::designs::field::{FIELD_PLACES, FieldName};
use touchstone_core::hash::Hash;
use touchstone_core::transaction;
use touchstone_proto::ledger::{self, DepositDesign, transaction::Action};
use unicode_normalization::UnicodeNormalization;

use crate::failure::Failure;
use crate::fields;
use crate::keyfile;
use crate::output::{Output, plain, utc};
use crate::pictures;
use crate::receipt::{self, FORMAT, FORMAT_OF_FIELDS, Receipt, ReceiptFields, ReceiptFile};
use crate::say;
use crate::settings::{Settings, Signing};

/// Deposit a design: only a salted commitment leaves this machine
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone deposit chair-front.png chair-side.png --title 'Chair 7'
  touchstone deposit chair.step --view front=chair-front.png --class 06-01 --author 'Lin Yue'
  touchstone deposit --resend 4be1….touchstone.json    if no answer came, or it expired

The receipt DESIGNID.touchstone.json holds the salt. Without it nobody, its owner included, can
show what was deposited: keep copies with the files, and let nobody read it before disclosure.

Title, class, description and each author are deposited as fields under salts of their own. A
certificate shows those that you choose (--show, --hide) and proves them without the others.")]
pub struct Arguments {
    /// The design's files, in an order that you can repeat
    #[arg(required_unless_present_any = ["resend", "view"])]
    pub files: Vec<PathBuf>,
    /// Files that show the design from a side, behind the others: front=chair-front.png
    #[arg(long, value_name = "VIEW=FILE")]
    pub view: Vec<String>,
    /// What is deposited besides
    #[command(flatten)]
    pub fields: DepositFields,
    /// Folder for the receipt
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub receipts: PathBuf,
    /// Send an existing receipt's deposit again
    #[arg(
        long,
        conflicts_with_all = ["files", "view", "title", "class", "author", "description"],
        value_name = "RECEIPT"
    )]
    pub resend: Option<PathBuf>,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// The fields of a deposit, as its owner words them.
#[derive(clap::Args, Debug, Default)]
pub struct DepositFields {
    /// A name for people; it stays in the receipt until disclosure
    #[arg(long, default_value = "")]
    pub title: String,
    /// Class in the Locarno Classification: 06-01
    #[arg(long, value_name = "NN-NN")]
    pub class: Option<String>,
    /// Who made it; may stand up to eight times
    #[arg(long, value_name = "NAME")]
    pub author: Vec<String>,
    /// What it is, in words
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
}

impl DepositFields {
    /// The same by name. Each is normalised (Unicode NFC), so that what looks equal is equal.
    pub(super) fn named(&self) -> Vec<(FieldName, String)> {
        let title = Some(&self.title).filter(|title| !title.is_empty());
        let one = [
            (FieldName::Title, title),
            (FieldName::Class, self.class.as_ref()),
            (FieldName::Description, self.description.as_ref()),
        ];
        let one = one.into_iter();
        let one = one.filter_map(|(name, value)| Some((name, value?)));
        let authors = self.author.iter().map(|name| (FieldName::Author, name));
        one.chain(authors)
            .map(|(name, value)| (name, value.nfc().collect()))
            .collect()
    }
}

/// Deposits and waits for the proof.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    if let Some(path) = &arguments.resend {
        return resend(path, &arguments.signing, settings, output).await;
    }
    let mut files = Vec::new();
    for path in &arguments.files {
        files.push(hashed(path, output)?);
    }
    for view in &arguments.view {
        files.push(view_file(view, output)?);
    }
    let fields = arguments.fields.named();
    let (receipts, signing) = (&arguments.receipts, &arguments.signing);
    deposit_new(files, &fields, receipts, signing, settings, output).await
}

/// Deposits files with fields, and waits for the proof.
pub(super) async fn deposit_new(
    files: Vec<ReceiptFile>,
    fields: &[(FieldName, String)],
    receipts: &Path,
    signing: &Signing,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let signer = settings.signer(signing)?;
    if let Some(path) = receipt::of_files(receipts, &files) {
        output.remark(format!(
            "{} is the receipt of an earlier deposit of the same files: this is one more, and proves its own time \
             alone; `touchstone deposit --resend` sends the earlier one again",
            path.display()
        ));
    }
    let receipt = make(
        files,
        fields,
        signer,
        client.trust().chain_id(),
        output.now_ms(),
    )?;
    // The salt must be safe before anybody sees the commitment.
    let path = receipt.write(receipts)?;
    let deposited = deposited(&mut client, &receipt).await;
    finish(deposited, &path, &receipt, output)
}

/// Sends an existing receipt's deposit again.
async fn resend(
    path: &Path,
    signing: &Signing,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let mut receipt = Receipt::read(path)?;
    receipt.check(client.trust().chain_id())?;
    let mut outcome = deposited(&mut client, &receipt).await;
    if outcome.as_ref().is_err_and(has_expired) {
        // A design is deposited once, under its id: of the two transactions one is recorded at most.
        receipt = sign_afresh(&receipt, signing, settings, output)?;
        receipt.replace(path)?;
        outcome = deposited(&mut client, &receipt).await;
    }
    finish(outcome, path, &receipt, output)
}

/// Says what became of a deposit.
fn finish(
    outcome: Result<Deposited, Failure>,
    path: &Path,
    receipt: &Receipt,
    output: &mut Output,
) -> Result<(), Failure> {
    let deposited = match outcome {
        Ok(deposited) => deposited,
        Err(refused @ Failure::Refused { .. }) => {
            let path = receipt::mark_refused(path)?;
            output.remark(format!(
                "not deposited: its receipt is {} now, and proves nothing; mend what the rule names and \
                 deposit again",
                path.display()
            ));
            return Err(refused);
        }
        Err(failure) => {
            output.remark(format!(
                "the receipt {} is written; if the node was away, run `touchstone deposit --resend` \
                 with it",
                path.display()
            ));
            return Err(failure);
        }
    };
    let path = receipt::unmark(path)?;
    print(receipt, &path, &deposited, output);
    Ok(())
}

/// Where a design was deposited, proven.
struct Deposited {
    /// Id of the transaction that deposited it.
    transaction: Hash,
    /// The header of its block.
    header: Header,
}

/// Sends a deposit. A refusal is a node's word about one transaction: whether another one has deposited the design is
/// asked first, with proof.
async fn deposited(client: &mut Client, receipt: &Receipt) -> Result<Deposited, Failure> {
    let refused = match client
        .submit(receipt.envelope()?)
        .await
        .map_err(Failure::from)
    {
        Ok(recorded) => {
            return Ok(Deposited {
                transaction: recorded.id,
                header: recorded.attested.header,
            });
        }
        Err(refused @ Failure::Refused { .. }) => refused,
        Err(other) => return Err(other),
    };
    // Without a block nothing is recorded, and nothing is proven.
    if !client.has_blocks().await? {
        return Err(refused);
    }
    let (_, found) = Box::pin(deposit::deposit(client, &receipt.id()?, None)).await?;
    let ProvenDeposit {
        stated, deposited, ..
    } = found.ok_or(refused)?;
    Ok(Deposited {
        transaction: stated.transaction_id,
        header: deposited.header,
    })
}

/// Whether a deposit is refused since its transaction's lifetime is over.
fn has_expired(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused { code, .. } if is_expiry(*code))
}

/// The same deposit in a transaction of now.
fn sign_afresh(
    receipt: &Receipt,
    signing: &Signing,
    settings: &Settings,
    output: &Output,
) -> Result<Receipt, Failure> {
    let signer = settings.signer(signing)?;
    let owner_key = hex::encode(signer.key.verifying_key().to_bytes());
    if (&signer.organisation, &owner_key) != (&receipt.organisation, &receipt.owner_key) {
        return Err(Failure::Usage(format!(
            "the deposit's transaction expired before it was recorded: sign it afresh as {} with key {}",
            receipt.organisation, receipt.owner_key
        )));
    }
    let chain_id = receipt::bytes("chain_id", &receipt.chain_id)?;
    let commitment = receipt.opening()?.commitment(&chain_id);
    let commitment = commitment.map_err(|e| Failure::Usage(e.to_string()))?;
    let (transaction_id, envelope) = sign(&signer, &chain_id, &commitment, output.now_ms())?;
    Ok(Receipt {
        transaction_id,
        envelope,
        ..receipt.clone()
    })
}

/// A deposit's transaction: its id and its bytes, in hex.
fn sign(
    signer: &Signer,
    chain_id: &Hash,
    commitment: &Hash,
    created_ms: u64,
) -> Result<(String, String), Failure> {
    let transaction = ledger::Transaction {
        organisation: signer.organisation.clone(),
        created_ms,
        action: Some(Action::DepositDesign(DepositDesign {
            commitment: commitment.to_vec(),
        })),
    };
    let envelope = transaction::sign(&signer.key, chain_id, &transaction);
    let id = transaction::id_of_envelope(chain_id, &envelope)?;
    Ok((hex::encode(id), hex::encode(envelope)))
}

/// The hash of a file that is deposited. Of a picture that was cut off it is told: it would be compared with nothing
/// later, and a deposit can't be changed.
pub(super) fn hashed(path: &Path, output: &mut Output) -> Result<ReceiptFile, Failure> {
    let file = receipt::hash_file(path)?;
    if let Some(reason) = pictures::cut_off(path)? {
        output.remark(say!(
            output.language,
            "{path} is deposited as it is: {reason}",
            path = plain(&path.display().to_string()),
            reason = reason
        ));
    }
    Ok(file)
}

/// A file that is named with what it shows: `front=chair-front.png`.
pub(super) fn view_file(text: &str, output: &mut Output) -> Result<ReceiptFile, Failure> {
    let (view, path) = text.split_once('=').ok_or_else(|| {
        Failure::Usage(format!(
            "{}: a view is named with its file, as front=chair-front.png",
            plain(text)
        ))
    })?;
    if fields::view_of(view).is_none() {
        return Err(Failure::Usage(format!(
            "{}: not a view; views are {}",
            plain(view),
            fields::view_names()
        )));
    }
    Ok(ReceiptFile {
        view: Some(view.to_owned()),
        ..hashed(Path::new(path), output)?
    })
}

/// The receipt of a new deposit, with its signed transaction.
fn make(
    files: Vec<ReceiptFile>,
    fields: &[(FieldName, String)],
    signer: Signer,
    chain_id: &Hash,
    now_ms: u64,
) -> Result<Receipt, Failure> {
    if files.len() > MAX_FILES {
        return Err(Failure::Usage(format!(
            "a design has at most {MAX_FILES} files; put some into an archive"
        )));
    }
    let owner_key = signer.key.verifying_key().to_bytes();
    let salt = keyfile::random::<32>()?;
    let mut receipt = Receipt {
        format: FORMAT.to_owned(),
        chain_id: hex::encode(chain_id),
        design_id: String::new(),
        organisation: signer.organisation.clone(),
        owner_key: hex::encode(owner_key),
        salt: hex::encode(*salt),
        title: String::new(),
        files,
        fields: None,
        transaction_id: String::new(),
        envelope: String::new(),
    };
    // Without fields and views the form is that of old: every program reads it.
    if !fields.is_empty() || receipt.files.iter().any(|file| file.view.is_some()) {
        add_fields(&mut receipt, fields)?;
    }
    let commitment = receipt.opening()?.commitment(chain_id);
    let commitment = commitment.map_err(|e| Failure::Usage(e.to_string()))?;
    receipt.design_id = hex::encode(design::id(&owner_key, &commitment));
    let (transaction_id, envelope) = sign(&signer, chain_id, &commitment, now_ms)?;
    Ok(Receipt {
        transaction_id,
        envelope,
        ..receipt
    })
}

/// Seals the fields, each under a salt of its own.
fn add_fields(receipt: &mut Receipt, fields: &[(FieldName, String)]) -> Result<(), Failure> {
    let mut random = [[0; 32]; FIELD_PLACES];
    for bytes in &mut random {
        *bytes = *keyfile::random::<32>()?;
    }
    // The views stand with the files.
    let sealed = content::seal(&[], fields, &random).map_err(|e| Failure::Usage(e.to_string()))?;
    let title = fields.iter().find(|(name, _)| *name == FieldName::Title);
    FORMAT_OF_FIELDS.clone_into(&mut receipt.format);
    receipt.title = title.map_or_else(String::new, |(_, value)| value.clone());
    receipt.fields = Some(ReceiptFields {
        digests: sealed.digests.iter().map(hex::encode).collect(),
        disclosures: sealed.disclosures,
    });
    Ok(())
}

fn print(receipt: &Receipt, path: &std::path::Path, deposited: &Deposited, output: &mut Output) {
    let header = &deposited.header;
    if output.json {
        output.value(&json!({
            "design_id": receipt.design_id,
            "transaction": hex::encode(deposited.transaction),
            "height": header.height,
            "time_ms": header.time_ms,
            "receipt": path,
        }));
        return;
    }
    output.line(format!("Design    {}", receipt.design_id));
    output.line(format!(
        "Deposited {} at height {} (proven)",
        utc(header.time_ms),
        header.height
    ));
    output.line(format!("Receipt   {}", path.display()));
    output.line(
        "Keep the receipt and the exact files, in two places: without the receipt's salt nobody \
         can show what was deposited. It is a secret until you disclose the design.",
    );
}
