//! Containment: rules 302 to 305, and 314.

use serde_json::json;

use super::super::deed::Deed;
use super::super::world::Model;
use super::place::{Broken, OWNER, Place, Step};
use super::{INNERMOST, THINGS};

/// A packed thing is packed elsewhere too.
pub(super) fn packed_elsewhere(p: &Place<'_>) -> Option<Broken> {
    let Deed::Pack(container, _) = p.deed else {
        return None;
    };
    let around = p.model.around(*container);
    let packed =
        |id, inside: Option<u64>| inside.is_some() && p.is_at_hand(id) && !around.contains(&id);
    p.adding(p.other_thing(|id, thing| packed(id, thing.inside))?)
}

pub(super) fn packed_twice(p: &Place<'_>) -> Option<Broken> {
    matches!(p.deed, Deed::Pack(..)).then(|| p.again())
}

/// What is loose, or in another container, is taken out of this one too.
pub(super) fn unpacked_from_elsewhere(p: &Place<'_>) -> Option<Broken> {
    let Deed::Unpack(container, _) = p.deed else {
        return None;
    };
    let elsewhere = |id, inside: Option<u64>| inside != Some(*container) && p.is_at_hand(id);
    p.adding(p.other_thing(|id, thing| elsewhere(id, thing.inside))?)
}

/// The items come out of the container around their container.
pub(super) fn unpacked_from_outside(p: &Place<'_>) -> Option<Broken> {
    let Deed::Unpack(container, items) = p.deed else {
        return None;
    };
    let outer = p.model.get(*container).inside?;
    Some(p.instead(&Deed::Unpack(outer, items.clone())))
}

pub(super) fn unpacked_twice(p: &Place<'_>) -> Option<Broken> {
    matches!(p.deed, Deed::Unpack(..)).then(|| p.again())
}

/// The container was emptied as a whole just before.
pub(super) fn unpacked_after_emptying(p: &Place<'_>) -> Option<Broken> {
    let Deed::Unpack(container, _) = p.deed else {
        return None;
    };
    let emptied = p.doing(&Deed::Empty(*container));
    Some(Broken::new(p.act()).after(vec![Step::Act(emptied)]))
}

pub(super) fn container_in_itself(p: &Place<'_>) -> Option<Broken> {
    match p.deed {
        Deed::Pack(container, _) if p.model.get(*container).inside.is_none() => {
            p.adding(*container)
        }
        _ => None,
    }
}

/// The outermost container, into one that is so many containers deep in it.
fn outermost_inside(p: &Place<'_>, fits: fn(usize) -> bool) -> Option<Broken> {
    let Deed::Pack(container, _) = p.deed else {
        return None;
    };
    let around = p.model.around(*container);
    match around.last() {
        Some(outermost) if fits(around.len()) => p.adding(*outermost),
        _ => None,
    }
}

pub(super) fn container_in_its_content(p: &Place<'_>) -> Option<Broken> {
    outermost_inside(p, |around| around == 2)
}

pub(super) fn container_deep_in_itself(p: &Place<'_>) -> Option<Broken> {
    outermost_inside(p, |around| around > 2)
}

/// Into a place, which nobody holds.
pub(super) fn packed_in_a_place(p: &Place<'_>) -> Option<Broken> {
    let place = json!("https://id.gs1.org/414/9521321000018");
    let placed = || Broken::new(p.edited(|event| event["parentID"] = place));
    matches!(p.deed, Deed::Pack(..)).then(placed)
}

/// Levels of things inside of a thing.
fn levels(model: &Model, id: u64) -> u64 {
    let inside = (0..THINGS).filter(|other| model.get(*other).inside == Some(id));
    inside
        .map(|inner| levels(model, inner) + 1)
        .max()
        .unwrap_or(0)
}

/// Into a container that is just too deep for what is in the items.
fn packed_deeper(p: &Place<'_>, fits: fn(u64) -> bool) -> Option<Broken> {
    let Deed::Pack(_, items) = p.deed else {
        return None;
    };
    let levels = items.iter().map(|id| levels(p.model, *id)).max()?;
    let too_deep = || p.instead(&Deed::Pack(INNERMOST - levels, items.clone()));
    (p.who == OWNER && fits(levels)).then(too_deep)
}

pub(super) fn packed_too_deep(p: &Place<'_>) -> Option<Broken> {
    let Deed::Pack(_, items) = p.deed else {
        return None;
    };
    // One level further out there is room.
    let room = p.doing(&Deed::Pack(INNERMOST - 1, items.clone()));
    let is_untouched = items.iter().all(|id| p.is_new(*id));
    let deeper = packed_deeper(p, |levels| levels == 0)?;
    Some(match is_untouched {
        true => deeper.unlike(room),
        false => deeper,
    })
}

pub(super) fn content_too_deep(p: &Place<'_>) -> Option<Broken> {
    packed_deeper(p, |levels| levels == 1)
}

pub(super) fn deep_content_too_deep(p: &Place<'_>) -> Option<Broken> {
    packed_deeper(p, |levels| levels > 1)
}
