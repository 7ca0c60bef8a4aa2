//! Vouching for a designer: the first time it makes the designer's organisation, later it gives it a new term.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{
    Organisation, Role, VouchForDesigner, VouchedDesigner, Voucher, Vouching,
};

use super::DesignRejection;
use super::limits::{MAX_DESIGNERS, MAX_VOUCHING_MS};
use super::vouching;
use crate::encoding;
use crate::governance::voucher::VOUCHERS;
use crate::governance::{key_registry, organisation};
use crate::rules::{Context, RuleError};
use crate::signing::{self, Purpose};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// How many records are written does not depend on how many designers there are.
pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &VouchForDesigner,
) -> Result<(), RuleError> {
    check(context, action)?;
    let voucher = &context.organisation.id;
    let designer = &action.designer;
    let now_ms = context.block.time_ms;
    let mut known_as = action.registered_as.clone();
    let (number, from_ms) = match vouching::last(state, designer)? {
        Some(last) => {
            // What a register's number says of a designer isn't forgotten: sanctions stand under it.
            if known_as.is_empty() {
                known_as = last.record.registered_as.clone();
            }
            // Rule: a designer's keys are its own affair: a voucher that could add one could take its designs.
            if !action.public_key.is_empty() || !action.possession.is_empty() {
                return Err(DesignRejection::DesignerHasKeys(designer.clone()).into());
            }
            let is_unbroken = last.record.until_ms.saturating_add(1) >= now_ms;
            let known = Some(last.record.from_ms).filter(|_| is_unbroken);
            (last.number.saturating_add(1), known.unwrap_or(now_ms))
        }
        None => {
            enroll(state, context, action)?;
            (0, now_ms)
        }
    };
    state.write(
        keys::vouching(designer, number),
        &Vouching {
            voucher: voucher.clone(),
            designer: designer.clone(),
            name: action.name.clone(),
            check: action.check,
            check_words: action.check_words.clone(),
            registered_as: action.registered_as.clone(),
            from_ms: now_ms,
            until_ms: action.until_ms,
            position: Some(context.position(0)),
            transaction_id: context.transaction.id().to_vec(),
            withdrawn: None,
        },
    );
    let vouchings = number.saturating_add(1);
    state.write(
        keys::vouched_designer(designer),
        &VouchedDesigner {
            vouchings,
            from_ms,
            until_ms: action.until_ms,
            registered_as: known_as,
        },
    );
    Ok(())
}

fn check(context: &Context<'_>, action: &VouchForDesigner) -> Result<(), RuleError> {
    context.check_role(VOUCHERS)?;
    vouching::check_id(&context.organisation.id, &action.designer)?;
    vouching::check_words(&action.name, action.check(), &action.check_words)?;
    vouching::check_registered(action.check(), &action.registered_as)?;
    // Rule: the term ends, so that the check is made anew. Source: E-commerce Law, Art. 27: particulars are checked and
    // updated at regular intervals.
    let term_ms = action.until_ms.checked_sub(context.block.time_ms);
    match term_ms.is_some_and(|term| (1..=MAX_VOUCHING_MS).contains(&term)) {
        true => Ok(()),
        false => Err(DesignRejection::VouchingTerm.into()),
    }
}

/// Makes the organisation of a new designer.
fn enroll<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &VouchForDesigner,
) -> Result<(), RuleError> {
    let public_key: [u8; 32] = encoding::exact("public_key", &action.public_key)?;
    let possession: [u8; 64] = encoding::exact("possession", &action.possession)?;
    key_registry::check_new(state, &public_key)?;
    // Rule: the key's holder wants it. Else a voucher could take a key that another organisation is about to register.
    let designer = action.designer.as_bytes();
    let chain_id = &context.block.chain_id;
    let purpose = Purpose::Possession;
    if !signing::verify(&public_key, purpose, chain_id, designer, &possession) {
        return Err(DesignRejection::NoPossession(public_key).into());
    }
    let key = keys::voucher(&context.organisation.id);
    let mut voucher: Voucher = state.read(&key)?.unwrap_or_default();
    // Rule: no voucher fills the state without a limit.
    if voucher.designers >= MAX_DESIGNERS {
        return Err(DesignRejection::TooManyDesigners(voucher.designers).into());
    }
    voucher.designers = voucher.designers.saturating_add(1);
    state.write(key, &voucher);
    key_registry::register(state, &action.designer, &public_key);
    let record = Organisation {
        id: action.designer.clone(),
        name: action.name.clone(),
        roles: vec![Role::Designer.into()],
        keys: vec![organisation::new_key(&public_key, context.block.height, 0)],
        ..Organisation::default()
    };
    state.write(keys::organisation(&action.designer), &record);
    Ok(())
}

#[cfg(test)]
mod tests;
