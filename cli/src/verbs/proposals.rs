//! `touchstone proposals`: changes of the consortium that wait for approvals.

use std::collections::BTreeSet;

use serde_json::json;
use touchstone_client::client::ChangeProposal;
use touchstone_core::governance::parameters::lifetime_ms;
use touchstone_core::governance::validators::ValidatorSet;
use touchstone_proto::ledger::{Change, RecoverKeys, Standing, change::Kind};

use crate::beacons;
use crate::failure::Failure;
use crate::output::{Output, plain, utc};
use crate::settings::Settings;

/// List the changes that were approved by some, and aren't in force yet
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone proposals
  touchstone proposals --from 1000     approved in block 1000 or later

The ledger keeps each change by its content and no list of them, so the blocks are read: with --from
only those from a height on. All their transactions are proven, so none is left out.")]
pub struct Arguments {
    /// First block that is read
    #[arg(long, value_name = "HEIGHT", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub from: u64,
}

/// Reads, checks and prints.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let found = client.proposals(arguments.from, &mut |_| {}).await?;
    let validators = client.trust().current().clone();
    for proposal in &found {
        print(proposal, &validators, output);
    }
    if found.is_empty() {
        match output.json {
            true => output.value(&json!({"proposals": []})),
            false => output.line(format!(
                "No change is open of those that were approved in block {} or later.",
                arguments.from
            )),
        }
    }
    Ok(())
}

fn print(proposal: &ChangeProposal, validators: &ValidatorSet, output: &mut Output) {
    let approvals = &proposal.record.approvals;
    let power = approvals
        .iter()
        .map(|o| validators.power_of_organisation(o));
    let (approved, total): (u64, u64) = (power.sum(), validators.total_power());
    let missing = (total * 2 / 3 + 1).saturating_sub(approved);
    let waiting: BTreeSet<&str> = validators
        .iter()
        .map(|v| v.organisation.as_str())
        .filter(|o| !approvals.iter().any(|a| a == o))
        .collect();
    let what = what(&proposal.change);
    if output.json {
        output.value(&json!({
            "id": hex::encode(proposal.id),
            "verified": true,
            "change": what,
            "sequence": proposal.change.sequence,
            "height": proposal.height,
            "approvals": approvals,
            "approved_power": approved,
            "total_power": total,
            "missing_power": missing,
            "waiting_for": waiting,
        }));
        return;
    }
    output.line(format!("Change    {}", hex::encode(proposal.id)));
    output.line(format!("          {}", plain(&what)));
    output.line(format!(
        "Approved  since block {}: {approved} of {total} voting power, by {}",
        proposal.height,
        approvals.join(", ")
    ));
    output.line(format!(
        "Needed    {missing} more voting power, of {}",
        waiting.into_iter().collect::<Vec<_>>().join(", ")
    ));
}

/// A change in words.
fn what(change: &Change) -> String {
    match &change.kind {
        Some(Kind::PutOrganisation(organisation)) => {
            format!("enrol {} ({})", organisation.name, organisation.id)
        }
        Some(Kind::PutValidator(validator)) => format!(
            "validator {} of {}, power {}",
            hex::encode(&validator.public_key),
            validator.organisation,
            validator.power
        ),
        Some(Kind::RemoveValidator(key)) => format!("remove validator {}", hex::encode(key)),
        Some(Kind::ReplaceValidator(replacement)) => format!(
            "key {} of a validator in place of {}",
            hex::encode(&replacement.new_key),
            hex::encode(&replacement.old_key)
        ),
        Some(Kind::RecoverKeys(recovery)) => recovery_in_words(recovery),
        Some(Kind::PutParameters(p)) => format!(
            "parameters: max_block_bytes {}, max_block_transactions {}, max_transaction_bytes {}, \
             max_events_per_transaction {}, transaction_lifetime_ms {}",
            p.max_block_bytes,
            p.max_block_transactions,
            p.max_transaction_bytes,
            p.max_events_per_transaction,
            lifetime_ms(p)
        ),
        Some(Kind::PutProtocol(change)) => match change.from_height {
            0 => format!("stay with version {} of the rules", change.version),
            from => format!(
                "version {} of the rules from height {from} on",
                change.version
            ),
        },
        Some(Kind::PutReviewTerms(t)) => format!(
            "terms of public reviews: panel {}, appeal_panel {}, alternates {}, quorum_percent {}, \
             majority_percent {}, commit_days {}, open_days {}, appeal_days {}, reveal_blocks {}, beacon {}",
            t.panel,
            t.appeal_panel,
            t.alternates,
            t.quorum_percent,
            t.majority_percent,
            t.commit_days,
            t.open_days,
            t.appeal_days,
            t.reveal_blocks,
            beacons::terms_text(t.beacon.as_ref())
        ),
        Some(Kind::PutDisputeTerms(t)) => format!(
            "terms of disputes: laboratory_days {}, mend_days {}, acceptance_days {}, sanction_days {}, \
             false_notices {}, appeal_days {}, decision_days {}, answer_days {}, declaration_days {}, waiting_days {}, \
             ruling_days {}, opinion_days {}, escalation_days {}",
            t.laboratory_days,
            t.mend_days,
            t.acceptance_days,
            t.sanction_days,
            t.false_notices,
            t.appeal_days,
            t.decision_days,
            t.answer_days,
            t.declaration_days,
            t.waiting_days,
            t.ruling_days,
            t.opinion_days,
            t.escalation_days
        ),
        Some(Kind::PutHashChain(chain)) => format!(
            "hash chain {} of validator {}",
            hex::encode(&chain.tip),
            hex::encode(&chain.validator)
        ),
        Some(Kind::PutStanding(change)) => match change.standing() {
            Standing::Unspecified => format!("let {} act again", change.organisation),
            Standing::Suspended => format!("suspend {}", change.organisation),
            Standing::Removed => format!("remove {} for ever", change.organisation),
        },
        #[allow(
            unreachable_patterns,
            reason = "a ledger may know changes that this program doesn't"
        )]
        _ => "a change that this program doesn't know".to_owned(),
    }
}

fn recovery_in_words(recovery: &RecoverKeys) -> String {
    let mut parts = Vec::new();
    let added = recovery.add.iter().map(|key| ("add", key));
    let retired = recovery.retire.iter().map(|key| ("retire", key));
    parts.extend(
        added
            .chain(retired)
            .map(|(what, key)| format!("{what} {}", hex::encode(key))),
    );
    for verdict in &recovery.compromised {
        let key = hex::encode(&verdict.public_key);
        parts.push(match verdict.since_ms {
            0 => format!("nothing speaks against {key}"),
            since => format!("{key} compromised since {}", utc(since)),
        });
    }
    format!("keys of {}: {}", recovery.organisation, parts.join("; "))
}
