//! Which fields of a design are shown, as the command line says it.

use clap::ValueEnum;
use touchstone_client::deposit::Opening;
use touchstone_core::designs::content;
use touchstone_core::designs::field::FieldName;
use touchstone_proto::ledger::DesignContent;

use crate::failure::Failure;

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
        self.shows_of(name, false)
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
}
