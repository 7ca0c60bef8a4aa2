//! `touchstone certificate`: what the ledger proves about a design, by its id, receipt or file.

mod check;
mod search;

use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use touchstone_client::client::Client;
use touchstone_client::deposit::{self, Deposit};
use touchstone_client::{AttestedHeader, NotVerified};
use touchstone_core::designs::design;
use touchstone_core::encoding;
use touchstone_core::hash::Hash;
use touchstone_core::rejection::Rejection;
use touchstone_proto::ledger::Design;

use crate::certificate::facts::{self, Facts};
use crate::certificate::{credential, page};
use crate::failure::Failure;
use crate::file;
use crate::keyfile::{self, Passphrase};
use crate::messages::Language;
use crate::output::{Output, add_member, attested_json, plain, utc};
use crate::pdf;
use crate::receipt::{self, Opening, Receipt};
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
  touchstone certificate 4be1… -o cert.json --key acme.pem
  touchstone certificate --check cert.json             is the credential right?

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
    /// Overwrite existing files
    #[arg(long)]
    pub force: bool,
    /// Who signs the credential
    #[command(flatten)]
    pub signing: Signing,
}

/// How the content of a commitment is known.
enum Source {
    Receipt(Box<Receipt>),
    Disclosure,
    Nothing,
}

/// Everything proven about one design.
struct Certificate {
    id: Hash,
    record: Design,
    /// The block of the deposit.
    deposited: AttestedHeader,
    /// The header that proves the record as it is now.
    as_of: AttestedHeader,
    opening: Option<Opening>,
    source: Source,
    owner: String,
    names: Vec<String>,
}

/// Finds, checks and prints.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    if let Some(path) = &arguments.check {
        return check::run(path, arguments, settings, output).await;
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
    let (mut certificates, refused) = match (&arguments.receipt, &file) {
        (Some(path), _) => {
            let receipt = Receipt::read(path)?;
            if file.is_none() && design != receipt.design_id {
                return Err(Failure::NotFound(
                    "the receipt is of another design than the id names".into(),
                ));
            }
            let certificate = certify(&mut client, receipt.id()?, Some(receipt)).await?;
            (vec![certificate], Vec::new())
        }
        (None, Some(file)) => {
            let folders = search::folders(Path::new(design), arguments.receipts.as_deref());
            search::by_file(&mut client, file, &folders).await?
        }
        (None, None) => {
            let id = receipt::bytes("id", design).map_err(|_| {
                Failure::Usage(format!(
                    "{}: no such file, and not a design id of 64 hex digits",
                    plain(design)
                ))
            })?;
            let receipt = receipt::of_design(arguments.receipts.as_deref(), &hex::encode(id))?;
            (vec![certify(&mut client, id, receipt).await?], Vec::new())
        }
    };
    if let Some(file) = &file {
        for certificate in &certificates {
            check_file(certificate, &file.sha256)?;
        }
    }
    certificates.sort_by_key(|c| (c.record.time_ms, c.id));
    write(&forms, &mut client, &certificates).await?;
    let error_ms = client.trust().genesis().document.parameters.time_error_ms();
    for certificate in &certificates {
        if output.json {
            let mut value = certificate.json(error_ms);
            let refused = refused.iter().map(search::Refused::json);
            add_member(&mut value, "refused_receipts", refused.collect());
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
            output.line(format!("{name:<11} {}", plain(&path)));
        }
    }
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
    let facts = certificate.facts(client).await?;
    for (path, form) in forms {
        let bytes = match form {
            Form::Page => pdf::render(&page::document(&facts))?,
            Form::Credential(key) => credential::issue(&facts, key)
                .map_err(|e| Failure::Usage(format!("{}: {e}", path.display())))?,
        };
        file::write(path, &bytes)?;
    }
    Ok(())
}

