//! `touchstone certificate`: what the ledger proves about a design, by its id, receipt or file.

mod check;
mod proven_deposit;
mod rendering;
mod search;
mod verdicts;

use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use touchstone_client::client::Client;
use touchstone_core::designs::DesignRejection;
use touchstone_core::designs::design;
use touchstone_core::hash::Hash;
use touchstone_core::rejection::Rejection;

use self::proven_deposit::{Certificate, certify};
use crate::deposit_certificate::facts::CertificateFacts;
use crate::deposit_certificate::status_entry::StatusEntry;
use crate::deposit_certificate::{credential, document};
use crate::failure::Failure;
use crate::field_selection::FieldSelection;
use crate::file;
use crate::keyfile::{self, Passphrase};
use crate::label;
use crate::listed_designs;
use crate::messages::in_column;
use crate::output::{Output, add_member, plain};
use crate::pdf::{self, PdfDocument};
use crate::receipt::{self, Receipt};
use crate::say;
use crate::settings::{Settings, Signing};

/// Show, proven, when a design was deposited and by whom
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone certificate chair-front.png               finds its receipt here, else disclosures
  touchstone certificate chair-front.png --receipt 4be1….touchstone.json
  touchstone certificate 4be1…                         by the design's id; finds its receipt here
  touchstone certificate --commitment 77d0… --owner-key 9f3c…    what was deposited, and by whom
  touchstone certificate chair-front.png -o cert.pdf   writes it in PDF/A as well
  touchstone certificate 4be1… -o cert.pdf --base https://node.example.org   its QR code opens there
  touchstone certificate 4be1… -o cert.json --key acme.pem
  touchstone certificate 4be1… -o cert.pdf --show class --hide author,title   the class alone
  touchstone certificate 4be1… --dispute 77d0… -o cert.pdf    tells how the dispute ended
  touchstone certificate --check cert.json             is the credential right?
  touchstone certificate --check cert.json --status-list status.json   and is it still relied on?

Exit codes: 0 proven; 3 not verified; 4 no deposit of this, or the file isn't part of it; 6 a
credential that leaves something to weigh.")]
pub struct Arguments {
    /// A design's id (64 hex digits) or one of its files
    #[arg(value_name = "ID|FILE", required_unless_present_any = ["check", "commitment"])]
    pub design: Option<String>,
    /// Find the design by its commitment (64 hex digits) and its owner's key
    #[arg(
        long,
        value_name = "HEX",
        requires = "owner_key",
        conflicts_with = "design"
    )]
    pub commitment: Option<String>,
    /// The key that signed the deposit of --commitment: 64 hex digits or a PEM file
    #[arg(long, value_name = "HEX|FILE", requires = "commitment")]
    pub owner_key: Option<String>,
    /// The receipt of the deposit
    #[arg(long, value_name = "RECEIPT")]
    pub receipt: Option<PathBuf>,
    /// Folder with receipts [default: the file's folder and this one]
    #[arg(long, value_name = "DIR", conflicts_with = "receipt")]
    pub receipts: Option<PathBuf>,
    /// Write the certificate too: FILE.pdf is a PDF/A document in Chinese and English, FILE.json a
    /// Verifiable Credential that the owner's key (--key) signs
    #[arg(short, long, value_name = "FILE")]
    pub out: Vec<PathBuf>,
    /// Check a Verifiable Credential of a deposit; where a genesis document is named, against the ledger
    #[arg(long, value_name = "CREDENTIAL", conflicts_with_all = ["design", "commitment", "out"])]
    pub check: Option<PathBuf>,
    /// Check the credential's signature alone and ask no node
    #[arg(long, requires = "check")]
    pub offline: bool,
    /// The QR code of the PDF leads to this node's page, which examines the design: https://node.example.org
    #[arg(long, value_name = "URL")]
    pub base: Option<String>,
    /// Which of the deposit's fields it shows
    #[command(flatten)]
    pub fields: FieldSelection,
    /// A dispute under the design's right that it tells of, with the panel's verdict
    #[arg(long = "dispute", value_name = "ID", conflicts_with_all = ["check", "commitment"])]
    pub disputes: Vec<String>,
    /// The credential says that its status is found in this list (touchstone statuslist)
    #[arg(long, value_name = "URL", requires = "listed")]
    pub status: Option<String>,
    /// The designs of that list, an id in each line
    #[arg(long, value_name = "FILE", requires = "status")]
    pub listed: Option<PathBuf>,
    /// With --check: the status list that the credential names, as you fetched it
    #[arg(long, value_name = "FILE", requires = "check")]
    pub status_list: Option<PathBuf>,
    /// Overwrite existing files
    #[arg(long)]
    pub force: bool,
    /// Who signs the credential
    #[command(flatten)]
    pub signing: Signing,
}

