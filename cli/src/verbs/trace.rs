//! `touchstone trace`: where a thing's substance went, or what it came from.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use touchstone_client::client::Client;
use touchstone_client::trace::{self, Trace, TraceQuestion};
use touchstone_core::custody::amount;
use touchstone_core::trace::{Direction, Limits};
use touchstone_epcis::Identifier;
use touchstone_proto::node::{TraceEdge, TracedItem};

use crate::failure::Failure;
use crate::master_data::Names;
use crate::messages::{Language, Speech};
use crate::output::{Output, counted, plain, utc};
use crate::settings::Settings;
use crate::{event_text, say};

/// Show what was made of a lot or unit, or what went into it
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone trace urn:epc:class:lgtin:9521234.050001.LOT-7   what became of the lot
  touchstone trace https://id.gs1.org/01/09521234500018/21/A1 --backward   what went into the unit
  touchstone trace urn:epc:id:sscc:9521234.0000000015 --depth 2 --json

The links of all things on the way are proven complete, one by one, so that nothing can be left out.
With --unproven the node walks, which is faster, and you take its word. docs/traces.md says what
counts as a connection.

Exit codes: 0 complete; 3 not verified; 4 nothing recorded; 6 cut short by --depth or --limit.")]
pub struct Arguments {
    /// What to ask
    #[command(flatten)]
    pub reach: Reach,
    /// What it was made of and from, instead of what was made of it
    #[arg(long)]
    pub backward: bool,
}

/// Where a trace begins, and how far it goes.
#[derive(clap::Args, Debug)]
pub struct Reach {
    /// An EPC URN, a GS1 Digital Link or any other absolute URI
    pub id: String,
    /// Steps away from it, at most
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub depth: u32,
    /// Things, at most
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub limit: u32,
    /// Take the node's word for it: faster, and nothing is proven
    #[arg(long)]
    pub unproven: bool,
}

impl Reach {
    /// Asks, and tells of the progress.
    pub async fn ask(
        &self,
        direction: Direction,
        client: &mut Client,
        output: &mut Output,
    ) -> Result<Trace, Failure> {
        let id = Identifier::read(&self.id)
            .map_err(|e| Failure::Usage(format!("{}: {e}", plain(&self.id))))?;
        let question = TraceQuestion {
            now_ms: output.now_ms(),
            id,
            direction,
            limits: Limits {
                depth: self.depth,
                items: self.limit as usize,
            },
            unproven: self.unproven,
        };
        let bar = progress(output);
        let mut found = |count| bar.set_position(count as u64);
        let trace = trace::ask(client, &question, &mut found).await;
        bar.finish_and_clear();
        let trace = trace?;
        match trace.items.first() {
            Some(first) if first.events > 0 => Ok(trace),
            _ if self.unproven => Err(Failure::NotFound(format!(
                "the node says that nothing is recorded for {}",
                plain(question.id.as_str())
            ))),
            _ => Err(Failure::Absent {
                id: question.id.as_str().to_owned(),
                height: trace.end.height,
                message: format!(
                    "NOT RECORDED: nothing is recorded for {}",
                    plain(question.id.as_str())
                ),
            }),
        }
    }

    /// What the answer is worth.
    pub fn verdict(&self, trace: &Trace, output: &Output) -> String {
        let whole = trace.is_whole();
        let word = match (self.unproven, whole) {
            (true, _) => output.bad("UNPROVEN"),
            (false, true) => output.good("VERIFIED"),
            (false, false) => output.bad("VERIFIED, BUT CUT SHORT"),
        };
        let how = match (self.unproven, whole) {
            (true, true) => "the node's word",
            (true, false) => "the node's word, and cut short",
            (false, true) => "complete",
            (false, false) => "there is more",
        };
        format!(
            "{word}: {how}: {} as of block {} ({})",
            counted(trace.items.len(), "thing"),
            trace.end.height,
            utc(trace.end.time_ms)
        )
    }

