//! `touchstone right`: who owns a design; passing it on in two steps; giving it up.

use serde_json::json;
use touchstone_client::{Signer, rights as asked};
use touchstone_core::hash::Hash;
use touchstone_proto::ledger::{
    AnswerTransfer, EndRight, OfferTransfer, Outcome, transaction::Action,
};

use super::keys::moment;
use crate::failure::Failure;
use crate::messages::{Speech, in_column};
use crate::output::{Output, add_member, attested_json, plain};
use crate::receipt;
use crate::rights;
use crate::settings::{Settings, Signing};

/// Show who owns a design, pass it on, or give it up
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Offer your design to another organisation; it becomes its owner by accepting
    #[command(after_help = "Example:
  touchstone right offer 4be1… --to market --until 2026-12-31T00:00:00Z --key maker.pem

Licences that you have granted go on under the new owner.")]
    Offer(Offer),
    /// Accept a design that is offered to you: you own it from then on
    #[command(after_help = "Example:
  touchstone right accept 4be1… 77d0… --key market.pem      the offer's id, as `right show` tells it")]
    Accept(Answer),
    /// Reject a design that is offered to you
    #[command(after_help = "Example:
  touchstone right reject 4be1… 77d0… --key market.pem")]
    Reject(Answer),
    /// Withdraw an offer that isn't answered yet
    #[command(after_help = "Example:
  touchstone right withdraw 4be1… 77d0… --key maker.pem")]
    Withdraw(Answer),
    /// Give your right up, and with it all licences under it
    #[command(after_help = "Example:
  touchstone right end 4be1… --reason 'no longer made' --key maker.pem")]
    End(End),
    /// Show, proven, who owns a design, who did before, and whether it is offered or given up
    #[command(after_help = "Example:
  touchstone right show 4be1…

Exit codes: 0 verified; 3 not verified; 4 no such design (proven).")]
    Show(Show),
}

/// Arguments of `right offer`.
#[derive(clap::Args, Debug)]
pub struct Offer {
    /// The design's id
    #[arg(value_name = "ID")]
    pub design: String,
    /// Id of the organisation that is to own it
    #[arg(long, value_name = "ID")]
    pub to: String,
    /// The last moment at which it may accept (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub until: String,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of an answer.
#[derive(clap::Args, Debug)]
pub struct Answer {
    /// The design's id
    #[arg(value_name = "ID")]
    pub design: String,
    /// The offer's id
    pub offer: String,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `right end`.
#[derive(clap::Args, Debug)]
pub struct End {
    /// The design's id
    #[arg(value_name = "ID")]
    pub design: String,
    /// Why
    #[arg(long)]
    pub reason: String,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `right show`.
#[derive(clap::Args, Debug)]
pub struct Show {
    /// The design's id
    #[arg(value_name = "ID")]
    pub design: String,
}

/// Acts, or shows.
pub async fn run(verb: &Verb, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let (action, signing, done) = match verb {
        Verb::Show(arguments) => return show(arguments, settings, output).await,
        Verb::Offer(arguments) => {
            let action = OfferTransfer {
                subject: id(&arguments.design)?.to_vec(),
                to: arguments.to.clone(),
                deadline_ms: moment(&arguments.until)?,
            };
            (Action::OfferTransfer(action), &arguments.signing, "Offered")
        }
        Verb::Accept(a) => (answer(a, Outcome::Accepted)?, &a.signing, "Accepted"),
        Verb::Reject(a) => (answer(a, Outcome::Rejected)?, &a.signing, "Rejected"),
        Verb::Withdraw(a) => (answer(a, Outcome::Withdrawn)?, &a.signing, "Withdrawn"),
        Verb::End(arguments) => {
            let action = EndRight {
                subject: id(&arguments.design)?.to_vec(),
                reason: arguments.reason.clone(),
            };
            (Action::EndRight(action), &arguments.signing, "Ended")
        }
    };
    act(action, done, signing, settings, output).await
}

/// Sends an action, and tells its transaction's id.
pub(super) async fn act(
    action: Action,
    done: &str,
    signing: &Signing,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let signer = settings.signer(signing)?;
    act_as(&signer, action, done, settings, output).await
}

/// The same where the key is read before other work is done.
pub(super) async fn act_as(
    signer: &Signer,
    action: Action,
    done: &str,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let recorded = client.act(signer, output.now_ms(), action).await?;
    let height = recorded.attested.header.height;
    let id = hex::encode(recorded.id);
    if output.json {
        output.value(&json!({"transaction": id, "height": height}));
    } else {
        let done = in_column(&output.language.term(done), 9);
        output.line(format!("{done} {id}, block {height} (proven)"));
    }
    Ok(())
}

fn answer(arguments: &Answer, outcome: Outcome) -> Result<Action, Failure> {
    Ok(Action::AnswerTransfer(AnswerTransfer {
        subject: id(&arguments.design)?.to_vec(),
        offer: id(&arguments.offer)?.to_vec(),
        outcome: outcome.into(),
    }))
}

/// An id of 64 hex digits.
pub(super) fn id(text: &str) -> Result<Hash, Failure> {
    receipt::bytes("id", text)
        .map_err(|_| Failure::Usage(format!("{}: an id has 64 hex digits", plain(text))))
}

async fn show(arguments: &Show, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let subject = id(&arguments.design)?;
    let mut client = settings.client().await?;
    let (attested, design) = client.design(&subject).await?;
    let height = attested.header.height;
    let design = design.ok_or_else(|| Failure::Absent {
        id: arguments.design.clone(),
        height,
        message: format!("design {} is not deposited", arguments.design),
    })?;
    let right = asked::of_design(&mut client, &subject, &design).await?;
    if output.json {
        let mut value = rights::json(&right);
        add_member(&mut value, "design_id", arguments.design.as_str().into());
        add_member(&mut value, "verified", true.into());
        add_member(&mut value, "header", attested_json(&attested));
        output.value(&value);
        return Ok(());
    }
    output.line(format!(
        "Design    {}, {} as of block {height}",
        arguments.design,
        output.good("VERIFIED")
    ));
    for line in rights::lines(output.language, &right) {
        output.line(format!("Right     {line}"));
    }
    if let Some(offer) = &right.offered {
        output.line(format!("Offer     {}", hex::encode(&offer.id)));
    }
    Ok(())
}
