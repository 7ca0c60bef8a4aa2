//! `touchstone item`: the full link of an item, or a page of it, as a person reads it.

mod event_page;
mod item_status;

use serde_json::{Value, json};
use touchstone_client::AttestedHeader;
use touchstone_client::as_of::Attempts;
use touchstone_client::item_history::{self, Step, VerifiedHistory};
use touchstone_core::custody::unit_state::UnitState;
use touchstone_epcis::Identifier;

use crate::failure::Failure;
use crate::master_data::Names;
use crate::output::{Output, attested_json, plain, utc};
use crate::receipt;
use crate::settings::Settings;
use crate::{event_text, say};

use item_status::ItemStatus;

/// Show everything that is recorded for an item, proven complete; or a page of a long history
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone item urn:epc:id:sgtin:9521234.050001.A1
  touchstone item https://id.gs1.org/00/095212340000000150 --json
  touchstone item urn:epc:id:sscc:9521234.0000000015 --from 257 --limit 256

Without --from or --limit, the item's whole link is read with those of the containers it was in,
and all of it is proven complete. A page is proven by itself: exactly these events, in order, stand
in this place of the item's own link. It says nothing of other events, nor of containers.

Exit codes: 0 verified; 3 not verified; 4 not recorded (proven).")]
pub struct Arguments {
    /// An EPC URN, a GS1 Digital Link or any other absolute URI
    pub id: String,
    /// Show a page of the item's own events: number of the first, counted from 1
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub from: Option<u64>,
    /// Show a page of so many of the item's own events [default with --from: 256]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub limit: Option<u32>,
}

/// Fetches, checks and prints.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let id = Identifier::read(&arguments.id).map_err(|e| {
        let is_design = receipt::bytes("id", &arguments.id).is_ok();
        let hint = match arguments
            .id
            .starts_with(|c: char| c == '(' || c.is_ascii_digit())
        {
            _ if is_design => Some("it may be a design's id: see `touchstone certificate`"),
            true => Some(
                "write a GTIN with its serial as https://id.gs1.org/01/GTIN/21/SERIAL, \
                 an SSCC as https://id.gs1.org/00/SSCC",
            ),
            false => None,
        };
        let id = plain(&arguments.id);
        Failure::Usage(match hint {
            Some(hint) => format!("{id}: {e}; {hint}"),
            None => format!("{id}: {e}"),
        })
    })?;
    let mut client = settings.client().await?;
    if arguments.from.is_some() || arguments.limit.is_some() {
        let from = arguments.from.unwrap_or(1);
        let limit = arguments.limit.unwrap_or(event_page::LIMIT);
        return event_page::run(&id, from, limit, &mut client, output).await;
    }
    let mut attempts = Attempts::default();
    let (history, life) = loop {
        let history = item_history::read(&mut client, id.as_str()).await?;
        if history.log.record.is_none() {
            return Err(absent(&id, &history.log.attested, output));
        }
        let life = ItemStatus::of(&mut client, &id, &history, output.now_ms()).await?;
        if attempts.are_over(client.as_of()) {
            break (history, life);
        }
    };
    let mut names_of = Names::default();
    let named = identifiers(&id, &history);
    names_of.read(&mut client, named).await?;
    if output.json {
        let steps = history.steps.iter().map(step_json);
        let steps = steps.enumerate().map(|(at, step)| life.mark(at, step));
        let steps = steps.collect::<Vec<_>>();
        output.value(&json!({
            "id": id.as_str(),
            "verified": true,
            "complete": true,
            "own_events": history.log.events.len(),
            "height": history.height,
            "header": attested_json(&history.log.attested),
            "inside": history.inside,
            "state": life.state.map(UnitState::word),
            "custody": life.custody_json(),
            "names": names_of.json(),
            "steps": steps,
        }));
        return Ok(());
    }
    // Names are proven too: fetch them all before a line is printed.
    let mut names = Vec::with_capacity(history.steps.len());
    for step in &history.steps {
        names.push(client.name(&step.entry.organisation).await?);
    }
    let custody = life.custody_lines(&mut client, output.language).await?;
    print_head(&history, &names_of, output);
    for line in custody {
        output.line(line);
    }
    for ((at, step), name) in history.steps.iter().enumerate().zip(&names) {
        print_step(at as u64 + 1, step, name, &names_of, output);
        for line in life.correction_lines(at, output.language) {
            output.line(line);
        }
    }
    Ok(())
}