/// Finds, checks and prints.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    if let Some(path) = &arguments.check {
        return Box::pin(check::run(path, arguments, settings, output)).await;
    }
    let by_commitment = deposit_id(arguments)?.map(hex::encode);
    let design = arguments.design.as_deref().or(by_commitment.as_deref());
    let design = design.unwrap_or_default();
    let forms = output_forms(arguments, settings)?;
    let file = match Path::new(design) {
        path if path.is_file() => Some(receipt::hash_file(path)?),
        _ => None,
    };
    let mut client = settings.client().await?;
    let selection = &arguments.fields;
    let mut unread = Vec::new();
    let (mut certificates, refused) = match (&arguments.receipt, &file) {
        (Some(path), _) => {
            let receipt = Receipt::read(path)?;
            if file.is_none() && design != receipt.design_id {
                return Err(Failure::NotFound(
                    "the receipt is of another design than the id names".into(),
                ));
            }
            let certificate = Box::pin(certify(
                &mut client,
                receipt.id()?,
                Some(receipt),
                selection,
            ))
            .await?;
            (vec![certificate], Vec::new())
        }
        (None, Some(file)) => {
            let folders = search::folders(Path::new(design), arguments.receipts.as_deref());
            unread = tell_unread(&folders, output)?;
            Box::pin(search::by_file(&mut client, file, &folders, selection)).await?
        }
        (None, None) => {
            let id = receipt::bytes("id", design).map_err(|_| {
                Failure::Usage(format!(
                    "{}: no such file, and not a design id of 64 hex digits",
                    plain(design)
                ))
            })?;
            let (receipt, unreadable) = receipt_of(arguments, &hex::encode(id), output)?;
            unread = unreadable;
            (
                vec![Box::pin(certify(&mut client, id, receipt, selection)).await?],
                Vec::new(),
            )
        }
    };
    if let Some(file) = &file {
        for certificate in &certificates {
            check_file(certificate, &file.sha256)?;
        }
    }
    certificates.sort_by_key(|c| (c.record.time_ms, c.id));
    if !arguments.disputes.is_empty() {
        tell_disputes(&mut client, &mut certificates, &arguments.disputes).await?;
    }
    write(&forms, arguments, &mut client, &certificates).await?;
    let error_ms = client.trust().genesis().document.parameters.time_error_ms();
    for certificate in &certificates {
        if output.json {
            let mut value = certificate.json(error_ms);
            let refused = refused.iter().map(search::Refused::json);
            add_member(&mut value, "refused_receipts", refused.collect());
            let unread = unread.iter().map(Failure::json);
            add_member(&mut value, "unread_receipts", unread.collect());
            output.value(&value);
        } else {
            certificate.print(error_ms, output);
        }
    }
    for refused in &refused {
        output.remark(refused.to_string());
    }
    if !output.json {
        for (path, _) in &forms {
            let path = path.display().to_string();
            let name = say!(output.language, "Written");
            output.line(format!("{} {}", in_column(&name, 11), plain(&path)));
        }
    }
    Ok(())
}

/// The receipt of a design in the folder that is named, or in this one. Where there is none, what can't be read there
/// may be it, and is told.
fn receipt_of(
    arguments: &Arguments,
    design_id: &str,
    output: &mut Output,
) -> Result<(Option<Receipt>, Vec<Failure>), Failure> {
    let folder = arguments.receipts.as_deref().unwrap_or(Path::new("."));
    let receipt = receipt::of_design(Some(folder), design_id)?;
    let unread = match receipt {
        Some(_) => Vec::new(),
        None => tell_unread(&[folder.to_owned()], output)?,
    };
    Ok((receipt, unread))
}

/// Tells which files of these folders are named as receipts and can't be read.
fn tell_unread(folders: &[PathBuf], output: &mut Output) -> Result<Vec<Failure>, Failure> {
    let mut unread = Vec::new();
    for folder in folders {
        unread.extend(receipt::unread(folder)?);
    }
    for reason in &unread {
        output.remark(format!("not looked at: {}", plain(&reason.to_string())));
    }
    Ok(unread)
}

/// A file of a design.
pub(super) struct CertifiedFile {
    /// The design's id.
    pub(super) design: Hash,
    /// The file's SHA-256, in hex.
    pub(super) sha256: String,
}

/// The certificate, in PDF, of a design that a file is part of.
pub(super) async fn pdf_of(
    client: &mut Client,
    file: &CertifiedFile,
    receipt: Option<&Receipt>,
    selection: &FieldSelection,
) -> Result<Vec<u8>, Failure> {
    let certificate = Box::pin(certify(client, file.design, receipt.cloned(), selection)).await?;
    check_file(&certificate, &file.sha256)?;
    let facts = Box::pin(certificate.facts(client)).await?;
    Ok(pdf::render(&page(&facts, None)?)?)
}

/// Adds the disputes that were asked for to the certificate of the one design that they are about.
async fn tell_disputes(
    client: &mut Client,
    certificates: &mut [Certificate],
    ids: &[String],
) -> Result<(), Failure> {
    let ids: Vec<Hash> = ids
        .iter()
        .map(|id| receipt::bytes("dispute", id))
        .collect::<Result<_, _>>()
        .map_err(|_| Failure::Usage("a dispute has an id of 64 hex digits".into()))?;
    let [certificate] = certificates else {
        return Err(Failure::Usage(
            "--dispute is about one design: name it by its id or its receipt".into(),
        ));
    };
    certificate.shown_disputes = verdicts::shown(client, &certificate.id, &ids).await?;
    Ok(())
}

