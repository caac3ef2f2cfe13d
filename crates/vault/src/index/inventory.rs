//! An index gone through chunk by chunk, beside the chunks that are needed: how much is needed of each pack, and where
//! else it is. In memory are the packs, and one bit a chunk. Blocks.

use std::sync::Arc;

use super::batch::in_order;
use super::places::{Pack, Place};
use super::seen::{Ids, Sorted};
use super::{Index, Part};
use crate::{ChunkId, Error, PackId};

/// Where in its pack a chunk is: by the number of its block, and there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub(crate) block: u32,
    pub(crate) at: u32,
}

/// One of the places where a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Copied {
    /// Which of the inventory's packs it is in.
    pub(crate) pack: u32,
    pub(crate) spot: Spot,
    /// Bytes it takes there.
    pub(crate) share: u64,
}

/// A pack, and how much of it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) pack: Pack,
    /// Chunks in it.
    pub(crate) chunks: u64,
    /// Bytes they take.
    pub(crate) bytes: u64,
    /// Those of them that are needed, here or where else they are.
    pub(crate) needed: u64,
    /// Whether some are of file lists.
    pub(crate) lists: bool,
}

/// All packs of an index, each once, whichever of its parts know it, and which of its chunks are needed.
#[derive(Debug)]
pub(crate) struct Inventory {
    index: Arc<Index>,
    /// Sorted by name.
    packs: Vec<Holding>,
    /// For each part, which of `packs` its numbers mean.
    numbers: Vec<Vec<u32>>,
    /// For each chunk in order whether it is needed.
    needed: Bits,
}

impl Inventory {
    /// Takes stock of all there is.
    ///
    /// # Errors
    /// [`Error::Damaged`] for a chunk that is needed and in no pack; and as [`Index::get`].
    pub(crate) fn take(index: Arc<Index>, needed: &Sorted) -> Result<Self, Error> {
        let mut packs: Vec<Pack> = index.all_packs().collect::<Result<_, _>>()?;
        packs.sort_unstable_by_key(|pack| pack.id);
        packs.dedup_by_key(|pack| pack.id);
        let numbers = index.parts.iter().map(|part| numbers(part, &packs));
        let numbers: Vec<Vec<u32>> = numbers.collect::<Result<_, _>>()?;
        let packs = packs.into_iter().map(|pack| Holding {
            pack,
            chunks: 0,
            bytes: 0,
            needed: 0,
            lists: false,
        });
        let mut packs: Vec<Holding> = packs.collect();
        let mut bits = Bits::default();
        go_through(&index, &numbers, needed.streams(), |id, is_needed, places| {
            if places.is_empty() {
                return match is_needed {
                    true => Err(Error::Damaged {
                        object: format!("chunk {id}"),
                        reason: "a backup needs it and no pack is known to hold it".to_owned(),
                    }),
                    false => Ok(()),
                };
            }
            bits.push(is_needed);
            for (copied, list) in places {
                if let Some(holding) = packs.get_mut(copied.pack as usize) {
                    holding.chunks += 1;
                    holding.bytes = holding.bytes.saturating_add(copied.share);
                    holding.lists |= list;
                    if is_needed {
                        holding.needed = holding.needed.saturating_add(copied.share);
                    }
                }
            }
            Ok(())
        })?;
        Ok(Self {
            index,
            packs,
            numbers,
            needed: bits,
        })
    }

    /// The packs; the place of each is its number.
    pub(crate) fn packs(&self) -> &[Holding] {
        &self.packs
    }

    /// Calls `each` for every chunk that is needed, with all places where it is.
    ///
    /// # Errors
    /// As [`Index::get`].
    pub(crate) fn each_needed(&self, each: &mut dyn FnMut(&[Copied])) -> Result<(), Error> {
        let mut bits = self.needed.iter();
        let mut copies = Vec::new();
        go_through(&self.index, &self.numbers, Vec::new(), |_, _, places| {
            if !places.is_empty() && bits.next() == Some(true) {
                copies.clear();
                copies.extend(places.iter().map(|(copied, _)| *copied));
                each(&copies);
            }
            Ok(())
        })
    }
}

/// Which of these packs the numbers of a part mean.
fn numbers(part: &Part, packs: &[Pack]) -> Result<Vec<u32>, Error> {
    let mut numbers = vec![u32::MAX; part.places.numbers() as usize];
    for pack in part.places.packs() {
        let (number, pack) = pack?;
        let found = packs.binary_search_by_key(&pack.id, |pack: &Pack| pack.id);
        if let (Some(place), Ok(found)) = (numbers.get_mut(number as usize), found) {
            *place = u32::try_from(found).unwrap_or(u32::MAX);
        }
    }
    Ok(numbers)
}

/// What comes for a chunk: that it is needed, or a place of it.
type Coming<'a> = Box<dyn Iterator<Item = Result<(ChunkId, Option<Place>), Error>> + 'a>;

/// Calls `each` for every chunk that is in the index or among these, in order: whether it is among these, and its places,
/// each once, with whether it is a file list's there.
fn go_through<'a>(
    index: &'a Index,
    numbers: &[Vec<u32>],
    needed: Vec<Ids<'a>>,
    mut each: impl FnMut(&ChunkId, bool, &[(Copied, bool)]) -> Result<(), Error>,
) -> Result<(), Error> {
    let parts = index.parts.iter().map(|part| -> Coming<'a> {
        let entries = part.places.entries();
        Box::new(entries.map(|entry| entry.map(|(id, place)| (id, Some(place)))))
    });
    let needed = needed
        .into_iter()
        .map(|ids| -> Coming<'a> { Box::new(ids.map(|id| id.map(|id| (id, None)))) });
    let mut current: Option<ChunkId> = None;
    let mut is_needed = false;
    let mut places: Vec<(Copied, bool)> = Vec::new();
    let mut done = |id: &ChunkId, is_needed: &mut bool, places: &mut Vec<(Copied, bool)>| {
        places.sort_unstable();
        places.dedup_by_key(|(copied, _)| (copied.pack, copied.spot));
        each(id, std::mem::take(is_needed), places)?;
        places.clear();
        Ok::<_, Error>(())
    };
    in_order(parts.chain(needed).collect(), |which, (id, place)| {
        if let Some(before) = current.filter(|before| *before != id) {
            done(&before, &mut is_needed, &mut places)?;
        }
        current = Some(id);
        let Some(place) = place else {
            is_needed = true;
            return Ok(());
        };
        let pack = numbers
            .get(which)
            .and_then(|numbers| numbers.get(place.pack as usize));
        if let Some(&pack) = pack.filter(|pack| **pack != u32::MAX) {
            let location = place.in_pack(PackId([0; 32]));
            let (spot, share) = (location.spot(), location.share());
            places.push((Copied { pack, spot, share }, place.list));
        }
        Ok(())
    })?;
    match current {
        Some(last) => done(&last, &mut is_needed, &mut places),
        None => Ok(()),
    }
}

/// One bit each.
#[derive(Debug, Default)]
struct Bits {
    words: Vec<u64>,
    count: usize,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.count.is_multiple_of(64) {
            self.words.push(0);
        }
        if let Some(word) = self.words.last_mut() {
            *word |= u64::from(bit) << (self.count % 64);
        }
        self.count += 1;
    }

    fn iter(&self) -> impl Iterator<Item = bool> + '_ {
        let bits = self
            .words
            .iter()
            .flat_map(|word| (0..64).map(move |at| word >> at & 1 == 1));
        bits.take(self.count)
    }
}
