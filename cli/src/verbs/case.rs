//! `touchstone case`: what was looked at for a dispute, and which authority has it.

use std::path::PathBuf;

use touchstone_client::cases as asked;
use touchstone_proto::ledger::{
    AcceptCase, AnswerCheck, CaseCheckKind, DisputeTerms, HandOverCase, RecordCheck, SampleVerdict,
    change::Kind, transaction::Action,
};

use super::dispute::{Reasoned, named, sha256};
use super::enroll::{Approval, approve};
use super::keys::moment;
use super::right::{act, id};
use crate::cases;
use crate::failure::Failure;
use crate::output::{Output, add_member, attested_json, show_terms};
use crate::settings::{Settings, Signing};

/// Record a test purchase, a spot check or a notice to mend, answer one, hand a case over
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Record a test purchase; the laboratory that you name is to examine the sealed sample
    #[command(after_help = "Example:
  touchstone case purchase 77d0… --at 2026-11-29T09:00:00Z --place URL --report receipt.pdf \\
    --rule-book r.pdf --seal seal.jpg --custody custody.pdf --laboratory lab --key maker.pem

The files stay with you; their SHA-256 are recorded. docs/disputes.md tells who may, and the terms.")]
    Purchase(Purchase),
    /// Record a spot check with its verdict, as an authority that is no party
    #[command(after_help = "Example:
  touchstone case spot-check 77d0… --at 2026-11-29T09:00:00Z --place 'stall 7' --report r.pdf \\
    --rule-book b.pdf --verdict not-authentic --key customs.pem")]
    SpotCheck(SpotCheck),
    /// Tell a party to mend something in the time that the terms allow, as an authority
    #[command(after_help = "Example:
  touchstone case notice 77d0… --to market --at 2026-11-29T09:00:00Z --place URL --report r.pdf \\
    --rule-book b.pdf --key office.pem")]
    Notice(Notice),
    /// Give your verdict on a sealed sample, as the laboratory
    #[command(after_help = "Example:
  touchstone case verdict 51c2… --verdict not-authentic --seal seal.jpg --report r.pdf \\
    --rule-book b.pdf --key lab.pem

Without --seal the seal was broken or another: the verdict is undetermined then.")]
    Verdict(Verdict),
    /// Say that what you were told to mend is mended; a platform says it for a respondent
    #[command(after_help = "Example:
  touchstone case mended 51c2… --report r.pdf --rule-book b.pdf --key market.pem")]
    Mended(Mended),
    /// Show, proven, a check and what it waits for
    #[command(after_help = "Example:
  touchstone case show 51c2…

Exit codes: 0 verified; 3 not verified; 4 no such check (proven).")]
    Show(Show),
    /// Hand a case over to another authority; you stay responsible until it accepts
    #[command(after_help = "Example:
  touchstone case hand-over 77d0… --to court --reasons r.pdf --rule-book b.pdf --key office.pem")]
    HandOver(HandOver),
    /// Accept a case that was handed over to you, and rule from then on
    #[command(after_help = "Example:
  touchstone case accept 77d0… --reference '(2026) 8' --key court.pem")]
    Accept(Accept),
    /// Show, proven, the terms of disputes, checks, hand-overs and sanctions
    #[command(after_help = "Example:
  touchstone case terms")]
    Terms,
    /// Approve other terms for disputes, checks, hand-overs and sanctions from then on
    #[command(after_help = "Example:
  touchstone case set-terms --mend-days 30 --key acme.pem

What you don't name stays. Every organisation that runs a validator may approve; the change takes
effect when more than 2/3 of the voting power approved the same terms.")]
    SetTerms(SetTerms),
}

