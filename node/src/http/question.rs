//! Parameters of an address or a named query: the page's size and token are this interface's own,
//! the others make a query.

use axum::http::{HeaderMap, Uri};
use touchstone_core::hash;
use touchstone_edge::http::{Exception, Problem};
use touchstone_epcis::query::{MAX_PARAMETERS, MAX_VALUES, Query, QueryParameters};

use super::failure::bad_query;

/// Events of a page where the client names no number (EPCIS 2.0's default), and at most.
const PER_PAGE: u64 = 30;
const MAX_PER_PAGE: u64 = 1000;

/// A question for a page of events.
#[derive(Clone, Debug)]
pub struct Question {
    /// What fits.
    pub query: Query,
    /// The parameters that it was made of.
    pub parameters: QueryParameters,
    /// Events of a page.
    pub per_page: u64,
    /// Where to go on.
    pub token: Option<String>,
    /// Whether events are to be sent as they come.
    pub stream: bool,
}

impl Question {
    /// Reads the parameters of an address, and those that the address's path stands for. The header
    /// `GS1-Extensions` says what prefixes stand for.
    pub fn read(
        uri: &Uri,
        headers: &HeaderMap,
        mut parameters: QueryParameters,
    ) -> Result<Question, Problem> {
        for header in headers.get_all("gs1-extensions") {
            let declared = parameters.declare(header.to_str().unwrap_or_default());
            declared.map_err(bad_query)?;
        }
        let mut question = Question {
            query: Query::default(),
            parameters: QueryParameters::default(),
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
            parameters.add(name, values.map(str::to_owned).collect());
        }
        question.query = Query::read(&parameters).map_err(bad_query)?;
        question.parameters = parameters;
        Ok(question)
    }

    /// What tells this query from another.
    pub fn digest(&self) -> [u8; 8] {
        let hash = hash::sha256(self.parameters.fingerprint().as_bytes());
        hash.first_chunk().copied().unwrap_or_default()
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
