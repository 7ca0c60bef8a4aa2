//! `touchstone dispute source`: the custody chains of goods, for who says that they come from a lawful source. Source:
//! Patent Law of the People's Republic of China, Art. 77: who sells without knowing, and proves the lawful source, owes
//! no compensation.

use std::path::PathBuf;

use serde_json::{Value, json};
use touchstone_client::disputes;
use touchstone_client::verification::NotVerified;
use touchstone_core::evidence::Facts;
use touchstone_epcis::Identifier;
use touchstone_proto::node::GetEvidenceRequest;
use touchstone_proto::node::get_evidence_request::Subject;

use crate::failure::Failure;
use crate::messages::{Language, Speech};
use crate::output::{Output, counted, plain};
use crate::pack::Pack;
use crate::say;
use crate::settings::Settings;
use crate::verbs::{evidence, right};

/// Arguments of `dispute source`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// The goods in question: items' identifiers
    #[arg(value_name = "ITEM", required = true)]
    pub items: Vec<String>,
    /// The folder to write
    #[arg(short, long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Write to a folder that holds an earlier pack, which is kept beside it
    #[arg(long)]
    pub force: bool,
}

/// One item's chain.
struct Chain {
    name: String,
    item: String,
    events: usize,
    first: String,
    last: String,
    /// Whether the respondent recorded a part of it: an event, or a step of a handover.
    names_respondent: bool,
}

/// Fetches each item's evidence, examines it and writes the folder.
pub(super) async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let id = right::id(&arguments.dispute)?;
    let items = arguments.items.iter().map(|text| {
        Identifier::read(text).map_err(|e| Failure::Usage(format!("{}: {e}", plain(text))))
    });
    let items: Vec<Identifier> = items.collect::<Result<_, _>>()?;
    let mut client = settings.client().await?;
    let (attested, dispute) = disputes::dispute(&mut client, &id).await?;
    let dispute = dispute.ok_or_else(|| Failure::Absent {
        id: arguments.dispute.clone(),
        height: attested.header.height,
        message: format!("there is no dispute {}", arguments.dispute),
    })?;
    let mut pack = Pack::create(&arguments.out, arguments.force)?;
    pack.tell_kept(output);
    let mut chains = Vec::with_capacity(items.len());
    for (number, item) in (1..).zip(&items) {
        let name = format!("item-{number}.evidence");
        let request = GetEvidenceRequest {
            subject: Some(Subject::Item(item.as_str().to_owned())),
            ..GetEvidenceRequest::default()
        };
        let (bytes, report) = Box::pin(evidence::fetch(&mut client, request, None)).await?;
        pack.add(&name, &bytes)?;
        chains.push(chain(name, &report.facts, &dispute.respondent)?);
    }
    let list = pack.list();
    let sha256 = pack.finish(json!({
        "dispute": arguments.dispute,
        "respondent": dispute.respondent,
        "goods": chains.iter().map(chain_json).collect::<Vec<_>>(),
        "packed_ms": output.now_ms(),
    }))?;
    if output.json {
        output.value(&json!({
            "folder": arguments.out,
            "sha256": hex::encode(sha256),
            "goods": chains.iter().map(chain_json).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    let language = output.language;
    for chain in &chains {
        output.line(line(language, chain));
        if !chain.names_respondent {
            output.remark(say!(
                language,
                "{respondent} recorded nothing of {item} itself: the chain doesn't lead to it by its own word",
                respondent = plain(&dispute.respondent),
                item = plain(&chain.item)
            ));
        }
    }
    output.line(say!(
        language,
        "Packed    {folder}: {files}; SHA-256 of their list {sha256}",
        folder = plain(&arguments.out.display().to_string()),
        files = language.line(&counted(chains.len(), "file")),
        sha256 = hex::encode(sha256)
    ));
    output.line(say!(
        language,
        "Declare   touchstone dispute counter {dispute} --declaration {list}",
        dispute = arguments.dispute,
        list = plain(&list.display().to_string())
    ));
    Ok(())
}

fn chain(name: String, facts: &Facts, respondent: &str) -> Result<Chain, Failure> {
    let missing = || NotVerified::Contradiction("a file about an item has no history".into());
    let history = facts.history.as_ref().ok_or_else(missing)?;
    let by: Vec<&str> = history
        .steps
        .iter()
        .map(|step| step.entry.organisation.as_str())
        .collect();
    let mut handed = facts
        .handovers
        .iter()
        .map(|said| said.organisation.as_str());
    Ok(Chain {
        name,
        item: history.item.clone(),
        events: by.len(),
        first: by.first().copied().unwrap_or_default().to_owned(),
        last: by.last().copied().unwrap_or_default().to_owned(),
        names_respondent: by.contains(&respondent) || handed.any(|by| by == respondent),
    })
}

fn chain_json(chain: &Chain) -> Value {
    json!({
        "item": chain.item,
        "file": chain.name,
        "events": chain.events,
        "first_recorded_by": chain.first,
        "last_recorded_by": chain.last,
        "recorded_by_respondent": chain.names_respondent,
    })
}

fn line(language: Language, chain: &Chain) -> String {
    say!(
        language,
        "Goods     {item}: {events}, the first recorded by {first}, the last by {last}",
        item = plain(&chain.item),
        events = language.line(&counted(chain.events, "event")),
        first = plain(&chain.first),
        last = plain(&chain.last)
    )
}
