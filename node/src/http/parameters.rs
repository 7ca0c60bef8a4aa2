//! Parameters of an address or a named query: the page's size and token are this interface's own,
//! the others make a query.

use axum::http::Uri;
use serde_json::Value;
use touchstone_core::hash;
use touchstone_edge::http::{Exception, Problem};
use touchstone_epcis::query::{MAX_PARAMETERS, MAX_VALUES, Query};

use super::failure::bad_query;

/// Events of a page where the client names no number (EPCIS 2.0's default), and at most.
const PER_PAGE: u64 = 30;
const MAX_PER_PAGE: u64 = 1000;

/// A query's parameters, each with its values.
pub type Pairs = Vec<(String, Vec<String>)>;

/// A question for a page of events.
#[derive(Clone, Debug)]
pub struct Question {
    /// What fits.
    pub query: Query,
    /// The parameters that it was made of.
    pub pairs: Pairs,
    /// Events of a page.
    pub per_page: u64,
    /// Where to go on.
    pub token: Option<String>,
    /// Whether events are to be sent as they come.
    pub stream: bool,
}

impl Question {
    /// Reads the parameters of an address, and those that the address's path stands for.
    pub fn read(uri: &Uri, fixed: Pairs) -> Result<Question, Problem> {
        let mut pairs = fixed;
        let mut question = Question {
            query: Query::default(),
            pairs: Vec::new(),
            per_page: PER_PAGE,
            token: None,
            stream: false,
        };
        let text = uri.query().unwrap_or_default();
        let mut own = Vec::new();
        // One more than is taken, so that the query's own limit refuses it.
        let limit = MAX_PARAMETERS + 4;
        for (name, value) in form_urlencoded::parse(text.as_bytes()).take(limit) {
            if matches!(&*name, "perPage" | "nextPageToken" | "stream") {
                if own.contains(&name) {
                    return Err(bad(format!("{name} is given twice")));
                }
                match &*name {
                    "perPage" => question.per_page = per_page(&value)?,
                    "nextPageToken" => question.token = Some(value.into_owned()),
                    _ => question.stream = flag(&value)?,
                }
                own.push(name);
                continue;
            }
            let values = value.split('|').take(MAX_VALUES + 1);
            pairs.push((name.into_owned(), values.map(str::to_owned).collect()));
        }
        question.query = Query::read(&pairs).map_err(bad_query)?;
        question.pairs = pairs;
        Ok(question)
    }

    /// What tells this query from another.
    pub fn digest(&self) -> [u8; 8] {
        let mut pairs = self.pairs.clone();
        pairs.sort();
        let hash = hash::sha256(format!("{pairs:?}").as_bytes());
        hash.first_chunk().copied().unwrap_or_default()
    }
}

/// The parameters of a query in JSON: names with a text, a number where numbers are compared or
/// counted, or a list of them.
pub fn from_json(query: &Value) -> Result<Pairs, Problem> {
    let members = query.as_object();
    let members = members.ok_or_else(|| bad("a query is an object of parameters"))?;
    members
        .iter()
        .map(|(name, value)| {
            let numbers = takes_numbers(name);
            let values = match value {
                Value::Array(values) => values.iter().map(|v| text(v, numbers)).collect(),
                one => text(one, numbers).map(|text| vec![text]),
            };
            let values = values.ok_or_else(|| {
                let kinds = if numbers { "text, number" } else { "text" };
                bad(format!(
                    "the value of {name:?} is no {kinds} or list of them"
                ))
            })?;
            Ok((name.clone(), values))
        })
        .collect()
}

/// Whether a parameter's value may be a number: limits, quantities, and fields of extensions.
fn takes_numbers(name: &str) -> bool {
    matches!(name, "eventCountLimit" | "maxEventCount")
        || name.ends_with("_quantity")
        || name.contains(':')
}

fn text(value: &Value, numbers: bool) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if numbers => Some(number.to_string()),
        _ => None,
    }
}

fn per_page(value: &str) -> Result<u64, Problem> {
    let number = value
        .parse()
        .ok()
        .filter(|n| (1..=MAX_PER_PAGE).contains(n));
    number.ok_or_else(|| bad(format!("perPage is a number from 1 to {MAX_PER_PAGE}")))
}

fn flag(value: &str) -> Result<bool, Problem> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(bad("stream is true or false")),
    }
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(Exception::QueryParameter, detail)
}
