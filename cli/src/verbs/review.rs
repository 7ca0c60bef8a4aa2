//! `touchstone review`: a panel of jurors decides a dispute; nobody chooses it.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use touchstone_client::client::Client;
use touchstone_client::reviews as asked;
use touchstone_core::designs::review::draws;
use touchstone_core::hash::Hash;
use touchstone_proto::ledger::{
    AcceptVerdict, AppealReview, OpenReview, PutHashChain, RegisterJurors, RevealPreimage,
    ReviewGround, ReviewTerms, change::Kind, transaction::Action,
};

use super::dispute::{named, sha256};
use super::enroll::{Approval, approve};
use super::right::{act, id};
use crate::failure::Failure;
use crate::file;
use crate::hash_chain::SecretChain;
use crate::jurors::JurorFile;
use crate::keyfile::{self, Passphrase};
use crate::output::{Output, add_member, attested_json};
use crate::reviews;
use crate::settings::{Settings, Signing};

/// How often a draw is looked for.
const POLL: Duration = Duration::from_secs(1);

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
    #[command(after_help = "Example:
  touchstone review show 77d0… -o panel.review

Exit codes: 0 verified; 3 not verified; 4 no such dispute, or none with a review (proven).")]
    Show(Show),
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
    #[command(after_help = "Example:
  touchstone review set-terms --panel 21 --appeal-panel 41 --key acme.pem

What you don't name stays. Every organisation that runs a validator may approve; the change takes
effect when more than 2/3 of the voting power approved the same terms.")]
    SetTerms(SetTerms),
    /// Make the secret of a validator's hash chain, from which draws take a value each
    #[command(after_help = "Example:
  touchstone review chain -o chain.json

Asks no node. Keep the file: without it the validator reveals nothing. It never changes, and a copy
serves as well; whoever reads it knows what the validator will reveal.")]
    Chain(Chain),
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
    Reveal(Reveal),
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

/// Arguments of `review show`.
#[derive(clap::Args, Debug)]
pub struct Show {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// Write it as a file too, which anybody examines without a node (verifiers/python/reviewed.py)
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
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
    /// How it is approved
    #[command(flatten)]
    pub approval: Approval,
}

/// Arguments of `review chain`.
#[derive(clap::Args, Debug)]
pub struct Chain {
    /// The file to write, for your eyes alone
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// How many draws it serves
    #[arg(long, default_value_t = 65_536, value_name = "N")]
    pub values: u32,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
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

/// Arguments of `review reveal`.
#[derive(clap::Args, Debug)]
pub struct Reveal {
    /// The key by which the validator votes: 64 hex digits or a PEM file
    #[arg(long, value_name = "HEX|FILE")]
    pub public_key: String,
    /// The file that `review chain` wrote
    #[arg(long, value_name = "FILE")]
    pub secret: PathBuf,
    /// Stay, and reveal for each draw
    #[arg(long)]
    pub follow: bool,
    /// Who signs: any organisation may pass a value on
    #[command(flatten)]
    pub signing: Signing,
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
        Verb::Show(arguments) => show(arguments, settings, output).await,
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
            let wanted = arguments.applied_to(asked::terms(&mut client).await?.1);
            let kind = Kind::PutReviewTerms(wanted);
            approve(kind, &arguments.approval, &signer, &mut client, output).await
        }
        Verb::Chain(arguments) => chain(arguments, output),
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
        Verb::Reveal(arguments) => reveal(arguments, settings, output).await,
    }
}

impl SetTerms {
    fn applied_to(&self, now: ReviewTerms) -> ReviewTerms {
        let or = |new: Option<u32>, now: u32| new.unwrap_or(now);
        ReviewTerms {
            panel: or(self.panel, now.panel),
            appeal_panel: or(self.appeal_panel, now.appeal_panel),
            alternates: or(self.alternates, now.alternates),
            quorum_percent: or(self.quorum_percent, now.quorum_percent),
            majority_percent: or(self.majority_percent, now.majority_percent),
            commit_days: or(self.commit_days, now.commit_days),
            open_days: or(self.open_days, now.open_days),
            appeal_days: or(self.appeal_days, now.appeal_days),
            reveal_blocks: or(self.reveal_blocks, now.reveal_blocks),
        }
    }
}