async fn certify(
    client: &mut Client,
    id: Hash,
    receipt: Option<Receipt>,
) -> Result<Certificate, Failure> {
    if let Some(receipt) = &receipt {
        receipt.check(client.trust().chain_id())?;
    }
    let opening = receipt.as_ref().map(Receipt::opening).transpose()?;
    let (as_of, found) = deposit::deposit(client, &id, opening).await?;
    let found = found.ok_or_else(|| {
        let id = hex::encode(id);
        Failure::Absent {
            height: as_of.header.height,
            message: format!("design {id} is not deposited"),
            id,
        }
    })?;
    let Deposit {
        record,
        deposited,
        opening,
        ..
    } = found;
    let source = match (receipt, &opening) {
        (Some(receipt), _) => Source::Receipt(Box::new(receipt)),
        (None, Some(_)) => Source::Disclosure,
        (None, None) => Source::Nothing,
    };
    let owner = client.name(&record.organisation).await?;
    let mut names = Vec::new();
    for organisation in deposited.organisations() {
        let name = client.name(organisation).await?;
        names.push(format!("{name} ({organisation})"));
    }
    Ok(Certificate {
        id,
        record,
        deposited,
        as_of,
        opening,
        source,
        owner,
        names,
    })
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
    let rejection = Rejection::WrongOpening(certificate.id);
    Err(Failure::NotFound(format!(
        "the file with SHA-256 {sha256} is not part of design {} (rule {})",
        hex::encode(certificate.id),
        rejection.rule()
    )))
}

/// A hash in a proven record.
fn proven(field: &'static str, bytes: &[u8]) -> Result<Hash, Failure> {
    Ok(encoding::exact(field, bytes).map_err(NotVerified::from)?)
}

impl Certificate {
    /// All that a certificate states, which the tip, the node and the clock don't change.
    async fn facts(&self, client: &mut Client) -> Result<Facts, Failure> {
        let header = &self.deposited.header;
        let mut validators = Vec::new();
        for validator in self.deposited.validators.iter() {
            validators.push(facts::Validator {
                public_key: validator.public_key,
                organisation: validator.organisation.clone(),
                name: client.name(&validator.organisation).await?,
                power: validator.power,
            });
        }
        let (_, organisation) = client.organisation(&self.record.organisation).await?;
        let keys = organisation.iter().flat_map(|o| &o.keys);
        let compromised_since_ms = keys
            .filter(|k| k.public_key == self.record.owner_key)
            .map(|k| k.compromised_since_ms)
            .find(|since| *since != 0);
        let recorded = self.record.disclosure.as_ref();
        let title = recorded.map_or_else(|| self.title(), |d| &d.title);
        let mut files = Vec::new();
        for (name, sha256) in self.files() {
            files.push(facts::File {
                sha256: receipt::bytes("sha256", &sha256)?,
                name: name.map(str::to_owned),
            });
        }
        let genesis = client.trust().genesis();
        Ok(Facts {
            chain_id: genesis.chain_id,
            chain_name: genesis.document.chain.clone(),
            design_id: self.id,
            commitment: proven("commitment", &self.record.commitment)?,
            organisation: self.record.organisation.clone(),
            organisation_name: self.owner.clone(),
            owner_key: proven("owner_key", &self.record.owner_key)?,
            compromised_since_ms,
            title: Some(title)
                .filter(|t| !t.is_empty())
                .map(|title| facts::Title {
                    text: title.to_owned(),
                    recorded: recorded.is_some(),
                }),
            files,
            time_ms: header.time_ms,
            parameters: genesis.document.parameters.clone(),
            height: header.height,
            block_id: header.id(),
            transaction_id: proven("transaction_id", &self.record.transaction_id)?,
            validators,
            validators_hash: header.validators_hash,
            disclosed: recorded.map(|d| (d.time_ms, d.height)),
        })
    }

    /// Each file's name, where it is known, and hash.
    fn files(&self) -> Vec<(Option<&str>, String)> {
        let hashes = self.opening.iter().flat_map(|o| &o.files).map(hex::encode);
        match &self.source {
            Source::Receipt(receipt) => receipt
                .files
                .iter()
                .map(|f| (Some(f.name.as_str()), f.sha256.clone()))
                .collect(),
            Source::Disclosure | Source::Nothing => hashes.map(|h| (None, h)).collect(),
        }
    }

