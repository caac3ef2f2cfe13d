//! Where every chunk is.

mod load;
mod segment;

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use ostler_vocabulary::VaultId;

use crate::chunk::ChunkKind;
use crate::host::{Bug, bug};
use crate::pack::{Context, Encoding, HEADER, PackTable, epoch_of};
use crate::{ChunkId, PackId};

pub(crate) use load::{pack_key, pack_of};
pub(crate) use segment::parse as parse_segment;

/// Where a chunk is: in a block of a pack, which is read and decoded as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// The pack that holds it.
    pub pack: PackId,
    /// Offset of its block in the pack, in bytes.
    pub offset: u64,
    /// Length of its block in the pack in bytes, tag included.
    pub stored: u32,
    /// Where the chunk starts in the plaintext of the block.
    pub at: u32,
    /// Length of the chunk's plaintext in bytes.
    pub length: u32,
    /// The number of the block in the pack, of which its nonce is made.
    pub(crate) number: u32,
    /// Length of the block's plaintext.
    pub(crate) block: u32,
    /// Whether the block has other chunks too.
    pub(crate) shared: bool,
    pub(crate) kind: ChunkKind,
    pub(crate) encoding: Encoding,
}

impl Location {
    /// What was authenticated with the block.
    pub(crate) fn context(&self, vault: VaultId, id: &ChunkId) -> Context {
        let sole = (!self.shared).then_some(id);
        Context::new(vault, self.kind, self.encoding, self.block, sole)
    }

    /// The part of the block's bytes in the pack that is this chunk's: its share of what the block takes.
    #[must_use]
    pub fn share(&self) -> u64 {
        let stored = u64::from(self.stored) * u64::from(self.length.max(1));
        (stored / u64::from(self.block.max(1))).min(u64::from(self.stored))
    }
}

impl PackTable {
    /// Where each chunk of this pack is.
    pub(crate) fn places(&self) -> impl Iterator<Item = (ChunkId, Location)> {
        self.contents.each().flat_map(move |(number, block, chunks)| {
            let mut next = 0_u32;
            chunks.iter().map(move |chunk| {
                let at = next;
                next = next.saturating_add(chunk.length);
                let location = Location {
                    pack: self.id,
                    offset: u64::from(block.offset),
                    stored: block.stored,
                    at,
                    length: chunk.length,
                    number,
                    block: block.length,
                    shared: block.chunks > 1,
                    kind: block.kind,
                    encoding: block.encoding,
                };
                (chunk.id, location)
            })
        })
    }
}

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

/// What is known of a pack.
#[derive(Debug, Clone)]
pub(crate) struct Pack {
    pub(crate) id: PackId,
    pub(crate) size: u64,
    pub(crate) header: [u8; HEADER],
    /// Place of its first block among all blocks.
    first: u32,
    /// Where its last block ends.
    end: u32,
}

/// Where every chunk is: what all index segments of a vault say together. A chunk that was stored twice has two
/// places, and either will do.
#[derive(Debug)]
pub struct Index {
    /// Sorted by chunk id.
    slots: Vec<Slot>,
    /// Where the ids start whose first bits are the place's number.
    starts: Vec<u32>,
    shift: u32,
    /// In the order of the packs.
    spots: Vec<Spot>,
    /// Those that may be relied on, then the others; each sorted by name.
    packs: Vec<Pack>,
    /// So many packs come first that new backups may rely on; the others are being collected.
    kept: usize,
    chunks: usize,
    adopted: Vec<PackTable>,
    ignored: Vec<(String, String)>,
    /// The highest round of collection when it was loaded; `None` when that could not be read.
    round: Option<u64>,
    /// The names of the segments that it was made of, hashed.
    made_of: [u8; 32],
}

impl Index {
    /// The index of a vault without packs, for work that reads nothing from the vault.
    #[must_use]
    pub fn empty() -> Self {
        Self::build(Vec::new())
    }

    /// An index of these packs; a pack that is named twice counts once.
    pub(crate) fn build(tables: Vec<PackTable>) -> Self {
        Self::build_avoiding(tables, &HashSet::new())
    }

