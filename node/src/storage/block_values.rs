//! Values of the state that each block reads, in memory, as they are after the newest one: the validators, the
//! parameters, and what the block's own work begins with. They change seldom, so that they would be searched for far
//! down in the database each time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use touchstone_core::Fault;
use touchstone_core::state::keys;

/// Their keys.
const HELD: [&[u8]; 6] = [
    keys::VALIDATORS,
    keys::PARAMETERS,
    keys::PROTOCOL,
    keys::MISSED_TURNS,
    keys::DISPUTES_HOUR,
    keys::DRAWS,
];

/// The values of one height.
#[derive(Debug)]
pub struct BlockValues(Mutex<Held>);

#[derive(Debug)]
struct Held {
    height: u64,
    /// In the order of their keys: the value, or that there is none; nothing where it wasn't asked for yet.
    values: [Option<Option<Vec<u8>>>; HELD.len()],
}

impl Held {
    fn after(height: u64) -> Held {
        let values = Default::default();
        Held { height, values }
    }

    /// Where a value is held of a state.
    fn slot(&mut self, place: usize, height: u64) -> Option<&mut Option<Option<Vec<u8>>>> {
        let slot = self.values.get_mut(place);
        slot.filter(|_| self.height == height)
    }
}

impl BlockValues {
    /// Nothing is held of the state after this block.
    pub fn after(height: u64) -> BlockValues {
        BlockValues(Mutex::new(Held::after(height)))
    }

    /// The value of a key in the state after the block of a height, from memory or by `read`. One of another height
    /// than the newest is read, and not held.
    pub fn get(
        &self,
        key: &[u8],
        height: u64,
        read: impl FnOnce() -> Result<Option<Vec<u8>>, Fault>,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let Some(place) = HELD.iter().position(|held| *held == key) else {
            return read();
        };
        if let Some(Some(value)) = self.lock().slot(place, height) {
            return Ok(value.clone());
        }
        let value = read()?;
        if let Some(slot) = self.lock().slot(place, height) {
            *slot = Some(value.clone());
        }
        Ok(value)
    }

    /// A block of this height was written with these values.
    pub fn update(&self, height: u64, written: &BTreeMap<Vec<u8>, Vec<u8>>) {
        let mut held = self.lock();
        if held.height.checked_add(1) != Some(height) {
            *held = Held::after(height);
        }
        held.height = height;
        for (slot, key) in held.values.iter_mut().zip(HELD) {
            if let Some(value) = written.get(key) {
                *slot = Some(Some(value.clone()));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // No step that is done under the lock can fail.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is answered of a key, and whether it was read; it reads as `stored`.
    fn ask(values: &BlockValues, key: &[u8], height: u64, stored: &[u8]) -> (Vec<u8>, bool) {
        let mut is_read = false;
        let value = values.get(key, height, || {
            is_read = true;
            Ok(Some(stored.to_vec()))
        });
        (value.unwrap().unwrap(), is_read)
    }

    fn written(key: &[u8], value: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
        BTreeMap::from([(key.to_vec(), value.to_vec())])
    }

    #[test]
    fn a_value_is_read_once_until_a_block_writes_it() {
        let values = BlockValues::after(7);
        let asked = |height, stored| ask(&values, keys::PARAMETERS, height, stored);
        assert_eq!(asked(7, b"a"), (b"a".to_vec(), true));
        assert_eq!(asked(7, b"-"), (b"a".to_vec(), false));
        values.update(8, &written(keys::DRAWS, b"d"));
        assert_eq!(asked(8, b"-"), (b"a".to_vec(), false));
        assert_eq!(asked(7, b"a"), (b"a".to_vec(), true), "an older state");
        values.update(9, &written(keys::PARAMETERS, b"b"));
        assert_eq!(asked(9, b"-"), (b"b".to_vec(), false));
        assert_eq!(asked(8, b"a"), (b"a".to_vec(), true), "an older state");
        assert_eq!(asked(9, b"-"), (b"b".to_vec(), false));
    }

    #[test]
    fn absence_is_known_too_and_what_is_not_held_is_read() {
        let values = BlockValues::after(0);
        for expected in [1, 1] {
            let mut reads = 0;
            for _ in 0..2 {
                let value = values.get(keys::PROTOCOL, 0, || {
                    reads += 1;
                    Ok(None)
                });
                assert_eq!(value, Ok(None));
            }
            assert_eq!(reads, expected);
            // After blocks that this didn't hear of nothing is held.
            values.update(0, &BTreeMap::new());
        }
        for _ in 0..2 {
            assert!(ask(&values, b"another", 0, b"x").1);
        }
    }
}
