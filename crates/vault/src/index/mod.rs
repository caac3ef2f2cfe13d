//! Where every chunk is.
//!
//! An index is made of parts: one in memory, or, of a large vault, sorted files on disk ([`cache`]) and one in memory for
//! what no segment names.

mod batch;
mod cache;
mod compare;
mod inventory;
mod load;
mod memory;
mod pack_set;
mod pages;
mod places;
mod run;
mod said;
mod seen;
mod segment;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::ControlFlow;

use ostler_vocabulary::VaultId;

use crate::chunk::ChunkKind;
use crate::host::{Bug, bug};
use crate::pack::{Context, Encoding, PackTable, epoch_of};
use crate::{ChunkId, Error, PackId};

#[cfg(test)]
pub(crate) use cache::Adding;
pub(crate) use cache::Cache;
pub(crate) use inventory::{Copied, Inventory, Spot};
pub(crate) use load::{pack_key, pack_of};
use memory::InMemory;
pub use pack_set::PackSet;
pub(crate) use places::Pack;
use places::{Place, Places};
pub(crate) use said::Said;
pub(crate) use seen::{Seen, Sorted};
pub(crate) use segment::parse as parse_segment;
#[cfg(test)]
pub(crate) use tests::Scratch;

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

    /// Where in its pack it is.
    pub(crate) fn spot(&self) -> Spot {
        Spot {
            block: self.number,
            at: self.at,
        }
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
        batch::places(self, 0).map(|(id, place)| (id, place.in_pack(self.id)))
    }
}

/// A part of an index, and the number of its first pack among those of all parts.
struct Part {
    places: Box<dyn Places>,
    base: usize,
}

/// Where every chunk is: what all index segments of a vault say together. A chunk that was stored twice has two
/// places, and either will do.
pub struct Index {
    parts: Vec<Part>,
    /// Packs that new backups may not rely on: they are being collected, or not there.
    going: PackSet,
    adopted: Vec<PackTable>,
    /// Packs of this index that no segment names.
    unnamed: HashSet<PackId>,
    ignored: Vec<(String, String)>,
    /// The highest round of collection when it was loaded; `None` when that could not be read.
    round: Option<u64>,
    /// The names of the segments that it was made of, hashed.
    made_of: [u8; 32],
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts.iter().map(|part| &part.places);
        f.debug_list().entries(parts).finish()
    }
}

impl Index {
    /// The index of a vault without packs, for work that reads nothing from the vault.
    #[must_use]
    pub fn empty() -> Self {
        Self::build(Vec::new())
    }

    /// An index of these packs; a pack that is named twice counts once.
    pub(crate) fn build(tables: Vec<PackTable>) -> Self {
        Self::of(vec![Box::new(InMemory::build(tables))])
    }

    pub(crate) fn of(parts: Vec<Box<dyn Places>>) -> Self {
        let mut base = 0;
        let parts = parts.into_iter().map(|places| {
            let part = Part { base, places };
            base += part.places.numbers() as usize;
            part
        });
        let parts: Vec<Part> = parts.collect();
        Self {
            parts,
            going: PackSet::new(base),
            adopted: Vec::new(),
            unnamed: HashSet::new(),
            ignored: Vec::new(),
            round: None,
            made_of: [0; 32],
        }
    }

    /// What only the packs of `avoid` hold can be read and is not relied on by new backups.
    fn avoid(&mut self, avoid: &HashSet<PackId>) -> Result<(), Error> {
        for part in &self.parts {
            for pack in avoid {
                if let Some((number, _)) = part.places.pack(pack)? {
                    self.going.insert(part.base + number as usize);
                }
            }
        }
        Ok(())
    }

    /// Where a chunk is; one place of those there are.
    ///
    /// # Errors
    /// Only where the index is on disk: [`Error::Cache`], [`Error::CacheDamaged`].
    pub fn get(&self, id: &ChunkId) -> Result<Option<Location>, Error> {
        let mut first = None;
        for part in &self.parts {
            let mut good = None;
            part.places.find(id, &mut |place| {
                if self.going.contains(part.base + place.pack as usize) {
                    first.get_or_insert((part, *place));
                    return ControlFlow::Continue(());
                }
                good = Some(*place);
                ControlFlow::Break(())
            })?;
            if let Some(place) = good {
                return part.location(&place);
            }
        }
        first.map_or(Ok(None), |(part, place)| part.location(&place))
    }

    /// Every place where a chunk is, those first that new backups may rely on.
    pub(crate) fn copies(&self, id: &ChunkId) -> Result<Vec<Location>, Error> {
        let mut found = Vec::new();
        for part in &self.parts {
            part.places.find(id, &mut |place| {
                found.push((part, *place));
                ControlFlow::Continue(())
            })?;
        }
        found.sort_by_key(|(part, place)| self.going.contains(part.base + place.pack as usize));
        let mut copies = Vec::with_capacity(found.len());
        for (part, place) in found {
            if let Some(location) = part.location(&place)?
                && !copies.contains(&location)
            {
                copies.push(location);
            }
        }
        Ok(copies)
    }

