//! The lists of jurors that platforms register, and who may not sit on a panel. The ledger holds a list's root and
//! count alone; a juror shows his place in it by a path.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{Dispute, JurorList, JurorLists, Panel};

use super::ReviewRejection;
use crate::Fault;
use crate::hash::Hash;
use crate::proof::juror_tree;
use crate::rules::RuleError;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Lists of a platform that its record keeps; each earlier one has a key of its own.
pub const MAX_LISTS: usize = 8;

/// Jurors of a list, at most.
pub const MAX_JURORS: u32 = 16_777_216;

/// The lists that a platform registered last, in order.
pub fn lists(state: &impl StateRead, platform: &str) -> Result<JurorLists, Fault> {
    let key = keys::juror_lists(platform);
    match state.get(&key)? {
        Some(bytes) => crate::state::decode_stored(&key, &bytes),
        None => Ok(JurorLists::default()),
    }
}

/// Rule: jurors of a dispute are those that stood registered before its notice, so that nobody fills a list for it.
pub(super) fn list_before<S: StateRead>(
    state: &Delta<'_, S>,
    dispute: &Dispute,
) -> Result<JurorList, RuleError> {
    let noticed = dispute.position.unwrap_or_default().height;
    let record = lists(state, &dispute.platform)?;
    let mut last = record.lists.into_iter().rev();
    let before = match last.find(|list| list.height < noticed) {
        Some(list) => Some(list),
        None => earlier_before(state, &dispute.platform, record.earlier, noticed)?,
    };
    before.ok_or_else(|| ReviewRejection::NoJurors(dispute.platform.clone()).into())
}

/// The last of so many earlier lists that stood registered before a height. Their heights ascend with their numbers,
/// so that some sixty reads find it among as many as there can be.
fn earlier_before<S: StateRead>(
    state: &Delta<'_, S>,
    platform: &str,
    count: u64,
    height: u64,
) -> Result<Option<JurorList>, Fault> {
    let missing = || {
        Fault::Damaged(format!(
            "an earlier list of jurors of {platform} is missing"
        ))
    };
    let (mut from, mut to) = (0_u64, count);
    let mut found = None;
    while from < to {
        let middle = from.midpoint(to);
        let list: Option<JurorList> = state.read(&keys::earlier_jurors(platform, middle))?;
        let list = list.ok_or_else(missing)?;
        match list.height < height {
            true => {
                found = Some(list);
                from = middle.saturating_add(1);
            }
            false => to = middle,
        }
    }
    Ok(found)
}

/// Rule: who votes is the juror at his place in the list that the panel was drawn from.
pub(super) fn check_listed(
    panel: &Panel,
    juror: u32,
    public_key: &[u8; 32],
    organisation: &str,
    path: &[Hash],
) -> Result<(), ReviewRejection> {
    let root: Hash = panel.root.as_slice().try_into().unwrap_or_default();
    let leaf = juror_tree::leaf(public_key, organisation);
    match juror_tree::verify(&root, panel.count, juror, &leaf, path) {
        true => Ok(()),
        false => Err(ReviewRejection::NotListed(juror)),
    }
}

/// Rule: nobody judges a dispute of his own: a party, who belongs to one by the list or by the key, or who vouches for
/// one; nor the platform itself. Who is only registered with the platform isn't its.
pub(super) fn check_free<S: StateRead>(
    state: &Delta<'_, S>,
    dispute: &Dispute,
    public_key: &[u8; 32],
    organisation: &str,
) -> Result<(), RuleError> {
    let owner = state.get(&keys::key_owner(public_key))?;
    let owner = owner.unwrap_or_default();
    for name in [organisation.as_bytes(), &owner] {
        let name = String::from_utf8_lossy(name);
        if is_bound(dispute, &name) {
            return Err(ReviewRejection::JurorOfParty(name.into_owned()).into());
        }
    }
    Ok(())
}

fn is_bound(dispute: &Dispute, name: &str) -> bool {
    let is_below = |one: &str, other: &str| {
        let rest = one.strip_prefix(other);
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    let belongs = |party: &str| name == party || is_below(name, party) || is_below(party, name);
    let is_named = !name.is_empty();
    is_named
        && (belongs(&dispute.complainant)
            || belongs(&dispute.respondent)
            || name == dispute.platform)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_belongs_to_a_party_is_bound() {
        let dispute = Dispute {
            complainant: "office.lin".into(),
            respondent: "market.shop".into(),
            platform: "market".into(),
            ..Dispute::default()
        };
        for name in [
            "office.lin",
            "office",
            "market.shop",
            "market.shop.x",
            "market",
        ] {
            assert!(is_bound(&dispute, name), "{name}");
        }
        for name in [
            "",
            "office.li",
            "office.lina",
            "market.sho",
            "market.other",
            "maker",
        ] {
            assert!(!is_bound(&dispute, name), "{name}");
        }
    }
}
