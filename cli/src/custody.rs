//! Who has an item, as the proven state says it: its own record, and those of what is around it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use touchstone_core::hash::Hash;
use touchstone_core::rules::{self, Standing};
use touchstone_core::state::StateRead;
use touchstone_core::{Fault, epcis};

use crate::client::Client;
use crate::failure::Failure;
use crate::verify::{Attested, NotVerified};

/// How often a reading begins anew because the chain grew meanwhile.
const ATTEMPTS: usize = 20;

/// Values of one state, each proven; what isn't there yet is asked for.
#[derive(Default)]
struct Known {
    values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    wanted: RefCell<Option<Vec<u8>>>,
}

impl StateRead for Known {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.values.get(key).cloned().ok_or_else(|| {
            *self.wanted.borrow_mut() = Some(key.to_vec());
            Fault::Invariant("the value isn't known yet".to_owned())
        })
    }

    fn is_committed(&self, _: &Hash) -> Result<bool, Fault> {
        Err(Fault::Invariant("no transactions are known".to_owned()))
    }
}

/// How the item with this canonical identifier stands, and under which header all of it is proven.
pub async fn standing(client: &mut Client, id: &str) -> Result<(Attested, Standing), Failure> {
    let mut known = Known::default();
    let mut seen: Option<Attested> = None;
    let mut attempts = 0;
    loop {
        let now_ms = seen.as_ref().map_or(0, |attested| attested.header.time_ms);
        match rules::standing(&known, id, now_ms) {
            Ok(standing) => {
                if let Some(attested) = seen {
                    return Ok((attested, standing));
                }
                return Err(NotVerified::Missing("state reply").into());
            }
            Err(fault) => {
                let Some(key) = known.wanted.take() else {
                    return Err(NotVerified::Contradiction(fault.to_string()).into());
                };
                let (attested, value) = client.state_value(&key).await?;
                let height = attested.header.height;
                if seen.as_ref().is_some_and(|s| s.header.height != height) {
                    // A block came in between: values of two states don't belong together.
                    attempts += 1;
                    known = Known::default();
                }
                if attempts >= ATTEMPTS {
                    return Err(Failure::Unreachable(
                        "the chain grows faster than the records could be read; ask again".into(),
                    ));
                }
                known.values.insert(key, value);
                seen = Some(attested);
            }
        }
    }
}

/// Whether an identifier names something that somebody can have: no class, place or party.
pub fn is_holdable(id: &epcis::Identifier) -> bool {
    !id.is_class() && touchstone_core::model::company_prefix::is_holdable(id.as_str())
}