async fn show(arguments: &Show, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    if let Some(out) = &arguments.out {
        file::refuse_existing(out, arguments.force)?;
    }
    let found = asked::review(&mut client, &id(&arguments.dispute)?).await?;
    let found = found.map_err(|attested| Failure::Absent {
        id: arguments.dispute.clone(),
        height: attested.header.height,
        message: format!("there is no review of a dispute {}", arguments.dispute),
    })?;
    if let Some(out) = &arguments.out {
        file::write(out, &found.file)?;
    }
    if output.json {
        let mut value = reviews::json(&found);
        add_member(&mut value, "dispute", arguments.dispute.as_str().into());
        add_member(&mut value, "verified", true.into());
        add_member(&mut value, "header", attested_json(&found.attested));
        output.value(&value);
        return Ok(());
    }
    let height = found.attested.header.height;
    let verdict = output.good("VERIFIED");
    let dispute = &arguments.dispute;
    output.line(format!(
        "Review    of dispute {dispute}, {verdict} as of block {height}"
    ));
    for line in reviews::lines(output.language, &found) {
        output.line(format!("          {line}"));
    }
    if let Some(out) = &arguments.out {
        output.line(format!("Written   {}", out.display()));
    }
    Ok(())
}

async fn terms(settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let (attested, now) = asked::terms(&mut client).await?;
    let rows = reviews::terms(&now);
    if output.json {
        let members = rows.map(|(name, value)| (name.to_owned(), Value::from(value)));
        output.value(&json!({
            "verified": true,
            "header": attested_json(&attested),
            "terms": Value::Object(members.into_iter().collect()),
        }));
        return Ok(());
    }
    for (name, value) in rows {
        output.line(format!("{name:<17} {value}"));
    }
    Ok(())
}

fn chain(arguments: &Chain, output: &mut Output) -> Result<(), Failure> {
    file::refuse_existing(&arguments.out, arguments.force)?;
    let chain = SecretChain::generate(arguments.values)?;
    chain.write(&arguments.out)?;
    let tip = hex::encode(chain.tip());
    if output.json {
        output.value(&json!({"tip": tip, "values": arguments.values}));
    } else {
        output.line(format!("Written   {}", arguments.out.display()));
        output.line(format!(
            "Tip       {tip}: the consortium registers it (`touchstone review register-chain`)"
        ));
    }
    Ok(())
}

async fn reveal(
    arguments: &Reveal,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let validator = keyfile::public_key(&arguments.public_key, &Passphrase::default())?;
    let chain = SecretChain::read(&arguments.secret)?;
    loop {
        let revealed = match settings.client().await {
            Ok(mut client) => {
                reveal_once(arguments, &validator, &chain, &mut client, settings, output).await
            }
            Err(failure) => Err(failure),
        };
        match (revealed, arguments.follow) {
            (Ok(true), false) => return Ok(()),
            (Ok(false), false) => {
                output.remark("no draw waits for a value of this validator");
                return Ok(());
            }
            (Err(failure), false) => return Err(failure),
            (Err(failure), true) => output.remark(failure.to_string()),
            (Ok(_), true) => {}
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Reveals for the draw that is under way; whether one waited for this validator's value.
async fn reveal_once(
    arguments: &Reveal,
    validator: &[u8; 32],
    chain: &SecretChain,
    client: &mut Client,
    settings: &Settings,
    output: &mut Output,
) -> Result<bool, Failure> {
    let Some((number, draw)) = asked::last_draw(client).await? else {
        return Ok(false);
    };
    let waits = draws::is_under_way(&draw, draw.height.saturating_add(1));
    let own = draw
        .values
        .iter()
        .find(|value| value.public_key == validator);
    let Some(own) = own.filter(|value| waits && !value.tip.is_empty() && value.preimage.is_empty())
    else {
        return Ok(false);
    };
    let tip: Hash = own.tip.as_slice().try_into().unwrap_or_default();
    let preimage = chain.value_below(&tip).ok_or_else(|| {
        Failure::Usage(
            "this secret is another chain's than the one that the consortium registered, or all its values are \
             revealed: make a new one (`touchstone review chain`)"
                .into(),
        )
    })?;
    let action = Action::RevealPreimage(RevealPreimage {
        validator: validator.to_vec(),
        preimage: preimage.to_vec(),
    });
    let signer = settings.signer(&arguments.signing)?;
    let recorded = client.act(&signer, output.now_ms(), action).await?;
    let height = recorded.attested.header.height;
    if output.json {
        output.value(&json!({
            "draw": number,
            "transaction": hex::encode(recorded.id),
            "height": height,
        }));
    } else {
        output.line(format!(
            "Revealed  for draw {number}, block {height} (proven)"
        ));
    }
    Ok(true)
}

fn ground(text: &str) -> Result<ReviewGround, String> {
    named(text, &reviews::GROUNDS)
}
