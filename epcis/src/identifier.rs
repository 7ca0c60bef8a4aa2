//! Identifiers of things, classes, places and parties in one canonical form.
//!
//! The same pallet may be written as an EPC URN (`urn:epc:id:sscc:…`) or as a GS1 Digital Link on
//! anybody's domain. All of these become one string, `https://id.gs1.org/00/…`, so that the same
//! thing has one link on the ledger. Other absolute URIs are kept as they are.
//!
//! Consensus-critical: yes

mod check;
mod digital_link;
mod element_string;
mod keys;
mod urn;

use thiserror::Error;

use keys::{Gs1Key, Level};

/// The longest identifier that is accepted, in bytes.
pub const MAX_IDENTIFIER_BYTES: usize = 512;

/// A canonical identifier: a GS1 Digital Link such as
/// `https://id.gs1.org/01/09521234500018/21/A1`, or a URI from outside GS1.
///
/// What makes a GS1 identifier canonical: the domain `id.gs1.org`; only the key and the qualifiers
/// that are part of the identity (a batch number beside a serial number is not; a location's
/// extension `0` means none); 14 digits of a GTIN; percent-encoding exactly where EPC URNs have it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    uri: String,
    level: Option<Level>,
}

impl Identifier {
    /// Reads an EPC URN (TDS 2.0 §6, §8), a GS1 Digital Link (1.3, uncompressed) or any other
    /// absolute URI.
    ///
    /// An address outside `id.gs1.org` that merely resembles a Digital Link (a wrong check digit,
    /// say) is somebody's own URI and kept as it is; at `id.gs1.org` it is refused. A Digital
    /// Link's query of attributes is no part of the identity and is left out.
    pub fn parse(text: &str) -> Result<Identifier, IdentifierError> {
        if text.len() > MAX_IDENTIFIER_BYTES {
            return Err(IdentifierError::TooLong { bytes: text.len() });
        }
        if !is_uri(text) {
            return Err(IdentifierError::NotUri);
        }
        // Most are: they needn't be taken apart and written again.
        if let Some(level) = digital_link::level_of_canonical(text) {
            return Ok(Identifier {
                uri: text.to_owned(),
                level: Some(level),
            });
        }
        if let Some(key) = urn::read(text)? {
            return Ok(Identifier::of_key(&key));
        }
        if let Some(key) = digital_link::read(text)? {
            return Ok(Identifier::of_key(&key));
        }
        Ok(Identifier {
            uri: text.to_owned(),
            level: None,
        })
    }

    /// Reads what a person or a scanner gives: what [`Identifier::parse`] reads, a GTIN or an SSCC as
    /// bare digits, element strings with FNC1 or in brackets. An event holds URIs alone.
    ///
    /// ```
    /// use touchstone_epcis::Identifier;
    ///
    /// let lamp = "https://id.gs1.org/01/09521234500018/21/A1";
    /// for text in [
    ///     "(01)09521234500018(21)A1",
    ///     "]d20109521234500018\u{1d}21A1",
    ///     "010952123450001821A1",
    ///     lamp,
    /// ] {
    ///     assert_eq!(Identifier::read(text)?.as_str(), lamp);
    /// }
    /// assert_eq!(Identifier::read("9521234500018")?.as_str(), "https://id.gs1.org/01/09521234500018");
    /// # Ok::<(), touchstone_epcis::IdentifierError>(())
    /// ```
    pub fn read(text: &str) -> Result<Identifier, IdentifierError> {
        if text.len() > MAX_IDENTIFIER_BYTES {
            return Err(IdentifierError::TooLong { bytes: text.len() });
        }
        match element_string::read(text)? {
            Some(key) => Ok(Identifier::of_key(&key)),
            None => Identifier::parse(text),
        }
    }

