//! Quantities of classes and lots: what a lot began with is all that there is of it, and a
//! transformation makes no more of a product than its declared yield allows.
//!
//! Consensus-critical: yes

use std::collections::BTreeMap;

use touchstone_epcis::{Event, EventType, Quantity, QuantityRole};
use touchstone_proto::ledger::{Holding, Item, Product, Stock};

use super::{EventContext, life};
use crate::Fault;
use crate::custody::CustodyRejection;
use crate::custody::amount::{self, Amount};
use crate::custody::item_cache::ItemCache;
use crate::custody::limits::MAX_HOLDINGS;
use crate::custody::unit_state::ending;
use crate::rules::RuleError;
use crate::state::{StateRead, keys};

/// The records of classes as an event leaves them.
pub(super) type Classes = BTreeMap<String, Item>;

/// Rules of the quantities that an event states, and what it does to the stocks of their classes.
pub(super) fn check<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
) -> Result<Classes, RuleError> {
    if at.event.event_type == EventType::Transformation {
        check_balance(items, at)?;
    }
    let ends = ending(at.event).is_some();
    let mut classes = Classes::new();
    for quantity in &at.event.classes {
        let takes = match quantity.role {
            QuantityRole::Input => true,
            QuantityRole::Object => ends,
            QuantityRole::Child | QuantityRole::Output => false,
        };
        let begins = life::begins_class(at.event, quantity.role);
        if !begins && !takes {
            continue;
        }
        let id = quantity.class.as_str();
        // The same class may stand in the event more than once.
        let mut record = match classes.remove(id) {
            Some(record) => record,
            None => items.item(id)?.clone(),
        };
        match begins {
            true => {
                let is_registered = items.prefix_owner(id)?.is_some();
                add(&mut record, at, quantity, is_registered)?;
            }
            false => take(&mut record, at, quantity)?,
        }
        classes.insert(id.to_owned(), record);
    }
    Ok(classes)
}

/// Writes what [`check`] found.
pub(super) fn write<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    classes: Classes,
) -> Result<(), Fault> {
    for (id, record) in classes {
        let item = items.change(&id)?;
        item.commissioned = record.commissioned;
        item.stock = record.stock;
    }
    Ok(())
}

/// More of a class comes into being. Its stock is kept where its first quantity was stated, so
/// that it is all there is; and under a registered prefix alone, whose owner states it (rule 309):
/// elsewhere, the first to state one would set it for all who have some.
fn add(
    record: &mut Item,
    at: &EventContext<'_>,
    quantity: &Quantity,
    is_registered: bool,
) -> Result<(), CustodyRejection> {
    let is_first = record.commissioned.is_none();
    if is_first {
        record.commissioned = Some(at.position());
    }
    let begins_stock = is_first && is_registered && quantity.quantity.is_some();
    let keeps_stock = record.stock.is_some() || begins_stock;
    if !keeps_stock {
        return Ok(());
    }
    let amount = stated(record.stock.as_ref(), at.index, quantity)?;
    let stock = record.stock.get_or_insert_with(|| Stock {
        unit: amount.unit,
        holdings: Vec::new(),
    });
    let product = quantity.class.as_str();
    credit(
        stock,
        at.index,
        product,
        at.organisation(),
        amount.millionths,
    )
}

/// Rule: nobody uses up, sells or destroys more of a lot than it has.
fn take(
    record: &mut Item,
    at: &EventContext<'_>,
    quantity: &Quantity,
) -> Result<(), CustodyRejection> {
    let Some(stock) = record.stock.as_mut() else {
        return Ok(());
    };
    let amount = stated(Some(stock), at.index, quantity)?;
    let product = quantity.class.as_str();
    debit(
        stock,
        at.index,
        product,
        at.organisation(),
        amount.millionths,
    )
}

