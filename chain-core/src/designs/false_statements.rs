//! False notices and false declarations: what rulings found of a party's statements, and how it is shown on what that
//! party says later. Source: E-commerce Law, Art. 42: who gives a notice in error or in bad faith is liable, the latter
//! doubly; Art. 43 asks for a declaration with prima facie evidence.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{
    Dispute, DisputeOutcome, FalseStatements, Organisation, VouchedDesigner,
};

use crate::Fault;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// What is shown of a party on a statement that it makes now; `None` where no ruling has found a false one.
pub(super) fn before<S: StateRead>(
    state: &Delta<'_, S>,
    dispute: &Dispute,
    party: &str,
) -> Result<Option<FalseStatements>, Fault> {
    state.read(&key(state, dispute, party)?)
}

/// Counts what a ruling found false, for who said it.
pub(super) fn note<S: StateRead>(
    state: &mut Delta<'_, S>,
    dispute: &Dispute,
    outcome: DisputeOutcome,
) -> Result<(), Fault> {
    let party = match outcome {
        DisputeOutcome::FalseNotice => &dispute.complainant,
        DisputeOutcome::FalseDeclaration => &dispute.respondent,
        _ => return Ok(()),
    };
    let key = key(state, dispute, party)?;
    let mut found: FalseStatements = state.read(&key)?.unwrap_or_default();
    let count = match outcome {
        DisputeOutcome::FalseNotice => &mut found.notices,
        _ => &mut found.declarations,
    };
    *count = count.saturating_add(1);
    state.write(key, &found);
    Ok(())
}

/// Rule: a shop that only its platform knows is told from another platform's shop of the same name.
fn key<S: StateRead>(
    state: &Delta<'_, S>,
    dispute: &Dispute,
    party: &str,
) -> Result<Vec<u8>, Fault> {
    let organisation: Option<Organisation> = state.read(&keys::organisation(party))?;
    let designer: Option<VouchedDesigner> = state.read(&keys::vouched_designer(party))?;
    Ok(match organisation.is_some() || designer.is_some() {
        true => keys::false_statements(party),
        false => keys::false_statements(&format!("{}/{party}", dispute.platform)),
    })
}

#[cfg(test)]
mod tests;