    /// The size of a pack in bytes.
    ///
    /// # Errors
    /// As [`Index::get`].
    pub fn pack_size(&self, pack: &PackId) -> Result<Option<u64>, Error> {
        Ok(self.pack(pack)?.map(|pack| pack.size))
    }

    /// Every pack; one that two parts know may come twice.
    pub(crate) fn all_packs(&self) -> impl Iterator<Item = Result<Pack, Error>> {
        let packs = self.parts.iter().flat_map(|part| part.places.packs());
        packs.map(|pack| pack.map(|(_, pack)| pack))
    }

    pub(crate) fn pack(&self, pack: &PackId) -> Result<Option<Pack>, Error> {
        for part in &self.parts {
            if let Some((_, pack)) = part.places.pack(pack)? {
                return Ok(Some(pack));
            }
        }
        Ok(None)
    }

    /// How many packs there are. Where the index is on disk, what is named twice may count twice; the same for the two
    /// below.
    #[must_use]
    pub fn packs(&self) -> usize {
        self.sum(|sums| sums.packs).try_into().unwrap_or(usize::MAX)
    }

    /// How many different chunks there are.
    #[must_use]
    pub fn chunks(&self) -> usize {
        self.sum(|sums| sums.chunks).try_into().unwrap_or(usize::MAX)
    }

    /// Bytes of all packs.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.sum(|sums| sums.bytes)
    }

    /// The highest key epoch that a pack is sealed with.
    fn epoch(&self) -> Option<u32> {
        self.parts
            .iter()
            .filter_map(|part| part.places.sums().epoch)
            .max()
    }

    fn sum(&self, of: impl Fn(places::Sums) -> u64) -> u64 {
        self.parts.iter().map(|part| of(part.places.sums())).sum()
    }

    /// Whether it has packs that nothing new may rely on.
    pub(crate) fn avoids_some(&self) -> bool {
        !self.going.is_empty()
    }

    /// Bytes of packs by the key epoch that they are sealed with.
    ///
    /// # Errors
    /// As [`Index::get`].
    pub fn bytes_by_epoch(&self) -> Result<BTreeMap<u32, u64>, Error> {
        let mut bytes = BTreeMap::new();
        for pack in self.all_packs() {
            let pack = pack?;
            *bytes.entry(epoch_of(&pack.header)).or_default() += pack.size;
        }
        Ok(bytes)
    }

    /// Bytes of packs that are sealed with key epochs before this one.
    ///
    /// # Errors
    /// As [`Index::get`].
    pub fn bytes_before(&self, epoch: u32) -> Result<u64, Error> {
        Ok(self
            .bytes_by_epoch()?
            .range(..epoch)
            .map(|(_, bytes)| bytes)
            .sum())
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

    /// Whether the pack was only found in the store, and no segment that could be read names it.
    #[must_use]
    pub fn is_unnamed(&self, pack: &PackId) -> bool {
        self.unnamed.contains(pack)
    }

    /// The highest round of collection when this was loaded: as long as it is the same, nothing was freed since.
    #[must_use]
    pub fn round(&self) -> Option<u64> {
        self.round
    }

    /// A set of packs of this index, empty.
    #[must_use]
    pub fn no_packs(&self) -> PackSet {
        PackSet::new(
            self.parts
                .last()
                .map_or(0, |part| part.base + part.places.numbers() as usize),
        )
    }

    /// Adds a pack with the chunk, one that may be relied on; `false` when the chunk is in none of these.
    pub(crate) fn mark(&self, id: &ChunkId, set: &PackSet) -> Result<bool, Error> {
        self.choose(id, set, bug(Bug::RelyOnMarkedPacks))
    }

    /// Adds the pack that [`Index::get`] names for the chunk; `false` when no pack has it.
    ///
    /// # Errors
    /// As [`Index::get`].
    pub fn add_pack_of(&self, id: &ChunkId, set: &PackSet) -> Result<bool, Error> {
        Ok(self.choose(id, set, false)? || self.choose(id, set, true)?)
    }

    fn choose(&self, id: &ChunkId, set: &PackSet, also_going: bool) -> Result<bool, Error> {
        for part in &self.parts {
            let mut good = None;
            part.places.find(id, &mut |place| {
                let number = part.base + place.pack as usize;
                if !also_going && self.going.contains(number) {
                    return ControlFlow::Continue(());
                }
                good = Some(number);
                ControlFlow::Break(())
            })?;
            if let Some(number) = good {
                set.insert(number);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The packs of a set, sorted.
    ///
    /// # Errors
    /// As [`Index::get`].
    pub fn packs_of(&self, set: &PackSet) -> Result<Vec<PackId>, Error> {
        let mut packs = Vec::new();
        for part in &self.parts {
            for number in 0..part.places.numbers() {
                if set.contains(part.base + number as usize)
                    && let Some(pack) = part.places.pack_at(number)?
                {
                    packs.push(pack.id);
                }
            }
        }
        packs.sort_unstable();
        packs.dedup();
        Ok(packs)
    }
}

impl Part {
    fn location(&self, place: &Place) -> Result<Option<Location>, Error> {
        let pack = self.places.pack_at(place.pack)?;
        Ok(pack.map(|pack| place.in_pack(pack.id)))
    }
}
