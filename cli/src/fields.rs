//! Views and fields of a design, as they are named and told.

use serde_json::{Value, json};
use touchstone_core::designs::field::{DesignField, FieldName};
use touchstone_proto::ledger::DesignView;

use crate::messages::Language;
use crate::say;

/// The views by name: WIPO ST.96, ViewTypeCategoryType.
const VIEWS: [(&str, DesignView); 12] = [
    ("perspective", DesignView::Perspective),
    ("front", DesignView::Front),
    ("back", DesignView::Back),
    ("top", DesignView::Top),
    ("bottom", DesignView::Bottom),
    ("left", DesignView::Left),
    ("right", DesignView::Right),
    ("reference", DesignView::Reference),
    ("unfolded", DesignView::Unfolded),
    ("exploded", DesignView::Exploded),
    ("cross-section", DesignView::CrossSection),
    ("enlarged", DesignView::Enlarged),
];

/// The view's name; none of a file that is no view.
pub fn view_name(view: DesignView) -> Option<&'static str> {
    let found = VIEWS.into_iter().find(|(_, v)| *v == view);
    found.map(|(name, _)| name)
}

/// The view of a name.
pub fn view_of(name: &str) -> Option<DesignView> {
    let found = VIEWS.into_iter().find(|(n, _)| *n == name);
    found.map(|(_, view)| view)
}

/// All names of views.
pub fn view_names() -> String {
    VIEWS.map(|(name, _)| name).join(", ")
}

/// The view for a person.
pub fn view_in(language: Language, view: DesignView) -> Option<String> {
    Some(match view {
        DesignView::Unspecified => return None,
        DesignView::Perspective => say!(language, "perspective view"),
        DesignView::Front => say!(language, "front view"),
        DesignView::Back => say!(language, "back view"),
        DesignView::Top => say!(language, "top view"),
        DesignView::Bottom => say!(language, "bottom view"),
        DesignView::Left => say!(language, "left view"),
        DesignView::Right => say!(language, "right view"),
        DesignView::Reference => say!(language, "reference view"),
        DesignView::Unfolded => say!(language, "unfolded view"),
        DesignView::Exploded => say!(language, "exploded view"),
        DesignView::CrossSection => say!(language, "cross-section"),
        DesignView::Enlarged => say!(language, "enlarged view"),
    })
}

/// A field's name for a person.
pub fn name_in(language: Language, name: FieldName) -> String {
    match name {
        FieldName::Title => say!(language, "Title"),
        FieldName::Class => say!(language, "Locarno class"),
        FieldName::Description => say!(language, "Description"),
        FieldName::Drafts => say!(language, "Drafts"),
        FieldName::Author => say!(language, "Author"),
    }
}

/// Views and fields for programs: `views` in the order of the files, null for a file that is none.
pub fn json(views: &[DesignView], fields: &[DesignField]) -> Value {
    let field = |field: &DesignField| {
        json!({
            "name": field.name.name(),
            "value": field.value,
            "disclosure": field.disclosure,
        })
    };
    json!({
        "views": views.iter().map(|view| view_name(*view)).collect::<Vec<_>>(),
        "fields": fields.iter().map(field).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_has_a_name_of_its_own() {
        for number in 1..=12 {
            let view = DesignView::try_from(number).unwrap();
            let name = view_name(view).unwrap();
            assert_eq!(view_of(name), Some(view));
        }
        assert!(DesignView::try_from(13).is_err());
        assert!(view_name(DesignView::Unspecified).is_none());
        assert_eq!(view_of("inside"), None);
    }
}
