//! `touchstone handover`: goods pass from one organisation to another, in two signed steps.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use touchstone_client::as_of::Attempts;
use touchstone_client::client::Client;
use touchstone_client::verification::NotVerified;
use touchstone_core::custody::amount;
use touchstone_core::hash::Hash;
use touchstone_core::state::keys;
use touchstone_proto::ledger::capture_events::Handover;
use touchstone_proto::ledger::{
    AnswerOffer, CaptureEvents, ClaimCustody, Item, Offer, OfferCustody, OpenOffers, Outcome,
    transaction::Action,
};

use super::organisations::check_known;
use crate::capture::source;
use crate::event_text;
use crate::failure::Failure;
use crate::output::{Output, add_member, counted, plain, utc};
use crate::receipt;
use crate::settings::{Settings, Signing};

const DAY_MS: u64 = 24 * 3_600_000;

/// Hand goods over to another organisation, in two signed steps
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Offer what the events name to another organisation
    #[command(after_help = "Example:
  touchstone handover offer shipping.json --to acme --deadline 3d

The events are recorded with the offer. What is packed goes with its outermost container. Without
an answer by the deadline, the goods stay yours.")]
    Offer(OfferArguments),
    /// Accept an offer: what it names is yours from then on
    #[command(after_help = "Examples:
  touchstone handover accept 81c0…
  touchstone handover accept 81c0… receiving.json --discrepancy 'one carton is torn'

With FILE, its events are recorded with the answer; they name what was offered. Without, one is
written that receives all of it.")]
    Accept(AcceptArguments),
    /// Reject an offer: what it names stays the shipper's
    #[command(after_help = "Example:
  touchstone handover reject 81c0…")]
    Reject(AnswerArguments),
    /// Withdraw your own offer
    #[command(after_help = "Example:
  touchstone handover withdraw 81c0…")]
    Withdraw(AnswerArguments),
    /// Say that you have what another organisation holds; shown as one-sided
    #[command(after_help = "Example:
  touchstone handover claim found.json --reason 'delivered without an offer'")]
    Claim(ClaimArguments),
    /// List the open offers
    #[command(after_help = "Examples:
  touchstone handover list
  touchstone handover list --of acme")]
    List(ListArguments),
}