    /// Says which limit cut the trace short, if one did.
    pub fn check_whole(&self, trace: &Trace) -> Result<(), Failure> {
        let (deep, many) = (trace.end.too_deep, trace.end.too_many);
        if trace.is_whole() {
            return Ok(());
        }
        let mut why = Vec::new();
        if deep > 0 {
            why.push(format!(
                "{deep} of them more than --depth {} steps away",
                self.depth
            ));
        }
        if many > 0 {
            why.push(format!("{many} beyond --limit {} things", self.limit));
        }
        Err(Failure::Reservations(format!(
            "{} not followed: {}; raise the limit",
            match deep + many {
                1 => "1 connection was".to_owned(),
                n => format!("{n} connections were"),
            },
            why.join(", ")
        )))
    }
}

fn progress(output: &Output) -> ProgressBar {
    if !output.terminal || output.json {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template(&say!(output.language, "{spinner} {pos} things, {per_sec}"))
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// Asks and prints.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let reach = &arguments.reach;
    let direction = match arguments.backward {
        false => Direction::Forward,
        true => Direction::Backward,
    };
    let mut client = settings.client().await?;
    let trace = reach.ask(direction, &mut client, output).await?;
    let mut stated = Names::default();
    stated.read_trace(&mut client, &trace.items).await?;
    if output.json {
        let items: Vec<Value> = trace.items.iter().map(item_json).collect();
        output.value(&json!({
            "id": trace.items.first().map(|first| &first.id),
            "direction": if arguments.backward { "backward" } else { "forward" },
            "verified": !reach.unproven,
            "complete": trace.is_whole(),
            "height": trace.end.height,
            "time_ms": trace.end.time_ms,
            "names": stated.json(),
            "items": items,
        }));
        return reach.check_whole(&trace);
    }
    let names = names(&mut client, &trace).await?;
    let question = match arguments.backward {
        false => "forward: what was made of it, and what was in it",
        true => "backward: what it was made of, and what is in it",
    };
    output.line(format!("Trace     {question}"));
    output.line(format!("Verdict   {}", reach.verdict(&trace, output)));
    output.line("");
    let mut below: BTreeMap<&str, Vec<&TracedItem>> = BTreeMap::new();
    for item in &trace.items {
        if let Some(edge) = &item.edge {
            below.entry(edge.from.as_str()).or_default().push(item);
        }
    }
    let mut next: Vec<(&TracedItem, usize)> =
        trace.items.first().map(|f| (f, 0)).into_iter().collect();
    while let Some((item, indent)) = next.pop() {
        let names = (&names, &stated);
        output.line(line(item, indent, direction, names, output.language));
        let below = below.get(item.id.as_str()).into_iter().flatten();
        next.extend(below.rev().map(|item| (*item, indent + 1)));
    }
    reach.check_whole(&trace)
}

/// The proven names of all organisations that have something.
pub async fn names(
    client: &mut Client,
    trace: &Trace,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut names = BTreeMap::new();
    for item in &trace.items {
        for id in holders(item) {
            if !names.contains_key(id) {
                names.insert(id.to_owned(), client.name(id).await?);
            }
        }
    }
    Ok(names)
}

/// Ids of the organisations that have it, or some of it.
pub fn holders(item: &TracedItem) -> Vec<&str> {
    let stock = item.stock.iter().flat_map(|stock| &stock.holdings);
    let some = stock.filter(|holding| holding.millionths > 0);
    let mut ids: Vec<&str> = some.map(|holding| holding.organisation.as_str()).collect();
    ids.extend((!item.holder.is_empty()).then_some(item.holder.as_str()));
    ids
}

fn line(
    item: &TracedItem,
    indent: usize,
    direction: Direction,
    (names, stated): (&BTreeMap<String, String>, &Names),
    language: Language,
) -> String {
    let way = match (&item.edge, direction) {
        (None, _) => String::new(),
        (Some(edge), _) if edge.contained => say!(language, "holds "),
        (Some(_), Direction::Forward) => say!(language, "made into "),
        (Some(_), Direction::Backward) => say!(language, "made of "),
    };
    let amount = item
        .edge
        .as_ref()
        .and_then(amount)
        .map(|a| say!(language, "{amount} of ", amount = a));
    let mut told = what_it_is(item, language);
    for (holder, amount) in held(item) {
        let name = plain(names.get(holder).map_or(holder, String::as_str));
        let id = plain(holder);
        told.push(match amount {
            Some(amount) => say!(
                language,
                "{amount} with {name} ({id})",
                amount = amount,
                name = name,
                id = id
            ),
            None => say!(language, "with {name} ({id})", name = name, id = id),
        });
    }
    told.extend(where_it_was(item, stated, language));
    if item.edge.as_ref().is_some_and(|edge| edge.declared_wrong) {
        told.push(say!(language, "by an event that was declared wrong since"));
    }
    format!(
        "{}{way}{}{}: {}",
        "  ".repeat(indent),
        amount.unwrap_or_default(),
        stated.beside(&item.id),
        told.join("; ")
    )
}

/// What it is, and how its life ended.
pub fn what_it_is(item: &TracedItem, language: Language) -> Vec<String> {
    let mut told = vec![language.sentence(kind(item))];
    // Without proof, it is the node's word.
    told.extend((!item.state.is_empty()).then(|| language.sentence(&plain(&item.state))));
    told
}

/// Where it was last seen, and what it is in.
pub fn where_it_was(item: &TracedItem, stated: &Names, language: Language) -> Vec<String> {
    let last = seen(item).map(|(place, at)| {
        say!(
            language,
            "last seen {time} at {place}",
            time = at,
            place = stated.beside(place)
        )
    });
    let inside = item.inside.first();
    let inside =
        inside.map(|container| say!(language, "in {container}", container = plain(container)));
    last.into_iter().chain(inside).collect()
}

/// Who has it, and how much of it where that is known.
pub fn held(item: &TracedItem) -> Vec<(&str, Option<String>)> {
    let unit = item.stock.as_ref().map_or("", |stock| stock.unit.as_str());
    let stock = item.stock.iter().flat_map(|stock| &stock.holdings);
    let mut held: Vec<_> = stock
        .filter(|holding| holding.millionths > 0)
        .map(|holding| {
            let number = amount::decimal(holding.millionths);
            (
                holding.organisation.as_str(),
                Some(with_unit(&number, unit)),
            )
        })
        .collect();
    if !item.holder.is_empty() {
        held.push((item.holder.as_str(), None));
    }
    held
}

fn amount(edge: &TraceEdge) -> Option<String> {
    (!edge.quantity.is_empty()).then(|| with_unit(&edge.quantity, &edge.unit))
}

fn with_unit(number: &str, unit: &str) -> String {
    format!("{} {}", plain(number), event_text::unit(unit))
}

/// What an identifier names, in a word.
pub fn kind(item: &TracedItem) -> &'static str {
    let is_class = Identifier::parse(&item.id).is_ok_and(|id| id.is_class());
    match () {
        () if is_class && item.id.contains("/10/") => "lot",
        () if is_class => "kind of product",
        () if item.id.starts_with("https://id.gs1.org/00/") => "case or pallet",
        () => "unit",
    }
}

