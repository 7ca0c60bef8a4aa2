//! What a deposit covers: files alone, or files with what each shows and with fields.
//!
//! `content root = H(design-content, file root ‖ view root ‖ digest of each place)`. Its tag tells it from a bare file
//! root, so a commitment opens in one of the two ways. A place without a field holds a decoy (RFC 9901, section
//! 4.2.5): nobody can tell whether an author is named before he is shown.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{DesignContent, DesignView};

use super::DesignRejection;
use super::design::{self, MAX_FILES};
use super::field::{DesignField, FIELD_PLACES, FieldName, SALT_BYTES};
use crate::hash::{self, Hash, tag};

/// What a deposit covers, as far as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedContent {
    /// What the commitment is to.
    pub root: Hash,
    /// What each file shows, in the order of the files; empty where the deposit covers files alone.
    pub views: Vec<DesignView>,
    /// The fields that are shown, each with its place, ascending.
    pub fields: Vec<(usize, DesignField)>,
}

/// The root over files, views and fields: `H(design-content, file root ‖ view root ‖ digests)`, where the view root is
/// `H(design-views, count as 8 bytes big-endian ‖ one byte for each file)`.
pub fn root(file_root: &Hash, views: &[DesignView], digests: &[Hash; FIELD_PLACES]) -> Hash {
    let count = (views.len() as u64).to_be_bytes();
    // The enum's numbers are below 256: `a_views_number_is_a_byte`.
    let shown: Vec<u8> = views.iter().map(|view| *view as i32 as u8).collect();
    let view_root = hash::tagged(tag::DESIGN_VIEWS, &[&count, &shown]);
    let mut parts: Vec<&[u8]> = vec![file_root, &view_root];
    parts.extend(digests.iter().map(Hash::as_slice));
    hash::tagged(tag::DESIGN_CONTENT, &parts)
}

impl OpenedContent {
    /// The title among the fields that are shown.
    pub fn title(&self) -> Option<&str> {
        let mut fields = self.fields.iter().map(|(_, field)| field);
        let title = fields.find(|field| field.name == FieldName::Title);
        title.map(|field| field.value.as_str())
    }

    /// Whether the deposit covers views and fields.
    pub fn covers_fields(&self) -> bool {
        !self.views.is_empty()
    }

    /// Requires of a title beside the content: where the deposit covers fields, it is the one that it covers.
    pub fn check_title(&self, title: &str) -> Result<(), DesignRejection> {
        match !self.covers_fields() || title == self.title().unwrap_or_default() {
            true => Ok(()),
            false => Err(DesignRejection::TitleCovered),
        }
    }
}

/// Reads what is shown of a deposit, its files' hashes and the rest, and checks all of it; gives the root that its
/// commitment must be to.
pub fn open(
    files: &[Hash],
    content: Option<&DesignContent>,
) -> Result<OpenedContent, DesignRejection> {
    if files.is_empty() || files.len() > MAX_FILES {
        return Err(DesignRejection::DesignShape);
    }
    let file_root = design::file_root(files);
    let Some(content) = content else {
        return Ok(OpenedContent {
            root: file_root,
            views: Vec::new(),
            fields: Vec::new(),
        });
    };
    let (views, digests) = shape(content, files.len()).ok_or(DesignRejection::ContentShape)?;
    let mut fields = Vec::with_capacity(content.disclosures.len());
    let mut next = 0;
    for disclosure in &content.disclosures {
        let field = DesignField::read(disclosure)?;
        let digest = field.digest();
        let place = digests.iter().position(|d| *d == digest);
        let place = place.filter(|place| field.name.places().contains(place));
        let place = place.ok_or(DesignRejection::FieldPlace(field.name.name()))?;
        // Rule: in the order of the places, each once.
        if place < next {
            return Err(DesignRejection::ContentShape);
        }
        next = place.saturating_add(1);
        fields.push((place, field));
    }
    Ok(OpenedContent {
        root: root(&file_root, &views, &digests),
        views,
        fields,
    })
}

/// Views and digests, where there is a view of each file and a digest of its own for each place.
fn shape(content: &DesignContent, files: usize) -> Option<(Vec<DesignView>, [Hash; FIELD_PLACES])> {
    let views = content.views.iter().copied().map(DesignView::try_from);
    let views: Vec<DesignView> = views.collect::<Result<_, _>>().ok()?;
    let digests = content.digests.iter().map(|d| d.as_slice().try_into());
    let digests: Vec<Hash> = digests.collect::<Result<_, _>>().ok()?;
    let digests: [Hash; FIELD_PLACES] = digests.try_into().ok()?;
    let mut sorted = digests;
    sorted.sort_unstable();
    let is_distinct = sorted.is_sorted_by(|a, b| a < b);
    (views.len() == files && is_distinct).then_some((views, digests))
}

/// The content of a new deposit with all its fields shown. `random` is 32 random bytes for each place: the salt of the
/// field there, or the preimage of a decoy.
pub fn seal(
    views: &[DesignView],
    fields: &[(FieldName, String)],
    random: &[[u8; 32]; FIELD_PLACES],
) -> Result<DesignContent, DesignRejection> {
    let mut digests = Vec::with_capacity(FIELD_PLACES);
    let mut disclosures = Vec::with_capacity(fields.len());
    for (place, bytes) in random.iter().enumerate() {
        let value = FieldName::ALL.into_iter().find_map(|name| {
            let number = place.checked_sub(name.places().start)?;
            let mut of_name = fields.iter().filter(|(n, _)| *n == name);
            let found = of_name.nth(number)?;
            name.places().contains(&place).then_some(found)
        });
        let digest = match value {
            Some((name, value)) => {
                let (salt, _) = bytes
                    .split_first_chunk::<SALT_BYTES>()
                    .unwrap_or((&[0; SALT_BYTES], &[]));
                let field = DesignField::new(*name, value, salt)?;
                let digest = field.digest();
                disclosures.push(field.disclosure);
                digest
            }
            None => hash::sha256(bytes),
        };
        digests.push(digest.to_vec());
    }
    for name in FieldName::ALL {
        if fields.iter().filter(|(n, _)| *n == name).count() > name.places().len() {
            return Err(DesignRejection::FieldPlace(name.name()));
        }
    }
    Ok(DesignContent {
        views: views.iter().map(|view| *view as i32).collect(),
        digests,
        disclosures,
    })
}

/// The same content with the fields alone that are to be shown.
pub fn showing(content: &DesignContent, is_shown: impl Fn(FieldName) -> bool) -> DesignContent {
    let disclosures = content.disclosures.iter();
    let shown =
        disclosures.filter(|d| DesignField::read(d).is_ok_and(|field| is_shown(field.name)));
    DesignContent {
        disclosures: shown.cloned().collect(),
        ..content.clone()
    }
}

#[cfg(test)]
mod tests;
