//! `touchstone review`: a panel of jurors decides a dispute; nobody chooses it.

mod beacon;
mod reveal;
mod show;

use std::path::PathBuf;

use touchstone_client::reviews as asked;
use touchstone_proto::ledger::{
    AcceptVerdict, AppealReview, OpenReview, PutHashChain, RegisterJurors, ReviewGround,
    ReviewTerms, change::Kind, transaction::Action,
};

use super::dispute::{named, sha256};
use super::enroll::{Approval, approve};
use super::right::{act, id};
use crate::failure::Failure;
use crate::jurors::JurorFile;
use crate::keyfile::{self, Passphrase};
use crate::output::{Output, show_terms};
use crate::reviews;
use crate::settings::{Settings, Signing};

/// Ask for a panel of jurors, appeal, see how it was drawn and voted; terms, jurors and draws
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Ask for a panel of jurors after your declaration; a platform passes it on
    #[command(after_help = "Example:
  touchstone review open 77d0… --ground similarity --rule-book rules.pdf --key shop.pem

Grounds: similarity, existing-design, authorisation, lawful-source. There is one panel for a right,
a respondent and a ground. docs/disputes.md, \"Public review\", tells of phases and deadlines.")]
    Open(Open),
    /// Appeal to a larger panel, if you lost before the first
    #[command(after_help = "Example:
  touchstone review appeal 77d0… --reasons appeal.pdf --key shop.pem")]
    Appeal(Appeal),
    /// Accept the verdict of the first panel, if you lost before it: it ends the dispute
    #[command(after_help = "Example:
  touchstone review accept 77d0… --key shop.pem")]
    Accept(Accept),
    /// Show, proven, how a panel was drawn and voted; draw and count are found again here
    #[command(after_help = "Examples:
  touchstone review show 77d0… -o panel.review
  touchstone review show --check panel.review    without a node

Exit codes: 0 verified; 3 not verified; 4 no such dispute, or none with a review (proven).")]
    Show(show::Show),
    /// Register your list of jurors as a platform; it serves disputes that are noticed later
    #[command(after_help = "Example:
  touchstone review jurors jurors.txt --key market.pem

In each line a juror's public key in hex and, after a blank, the organisation that he belongs to, if
any. The ledger gets root and count alone; each juror gets his card (`touchstone juror card`).")]
    Jurors(Jurors),
    /// Show, proven, the terms of reviews that are opened now
    #[command(after_help = "Example:
  touchstone review terms")]
    Terms,
    /// Approve other terms for reviews that are opened later
    #[command(after_help = "Examples:
  touchstone review set-terms --panel 21 --appeal-panel 41 --key acme.pem
  touchstone review set-terms --beacon-key nist.pem --beacon-chain 2 --key acme.pem

What you don't name stays. Every organisation that runs a validator may approve; the change takes
effect when more than 2/3 of the voting power approved the same terms.")]
    SetTerms(SetTerms),
    /// Make the secret of a validator's hash chain, from which draws take a value each
    #[command(after_help = "Example:
  touchstone review chain -o chain.json

Asks no node. Keep the file: without it the validator reveals nothing. It never changes, and a copy
serves as well; whoever reads it knows what the validator will reveal.")]
    Chain(reveal::Chain),
    /// Approve the hash chain of a validator by its tip
    #[command(after_help = "Example:
  touchstone review register-chain --public-key 9f3c… --tip 1b2e… --key acme.pem

Every organisation that runs a validator may approve the same tip.")]
    RegisterChain(RegisterChain),
    /// Reveal a validator's value for the draw that is under way
    #[command(after_help = "Examples:
  touchstone review reveal --public-key 9f3c… --secret chain.json --key acme.pem
  touchstone review reveal --public-key 9f3c… --secret chain.json --follow

With --follow it stays and reveals for each draw, as a service beside the validator's node. It keeps
nothing: stopped and started again, it goes on with what the ledger tells.")]
    Reveal(reveal::Reveal),
    /// Show, proven, the last draw: whose values it has, and which pulse of a beacon it waits for
    #[command(after_help = "Example:
  touchstone review draw

Exit codes: 0 shown; 4 there was no draw (proven).")]
    Draw,
    /// Pass on the pulse of the public beacon that the draw waits for
    #[command(after_help = "Example:
  touchstone review pulse pulse.json --key acme.pem

The file is what the beacon's service answers. Nothing is fetched here; `touchstone review draw`
tells which pulse it is. Another one, or a bent one, is refused.")]
    Pulse(beacon::Pulse),
}

