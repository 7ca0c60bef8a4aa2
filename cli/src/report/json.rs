//! An examination for programs, in the form of `docs/examination.schema.json`.

use serde_json::{Value, json};
use touchstone_core::evidence::{
    CustodyFact, Deposit, Exhibit, ExhibitVerdict, Facts, HandoverFact, History, Match, Report,
    StampFact, Statement, Verdict,
};
use touchstone_core::hash::Hash;
use touchstone_proto::ledger::{Basis, Ending, Position};

use super::{Examined, drafts, right_facts};
use crate::fields;
use crate::look_alikes;
use crate::messages::Speech;
use crate::output::add_member;
use crate::rights;
use crate::vouching;

/// The whole value; `exit_code` is the process's.
pub fn value(examined: &Examined<'_>, exit_code: u8) -> Value {
    let Examined {
        report,
        exhibits,
        file,
        ..
    } = examined;
    let facts = match report.verdict {
        Verdict::NotVerified => Value::Null,
        Verdict::Verified | Verdict::Reservations => facts(&report.facts),
    };
    json!({
        "format": "touchstone/examination/v1",
        "tool": {"name": super::TOOL, "version": super::VERSION},
        "examined_ms": examined.examined_ms,
        "exit_code": exit_code,
        "file": {
            "sha256": hex::encode(file.sha256),
            "bytes": file.bytes,
            "version": report.facts.version.map(|version| version.number()),
        },
        "verdict": report.verdict.name(),
        "checks": checks(report, examined),
        "exhibits": {
            "verdict": overall(exhibits).map_or("none", ExhibitVerdict::name),
            "files": exhibits.iter().map(exhibit).collect::<Vec<_>>(),
        },
        "facts": facts,
    })
}

/// The verdict on all exhibits: the worst of them.
pub fn overall(exhibits: &[Exhibit]) -> Option<ExhibitVerdict> {
    exhibits.iter().map(|exhibit| exhibit.verdict).max()
}

fn checks(report: &Report, examined: &Examined<'_>) -> Vec<Value> {
    let check = |check: &touchstone_core::evidence::Check| {
        let findings = check.findings.iter();
        let findings: Vec<String> = findings.map(|f| examined.language.finding(f)).collect();
        json!({
            "element": check.element.name(),
            "article": check.element.article(),
            "result": check.result.name(),
            "findings": findings,
        })
    };
    report.checks.iter().map(check).collect()
}

fn exhibit(exhibit: &Exhibit) -> Value {
    let matches = exhibit.matches.iter().map(|found| match *found {
        Match::File(number) => json!({"file": number}),
        Match::Event((height, transaction, event)) => {
            json!({"event": {"height": height, "transaction": transaction, "event": event}})
        }
    });
    json!({
        "name": exhibit.name,
        "sha256": hex::encode(exhibit.sha256),
        "verdict": exhibit.verdict.name(),
        "matches": matches.collect::<Vec<_>>(),
    })
}

fn facts(facts: &Facts) -> Value {
    let subject = match (&facts.history, &facts.deposit) {
        (Some(history), _) => json!({"item": history.item}),
        (None, deposit) => json!({"design": deposit.as_ref().map(|d| hex::encode(d.id))}),
    };
    json!({
        "subject": subject,
        "chain_id": facts.chain_id.map(hex::encode),
        "chain_name": facts.chain_name,
        "height": facts.height,
        "time_ms": facts.time_ms,
        "block_id": facts.block_id.map(hex::encode),
        "time_error_ms": facts.time_error_ms,
        "validators": facts.validators.iter().map(|v| json!({
            "public_key": hex::encode(v.public_key),
            "power": v.power,
            "organisation": v.organisation,
            "name": v.name,
            "signed": v.signed,
        })).collect::<Vec<_>>(),
        "transactions": facts.transactions.iter().map(|t| json!({
            "height": t.height,
            "index": t.index,
            "id": hex::encode(t.id),
            "time_ms": t.time_ms,
            "organisation": t.organisation,
            "name": t.name,
            "signer": hex::encode(t.signer),
        })).collect::<Vec<_>>(),
        "history": facts.history.as_ref().map(history),
        "custody": facts.custody.as_ref().map(custody),
        "handovers": facts.handovers.iter().map(handover).collect::<Vec<_>>(),
        "deposit": facts.deposit.as_ref().map(deposit),
        "disputes": facts.disputes.as_ref().map(right_facts::disputes_json),
        "authorisations": facts.authorisations.iter().map(right_facts::authorisation_json).collect::<Vec<_>>(),
        "stamps": facts.stamps.iter().map(stamp).collect::<Vec<_>>(),
    })
}

fn history(history: &History) -> Value {
    json!({
        "item": history.item,
        "own_events": history.own_events,
        "inside": history.inside,
        "events": history.steps.iter().map(|s| json!({
            "height": s.place.0,
            "transaction": s.place.1,
            "event": s.place.2,
            "time_ms": s.entry.time_ms,
            "organisation": s.entry.organisation,
            "content_hash": hex::encode(&s.entry.content_hash),
            "via": s.via[..],
        })).collect::<Vec<_>>(),
    })
}

