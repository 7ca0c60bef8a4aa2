//! `touchstone recall`: everything that is affected by a lot or unit, and who has it now.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};
use touchstone_client::trace::Trace;
use touchstone_core::trace::Direction;
use touchstone_proto::node::TracedItem;

use super::trace::{Reach, held, item_json, kind, names, seen, what_it_is, where_it_was};
use crate::failure::Failure;
use crate::master_data::Names;
use crate::messages::{Language, Speech};
use crate::output::{Output, counted, plain};
use crate::settings::Settings;
use crate::{file, say};

/// List everything that is affected by a lot or unit, who has it and where it was last seen
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone recall urn:epc:class:lgtin:9521234.050001.LOT-7
  touchstone recall urn:epc:class:lgtin:9521234.050001.LOT-7 -o recall.csv   for a spreadsheet
  touchstone recall https://id.gs1.org/00/095212340000000150 --json

Affected is what was made of it, to any depth, and what was in any of that. The links of all things
on the way are proven complete, one by one, so that nothing can be left out; `touchstone item` and
`touchstone evidence` prove each line again. With --unproven the node walks, which is faster.

Exit codes: 0 complete; 3 not verified; 4 nothing recorded; 6 cut short by --depth or --limit.")]
pub struct Arguments {
    /// What to ask
    #[command(flatten)]
    pub reach: Reach,
    /// Write the list as CSV (UTF-8, RFC 4180) to this file
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
}

/// Asks, prints and writes.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    if let Some(out) = &arguments.out {
        file::refuse_existing(out, arguments.force)?;
    }
    let reach = &arguments.reach;
    let mut client = settings.client().await?;
    let trace = reach.ask(Direction::Forward, &mut client, output).await?;
    let names = names(&mut client, &trace).await?;
    let mut stated = Names::default();
    stated.read_trace(&mut client, &trace.items).await?;
    if let Some(out) = &arguments.out {
        let cut = reach.check_whole(&trace).err();
        let cut = cut.map(|why| format!("CUT SHORT: {why}"));
        file::write(out, &csv(&trace, (&names, &stated), !reach.unproven, cut)?)?;
    }
    if output.json {
        output.value(&json!({
            "id": trace.items.first().map(|first| &first.id),
            "verified": !reach.unproven,
            "complete": trace.is_whole(),
            "height": trace.end.height,
            "time_ms": trace.end.time_ms,
            "file": arguments.out,
            "holders": names,
            "names": stated.json(),
            "items": trace.items.iter().map(item_json).collect::<Vec<Value>>(),
        }));
        return reach.check_whole(&trace);
    }
    print(reach, &trace, (&names, &stated), output);
    if let Some(out) = &arguments.out {
        let out = plain(&out.display().to_string());
        output.line("");
        output.line(format!("Written   {out}"));
    }
    reach.check_whole(&trace)
}

fn print(
    reach: &Reach,
    trace: &Trace,
    (names, stated): (&BTreeMap<String, String>, &Names),
    output: &mut Output,
) {
    let first = trace.items.first().map_or("", |first| first.id.as_str());
    output.line(format!("Recall    of {}", stated.beside(first)));
    output.line(format!("Verdict   {}", reach.verdict(trace, output)));
    let language = output.language;
    let mut by_holder: BTreeMap<&str, Vec<(&TracedItem, Option<String>)>> = BTreeMap::new();
    for item in &trace.items {
        let held = held(item);
        if held.is_empty() {
            by_holder.entry("").or_default().push((item, None));
        }
        for (holder, amount) in held {
            by_holder.entry(holder).or_default().push((item, amount));
        }
    }
    for (holder, items) in by_holder {
        let count = language.line(&counted(items.len(), "thing"));
        let name = names.get(holder).map_or(holder, String::as_str);
        output.line(match holder {
            "" => say!(
                language,
                "\n{count} without a recorded holder, or used up:",
                count = count
            ),
            holder => say!(
                language,
                "\n{name} ({id}) has {count}:",
                name = plain(name),
                id = plain(holder),
                count = count
            ),
        });
        for (item, amount) in items {
            output.line(format!("  {}", line(item, amount, stated, output.language)));
        }
    }
}

