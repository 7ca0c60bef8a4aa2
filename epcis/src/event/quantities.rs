//! The quantities of an event (EPCIS 2.0 §7.3.3.3).
//!
//! Consensus-critical: yes

use super::{Quantity, QuantityRole, bad_identifier, read_identifier, text};
use crate::error::{EpcisError, EpcisRule, Path};
use crate::identifier::IdentifierError;
use crate::json::Node;

/// All quantity lists of an event.
pub(super) fn read(node: &Node<'_>) -> Result<Vec<Quantity>, EpcisError> {
    const LISTS: [(&str, QuantityRole); 4] = [
        ("quantityList", QuantityRole::Object),
        ("childQuantityList", QuantityRole::Child),
        ("inputQuantityList", QuantityRole::Input),
        ("outputQuantityList", QuantityRole::Output),
    ];
    let mut quantities = Vec::new();
    for (field, role) in LISTS {
        let Some(node) = node.get(field) else {
            continue;
        };
        let path = Path::Root.field(field);
        for (index, node) in node.list(&path)?.iter().enumerate() {
            quantities.push(read_quantity(node, role, &path.index(index))?);
        }
    }
    Ok(quantities)
}

/// EPCIS 2.0 §7.3.3.3: a quantity is of a class.
fn read_quantity(
    node: &Node<'_>,
    role: QuantityRole,
    path: &Path<'_>,
) -> Result<Quantity, EpcisError> {
    let path = path.field("epcClass");
    let class = node.get("epcClass");
    let class = class.ok_or_else(|| EpcisRule::MissingField("epcClass").at(&path))?;
    let identifier = read_identifier(class, &path)?;
    if identifier.is_instance() {
        return Err(bad_identifier(
            class.text(&path)?,
            IdentifierError::InstanceNotClass,
            &path,
        ));
    }
    Ok(Quantity {
        role,
        class: identifier,
        quantity: node
            .get("quantity")
            .map(|quantity| quantity.source.to_owned()),
        unit: text(node, "uom")?,
    })
}
