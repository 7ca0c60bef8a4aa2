//! The GS1 keys that identify things, classes, places and parties, and what their values look like
//! (GS1 General Specifications §3; the same facts as in the GS1 syntax dictionary).
//!
//! Consensus-critical: yes

use super::IdentifierError;
use super::check::{check_digit, check_pair};

/// A GS1 key with its qualifiers, checked.
#[derive(Debug)]
pub(super) struct Gs1Key {
    primary: &'static Primary,
    value: String,
    qualifiers: Vec<(&'static str, String)>,
}

/// Whether a key names one thing or all things of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Level {
    Instance,
    Class,
}

/// The characters that a value may have.
#[derive(Clone, Copy, Debug)]
enum Characters {
    Digits,
    /// GS1 AI encodable character set 82 (General Specifications, figure 7.11-1).
    Set82,
    /// GS1 AI encodable character set 39 (figure 7.11-2).
    Set39,
}

/// The form of a primary key's value: so many digits, the last of `checked` of them being a check
/// digit, then up to `rest` further characters.
#[derive(Debug)]
pub(super) struct Primary {
    ai: &'static str,
    name: &'static str,
    digits: usize,
    checked: usize,
    rest: Option<(Characters, usize)>,
    /// Whether the last two characters are check characters.
    pair: bool,
    /// Sets of qualifiers that may follow, in their order; any may be left out.
    qualifiers: &'static [&'static [&'static str]],
    instance: InstanceIf,
}

/// When a key names one thing.
#[derive(Debug)]
enum InstanceIf {
    Always,
    /// Its value goes on after the digits.
    Serial,
    /// One of these qualifiers follows.
    Qualified(&'static [&'static str]),
}

const fn key(ai: &'static str, name: &'static str, digits: usize, checked: usize) -> Primary {
    Primary {
        ai,
        name,
        digits,
        checked,
        rest: None,
        pair: false,
        qualifiers: &[],
        instance: InstanceIf::Always,
    }
}

const PRIMARIES: &[Primary] = &[
    key("00", "SSCC: a logistic unit", 18, 18), // SSCC
    Primary {
        // GTIN; TPX (235) is the serial number under the EU tobacco rules
        qualifiers: &[&["22", "10", "21"], &["235"]],
        instance: InstanceIf::Qualified(&["21", "235"]),
        ..key("01", "GTIN: a trade item", 14, 14)
    },
    Primary {
        // GDTI
        rest: Some((Characters::Set82, 17)),
        instance: InstanceIf::Serial,
        ..key("253", "GDTI: a document", 13, 13)
    },
    Primary {
        // GCN
        rest: Some((Characters::Digits, 12)),
        instance: InstanceIf::Serial,
        ..key("255", "GCN: a coupon", 13, 13)
    },
    Primary {
        rest: Some((Characters::Set82, 30)),
        ..key("401", "GINC: a consignment", 0, 0)
    }, // GINC
    key("402", "GSIN: a shipment", 17, 17), // GSIN
    Primary {
        qualifiers: &[&["254"]],
        ..key("414", "GLN: a place", 13, 13)
    }, // GLN of a place
    Primary {
        qualifiers: &[&["8020"]],
        ..key("415", "GLN: an invoicing party", 13, 13)
    }, // GLN of an invoicing party; 8020 is the slip that asks for the payment
    key("417", "GLN: a party", 13, 13),     // GLN of a party
    Primary {
        // GRAI, after a leading zero
        rest: Some((Characters::Set82, 16)),
        instance: InstanceIf::Serial,
        ..key("8003", "GRAI: a returnable asset", 14, 14)
    },
    Primary {
        rest: Some((Characters::Set82, 30)),
        ..key("8004", "GIAI: an individual asset", 0, 0)
    }, // GIAI
    Primary {
        // ITIP: the GTIN, the piece's number, the count of pieces
        qualifiers: &[&["22", "10", "21"]],
        instance: InstanceIf::Qualified(&["21"]),
        ..key("8006", "ITIP: a piece of a trade item", 18, 14)
    },
    Primary {
        // CPID
        rest: Some((Characters::Set39, 30)),
        qualifiers: &[&["8011"]],
        instance: InstanceIf::Qualified(&["8011"]),
        ..key("8010", "CPID: a component or part", 0, 0)
    },
    Primary {
        // GMN
        rest: Some((Characters::Set82, 25)),
        pair: true,
        instance: InstanceIf::Qualified(&[]),
        ..key("8013", "GMN: a model", 0, 0)
    },
    Primary {
        qualifiers: &[&["8019"]],
        ..key("8017", "GSRN: a provider of a service", 18, 18)
    }, // GSRN of a provider
    Primary {
        qualifiers: &[&["8019"]],
        ..key("8018", "GSRN: a recipient of a service", 18, 18)
    }, // GSRN of a recipient
];

