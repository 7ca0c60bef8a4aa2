//! Whether a key was valid for an organisation at a height. The organisation's record holds all keys that it
//! ever had, with the heights of their validity, and a header of today proves it: what it says of past
//! heights no later block changes.

use clap::builder::NonEmptyStringValueParser;
use serde_json::json;
use touchstone_client::client::Client;
use touchstone_core::governance::organisation;
use touchstone_proto::ledger::{Key, KeyDispute};

use crate::failure::Failure;
use crate::keyfile::{self, Passphrase};
use crate::output::{Output, attested_json, plain, utc, validity};
use crate::settings::Settings;

/// What is asked.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// The key: 64 hex digits or a PEM file
    #[arg(value_name = "HEX|FILE")]
    pub key: String,
    /// The organisation's id
    #[arg(long = "of", value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub organisation: String,
    /// The height [default: that of the last block]
    #[arg(long, value_name = "HEIGHT", value_parser = clap::value_parser!(u64).range(1..))]
    pub at: Option<u64>,
}

/// Asks, checks and prints.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let public_key = keyfile::public_key(&arguments.key, &Passphrase::default())?;
    let key_hex = hex::encode(public_key);
    let id = &arguments.organisation;
    let mut client = settings.client().await?;
    let (attested, record) = client.organisation(id).await?;
    let proven_at = attested.header.height;
    let absent = |message: String| Failure::Absent {
        id: key_hex.clone(),
        height: proven_at,
        message,
    };
    let record =
        record.ok_or_else(|| absent(format!("organisation {:?} is not enrolled", plain(id))))?;
    let key = record.keys.iter().find(|k| k.public_key == public_key);
    let key = key.ok_or_else(|| {
        let id = plain(id);
        absent(format!(
            "NOT RECORDED: key {key_hex} was never a key of {id}"
        ))
    })?;
    let height = arguments.at.unwrap_or(proven_at);
    if height > proven_at {
        return Err(Failure::NotFound(format!(
            "no block at height {height} yet; the last is {proven_at}"
        )));
    }
    let (from, until) = (key.valid_from_height, key.valid_until_height);
    if !organisation::valid_at(key, height) {
        return Err(Failure::NotValid {
            key: key_hex,
            organisation: plain(id),
            height,
            from,
            until,
            proven_at,
        });
    }
    let doubtful = doubt(&mut client, key, height).await?;
    if output.json {
        output.value(&json!({
            "verified": true,
            "key": key_hex,
            "organisation": record.id,
            "height": height,
            "valid": true,
            "valid_from_height": from,
            "valid_until_height": until,
            "compromised_since_ms": key.compromised_since_ms,
            "contested": organisation::is_contested(key),
            "settled": organisation::is_settled(key),
            "doubtful": doubtful.is_some(),
            "header": attested_json(&attested),
        }));
    } else {
        let verdict = output.good("VERIFIED");
        let since = utc(key.compromised_since_ms);
        let reported = match (key.compromised_since_ms, key.dispute()) {
            (0, KeyDispute::Settled) => "no: settled by the consortium".to_owned(),
            (0, _) => "no".to_owned(),
            (_, KeyDispute::Unspecified) => format!("that others may have used it since {since}"),
            (_, KeyDispute::Contested) => format!(
                "that others may have used it since {since}; CONTESTED: by a key that may be a thief's, and the \
                 consortium hasn't decided"
            ),
            (_, KeyDispute::Settled) => {
                format!("that others have used it since {since}; settled by the consortium")
            }
        };
        let lines = [
            format!("Key       {key_hex}"),
            format!(
                "Verdict   {verdict}: valid for {} ({}) at height {height}",
                plain(&record.name),
                plain(id)
            ),
            format!("Valid     {}", validity(from, until)),
            format!("Reported  {reported}"),
        ];
        for line in lines {
            output.line(line);
        }
    }
    doubtful.map_or(Ok(()), |doubt| Err(Failure::Reservations(doubt)))
}

/// What speaks against a signature by this key at a height, by its organisation's own report.
async fn doubt(client: &mut Client, key: &Key, height: u64) -> Result<Option<String>, Failure> {
    if key.compromised_since_ms == 0 {
        return Ok(None);
    }
    let (block, _) = client.past_block(height).await?;
    let is_after = block.header.time_ms >= key.compromised_since_ms;
    let (since, of) = (utc(key.compromised_since_ms), utc(block.header.time_ms));
    Ok(is_after.then(|| match key.dispute() {
        KeyDispute::Unspecified => format!(
            "the key was valid at height {height}, but its organisation reports that others may have used it since \
             {since}, and that block is of {of}"
        ),
        KeyDispute::Contested => format!(
            "the key was valid at height {height}, but a key that may be a thief's reports that others may have used \
             it since {since}, and that block is of {of}"
        ),
        KeyDispute::Settled => format!(
            "the key was valid at height {height}, but the consortium decided that others have used it since {since}, \
             and that block is of {of}"
        ),
    }))
}