/// What a check, or its answer, rests on.
#[derive(clap::Args, Debug)]
pub struct Reported {
    /// The report or receipt; its SHA-256 is recorded
    #[arg(long, value_name = "FILE")]
    pub report: PathBuf,
    /// The rule book that was applied; its SHA-256 is recorded
    #[arg(long, value_name = "FILE")]
    pub rule_book: PathBuf,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// What each check tells.
#[derive(clap::Args, Debug)]
pub struct Looked {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// When it was (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub at: String,
    /// Where it was
    #[arg(long)]
    pub place: String,
    /// What was found
    #[command(flatten)]
    pub reported: Reported,
}

/// Arguments of `case purchase`.
#[derive(clap::Args, Debug)]
pub struct Purchase {
    /// What was looked at
    #[command(flatten)]
    pub looked: Looked,
    /// The record of the sample's seal; the laboratory confirms it
    #[arg(long, value_name = "FILE")]
    pub seal: PathBuf,
    /// The record of the sample's chain of custody
    #[arg(long, value_name = "FILE")]
    pub custody: PathBuf,
    /// Id of the laboratory
    #[arg(long, value_name = "ID")]
    pub laboratory: String,
}

/// Arguments of `case spot-check`.
#[derive(clap::Args, Debug)]
pub struct SpotCheck {
    /// What was looked at
    #[command(flatten)]
    pub looked: Looked,
    /// authentic, not-authentic or undetermined
    #[arg(long, value_name = "VERDICT", value_parser = verdict)]
    pub verdict: SampleVerdict,
}

/// Arguments of `case notice`.
#[derive(clap::Args, Debug)]
pub struct Notice {
    /// What was looked at
    #[command(flatten)]
    pub looked: Looked,
    /// The party that is to mend
    #[arg(long, value_name = "ID")]
    pub to: String,
}

/// Arguments of `case verdict`.
#[derive(clap::Args, Debug)]
pub struct Verdict {
    /// The check's id
    #[arg(value_name = "CHECK")]
    pub check: String,
    /// authentic, not-authentic or undetermined
    #[arg(long, value_name = "VERDICT", value_parser = verdict)]
    pub verdict: SampleVerdict,
    /// The record of the seal that you found whole
    #[arg(long, value_name = "FILE")]
    pub seal: Option<PathBuf>,
    /// What was found
    #[command(flatten)]
    pub reported: Reported,
}

/// Arguments of `case mended`.
#[derive(clap::Args, Debug)]
pub struct Mended {
    /// The check's id
    #[arg(value_name = "CHECK")]
    pub check: String,
    /// What was found
    #[command(flatten)]
    pub reported: Reported,
}

/// Arguments of `case show`.
#[derive(clap::Args, Debug)]
pub struct Show {
    /// The check's id
    #[arg(value_name = "CHECK")]
    pub check: String,
}

/// Arguments of `case hand-over`.
#[derive(clap::Args, Debug)]
pub struct HandOver {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// Id of the IP office or court on this ledger
    #[arg(long, value_name = "ID")]
    pub to: String,
    /// Why
    #[command(flatten)]
    pub reasoned: Reasoned,
}

/// Arguments of `case accept`.
#[derive(clap::Args, Debug)]
pub struct Accept {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// Its number of the case
    #[arg(long, value_name = "NUMBER")]
    pub reference: String,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `case set-terms`.
#[derive(clap::Args, Debug)]
pub struct SetTerms {
    /// Days for a laboratory's verdict
    #[arg(long, value_name = "DAYS")]
    pub laboratory_days: Option<u32>,
    /// Days for mending
    #[arg(long, value_name = "DAYS")]
    pub mend_days: Option<u32>,
    /// Days for accepting a case
    #[arg(long, value_name = "DAYS")]
    pub acceptance_days: Option<u32>,
    /// Days of a sanction, at most
    #[arg(long, value_name = "DAYS")]
    pub sanction_days: Option<u32>,
    /// False notices after which a platform may bar a party's notices
    #[arg(long, value_name = "N")]
    pub false_notices: Option<u32>,
    /// Days for an appeal
    #[arg(long, value_name = "DAYS")]
    pub appeal_days: Option<u32>,
    /// Days for deciding it
    #[arg(long, value_name = "DAYS")]
    pub decision_days: Option<u32>,
    /// Days for a platform's answer to a notice
    #[arg(long, value_name = "DAYS")]
    pub answer_days: Option<u32>,
    /// Days for a respondent's declaration
    #[arg(long, value_name = "DAYS")]
    pub declaration_days: Option<u32>,
    /// Days for a filing after a declaration (E-commerce Law, Art. 43: 15)
    #[arg(long, value_name = "DAYS")]
    pub waiting_days: Option<u32>,
    /// Days for an authority's ruling
    #[arg(long, value_name = "DAYS")]
    pub ruling_days: Option<u32>,
    /// Days for an assistance centre's opinion
    #[arg(long, value_name = "DAYS")]
    pub opinion_days: Option<u32>,
    /// Days for going further where no measures are taken
    #[arg(long, value_name = "DAYS")]
    pub escalation_days: Option<u32>,
    /// How it is approved
    #[command(flatten)]
    pub approval: Approval,
}

/// Acts, or shows.
pub async fn run(verb: &Verb, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let (action, done, signing) = match verb {
        Verb::Show(arguments) => return show(arguments, settings, output).await,
        Verb::Terms => return terms(settings, output).await,
        Verb::SetTerms(arguments) => return set_terms(arguments, settings, output).await,
        Verb::Purchase(a) => {
            let action = RecordCheck {
                seal: sha256(&a.seal)?,
                custody: sha256(&a.custody)?,
                to: a.laboratory.clone(),
                ..a.looked.check(CaseCheckKind::TestPurchase)?
            };
            (
                Action::RecordCheck(action),
                "Recorded",
                &a.looked.reported.signing,
            )
        }
        Verb::SpotCheck(a) => {
            let action = RecordCheck {
                verdict: a.verdict.into(),
                ..a.looked.check(CaseCheckKind::SpotCheck)?
            };
            (
                Action::RecordCheck(action),
                "Recorded",
                &a.looked.reported.signing,
            )
        }
        Verb::Notice(a) => {
            let action = RecordCheck {
                to: a.to.clone(),
                ..a.looked.check(CaseCheckKind::SupervisorNotice)?
            };
            (
                Action::RecordCheck(action),
                "Recorded",
                &a.looked.reported.signing,
            )
        }
        Verb::Verdict(a) => {
            let seal = a.seal.as_deref().map(sha256).transpose()?;
            let action = AnswerCheck {
                check: id(&a.check)?.to_vec(),
                report: sha256(&a.reported.report)?,
                rule_book: sha256(&a.reported.rule_book)?,
                verdict: a.verdict.into(),
                seal: seal.unwrap_or_default(),
            };
            (Action::AnswerCheck(action), "Answered", &a.reported.signing)
        }
        Verb::Mended(a) => {
            let action = AnswerCheck {
                check: id(&a.check)?.to_vec(),
                report: sha256(&a.reported.report)?,
                rule_book: sha256(&a.reported.rule_book)?,
                ..AnswerCheck::default()
            };
            (Action::AnswerCheck(action), "Answered", &a.reported.signing)
        }
        Verb::HandOver(a) => {
            let action = HandOverCase {
                dispute: id(&a.dispute)?.to_vec(),
                to: a.to.clone(),
                reasons: sha256(&a.reasoned.reasons)?,
                rule_book: sha256(&a.reasoned.rule_book)?,
            };
            (Action::HandOverCase(action), "Offered", &a.reasoned.signing)
        }
        Verb::Accept(a) => {
            let action = AcceptCase {
                dispute: id(&a.dispute)?.to_vec(),
                reference: a.reference.clone(),
            };
            (Action::AcceptCase(action), "Accepted", &a.signing)
        }
    };
    act(action, done, signing, settings, output).await
}

impl Looked {
    fn check(&self, kind: CaseCheckKind) -> Result<RecordCheck, Failure> {
        Ok(RecordCheck {
            dispute: id(&self.dispute)?.to_vec(),
            kind: kind.into(),
            at_ms: moment(&self.at)?,
            place: self.place.clone(),
            report: sha256(&self.reported.report)?,
            rule_book: sha256(&self.reported.rule_book)?,
            ..RecordCheck::default()
        })
    }
}

impl SetTerms {
    fn applied_to(&self, now: DisputeTerms) -> DisputeTerms {
        let or = |new: Option<u32>, now: u32| new.unwrap_or(now);
        DisputeTerms {
            laboratory_days: or(self.laboratory_days, now.laboratory_days),
            mend_days: or(self.mend_days, now.mend_days),
            acceptance_days: or(self.acceptance_days, now.acceptance_days),
            sanction_days: or(self.sanction_days, now.sanction_days),
            false_notices: or(self.false_notices, now.false_notices),
            appeal_days: or(self.appeal_days, now.appeal_days),
            decision_days: or(self.decision_days, now.decision_days),
            answer_days: or(self.answer_days, now.answer_days),
            declaration_days: or(self.declaration_days, now.declaration_days),
            waiting_days: or(self.waiting_days, now.waiting_days),
            ruling_days: or(self.ruling_days, now.ruling_days),
            opinion_days: or(self.opinion_days, now.opinion_days),
            escalation_days: or(self.escalation_days, now.escalation_days),
        }
    }
}

async fn set_terms(
    arguments: &SetTerms,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let signer = settings.signer(&arguments.approval.signing)?;
    let mut client = settings.client().await?;
    let wanted = arguments.applied_to(asked::terms(&mut client).await?.1);
    let kind = Kind::PutDisputeTerms(wanted);
    approve(kind, &arguments.approval, &signer, &mut client, output).await
}

async fn terms(settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let (attested, now) = asked::terms(&mut client).await?;
    let terms = cases::terms(&now).map(|(name, value)| (name, value.into()));
    show_terms(&attested, &terms, output);
    Ok(())
}

async fn show(arguments: &Show, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let check = id(&arguments.check)?;
    let mut client = settings.client().await?;
    let (attested, found) = asked::check(&mut client, &check).await?;
    let height = attested.header.height;
    let found = found.ok_or_else(|| Failure::Absent {
        id: arguments.check.clone(),
        height,
        message: format!("there is no check {}", arguments.check),
    })?;
    let dispute = hex::encode(&found.dispute);
    if output.json {
        let mut value = cases::check_json(&check, &found);
        add_member(&mut value, "dispute", dispute.into());
        add_member(&mut value, "verified", true.into());
        add_member(&mut value, "header", attested_json(&attested));
        output.value(&value);
        return Ok(());
    }
    let verdict = output.good("VERIFIED");
    output.line(format!(
        "Dispute   {dispute}, {verdict} as of block {height}"
    ));
    for line in cases::check_lines(output.language, &check, &found) {
        output.line(format!("          {line}"));
    }
    Ok(())
}

fn verdict(text: &str) -> Result<SampleVerdict, String> {
    named(text, &cases::VERDICTS)
}
