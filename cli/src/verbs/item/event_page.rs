//! A page of an item's own events.

use serde_json::{Value, json};
use touchstone_client::client::Client;
use touchstone_client::event_log::{self, EventLogPage};
use touchstone_client::item_history::Step;
use touchstone_epcis::Identifier;

use super::{absent, name_line, places, print_step, step_json};
use crate::failure::Failure;
use crate::master_data::Names;
use crate::output::{Output, attested_json, counted, plain};

/// Events of a page where the person names no number.
pub const LIMIT: u32 = 256;

const PROVEN: &str = "these are all events of this place in the item's own link, in order";
const NOT_PROVEN: &str = "the item's other events, and what happened to its containers while it was in \
                          them: leave out --from and --limit for all of it";

/// Fetches, checks and prints the events from number `from` on, counted from 1.
pub async fn run(
    id: &Identifier,
    from: u64,
    limit: u32,
    client: &mut Client,
    output: &mut Output,
) -> Result<(), Failure> {
    let page = event_log::fetch_page(client, id.as_str(), from.saturating_sub(1), limit).await?;
    if page.count == 0 {
        return Err(absent(id, &page.attested, output));
    }
    if page.events.is_empty() {
        return Err(Failure::Absent {
            id: id.as_str().to_owned(),
            height: page.attested.header.height,
            message: format!(
                "NOT RECORDED: {} has {}; none has number {from}",
                plain(id.as_str()),
                counted(page.count, "event")
            ),
        });
    }
    let to = page.from.saturating_add(page.events.len() as u64);
    let steps: Vec<Step> = page.events.iter().map(Step::own).collect();
    let mut names_of = Names::default();
    let named = std::iter::once(id.as_str()).chain(places(&steps));
    names_of.read(client, named).await?;
    if output.json {
        output.value(&json!({
            "id": id.as_str(),
            "verified": true,
            "complete": from == 1 && to == page.count,
            "containers_read": false,
            "from": from,
            "to": to,
            "of": page.count,
            "height": page.attested.header.height,
            "header": attested_json(&page.attested),
            "proven": PROVEN,
            "not_proven": NOT_PROVEN,
            "names": names_of.json(),
            "events": steps.iter().map(event_json).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    // Names are proven too: fetch them all before a line is printed.
    let mut names = Vec::with_capacity(steps.len());
    for step in &steps {
        names.push(client.name(&step.entry.organisation).await?);
    }
    print_head(id, &page, to, output);
    name_line(id.as_str(), &names_of, output);
    for ((number, step), name) in (from..).zip(&steps).zip(&names) {
        print_step(number, step, name, &names_of, output);
    }
    if to < page.count {
        output.line("");
        output.line(format!(
            "Next      touchstone item {} --from {}",
            plain(id.as_str()),
            to.saturating_add(1)
        ));
    }
    Ok(())
}

fn print_head(id: &Identifier, page: &EventLogPage, to: u64, output: &mut Output) {
    output.line(format!("Item      {}", plain(id.as_str())));
    let verdict = output.good("VERIFIED");
    output.line(format!(
        "Verdict   {verdict}: events {} to {to} of {} at height {}",
        page.from.saturating_add(1),
        page.count,
        page.attested.header.height
    ));
    output.line(format!("Proven    {PROVEN}"));
    output.line(format!("Unproven  {NOT_PROVEN}"));
}

/// Which containers the item was in isn't read here.
fn event_json(step: &Step) -> Value {
    let mut value = step_json(step);
    if let Some(fields) = value.as_object_mut() {
        fields.remove("inside");
    }
    value
}
