//! `touchstone organisations`: who is enrolled, in which roles, with which keys.

use clap::builder::NonEmptyStringValueParser;
use serde_json::json;
use touchstone_client::client::Client;
use touchstone_core::governance::{organisation, role, standing};
use touchstone_proto::ledger::{Organisation, Role};

use crate::failure::Failure;
use crate::output::{Output, plain, reported, validity};
use crate::settings::Settings;

/// Show the enrolled organisations
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone organisations
  touchstone organisations acme

Each record is proven, and so is it that the list holds all of them. `touchstone keys check` tells
whether a key was valid at some height.")]
pub struct Arguments {
    /// Only this one
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub id: Option<String>,
}

/// Asks, checks and prints.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    if let Some(id) = &arguments.id {
        let (attested, record) = client.organisation(id).await?;
        let record = record.ok_or_else(|| unknown(id, attested.header.height))?;
        print(&record, output);
        return Ok(());
    }
    for record in client.organisations().await? {
        print(&record, output);
    }
    Ok(())
}

/// Whether the ledger knows an organisation, enrolled or vouched for.
pub(super) async fn is_known(client: &mut Client, id: &str) -> Result<bool, Failure> {
    Ok(proven_absent(client, id).await?.is_none())
}

/// Where nothing was found of an organisation: one that the ledger doesn't know, as its id is mistyped, isn't told as
/// one of which nothing is recorded.
pub(super) async fn check_known(client: &mut Client, id: &str) -> Result<(), Failure> {
    proven_absent(client, id).await?.map_or(Ok(()), Err)
}

/// That the ledger doesn't know an organisation, if so: one question answers whether, and is the proof.
pub(super) async fn proven_absent(
    client: &mut Client,
    id: &str,
) -> Result<Option<Failure>, Failure> {
    let (attested, record) = client.organisation(id).await?;
    let height = attested.header.height;
    Ok(record.is_none().then(|| unknown(id, height)))
}

fn unknown(id: &str, height: u64) -> Failure {
    Failure::Absent {
        id: id.to_owned(),
        height,
        message: format!("organisation {:?} is not enrolled", plain(id)),
    }
}

fn print(record: &Organisation, output: &mut Output) {
    let roles: Vec<&str> = record
        .roles
        .iter()
        .map(|r| Role::try_from(*r).map_or("unknown", role::name))
        .collect();
    if output.json {
        output.value(&json!({
            "id": record.id,
            "verified": true,
            "name": record.name,
            "roles": roles,
            "gs1_prefixes": record.gs1_prefixes,
            "standing": standing(record),
            "standing_height": record.standing_height,
            "keys": record.keys.iter().map(|k| json!({
                "public_key": hex::encode(&k.public_key),
                "valid_from_height": k.valid_from_height,
                "valid_until_height": k.valid_until_height,
                "compromised_since_ms": k.compromised_since_ms,
                "contested": organisation::is_contested(k),
                "settled": organisation::is_settled(k),
            })).collect::<Vec<_>>(),
            "peers": record.peers.iter().map(|p| json!({
                "public_key": hex::encode(&p.public_key),
                "addresses": p.addresses,
            })).collect::<Vec<_>>(),
        }));
        return;
    }
    output.line(format!(
        "{} ({}): {}",
        plain(&record.name),
        plain(&record.id),
        roles.join(", ")
    ));
    if !standing::may_act(record) {
        let height = record.standing_height;
        output.line(match standing::is_removed(record) {
            true => format!("  removed by the consortium since height {height}; what it signed before stays valid"),
            false => format!("  suspended by the consortium since height {height}; what it signed before stays valid"),
        });
    }
    if !record.gs1_prefixes.is_empty() {
        output.line(format!("  gs1  {}", plain(&record.gs1_prefixes.join(", "))));
    }
    for key in &record.keys {
        let public_key = hex::encode(&key.public_key);
        let valid = validity(key.valid_from_height, key.valid_until_height);
        let reported = reported(key);
        output.line(format!("  key  {public_key} {valid}{reported}"));
    }
    for peer in &record.peers {
        output.line(format!(
            "  node {} {}",
            hex::encode(&peer.public_key),
            plain(&peer.addresses.join(", "))
        ));
    }
}

/// The organisation's standing by name.
fn standing(record: &Organisation) -> &'static str {
    match (standing::is_removed(record), standing::may_act(record)) {
        (true, _) => "removed",
        (_, true) => "active",
        _ => "suspended",
    }
}
