//! `touchstone vouch`: a platform or IP office vouches for designers, who then deposit under their own keys.

use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use serde::{Deserialize, Serialize};
use serde_json::json;
use touchstone_client::vouching as asked;
use touchstone_core::designs::vouching::voucher_of;
use touchstone_core::signing::{self, Purpose};
use touchstone_proto::ledger::{
    IdentityCheck, VouchForDesigner, WithdrawVouching, transaction::Action,
};

use super::keys::moment;
use crate::failure::Failure;
use crate::file;
use crate::json_file::{self, bad};
use crate::output::{Output, add_member, attested_json, plain, utc};
use crate::receipt;
use crate::settings::{Settings, Signing};
use crate::vouching;

/// The format of a request's file.
const FORMAT: &str = "touchstone/vouching-request/v1";
/// A request has no more bytes.
const MAX_REQUEST_BYTES: u64 = 4096;

/// Vouch for designers as a platform or IP office, ask for it, or see who vouches
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Write a request: you hold the key, and want to be a voucher's designer of this id
    #[command(after_help = "Example:
  touchstone vouch request market.lin --key lin.pem -o lin.json

Asks no node. Take the file to the voucher (here: market), which checks who you are.")]
    Request(Request),
    /// Vouch that you have checked who a designer is; it may deposit while your word holds
    #[command(after_help = "Examples:
  touchstone vouch designer lin.json --name 'Lin Yue' --check in-person --until 2027-11-29T00:00:00Z
  touchstone vouch designer market.lin --name 'Lin Yue' --check remote --until 2028-11-29T00:00:00Z

The first time with the designer's request, later with its id: its keys are its own affair. A term
is at most two years. docs/designs.md tells what a vouching does and what ends it.")]
    Designer(Designer),
    /// Take your word for a designer back; what it has deposited stays deposited
    #[command(after_help = "Example:
  touchstone vouch withdraw market.lin --reason 'false passport' --key market.pem")]
    Withdraw(Withdraw),
    /// Show, proven, who vouches for a designer, how it was checked and until when
    #[command(after_help = "Example:
  touchstone vouch show market.lin

Exit codes: 0 verified; 3 not verified; 4 nobody ever vouched for it (proven).")]
    Show(Show),
}

/// Arguments of `vouch request`.
#[derive(clap::Args, Debug)]
pub struct Request {
    /// The id that the voucher gives you: its own id, a dot, and a name
    pub designer: String,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
    /// Your key
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `vouch designer`.
#[derive(clap::Args, Debug)]
pub struct Designer {
    /// The designer's request, or its id if you have vouched for it before
    #[arg(value_name = "REQUEST|ID")]
    pub designer: String,
    /// Who it is
    #[arg(long)]
    pub name: String,
    /// How you have checked that
    #[arg(long, value_name = "HOW", value_parser = check)]
    pub check: IdentityCheck,
    /// The same in your words: which document, which register
    #[arg(long, default_value = "", hide_default_value = true)]
    pub words: String,
    /// The number in the business register that you looked at; sanctions hold for all with that number
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "",
        hide_default_value = true
    )]
    pub registered_as: String,
    /// The last moment at which your word holds (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub until: String,
    /// Who vouches
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `vouch withdraw`.
#[derive(clap::Args, Debug)]
pub struct Withdraw {
    /// The designer's id
    pub designer: String,
    /// Why
    #[arg(long)]
    pub reason: String,
    /// Who withdraws
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `vouch show`.
#[derive(clap::Args, Debug)]
pub struct Show {
    /// The designer's id
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub designer: String,
}

/// A designer's request. Byte strings are lower-case hex.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VouchingRequest {
    format: String,
    chain_id: String,
    designer: String,
    public_key: String,
    possession: String,
}

/// Asks, vouches, withdraws or shows.
pub async fn run(verb: &Verb, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    match verb {
        Verb::Request(arguments) => request(arguments, settings, output),
        Verb::Designer(arguments) => designer(arguments, settings, output).await,
        Verb::Withdraw(arguments) => withdraw(arguments, settings, output).await,
        Verb::Show(arguments) => show(arguments, settings, output).await,
    }
}

fn request(arguments: &Request, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    file::refuse_existing(&arguments.out, arguments.force)?;
    let designer = &arguments.designer;
    let voucher = voucher_of(designer).ok_or_else(|| {
        Failure::Usage(format!(
            "{}: a designer's id is its voucher's id, a dot and a name, such as market.lin",
            plain(designer)
        ))
    })?;
    let key = settings.key(&arguments.signing)?;
    let chain_id = settings.genesis()?.chain_id;
    let possession = signing::sign(&key, Purpose::Possession, &chain_id, designer.as_bytes());
    let request = VouchingRequest {
        format: FORMAT.to_owned(),
        chain_id: hex::encode(chain_id),
        designer: designer.clone(),
        public_key: hex::encode(key.verifying_key().to_bytes()),
        possession: hex::encode(possession),
    };
    let value = json!(request);
    file::write(&arguments.out, format!("{value:#}\n").as_bytes())?;
    if output.json {
        output.value(&value);
    } else {
        output.line(format!(
            "Written   {}: take it to {}",
            arguments.out.display(),
            plain(voucher)
        ));
    }
    Ok(())
}

