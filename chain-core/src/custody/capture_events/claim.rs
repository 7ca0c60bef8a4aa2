//! Claiming custody: an organisation says that it has what somebody else is recorded to hold.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{Basis, ClaimCustody, Custody, CustodyClaim, Item};

use super::named_items::NamedItems;
use super::{begun_custody, is_statement};
use crate::custody::CustodyRejection;
use crate::custody::CustodyStatus;
use crate::custody::item_cache::{ItemCache, is_confirmed};
use crate::custody::limits::MAX_CLAIMS;
use crate::rules::{Context, RuleError};
use crate::state::StateRead;

/// Records a claim on each item among the named that somebody else holds.
pub(super) fn apply<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    context: &Context<'_>,
    claim: &ClaimCustody,
    named: &NamedItems<'_>,
) -> Result<(), RuleError> {
    // Rule: a claim has a reason.
    if !is_statement(&claim.reason) {
        return Err(CustodyRejection::ClaimReason.into());
    }
    let mut contradicts = false;
    for id in &named.items {
        // A container's custody is its content's: what was claimed before tells in what follows.
        let status = items.status_without_offer(id)?;
        let Some(custody) = contested(&status, &context.organisation.id) else {
            continue;
        };
        contradicts = true;
        let displaces = displaces(&status, custody, items.item(id)?);
        let mut claims = items.item(id)?.claims.clone();
        // Rule: who claims an item says so once. Else anybody lengthens the history of what others hold. Whom a claim
        // displaced contradicts without a reason, and may state one.
        let is_own = |other: &CustodyClaim| other.organisation == context.organisation.id;
        let has_said = |other: &CustodyClaim| is_own(other) && !other.reason.is_empty();
        if !displaces && claims.iter().any(has_said) {
            return Err(CustodyRejection::ClaimStands(id.clone()).into());
        }
        let contradiction = match displaces {
            true => CustodyClaim {
                organisation: custody.holder.clone(),
                since: custody.since,
                reason: String::new(),
            },
            false => CustodyClaim {
                organisation: context.organisation.id.clone(),
                since: Some(context.position(0)),
                reason: claim.reason.clone(),
            },
        };
        claims.retain(|other| !is_own(other));
        add(&mut claims, id, contradiction)?;
        let item = items.change(id)?;
        item.claims = claims;
        if displaces {
            // What the displaced one offered isn't its to offer any more.
            item.offer.clear();
            let since = context.position(0);
            item.custody = Some(begun_custody(context, Basis::OwnWord, since));
        }
    }
    // Rule: a claim contradicts somebody.
    match contradicts {
        true => Ok(()),
        false => Err(CustodyRejection::NothingClaimed.into()),
    }
}

/// The custody that a claim contradicts.
fn contested<'a>(status: &'a CustodyStatus, claimant: &str) -> Option<&'a Custody> {
    status.custody.as_ref().filter(|c| c.holder != claimant)
}

/// Rule: word stands against word. The last one says where a loose item is; whoever confirmed a
/// handover, or owns the prefix, isn't displaced by it, nor is it from the container of such things,
/// which would go with that.
fn displaces(status: &CustodyStatus, custody: &Custody, item: &Item) -> bool {
    status.containers.is_empty() && !is_confirmed(custody) && item.confirmed_content == 0
}

/// Rule: each organisation claims an item once, and the list of claims stays short.
fn add(
    claims: &mut Vec<CustodyClaim>,
    item: &str,
    contradiction: CustodyClaim,
) -> Result<(), CustodyRejection> {
    let mut known = claims.iter();
    if known.any(|other| other.organisation == contradiction.organisation) {
        return Ok(());
    }
    if claims.len() >= MAX_CLAIMS {
        return Err(CustodyRejection::TooManyClaims {
            item: item.to_owned(),
            limit: MAX_CLAIMS,
        });
    }
    claims.push(contradiction);
    Ok(())
}