    /// The same for a place or a party: 13 digits alone are its GLN, as a label shows it, and no GTIN.
    ///
    /// ```
    /// use touchstone_epcis::Identifier;
    ///
    /// let dock = "https://id.gs1.org/414/9521234000013";
    /// for text in ["9521234000013", "(414)9521234000013", "4149521234000013", dock] {
    ///     assert_eq!(Identifier::read_place(text)?.as_str(), dock);
    /// }
    /// # Ok::<(), touchstone_epcis::IdentifierError>(())
    /// ```
    pub fn read_place(text: &str) -> Result<Identifier, IdentifierError> {
        let digits = text.trim_matches([' ', '\t', '\r', '\n']);
        let is_gln = digits.len() == 13 && digits.bytes().all(|b| b.is_ascii_digit());
        match is_gln {
            true => Identifier::read(&format!("(414){digits}")),
            false => Identifier::read(text),
        }
    }

    /// The canonical form.
    pub fn as_str(&self) -> &str {
        &self.uri
    }

    /// Whether it is a GS1 key that names a class of things (a GTIN, with or without a batch),
    /// not one thing. A URI from outside GS1 doesn't tell, so it is none.
    pub fn is_class(&self) -> bool {
        self.level == Some(Level::Class)
    }

    /// Whether it is a GS1 key that names one thing, place or party. A URI from outside GS1
    /// doesn't tell, so it is none.
    pub fn is_instance(&self) -> bool {
        self.level == Some(Level::Instance)
    }

    /// What kind of GS1 key it is, such as `SSCC: a logistic unit`; none for a URI from outside
    /// GS1.
    pub fn kind(&self) -> Option<&'static str> {
        self.key().map(|key| key.name())
    }

    /// The application identifiers and their values, the key's own first; none for a URI from
    /// outside GS1.
    pub fn parts(&self) -> Vec<(&'static str, String)> {
        let key = self.key();
        let parts = key.iter().flat_map(Gs1Key::parts);
        parts.map(|(ai, value)| (ai, value.to_owned())).collect()
    }

    /// The EPC URN (TDS 2.0 §6.3, §8), for which the number of digits of the company's GS1 prefix
    /// must be known: the key doesn't tell. A URI from outside GS1 stays as it is.
    ///
    /// ```
    /// use touchstone_epcis::{Identifier, UrnError};
    ///
    /// let pallet = Identifier::parse("https://id.gs1.org/00/095212340000000150")?;
    /// assert_eq!(pallet.to_urn(None), Err(UrnError::PrefixLengthUnknown));
    /// let urn = pallet.to_urn(Some(7));
    /// assert_eq!(urn.as_deref(), Ok("urn:epc:id:sscc:9521234.0000000015"));
    /// # Ok::<(), touchstone_epcis::IdentifierError>(())
    /// ```
    pub fn to_urn(&self, prefix_digits: Option<usize>) -> Result<String, UrnError> {
        match self.key() {
            Some(key) => urn::write(&key, prefix_digits),
            None => Ok(self.uri.clone()),
        }
    }

    /// The key of a canonical Digital Link.
    fn key(&self) -> Option<Gs1Key> {
        self.level?;
        digital_link::read(&self.uri).ok().flatten()
    }

    fn of_key(key: &Gs1Key) -> Identifier {
        Identifier {
            uri: digital_link::write(key),
            level: Some(key.level()),
        }
    }
}

impl std::fmt::Display for Identifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.uri)
    }
}

/// Why an identifier has no EPC URN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UrnError {
    /// TDS 2.0 §6.3: a URN says where the company's prefix ends.
    #[error(
        "an EPC URN says how many digits the company's GS1 prefix has, and the key doesn't tell; \
         give the number, 6 to 12: it stands in the company's GS1 licence"
    )]
    PrefixLengthUnknown,
    /// GS1 General Specifications §1.4.4: prefixes have 4 to 12 digits; in URNs 6 to 12.
    #[error("a GS1 company prefix in a URN has 6 to 12 digits, not {digits}")]
    PrefixLength {
        /// What was given.
        digits: usize,
    },
    /// The key is shorter than the prefix, or isn't made of digits there.
    #[error("the key has no company prefix of {digits} digits with a reference after it")]
    PrefixTooLong {
        /// What was given.
        digits: usize,
    },
    /// TDS 2.0 §6.3: there are no URNs of consumer product variants, of pieces with a batch, of
    /// service relation instances, of models and of invoicing parties.
    #[error("no kind of EPC URN names this key with these qualifiers")]
    NoUrn,
}

