//! `touchstone enroll`: approving an organisation, and what every approval shares.

use std::path::PathBuf;

use serde_json::json;
use touchstone_core::certificate::exceeds_two_thirds;
use touchstone_core::genesis;
use touchstone_core::transaction;
use touchstone_proto::ledger::{ApproveChange, Change, change::Kind, transaction::Action};
use touchstone_proto::node::SubscribeBlocksRequest;

use crate::client::{Client, within};
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::{Settings, Signing};
use crate::verbs::genesis::read_contribution;

/// How an approval is given.
#[derive(clap::Args, Debug)]
pub struct Approval {
    /// Raise it to make a change that was in force before again
    #[arg(long, default_value_t = 0)]
    pub sequence: u64,
    /// Count approvals in blocks from this height on [default: the last 5000 blocks]
    #[arg(long, value_name = "HEIGHT")]
    pub since: Option<u64>,
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
An enrolled organisation keeps its keys: it alone changes them, with `touchstone keys`.
A validator key in the file is ignored here; see `touchstone validators add`.")]
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
    approve(
        Kind::PutOrganisation(record),
        &arguments.approval,
        settings,
        output,
    )
    .await
}

/// Approves a change, waits, and tells how much voting power stands behind it.
pub async fn approve(
    kind: Kind,
    approval: &Approval,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let signer = settings.signer(&approval.signing)?;
    let mut client = settings.client().await?;
    let change = Change {
        sequence: approval.sequence,
        kind: Some(kind),
    };
    let action = Action::ApproveChange(ApproveChange {
        change: Some(change.clone()),
    });
    let recorded = client.act(&signer, output.now_ms(), action).await?;
    let height = recorded.attested.header.height;
    let since = approval
        .since
        .unwrap_or_else(|| height.saturating_sub(5000))
        .max(1);
    let approvals = approvals(&mut client, &change, since, height).await?;
    let validators = &recorded.attested.validators;
    let approved: u64 = approvals
        .iter()
        .map(|o| validators.power_of_organisation(o))
        .sum();
    let total = validators.total_power();
    let in_force = exceeds_two_thirds(approved, total);
    let missing = (total * 2 / 3 + 1).saturating_sub(approved);
    let waiting: Vec<String> = {
        let mut others: Vec<String> = validators
            .iter()
            .map(|v| v.organisation.clone())
            .filter(|o| !approvals.contains(o))
            .collect();
        others.sort();
        others.dedup();
        others
    };
    if output.json {
        output.value(&json!({
            "transaction": hex::encode(recorded.id),
            "height": height,
            "approvals": approvals,
            "approved_power": approved,
            "total_power": total,
            "missing_power": missing,
            "in_force": in_force,
        }));
        return Ok(());
    }
    output.line(format!(
        "Approved  at height {height} (proven): {approved} of {total} voting power, by {}",
        approvals.join(", ")
    ));
    output.line(if in_force {
        "In force  from the next height".to_owned()
    } else {
        format!(
            "Needed    {missing} more voting power, of {}: they run the same command with the \
             same file",
            waiting.join(", ")
        )
    });
    Ok(())
}

/// Who approved exactly this change in the blocks of these heights, in order. Every block is
/// checked: header, certificate and body.
async fn approvals(
    client: &mut Client,
    change: &Change,
    since: u64,
    until: u64,
) -> Result<Vec<String>, Failure> {
    let request = SubscribeBlocksRequest {
        from_height: since,
        with_transactions: true,
    };
    let mut ledger = client.raw();
    let mut blocks = within(client.timeout(), ledger.subscribe_blocks(request)).await?;
    let mut approvals = Vec::new();
    for height in since..=until {
        let next = tokio::time::timeout(client.timeout(), blocks.message()).await;
        let reply = match next {
            Ok(Ok(Some(reply))) => reply,
            Ok(Err(status)) => return Err(status.into()),
            Ok(Ok(None)) | Err(_) => {
                return Err(Failure::Unreachable(format!(
                    "the approval is recorded, but the node sends no block {height} to count from"
                )));
            }
        };
        let attested = client.checked_block(&reply, true).await?;
        if attested.header.height != height {
            return Err(crate::verify::NotVerified::Contradiction(
                "another block than asked for".into(),
            )
            .into());
        }
        for envelope in &reply.transactions {
            let transaction = transaction::verify(client.trust().chain_id(), envelope)
                .map_err(crate::verify::NotVerified::Transaction)?;
            if let Action::ApproveChange(approve) = transaction.action()
                && approve.change.as_ref() == Some(change)
            {
                approvals.push(transaction.organisation().to_owned());
            }
        }
    }
    Ok(approvals)
}