fn read_request(path: &Path, chain_id: &[u8; 32]) -> Result<VouchForDesigner, Failure> {
    let refused = |why| bad(format!("no vouching request: {why}"), path);
    let (_, request) = json_file::read::<VouchingRequest>(path, MAX_REQUEST_BYTES, refused)?;
    if request.format != FORMAT {
        return Err(bad(format!("not of the format {FORMAT}"), path));
    }
    if request.chain_id != hex::encode(chain_id) {
        return Err(bad("a request for another chain", path));
    }
    let public_key: [u8; 32] = receipt::bytes("public_key", &request.public_key)?;
    let possession =
        hex::decode(&request.possession).map_err(|e| bad(format!("possession: {e}"), path))?;
    let signature: [u8; 64] = possession
        .try_into()
        .map_err(|_| bad("possession: not 64 bytes", path))?;
    let signed = request.designer.as_bytes();
    if !signing::verify(
        &public_key,
        Purpose::Possession,
        chain_id,
        signed,
        &signature,
    ) {
        return Err(bad("the key that it names didn't sign it", path));
    }
    Ok(VouchForDesigner {
        designer: request.designer,
        public_key: public_key.to_vec(),
        possession: signature.to_vec(),
        ..VouchForDesigner::default()
    })
}

async fn designer(
    arguments: &Designer,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let until_ms = moment(&arguments.until)?;
    let signer = settings.signer(&arguments.signing)?;
    let mut client = settings.client().await?;
    let path = Path::new(&arguments.designer);
    let named = match path.is_file() {
        true => read_request(path, client.trust().chain_id())?,
        false => VouchForDesigner {
            designer: arguments.designer.clone(),
            ..VouchForDesigner::default()
        },
    };
    let designer = named.designer.clone();
    let action = VouchForDesigner {
        name: arguments.name.clone(),
        check: arguments.check.into(),
        check_words: arguments.words.clone(),
        registered_as: arguments.registered_as.clone(),
        until_ms,
        ..named
    };
    let action = Action::VouchForDesigner(action);
    let recorded = client.act(&signer, output.now_ms(), action).await?;
    let header = &recorded.attested.header;
    if output.json {
        output.value(&json!({
            "designer": designer,
            "voucher": signer.organisation,
            "from_ms": header.time_ms,
            "until_ms": until_ms,
            "transaction": hex::encode(recorded.id),
            "height": header.height,
        }));
        return Ok(());
    }
    output.line(format!(
        "Vouched   for {}, from {} to {}, block {} (proven)",
        plain(&designer),
        utc(header.time_ms),
        utc(until_ms),
        header.height
    ));
    Ok(())
}

async fn withdraw(
    arguments: &Withdraw,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let signer = settings.signer(&arguments.signing)?;
    let mut client = settings.client().await?;
    let action = Action::WithdrawVouching(WithdrawVouching {
        designer: arguments.designer.clone(),
        reason: arguments.reason.clone(),
    });
    let recorded = client.act(&signer, output.now_ms(), action).await?;
    let height = recorded.attested.header.height;
    if output.json {
        output.value(&json!({
            "designer": arguments.designer,
            "transaction": hex::encode(recorded.id),
            "height": height,
        }));
        return Ok(());
    }
    output.line(format!(
        "Withdrawn the word for {}, block {height} (proven): it deposits no more",
        plain(&arguments.designer)
    ));
    Ok(())
}

async fn show(arguments: &Show, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let designer = &arguments.designer;
    let (attested, found) = asked::last(&mut client, designer).await?;
    let height = attested.header.height;
    let Some(found) = found else {
        return Err(Failure::Absent {
            id: designer.clone(),
            height,
            message: format!("nobody ever vouched for {}", plain(designer)),
        });
    };
    if output.json {
        let mut value = vouching::json(&found);
        add_member(&mut value, "designer", designer.as_str().into());
        add_member(&mut value, "verified", true.into());
        add_member(&mut value, "header", attested_json(&attested));
        output.value(&value);
        return Ok(());
    }
    let name = client.name(&found.voucher).await?;
    output.line(format!(
        "Designer  {}, {} as of block {height}",
        plain(designer),
        output.good("VERIFIED")
    ));
    for line in vouching::lines(output.language, &found, &name) {
        output.line(format!("Vouched   {line}"));
    }
    Ok(())
}

fn check(text: &str) -> Result<IdentityCheck, String> {
    let mut known = vouching::CHECKS.iter();
    let found = known.find(|(word, _)| *word == text);
    found.map(|(_, check)| *check).ok_or_else(|| {
        let words: Vec<_> = vouching::CHECKS.iter().map(|(word, _)| *word).collect();
        format!("one of {}", words.join(", "))
    })
}
