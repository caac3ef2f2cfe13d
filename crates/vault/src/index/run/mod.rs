//! A part of an index in a file: sorted, immutable, made of pages that are checked whenever they are read. In memory are
//! the first bits of each page's first name (eight bytes a page) and a filter (six bits a chunk).

mod entry;
mod filter;
mod writer;

use std::collections::HashSet;
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

pub(super) use self::entry::Named;
use self::entry::PACK;
use self::filter::Filter;
pub(super) use self::writer::RunWriter;
use self::writer::first_bits;
use super::pages::{PAGE, PageFile, PageKey, Records};
use super::places::{Entries, Pack, Packs, Place, Places, Sums};
use crate::list::varint::Cursor;
use crate::pack::epoch_of;
use crate::{ChunkId, Error, PackId};

/// The name of an index segment: the digest that it has below `index/`.
pub(crate) type SegmentName = [u8; 32];

/// What the last page of a run says.
#[derive(Debug, Clone, Copy, Default)]
struct Footer {
    /// Records of packs.
    numbers: u32,
    /// The number of the pack that was added last; not stored.
    first_of_pack: u32,
    entries: u64,
    entry_page: u64,
    /// Where fences, filter and segments start.
    tail_page: u64,
    pack_fences: u64,
    fences: u64,
    filter: u64,
    segments: u64,
    sums: Sums,
}

/// A run, open.
pub(crate) struct Run {
    id: [u8; 16],
    file: PageFile,
    footer: Footer,
    pack_fences: Vec<u64>,
    fences: Vec<u64>,
    filter: Filter,
    segments: Vec<SegmentName>,
    /// Which packs are still named by a segment that is there; `None`: all are.
    live: Option<Live>,
    /// Nobody else knows of it.
    new: bool,
}

struct Live {
    packs: Vec<bool>,
    sums: Sums,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("file", &self.file.path())
            .field("footer", &self.footer)
            .finish_non_exhaustive()
    }
}

impl Run {
    pub(super) fn path(folder: &Path, id: &[u8; 16]) -> PathBuf {
        folder.join(format!("{}.run", data_encoding::HEXLOWER.encode(id)))
    }

    pub(super) fn open(folder: &Path, key: &[u8; 32], id: [u8; 16]) -> Result<Self, Error> {
        let file = PageFile::open(Self::path(folder, &id), PageKey::new(key, &id))?;
        let mut page = [0; PAGE];
        let last = file.pages().checked_sub(1).ok_or_else(|| file.damaged())?;
        let footer = Footer::read(file.read(last, &mut page)?).ok_or_else(|| file.damaged())?;
        let mut start = footer.tail_page;
        let mut words = |count: u64| {
            let mut words = Vec::new();
            Records::<8>::read(&file, start, count, |word| words.push(u64::from_le_bytes(*word)))?;
            start += count.div_ceil(Records::<8>::EACH as u64);
            Ok::<_, Error>(words)
        };
        let (pack_fences, fences) = (words(footer.pack_fences)?, words(footer.fences)?);
        let filter = Filter::from_words(words(footer.filter)?).ok_or_else(|| file.damaged())?;
        let mut segments = Vec::new();
        Records::<32>::read(&file, start, footer.segments, |name| segments.push(*name))?;
        Ok(Self {
            id,
            file,
            footer,
            pack_fences,
            fences,
            filter,
            segments,
            live: None,
            new: false,
        })
    }

    pub(super) fn id(&self) -> &[u8; 16] {
        &self.id
    }

    /// How many places of chunks it has, also those that are dropped.
    pub(super) fn len(&self) -> u64 {
        self.footer.entries
    }

    pub(super) fn segments(&self) -> &[SegmentName] {
        &self.segments
    }

    /// What only these segments named is gone. Gives the share of its packs that are left.
    pub(super) fn drop_segments(&mut self, gone: &HashSet<SegmentName>) -> Result<f64, Error> {
        let dead: Vec<bool> = self.segments.iter().map(|name| gone.contains(name)).collect();
        if !dead.contains(&true) {
            return Ok(1.0);
        }
        let mut packs: Vec<bool> = Vec::new();
        let mut sums = Sums::default();
        // A pack that several segments named stays while one of them does: its first record decides for all.
        let mut first: Option<(PackId, usize)> = None;
        for record in self.records() {
            let (_, named) = record?;
            let alive = dead.get(named.segment as usize) == Some(&false);
            let at = match first {
                Some((id, at)) if id == named.pack.id => at,
                _ => packs.len(),
            };
            first = Some((named.pack.id, at));
            packs.push(false);
            if alive && let Some(known) = packs.get_mut(at).filter(|known| !**known) {
                *known = true;
                sums.packs += 1;
                sums.bytes += named.pack.size;
                sums.epoch = sums.epoch.max(Some(epoch_of(&named.pack.header)));
                sums.chunks += u64::from(named.pack.chunks);
            }
        }
        let left = sums.packs as f64 / self.footer.sums.packs.max(1) as f64;
        self.live = Some(Live { packs, sums });
        Ok(left)
    }

