//! Where control blocks live: found by an id in one step, and an id that was given up finds nothing.

use super::ConnectionId;
use super::control_block::ControlBlock;

/// Vacant slots that keep their memory for connections to come.
const MAX_SPARE: usize = 64;

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    /// Empty without memory, or with memory for a control block.
    block: Option<Box<Option<ControlBlock>>>,
}

/// All control blocks.
#[derive(Debug, Default)]
pub(crate) struct Slab {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Slab {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// All of them, in the order of their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ConnectionId, &ControlBlock)> {
        (0..).zip(&self.slots).filter_map(|(index, slot)| {
            let id = ConnectionId { index, generation: slot.generation };
            slot.block.as_ref().and_then(|block| block.as_ref().as_ref()).map(|block| (id, block))
        })
    }

    pub(crate) fn insert(&mut self, block: ControlBlock) -> ConnectionId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            (self.slots.len() - 1) as u32
        });
        let slot = &mut self.slots[index as usize];
        match &mut slot.block {
            Some(memory) => **memory = Some(block),
            vacant => *vacant = Some(Box::new(Some(block))),
        }
        ConnectionId { index, generation: slot.generation }
    }

    pub(crate) fn remove(&mut self, id: ConnectionId) {
        if self.get(id).is_none() {
            return;
        }
        let slot = &mut self.slots[id.index as usize];
        // The slots that are used again first are the last ones given up.
        match &mut slot.block {
            Some(memory) if self.free.len() < MAX_SPARE => **memory = None,
            block => *block = None,
        }
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id.index);
    }

    pub(crate) fn get(&self, id: ConnectionId) -> Option<&ControlBlock> {
        let slot = self.slots.get(id.index as usize)?;
        slot.block.as_deref()?.as_ref().filter(|_| slot.generation == id.generation)
    }

    pub(crate) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut ControlBlock> {
        let slot = self.slots.get_mut(id.index as usize)?;
        slot.block.as_deref_mut()?.as_mut().filter(|_| slot.generation == id.generation)
    }
}