/// Rule: quantities of a class that has a stock are stated, in its unit, and exact.
pub(super) fn stated(
    stock: Option<&Stock>,
    index: u32,
    quantity: &Quantity,
) -> Result<Amount, CustodyRejection> {
    let wrong = |problem: String| CustodyRejection::QuantityUnusable {
        index,
        product: quantity.class.as_str().to_owned(),
        problem,
    };
    let Some(number) = quantity.quantity.as_deref() else {
        return Err(wrong("no quantity is stated".to_owned()));
    };
    let amount = amount::read(number, quantity.unit.as_deref().unwrap_or_default())
        .map_err(|inexact| wrong(inexact.to_string()))?;
    match stock.filter(|stock| stock.unit != amount.unit) {
        Some(stock) => Err(wrong(format!(
            "it is measured in {}",
            unit_name(&stock.unit)
        ))),
        None => Ok(amount),
    }
}

/// Gives more of a class to an organisation.
pub(super) fn credit(
    stock: &mut Stock,
    index: u32,
    product: &str,
    organisation: &str,
    millionths: u64,
) -> Result<(), CustodyRejection> {
    let too_much = |problem: &str| CustodyRejection::QuantityUnusable {
        index,
        product: product.to_owned(),
        problem: problem.to_owned(),
    };
    let total = stock.holdings.iter().try_fold(millionths, |sum, holding| {
        sum.checked_add(holding.millionths)
    });
    if total.is_none() {
        return Err(too_much("there would be too much of it to count"));
    }
    let place = stock
        .holdings
        .binary_search_by(|h| h.organisation.as_str().cmp(organisation));
    match place {
        Ok(at) => {
            if let Some(holding) = stock.holdings.get_mut(at) {
                holding.millionths = holding.millionths.saturating_add(millionths);
            }
        }
        Err(_) if millionths == 0 => {}
        Err(_) if stock.holdings.len() >= MAX_HOLDINGS => {
            return Err(too_much("too many organisations have some of it"));
        }
        Err(at) => stock.holdings.insert(
            at,
            Holding {
                organisation: organisation.to_owned(),
                millionths,
            },
        ),
    }
    Ok(())
}

/// Takes some of a class from an organisation.
pub(super) fn debit(
    stock: &mut Stock,
    index: u32,
    product: &str,
    organisation: &str,
    millionths: u64,
) -> Result<(), CustodyRejection> {
    let mut holdings = stock.holdings.iter_mut();
    let holding = holdings.find(|h| h.organisation == organisation);
    let has = holding.as_ref().map_or(0, |h| h.millionths);
    let Some(rest) = has.checked_sub(millionths) else {
        return Err(CustodyRejection::NotEnough {
            index,
            product: product.to_owned(),
            has: format!("{} {}", amount::decimal(has), unit_name(&stock.unit)),
        });
    };
    if let Some(holding) = holding {
        holding.millionths = rest;
    }
    stock.holdings.retain(|h| h.millionths > 0);
    Ok(())
}

/// Rule (mass balance): for each unit in which outputs have a declared yield, the inputs in that
/// unit suffice for all of these outputs together. Outputs without a declaration aren't checked.
fn check_balance<S: StateRead>(
    items: &ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
) -> Result<(), RuleError> {
    let (index, event) = (at.index, at.event);
    let mut needed: BTreeMap<String, u128> = BTreeMap::new();
    for (class, amounts) in outputs(event) {
        let Some(product) = declared(items, &class)? else {
            continue;
        };
        let unusable = |problem: String| CustodyRejection::QuantityUnusable {
            index,
            product: class.clone(),
            problem,
        };
        for amount in amounts {
            let amount = match amount {
                Ok(amount) if amount.unit == product.unit => amount,
                Ok(_) => {
                    let unit = unit_name(&product.unit);
                    return Err(unusable(format!(
                        "its yield is declared in {unit}: state its quantity in that"
                    ))
                    .into());
                }
                Err(problem) => return Err(unusable(problem).into()),
            };
            // Rounded up: what is made must not need more than there is.
            let input = u128::from(amount.millionths)
                .checked_mul(u128::from(product.input))
                .map(|product_of| product_of.div_ceil(u128::from(product.output.max(1))));
            let sum = needed.entry(product.unit.clone()).or_default();
            *sum = sum.saturating_add(input.unwrap_or(u128::MAX));
        }
    }
    if needed.is_empty() {
        return Ok(());
    }
    let given_by_unit = inputs(event);
    for (unit, needed) in needed {
        let given = given_by_unit.get(&unit).copied().unwrap_or_default();
        if needed > given {
            return Err(CustodyRejection::MassBalance {
                index,
                needed: shown(needed, &unit),
                given: shown(given, &unit),
            }
            .into());
        }
    }
    Ok(())
}