    /// Every record of a pack with its number, in order.
    pub(super) fn records(&self) -> impl Iterator<Item = Result<(u32, Named), Error>> + Send + '_ {
        let each = Records::<PACK>::EACH as u64;
        let pages = u64::from(self.footer.numbers).div_ceil(each);
        (0..pages).flat_map(move |page| {
            let (packs, failed) = match self.packs_on(page) {
                Ok(packs) => (packs, None),
                Err(error) => (Vec::new(), Some(Err(error))),
            };
            let numbered = (page * each..).zip(packs);
            let numbered = numbered.map(|(at, named)| Ok((u32::try_from(at).unwrap_or(u32::MAX), named)));
            numbered.chain(failed)
        })
    }

    /// Every segment of it with each pack that it named.
    pub(super) fn named(&self) -> impl Iterator<Item = Result<(SegmentName, PackId), Error>> + '_ {
        self.records().filter_map(|record| match record {
            Ok((_, named)) => {
                let segment = self.segments.get(named.segment as usize)?;
                Some(Ok((*segment, named.pack.id)))
            }
            Err(error) => Some(Err(error)),
        })
    }

    pub(super) fn is_live(&self, pack: u32) -> bool {
        let live = self.live.as_ref();
        live.is_none_or(|live| live.packs.get(pack as usize) == Some(&true))
    }

    /// The records of the packs on one page.
    fn packs_on(&self, page: u64) -> Result<Vec<Named>, Error> {
        let each = Records::<PACK>::EACH as u64;
        let before = page * each;
        let count = u64::from(self.footer.numbers).saturating_sub(before).min(each);
        let mut packs = Vec::with_capacity(Records::<PACK>::EACH);
        Records::<PACK>::read(&self.file, page, count, |record| packs.push(Named::read(record)))?;
        Ok(packs)
    }

    /// The places on one page.
    fn places_on(&self, page: u64) -> Result<Vec<(ChunkId, Place)>, Error> {
        let mut places = Vec::new();
        let _ = self.scan(page, |id, place| {
            places.push((id, place));
            ControlFlow::Continue(())
        })?;
        Ok(places)
    }

    fn scan(
        &self,
        page: u64,
        mut each: impl FnMut(ChunkId, Place) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        let mut bytes = [0; PAGE];
        let contents = self.file.read(self.footer.entry_page + page, &mut bytes)?;
        let damaged = |_| self.file.damaged();
        let mut cursor = Cursor(contents);
        let count = u16::from_le_bytes(cursor.array().map_err(damaged)?);
        for _ in 0..count {
            let (id, place) = entry::read(&mut cursor).map_err(damaged)?;
            if self.is_live(place.pack) && each(id, place).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Removes its file, if nobody else knows of it yet. Who has it open goes on.
    pub(super) fn remove_if_new(&self) {
        if self.new {
            let _ = std::fs::remove_file(self.file.path());
        }
    }

    /// Whether it has this chunk.
    pub(crate) fn has(&self, id: &ChunkId) -> Result<bool, Error> {
        let mut found = false;
        self.find(id, &mut |_| {
            found = true;
            ControlFlow::Break(())
        })?;
        Ok(found)
    }
}

/// The pages that may hold a name: from the last page that starts before it to the last that starts with the same bits.
fn pages_of(fences: &[u64], name: &[u8; 32]) -> std::ops::Range<usize> {
    let bits = first_bits(name);
    let start = fences.partition_point(|fence| *fence < bits).saturating_sub(1);
    start..fences.partition_point(|fence| *fence <= bits)
}

impl Places for Run {
    fn numbers(&self) -> u32 {
        self.footer.numbers
    }

    fn sums(&self) -> Sums {
        self.live.as_ref().map_or(self.footer.sums, |live| live.sums)
    }

    fn find(&self, id: &ChunkId, each: &mut dyn FnMut(&Place) -> ControlFlow<()>) -> Result<(), Error> {
        if !self.filter.may_have(id) {
            return Ok(());
        }
        for page in pages_of(&self.fences, &id.0) {
            let done = self.scan(page as u64, |found, place| match found.cmp(id) {
                std::cmp::Ordering::Less => ControlFlow::Continue(()),
                std::cmp::Ordering::Equal => each(&place),
                std::cmp::Ordering::Greater => ControlFlow::Break(()),
            })?;
            if done.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn pack_at(&self, number: u32) -> Result<Option<Pack>, Error> {
        if number >= self.footer.numbers || !self.is_live(number) {
            return Ok(None);
        }
        let each = u32::try_from(Records::<PACK>::EACH).unwrap_or(1);
        let packs = self.packs_on(u64::from(number / each))?;
        let found = packs.into_iter().nth((number % each) as usize);
        Ok(found.map(|named| named.pack))
    }

    fn pack(&self, id: &PackId) -> Result<Option<(u32, Pack)>, Error> {
        let each = Records::<PACK>::EACH;
        for page in pages_of(&self.pack_fences, &id.0) {
            for (at, named) in self.packs_on(page as u64)?.into_iter().enumerate() {
                let number = u32::try_from(page * each + at).unwrap_or(u32::MAX);
                if named.pack.id == *id {
                    return Ok(self.is_live(number).then_some((number, named.pack)));
                }
            }
        }
        Ok(None)
    }

    fn packs(&self) -> Packs<'_> {
        let mut last: Option<PackId> = None;
        let records = self.records();
        let named = records.map(|found| found.map(|(number, named)| (number, named.pack)));
        // The first record of a pack stands for it.
        Box::new(named.filter(move |found| match found {
            Ok((number, pack)) => {
                let again = last == Some(pack.id);
                last = Some(pack.id);
                !again && self.is_live(*number)
            }
            Err(_) => true,
        }))
    }

    fn entries(&self) -> Entries<'_> {
        Box::new((0..self.fences.len() as u64).flat_map(move |page| {
            let (places, failed) = match self.places_on(page) {
                Ok(places) => (places, None),
                Err(error) => (Vec::new(), Some(Err(error))),
            };
            places.into_iter().map(Ok).chain(failed)
        }))
    }
}
