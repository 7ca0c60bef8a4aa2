//! What a credential shows of views and fields, and whether the ledger proves it.

use serde::{Deserialize, Serialize};
use touchstone_core::designs::field::{DesignField, FieldName};

use super::facts::CertificateFacts;
use crate::fields;

/// What a deposit covers beside its files, as far as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialContent {
    /// The view that each file is; null: none.
    pub views: Vec<Option<String>>,
    /// The fields.
    pub fields: Vec<CredentialField>,
}

/// A field that is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialField {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What shows it, in RFC 9901's form.
    pub disclosure: String,
}

impl CredentialField {
    /// The field, where name, value and disclosure say the same.
    fn read(&self) -> Option<DesignField> {
        let field = DesignField::read(&self.disclosure).ok()?;
        let agrees = field.name.name() == self.name && field.value == self.value;
        agrees.then_some(field)
    }
}

impl CredentialContent {
    /// What is shown of a deposit beside its files; nothing where it covers files alone.
    pub fn of(facts: &CertificateFacts) -> Option<CredentialContent> {
        let field = |field: &DesignField| CredentialField {
            name: field.name.name().to_owned(),
            value: field.value.clone(),
            disclosure: field.disclosure.clone(),
        };
        let views = facts.files.iter().map(|file| fields::view_name(file.view));
        facts.covers_fields.then(|| CredentialContent {
            views: views.map(|name| name.map(str::to_owned)).collect(),
            fields: facts.fields.iter().map(field).collect(),
        })
    }

    /// The fields by name.
    pub fn named(&self) -> Vec<(FieldName, String)> {
        let fields = self.fields.iter().filter_map(CredentialField::read);
        fields.map(|field| (field.name, field.value)).collect()
    }

    /// Whether the fields, and the title beside them, say what their disclosures say; there are as many views as files.
    pub fn agrees(&self, files: usize, title: Option<&String>) -> bool {
        let mut titles = self
            .fields
            .iter()
            .filter(|f| f.name == FieldName::Title.name());
        self.fields.iter().all(|field| field.read().is_some())
            && self.views.len() == files
            && title == titles.next().map(|field| &field.value)
    }

    /// Whether the commitment, which is opened, covers all of it.
    pub fn is_proven(&self, facts: &CertificateFacts) -> bool {
        let is_covered = |field: &CredentialField| {
            let Some(field) = field.read() else {
                return false;
            };
            let digests = facts.field_digests.get(field.name.places());
            digests.is_some_and(|digests| digests.contains(&field.digest()))
        };
        let views = CredentialContent::of(facts).map(|content| content.views);
        views.as_ref() == Some(&self.views) && self.fields.iter().all(is_covered)
    }
}