fn line(item: &TracedItem, amount: Option<String>, stated: &Names, language: Language) -> String {
    let amount = amount
        .map(|amount| say!(language, "{amount} of ", amount = amount))
        .unwrap_or_default();
    let told = [
        what_it_is(item, language),
        where_it_was(item, stated, language),
    ]
    .concat();
    format!("{amount}{}: {}", stated.beside(&item.id), told.join("; "))
}

const COLUMNS: [&str; 20] = [
    "identifier",
    "name",
    "name stated by",
    "kind",
    "state",
    "holder",
    "holder name",
    "amount",
    "in container",
    "last place",
    "last place name",
    "last seen (UTC)",
    "steps",
    "reached from",
    "reached from name",
    "way",
    "transaction",
    "event",
    "declared wrong",
    "proven at block",
];

/// A line for each thing and holder. Why the list isn't whole stands before them: a file has no exit code.
fn csv(
    trace: &Trace,
    (names, stated): (&BTreeMap<String, String>, &Names),
    is_proven: bool,
    cut: Option<String>,
) -> Result<Vec<u8>, Failure> {
    let broken = |error: csv::Error| Failure::Usage(format!("the list can't be written: {error}"));
    // Spreadsheets take UTF-8 by this mark.
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    writer.write_record(COLUMNS).map_err(broken)?;
    if let Some(cut) = cut {
        let rest = COLUMNS.iter().skip(1).map(|_| String::new());
        let row = std::iter::once(cut).chain(rest);
        writer.write_record(row).map_err(broken)?;
    }
    for item in &trace.items {
        let mut held = held(item);
        if held.is_empty() {
            held.push(("", None));
        }
        for (holder, amount) in held {
            let name = names.get(holder).map_or("", String::as_str);
            let row = row(trace, item, (holder, name), amount, stated, is_proven);
            writer.write_record(row.map(harmless)).map_err(broken)?;
        }
    }
    writer
        .into_inner()
        .map_err(|error| Failure::Usage(format!("the list can't be written: {error}")))
}

fn row(
    trace: &Trace,
    item: &TracedItem,
    (holder, name): (&str, &str),
    amount: Option<String>,
    stated: &Names,
    is_proven: bool,
) -> [String; 20] {
    let called = |id: &str| {
        stated
            .get(id)
            .map_or(String::new(), |found| found.name.clone())
    };
    let by = stated.get(&item.id).map(|found| found.organisation.clone());
    let from = edge_of(item);
    let edge = item.edge.as_ref();
    let (place, at) = seen(item).map_or(("", String::new()), |(place, at)| {
        (place, at.trim_end_matches(" UTC").to_owned())
    });
    let way = edge.map_or("", |edge| match edge.contained {
        true => "was in it",
        false => "made of it",
    });
    let event = edge
        .and_then(|e| e.place)
        .map(|place| place.event.to_string());
    let wrong = edge.is_some_and(|edge| edge.declared_wrong);
    [
        item.id.clone(),
        called(&item.id),
        by.unwrap_or_default(),
        kind(item).to_owned(),
        item.state.clone(),
        holder.to_owned(),
        name.to_owned(),
        amount.unwrap_or_default(),
        item.inside.first().cloned().unwrap_or_default(),
        place.to_owned(),
        called(place),
        at,
        item.depth.to_string(),
        from.to_owned(),
        called(from),
        way.to_owned(),
        edge.map(|edge| hex::encode(&edge.transaction_id))
            .unwrap_or_default(),
        event.unwrap_or_default(),
        if wrong { "yes" } else { "" }.to_owned(),
        match is_proven {
            true => trace.end.height.to_string(),
            false => "not proven".to_owned(),
        },
    ]
}

/// What it was reached from; empty for the first.
fn edge_of(item: &TracedItem) -> &str {
    item.edge.as_ref().map_or("", |edge| edge.from.as_str())
}

/// A cell that no spreadsheet takes for a formula (OWASP, "CSV Injection").
fn harmless(cell: String) -> String {
    let cell = plain(&cell);
    match cell.trim_start().starts_with(['=', '+', '-', '@']) {
        true => format!("'{cell}"),
        false => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)"] {
            assert_eq!(harmless(cell.to_owned()), format!("'{cell}"));
        }
        // A spreadsheet skips these before it looks for a formula.
        assert_eq!(harmless("\t=1".to_owned()), "\\u{9}=1");
        assert_eq!(harmless("\n=1".to_owned()), "' =1");
        assert_eq!(harmless("a=b".to_owned()), "a=b");
    }
}
