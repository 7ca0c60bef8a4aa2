//! Where a credential's status is found: an index of its issuer's status list.

use serde::{Deserialize, Serialize};

/// What a set bit means: the credential is to be relied on no more.
pub const PURPOSE: &str = "revocation";

/// Where a credential's status is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StatusEntry {
    /// The list's address, a number sign, the index.
    pub id: String,
    /// Always `BitstringStatusListEntry`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Always `revocation`.
    pub status_purpose: String,
    /// The index, a decimal number.
    pub status_list_index: String,
    /// The list's address.
    pub status_list_credential: String,
}

impl StatusEntry {
    /// The entry of an index.
    pub fn of(url: &str, index: usize) -> StatusEntry {
        StatusEntry {
            id: format!("{url}#{index}"),
            kind: "BitstringStatusListEntry".to_owned(),
            status_purpose: PURPOSE.to_owned(),
            status_list_index: index.to_string(),
            status_list_credential: url.to_owned(),
        }
    }

    /// Whether its parts say the same.
    pub fn agrees(&self) -> bool {
        let index: Option<usize> = self.status_list_index.parse().ok();
        index.is_some_and(|index| *self == StatusEntry::of(&self.status_list_credential, index))
    }
}
