//! What will happen, in order of simulated engine time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fastrand::Rng;

/// Things to happen. Ties within one millisecond are broken at random, so that every order of events is tried.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    heap: BinaryHeap<Reverse<(u64, u32, u32)>>,
    slots: Vec<Option<T>>,
    free: Vec<u32>,
    ties: Rng,
}

impl<T> Queue<T> {
    pub(crate) fn new(ties: Rng) -> Self {
        Self { heap: BinaryHeap::new(), slots: Vec::new(), free: Vec::new(), ties }
    }

    pub(crate) fn push(&mut self, at: u64, item: T) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(item);
                slot
            }
            None => {
                self.slots.push(Some(item));
                u32::try_from(self.slots.len() - 1).expect("a simulation has few things under way")
            }
        };
        self.heap.push(Reverse((at, self.ties.u32(..), slot)));
    }

    pub(crate) fn pop(&mut self) -> Option<(u64, T)> {
        let Reverse((at, _, slot)) = self.heap.pop()?;
        self.free.push(slot);
        let item = self.slots[slot as usize].take();
        item.map(|item| (at, item))
    }
}
