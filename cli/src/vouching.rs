//! Who vouched for a designer, for people and for machines.

use serde_json::{Value, json};
use touchstone_proto::ledger::{IdentityCheck, Vouching};

use crate::messages::Language;
use crate::output::{add_member, plain, utc};
use crate::say;

/// The ways to check a person, by the words of the command line.
pub const CHECKS: [(&str, IdentityCheck); 4] = [
    ("in-person", IdentityCheck::InPerson),
    ("remote", IdentityCheck::Remote),
    ("business-register", IdentityCheck::BusinessRegister),
    ("other", IdentityCheck::Other),
];

fn word(check: IdentityCheck) -> &'static str {
    let found = CHECKS.iter().find(|(_, known)| *known == check);
    found.map_or("unspecified", |(word, _)| word)
}

/// By whom and for how long, how it was checked, and whether that was taken back.
pub fn lines(language: Language, vouching: &Vouching, voucher_name: &str) -> Vec<String> {
    let how = match vouching.check() {
        IdentityCheck::InPerson => say!(language, "an identity document, shown in person"),
        IdentityCheck::Remote => say!(language, "an identity document, shown over a network"),
        IdentityCheck::BusinessRegister => say!(language, "the entry of a business register"),
        IdentityCheck::Other | IdentityCheck::Unspecified => say!(language, "in another way"),
    };
    let words = match vouching.check_words.as_str() {
        "" => how,
        words => format!("{how} ({})", plain(words)),
    };
    let words = match vouching.registered_as.as_str() {
        "" => words,
        number => format!("{words}, {}", plain(number)),
    };
    let mut lines = vec![
        say!(
            language,
            "{voucher} ({id}) vouches that it has checked who {name} is, from {from} to {until}",
            voucher = plain(voucher_name),
            id = plain(&vouching.voucher),
            name = plain(&vouching.name),
            from = utc(vouching.from_ms),
            until = utc(vouching.until_ms)
        ),
        say!(language, "checked by: {how}", how = words),
    ];
    if let Some(withdrawn) = &vouching.withdrawn {
        lines.push(say!(
            language,
            "withdrawn {time}: {why}; what was deposited before that stays deposited",
            time = utc(withdrawn.time_ms),
            why = plain(&withdrawn.reason)
        ));
    }
    lines
}

/// The same for machines, without what may become of it later: docs/examination.schema.json, `vouching`.
pub fn json_at_deposit(vouching: &Vouching) -> Value {
    json!({
        "voucher": vouching.voucher,
        "name": vouching.name,
        "check": word(vouching.check()),
        "check_words": vouching.check_words,
        "from_ms": vouching.from_ms,
        "until_ms": vouching.until_ms,
    })
}

/// All of it.
pub fn json(vouching: &Vouching) -> Value {
    let mut value = json_at_deposit(vouching);
    let number = vouching.registered_as.as_str();
    add_member(&mut value, "registered_as", number.into());
    let withdrawn = vouching.withdrawn.as_ref();
    add_member(
        &mut value,
        "withdrawn_ms",
        withdrawn.map(|w| w.time_ms).into(),
    );
    add_member(
        &mut value,
        "withdrawn_reason",
        withdrawn.map(|w| w.reason.as_str()).into(),
    );
    value
}
