//! What an item's answer says beside its events: where it stands in its life, who has it and who
//! says otherwise, and which events correct which.

use serde_json::{Value, json};
use touchstone_client::client::Client;
use touchstone_client::custody;
use touchstone_client::item_history::VerifiedHistory;
use touchstone_core::custody::CustodyStatus;
use touchstone_core::custody::amount;
use touchstone_core::custody::unit_state::{self, HistoryEntry, UnitState};
use touchstone_epcis::{Event, Identifier};
use touchstone_proto::ledger::{Basis, Custody, CustodyClaim, Position, Stock};

use crate::failure::Failure;
use crate::messages::{Language, Speech};
use crate::output::{add_member, plain, utc};
use crate::{event_text, say};

/// All of that about one item.
pub struct ItemStatus {
    /// Computed from its events; none for classes and places.
    pub state: Option<UnitState>,
    /// None for what nobody can have.
    standing: Option<CustodyStatus>,
    claims: Vec<CustodyClaim>,
    stock: Option<Stock>,
    /// Which steps are declared wrong, by which; and what the latter say of it.
    corrections: Vec<(usize, usize, String)>,
}

impl ItemStatus {
    /// Reads what is missing, proven.
    pub async fn of(
        client: &mut Client,
        id: &Identifier,
        history: &VerifiedHistory,
        now_ms: u64,
    ) -> Result<ItemStatus, Failure> {
        let record = history.log.record.clone().unwrap_or_default();
        let is_holdable = custody::is_holdable(id);
        let standing = match is_holdable {
            true => Some(custody::status(client, id.as_str(), now_ms).await?.1),
            false => None,
        };
        let (places, history): (Vec<usize>, Vec<HistoryEntry<'_>>) = history
            .steps
            .iter()
            .enumerate()
            .filter_map(|(at, step)| {
                let organisation = step.entry.organisation.as_str();
                let event = step.event.as_ref()?;
                Some((
                    at,
                    HistoryEntry {
                        event,
                        organisation,
                        named: step.via.last().map_or(id.as_str(), String::as_str),
                    },
                ))
            })
            .unzip();
        let corrections = unit_state::declared_wrong(&history);
        let state = unit_state::unit_state(id.as_str(), &history, &corrections);
        let state = state.filter(|_| is_holdable);
        let corrections = corrections
            .into_iter()
            .filter_map(|(wrong, by)| {
                let reason = declaration(history.get(by)?.event);
                Some((*places.get(wrong)?, *places.get(by)?, reason))
            })
            .collect();
        Ok(ItemStatus {
            state,
            standing,
            claims: record.claims,
            stock: record.stock,
            corrections,
        })
    }

    /// What stands below the head of the answer.
    pub async fn custody_lines(
        &self,
        client: &mut Client,
        language: Language,
    ) -> Result<Vec<String>, Failure> {
        let mut lines = Vec::new();
        if let Some(state) = self.state {
            let state = language.line(state.word());
            lines.push(say!(language, "State     {state}", state = state));
        }
        if let Some(standing) = &self.standing {
            let holder = match &standing.custody {
                None => say!(
                    language,
                    "Holder    nobody: only observers' findings are recorded"
                ),
                Some(custody) => {
                    let name = client.name(&custody.holder).await?;
                    say!(
                        language,
                        "Holder    {holder}, {basis}",
                        holder = format!("{} ({})", plain(&name), plain(&custody.holder)),
                        basis = basis(custody, language)
                    )
                }
            };
            lines.push(holder);
            let discrepancy = standing.custody.as_ref().map(|c| c.discrepancy.as_str());
            if let Some(text) = discrepancy.filter(|text| !text.is_empty()) {
                lines.push(say!(
                    language,
                    "          received with a discrepancy: {text}",
                    text = plain(text)
                ));
            }
            if let Some(offer) = &standing.offer {
                let name = client.name(&offer.to).await?;
                let named = format!("{} ({})", plain(&name), plain(&offer.to));
                let until = utc(offer.deadline_ms);
                lines.push(say!(
                    language,
                    "Offered   to {receiver}, to be answered by {until}",
                    receiver = named,
                    until = until
                ));
                lines.push(say!(
                    language,
                    "          offer {id}",
                    id = hex::encode(&offer.id)
                ));
            }
        }
        for claim in &self.claims {
            let name = client.name(&claim.organisation).await?;
            let reason = match claim.reason.as_str() {
                "" => say!(language, "it held it by its own word before"),
                reason => plain(reason),
            };
            lines.push(say!(
                language,
                "Claimed   one-sided by {name} ({id}){since}: {text}",
                name = plain(&name),
                id = plain(&claim.organisation),
                since = since(claim.since.as_ref(), language),
                text = reason
            ));
        }
        for holding in self.stock.iter().flat_map(|stock| &stock.holdings) {
            let unit = self.stock.as_ref().map_or("", |stock| stock.unit.as_str());
            let name = client.name(&holding.organisation).await?;
            lines.push(say!(
                language,
                "Stock     {amount} with {name} ({id})",
                amount = format!(
                    "{} {}",
                    amount::decimal(holding.millionths),
                    event_text::unit(unit)
                ),
                name = plain(&name),
                id = plain(&holding.organisation)
            ));
        }
        Ok(lines)
    }

    /// What stands below a step that is declared wrong, or that declares others wrong.
    pub fn correction_lines(&self, at: usize, language: Language) -> Vec<String> {
        let mut lines = Vec::new();
        for (wrong, by, reason) in &self.corrections {
            if *wrong == at {
                lines.push(say!(
                    language,
                    "     WRONG     as event {number} declares: {text}",
                    number = by + 1,
                    text = reason
                ));
            }
            if *by == at {
                lines.push(say!(
                    language,
                    "     corrects  event {number}: {text}",
                    number = wrong + 1,
                    text = reason
                ));
            }
        }
        lines
    }

    /// Adds the same to a step for programs.
    pub fn mark(&self, at: usize, mut step: Value) -> Value {
        let found = |wanted: fn(&(usize, usize, String)) -> (usize, usize)| {
            let pairs = self.corrections.iter().map(wanted);
            let mut of_this = pairs.filter(|(this, _)| *this == at);
            of_this.next().map(|(_, other)| other + 1)
        };
        if let Some(by) = found(|(wrong, by, _)| (*wrong, *by)) {
            add_member(&mut step, "declared_wrong_by", json!(by));
        }
        if let Some(wrong) = found(|(wrong, by, _)| (*by, *wrong)) {
            add_member(&mut step, "corrects", json!(wrong));
        }
        step
    }

    /// Custody for programs.
    pub fn custody_json(&self) -> Value {
        let standing = self.standing.as_ref();
        let custody = standing.and_then(|standing| standing.custody.as_ref());
        let offer = standing.and_then(|standing| standing.offer.as_ref());
        json!({
            "holder": custody.map(|custody| &custody.holder),
            "basis": custody.map(|custody| basis_word(custody.basis())),
            "one_sided": custody.map(|custody| custody.basis() == Basis::OwnWord),
            "since_height": custody.and_then(|c| c.since).map(|since| since.height),
            "discrepancy": custody.map(|c| &c.discrepancy).filter(|text| !text.is_empty()),
            "ended": standing.map(|standing| standing.ended.is_some()),
            "offer": offer.map(|offer| json!({
                "id": hex::encode(&offer.id), "to": offer.to, "deadline_ms": offer.deadline_ms,
            })),
            "claims": self.claims.iter().map(|claim| json!({
                "organisation": claim.organisation, "reason": claim.reason,
                "since_height": claim.since.map(|since| since.height),
            })).collect::<Vec<_>>(),
            "stock": self.stock.as_ref().map(|stock| json!({
                "unit": stock.unit,
                "holdings": stock.holdings.iter().map(|holding| json!({
                    "organisation": holding.organisation,
                    "amount": amount::decimal(holding.millionths),
                })).collect::<Vec<_>>(),
            })),
        })
    }
}

fn basis(custody: &Custody, language: Language) -> String {
    let since = since(custody.since.as_ref(), language);
    match custody.basis() {
        Basis::Handover => say!(
            language,
            "by a handover that both sides signed{since}",
            since = since
        ),
        Basis::Prefix => say!(
            language,
            "whose GS1 company prefix it has{since}",
            since = since
        ),
        Basis::OwnWord | Basis::Unspecified => say!(
            language,
            "by its own word alone{since} (one-sided: nobody confirmed it)",
            since = since
        ),
    }
}

fn basis_word(basis: Basis) -> &'static str {
    match basis {
        Basis::Handover => "handover",
        Basis::Prefix => "prefix",
        Basis::OwnWord | Basis::Unspecified => "own-word",
    }
}

fn since(position: Option<&Position>, language: Language) -> String {
    position.map_or(String::new(), |since| {
        say!(language, " since block {height}", height = since.height)
    })
}

/// Why an event was wrong, and what replaces it.
fn declaration(event: &Event) -> String {
    let Some(declared) = &event.error_declaration else {
        return String::new();
    };
    let reason = declared
        .reason
        .as_deref()
        .map_or("no reason given".to_owned(), event_text::term);
    let instead: Vec<String> = declared
        .corrective_event_ids
        .iter()
        .map(|id| plain(id))
        .collect();
    match instead.is_empty() {
        true => reason,
        false => format!("{reason}; instead: {}", instead.join(", ")),
    }
}
