//! Views and fields of a design: as they are named on the command line, and as they are told.

use clap::ValueEnum;
use serde_json::{Value, json};
use touchstone_client::deposit::Opening;
use touchstone_core::designs::content;
use touchstone_core::designs::field::{Field, FieldName};
use touchstone_proto::ledger::{DesignContent, DesignView};

use crate::failure::Failure;
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
pub fn view_of(name: &str) -> Result<DesignView, Failure> {
    let found = VIEWS.into_iter().find(|(n, _)| *n == name);
    found.map(|(_, view)| view).ok_or_else(|| {
        Failure::Usage(format!(
            "{name}: not a view; views are {}",
            VIEWS.map(|(name, _)| name).join(", ")
        ))
    })
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
pub fn json(views: &[DesignView], fields: &[Field]) -> Value {
    let field = |field: &Field| {
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

/// A field, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FieldChoice {
    /// All fields
    All,
    /// The title
    Title,
    /// The Locarno class
    Class,
    /// The description
    Description,
    /// The head of the drafts
    Drafts,
    /// The authors
    Author,
}

impl FieldChoice {
    fn of(name: FieldName) -> FieldChoice {
        match name {
            FieldName::Title => FieldChoice::Title,
            FieldName::Class => FieldChoice::Class,
            FieldName::Description => FieldChoice::Description,
            FieldName::Drafts => FieldChoice::Drafts,
            FieldName::Author => FieldChoice::Author,
        }
    }
}

/// Which fields of a design are shown. By default title and class: who made it, and how it came about, is shown where
/// its owner says so.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct FieldSelection {
    /// Fields to show besides title and class
    #[arg(long, value_enum, value_name = "FIELD", value_delimiter = ',')]
    pub show: Vec<FieldChoice>,
    /// Fields to hide; goes before --show all
    #[arg(long, value_enum, value_name = "FIELD", value_delimiter = ',')]
    pub hide: Vec<FieldChoice>,
}

impl FieldSelection {
    /// Everything.
    pub fn all() -> FieldSelection {
        FieldSelection {
            show: vec![FieldChoice::All],
            hide: Vec::new(),
        }
    }

    /// Whether a field is shown.
    pub fn shows(&self, name: FieldName) -> bool {
        self.choice(name)
            .unwrap_or(matches!(name, FieldName::Title | FieldName::Class))
    }

    /// The same; what is public already is shown unless it is hidden by name.
    pub fn shows_of(&self, name: FieldName, is_public: bool) -> bool {
        self.choice(name)
            .unwrap_or(is_public || matches!(name, FieldName::Title | FieldName::Class))
    }

    /// What is said of it: the field's own name goes before `all`, hiding before showing.
    fn choice(&self, name: FieldName) -> Option<bool> {
        for choice in [FieldChoice::of(name), FieldChoice::All] {
            if self.hide.contains(&choice) {
                return Some(false);
            }
            if self.show.contains(&choice) {
                return Some(true);
            }
        }
        None
    }

    /// Title and content of an opening with the fields alone that are to be shown. `word` is the title of a deposit
    /// that covers none.
    pub fn of_opening(
        &self,
        opening: &Opening,
        word: &str,
    ) -> Result<(String, Option<DesignContent>), Failure> {
        let opened = opening.opened();
        let opened = opened.map_err(|e| Failure::Usage(e.to_string()))?;
        let names = opened.fields.iter().map(|(_, field)| field.name);
        self.check(&names.collect::<Vec<_>>())?;
        let Some(whole) = &opening.content else {
            return Ok((word.to_owned(), None));
        };
        let content = content::showing(whole, |name| self.shows(name));
        let title = opened.title().filter(|_| self.shows(FieldName::Title));
        Ok((title.unwrap_or_default().to_owned(), Some(content)))
    }

    /// Refuses to show by name what isn't among the known fields.
    pub fn check(&self, known: &[FieldName]) -> Result<(), Failure> {
        let missing = FieldName::ALL
            .into_iter()
            .find(|name| self.show.contains(&FieldChoice::of(*name)) && !known.contains(name));
        match missing {
            Some(name) => Err(Failure::NotFound(format!(
                "there is no field {} to show: neither the receipt nor a disclosure holds one",
                name.name()
            ))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_before_all_and_hiding_before_showing() {
        use FieldChoice::{All, Author, Class};
        let shown = |show: &[FieldChoice], hide: &[FieldChoice]| {
            let selection = FieldSelection {
                show: show.to_vec(),
                hide: hide.to_vec(),
            };
            let names = FieldName::ALL.into_iter();
            let names = names.filter(|name| selection.shows(*name));
            names.map(FieldName::name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(&[], &[]), "title class");
        assert_eq!(shown(&[Class], &[Author]), "title class");
        assert_eq!(shown(&[Author], &[]), "title class author");
        assert_eq!(shown(&[All], &[Author]), "title class description drafts");
        assert_eq!(shown(&[Class], &[All]), "class");
        assert_eq!(shown(&[Author], &[Author]), "title class");
        assert_eq!(shown(&[All], &[All]), "");
    }

    #[test]
    fn every_view_has_a_name_of_its_own() {
        for number in 1..=12 {
            let view = DesignView::try_from(number).unwrap();
            let name = view_name(view).unwrap();
            assert_eq!(view_of(name).unwrap(), view);
        }
        assert!(DesignView::try_from(13).is_err());
        assert!(view_name(DesignView::Unspecified).is_none());
        assert!(view_of("inside").is_err());
    }
}
