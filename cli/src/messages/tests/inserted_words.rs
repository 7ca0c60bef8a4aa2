//! Words of the program that failures insert into their sentences: each is said in Chinese, or is a name.

use touchstone_language::templates::{inserted, insertions};
use touchstone_language::words;

use super::*;

/// What stands in a failure's field.
enum Text {
    /// Words of the program, by where sources put them there: see [`inserted`].
    Words(&'static [&'static str]),
    /// The same, one by one.
    Given(&'static [&'static str]),
    /// Names that no language has: of members, parameters, formats, application identifiers.
    Names,
    /// A sentence of the tables.
    Sentence,
}

use Text::{Given, Names, Sentence, Words};

/// Every field of a failure that holds a text of the program.
const FIELDS: [(&str, Text); 51] = [
    (
        "BadCredential::Disagrees",
        Given(&[
            "context",
            "type",
            "id",
            "date",
            "proof's date",
            "subject's type",
            "status",
            "content",
        ]),
    ),
    (
        "BadDer.part",
        Given(&[
            "the token",
            "the token's certificates",
            "the signed attributes",
            "a signed attribute",
            "the authority's name",
            "the token's extensions",
            "the token's accuracy",
            "a certificate",
            "a certificate's content",
            "a name",
            "TSTInfo",
        ]),
    ),
    ("BadGenesis::Parameter", Names),
    ("BadPulse::Field", Names),
    ("BadPulseFile::PulseField", Names),
    ("BadQuery::Word.allowed", Words(&["self.no_word(text, "])),
    ("CaptureError::Journal.doing", Sentence),
    ("CaptureError::JournalLine.reason", Sentence),
    ("CaseRejection::Full", Words(&["CaseRejection::Full("])),
    (
        "CaseRejection::NotOpen",
        Words(&["CaseRejection::NotOpen("]),
    ),
    ("CaseRejection::Unknown.kind", Given(&["sanction", "check"])),
    ("ClientError::Broken", Words(&["ClientError::Broken("])),
    (
        "CustodyRejection::LifeEnded.how",
        Words(&["fn word(end: &End)"]),
    ),
    (
        "CustodyRejection::OfferClosed",
        Words(&["fn state_of(offer: "]),
    ),
    ("DecodeError::CutOff.end", Names),
    ("DecodeError::CutOff.format", Names),
    ("DerFault::Value", Words(&["DerFault::Value("])),
    ("DesignRejection::BeyondParent", Words(&["fn check_within"])),
    ("DesignRejection::FieldPlace", Names),
    ("DesignRejection::FieldValue.name", Names),
    (
        "DesignRejection::OtherPhase",
        Words(&["fn phase_name(phase: DisputePhase)"]),
    ),
    ("EpcisRule::MissingField", Names),
    (
        "EpcisRule::NotJson.expected",
        Words(&["expected: ", ".expected("]),
    ),
    (
        "EpcisRule::NotXml.problem",
        Words(&["not_xml(", "problem: "]),
    ),
    ("EpcisRule::TooMany.what", Words(&["let what = "])),
    (
        "EpcisRule::UnexpectedContent.expected",
        Words(&[
            "let expected = ",
            "_ => unexpected(",
            "unexpected(\"text\", ",
            "unexpected(\"an element\", ",
            "unexpected(&found, ",
            "unexpected(&format!(\"@{key}\"), ",
        ]),
    ),
    (
        "EpcisRule::UnknownTerm.vocabulary",
        Words(&["fn name(self) -> &'static str {\n        match self {\n            Vocabulary::"]),
    ),
    ("EpcisRule::WrongType.expected", Words(&["wrong_type("])),
    (
        "EpcisRule::WrongType.found",
        Words(&["fn wrong_type(&self"]),
    ),
    ("GovernanceRejection::DisputeTerm", Names),
    ("GovernanceRejection::ParameterFixed", Names),
    ("GovernanceRejection::ParameterRange", Names),
    ("GovernanceRejection::ReviewTerm", Names),
    ("IdentifierError::CheckDigit.ai", Names),
    ("IdentifierError::CheckPair.ai", Names),
    (
        "IdentifierError::ElementString",
        Words(&["IdentifierError::ElementString("]),
    ),
    (
        "IdentifierError::EpcParts",
        Words(&["IdentifierError::EpcParts("]),
    ),
    ("IdentifierError::Value", Names),
    ("InvalidBlock::Header", Words(&["fn verify_with<"])),
    ("Malformed::Length.field", Names),
    ("Malformed::NotCanonical.message", Names),
    ("Malformed::Undecodable.message", Names),
    ("NotVerified::Missing", Words(&["NotVerified::Missing("])),
    ("PageError::Fill.side", Words(&["check_fill("])),
    (
        "ReviewRejection::OtherReviewPhase",
        Words(&["fn phase_name(phase: ReviewPhase)"]),
    ),
    ("ReviewRejection::PulseField", Names),
    ("TlsError::Empty.what", Words(&["what: "])),
    ("TokenError::Algorithm.what", Words(&["not_taken("])),
    ("TokenError::Unsigned", Words(&["TokenError::Unsigned("])),
    ("TokenError::Version", Names),
    ("XmlObstacle::Once", Names),
];

