//! What the events of an offer, an answer or a claim name.
//!
//! Consensus-critical: yes

use std::collections::{BTreeMap, BTreeSet};

use touchstone_epcis::{Event, Quantity, QuantityRole};

use super::quantities;
use crate::custody::is_holdable;
use crate::custody::item_cache::ItemCache;
use crate::rules::RuleError;
use crate::state::StateRead;

/// What a capture's events name.
#[derive(Default)]
pub(super) struct NamedItems<'a> {
    /// Items that somebody can have.
    pub(super) items: BTreeSet<String>,
    /// Quantities of classes that they are about (`quantityList`).
    quantities: Vec<&'a Quantity>,
    /// Their classes.
    classes: BTreeSet<&'a str>,
}

impl<'a> NamedItems<'a> {
    pub(super) fn by(events: &'a [Event]) -> NamedItems<'a> {
        let mut named = NamedItems::default();
        for event in events {
            let items = event.things().into_iter().map(|id| id.as_str());
            let holdable = items.filter(|id| is_holdable(id)).map(str::to_owned);
            named.items.extend(holdable);
            let objects = event.classes.iter();
            let objects = objects.filter(|q| q.role == QuantityRole::Object);
            named.quantities.extend(objects);
        }
        let classes = named.quantities.iter().map(|q| q.class.as_str());
        named.classes = classes.collect();
        named
    }

    pub(super) fn names_class(&self, product: &str) -> bool {
        self.classes.contains(product)
    }

    /// Amounts by class, of those that the ledger keeps account of.
    pub(super) fn portions<S: StateRead>(
        &self,
        items: &mut ItemCache<'_, '_, S>,
    ) -> Result<BTreeMap<String, u64>, RuleError> {
        let mut portions: BTreeMap<String, u64> = BTreeMap::new();
        for quantity in &self.quantities {
            let product = quantity.class.as_str();
            let Some(stock) = &items.item(product)?.stock else {
                continue;
            };
            // The whole capture is to blame, not one of its events.
            let amount = quantities::stated(Some(stock), 0, quantity)?;
            let sum = portions.entry(product.to_owned()).or_default();
            *sum = sum.saturating_add(amount.millionths);
        }
        Ok(portions)
    }
}
