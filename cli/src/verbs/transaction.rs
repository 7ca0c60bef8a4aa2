//! `touchstone transaction`: what became of a transaction.

use serde_json::json;
use touchstone_client::client::{RecordedTransaction, TransactionOutcome};
use touchstone_proto::ledger::capture_events::Handover;
use touchstone_proto::ledger::transaction::Action;

use crate::event_text;
use crate::failure::Failure;
use crate::output::{Output, attested_json, block_lines, counted, plain};
use crate::receipt;
use crate::settings::Settings;

/// Show what became of a transaction
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:
  touchstone transaction 81c0…

Exit codes: 0 recorded (proven); 2 refused; 4 unknown to this node; 5 still waiting.
That it is refused, unknown or waiting is the node's own word.")]
pub struct Arguments {
    /// The transaction's id, 64 hex digits
    pub id: String,
}

/// Asks, checks and prints.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let id = receipt::bytes("id", &arguments.id)
        .map_err(|_| Failure::Usage("a transaction's id has 64 hex digits".into()))?;
    let mut client = settings.client().await?;
    match client.transaction(&id).await? {
        TransactionOutcome::Recorded(recorded) => {
            print(&recorded, output);
            Ok(())
        }
        TransactionOutcome::Rejected(rejected) => Err(Failure::refused(&rejected)),
        TransactionOutcome::Unknown => Err(Failure::NotFound(
            "this node doesn't know the transaction (its own word)".into(),
        )),
        TransactionOutcome::Pending => Err(Failure::Unreachable(
            "the transaction waits for a block (the node's own word); ask again".into(),
        )),
    }
}

/// What is recorded is told beside the failure of what should follow it.
pub(super) fn tell_recorded(recorded: &RecordedTransaction, output: &mut Output) {
    output.remark(format!(
        "transaction {} is recorded at height {} (proven); what should follow it failed",
        hex::encode(recorded.id),
        recorded.attested.header.height
    ));
}