/// Words that stay as they are in every language: what ASN.1, EPCIS, JSON and this program's files name so.
const SAME: [&str; 14] = [
    "Accuracy",
    "EventList",
    "QueryResults",
    "TSTInfo",
    "Time",
    "amp",
    "Touchstone",
    "genTime",
    "keyUsage",
    "null",
    "ADD",
    "OBSERVE",
    "DELETE",
    "GTIN",
];

/// Words of two letters and more that a Chinese reader wouldn't know.
fn foreign(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphabetic());
    words.filter(|word| {
        let is_abbreviation = word.bytes().all(|b| b.is_ascii_uppercase());
        word.len() > 1 && !is_abbreviation && !SAME.contains(word)
    })
}

/// A failure in Chinese has no English word in it that the program put there.
#[test]
fn words_that_failures_insert_are_said_in_chinese() {
    let sources = product();
    let all: Vec<_> = sources.iter().flat_map(|(_, t)| insertions(t)).collect();
    let found: BTreeSet<&str> = all.iter().map(|i| i.field.as_str()).collect();
    let told: BTreeSet<&str> = FIELDS.iter().map(|(field, _)| *field).collect();
    assert_eq!(
        found, told,
        "each is a word, a name or a sentence: say which"
    );
    let mut looked_at = 0;
    for place in &all {
        let (_, text) = FIELDS
            .iter()
            .find(|(field, _)| *field == place.field)
            .unwrap();
        let words: BTreeSet<String> = match text {
            Words(beginnings) => {
                let texts = sources.iter().map(|(_, text)| text);
                texts.flat_map(|text| inserted(text, beginnings)).collect()
            }
            Given(words) => words.iter().map(|word| (*word).to_owned()).collect(),
            Names | Sentence => continue,
        };
        assert!(!words.is_empty(), "{}: nothing is found", place.field);
        for word in &words {
            let english = place.with(word);
            let chinese = Language::Chinese.sentence(&english);
            let is_left = |left: &&str| foreign(word).any(|own| own == *left);
            let left: Vec<_> = foreign(&chinese).filter(is_left).collect();
            let is_chinese = chinese.chars().any(|c| c > '\u{2e7f}');
            assert!(
                is_chinese && left.is_empty(),
                "{}: {english}: {chinese}",
                place.field
            );
            looked_at += 1;
        }
    }
    assert!(looked_at > 100, "{looked_at} words only");
}

/// The table holds no word that nobody says.
#[test]
fn no_word_of_the_table_is_left_over() {
    let node = texts(&[here().join("../node/src")]);
    let texts = product().into_iter().chain(node);
    let said: BTreeSet<String> = texts.flat_map(|(_, text)| literals(&text)).collect();
    assert_said(&words(), &said);
}