    fn title(&self) -> &str {
        match (&self.source, &self.record.disclosure) {
            (Source::Receipt(receipt), _) => &receipt.title,
            (_, Some(disclosure)) => &disclosure.title,
            _ => "",
        }
    }

    const SHOWS_NOT: &'static str = "who made the design, that it is new, or that nobody had it \
                                     before. Names of files and, until disclosure, the title are \
                                     the receipt's own words.";

    /// What it shows, in the reader's language.
    fn shows_in(&self, language: Language) -> String {
        match self.source {
            Source::Nothing => say!(
                language,
                "that a commitment by this key was deposited at this time. It names no file: that takes the receipt or \
                 a disclosure."
            ),
            Source::Receipt(_) | Source::Disclosure => say!(
                language,
                "that whoever held the owner's key had exactly these files no later than this time, attested by more \
                 than 2/3 of the validators' voting power."
            ),
        }
    }

    fn print(&self, error_ms: u64, output: &mut Output) {
        let language = output.language;
        let verdict = output.good(&say!(language, "VERIFIED"));
        let header = &self.deposited.header;
        output.line(say!(
            language,
            "Certificate of deposit: {verdict}",
            verdict = verdict
        ));
        let mut rows = vec![(say!(language, "Design"), hex::encode(self.id))];
        if !self.title().is_empty() {
            rows.push((say!(language, "Title"), plain(self.title())));
        }
        let owner = format!(
            "{} ({})",
            plain(&self.owner),
            plain(&self.record.organisation)
        );
        rows.push((say!(language, "Owner"), owner));
        rows.push((
            say!(language, "Owner key"),
            hex::encode(&self.record.owner_key),
        ));
        for (name, sha256) in self.files() {
            let name = name.map(|n| format!("  {}", plain(n))).unwrap_or_default();
            rows.push((say!(language, "File"), format!("{sha256}{name}")));
        }
        rows.push((
            say!(language, "Deposited"),
            say!(
                language,
                "no later than {time} ± {error} s, at height {height}",
                time = utc(header.time_ms),
                error = format!("{:.1}", error_ms as f64 / 1000.0),
                height = header.height
            ),
        ));
        let names: Vec<String> = self.names.iter().map(|n| plain(n)).collect();
        rows.push((
            say!(language, "Attested"),
            say!(
                language,
                "by {names}: {signers} of {count} validators",
                names = names.join(", "),
                signers = self.deposited.signers.len(),
                count = self.deposited.validators.count()
            ),
        ));
        rows.push((
            say!(language, "Disclosed"),
            match &self.record.disclosure {
                Some(d) => say!(
                    language,
                    "{time} at height {height}",
                    time = utc(d.time_ms),
                    height = d.height
                ),
                None => say!(language, "no"),
            },
        ));
        rows.push((say!(language, "Shows"), self.shows_in(language)));
        rows.push((
            say!(language, "Shows not"),
            say!(
                language,
                "who made the design, that it is new, or that nobody had it before. Names of files and, until \
                 disclosure, the title are the receipt's own words."
            ),
        ));
        for (name, text) in rows {
            output.line(format!("{name:<11} {text}"));
        }
    }

    fn json(&self, error_ms: u64) -> Value {
        json!({
            "verified": true,
            "design_id": hex::encode(self.id),
            "title": self.title(),
            "organisation": self.record.organisation,
            "organisation_name": self.owner,
            "owner_key": hex::encode(&self.record.owner_key),
            "commitment": hex::encode(&self.record.commitment),
            "files": self.files().iter()
                .map(|(name, sha256)| json!({"name": name, "sha256": sha256}))
                .collect::<Vec<_>>(),
            "time_ms": self.record.time_ms,
            "time_error_ms": error_ms,
            "transaction": hex::encode(&self.record.transaction_id),
            "deposit_block": attested_json(&self.deposited),
            "disclosed_ms": self.record.disclosure.as_ref().map(|d| d.time_ms),
            "shows": self.shows_in(Language::English),
            "shows_not": Self::SHOWS_NOT,
        })
    }
}