/// Qualifiers: the characters and the greatest length.
const QUALIFIERS: &[(&str, Characters, usize)] = &[
    ("10", Characters::Set82, 20),
    ("21", Characters::Set82, 20),
    ("22", Characters::Set82, 20),
    ("235", Characters::Set82, 28),
    ("254", Characters::Set82, 20),
    ("8011", Characters::Digits, 12),
    ("8019", Characters::Digits, 10),
    ("8020", Characters::Set82, 25),
];

/// The primary key of an application identifier.
pub(super) fn primary(ai: &str) -> Option<&'static Primary> {
    PRIMARIES.iter().find(|primary| primary.ai == ai)
}

/// The qualifier of an application identifier.
pub(super) fn qualifier(ai: &str) -> Option<&'static str> {
    QUALIFIERS
        .iter()
        .map(|(known, ..)| *known)
        .find(|known| *known == ai)
}

/// The level of a key with this value and at most one qualifier, none of it percent-encoded, if [`Gs1Key::new`] takes
/// it and leaves out nothing.
pub(super) fn level_as_written(
    ai: &str,
    value: &str,
    qualifier: Option<(&str, &str)>,
) -> Option<Level> {
    let key = primary(ai)?;
    key.check(value).ok()?;
    let Some((ai, qualified)) = qualifier else {
        return Some(key.level(value, std::iter::empty()));
    };
    let ai = self::qualifier(ai)?;
    let may_follow = key.qualifiers.iter().any(|set| set.contains(&ai));
    let is_left_out = ai == "254" && qualified == "0";
    if !may_follow || is_left_out || check_qualifier(ai, qualified).is_err() {
        return None;
    }
    Some(key.level(value, std::iter::once(ai)))
}

impl Gs1Key {
    /// Checks a value and its qualifiers, none of them percent-encoded, and leaves out what isn't
    /// part of the identity.
    pub(super) fn new(
        primary: &'static Primary,
        value: String,
        qualifiers: Vec<(&'static str, String)>,
    ) -> Result<Gs1Key, IdentifierError> {
        primary.check(&value)?;
        let mut order = None;
        for set in primary.qualifiers {
            if is_subsequence(qualifiers.iter().map(|(ai, _)| *ai), set) {
                order = Some(set);
            }
        }
        if order.is_none() && !qualifiers.is_empty() {
            return Err(IdentifierError::LinkPath);
        }
        for (ai, value) in &qualifiers {
            check_qualifier(ai, value)?;
        }
        let mut key = Gs1Key {
            primary,
            value,
            qualifiers,
        };
        key.drop_what_does_not_identify();
        Ok(key)
    }

    /// EPCs know a thing by its serial number alone (TDS 2.0 §6.3.1, §6.3.13), and a place's
    /// extension `0` means none (§6.3.3).
    fn drop_what_does_not_identify(&mut self) {
        if self.qualifiers.iter().any(|(ai, _)| *ai == "21") {
            self.qualifiers.retain(|(ai, _)| *ai == "21");
        }
        self.qualifiers
            .retain(|(ai, value)| *ai != "254" || value != "0");
    }

    pub(super) fn is_class(&self) -> bool {
        self.level() == Level::Class
    }

    pub(super) fn level(&self) -> Level {
        let qualifiers = self.qualifiers.iter().map(|(ai, _)| *ai);
        self.primary.level(&self.value, qualifiers)
    }

    /// The application identifier of the key itself.
    pub(super) fn ai(&self) -> &'static str {
        self.primary.ai
    }

    /// The key's own value.
    pub(super) fn value(&self) -> &str {
        &self.value
    }

    /// The value of a qualifier.
    pub(super) fn qualified(&self, ai: &str) -> Option<&str> {
        self.qualifiers
            .iter()
            .find(|(known, _)| *known == ai)
            .map(|(_, value)| value.as_str())
    }

    /// The application identifiers of the qualifiers, in their order.
    pub(super) fn qualifier_ais(&self) -> Vec<&'static str> {
        self.qualifiers.iter().map(|(ai, _)| *ai).collect()
    }

    /// The name of the kind of key, with its usual abbreviation.
    pub(super) fn name(&self) -> &'static str {
        self.primary.name
    }

    /// The application identifiers and their values, the key's own first.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        std::iter::once((self.primary.ai, self.value.as_str())).chain(
            self.qualifiers
                .iter()
                .map(|(ai, value)| (*ai, value.as_str())),
        )
    }
}

