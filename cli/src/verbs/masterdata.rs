//! `touchstone masterdata`: what products, places and parties are, as the owner of their GS1 company prefix states it.

use serde_json::json;
use touchstone_client::Client;
use touchstone_client::master_data::{self as stated, ordered, version_of};
use touchstone_epcis::{Identifier, naming_attribute, vocabulary, written_attribute_name};
use touchstone_proto::ledger::{
    MasterData, MasterDataAttribute, SetMasterData, VocabularyElement, transaction::Action,
};

use crate::failure::Failure;
use crate::master_data;
use crate::messages::Speech;
use crate::output::{Output, add_member, attested_json, counted, plain};
use crate::say;
use crate::settings::{Settings, Signing};

/// Versions that one answer shows, at most; `--from` asks for others.
const VERSIONS: u64 = 64;

/// State what a product, place or party is, or show it
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// State attributes of an identifier of your GS1 company prefix: its next version
    #[command(after_help = "Examples:
  touchstone masterdata set https://id.gs1.org/01/09521234500018 --name 'Table lamp'
  touchstone masterdata set '(414)9521234000013' --name Dock --attribute city=Shenzhen
  touchstone masterdata set 9521234500018 --remove functionalName

Attributes are those of GS1's Core Business Vocabulary, such as descriptionShort, or full URIs.
What isn't named stays as it was. Each version stays proven. `touchstone capture` states what
stands in a document's epcisMasterData.")]
    Set(Set),
    /// Show, proven, what is stated of an identifier
    #[command(after_help = "Examples:
  touchstone masterdata show https://id.gs1.org/01/09521234500018
  touchstone masterdata show '(414)9521234000013' --json
  touchstone masterdata show 9521234500018 --history

Exit codes: 0 verified; 3 not verified; 4 nothing is stated (proven).")]
    Show(Show),
}

