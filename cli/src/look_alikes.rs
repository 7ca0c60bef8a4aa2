//! What the ledger compared of a design, for people and for machines.

use serde_json::{Value, json};
use touchstone_core::state;
use touchstone_pictures::{BITS, Hit, Variant};
use touchstone_proto::ledger::{ComparedPicture, LookAlike, LookAlikes};

use crate::messages::{Language, Speech};
use crate::output::{counted, utc};
use crate::say;

/// One sentence for each picture, and one for each look-alike.
pub fn lines(language: Language, compared: &LookAlikes) -> Vec<String> {
    let searched = compared.searched.unwrap_or_default();
    let mut lines = vec![say!(
        language,
        "compared with all that were published before: {pictures} of {designs}",
        pictures = language.line(&counted(searched.pictures, "picture")),
        designs = language.line(&counted(searched.designs, "design"))
    )];
    for picture in &compared.pictures {
        lines.extend(of_picture(language, picture));
    }
    lines
}

/// "Look here: distance 14 of 256, mirrored".
pub fn look_here(language: Language, hit: &Hit) -> String {
    let turned = language.term(hit.variant.name());
    match hit.is_trimmed {
        false => say!(
            language,
            "Look here: distance {distance} of {bits}, {turned}",
            distance = hit.distance,
            bits = BITS,
            turned = turned
        ),
        true => say!(
            language,
            "Look here: distance {distance} of {bits}, {turned}, without its border",
            distance = hit.distance,
            bits = BITS,
            turned = turned
        ),
    }
}

fn of_picture(language: Language, picture: &ComparedPicture) -> Vec<String> {
    let fingerprint = picture.fingerprint.clone().unwrap_or_default();
    let file = hex::encode(&fingerprint.file_hash);
    let is_comparable = state::stored_fingerprint(&fingerprint).is_ok_and(|f| f.is_comparable());
    if !is_comparable {
        return vec![say!(
            language,
            "{file}: too little to see, never matched",
            file = file
        )];
    }
    let mut lines = vec![say!(
        language,
        "{file}: look-alikes: {found}",
        file = file,
        found = picture.found
    )];
    for candidate in &picture.candidates {
        let mut line = look_here(language, &hit(candidate));
        line.push_str(&say!(
            language,
            "; design {design}, deposited {time} by {organisation}",
            design = hex::encode(&candidate.design_id),
            time = utc(candidate.deposited_ms),
            organisation = candidate.organisation
        ));
        lines.push(line);
    }
    lines
}

fn hit(candidate: &LookAlike) -> Hit {
    Hit {
        distance: candidate.distance,
        number: candidate.number,
        variant: Variant::from_number(candidate.variant).unwrap_or_default(),
        is_trimmed: candidate.part == 1,
    }
}

/// The same for machines: docs/examination.schema.json, `look_alikes`.
pub fn json(compared: &LookAlikes) -> Value {
    let searched = compared.searched.unwrap_or_default();
    json!({
        "specification": hex::encode(&compared.specification),
        "time_ms": compared.time_ms,
        "pictures_searched": searched.pictures,
        "designs_searched": searched.designs,
        "pictures": compared.pictures.iter().map(picture_json).collect::<Vec<_>>(),
    })
}

fn picture_json(picture: &ComparedPicture) -> Value {
    let fingerprint = picture.fingerprint.clone().unwrap_or_default();
    json!({
        "file_sha256": hex::encode(&fingerprint.file_hash),
        "whole": hex::encode(&fingerprint.whole),
        "trimmed": hex::encode(&fingerprint.trimmed),
        "whole_quality": fingerprint.whole_quality,
        "trimmed_quality": fingerprint.trimmed_quality,
        "found": picture.found,
        "candidates": picture.candidates.iter().map(candidate_json).collect::<Vec<_>>(),
    })
}

fn candidate_json(candidate: &LookAlike) -> Value {
    json!({
        "number": candidate.number,
        "design_id": hex::encode(&candidate.design_id),
        "file_sha256": hex::encode(&candidate.file_hash),
        "distance": candidate.distance,
        "variant": candidate.variant,
        "part": candidate.part,
        "organisation": candidate.organisation,
        "deposited_height": candidate.deposited.as_ref().map_or(0, |p| p.height),
        "deposited_ms": candidate.deposited_ms,
    })
}
