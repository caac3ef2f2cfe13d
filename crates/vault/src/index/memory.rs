//! A part of an index in memory, which is how small ones are kept.

use std::ops::ControlFlow;

use super::places::{Entries, Pack, Packs, Place, Places, Sums};
use crate::chunk::ChunkKind;
use crate::pack::{Encoding, HEADER, PackTable, epoch_of};
use crate::{ChunkId, Error, PackId};

/// One chunk in memory: 44 bytes.
#[derive(Debug, Clone, Copy)]
struct Slot {
    id: ChunkId,
    /// Place of its block among all blocks.
    block: u32,
    at: u32,
    length: u32,
}

/// One block in memory: 16 bytes. It ends where the next of its pack begins.
#[derive(Debug, Clone, Copy)]
struct Spot {
    pack: u32,
    offset: u32,
    length: u32,
    kind: ChunkKind,
    encoding: Encoding,
    shared: bool,
}

#[derive(Debug, Clone)]
struct Known {
    id: PackId,
    size: u64,
    header: [u8; HEADER],
    chunks: u32,
    /// Place of its first block among all blocks.
    first: u32,
    /// Where its last block ends.
    end: u32,
}

/// Chunks in a sorted array.
#[derive(Debug)]
pub(crate) struct InMemory {
    /// Sorted by chunk id.
    slots: Vec<Slot>,
    /// Where the ids start whose first bits are the place's number.
    starts: Vec<u32>,
    shift: u32,
    /// In the order of the packs.
    spots: Vec<Spot>,
    /// Sorted by name.
    packs: Vec<Known>,
    chunks: usize,
}

impl InMemory {
    /// A pack that is named twice counts once.
    pub(crate) fn build(mut tables: Vec<PackTable>) -> Self {
        tables.sort_unstable_by_key(|table| table.id);
        tables.dedup_by_key(|table| table.id);
        let mut slots = Vec::with_capacity(tables.iter().map(|table| table.contents.chunks()).sum());
        let mut spots = Vec::with_capacity(tables.iter().map(|table| table.contents.blocks()).sum());
        let mut packs = Vec::with_capacity(tables.len());
        for table in tables {
            let pack = place(packs.len());
            let first = place(spots.len());
            let mut end = 0;
            for (_, block, chunks) in table.contents.each() {
                let mut at = 0;
                for chunk in chunks {
                    slots.push(Slot {
                        id: chunk.id,
                        block: place(spots.len()),
                        at,
                        length: chunk.length,
                    });
                    at += chunk.length;
                }
                spots.push(Spot {
                    pack,
                    offset: block.offset,
                    length: block.length,
                    kind: block.kind,
                    encoding: block.encoding,
                    shared: block.chunks > 1,
                });
                end = block.offset.saturating_add(block.stored);
            }
            packs.push(Known {
                id: table.id,
                size: table.size,
                header: table.header,
                chunks: place(table.contents.chunks()),
                first,
                end,
            });
        }
        slots.sort_unstable_by_key(|slot| (slot.id, slot.block, slot.at));
        // About eight ids to a start: a look-up then reads one or two lines of memory.
        let bits = (slots.len() / 8).max(1).ilog2().min(24);
        let shift = 32 - bits;
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        for (at, slot) in (0_u32..).zip(&slots) {
            while starts.len() <= bucket(&slot.id, shift) {
                starts.push(at);
            }
        }
        starts.resize((1 << bits) + 1, place(slots.len()));
        let chunks = slots.chunk_by(|a, b| a.id == b.id).count();
        Self {
            slots,
            starts,
            shift,
            spots,
            packs,
            chunks,
        }
    }

    fn slots_of(&self, id: &ChunkId) -> &[Slot] {
        let bucket = bucket(id, self.shift);
        let start = self.starts.get(bucket).map_or(0, |place| *place as usize);
        let end = self.starts.get(bucket + 1).map_or(0, |place| *place as usize);
        let slots = self.slots.get(start..end).unwrap_or_default();
        let first = slots.partition_point(|slot| slot.id < *id);
        let same = slots[first..].iter().take_while(|slot| slot.id == *id).count();
        &slots[first..first + same]
    }

    fn place(&self, slot: &Slot) -> Option<Place> {
        let block = slot.block as usize;
        let spot = self.spots.get(block)?;
        let pack = self.packs.get(spot.pack as usize)?;
        let end = match self.spots.get(block + 1) {
            Some(next) if next.pack == spot.pack => next.offset,
            _ => pack.end,
        };
        Some(Place {
            pack: spot.pack,
            offset: spot.offset,
            stored: end.checked_sub(spot.offset)?,
            at: slot.at,
            length: slot.length,
            number: slot.block.checked_sub(pack.first)?,
            block: spot.length,
            shared: spot.shared,
            list: spot.kind == ChunkKind::List,
            zstd: spot.encoding == Encoding::Zstd,
        })
    }
}

impl Known {
    fn pack(&self) -> Pack {
        Pack {
            id: self.id,
            size: self.size,
            header: self.header,
            chunks: self.chunks,
        }
    }
}

impl Places for InMemory {
    fn numbers(&self) -> u32 {
        place(self.packs.len())
    }

    fn sums(&self) -> Sums {
        Sums {
            packs: self.packs.len() as u64,
            chunks: self.chunks as u64,
            bytes: self.packs.iter().map(|pack| pack.size).sum(),
            epoch: self.packs.iter().map(|pack| epoch_of(&pack.header)).max(),
        }
    }

    fn find(&self, id: &ChunkId, each: &mut dyn FnMut(&Place) -> ControlFlow<()>) -> Result<(), Error> {
        for place in self.slots_of(id).iter().filter_map(|slot| self.place(slot)) {
            if each(&place).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn pack_at(&self, number: u32) -> Result<Option<Pack>, Error> {
        Ok(self.packs.get(number as usize).map(Known::pack))
    }

    fn pack(&self, id: &PackId) -> Result<Option<(u32, Pack)>, Error> {
        let found = self.packs.binary_search_by_key(id, |pack| pack.id).ok();
        Ok(found.and_then(|at| Some((place(at), self.packs.get(at)?.pack()))))
    }

    fn packs(&self) -> Packs<'_> {
        Box::new(
            (0..)
                .zip(&self.packs)
                .map(|(number, pack)| Ok((number, pack.pack()))),
        )
    }

    fn entries(&self) -> Entries<'_> {
        let each = self.slots.iter();
        Box::new(each.filter_map(|slot| Some(Ok((slot.id, self.place(slot)?)))))
    }
}

/// The first bits of an id as a number.
fn bucket(id: &ChunkId, shift: u32) -> usize {
    let first = u64::from(u32::from_be_bytes([id.0[0], id.0[1], id.0[2], id.0[3]]));
    (first >> shift) as usize
}

/// A place in a list; there are never more, packs being much larger than what is kept of them.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