/// Why a text is no identifier.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IdentifierError {
    /// Size limit of this ledger.
    #[error("it has {bytes} bytes, and at most {MAX_IDENTIFIER_BYTES} are accepted")]
    TooLong {
        /// Found size.
        bytes: usize,
    },
    /// RFC 3986 §4.3.
    #[error("it isn't an absolute URI; percent-encode what RFC 3986 doesn't allow")]
    NotUri,
    /// TDS 2.0 §6.3: kinds of EPC URN.
    #[error("this kind of EPC URN isn't used for things, classes, places or parties in EPCIS")]
    UnknownEpcScheme,
    /// TDS 2.0 §6.3: the parts of an EPC URN.
    #[error(
        "the parts between its dots don't have the form of {0}; see GS1's EPC Tag Data Standard"
    )]
    EpcParts(&'static str),
    /// GS1 General Specifications §7.8: element strings of a barcode.
    #[error(
        "it is no GS1 element string: {0}; write (01)09521234500018(21)A1, or an EPC URN or GS1 \
         Digital Link"
    )]
    ElementString(&'static str),
    /// GS1 Digital Link 1.3 §4: a key and its value, then qualifiers in their order.
    #[error(
        "its path isn't a GS1 key with its qualifiers, such as /01/09521234500018/21/A1; \
         percent-encode / ? # % & < > in values"
    )]
    LinkPath,
    /// GS1 General Specifications §3: length and characters of a key or qualifier.
    #[error("the value of the application identifier ({0}) has a wrong length or character")]
    Value(&'static str),
    /// GS1 General Specifications §7.9.
    #[error("the check digit of ({ai}) is {found} and must be {expected}; is a digit mistyped?")]
    CheckDigit {
        /// The application identifier.
        ai: &'static str,
        /// The digit that was given.
        found: char,
        /// The digit that the others give.
        expected: char,
    },
    /// GS1 General Specifications §7.9.5.
    #[error("the two check characters of ({ai}) must be {expected}; is a character mistyped?")]
    CheckPair {
        /// The application identifier.
        ai: &'static str,
        /// The pair that the others give.
        expected: String,
    },
    /// EPCIS 2.0 §7.3.3: a thing's list holds things.
    #[error("it names a class of things, not one thing; put it in a quantity list")]
    ClassNotInstance,
    /// EPCIS 2.0 §7.3.3: a quantity list holds classes.
    #[error("it names one thing, not a class of things; put it in a list of EPCs")]
    InstanceNotClass,
}

/// Whether a text is an absolute URI, with or without fragment: a scheme, a colon, and characters
/// that RFC 3986 allows.
pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let scheme_fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let bytes = rest.as_bytes();
    let mut has_fragment = false;
    let rest_fits = (0..).zip(bytes).all(|(at, byte): (usize, &u8)| match byte {
        b'%' => {
            let after = bytes.get(at + 1..).and_then(<[u8]>::first_chunk::<2>);
            after.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
        }
        // One fragment at most.
        b'#' => !std::mem::replace(&mut has_fragment, true),
        byte => is_in_uri(*byte),
    });
    scheme_fits && !rest.is_empty() && rest_fits
}

/// Whether a byte may stand in a URI, wherever it stands; `%` and `#` may in some places.
fn is_in_uri(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9')
        || matches!(
            byte,
            b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?' | b'[' | b']' | b'@'
        )
        || matches!(
            byte,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
        )
}

/// The canonical form of a Digital Link whose end is left open: `https://shop.example/01/09521234500018/21/A`
/// begins what `https://id.gs1.org/01/09521234500018/21/A` begins. None if it is no such link.
pub(super) fn link_start(text: &str) -> Option<String> {
    digital_link::start(text)
}

/// Undoes percent-encoding. GS1 values are ASCII, so anything else is none.
fn percent_decode(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut decoded = parts.next()?.to_owned();
    for part in parts {
        let byte = u8::from_str_radix(part.get(..2)?, 16)
            .ok()
            .filter(u8::is_ascii)?;
        decoded.push(char::from(byte));
        decoded.push_str(part.get(2..)?);
    }
    Some(decoded)
}

#[cfg(test)]
mod tests;
