//! `touchstone deposit`: prove later that a design existed now, and show nothing.

use std::path::PathBuf;

use serde_json::json;
use touchstone_client::client::{Client, RecordedTransaction, Signer, is_expiry};
use touchstone_core::designs::design::{self, MAX_FILES, MAX_TITLE_BYTES};
use touchstone_core::hash::Hash;
use touchstone_core::transaction;
use touchstone_proto::ledger::{self, DepositDesign, transaction::Action};

use crate::failure::Failure;
use crate::keyfile;
use crate::output::{Output, utc};
use crate::receipt::{self, FORMAT, Opening, Receipt};
use crate::settings::{Settings, Signing};

/// Deposit a design: only a salted commitment leaves this machine
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone deposit chair-front.png chair-side.png --title 'Chair 7'
  touchstone deposit --resend 4be1….touchstone.json    if no answer came, or it expired

The receipt DESIGNID.touchstone.json holds the salt. Without it nobody, its owner included, can
show what was deposited: keep copies with the files, and let nobody read it before disclosure.")]
pub struct Arguments {
    /// The design's files, in an order that you can repeat
    #[arg(required_unless_present = "resend")]
    pub files: Vec<PathBuf>,
    /// A name for people; it stays in the receipt until disclosure
    #[arg(long, default_value = "")]
    pub title: String,
    /// Folder for the receipt
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub receipts: PathBuf,
    /// Send an existing receipt's deposit again
    #[arg(long, conflicts_with = "files", value_name = "RECEIPT")]
    pub resend: Option<PathBuf>,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Deposits and waits for the proof.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let (path, mut receipt) = match &arguments.resend {
        Some(path) => {
            let receipt = Receipt::read(path)?;
            receipt.check(client.trust().chain_id())?;
            (path.clone(), receipt)
        }
        None => {
            let receipt = make(arguments, settings, client.trust().chain_id(), output)?;
            // The salt must be safe before anybody sees the commitment.
            (receipt.write(&arguments.receipts)?, receipt)
        }
    };
    let mut submitted = submit(&mut client, &receipt).await;
    if arguments.resend.is_some() && submitted.as_ref().is_err_and(has_expired) {
        // A design is deposited once, under its id: of the two transactions one is recorded at most.
        receipt = sign_afresh(&receipt, arguments, settings, output)?;
        receipt.replace(&path)?;
        submitted = submit(&mut client, &receipt).await;
    }
    let recorded = match submitted {
        Ok(recorded) => recorded,
        Err(refused @ Failure::Refused { .. }) => {
            let path = receipt::mark_refused(&path)?;
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
    let path = receipt::unmark(&path)?;
    print(&receipt, &path, &recorded, output);
    Ok(())
}

async fn submit(client: &mut Client, receipt: &Receipt) -> Result<RecordedTransaction, Failure> {
    Ok(client.submit(receipt.envelope()?).await?)
}

/// Whether a deposit is refused since its transaction's lifetime is over.
fn has_expired(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused { code, .. } if is_expiry(*code))
}

/// The same deposit in a transaction of now.
fn sign_afresh(
    receipt: &Receipt,
    arguments: &Arguments,
    settings: &Settings,
    output: &Output,
) -> Result<Receipt, Failure> {
    let signer = settings.signer(&arguments.signing)?;
    let owner_key = hex::encode(signer.key.verifying_key().to_bytes());
    if (&signer.organisation, &owner_key) != (&receipt.organisation, &receipt.owner_key) {
        return Err(Failure::Usage(format!(
            "the deposit's transaction expired before it was recorded: sign it afresh as {} with key {}",
            receipt.organisation, receipt.owner_key
        )));
    }
    let chain_id = receipt::bytes("chain_id", &receipt.chain_id)?;
    let commitment = receipt.opening()?.commitment(&chain_id);
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

fn make(
    arguments: &Arguments,
    settings: &Settings,
    chain_id: &Hash,
    output: &Output,
) -> Result<Receipt, Failure> {
    check_title(&arguments.title)?;
    if arguments.files.len() > MAX_FILES {
        return Err(Failure::Usage(format!(
            "a design has at most {MAX_FILES} files; put some into an archive"
        )));
    }
    let files = arguments
        .files
        .iter()
        .map(|path| receipt::hash_file(path))
        .collect::<Result<Vec<_>, _>>()?;
    let signer = settings.signer(&arguments.signing)?;
    let owner_key = signer.key.verifying_key().to_bytes();
    let salt = keyfile::random::<32>()?;
    let opening = Opening {
        owner_key,
        salt: *salt,
        files: files
            .iter()
            .map(|f| receipt::bytes("sha256", &f.sha256))
            .collect::<Result<_, _>>()?,
    };
    let commitment = opening.commitment(chain_id);
    let (transaction_id, envelope) = sign(&signer, chain_id, &commitment, output.now_ms())?;
    Ok(Receipt {
        format: FORMAT.to_owned(),
        chain_id: hex::encode(chain_id),
        design_id: hex::encode(design::id(&owner_key, &commitment)),
        organisation: signer.organisation,
        owner_key: hex::encode(owner_key),
        salt: hex::encode(*salt),
        title: arguments.title.clone(),
        files,
        transaction_id,
        envelope,
    })
}

fn check_title(title: &str) -> Result<(), Failure> {
    if title.len() > MAX_TITLE_BYTES || title.chars().any(char::is_control) {
        return Err(Failure::Usage(format!(
            "a title has at most {MAX_TITLE_BYTES} bytes without control characters"
        )));
    }
    Ok(())
}

fn print(
    receipt: &Receipt,
    path: &std::path::Path,
    recorded: &RecordedTransaction,
    output: &mut Output,
) {
    let header = &recorded.attested.header;
    if output.json {
        output.value(&json!({
            "design_id": receipt.design_id,
            "transaction": receipt.transaction_id,
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