impl Primary {
    /// The qualifiers that may follow, in their order; where there are two sets, one's after the
    /// other's.
    pub(super) fn qualifiers_in_order(&self) -> impl Iterator<Item = &'static str> {
        self.qualifiers.iter().flat_map(|set| set.iter().copied())
    }

    fn level(&self, value: &str, mut qualifiers: impl Iterator<Item = &'static str>) -> Level {
        let instance = match &self.instance {
            InstanceIf::Always => true,
            InstanceIf::Serial => value.len() > self.digits,
            InstanceIf::Qualified(by) => qualifiers.any(|ai| by.contains(&ai)),
        };
        if instance {
            Level::Instance
        } else {
            Level::Class
        }
    }

    fn check(&self, value: &str) -> Result<(), IdentifierError> {
        let bad = IdentifierError::Value(self.ai);
        let Some((digits, rest)) = value.split_at_checked(self.digits) else {
            return Err(bad);
        };
        if !fits(digits, Characters::Digits) || !self.rest_fits(rest) {
            return Err(bad);
        }
        // The leading zero of a GRAI fills its 13 digits up to 14.
        if self.ai == "8003" && !value.starts_with('0') {
            return Err(bad);
        }
        if self.ai == "8006" && !piece_of_total(digits.get(self.checked..).unwrap_or_default()) {
            return Err(bad);
        }
        if self.pair {
            return self.check_pair(value);
        }
        self.check_digit(digits)
    }

    fn check_pair(&self, value: &str) -> Result<(), IdentifierError> {
        let bad = IdentifierError::Value(self.ai);
        // A company prefix, one character of the model at least, and the pair.
        let end = value.len().checked_sub(2).filter(|end| *end > 4);
        let (body, found) = end
            .and_then(|end| value.split_at_checked(end))
            .ok_or(bad.clone())?;
        let expected = check_pair(body).ok_or(bad)?;
        if found == expected {
            return Ok(());
        }
        Err(IdentifierError::CheckPair {
            ai: self.ai,
            expected,
        })
    }

    fn rest_fits(&self, rest: &str) -> bool {
        let Some((characters, most)) = self.rest else {
            return rest.is_empty();
        };
        // Keys without fixed digits begin with a company prefix, which has four digits at least.
        let prefix_fits = self.digits > 0
            || rest
                .as_bytes()
                .first_chunk::<4>()
                .is_some_and(|p| p.iter().all(u8::is_ascii_digit))
                && rest.len() > 4;
        rest.len() <= most && fits(rest, characters) && prefix_fits
    }

    fn check_digit(&self, digits: &str) -> Result<(), IdentifierError> {
        let Some((body, found)) = self
            .checked
            .checked_sub(1)
            .and_then(|body| digits.split_at_checked(body))
            .and_then(|(body, rest)| Some((body, rest.chars().next()?)))
        else {
            return Ok(());
        };
        let expected = check_digit(body);
        if found == expected {
            Ok(())
        } else {
            Err(IdentifierError::CheckDigit {
                ai: self.ai,
                found,
                expected,
            })
        }
    }
}

fn check_qualifier(ai: &'static str, value: &str) -> Result<(), IdentifierError> {
    let form = QUALIFIERS.iter().find(|(known, ..)| *known == ai);
    let fits_form = form.is_some_and(|&(_, characters, most)| {
        !value.is_empty() && value.len() <= most && fits(value, characters)
    });
    // A component's serial number is a number without leading zeros.
    let leading_zero = ai == "8011" && value.starts_with('0') && value != "0";
    if fits_form && !leading_zero {
        Ok(())
    } else {
        Err(IdentifierError::Value(ai))
    }
}

fn fits(value: &str, characters: Characters) -> bool {
    value.bytes().all(|b| match characters {
        Characters::Digits => b.is_ascii_digit(),
        Characters::Set82 => b.is_ascii_alphanumeric() || b"!\"%&'()*+,-./:;<=>?_".contains(&b),
        Characters::Set39 => b.is_ascii_digit() || b.is_ascii_uppercase() || b"#-/".contains(&b),
    })
}

/// Two digits for the piece and two for the count of pieces: the piece is one of them.
fn piece_of_total(digits: &str) -> bool {
    digits
        .split_at_checked(2)
        .is_some_and(|(piece, total)| piece != "00" && piece <= total)
}

fn is_subsequence<'a>(mut found: impl Iterator<Item = &'a str>, order: &[&str]) -> bool {
    let mut rest = order.iter();
    found.all(|ai| rest.any(|known| *known == ai))
}

/// Every application identifier with its form in the notation of the General Specifications.
#[cfg(test)]
pub(super) fn formats() -> impl Iterator<Item = (&'static str, String)> {
    let letter = |characters| match characters {
        Characters::Digits => 'N',
        Characters::Set82 => 'X',
        Characters::Set39 => 'Y',
    };
    let rest = move |(characters, most)| format!("{}..{most}", letter(characters));
    let primary = move |primary: &'static Primary| match (primary.digits, primary.rest) {
        (digits, None) => format!("N{digits}"),
        (0, Some(tail)) => rest(tail),
        (digits, Some(tail)) => format!("N{digits}+{}", rest(tail)),
    };
    let qualifiers = QUALIFIERS
        .iter()
        .map(move |&(ai, characters, most)| (ai, rest((characters, most))));
    PRIMARIES
        .iter()
        .map(move |key| (key.ai, primary(key)))
        .chain(qualifiers)
}

/// The first order of qualifiers that a key may have.
#[cfg(test)]
pub(super) fn qualifier_order(primary: &'static Primary) -> &'static [&'static str] {
    primary.qualifiers.first().copied().unwrap_or_default()
}