/// Nothing is recorded, and that is proven.
fn absent(id: &Identifier, attested: &AttestedHeader, output: &Output) -> Failure {
    let age = output.age(attested.header.time_ms);
    let shown = plain(id.as_str());
    let message = match id.is_class() {
        true => format!(
            "NOT RECORDED: nothing is recorded for {shown} as of {age}; it names a kind of product: ask for one \
             unit, with its serial, …/21/SERIAL"
        ),
        false => format!("NOT RECORDED: nothing is recorded for {shown} as of {age}"),
    };
    Failure::Absent {
        id: id.as_str().to_owned(),
        height: attested.header.height,
        message,
    }
}

/// What the answer names: the item, what it was in, and where it was.
fn identifiers<'a>(id: &'a Identifier, history: &'a VerifiedHistory) -> Vec<&'a str> {
    let inside = history.inside.iter().map(String::as_str);
    let around = history.steps.iter().flat_map(|step| step.via.iter());
    std::iter::once(id.as_str())
        .chain(inside)
        .chain(around.map(String::as_str))
        .chain(places(&history.steps))
        .collect()
}

/// The places that steps name.
fn places(steps: &[Step]) -> impl Iterator<Item = &str> {
    let events = steps.iter().filter_map(|step| step.event.as_ref());
    let places = events.flat_map(|event| [&event.read_point, &event.biz_location]);
    places.flatten().map(Identifier::as_str)
}

/// What it is called, where somebody stated that.
fn name_line(id: &str, names: &Names, output: &mut Output) {
    if let Some(stated) = names.get(id) {
        output.line(say!(
            output.language,
            "Name      {name}, as {id} states",
            name = plain(&stated.name),
            id = plain(&stated.organisation)
        ));
    }
}

fn print_head(history: &VerifiedHistory, names: &Names, output: &mut Output) {
    let own = history.log.events.len();
    let inherited = history.steps.len().saturating_sub(own);
    let language = output.language;
    let verdict = output.good(&say!(language, "VERIFIED complete"));
    output.line(say!(
        language,
        "Item      {id}",
        id = plain(&history.log.id)
    ));
    name_line(&history.log.id, names, output);
    let own_events = match own {
        1 => say!(language, "1 event of its own"),
        own => say!(language, "{count} events of its own", count = own),
    };
    output.line(match inherited {
        0 => say!(
            language,
            "Verdict   {verdict}: {own} at height {height}",
            verdict = verdict,
            own = own_events,
            height = history.height
        ),
        inherited => say!(
            language,
            "Verdict   {verdict}: {own} and {inherited} of its containers at height {height}",
            verdict = verdict,
            own = own_events,
            inherited = inherited,
            height = history.height
        ),
    });
    if !history.inside.is_empty() {
        output.line(say!(
            language,
            "Inside    {containers}",
            containers = containers(&history.inside, names)
        ));
    }
}

fn containers(via: &[String], names: &Names) -> String {
    let containers: Vec<String> = via.iter().map(|c| names.beside(c)).collect();
    containers.join(", in ")
}

fn print_step(number: u64, step: &Step, name: &str, names: &Names, output: &mut Output) {
    let value: Value = serde_json::from_slice(&step.bytes).unwrap_or(Value::Null);
    let (height, transaction, event) = step.place;
    output.line("");
    let language = output.language;
    let what = match &step.event {
        Some(event) => event_text::happening_in(language, event),
        None => say!(language, "an event that this program's rules can't read"),
    };
    output.line(format!("{number:>3}. {what}"));
    output.line(say!(
        language,
        "     recorded  {time} at {place}",
        time = utc(step.entry.time_ms),
        place = format!("{height}/{transaction}/{event}")
    ));
    output.line(say!(
        language,
        "     happened  {time}",
        time = event_text::event_time(&value)
    ));
    output.line(say!(
        language,
        "     by        {name} ({id})",
        name = plain(name),
        id = plain(&step.entry.organisation)
    ));
    if let Some(place) = step
        .event
        .as_ref()
        .and_then(|e| event_text::place(e, names))
    {
        output.line(say!(language, "     place     {place}", place = place));
    }
    if !step.via.is_empty() {
        output.line(say!(
            language,
            "     inside    {containers}",
            containers = containers(&step.via, names)
        ));
    }
    for reading in event_text::sensors(&value) {
        output.line(say!(
            language,
            "     sensor    {reading}",
            reading = reading
        ));
    }
}

fn step_json(step: &Step) -> Value {
    let (height, transaction, event) = step.place;
    json!({
        "height": height,
        "transaction": transaction,
        "event": event,
        "time_ms": step.entry.time_ms,
        "organisation": step.entry.organisation,
        "transaction_id": hex::encode(&step.entry.transaction_id),
        "content_hash": hex::encode(&step.entry.content_hash),
        "inside": step.via[..],
        "text": String::from_utf8_lossy(&step.bytes),
    })
}