/// Arguments of `review open`.
#[derive(clap::Args, Debug)]
pub struct Open {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// What the panel is asked
    #[arg(long, value_name = "GROUND", value_parser = ground)]
    pub ground: ReviewGround,
    /// The rule book that the panel applies; its SHA-256 is recorded
    #[arg(long, value_name = "FILE")]
    pub rule_book: PathBuf,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `review appeal`.
#[derive(clap::Args, Debug)]
pub struct Appeal {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// Why; its SHA-256 is recorded
    #[arg(long, value_name = "FILE")]
    pub reasons: PathBuf,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `review accept`.
#[derive(clap::Args, Debug)]
pub struct Accept {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `review jurors`.
#[derive(clap::Args, Debug)]
pub struct Jurors {
    /// The list
    #[arg(value_name = "FILE")]
    pub list: PathBuf,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `review set-terms`.
#[derive(clap::Args, Debug)]
pub struct SetTerms {
    /// Jurors of a panel, an odd number
    #[arg(long, value_name = "N")]
    pub panel: Option<u32>,
    /// Jurors of the panel of an appeal, an odd number
    #[arg(long, value_name = "N")]
    pub appeal_panel: Option<u32>,
    /// Jurors drawn beside a panel, who stand in for members that cast no ballot
    #[arg(long, value_name = "N")]
    pub alternates: Option<u32>,
    /// How many of a hundred jurors of a panel must have voted
    #[arg(long, value_name = "PERCENT")]
    pub quorum_percent: Option<u32>,
    /// More than so many of a hundred votes make a verdict
    #[arg(long, value_name = "PERCENT")]
    pub majority_percent: Option<u32>,
    /// Days for casting ballots
    #[arg(long, value_name = "DAYS")]
    pub commit_days: Option<u32>,
    /// Days for opening them
    #[arg(long, value_name = "DAYS")]
    pub open_days: Option<u32>,
    /// Days for an appeal
    #[arg(long, value_name = "DAYS")]
    pub appeal_days: Option<u32>,
    /// Blocks in which validators reveal, at least
    #[arg(long, value_name = "BLOCKS")]
    pub reveal_blocks: Option<u32>,
    /// Of which beacon draws take a pulse
    #[command(flatten)]
    pub beacon: beacon::NamedBeacon,
    /// How it is approved
    #[command(flatten)]
    pub approval: Approval,
}

/// Arguments of `review register-chain`.
#[derive(clap::Args, Debug)]
pub struct RegisterChain {
    /// The key by which the validator votes: 64 hex digits or a PEM file
    #[arg(long, value_name = "HEX|FILE")]
    pub public_key: String,
    /// The tip, as `review chain` tells it
    #[arg(long, value_name = "HEX")]
    pub tip: String,
    /// How it is approved
    #[command(flatten)]
    pub approval: Approval,
}

/// Acts, or shows.
pub async fn run(verb: &Verb, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    match verb {
        Verb::Open(arguments) => {
            let action = Action::OpenReview(OpenReview {
                dispute: id(&arguments.dispute)?.to_vec(),
                ground: arguments.ground.into(),
                rule_book: sha256(&arguments.rule_book)?,
            });
            act(action, "Opened", &arguments.signing, settings, output).await
        }
        Verb::Appeal(arguments) => {
            let action = Action::AppealReview(AppealReview {
                dispute: id(&arguments.dispute)?.to_vec(),
                reasons: sha256(&arguments.reasons)?,
            });
            act(action, "Appealed", &arguments.signing, settings, output).await
        }
        Verb::Accept(arguments) => {
            let action = Action::AcceptVerdict(AcceptVerdict {
                dispute: id(&arguments.dispute)?.to_vec(),
            });
            act(action, "Accepted", &arguments.signing, settings, output).await
        }
        Verb::Show(arguments) => show::run(arguments, settings, output).await,
        Verb::Jurors(arguments) => {
            let list = JurorFile::read(&arguments.list)?;
            let action = Action::RegisterJurors(RegisterJurors {
                root: list.root().to_vec(),
                count: list.count(),
            });
            act(action, "Listed", &arguments.signing, settings, output).await
        }
        Verb::Terms => terms(settings, output).await,
        Verb::SetTerms(arguments) => {
            let signer = settings.signer(&arguments.approval.signing)?;
            let mut client = settings.client().await?;
            let wanted = arguments.applied_to(asked::terms(&mut client).await?.1)?;
            let kind = Kind::PutReviewTerms(wanted);
            approve(kind, &arguments.approval, &signer, &mut client, output).await
        }
        Verb::Chain(arguments) => reveal::chain(arguments, output),
        Verb::RegisterChain(arguments) => {
            let signer = settings.signer(&arguments.approval.signing)?;
            let none = Passphrase::default();
            let kind = Kind::PutHashChain(PutHashChain {
                validator: keyfile::public_key(&arguments.public_key, &none)?.to_vec(),
                tip: id(&arguments.tip)?.to_vec(),
            });
            let mut client = settings.client().await?;
            approve(kind, &arguments.approval, &signer, &mut client, output).await
        }
        Verb::Reveal(arguments) => reveal::run(arguments, settings, output).await,
        Verb::Draw => beacon::draw(settings, output).await,
        Verb::Pulse(arguments) => {
            let action = arguments.action()?;
            act(action, "Shown", &arguments.signing, settings, output).await
        }
    }
}

impl SetTerms {
    fn applied_to(&self, now: ReviewTerms) -> Result<ReviewTerms, Failure> {
        let or = |new: Option<u32>, now: u32| new.unwrap_or(now);
        Ok(ReviewTerms {
            panel: or(self.panel, now.panel),
            appeal_panel: or(self.appeal_panel, now.appeal_panel),
            alternates: or(self.alternates, now.alternates),
            quorum_percent: or(self.quorum_percent, now.quorum_percent),
            majority_percent: or(self.majority_percent, now.majority_percent),
            commit_days: or(self.commit_days, now.commit_days),
            open_days: or(self.open_days, now.open_days),
            appeal_days: or(self.appeal_days, now.appeal_days),
            reveal_blocks: or(self.reveal_blocks, now.reveal_blocks),
            beacon: self.beacon.applied_to(now.beacon)?,
        })
    }
}

async fn terms(settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let (attested, now) = asked::terms(&mut client).await?;
    show_terms(&attested, &reviews::terms(&now), output);
    Ok(())
}

fn ground(text: &str) -> Result<ReviewGround, String> {
    named(text, &reviews::GROUNDS)
}