/// Arguments of `handover offer`.
#[derive(clap::Args, Debug)]
pub struct OfferArguments {
    /// EPCIS 2.0 documents, mostly with the business step shipping; '-' for standard input
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Id of the organisation that is to take the goods over
    #[arg(long, value_name = "ID")]
    pub to: String,
    /// How long it may take to answer: days (7d), hours (12h) or minutes (30m)
    #[arg(long, default_value = "7d", value_parser = span_ms)]
    pub deadline: u64,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `handover accept`.
#[derive(clap::Args, Debug)]
pub struct AcceptArguments {
    /// What is missing, damaged or too much
    #[arg(long, value_name = "TEXT")]
    pub discrepancy: Option<String>,
    /// The answer
    #[command(flatten)]
    pub answer: AnswerArguments,
}

/// Arguments of all answers.
#[derive(clap::Args, Debug)]
pub struct AnswerArguments {
    /// The offer: the id of its transaction, 64 hex digits
    pub offer: String,
    /// EPCIS 2.0 documents to record with the answer
    pub files: Vec<PathBuf>,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `handover claim`.
#[derive(clap::Args, Debug)]
pub struct ClaimArguments {
    /// EPCIS 2.0 documents that observe the goods
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Why they are with you
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `handover list`.
#[derive(clap::Args, Debug)]
pub struct ListArguments {
    /// Only offers from or to this organisation
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub of: Option<String>,
}

/// Acts, or lists.
pub async fn run(verb: &Verb, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let no_text = String::new();
    match verb {
        Verb::Offer(arguments) => offer(arguments, settings, output).await,
        Verb::Accept(arguments) => {
            let (outcome, discrepancy) = match &arguments.discrepancy {
                Some(text) => (Outcome::AcceptedWithDiscrepancy, text.clone()),
                None => (Outcome::Accepted, String::new()),
            };
            answer(&arguments.answer, outcome, discrepancy, settings, output).await
        }
        Verb::Reject(a) => answer(a, Outcome::Rejected, no_text, settings, output).await,
        Verb::Withdraw(a) => answer(a, Outcome::Withdrawn, no_text, settings, output).await,
        Verb::Claim(arguments) => claim(arguments, settings, output).await,
        Verb::List(arguments) => list(arguments, settings, output).await,
    }
}

async fn offer(
    arguments: &OfferArguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let events = read(&arguments.files, &client, output)?;
    if !client.is_enrolled(&arguments.to).await? {
        return Err(Failure::Absent {
            id: arguments.to.clone(),
            height: client.trust().proven_height(),
            message: format!(
                "there is no organisation {:?} to offer to (`touchstone organisations` lists all)",
                plain(&arguments.to)
            ),
        });
    }
    let deadline_ms = output.now_ms().saturating_add(arguments.deadline);
    let handover = Handover::Offer(OfferCustody {
        to: arguments.to.clone(),
        deadline_ms,
    });
    let (id, height) = capture(
        &mut client,
        &arguments.signing,
        settings,
        output,
        events,
        handover,
    )
    .await?;
    if output.json {
        output.value(&json!({
            "offer": hex::encode(id), "to": arguments.to, "deadline_ms": deadline_ms,
            "height": height,
        }));
        return Ok(());
    }
    output.line(format!(
        "Offered   {} to {}",
        hex::encode(id),
        plain(&arguments.to)
    ));
    output.line(format!(
        "          at height {height} (proven); to be answered by {}",
        utc(deadline_ms)
    ));
    Ok(())
}

async fn answer(
    arguments: &AnswerArguments,
    outcome: Outcome,
    discrepancy: String,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let id: Hash = receipt::bytes("offer", &arguments.offer)
        .map_err(|_| Failure::Usage("an offer's id has 64 hex digits".into()))?;
    let mut client = settings.client().await?;
    let (attested, record) = client.message::<Offer>(&keys::offer(&id)).await?;
    let record = record.ok_or_else(|| Failure::Absent {
        id: arguments.offer.clone(),
        height: attested.header.height,
        message: format!("there is no offer {}", hex::encode(id)),
    })?;
    let events = match arguments.files.is_empty() {
        false => read(&arguments.files, &client, output)?,
        true => vec![receipt_of(&mut client, &record, outcome, output.now_ms()).await?],
    };
    let handover = Handover::Answer(AnswerOffer {
        offer: id.to_vec(),
        outcome: outcome as i32,
        discrepancy,
    });
    let (transaction, height) = capture(
        &mut client,
        &arguments.signing,
        settings,
        output,
        events,
        handover,
    )
    .await?;
    if output.json {
        output.value(&json!({
            "offer": hex::encode(id), "outcome": event_text::outcome(outcome),
            "transaction": hex::encode(transaction), "height": height,
        }));
        return Ok(());
    }
    output.line(format!(
        "Answered  {} the offer of {}, {}, at height {height} (proven)",
        event_text::outcome(outcome),
        plain(&record.from),
        counted(record.items.len() + record.portions.len(), "item")
    ));
    Ok(())
}

async fn claim(
    arguments: &ClaimArguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let events = read(&arguments.files, &client, output)?;
    let reason = arguments.reason.clone();
    let handover = Handover::Claim(ClaimCustody { reason });
    let (id, height) = capture(
        &mut client,
        &arguments.signing,
        settings,
        output,
        events,
        handover,
    )
    .await?;
    if output.json {
        output.value(&json!({"transaction": hex::encode(id), "height": height}));
        return Ok(());
    }
    output.line(format!(
        "Claimed   at height {height} (proven): one-sided, until the other side confirms it"
    ));
    Ok(())
}

/// The offers that are open in the last block.
async fn list(
    arguments: &ListArguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let mut attempts = Attempts::default();
    let (found, hidden) = loop {
        let found = open_offers(&mut client, arguments.of.as_ref(), output.now_ms()).await?;
        if attempts.are_over(client.as_of()) {
            break found;
        }
    };
    if let (Some(of), true) = (&arguments.of, found.is_empty()) {
        check_known(&mut client, of).await?;
    }
    for (id, offer) in &found {
        print_open(id, offer, output);
    }
    if found.is_empty() && !output.json {
        output.line("No offer is open.");
    }
    if hidden > 0 {
        output.remark(format!(
            "not shown: {} whose deadline has passed by this machine's clock, and not by the last block's; is the \
             clock right?",
            counted(hidden, "offer")
        ));
    }
    Ok(())
}

/// The open offers from or to an organisation, or all; and how many are open by the last block's time alone.
async fn open_offers(
    client: &mut Client,
    of: Option<&String>,
    now_ms: u64,
) -> Result<(Vec<(Vec<u8>, Offer)>, usize), Failure> {
    let (mut found, mut hidden) = (Vec::new(), 0);
    for from in client.organisation_ids().await? {
        let key = keys::open_offers(&from);
        let (attested, open) = client.message::<OpenOffers>(&key).await?;
        for open in open.unwrap_or_default().offers {
            let concerns = |id: &String| *id == from || *id == open.to;
            if open.deadline_ms < attested.header.time_ms || !of.is_none_or(concerns) {
                continue;
            }
            // On an idle chain the last block may be older than a deadline that has passed.
            if open.deadline_ms < now_ms {
                hidden += 1;
                continue;
            }
            let (_, record) = client.message::<Offer>(&keys::offer(&open.id)).await?;
            let record = record.ok_or(NotVerified::Missing("record of an open offer"))?;
            found.push((open.id, record));
        }
    }
    Ok((found, hidden))
}

fn print_open(id: &[u8], offer: &Offer, output: &mut Output) {
    if output.json {
        output.value(&json!({
            "offer": hex::encode(id), "from": offer.from, "to": offer.to,
            "deadline_ms": offer.deadline_ms, "items": offer.items,
            "portions": offer.portions.iter().map(|p| &p.product).collect::<Vec<_>>(),
        }));
        return;
    }
    output.line(format!("Offer     {}", hex::encode(id)));
    output.line(format!(
        "          from {} to {}, to be answered by {}",
        plain(&offer.from),
        plain(&offer.to),
        utc(offer.deadline_ms)
    ));
    let portions = offer.portions.iter().map(|portion| &portion.product);
    for item in offer.items.iter().chain(portions) {
        output.line(format!("          {}", plain(item)));
    }
}

/// The event that an answer to this offer records where it has no document of its own.
pub async fn receipt_of_offer(
    client: &mut Client,
    id: &Hash,
    outcome: Outcome,
    now_ms: u64,
) -> Result<Vec<u8>, Failure> {
    let (attested, record) = client.message::<Offer>(&keys::offer(id)).await?;
    let record = record.ok_or_else(|| Failure::Absent {
        id: hex::encode(id),
        height: attested.header.height,
        message: format!("there is no offer {}", hex::encode(id)),
    })?;
    receipt_of(client, &record, outcome, now_ms).await
}

/// The event that an answer without a file records: all that was offered was seen on arrival, or
/// is where it was.
async fn receipt_of(
    client: &mut Client,
    offer: &Offer,
    outcome: Outcome,
    now_ms: u64,
) -> Result<Vec<u8>, Failure> {
    let biz_step = match outcome {
        Outcome::Accepted | Outcome::AcceptedWithDiscrepancy => "receiving",
        _ => "other",
    };
    let nanos = i128::from(now_ms) * 1_000_000;
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .ok_or_else(|| Failure::Usage("this machine's clock shows no date".into()))?;
    let mut event = json!({
        "@context": ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"],
        "type": "ObjectEvent",
        "eventTime": time,
        "eventTimeZoneOffset": "+00:00",
        "action": "OBSERVE",
        "bizStep": biz_step,
        "epcList": offer.items,
    });
    let mut quantities = Vec::with_capacity(offer.portions.len());
    for portion in &offer.portions {
        let key = keys::item(&portion.product);
        let (_, item) = client.message::<Item>(&key).await?;
        let unit = item.and_then(|item| item.stock).map(|stock| stock.unit);
        let number: Value = serde_json::from_str(&amount::decimal(portion.millionths))
            .map_err(|_| Failure::Usage("the offered amount is no number".into()))?;
        let mut quantity = json!({"epcClass": portion.product, "quantity": number});
        if let Some(unit) = unit.filter(|unit| !unit.is_empty()) {
            add_member(&mut quantity, "uom", json!(unit));
        }
        quantities.push(quantity);
    }
    if !quantities.is_empty() {
        add_member(&mut event, "quantityList", json!(quantities));
    }
    Ok(event.to_string().into_bytes())
}

/// All events of the files; one that breaks a rule stops it all.
fn read(files: &[PathBuf], client: &Client, output: &mut Output) -> Result<Vec<Vec<u8>>, Failure> {
    let limit = client
        .trust()
        .genesis()
        .document
        .parameters
        .max_transaction_bytes;
    let (events, has_master_data) = source::whole(files, limit)?;
    if has_master_data {
        output.remark(source::NOT_STATED);
    }
    Ok(events)
}

async fn capture(
    client: &mut Client,
    signing: &Signing,
    settings: &Settings,
    output: &Output,
    events: Vec<Vec<u8>>,
    handover: Handover,
) -> Result<(Hash, u64), Failure> {
    let signer = settings.signer(signing)?;
    let action = Action::CaptureEvents(CaptureEvents {
        events,
        handover: Some(handover),
    });
    let recorded = client.act(&signer, output.now_ms(), action).await?;
    Ok((recorded.id, recorded.attested.header.height))
}

/// `7d`, `12h` or `30m` in milliseconds.
pub fn span_ms(text: &str) -> Result<u64, String> {
    let units = [("d", DAY_MS), ("h", DAY_MS / 24), ("m", 60_000)];
    let wrong = || format!("{text:?} is no span; write days, hours or minutes as 7d, 12h or 30m");
    let (number, unit) = units
        .iter()
        .find_map(|(suffix, ms)| Some((text.strip_suffix(suffix)?, *ms)))
        .ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number
        .checked_mul(unit)
        .filter(|ms| *ms > 0)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let table = [
            ("7d", Some(604_800_000)),
            ("12h", Some(43_200_000)),
            ("30m", Some(1_800_000)),
            ("0d", None),
            ("-1d", None),
            ("7", None),
            ("d", None),
            ("18446744073709551615d", None),
        ];
        for (text, expected) in table {
            assert_eq!(span_ms(text).ok(), expected, "{text}");
        }
    }
}