fn print(recorded: &RecordedTransaction, output: &mut Output) {
    let transaction = &recorded.transaction;
    let action = match transaction.action() {
        Action::CaptureEvents(capture) => {
            let events = counted(capture.events.len(), "event");
            match &capture.handover {
                None => format!("capture of {events}"),
                Some(Handover::Offer(o)) => format!("offer to {}, {events}", plain(&o.to)),
                Some(Handover::Answer(a)) => {
                    let offer = hex::encode(&a.offer);
                    format!(
                        "{} offer {offer}, {events}",
                        event_text::outcome(a.outcome())
                    )
                }
                Some(Handover::Claim(_)) => format!("claim of custody, {events}"),
            }
        }
        Action::DepositDesign(_) => "deposit of a design".to_owned(),
        Action::DiscloseDesign(d) => format!("disclosure of design {}", hex::encode(&d.design_id)),
        Action::PublishFingerprints(p) => {
            format!("fingerprints of design {}", hex::encode(&p.design_id))
        }
        Action::PublishFeatures(p) => {
            format!("regions of design {}", hex::encode(&p.design_id))
        }
        Action::VouchForDesigner(v) => format!("vouching for designer {}", plain(&v.designer)),
        Action::WithdrawVouching(w) => {
            format!(
                "withdrawal of the vouching for designer {}",
                plain(&w.designer)
            )
        }
        Action::OfferTransfer(o) => {
            let subject = hex::encode(&o.subject);
            format!("offer of the right to {subject} to {}", plain(&o.to))
        }
        Action::AnswerTransfer(a) => {
            let subject = hex::encode(&a.subject);
            let outcome = event_text::outcome(a.outcome());
            format!("transfer of the right to {subject}: {outcome}")
        }
        Action::GrantLicence(g) => {
            let subject = hex::encode(&g.subject);
            format!("licence of {subject} to {}", plain(&g.licensee))
        }
        Action::EndLicence(e) => format!("end of licence {}", hex::encode(&e.licence)),
        Action::EndRight(e) => format!("end of the right to {}", hex::encode(&e.subject)),
        Action::AttestMark(m) => format!("attestation of mark {}", plain(&m.number)),
        Action::GiveNotice(n) => {
            let subject = hex::encode(&n.subject);
            format!(
                "notice to {} under the right to {subject}",
                plain(&n.platform)
            )
        }
        Action::AnswerNotice(a) => format!("measure in dispute {}", hex::encode(&a.dispute)),
        Action::CounterNotice(c) => format!("declaration in dispute {}", hex::encode(&c.dispute)),
        Action::ShowFiling(f) => format!("filing in dispute {}", hex::encode(&f.dispute)),
        Action::WithdrawNotice(w) => format!("withdrawal of dispute {}", hex::encode(&w.dispute)),
        Action::RuleDispute(r) => format!("ruling in dispute {}", hex::encode(&r.dispute)),
        Action::RegisterJurors(r) => format!("registration of {} jurors", r.count),
        Action::OpenReview(o) => format!("review of dispute {}", hex::encode(&o.dispute)),
        Action::RevealPreimage(r) => {
            let validator = hex::encode(&r.validator);
            format!("value of validator {validator} for a draw")
        }
        Action::ShowPulse(p) => {
            let pulse = p.pulse.as_ref().map_or(0, |pulse| pulse.pulse_index);
            format!("pulse {pulse} of a beacon for a draw")
        }
        Action::CastBallot(c) => {
            let ballot = c.ballot.as_ref();
            let dispute = ballot.map_or_else(String::new, |b| hex::encode(&b.dispute));
            format!("ballot in dispute {dispute}")
        }
        Action::VoidBallot(v) => format!("void ballot in dispute {}", hex::encode(&v.dispute)),
        Action::OpenBallot(o) => {
            let opening = o.opening.as_ref();
            let dispute = opening.map_or_else(String::new, |o| hex::encode(&o.dispute));
            format!("opening of a ballot in dispute {dispute}")
        }
        Action::AppealReview(a) => format!("appeal in dispute {}", hex::encode(&a.dispute)),
        Action::AcceptVerdict(a) => {
            format!("verdict accepted in dispute {}", hex::encode(&a.dispute))
        }
        Action::RecordCheck(c) => format!("check in dispute {}", hex::encode(&c.dispute)),
        Action::AnswerCheck(a) => format!("answer to check {}", hex::encode(&a.check)),
        Action::HandOverCase(h) => {
            let dispute = hex::encode(&h.dispute);
            format!("hand-over of dispute {dispute} to {}", plain(&h.to))
        }
        Action::AcceptCase(a) => format!("acceptance of dispute {}", hex::encode(&a.dispute)),
        Action::ImposeSanction(s) => format!("sanction against {}", plain(&s.party)),
        Action::AppealSanction(a) => format!("appeal of sanction {}", hex::encode(&a.sanction)),
        Action::DecideAppeal(d) => {
            format!(
                "decision about the appeal of sanction {}",
                hex::encode(&d.sanction)
            )
        }
        Action::ReferNotice(r) => {
            let dispute = hex::encode(&r.dispute);
            format!("question about dispute {dispute} to {}", plain(&r.centre))
        }
        Action::ContestRefusal(c) => {
            let dispute = hex::encode(&c.dispute);
            format!(
                "question about the refusal in dispute {dispute} to {}",
                plain(&c.centre)
            )
        }
        Action::GiveOpinion(o) => format!("opinion in dispute {}", hex::encode(&o.dispute)),
        Action::ChangeKeys(c) => {
            format!("keys: {} added, {} retired", c.add.len(), c.retire.len())
        }
        Action::ApproveChange(_) => "approval of a change".to_owned(),
        Action::DeclareProduct(d) => format!("declaration of product {}", plain(&d.product)),
        Action::SetMasterData(s) => match s.elements.as_slice() {
            [one] => format!("master data of {}", plain(&one.id)),
            many => format!("master data of {} identifiers", many.len()),
        },
    };
    let header = &recorded.attested.header;
    if output.json {
        output.value(&json!({
            "id": hex::encode(recorded.id),
            "verified": true,
            "height": header.height,
            "index": recorded.index,
            "time_ms": header.time_ms,
            "organisation": transaction.organisation(),
            "signer": hex::encode(transaction.signer()),
            "action": action,
            "header": attested_json(&recorded.attested),
        }));
        return;
    }
    output.line(format!("Transaction {}", hex::encode(recorded.id)));
    output.line(format!(
        "Verdict   {}: recorded at {}/{}",
        output.good("VERIFIED"),
        header.height,
        recorded.index
    ));
    output.line(format!("Action    {action}"));
    output.line(format!(
        "By        {} with key {}",
        plain(transaction.organisation()),
        hex::encode(transaction.signer())
    ));
    for line in block_lines(&recorded.attested, output.language) {
        output.line(line);
    }
}
