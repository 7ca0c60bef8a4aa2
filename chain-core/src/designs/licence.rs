//! Licences: what one organisation lets another do with a design, where, from when, until when, and how far it may pass
//! that on.
//!
//! A licence stands on those above it: ending one ends all below it, without a write for each. So whether a licence
//! stands is asked by walking up from it, at most [`MAX_DEPTH`] steps.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{LicenceEnd, LicenceTerms, LicensedAct, Organisation};

use super::DesignRejection;
use super::limits::{MAX_DEPTH, MAX_SUBLICENSEES, MAX_TERRITORIES};
use super::vouching::voucher_of;
use crate::Fault;
use crate::encoding;
use crate::governance::organisation;
use crate::governance::voucher::VOUCHERS;
use crate::hash::Hash;
use crate::rules::RuleError;
use crate::state::delta::decode_stored;
use crate::state::{StateRead, keys};

/// The code of the whole world (UN M49).
pub const WORLD: &str = "001";
/// What follows a voucher's id in the name of the class of all for whom it vouches.
const CLASS: &str = ".*";

/// The class that an organisation is in, as licensees are named; `None` for an enrolled one.
pub fn class_of(organisation: &str) -> Option<String> {
    voucher_of(organisation).map(|voucher| format!("{voucher}{CLASS}"))
}

/// The voucher of a class; `None` where the licensee is an organisation.
pub fn voucher_of_class(licensee: &str) -> Option<&str> {
    licensee.strip_suffix(CLASS)
}

/// Whether a list of territories holds one.
pub fn covers(territories: &[String], territory: &str) -> bool {
    territories.iter().any(|t| t == WORLD || t == territory)
}

/// Rule: terms name what may be done and where in one spelling, have a term that isn't over, and stay short.
pub(super) fn check_shape(terms: &LicenceTerms, now_ms: u64) -> Result<(), DesignRejection> {
    let known =
        |act: &i32| LicensedAct::try_from(*act).is_ok_and(|act| act != LicensedAct::Unspecified);
    let acts = &terms.acts;
    let acts_fit = !acts.is_empty() && acts.iter().all(known) && acts.is_sorted_by(|a, b| a < b);
    let territories = &terms.territories;
    let is_code = |t: &String| t.len() == 2 && t.bytes().all(|b| b.is_ascii_uppercase());
    let is_world = matches!(territories.as_slice(), [one] if one == WORLD);
    let are_codes = (1..=MAX_TERRITORIES).contains(&territories.len())
        && territories.iter().all(is_code)
        && territories.is_sorted_by(|a, b| a < b);
    if !acts_fit || !(is_world || are_codes) {
        return Err(DesignRejection::LicenceTerms);
    }
    // Rule: no licence begins before its block, so that an answer about the past never changes.
    let in_time = now_ms <= terms.from_ms && terms.from_ms <= terms.until_ms;
    if !in_time {
        return Err(DesignRejection::LicenceTerm);
    }
    let named = &terms.sublicensees;
    let are_names = named.len() <= MAX_SUBLICENSEES
        && named.is_sorted_by(|a, b| a < b)
        && named.iter().all(|name| is_licensee(name))
        && (terms.depth > 0 || named.is_empty());
    match terms.depth <= MAX_DEPTH && are_names {
        true => Ok(()),
        false => Err(DesignRejection::LicenceDepth),
    }
}

/// Whether a text is spelled as an organisation's id or as a class.
fn is_licensee(name: &str) -> bool {
    match voucher_of_class(name).or_else(|| voucher_of(name)) {
        Some(voucher) => {
            let rest = name
                .get(voucher.len().saturating_add(1)..)
                .unwrap_or_default();
            organisation::is_id(voucher) && (rest == "*" || organisation::is_id(rest))
        }
        None => organisation::is_id(name),
    }
}

/// Rule: who gets a licence exists: an organisation, or a voucher's class. Nobody licenses itself.
pub(super) fn check_licensee<S: StateRead>(
    state: &S,
    grantor: &str,
    licensee: &str,
) -> Result<(), RuleError> {
    let unknown = || DesignRejection::Licensee(licensee.to_owned());
    let id = voucher_of_class(licensee).unwrap_or(licensee);
    let key = keys::organisation(id);
    let record = state.get(&key)?.ok_or_else(unknown)?;
    let record: Organisation = decode_stored(&key, &record)?;
    let is_class = id != licensee;
    let may = !is_class || organisation::has_role(&record, VOUCHERS);
    match may && licensee != grantor {
        true => Ok(()),
        false => Err(unknown().into()),
    }
}

/// Rule: a sublicence stays within the licence that it stands on.
pub(super) fn check_within(
    licensee: &str,
    terms: &LicenceTerms,
    parent: &LicenceTerms,
) -> Result<(), DesignRejection> {
    let acts = terms.acts.iter().all(|act| parent.acts.contains(act));
    let mut territories = terms.territories.iter();
    let place = territories.all(|t| covers(&parent.territories, t));
    let term = parent.from_ms <= terms.from_ms && terms.until_ms <= parent.until_ms;
    let depth = terms.depth < parent.depth;
    let names = is_named(&parent.sublicensees, licensee);
    let mut passed_on = terms.sublicensees.iter();
    let passed_on = match (terms.depth, parent.sublicensees.is_empty()) {
        (0, _) | (_, true) => true,
        (_, false) => {
            !terms.sublicensees.is_empty()
                && passed_on.all(|name| is_named(&parent.sublicensees, name))
        }
    };
    for (part, is_within) in [
        ("acts", acts),
        ("territory", place),
        ("term", term),
        ("depth of sublicences", depth),
        ("licensee", names),
        ("sublicensees", passed_on),
    ] {
        if !is_within {
            return Err(DesignRejection::BeyondParent(part));
        }
    }
    Ok(())
}

/// Whether a list of licensees, which names anyone if it is empty, names this one.
fn is_named(list: &[String], licensee: &str) -> bool {
    let class = class_of(licensee);
    let is_it = |name: &String| name == licensee || Some(name) == class.as_ref();
    list.is_empty() || list.iter().any(is_it)
}

/// When a licence that stands on these ended with one of them at a time or before it, milliseconds: the walk from it to
/// the root, which stops at the first that had ended.
pub fn end_above<S: StateRead + ?Sized>(
    state: &S,
    above: &[Vec<u8>],
    at_ms: u64,
) -> Result<Option<u64>, Fault> {
    for id in above {
        let id: Hash = encoding::exact("licence", id)
            .map_err(|e| Fault::Damaged(format!("a licence's id: {e}")))?;
        let key = keys::licence_end(&id);
        let Some(bytes) = state.get(&key)? else {
            continue;
        };
        let end: LicenceEnd = decode_stored(&key, &bytes)?;
        if end.time_ms <= at_ms {
            return Ok(Some(end.time_ms));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
