//! `touchstone juror`: a juror's card, ballot, and its opening. The juror's key says what he votes; any organisation
//! passes it on.

use std::path::PathBuf;

use ed25519_dalek::SigningKey;
use serde_json::json;
use touchstone_client::client::Client;
use touchstone_client::{disputes, reviews as asked};
use touchstone_core::designs::review::ballot::{self, BallotPlace};
use touchstone_core::hash::Hash;
use touchstone_proto::ledger::{
    Ballot, BallotOpening, CastBallot, OpenBallot, ReviewChoice, Seat, VoidBallot,
    transaction::Action,
};

use super::dispute::{named, sha256};
use super::right::{act, id};
use crate::failure::Failure;
use crate::file;
use crate::jurors::{JurorCard, JurorFile};
use crate::keyfile;
use crate::output::Output;
use crate::reviews;
use crate::settings::{Settings, Signing};

/// Vote as a juror: get your card, cast a sealed ballot, open it
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Write a juror's card from the platform's list: his place in it and the path that shows it
    #[command(after_help = "Example:
  touchstone juror card jurors.txt --public-key juror.pub.pem -o card.json

Asks no node. The platform gives each juror his card; it shows nothing of others.")]
    Card(Card),
    /// Cast a sealed ballot, or replace yours while ballots are cast
    #[command(after_help = "Example:
  touchstone juror vote 77d0… --card card.json --juror-key juror.pem --choice uphold

uphold: the notice is right; dismiss: it isn't. Keep nothing but your key: any device that has it
opens the ballot. Whoever learns the opening before its time can void the ballot.")]
    Vote(Vote),
    /// Open your ballot, with your reasons, once ballots are no more cast
    #[command(after_help = "Example:
  touchstone juror open 77d0… --card card.json --juror-key juror.pem --reasons reasons.txt

It finds your choice again from your key and the ledger. The reasons' SHA-256 is recorded.")]
    Open(Open),
    /// Void a ballot whose opening you were shown before its time
    #[command(after_help = "Example:
  touchstone juror void 77d0… --juror 12 --choice uphold --salt 1b2e… --key acme.pem")]
    Void(Void),
}

/// Arguments of `juror card`.
#[derive(clap::Args, Debug)]
pub struct Card {
    /// The platform's list of jurors
    #[arg(value_name = "FILE")]
    pub list: PathBuf,
    /// The juror's public key: 64 hex digits or a PEM file
    #[arg(long, value_name = "HEX|FILE")]
    pub public_key: String,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
}

/// A juror's part in a dispute.
#[derive(clap::Args, Debug)]
pub struct Sitting {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// Your card
    #[arg(long, value_name = "FILE")]
    pub card: PathBuf,
    /// Your key (PKCS#8 PEM)
    #[arg(long, value_name = "FILE")]
    pub juror_key: PathBuf,
}