    /// As [`Index::build`]; what only the packs of `avoid` hold can be read and is not relied on by new backups.
    pub(crate) fn build_avoiding(mut tables: Vec<PackTable>, avoid: &HashSet<PackId>) -> Self {
        tables.sort_unstable_by_key(|table| (avoid.contains(&table.id), table.id));
        tables.dedup_by_key(|table| table.id);
        let mut slots = Vec::with_capacity(tables.iter().map(|table| table.contents.chunks()).sum());
        let mut spots = Vec::with_capacity(tables.iter().map(|table| table.contents.blocks()).sum());
        let mut packs = Vec::with_capacity(tables.len());
        let kept = tables.partition_point(|table| !avoid.contains(&table.id));
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
            packs.push(Pack {
                id: table.id,
                size: table.size,
                header: table.header,
                first,
                end,
            });
        }
        slots.sort_unstable_by_key(|slot| (slot.id, slot.block));
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
            kept,
            chunks,
            adopted: Vec::new(),
            ignored: Vec::new(),
            round: None,
            made_of: [0; 32],
        }
    }

    /// Where a chunk is; one place of those there are.
    #[must_use]
    pub fn get(&self, id: &ChunkId) -> Option<Location> {
        self.slots_of(id).first().and_then(|slot| self.location(slot))
    }

    /// Every place where a chunk is.
    pub(crate) fn copies(&self, id: &ChunkId) -> impl Iterator<Item = Location> {
        self.slots_of(id).iter().filter_map(|slot| self.location(slot))
    }

    /// Every place of every chunk, by chunk id; a chunk that was stored twice comes twice.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (ChunkId, Location)> {
        self.slots
            .iter()
            .filter_map(|slot| Some((slot.id, self.location(slot)?)))
    }

    /// The size of a pack in bytes.
    #[must_use]
    pub fn pack_size(&self, pack: &PackId) -> Option<u64> {
        Some(self.pack(pack)?.size)
    }

    /// Every pack.
    pub(crate) fn all_packs(&self) -> &[Pack] {
        &self.packs
    }

    pub(crate) fn pack(&self, pack: &PackId) -> Option<&Pack> {
        let (kept, going) = self.packs.split_at_checked(self.kept)?;
        let find = |packs: &[Pack]| packs.binary_search_by_key(pack, |pack| pack.id);
        match find(kept) {
            Ok(place) => kept.get(place),
            Err(_) => going.get(find(going).ok()?),
        }
    }

    /// How many packs there are.
    #[must_use]
    pub fn packs(&self) -> usize {
        self.packs.len()
    }

    /// How many different chunks there are.
    #[must_use]
    pub fn chunks(&self) -> usize {
        self.chunks
    }

    /// Bytes of all packs.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.packs.iter().map(|pack| pack.size).sum()
    }

    /// Bytes of packs by the key epoch that they are sealed with.
    #[must_use]
    pub fn bytes_by_epoch(&self) -> BTreeMap<u32, u64> {
        let mut bytes = BTreeMap::new();
        for pack in &self.packs {
            *bytes.entry(epoch_of(&pack.header)).or_default() += pack.size;
        }
        bytes
    }

    /// Bytes of packs that are sealed with key epochs before this one.
    #[must_use]
    pub fn bytes_before(&self, epoch: u32) -> u64 {
        self.bytes_by_epoch().range(..epoch).map(|(_, bytes)| bytes).sum()
    }

    /// Packs that no segment named when this was loaded, and that were found whole.
    pub(crate) fn adopted(&self) -> &[PackTable] {
        &self.adopted
    }

    /// Objects that were left out because they cannot be read, with the reasons: damaged segments, and packs that
    /// no segment names and whose tables are damaged.
    #[must_use]
    pub fn ignored(&self) -> &[(String, String)] {
        &self.ignored
    }

    /// The highest round of collection when this was loaded: as long as it is the same, nothing was freed since.
    #[must_use]
    pub fn round(&self) -> Option<u64> {
        self.round
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

    fn location(&self, slot: &Slot) -> Option<Location> {
        let block = slot.block as usize;
        let spot = self.spots.get(block)?;
        let pack = self.packs.get(spot.pack as usize)?;
        let end = match self.spots.get(block + 1) {
            Some(next) if next.pack == spot.pack => next.offset,
            _ => pack.end,
        };
        Some(Location {
            pack: pack.id,
            offset: u64::from(spot.offset),
            stored: end.checked_sub(spot.offset)?,
            at: slot.at,
            length: slot.length,
            number: slot.block.checked_sub(pack.first)?,
            block: spot.length,
            shared: spot.shared,
            kind: spot.kind,
            encoding: spot.encoding,
        })
    }

    /// A set of packs of this index, empty.
    pub(crate) fn no_packs(&self) -> PackSet {
        PackSet {
            bits: (0..self.packs.len().div_ceil(64))
                .map(|_| AtomicU64::new(0))
                .collect(),
        }
    }

    /// Adds the pack of a chunk's first place; `None` when the chunk is in no pack that may be relied on.
    pub(crate) fn mark(&self, id: &ChunkId, set: &PackSet) -> Option<()> {
        let slot = self.slots_of(id).first()?;
        let spot = self.spots.get(slot.block as usize)?;
        let pack = spot.pack as usize;
        if pack >= self.kept && !bug(Bug::RelyOnMarkedPacks) {
            return None;
        }
        set.insert(pack);
        Some(())
    }

    /// The packs of a set.
    pub(crate) fn marked<'a>(&'a self, set: &'a PackSet) -> impl Iterator<Item = PackId> + 'a {
        let places = self.packs.iter().enumerate();
        places
            .filter(|(place, _)| set.contains(*place))
            .map(|(_, pack)| pack.id)
    }
}

/// A set of an index's packs that many threads add to.
#[derive(Debug)]
pub(crate) struct PackSet {
    bits: Vec<AtomicU64>,
}

impl PackSet {
    fn insert(&self, place: usize) {
        if let Some(word) = self.bits.get(place / 64) {
            word.fetch_or(1 << (place % 64), Ordering::Relaxed);
        }
    }

    fn contains(&self, place: usize) -> bool {
        self.bits
            .get(place / 64)
            .is_some_and(|word| word.load(Ordering::Relaxed) & (1 << (place % 64)) != 0)
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
