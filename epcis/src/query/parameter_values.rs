//! A parameter as it was given, and the values that can be read from it.
//!
//! Consensus-critical: no

use super::bad_query::BadQuery;
use super::pattern::{NoPattern, Pattern};
use super::{Action, Comparison, EventType, time_ms};
use crate::cbv::Vocabulary;
use crate::error::excerpt;
use crate::event::event_type;
use crate::identifier::{Identifier, IdentifierError};

/// A parameter as it was given.
pub(super) struct Given<'a> {
    pub(super) name: &'a str,
    pub(super) values: &'a [String],
}

impl Given<'_> {
    pub(super) fn some(&self) -> Result<&[String], BadQuery> {
        if self.values.is_empty() || self.values.iter().any(String::is_empty) {
            return Err(BadQuery::NoValue(excerpt(self.name)));
        }
        Ok(self.values)
    }

    pub(super) fn one(&self) -> Result<&str, BadQuery> {
        match self.some()? {
            [one] => Ok(one),
            _ => Err(BadQuery::NotOne(excerpt(self.name))),
        }
    }

    /// EPCIS 2.0 §8.2.7.1, `EXISTS_`: whether the field must be there. The binding says so with
    /// `true`, the query's schema with `1` or null, the SOAP binding with nothing. `false` is as if
    /// the parameter weren't there.
    pub(super) fn flag(&self) -> Result<bool, BadQuery> {
        match self.values {
            [] => Ok(true),
            [one] if matches!(one.as_str(), "" | "true" | "1") => Ok(true),
            [one] if matches!(one.as_str(), "false" | "0") => Ok(false),
            _ => Err(BadQuery::Flag(excerpt(self.name))),
        }
    }

    pub(super) fn boolean(&self) -> Result<bool, BadQuery> {
        self.word("true, false", |text| match text {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        })
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub(super) fn time(&self) -> Result<i64, BadQuery> {
        let text = self.one()?;
        time_ms(text).ok_or_else(|| BadQuery::Time {
            name: excerpt(self.name),
            value: excerpt(text),
        })
    }

    pub(super) fn number(&self) -> Result<f64, BadQuery> {
        let text = self.one()?;
        number(text).ok_or_else(|| self.no_number(text))
    }

    /// Several numbers may be equalled; one is compared with.
    pub(super) fn numbers(&self, comparison: Comparison) -> Result<Vec<f64>, BadQuery> {
        if comparison != Comparison::Equal {
            return Ok(vec![self.number()?]);
        }
        let texts = self.some()?.iter();
        texts
            .map(|text| number(text).ok_or_else(|| self.no_number(text)))
            .collect()
    }

    pub(super) fn count(&self) -> Result<u64, BadQuery> {
        let text = self.one()?;
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let count = text.parse::<u64>().ok().filter(|n| digits && *n > 0);
        count.ok_or_else(|| self.no_number(text))
    }

    fn no_number(&self, text: &str) -> BadQuery {
        BadQuery::Number {
            name: excerpt(self.name),
            value: excerpt(text),
        }
    }

    pub(super) fn word<T>(
        &self,
        allowed: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T, BadQuery> {
        let text = self.one()?;
        read(text).ok_or_else(|| self.no_word(text, allowed))
    }

    fn no_word(&self, text: &str, allowed: &'static str) -> BadQuery {
        BadQuery::Word {
            name: excerpt(self.name),
            value: excerpt(text),
            allowed,
        }
    }

    pub(super) fn event_types(&self) -> Result<Vec<EventType>, BadQuery> {
        const ALLOWED: &str = "ObjectEvent, AggregationEvent, TransactionEvent, \
                               TransformationEvent, AssociationEvent";
        let types = self.some()?.iter();
        types
            .map(|text| event_type(text).ok_or_else(|| self.no_word(text, ALLOWED)))
            .collect()
    }

    pub(super) fn actions(&self) -> Result<Vec<Action>, BadQuery> {
        let actions = self.some()?.iter();
        actions
            .map(|text| match text.as_str() {
                "ADD" => Ok(Action::Add),
                "OBSERVE" => Ok(Action::Observe),
                "DELETE" => Ok(Action::Delete),
                other => Err(self.no_word(other, "ADD, OBSERVE, DELETE")),
            })
            .collect()
    }

    /// Words of a vocabulary: bare where they are standard. What no event can have is refused.
    pub(super) fn words(&self, vocabulary: Vocabulary) -> Result<Vec<String>, BadQuery> {
        let words = self.some()?.iter();
        words
            .map(|text| match vocabulary.resolve(text) {
                Some(word) => Ok(word.to_owned()),
                None => Err(self.no_word(text, "the Core Business Vocabulary 2.0, or a full URI")),
            })
            .collect()
    }

    pub(super) fn places(&self) -> Result<Vec<Identifier>, BadQuery> {
        let places = self.some()?.iter();
        let read = |text| Identifier::read_place(text);
        places
            .map(|text| read(text).map_err(|reason| self.no_identifier(text, reason)))
            .collect()
    }

    /// Who goods come from or go to: 13 digits alone are a location's GLN or a party's.
    pub(super) fn parties(&self) -> Result<Vec<String>, BadQuery> {
        let mut found = Vec::new();
        for text in self.some()? {
            let is_gln = text.len() == 13 && text.bytes().all(|b| b.is_ascii_digit());
            let forms = match is_gln {
                true => vec![format!("(414){text}"), format!("(417){text}")],
                false => vec![text.clone()],
            };
            for form in forms {
                let read = Identifier::read(&form);
                // Any text may stand for a party.
                found.push(read.map_or_else(|_| text.clone(), |id| id.as_str().to_owned()));
            }
        }
        Ok(found)
    }

    pub(super) fn patterns(&self) -> Result<Vec<Pattern>, BadQuery> {
        let patterns = self.some()?.iter();
        patterns
            .map(|text| {
                Pattern::read(text).map_err(|reason| match reason {
                    NoPattern::Identifier(reason) => self.no_identifier(text, reason),
                    NoPattern::Wildcard => BadQuery::Pattern {
                        name: excerpt(self.name),
                        value: excerpt(text),
                    },
                })
            })
            .collect()
    }

    fn no_identifier(&self, text: &str, reason: IdentifierError) -> BadQuery {
        BadQuery::Identifier {
            name: excerpt(self.name),
            value: excerpt(text),
            reason,
        }
    }
}

/// A finite number.
fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}