type Stated = Result<Amount, String>;

/// What a transformation makes, by class: quantities, and single things as pieces of their class.
fn outputs(event: &Event) -> BTreeMap<String, Vec<Stated>> {
    let mut outputs: BTreeMap<String, Vec<Stated>> = BTreeMap::new();
    for quantity in event
        .classes
        .iter()
        .filter(|q| q.role == QuantityRole::Output)
    {
        let amount = match quantity.quantity.as_deref() {
            None => Err("no quantity is stated".to_owned()),
            Some(number) => amount::read(number, quantity.unit.as_deref().unwrap_or_default())
                .map_err(|inexact| inexact.to_string()),
        };
        let class = quantity.class.as_str().to_owned();
        outputs.entry(class).or_default().push(amount);
    }
    for thing in &event.outputs {
        let class = class_of(thing.as_str()).to_owned();
        outputs.entry(class).or_default().push(Ok(Amount {
            unit: String::new(),
            millionths: amount::pieces(1),
        }));
    }
    outputs
}

/// The inputs of a transformation by their units.
fn inputs(event: &Event) -> BTreeMap<String, u128> {
    let quantities = event
        .classes
        .iter()
        .filter(|q| q.role == QuantityRole::Input);
    let stated = quantities.filter_map(|q| {
        let unit = q.unit.as_deref().unwrap_or_default();
        amount::read(q.quantity.as_deref()?, unit).ok()
    });
    let pieces = Amount {
        unit: String::new(),
        millionths: amount::pieces(event.inputs.len()),
    };
    let mut inputs: BTreeMap<String, u128> = BTreeMap::new();
    for amount in stated.chain([pieces]) {
        let sum = inputs.entry(amount.unit).or_default();
        *sum = sum.saturating_add(u128::from(amount.millionths));
    }
    inputs
}

/// The declaration of a product: of its lot, or else of all its lots.
fn declared<S: StateRead>(
    items: &ItemCache<'_, '_, S>,
    class: &str,
) -> Result<Option<Product>, Fault> {
    let own = items.state.read::<Product>(&keys::product(class))?;
    let all_lots = class_without_lot(class);
    match own {
        None if all_lots != class => items.state.read(&keys::product(all_lots)),
        own => Ok(own),
    }
}

/// The class of one thing: its key without the serial number.
fn class_of(id: &str) -> &str {
    let end = ["/21/", "/235/", "/8011/"].iter().find_map(|q| id.find(q));
    end.and_then(|end| id.get(..end)).unwrap_or(id)
}

fn class_without_lot(class: &str) -> &str {
    let end = class.find("/22/").or_else(|| class.find("/10/"));
    end.and_then(|end| class.get(..end)).unwrap_or(class)
}

fn shown(millionths: u128, unit: &str) -> String {
    let number = match u64::try_from(millionths) {
        Ok(millionths) => amount::decimal(millionths),
        Err(_) => "more than can be counted".to_owned(),
    };
    format!("{number} {}", unit_name(unit))
}

fn unit_name(unit: &str) -> &str {
    match unit {
        "" => "pieces",
        unit => unit,
    }
}