/// Arguments of `masterdata set`.
#[derive(clap::Args, Debug)]
pub struct Set {
    /// A product, thing, place or party: an EPC URN, a GS1 Digital Link, or as a label shows it
    pub id: String,
    /// What it is called
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// An attribute and its text; it replaces all that had this name
    #[arg(long = "attribute", value_name = "NAME=TEXT", value_parser = attribute)]
    pub attributes: Vec<(String, String)>,
    /// An attribute to take back
    #[arg(long, value_name = "NAME")]
    pub remove: Vec<String>,
    /// Take back all that was stated before
    #[arg(long)]
    pub clear: bool,
    /// A vocabulary that it belongs to [default: by the kind of its key]
    #[arg(long = "type", value_name = "URI")]
    pub types: Vec<String>,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `masterdata show`.
#[derive(clap::Args, Debug)]
pub struct Show {
    /// A product, thing, place or party: an EPC URN, a GS1 Digital Link, or as a label shows it
    pub id: String,
    /// Show this version, counted from 1
    #[arg(long, value_name = "NUMBER", conflicts_with = "history")]
    pub version: Option<u64>,
    /// Show all versions, the newest first
    #[arg(long)]
    pub history: bool,
    /// Show versions up to this one [default: the newest]
    #[arg(long, value_name = "NUMBER", requires = "history", value_parser = clap::value_parser!(u64).range(1..))]
    pub from: Option<u64>,
}

/// States, or shows.
pub async fn run(verb: &Verb, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    match verb {
        Verb::Set(arguments) => set(arguments, settings, output).await,
        Verb::Show(arguments) => show(arguments, settings, output).await,
    }
}

async fn set(arguments: &Set, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let id = key(&arguments.id)?;
    let signer = settings.signer(&arguments.signing)?;
    let mut client = settings.client().await?;
    let (_, before) = stated::current(&mut client, id.as_str()).await?;
    let element = next(arguments, &id, before.as_ref());
    let version = element.version;
    let elements = vec![element];
    let action = Action::SetMasterData(SetMasterData { elements });
    let recorded = client.act(&signer, output.now_ms(), action).await?;
    let height = recorded.attested.header.height;
    if output.json {
        output.value(&json!({
            "id": id.as_str(),
            "version": version,
            "transaction": hex::encode(recorded.id),
            "height": height,
        }));
        return Ok(());
    }
    output.line(say!(
        output.language,
        "Stated    version {version} of {id}, block {height} (proven)",
        version = version,
        id = plain(id.as_str()),
        height = height
    ));
    Ok(())
}

/// The element's next version: what was stated before, changed.
fn next(arguments: &Set, id: &Identifier, before: Option<&MasterData>) -> VocabularyElement {
    let before = before.and_then(|record| record.element.clone());
    let version = before.as_ref().map_or(0, |e| e.version).saturating_add(1);
    let mut element = before.unwrap_or_default();
    if arguments.clear {
        element = VocabularyElement::default();
    }
    element.id = id.as_str().to_owned();
    element.version = version;
    if !arguments.types.is_empty() {
        element.types.clone_from(&arguments.types);
    }
    if element.types.is_empty() {
        element.types.push(vocabulary(id));
    }
    let name = arguments.name.iter();
    let named = name.map(|name| (naming_attribute(id), name.clone()));
    let written = arguments.attributes.iter();
    let written = written.map(|(name, text)| (written_attribute_name(name), text.clone()));
    let stated: Vec<(String, String)> = named.chain(written).collect();
    let removed = arguments.remove.iter();
    let mut replaced: Vec<String> = removed.map(|name| written_attribute_name(name)).collect();
    replaced.extend(stated.iter().map(|(name, _)| name.clone()));
    element.attributes.retain(|a| !replaced.contains(&a.id));
    let stated = stated.into_iter().map(|(id, text)| MasterDataAttribute {
        id,
        text,
        fields: Vec::new(),
    });
    element.attributes.extend(stated);
    ordered(element)
}

async fn show(arguments: &Show, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let id = key(&arguments.id)?;
    let mut client = settings.client().await?;
    if arguments.history {
        return history(&id, arguments.from, &mut client, output).await;
    }
    let (attested, record) = match arguments.version {
        Some(number) => stated::version(&mut client, id.as_str(), number).await?,
        None => stated::current(&mut client, id.as_str()).await?,
    };
    let height = attested.header.height;
    let Some(record) = record else {
        let shown = plain(id.as_str());
        let message = match arguments.version {
            Some(number) => {
                format!("NOT STATED: there is no version {number} of the master data of {shown}")
            }
            None => format!("NOT STATED: nothing is stated of {shown}"),
        };
        return Err(Failure::Absent {
            id: id.as_str().to_owned(),
            height,
            message,
        });
    };
    if output.json {
        let mut value = master_data::json(&record);
        add_member(&mut value, "verified", json!(true));
        add_member(&mut value, "header", attested_json(&attested));
        output.value(&value);
        return Ok(());
    }
    let language = output.language;
    let stated = master_data::stated_line(&mut client, &record, language).await?;
    let verdict = output.good(&say!(language, "VERIFIED"));
    output.line(say!(
        language,
        "Element   {id}, {verdict} as of block {height}",
        id = plain(id.as_str()),
        verdict = verdict,
        height = height
    ));
    tell(&record, stated, output);
    Ok(())
}

/// A record's lines, after who stated it.
fn tell(record: &MasterData, stated: String, output: &mut Output) {
    output.line(stated);
    for line in master_data::lines(record, output.language) {
        output.line(line);
    }
}

/// All versions, each with a proof of its own: none between them can be missing.
async fn history(
    id: &Identifier,
    from: Option<u64>,
    client: &mut Client,
    output: &mut Output,
) -> Result<(), Failure> {
    let (attested, current) = stated::current(client, id.as_str()).await?;
    let Some(current) = current else {
        return Err(Failure::Absent {
            id: id.as_str().to_owned(),
            height: attested.header.height,
            message: format!("NOT STATED: nothing is stated of {}", plain(id.as_str())),
        });
    };
    let newest = version_of(&current);
    let from = from.unwrap_or(newest).min(newest);
    let last = from.saturating_sub(VERSIONS.saturating_sub(1)).max(1);
    let mut records = Vec::new();
    for number in (last..=from).rev() {
        records.push(match number == newest {
            true => current.clone(),
            false => stated::replaced(client, id.as_str(), number).await?.1,
        });
    }
    if output.json {
        output.value(&json!({
            "id": id.as_str(),
            "versions": newest,
            "history": records.iter().map(master_data::json).collect::<Vec<_>>(),
            "verified": true,
            "header": attested_json(&attested),
        }));
        return Ok(());
    }
    let language = output.language;
    let mut told = Vec::with_capacity(records.len());
    for record in &records {
        told.push(master_data::stated_line(client, record, language).await?);
    }
    let verdict = output.good(&say!(language, "VERIFIED"));
    output.line(say!(
        language,
        "Element   {id}, {versions}, {verdict}",
        id = plain(id.as_str()),
        versions = language.line(&counted(newest, "version")),
        verdict = verdict
    ));
    for (record, stated) in records.iter().zip(told) {
        output.line("");
        tell(record, stated, output);
    }
    Ok(())
}

/// What master data is about: a key of GS1. 13 digits alone are a GTIN.
fn key(text: &str) -> Result<Identifier, Failure> {
    let id = Identifier::read(text).map_err(|e| Failure::Usage(format!("{}: {e}", plain(text))))?;
    match id.is_class() || id.is_instance() {
        true => Ok(id),
        false => Err(Failure::Usage(format!(
            "{} is no GS1 key: master data is stated of what a company prefix identifies, such as \
             https://id.gs1.org/01/GTIN or https://id.gs1.org/414/GLN",
            plain(text)
        ))),
    }
}

fn attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("write NAME=TEXT, such as city=Shenzhen".to_owned()),
    }
}
