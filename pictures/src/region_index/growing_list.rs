//! A list that grows by blocks: nothing is copied as it grows, so it never takes the double of what it holds.
//!
//! Consensus-critical: no

/// A list of items.
#[derive(Clone, Debug)]
pub(super) struct GrowingList<T> {
    /// Each is full, but for the last one.
    blocks: Vec<Vec<T>>,
}

impl<T> Default for GrowingList<T> {
    fn default() -> Self {
        GrowingList { blocks: Vec::new() }
    }
}

impl<T> GrowingList<T> {
    /// Items of a block.
    pub(super) const ITEMS: usize = 1 << 12;

    /// How many items there are.
    pub(super) fn len(&self) -> usize {
        let last = self.blocks.last().map_or(0, Vec::len);
        self.blocks.len().saturating_sub(1) * Self::ITEMS + last
    }

    /// Puts an item at the end.
    pub(super) fn push(&mut self, item: T) {
        match self
            .blocks
            .last_mut()
            .filter(|last| last.len() < Self::ITEMS)
        {
            Some(last) => last.push(item),
            None => {
                let mut block = Vec::with_capacity(Self::ITEMS);
                block.push(item);
                self.blocks.push(block);
            }
        }
    }

    /// The item at a place.
    pub(super) fn get(&self, at: usize) -> Option<&T> {
        self.blocks.get(at / Self::ITEMS)?.get(at % Self::ITEMS)
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.blocks
            .get_mut(at / Self::ITEMS)?
            .get_mut(at % Self::ITEMS)
    }
}

#[cfg(test)]
impl<T> GrowingList<T> {
    /// For how many items there is memory.
    pub(super) fn allocated(&self) -> usize {
        self.blocks.iter().map(Vec::capacity).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEMS: usize = GrowingList::<usize>::ITEMS;

    #[test]
    fn items_stand_where_they_were_put() {
        let mut list = GrowingList::default();
        assert_eq!((list.len(), list.get(0)), (0, None));
        for item in 0..2 * ITEMS + 1 {
            assert_eq!(list.len(), item);
            list.push(item);
        }
        assert_eq!(list.len(), 2 * ITEMS + 1);
        for item in 0..2 * ITEMS + 1 {
            assert_eq!(list.get(item), Some(&item));
        }
        assert_eq!(list.get(2 * ITEMS + 1), None);
        *list.get_mut(ITEMS).unwrap() = 7;
        assert_eq!(
            (list.get(ITEMS), list.get(ITEMS - 1)),
            (Some(&7), Some(&(ITEMS - 1)))
        );
    }

    #[test]
    fn a_block_never_grows() {
        let mut list = GrowingList::default();
        list.push(1u8);
        let first: *const u8 = list.get(0).unwrap();
        for _ in 0..3 * ITEMS {
            list.push(2);
        }
        assert_eq!(first, std::ptr::from_ref(list.get(0).unwrap()));
        assert_eq!(list.allocated(), 4 * ITEMS);
    }
}
