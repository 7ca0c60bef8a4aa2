//! Earlier deposits of the same files, for people and for machines.

use serde_json::{Value, json};
use touchstone_client::earlier::{Earlier, EarlierDeposit};

use crate::messages::Language;
use crate::output::{plain, utc};
use crate::say;

/// One sentence for each earlier deposit, and what nothing is known of.
pub fn lines(language: Language, found: &Earlier) -> Vec<String> {
    let deposits = found.deposits.iter();
    let told = deposits.map(|deposit| {
        say!(
            language,
            "earlier: {deposit}",
            deposit = of_deposit(language, deposit)
        )
    });
    with_rest(told.collect(), language, found)
}

/// The same under a head that says that they are earlier.
pub fn rows(language: Language, found: &Earlier) -> Vec<String> {
    let deposits = found.deposits.iter();
    let told = deposits.map(|deposit| of_deposit(language, deposit));
    with_rest(told.collect(), language, found)
}

fn with_rest(mut lines: Vec<String>, language: Language, found: &Earlier) -> Vec<String> {
    if found.cut_short > 0 {
        lines.push(say!(
            language,
            "of files with more than 1000 disclosed deposits: {count}; not all of these were compared",
            count = found.cut_short
        ));
    }
    lines
}

/// That there is none among what can be seen.
pub fn none(language: Language) -> String {
    say!(
        language,
        "none of these files among disclosed designs; a deposit that isn't disclosed can't be compared"
    )
}

fn of_deposit(language: Language, deposit: &EarlierDeposit) -> String {
    let place = deposit.record.position.as_ref();
    say!(
        language,
        "{organisation} deposited file {file} with design {design}, {time}, block {height}",
        organisation = plain(&deposit.record.organisation),
        file = hex::encode(deposit.file),
        design = hex::encode(deposit.id),
        time = utc(deposit.record.time_ms),
        height = place.map_or(0, |p| p.height)
    )
}

/// The same for machines.
pub fn json(found: &Earlier) -> Value {
    let deposits = found.deposits.iter().map(|deposit| {
        let place = deposit.record.position.as_ref();
        json!({
            "design_id": hex::encode(deposit.id),
            "file_sha256": hex::encode(deposit.file),
            "organisation": deposit.record.organisation,
            "deposited_height": place.map_or(0, |p| p.height),
            "deposited_ms": deposit.record.time_ms,
        })
    });
    json!({
        "deposits": deposits.collect::<Vec<_>>(),
        "complete_among_disclosed": found.cut_short == 0,
    })
}
