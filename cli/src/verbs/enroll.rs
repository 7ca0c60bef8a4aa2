//! `touchstone enroll`: approving an organisation, and what every approval shares.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::json;
use touchstone_client::Signer;
use touchstone_client::client::Client;
use touchstone_client::verification::NotVerified;
use touchstone_core::Rejection;
use touchstone_core::genesis;
use touchstone_core::governance::GovernanceRejection;
use touchstone_core::governance::change;
use touchstone_proto::ledger::{
    ApproveChange, Change, ChangeRecord, change::Kind, transaction::Action,
};

use crate::failure::Failure;
use crate::output::{Output, plain};
use crate::settings::{Settings, Signing};
use crate::verbs::genesis::read_contribution;
use crate::verbs::transaction::tell_recorded;

/// How an approval is given.
#[derive(clap::Args, Debug)]
pub struct Approval {
    /// Raise it to make a change that was in force before again
    #[arg(long, default_value_t = 0)]
    pub sequence: u64,
    /// Who approves
    #[command(flatten)]
    pub signing: Signing,
}

/// Approve enrolling an organisation, or new details of an enrolled one
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:
  touchstone enroll echo.json --organisation acme --key acme.pem

echo.json is what `touchstone genesis contribute` writes. Every organisation that runs a validator
may approve; the change takes effect when more than 2/3 of the voting power approved the same file.
What waits for approvals, and of whom, `touchstone proposals` lists. An organisation that runs no
validator sends the file to one that does.
The file of an enrolled organisation names the keys that it uses: itself changes them with
`touchstone keys`, or the consortium with `touchstone recover`. Other keys in it are refused. A
validator key in the file is ignored here; see `touchstone validators add`.")]
pub struct Arguments {
    /// The organisation's contribution
    pub contribution: PathBuf,
    /// How
    #[command(flatten)]
    pub approval: Approval,
}

/// Approves and tells how far the change is.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let public = read_contribution(&arguments.contribution)?;
    let record = genesis::organisation(&public)
        .map_err(|e| Failure::Usage(format!("{}: {e}", arguments.contribution.display())))?;
    let signer = settings.signer(&arguments.approval.signing)?;
    let mut client = settings.client().await?;
    let kind = Kind::PutOrganisation(record);
    approve(kind, &arguments.approval, &signer, &mut client, output).await
}

/// Approves a change, waits, and tells how much voting power stands behind it.
pub async fn approve(
    kind: Kind,
    approval: &Approval,
    signer: &Signer,
    client: &mut Client,
    output: &mut Output,
) -> Result<(), Failure> {
    check_governor(client, signer, output)?;
    let change = Change {
        sequence: approval.sequence,
        kind: Some(kind),
    };
    let action = Action::ApproveChange(ApproveChange {
        change: Some(change.clone()),
    });
    let recorded = client.act(signer, output.now_ms(), action).await?;
    let height = recorded.attested.header.height;
    let record = approved(client, &change).await;
    let record = record.inspect_err(|_| tell_recorded(&recorded, output))?;
    let approvals = &record.approvals;
    let validators = &recorded.attested.validators;
    let approved: u64 = approvals
        .iter()
        .map(|o| validators.power_of_organisation(o))
        .sum();
    let total = validators.total_power();
    let in_force = record.effective_height != 0;
    let missing = (total * 2 / 3 + 1).saturating_sub(approved);
    if output.json {
        output.value(&json!({
            "transaction": hex::encode(recorded.id),
            "height": height,
            "approvals": approvals,
            "approved_power": approved,
            "total_power": total,
            "missing_power": missing,
            "in_force": in_force,
            "effective_height": record.effective_height,
        }));
        return Ok(());
    }
    output.line(format!(
        "Approved  at height {height} (proven): {approved} of {total} voting power, by {}",
        approvals.join(", ")
    ));
    if in_force {
        let from = first_height(&change, record.effective_height);
        output.line(format!("In force  from height {from} on"));
        tell_next(&change, output);
    } else {
        let waiting: BTreeSet<&str> = validators
            .iter()
            .map(|v| v.organisation.as_str())
            .filter(|o| !approvals.iter().any(|a| a == o))
            .collect();
        output.line(format!(
            "Needed    {missing} more voting power, of {}: they run the same command with the \
             same file",
            waiting.into_iter().collect::<Vec<_>>().join(", ")
        ));
    }
    Ok(())
}

/// What those do whom the change is about.
fn tell_next(change: &Change, output: &mut Output) {
    match &change.kind {
        Some(Kind::PutOrganisation(organisation)) => output.line(format!(
            "Next      {} signs with --organisation {} and its key from then on; a node of its own follows \
             with the chain's genesis document (genesis/README.md, step 3)",
            plain(&organisation.name),
            plain(&organisation.id)
        )),
        Some(Kind::PutValidator(_)) => output.line(
            "Next      on its node, name the key's file as validator_key and make the guard: \
             docs/operating.md, \"An observer becomes a validator\"",
        ),
        Some(Kind::ReplaceValidator(_)) => output.line(
            "Next      stop the validator's node, name the new key's file as validator_key, and start it \
             again",
        ),
        _ => {}
    }
}

/// Who runs no validator is told before anything is sent.
fn check_governor(client: &Client, signer: &Signer, output: &mut Output) -> Result<(), Failure> {
    let validators = client.trust().current();
    if validators.power_of_organisation(&signer.organisation) > 0 {
        return Ok(());
    }
    let governors: BTreeSet<&str> = validators.iter().map(|v| v.organisation.as_str()).collect();
    output.remark(format!(
        "ask those that run validators: {}",
        governors.into_iter().collect::<Vec<_>>().join(", ")
    ));
    Err(Rejection::Governance(GovernanceRejection::NotAGovernor(
        signer.organisation.clone(),
    ))
    .into())
}

/// The change's record, as of the block of this approval or later.
async fn approved(client: &mut Client, change: &Change) -> Result<ChangeRecord, Failure> {
    let id = change::id(client.trust().chain_id(), change);
    let (_, record) = client.change(&id).await?;
    Ok(record.ok_or(NotVerified::Missing("record of the change"))?)
}

/// The first height at which a change that was decided at another one holds.
fn first_height(change: &Change, decided: u64) -> u64 {
    let next = decided.saturating_add(1);
    match &change.kind {
        Some(Kind::PutProtocol(put)) => put.from_height.max(next),
        _ => next,
    }
}