/// Arguments of `juror vote`.
#[derive(clap::Args, Debug)]
pub struct Vote {
    /// For which dispute, by whom
    #[command(flatten)]
    pub sitting: Sitting,
    /// uphold or dismiss
    #[arg(long, value_name = "CHOICE", value_parser = choice)]
    pub choice: ReviewChoice,
    /// Who passes it on
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `juror open`.
#[derive(clap::Args, Debug)]
pub struct Open {
    /// For which dispute, by whom
    #[command(flatten)]
    pub sitting: Sitting,
    /// Your reasons; their SHA-256 is recorded
    #[arg(long, value_name = "FILE")]
    pub reasons: PathBuf,
    /// Who passes it on
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `juror void`.
#[derive(clap::Args, Debug)]
pub struct Void {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// The juror's place in the list
    #[arg(long, value_name = "N")]
    pub juror: u32,
    /// What he voted
    #[arg(long, value_name = "CHOICE", value_parser = choice)]
    pub choice: ReviewChoice,
    /// The ballot's salt
    #[arg(long, value_name = "HEX")]
    pub salt: String,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Acts.
pub async fn run(verb: &Verb, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    match verb {
        Verb::Card(arguments) => card(arguments, output),
        Verb::Vote(arguments) => {
            let action = vote(arguments, settings).await?;
            act(action, "Cast", &arguments.signing, settings, output).await
        }
        Verb::Open(arguments) => {
            let action = open(arguments, settings).await?;
            act(action, "Opened", &arguments.signing, settings, output).await
        }
        Verb::Void(arguments) => {
            let action = Action::VoidBallot(VoidBallot {
                dispute: id(&arguments.dispute)?.to_vec(),
                juror: arguments.juror,
                choice: arguments.choice.into(),
                salt: id(&arguments.salt)?.to_vec(),
            });
            act(action, "Void", &arguments.signing, settings, output).await
        }
    }
}

fn card(arguments: &Card, output: &mut Output) -> Result<(), Failure> {
    file::refuse_existing(&arguments.out, arguments.force)?;
    let list = JurorFile::read(&arguments.list)?;
    let none = keyfile::Passphrase::default();
    let public_key = keyfile::public_key(&arguments.public_key, &none)?;
    let card = list.card(&public_key).ok_or_else(|| {
        Failure::Usage(format!(
            "{}: this key is not in the list",
            arguments.list.display()
        ))
    })?;
    let value = json!(card);
    file::write(&arguments.out, format!("{value:#}\n").as_bytes())?;
    if output.json {
        output.value(&value);
    } else {
        output.line(format!(
            "Written   {}: juror {} of {}",
            arguments.out.display(),
            card.juror,
            card.count
        ));
    }
    Ok(())
}

/// A juror with his card and key, and his seat on a dispute's panel.
struct Seated {
    card: JurorCard,
    key: SigningKey,
    chain_id: Hash,
    dispute: Hash,
    instance: u32,
    /// None where he wasn't drawn.
    seat: Option<Seat>,
}

async fn seated(
    sitting: &Sitting,
    signing: &Signing,
    settings: &Settings,
) -> Result<Seated, Failure> {
    let card = JurorCard::read(&sitting.card)?;
    let key = keyfile::read(&sitting.juror_key, &signing.passphrase)?;
    if key.verifying_key().to_bytes() != card.key()? {
        return Err(Failure::Usage("the card is another key's".into()));
    }
    let dispute = id(&sitting.dispute)?;
    let mut client = settings.sending_client().await?;
    let instance = instance_of(&mut client, &dispute).await?;
    let panel = asked::panel(&mut client, &dispute, instance).await?;
    let seat = panel
        .seats
        .into_iter()
        .find(|seat| seat.juror == card.juror);
    Ok(Seated {
        chain_id: *client.trust().chain_id(),
        card,
        key,
        dispute,
        instance,
        seat,
    })
}

async fn instance_of(client: &mut Client, dispute: &Hash) -> Result<u32, Failure> {
    let (attested, found) = disputes::dispute(client, dispute).await?;
    let review = found.and_then(|found| found.review);
    let review = review.ok_or_else(|| Failure::Absent {
        id: hex::encode(dispute),
        height: attested.header.height,
        message: format!("there is no review of a dispute {}", hex::encode(dispute)),
    })?;
    Ok(review.instance)
}

impl Seated {
    fn place(&self, revision: u32) -> BallotPlace {
        BallotPlace {
            dispute: self.dispute,
            instance: self.instance,
            juror: self.card.juror,
            revision,
        }
    }
}

async fn vote(arguments: &Vote, settings: &Settings) -> Result<Action, Failure> {
    let juror = seated(&arguments.sitting, &arguments.signing, settings).await?;
    let before = juror.seat.as_ref().map_or(0, |seat| seat.revision);
    let place = juror.place(before.saturating_add(1));
    let public_key = juror.card.key()?;
    let salt = ballot::salt(&juror.key, &juror.chain_id, &place);
    let choice = arguments.choice;
    let sealed = ballot::commitment(&juror.chain_id, &juror.dispute, &public_key, &salt, choice);
    let ballot = Ballot {
        dispute: juror.dispute.to_vec(),
        instance: juror.instance,
        juror: juror.card.juror,
        revision: place.revision,
        commitment: sealed.to_vec(),
    };
    let signature = ballot::sign_ballot(&juror.key, &juror.chain_id, &ballot);
    let path = juror.card.siblings()?;
    Ok(Action::CastBallot(CastBallot {
        signature: signature.to_vec(),
        ballot: Some(ballot),
        public_key: public_key.to_vec(),
        organisation: juror.card.organisation,
        path: path.iter().map(|sibling| sibling.to_vec()).collect(),
    }))
}

async fn open(arguments: &Open, settings: &Settings) -> Result<Action, Failure> {
    let reasons = sha256(&arguments.reasons)?;
    let juror = seated(&arguments.sitting, &arguments.signing, settings).await?;
    let seat = juror.seat.clone().unwrap_or_default();
    let place = juror.place(seat.revision);
    let found = ballot::choice_in(&juror.key, &juror.chain_id, &place, &seat.commitment);
    let (choice, salt) = found.ok_or_else(|| {
        Failure::Usage("the ledger has no ballot of this key for that panel".into())
    })?;
    let opening = BallotOpening {
        dispute: juror.dispute.to_vec(),
        instance: juror.instance,
        juror: juror.card.juror,
        choice: choice.into(),
        salt: salt.to_vec(),
        reasons,
    };
    let signature = ballot::sign_opening(&juror.key, &juror.chain_id, &opening);
    Ok(Action::OpenBallot(OpenBallot {
        opening: Some(opening),
        signature: signature.to_vec(),
    }))
}

fn choice(text: &str) -> Result<ReviewChoice, String> {
    named(text, &reviews::CHOICES)
}
