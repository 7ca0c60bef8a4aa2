//! Declaring a product: how much of it a transformation may make, which its mass balance is
//! checked with.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{DeclareProduct, Product, Role};

use super::capture_events::prefix_holder;
use crate::Fault;
use crate::custody::amount;
use crate::governance::organisation;
use crate::rejection::Rejection;
use crate::rules::Context;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};
use touchstone_epcis::Identifier;

const ROLES: &[Role] = &[Role::Platform, Role::Manufacturer];

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &DeclareProduct,
) -> Result<Result<(), Rejection>, Fault> {
    // Rule: who makes goods declares products.
    if !organisation::has_role(&context.organisation, ROLES) {
        return Ok(Err(Rejection::Role {
            organisation: context.organisation.id.clone(),
            allowed: "platform, manufacturer",
        }));
    }
    // Rule: a product is a class in its one spelling; its yield is a ratio in a base unit.
    let is_class = Identifier::parse(&action.product)
        .is_ok_and(|id| id.is_class() && id.as_str() == action.product);
    let unit_fits = action.unit.is_empty() || is_unit(&action.unit);
    if !is_class || action.output == 0 || action.input == 0 || !unit_fits {
        return Ok(Err(Rejection::ProductShape));
    }
    // Rule: a product is declared by whom its company prefix is registered with.
    match prefix_holder(state, &action.product)? {
        Some(holder) if holder == context.organisation.id => {}
        holder => {
            return Ok(Err(Rejection::ForeignPrefix {
                index: 0,
                item: action.product.clone(),
                holder: holder.unwrap_or_else(|| "nobody".to_owned()),
            }));
        }
    }
    let product = Product {
        organisation: context.organisation.id.clone(),
        output: action.output,
        input: action.input,
        unit: action.unit.clone(),
    };
    state.write(keys::product(&action.product), &product);
    Ok(Ok(()))
}

/// A unit of UN/ECE Recommendation 20 that others are converted to.
fn is_unit(unit: &str) -> bool {
    let form = (2..=3).contains(&unit.len())
        && unit
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    form && amount::base(unit) == (unit, 0)
}
