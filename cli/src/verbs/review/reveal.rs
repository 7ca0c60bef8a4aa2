//! A validator's hash chain: making its secret, and revealing a value for each draw.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use touchstone_client::client::{Client, Signer};
use touchstone_client::reviews as asked;
use touchstone_core::designs::review::draws;
use touchstone_core::hash::Hash;
use touchstone_core::state::keys;
use touchstone_proto::ledger::{HashChain, RevealPreimage, transaction::Action};

use crate::failure::Failure;
use crate::file;
use crate::hash_chain::SecretChain;
use crate::keyfile::{self, Passphrase};
use crate::output::Output;
use crate::settings::{Settings, Signing};

/// How often a draw is looked for.
const POLL: Duration = Duration::from_secs(1);

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

/// Makes a secret, and tells its tip.
pub(super) fn chain(arguments: &Chain, output: &mut Output) -> Result<(), Failure> {
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

/// Reveals once, or for each draw.
pub(super) async fn run(
    arguments: &Reveal,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let validator = keyfile::public_key(&arguments.public_key, &Passphrase::default())?;
    let chain = SecretChain::read(&arguments.secret)?;
    // A key that can't sign is told at once, and not when a draw waits for it.
    let signer = settings.signer(&arguments.signing)?;
    // One connection serves for as long as it holds.
    let mut connected = None;
    loop {
        let revealed = match &mut connected {
            Some(client) => reveal_once(&signer, &validator, &chain, client, output).await,
            None => match settings.client().await {
                Ok(client) => {
                    let client = connected.insert(client);
                    reveal_once(&signer, &validator, &chain, client, output).await
                }
                Err(failure) => Err(failure),
            },
        };
        if revealed.is_err() {
            connected = None;
        }
        match (revealed, arguments.follow) {
            (Ok(true), false) => return Ok(()),
            (Ok(false), false) => {
                if let Some(client) = &mut connected {
                    check_registered(client, &validator).await?;
                }
                if output.json {
                    output.value(&json!({"draw": null}));
                }
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

/// No draw will ever wait for a key without a chain: it may be mistyped.
async fn check_registered(client: &mut Client, validator: &[u8; 32]) -> Result<(), Failure> {
    let (attested, registered) = client.message(&keys::hash_chain(validator)).await?;
    let registered: Option<HashChain> = registered;
    match registered {
        Some(_) => Ok(()),
        None => Err(Failure::Absent {
            id: hex::encode(validator),
            height: attested.header.height,
            message: format!(
                "there is no hash chain of the key {}",
                hex::encode(validator)
            ),
        }),
    }
}

/// Reveals for the draw that is under way; whether one waited for this validator's value.
async fn reveal_once(
    signer: &Signer,
    validator: &[u8; 32],
    chain: &SecretChain,
    client: &mut Client,
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
    let recorded = client.act(signer, output.now_ms(), action).await?;
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