/// Where it was last seen, and when.
pub fn seen(item: &TracedItem) -> Option<(&str, String)> {
    let time_ms = u64::try_from(item.seen_ms).ok()?;
    (!item.seen_at.is_empty()).then(|| (item.seen_at.as_str(), utc(time_ms)))
}

/// A thing for programs.
pub fn item_json(item: &TracedItem) -> Value {
    let stock = item.stock.as_ref();
    json!({
        "id": item.id,
        "kind": kind(item),
        "depth": item.depth,
        "state": (!item.state.is_empty()).then_some(&item.state),
        "holder": (!item.holder.is_empty()).then_some(&item.holder),
        "stock": stock.map(|stock| json!({
            "unit": stock.unit,
            "holdings": stock.holdings.iter().map(|holding| json!({
                "organisation": holding.organisation,
                "amount": amount::decimal(holding.millionths),
            })).collect::<Vec<_>>(),
        })),
        "inside": item.inside,
        "last_place": (!item.seen_at.is_empty()).then_some(&item.seen_at),
        "last_seen_ms": (!item.seen_at.is_empty()).then_some(item.seen_ms),
        "events": item.events,
        "edge": item.edge.as_ref().map(|edge| {
            let place = edge.place.unwrap_or_default();
            json!({
                "from": edge.from,
                "way": if edge.contained { "contained" } else { "transformed" },
                "height": place.height,
                "index": place.transaction,
                "event": place.event,
                "transaction": hex::encode(&edge.transaction_id),
                "quantity": (!edge.quantity.is_empty()).then_some(&edge.quantity),
                "unit": (!edge.unit.is_empty()).then_some(&edge.unit),
                "declared_wrong": edge.declared_wrong,
            })
        }),
    })
}
