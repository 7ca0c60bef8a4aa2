//! Declaring a product: how much of it a transformation may make, which its mass balance is
//! checked with.
//!
//! Consensus-critical: yes

use touchstone_epcis::Identifier;
use touchstone_proto::ledger::{DeclareProduct, Product, Role};

use super::amount;
use crate::custody::CustodyRejection;
use crate::governance::company_prefix;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

const ROLES: &[Role] = &[Role::Platform, Role::Manufacturer];

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &DeclareProduct,
) -> Result<(), RuleError> {
    // Rule: who makes goods declares products.
    context.check_role(ROLES)?;
    check_shape(action)?;
    // Rule: a product is declared by whom its company prefix is registered with.
    let owner = company_prefix::owner(state, &action.product)?;
    if owner.as_deref() != Some(context.organisation.id.as_str()) {
        return Err(CustodyRejection::ForeignPrefix {
            index: 0,
            item: action.product.clone(),
            holder: owner.unwrap_or_else(|| "nobody".to_owned()),
        }
        .into());
    }
    let product = Product {
        organisation: context.organisation.id.clone(),
        output: action.output,
        input: action.input,
        unit: action.unit.clone(),
    };
    state.write(keys::product(&action.product), &product);
    Ok(())
}

/// Rule: a product is a class in its one spelling; its yield is a ratio in a base unit.
fn check_shape(action: &DeclareProduct) -> Result<(), CustodyRejection> {
    let is_class = Identifier::parse(&action.product)
        .is_ok_and(|id| id.is_class() && id.as_str() == action.product);
    let unit_fits = action.unit.is_empty() || is_unit(&action.unit);
    match is_class && action.output > 0 && action.input > 0 && unit_fits {
        true => Ok(()),
        false => Err(CustodyRejection::ProductShape),
    }
}

/// A unit of UN/ECE Recommendation 20 that others are converted to.
fn is_unit(unit: &str) -> bool {
    let form = (2..=3).contains(&unit.len())
        && unit
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    form && amount::base(unit) == (unit, 0)
}