fn position(position: Option<&Position>) -> Value {
    position.map_or(
        Value::Null,
        |at| json!({"height": at.height, "transaction": at.transaction, "event": at.event}),
    )
}

fn custody(fact: &CustodyFact) -> Value {
    let held = fact.custody.as_ref();
    let basis = |basis| match basis {
        Basis::Handover => "handover",
        Basis::Prefix => "prefix",
        Basis::OwnWord | Basis::Unspecified => "own-word",
    };
    let ending = |how| match how {
        Ending::Sold => "sold",
        Ending::Consumed => "consumed",
        Ending::Destroyed => "destroyed",
        Ending::Decommissioned | Ending::Unspecified => "decommissioned",
    };
    json!({
        "holder": held.map(|c| &c.holder),
        "basis": held.map(|c| basis(c.basis())),
        "one_sided": held.map(|c| matches!(c.basis(), Basis::OwnWord | Basis::Unspecified)),
        "since": position(held.and_then(|c| c.since.as_ref())),
        "discrepancy": held.map(|c| &c.discrepancy).filter(|text| !text.is_empty()),
        "ended": fact.ended.as_ref().map(|end| json!({
            "how": ending(end.how()),
            "position": position(end.position.as_ref()),
        })),
        "offer": fact.offer.as_ref().map(|offer| json!({
            "id": hex::encode(&offer.id),
            "to": offer.to,
            "deadline_ms": offer.deadline_ms,
        })),
        "claims": fact.claims.iter().map(|standing| json!({
            "item": standing.item,
            "organisation": standing.claim.organisation,
            "since": position(standing.claim.since.as_ref()),
            "reason": Some(&standing.claim.reason).filter(|text| !text.is_empty()),
        })).collect::<Vec<_>>(),
        "stock": fact.stock.as_ref().map(|stock| json!({
            "unit": stock.unit,
            "holdings": stock.holdings.iter().map(|holding| json!({
                "organisation": holding.organisation,
                "millionths": holding.millionths,
            })).collect::<Vec<_>>(),
        })),
    })
}

fn handover(fact: &HandoverFact) -> Value {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let (kind, more) = match &fact.statement {
        Statement::Offer {
            to,
            deadline_ms,
            status,
            discrepancy,
        } => (
            "offer",
            json!({
                "to": to,
                "deadline_ms": deadline_ms,
                "status": status.map(|status| status.name()),
                "discrepancy": text(discrepancy),
            }),
        ),
        Statement::Answer {
            offer,
            status,
            discrepancy,
        } => (
            "answer",
            json!({
                "offer": hex::encode(offer),
                "status": status.name(),
                "discrepancy": text(discrepancy),
            }),
        ),
        Statement::Claim { reason } => ("claim", json!({"reason": reason})),
    };
    json!({
        "height": fact.height,
        "transaction": fact.transaction,
        "id": hex::encode(fact.id),
        "time_ms": fact.time_ms,
        "organisation": fact.organisation,
        kind: more,
    })
}

fn deposit(deposit: &Deposit) -> Value {
    // What isn't recorded has no more than its id.
    let recorded = deposit.recorded;
    let mut value = json!({
        "id": hex::encode(deposit.id),
        "recorded": recorded,
        "commitment": recorded.then(|| hex::encode(&deposit.commitment)),
        "owner_key": recorded.then(|| hex::encode(&deposit.owner_key)),
        "organisation": recorded.then_some(&deposit.organisation),
        "time_ms": recorded.then_some(deposit.time_ms),
        "title": deposit.title,
        "title_is_recorded": deposit.title_is_recorded,
        "disclosed_ms": deposit.disclosed_ms,
        "files": deposit.files.iter().map(|(sha256, name): &(Hash, _)| json!({
            "sha256": hex::encode(sha256),
            "name": name,
        })).collect::<Vec<_>>(),
    });
    if !deposit.views.is_empty() {
        let content = fields::json(&deposit.views, &deposit.fields);
        add_member(&mut value, "content", content);
    }
    if !deposit.drafts.is_empty() {
        let drafts = deposit.drafts.iter().map(drafts::json).collect();
        add_member(&mut value, "drafts", drafts);
    }
    if let Some(found) = &deposit.look_alikes {
        add_member(&mut value, "look_alikes", look_alikes::json(found));
    }
    if let Some(right) = &deposit.right {
        add_member(&mut value, "right", rights::json(right));
    }
    if let Some((found, _)) = &deposit.vouching {
        add_member(&mut value, "vouching", vouching::json(found));
    }
    value
}

fn stamp(fact: &StampFact) -> Value {
    let stamped = &fact.stamped;
    json!({
        "authority": stamped.authority,
        "url": fact.url,
        "first": fact.first,
        "last": fact.last,
        "heights": fact.heights,
        "gen_time_ms": stamped.gen_time_ms,
        "accuracy_ms": stamped.accuracy_ms,
        "no_later_than_ms": stamped.no_later_than_ms(),
        "serial": stamped.serial,
        "policy": stamped.policy,
        "root_sha256": hex::encode(stamped.root()),
        "trusted": fact.is_trusted,
    })
}
