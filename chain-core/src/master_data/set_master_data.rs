//! Stating master data: what the owner of a GS1 company prefix says of identifiers, each a new version.
//!
//! Consensus-critical: yes

use prost::Message;
use touchstone_epcis::Identifier;
use touchstone_proto::ledger::{MasterData, MasterDataAttribute, SetMasterData, VocabularyElement};

use super::MasterDataRejection;
use super::limits::{
    MAX_ATTRIBUTE_DEPTH, MAX_ATTRIBUTE_NAME_BYTES, MAX_ATTRIBUTE_TEXT_BYTES, MAX_ATTRIBUTES,
    MAX_ELEMENT_BYTES, MAX_ELEMENTS, MAX_VOCABULARIES,
};
use crate::Fault;
use crate::governance::company_prefix;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &SetMasterData,
) -> Result<(), RuleError> {
    check_order(&action.elements)?;
    let mut replaced = Vec::with_capacity(action.elements.len());
    for element in &action.elements {
        check_element(element)?;
        check_owner(state, context, element)?;
        let current: Option<MasterData> = state.read(&keys::master_data(&element.id))?;
        check_version(current.as_ref(), element)?;
        replaced.push(current);
    }
    for ((index, element), before) in (0u32..).zip(&action.elements).zip(replaced) {
        if let Some(before) = before {
            let version = before.element.as_ref().map_or(0, |e| e.version);
            let key = keys::master_data_version(&element.id, version);
            state.write(key, &before);
        }
        let record = MasterData {
            element: Some(element.clone()),
            organisation: context.organisation.id.clone(),
            position: Some(context.position(index)),
            transaction_id: context.transaction.id().to_vec(),
            time_ms: context.block.time_ms,
        };
        state.write(keys::master_data(&element.id), &record);
    }
    Ok(())
}

/// Rule: a transaction states something of one to some identifiers, in an order that two readers can't disagree on.
fn check_order(elements: &[VocabularyElement]) -> Result<(), MasterDataRejection> {
    if elements.is_empty() || elements.len() > MAX_ELEMENTS {
        let found = elements.len();
        return Err(MasterDataRejection::ElementCount { found });
    }
    match elements.is_sorted_by(|a, b| a.id < b.id) {
        true => Ok(()),
        false => Err(MasterDataRejection::ElementOrder),
    }
}

/// Rule: master data belongs to the organisation of the company prefix (EPCIS 2.0 §6.1.1: a vocabulary's elements are
/// governed by whom it is assigned to). Nobody says of another's places what belongs to them either.
fn check_owner<S: StateRead>(
    state: &Delta<'_, S>,
    context: &Context<'_>,
    element: &VocabularyElement,
) -> Result<(), RuleError> {
    for id in std::iter::once(&element.id).chain(&element.children) {
        let owner = company_prefix::owner(state, id)?;
        if owner.as_deref() != Some(context.organisation.id.as_str()) {
            return Err(MasterDataRejection::NotPrefixOwner {
                id: id.clone(),
                holder: owner.unwrap_or_else(|| "nobody".to_owned()),
            }
            .into());
        }
    }
    Ok(())
}

/// Rule: a version says which one it replaces, so that no one is lost unread; and it says something else.
fn check_version(
    current: Option<&MasterData>,
    element: &VocabularyElement,
) -> Result<(), RuleError> {
    let before = match current {
        None => VocabularyElement::default(),
        Some(record) => record.element.clone().ok_or_else(|| {
            Fault::Damaged(format!("the master data of {} says nothing", element.id))
        })?,
    };
    let expected = before.version.saturating_add(1);
    if element.version != expected {
        return Err(MasterDataRejection::ElementVersion {
            id: element.id.clone(),
            expected,
            found: element.version,
        }
        .into());
    }
    let is_same = before.attributes == element.attributes && before.children == element.children;
    // Who has said nothing yet has no vocabularies to change either.
    let same_types = current.is_none() || before.types == element.types;
    match is_same && same_types {
        true => Err(MasterDataRejection::NothingNew(element.id.clone()).into()),
        false => Ok(()),
    }
}

/// Rule: an element is about a key of GS1 in its one spelling, and what it says has its form, its order and its limits.
/// Its version and its owner are the state's to tell.
pub fn check_element(element: &VocabularyElement) -> Result<(), MasterDataRejection> {
    let id = || element.id.clone();
    if !is_key(&element.id) {
        return Err(MasterDataRejection::ElementId(id()));
    }
    let bytes = element.encoded_len();
    if bytes > MAX_ELEMENT_BYTES {
        return Err(MasterDataRejection::ElementTooLarge { id: id(), bytes });
    }
    let types = &element.types;
    let are_named =
        (1..=MAX_VOCABULARIES).contains(&types.len()) && types.iter().all(|t| is_uri(t));
    if !are_named || !types.is_sorted_by(|a, b| a < b) {
        return Err(MasterDataRejection::ElementTypes(id()));
    }
    let children = &element.children;
    let are_keys = children.iter().all(|c| *c != element.id && is_key(c));
    if !are_keys || !children.is_sorted_by(|a, b| a < b) {
        return Err(MasterDataRejection::ElementChildren(id()));
    }
    check_attributes(&element.id, &element.attributes, 1, &mut 0)
}

/// Checks attributes at a depth, and counts them on.
fn check_attributes(
    id: &str,
    attributes: &[MasterDataAttribute],
    depth: usize,
    count: &mut usize,
) -> Result<(), MasterDataRejection> {
    if depth > MAX_ATTRIBUTE_DEPTH && !attributes.is_empty() {
        return Err(MasterDataRejection::AttributeDepth(id.to_owned()));
    }
    *count = count.saturating_add(attributes.len());
    if *count > MAX_ATTRIBUTES {
        return Err(MasterDataRejection::AttributeCount(id.to_owned()));
    }
    for attribute in attributes {
        let name = &attribute.id;
        if !is_name(name) || depth == 1 && !is_uri(name) {
            return Err(MasterDataRejection::AttributeName {
                id: id.to_owned(),
                name: name.clone(),
            });
        }
        let text = &attribute.text;
        let is_text = text.len() <= MAX_ATTRIBUTE_TEXT_BYTES && !text.chars().any(char::is_control);
        if !is_text || text.is_empty() == attribute.fields.is_empty() {
            return Err(MasterDataRejection::AttributeValue {
                id: id.to_owned(),
                name: name.clone(),
            });
        }
        check_attributes(id, &attribute.fields, depth.saturating_add(1), count)?;
    }
    let ascend = |a: &MasterDataAttribute, b: &MasterDataAttribute| {
        a.id < b.id || a.id == b.id && a.encode_to_vec() < b.encode_to_vec()
    };
    match attributes.is_sorted_by(ascend) {
        true => Ok(()),
        false => Err(MasterDataRejection::AttributeOrder(id.to_owned())),
    }
}

/// Whether a text is a GS1 key in its one spelling.
fn is_key(text: &str) -> bool {
    let parsed = Identifier::parse(text);
    parsed.is_ok_and(|id| id.as_str() == text && (id.is_class() || id.is_instance()))
}

/// Whether a text may name an attribute or a field: visible ASCII.
fn is_name(text: &str) -> bool {
    (1..=MAX_ATTRIBUTE_NAME_BYTES).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Whether a name is absolute: RFC 3986 §3.1, a scheme and something behind its colon.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let in_scheme = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    is_name(text)
        && !rest.is_empty()
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(in_scheme)
}

#[cfg(test)]
mod tests;