/// The id of a design that is named by its commitment and its owner's key. There is one for each pair, and
/// the state tells of each whether it was deposited.
fn deposit_id(arguments: &Arguments) -> Result<Option<Hash>, Failure> {
    let (Some(commitment), Some(key)) = (&arguments.commitment, &arguments.owner_key) else {
        return Ok(None);
    };
    let commitment = receipt::bytes("commitment", commitment)
        .map_err(|_| Failure::Usage("a commitment has 64 hex digits".into()))?;
    let key = keyfile::public_key(key, &Passphrase::default())?;
    Ok(Some(design::id(&key, &commitment)))
}

/// A form of the certificate as a file.
enum Form {
    Page,
    Credential(Box<SigningKey>),
}

/// What is to be written where, by the names' endings.
fn output_forms<'a>(
    arguments: &'a Arguments,
    settings: &Settings,
) -> Result<Vec<(&'a Path, Form)>, Failure> {
    let form = |path: &PathBuf| match path.extension().and_then(|e| e.to_str()) {
        Some("pdf") => Ok(Form::Page),
        Some("json") => Ok(Form::Credential(Box::new(
            settings.key(&arguments.signing)?,
        ))),
        _ => Err(Failure::Usage(format!(
            "{}: a certificate is written as FILE.pdf or FILE.json",
            path.display()
        ))),
    };
    let mut forms = Vec::with_capacity(arguments.out.len());
    for path in &arguments.out {
        forms.push((path.as_path(), form(path)?));
        file::refuse_existing(path, arguments.force)?;
    }
    Ok(forms)
}

async fn write(
    forms: &[(&Path, Form)],
    arguments: &Arguments,
    client: &mut Client,
    certificates: &[Certificate],
) -> Result<(), Failure> {
    if forms.is_empty() {
        return Ok(());
    }
    let [certificate] = certificates else {
        let ids = certificates.iter().map(|c| hex::encode(c.id));
        return Err(Failure::Usage(format!(
            "the file is in {} deposits; name the one to write by its id: {}",
            certificates.len(),
            ids.collect::<Vec<_>>().join(", ")
        )));
    };
    let facts = Box::pin(certificate.facts(client)).await?;
    for (path, form) in forms {
        let bytes = match form {
            Form::Page => pdf::render(&page(&facts, arguments.base.as_deref())?)?,
            Form::Credential(key) => credential::issue(&facts, key, status(arguments, &facts)?)
                .map_err(|e| Failure::Usage(format!("{}: {e}", path.display())))?,
        };
        file::write(path, &bytes)?;
    }
    Ok(())
}

/// Where the credential's status is found: its design's place in the list.
fn status(arguments: &Arguments, facts: &CertificateFacts) -> Result<Option<StatusEntry>, Failure> {
    let (Some(url), Some(path)) = (&arguments.status, &arguments.listed) else {
        return Ok(None);
    };
    let designs = listed_designs::read(path)?;
    let place = designs.iter().position(|id| *id == facts.design_id);
    let place = place.ok_or_else(|| {
        let (name, id) = (
            plain(&path.display().to_string()),
            hex::encode(facts.design_id),
        );
        Failure::Usage(format!(
            "{name}: design {id} isn't listed; add it as the last line"
        ))
    })?;
    Ok(Some(StatusEntry::of(url, place)))
}

/// What is known of a design's deposit, whatever its receipt would show.
pub(super) async fn facts_of(client: &mut Client, id: Hash) -> Result<CertificateFacts, Failure> {
    let selection = FieldSelection::default();
    let certificate = Box::pin(certify(client, id, None, &selection)).await?;
    Box::pin(certificate.facts(client)).await
}

/// The certificate as a document; its code names the design, or leads to it on a node's page.
fn page(facts: &CertificateFacts, base: Option<&str>) -> Result<PdfDocument, Failure> {
    let mut page = document::document(facts);
    if let Some(base) = base {
        let link = label::of_design(base, &hex::encode(facts.design_id));
        page.code = Some(link.map_err(|error| Failure::Usage(error.to_string()))?);
    }
    Ok(page)
}

/// A file that isn't part of the design breaks rule "opening-fits" of the ledger, here already.
fn check_file(certificate: &Certificate, sha256: &str) -> Result<(), Failure> {
    let hash = receipt::bytes("sha256", sha256)?;
    let inside = certificate
        .opening
        .as_ref()
        .is_some_and(|o| o.files.contains(&hash));
    if inside {
        return Ok(());
    }
    let rejection = Rejection::Design(DesignRejection::WrongOpening(certificate.id));
    Err(Failure::NotFound(format!(
        "the file with SHA-256 {sha256} is not part of design {} (rule {})",
        hex::encode(certificate.id),
        rejection.rule()
    )))
}
