//! Writing a run.

use std::path::Path;

use super::super::pages::{PageKey, PageWriter, ROOM, Records};
use super::super::places::{Place, Sums};
use super::entry::{self, MOST, Named, PACK};
use super::filter::Filter;
use super::{Footer, Run, SegmentName};
use crate::pack::epoch_of;
use crate::{ChunkId, Error};

/// Writes a run: its packs, then its chunks, each in order. The file has its name from the start; what is unfinished has
/// no footer and is nobody's.
pub(in super::super) struct RunWriter {
    id: [u8; 16],
    out: PageWriter,
    packs: Records<PACK>,
    entries: Vec<u8>,
    on_page: u16,
    pack_fences: Vec<u64>,
    fences: Vec<u64>,
    filter: Filter,
    footer: Footer,
    last: Option<(ChunkId, Place)>,
    last_pack: Option<crate::PackId>,
}

impl RunWriter {
    /// `chunks` are at most so many.
    pub(in super::super) fn create(folder: &Path, key: &[u8; 32], chunks: u64) -> Result<Self, Error> {
        let id: [u8; 16] = crate::cipher::random()?;
        let out = PageWriter::create(Run::path(folder, &id), PageKey::new(key, &id))?;
        Ok(Self {
            id,
            out,
            packs: Records::new(),
            entries: Vec::with_capacity(ROOM),
            on_page: 0,
            pack_fences: Vec::new(),
            fences: Vec::new(),
            filter: Filter::new(chunks),
            footer: Footer::default(),
            last: None,
            last_pack: None,
        })
    }

    /// Adds a pack; gives its number, or that of the same pack before it.
    pub(in super::super) fn push_pack(&mut self, named: &Named) -> Result<u32, Error> {
        let number = self.footer.numbers;
        let again = self.last_pack == Some(named.pack.id);
        if number.is_multiple_of(u32::try_from(Records::<PACK>::EACH).unwrap_or(1)) {
            self.pack_fences.push(first_bits(&named.pack.id.0));
        }
        self.packs.push(&named.write(), &mut self.out)?;
        self.footer.numbers = number
            .checked_add(1)
            .ok_or_else(|| Error::Internal("a run of the index cache has too many packs".to_owned()))?;
        if again {
            return Ok(self.footer.first_of_pack);
        }
        self.last_pack = Some(named.pack.id);
        self.footer.first_of_pack = number;
        self.footer.sums.packs += 1;
        self.footer.sums.bytes += named.pack.size;
        self.footer.sums.epoch = self.footer.sums.epoch.max(Some(epoch_of(&named.pack.header)));
        Ok(number)
    }

    /// Adds a chunk, after all packs; in order, and one that is the same as the one before is left out.
    pub(in super::super) fn push(&mut self, id: &ChunkId, place: &Place) -> Result<(), Error> {
        if self.last == Some((*id, *place)) {
            return Ok(());
        }
        if self.footer.entries == 0 {
            self.packs.flush(&mut self.out)?;
            self.footer.entry_page = self.out.next();
        }
        if self.entries.len() + MOST > ROOM {
            self.flush()?;
        }
        if self.on_page == 0 {
            self.fences.push(first_bits(&id.0));
            self.entries.extend_from_slice(&[0, 0]);
        }
        entry::write(id, place, &mut self.entries);
        self.on_page += 1;
        self.footer.entries += 1;
        if self.last.as_ref().is_none_or(|(last, _)| last != id) {
            self.filter.insert(id);
            self.footer.sums.chunks += 1;
        }
        self.last = Some((*id, *place));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.on_page > 0 {
            self.entries[..2].copy_from_slice(&self.on_page.to_le_bytes());
            self.out.write(&self.entries)?;
            self.entries.clear();
            self.on_page = 0;
        }
        Ok(())
    }

    /// `segments` are those the packs were named by, in the order of their numbers.
    pub(in super::super) fn finish(mut self, segments: Vec<SegmentName>) -> Result<Run, Error> {
        self.packs.flush(&mut self.out)?;
        if self.footer.entries == 0 {
            self.footer.entry_page = self.out.next();
        }
        self.flush()?;
        self.footer.tail_page = self.out.next();
        for words in [self.pack_fences.as_slice(), &self.fences, self.filter.words()] {
            let mut records = Records::<8>::new();
            for word in words {
                records.push(&word.to_le_bytes(), &mut self.out)?;
            }
            records.flush(&mut self.out)?;
        }
        let mut records = Records::<32>::new();
        for segment in &segments {
            records.push(segment, &mut self.out)?;
        }
        records.flush(&mut self.out)?;
        self.footer.pack_fences = self.pack_fences.len() as u64;
        self.footer.fences = self.fences.len() as u64;
        self.footer.filter = self.filter.words().len() as u64;
        self.footer.segments = segments.len() as u64;
        self.out.write(&self.footer.write())?;
        Ok(Run {
            id: self.id,
            file: self.out.finish()?,
            footer: self.footer,
            pack_fences: self.pack_fences,
            fences: self.fences,
            filter: self.filter,
            segments,
            live: None,
            new: true,
        })
    }
}

/// The start of a name as a number, which is in the order of names.
pub(super) fn first_bits(name: &[u8; 32]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *name;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

impl Footer {
    const MAGIC: &'static [u8; 8] = b"OSTLRUN1";

    fn write(&self) -> Vec<u8> {
        let mut bytes = Self::MAGIC.to_vec();
        for number in self.numbers_in_order() {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    fn numbers_in_order(&self) -> [u64; 12] {
        [
            u64::from(self.numbers),
            self.entries,
            self.entry_page,
            self.tail_page,
            self.pack_fences,
            self.fences,
            self.filter,
            self.segments,
            self.sums.packs,
            self.sums.chunks,
            self.sums.bytes,
            // None is no number of an epoch.
            self.sums.epoch.map_or(0, u64::from),
        ]
    }

    pub(super) fn read(page: &[u8]) -> Option<Self> {
        let (magic, rest) = page.split_first_chunk::<8>()?;
        if magic != Self::MAGIC {
            return None;
        }
        let (words, _) = rest.as_chunks::<8>();
        let number = |at: usize| words.get(at).map(|word| u64::from_le_bytes(*word));
        Some(Self {
            numbers: u32::try_from(number(0)?).ok()?,
            first_of_pack: 0,
            entries: number(1)?,
            entry_page: number(2)?,
            tail_page: number(3)?,
            pack_fences: number(4)?,
            fences: number(5)?,
            filter: number(6)?,
            segments: number(7)?,
            sums: Sums {
                packs: number(8)?,
                chunks: number(9)?,
                bytes: number(10)?,
                epoch: u32::try_from(number(11)?).ok().filter(|epoch| *epoch > 0),
            },
        })
    }
}
