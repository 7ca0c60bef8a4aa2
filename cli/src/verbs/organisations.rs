//! `touchstone organisations`: who is enrolled, in which roles, with which keys.

use std::collections::BTreeSet;

use serde_json::json;
use touchstone_core::encoding;
use touchstone_core::genesis::role_name;
use touchstone_core::state::keys;
use touchstone_proto::ledger::{Organisation, Role};
use touchstone_proto::node::{ListOrganisationsRequest, StateReply};

use crate::client::{Client, within};
use crate::failure::Failure;
use crate::output::{Output, attested_json, attested_lines, plain, utc, validity};
use crate::settings::Settings;
use crate::verify::{Attested, NotVerified};

/// Show the enrolled organisations
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone organisations
  touchstone organisations acme

Each record is proven, and so is it that the list holds all of them. `touchstone keys check` tells whether
a key was valid at some height.")]
pub struct Arguments {
    /// Only this one
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
        let record = record.ok_or_else(|| Failure::Absent {
            id: id.clone(),
            height: attested.header.height,
            message: format!("organisation {:?} is not enrolled", plain(id)),
        })?;
        print(&record, &attested, output);
        print_age(&attested, output);
        return Ok(());
    }
    let mut ledger = client.raw();
    let request = ListOrganisationsRequest {};
    let reply = within(client.timeout(), ledger.list_organisations(request)).await?;
    let mut listed: Option<BTreeSet<String>> = None;
    let mut records = Vec::new();
    let mut oldest: Option<Attested> = None;
    for state in &reply.organisations {
        if state.key == keys::ORGANISATIONS {
            listed = Some(list(&mut client, state).await?);
        } else {
            let (attested, record) = record(&mut client, state).await?;
            if oldest
                .as_ref()
                .is_none_or(|o| attested.header.height < o.header.height)
            {
                oldest = Some(attested.clone());
            }
            records.push((attested, record));
        }
    }
    let listed = listed.ok_or(NotVerified::Missing("list of all organisations"))?;
    let found: BTreeSet<String> = records.iter().map(|(_, r)| r.id.clone()).collect();
    if listed != found || found.len() != records.len() {
        return Err(NotVerified::Contradiction(
            "the organisations are not those of the proven list".into(),
        )
        .into());
    }
    for (attested, record) in &records {
        print(record, attested, output);
    }
    if let Some(oldest) = &oldest {
        print_age(oldest, output);
    }
    Ok(())
}

async fn list(client: &mut Client, reply: &StateReply) -> Result<BTreeSet<String>, Failure> {
    let value = client.value(keys::ORGANISATIONS, reply).await?;
    let bytes = value.unwrap_or_default();
    let ids = bytes.split(|b| *b == 0).filter(|id| !id.is_empty());
    Ok(ids
        .map(|id| String::from_utf8_lossy(id).into_owned())
        .collect())
}

async fn record(
    client: &mut Client,
    reply: &StateReply,
) -> Result<(Attested, Organisation), Failure> {
    let bytes = reply
        .value
        .as_deref()
        .ok_or(NotVerified::Missing("record"))?;
    let claimed: Organisation = encoding::decode_exact(bytes).map_err(NotVerified::from)?;
    let key = keys::organisation(&claimed.id);
    let (attested, record) = client.record(&key, Some(reply)).await?;
    let record = record.ok_or(NotVerified::Missing("record"))?;
    Ok((attested, record))
}

fn print_age(attested: &Attested, output: &mut Output) {
    output.warn_if_old(attested);
    if !output.json {
        for line in attested_lines(attested, output) {
            output.line(line);
        }
    }
}

fn print(record: &Organisation, attested: &Attested, output: &mut Output) {
    let roles: Vec<&str> = record
        .roles
        .iter()
        .map(|r| Role::try_from(*r).map_or("unknown", role_name))
        .collect();
    if output.json {
        output.value(&json!({
            "id": record.id,
            "verified": true,
            "name": record.name,
            "roles": roles,
            "gs1_prefixes": record.gs1_prefixes,
            "keys": record.keys.iter().map(|k| json!({
                "public_key": hex::encode(&k.public_key),
                "valid_from_height": k.valid_from_height,
                "valid_until_height": k.valid_until_height,
                "compromised_since_ms": k.compromised_since_ms,
            })).collect::<Vec<_>>(),
            "peers": record.peers.iter().map(|p| json!({
                "public_key": hex::encode(&p.public_key),
                "addresses": p.addresses,
            })).collect::<Vec<_>>(),
            "header": attested_json(attested),
        }));
        return;
    }
    output.line(format!(
        "{} ({}): {}",
        plain(&record.name),
        plain(&record.id),
        roles.join(", ")
    ));
    for key in &record.keys {
        let reported = match key.compromised_since_ms {
            0 => String::new(),
            since => format!("; reported compromised since {}", utc(since)),
        };
        output.line(format!(
            "  key  {} {}{reported}",
            hex::encode(&key.public_key),
            validity(key.valid_from_height, key.valid_until_height)
        ));
    }
    for peer in &record.peers {
        output.line(format!(
            "  node {} {}",
            hex::encode(&peer.public_key),
            plain(&peer.addresses.join(", "))
        ));
    }
}
