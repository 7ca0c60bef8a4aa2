//! The proof of "may this seller do this with that design there and then": the records that the question reads, in the
//! order in which it reads them, each proven under one state root. Who checks it asks the question again of these
//! records alone, so a no is proven as a yes is, and nothing can be left out or added.
//!
//! Records that don't matter are withheld: one licence that holds is enough for a yes, and one end above each licence
//! that would hold for a no. What is withheld counts for nothing, so it can't make an answer of the other kind.
//!
//! Consensus-critical: no

mod file;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;
use touchstone_proto::node::ProvenValue;

use crate::Fault;
use crate::designs::authorised::{self, SaleAnswer, SaleQuestion, Told};
use crate::hash::Hash;
use crate::proof::state::{self, StateError};
use crate::state::StateRead;

pub use file::{BadAuthorisationFile, ExaminedAuthorisation, MAGIC, examine, seal};

/// Why an answer isn't proven.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AuthorisationError {
    /// A record that the question reads isn't there.
    #[error("the answer lacks record number {0} that the question reads")]
    Missing(usize),
    /// A record's path fails.
    #[error("record number {number}: {error}")]
    State {
        /// Its number, from 0.
        number: usize,
        /// What is wrong.
        error: StateError,
    },
    /// A proven record doesn't decode.
    #[error("{0}")]
    Record(String),
    /// Too much is withheld.
    #[error("the records that the answer holds don't settle the question")]
    Withheld,
    /// The question doesn't read it.
    #[error("the answer holds {found} records, the question reads {read}")]
    Superfluous {
        /// Records in the answer.
        found: usize,
        /// Records that were read.
        read: usize,
    },
}

/// The keys that settle a question, in the order in which it reads them; `None` stands for one that is withheld.
pub fn keys(state: &impl StateRead, asked: &SaleQuestion) -> Result<Vec<Option<Vec<u8>>>, Fault> {
    let expected = std::mem::discriminant(&authorised::answer(state, asked)?);
    let mut withheld: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut number = 0;
    loop {
        let (read, _) = asked_without(state, asked, &withheld)?;
        let Some(key) = read.get(number) else {
            let kept = |key: Vec<u8>| (!withheld.contains(&key)).then_some(key);
            return Ok(read.into_iter().map(kept).collect());
        };
        number = number.saturating_add(1);
        withheld.insert(key.clone());
        let (_, answer) = asked_without(state, asked, &withheld)?;
        let is_same = answer.is_some_and(|answer| std::mem::discriminant(&answer) == expected);
        if !is_same {
            withheld.remove(key);
        }
    }
}

/// Which keys are read where some are withheld, and the answer.
fn asked_without(
    state: &impl StateRead,
    asked: &SaleQuestion,
    withheld: &BTreeSet<Vec<u8>>,
) -> Result<(Vec<Vec<u8>>, Option<SaleAnswer>), Fault> {
    let keys: RefCell<Vec<Vec<u8>>> = RefCell::default();
    let read = |key: &[u8]| {
        let mut keys = keys.borrow_mut();
        if !keys.iter().any(|known| known == key) {
            keys.push(key.to_vec());
        }
        match withheld.contains(key) {
            true => Ok(Told::Withheld),
            false => state.get(key).map(Told::Value),
        }
    };
    let answer = authorised::evaluate(&read, asked)?;
    Ok((keys.into_inner(), answer))
}

/// The answer that these records give to a question, each of them checked under the root.
pub fn verify(
    root: &Hash,
    asked: &SaleQuestion,
    values: &[ProvenValue],
) -> Result<SaleAnswer, AuthorisationError> {
    let proven = Proven {
        root,
        values,
        read: RefCell::default(),
        failed: RefCell::default(),
    };
    let read = |key: &[u8]| proven.get(key);
    let answered = authorised::evaluate(&read, asked);
    if let Some(error) = proven.failed.into_inner() {
        return Err(error);
    }
    let answer = answered.map_err(|fault| AuthorisationError::Record(fault.to_string()))?;
    let answer = answer.ok_or(AuthorisationError::Withheld)?;
    let read = proven.read.into_inner().len();
    match read == values.len() {
        true => Ok(answer),
        false => Err(AuthorisationError::Superfluous {
            found: values.len(),
            read,
        }),
    }
}

/// Proven records as a state: each key that is new takes the next one.
struct Proven<'a> {
    root: &'a Hash,
    values: &'a [ProvenValue],
    read: RefCell<BTreeMap<Vec<u8>, usize>>,
    /// The first check that failed.
    failed: RefCell<Option<AuthorisationError>>,
}

impl Proven<'_> {
    fn get(&self, key: &[u8]) -> Result<Told, Fault> {
        self.next(key).map_err(|error| {
            let fault = Fault::Invariant(error.to_string());
            self.failed.borrow_mut().get_or_insert(error);
            fault
        })
    }

    fn next(&self, key: &[u8]) -> Result<Told, AuthorisationError> {
        let mut read = self.read.borrow_mut();
        let number = read.get(key).copied().unwrap_or(read.len());
        let missing = AuthorisationError::Missing(number);
        let found = self.values.get(number).ok_or(missing)?;
        read.insert(key.to_vec(), number);
        let bad = |error| AuthorisationError::State { number, error };
        let Some(proof) = &found.proof else {
            return match found.value {
                None => Ok(Told::Withheld),
                Some(_) => Err(bad(StateError::Missing)),
            };
        };
        let value = found.value.as_deref();
        state::verify(self.root, key, value, proof).map_err(bad)?;
        Ok(Told::Value(value.map(<[u8]>::to_vec)))
    }
}

#[cfg(test)]
mod tests;
