//! From tables of packs to a run, and from several runs to one. Blocks.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::path::Path;

use super::places::{Pack, Place, Places};
use super::run::{Named, Run, RunWriter, SegmentName};
use crate::chunk::ChunkKind;
use crate::host::GIVEN_BACK;
use crate::pack::{Encoding, PackTable};
use crate::{ChunkId, Error};

/// So many chunks are sorted in memory at a time, and those of a segment more: 16 MiB and 15 MiB at most.
const FULL: usize = 256 << 10;
/// So many runs of a class are put together; a class is so many times as large as the one before.
const FAN: u64 = 8;
/// Runs below this many chunks are of the lowest class.
const SMALLEST: u64 = 4096;

/// What some segments say, until there is enough of it for a run.
#[derive(Default)]
pub(super) struct Batch {
    segments: Vec<SegmentName>,
    tables: Vec<(u32, PackTable)>,
    chunks: usize,
}

impl Batch {
    pub(super) fn add(&mut self, segment: SegmentName, tables: Vec<PackTable>) {
        let number = u32::try_from(self.segments.len()).unwrap_or(u32::MAX);
        self.segments.push(segment);
        self.chunks += tables.iter().map(|table| table.contents.chunks()).sum::<usize>();
        self.tables
            .extend(tables.into_iter().map(|table| (number, table)));
    }

    pub(super) fn is_full(&self) -> bool {
        self.chunks >= FULL
    }

    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    pub(super) fn write(mut self, folder: &Path, key: &[u8; 32]) -> Result<Run, Error> {
        let mut writer = RunWriter::create(folder, key, self.chunks as u64)?;
        self.tables.sort_by_key(|(segment, table)| (table.id, *segment));
        let least = GIVEN_BACK.div_ceil(size_of::<(ChunkId, Place)>());
        let mut entries = Vec::with_capacity(self.chunks.max(least));
        let mut last = None;
        // Each goes as soon as its chunks are among the entries: together they are as large.
        for (segment, table) in self.tables {
            let number = writer.push_pack(&Named {
                pack: Pack {
                    id: table.id,
                    size: table.size,
                    header: table.header,
                    chunks: u32::try_from(table.contents.chunks()).unwrap_or(u32::MAX),
                },
                segment,
            })?;
            if last.replace(number) != Some(number) {
                entries.extend(places(&table, number));
            }
        }
        entries.sort_unstable();
        for (id, place) in &entries {
            writer.push(id, place)?;
        }
        writer.finish(self.segments)
    }
}

pub(super) fn places(table: &PackTable, pack: u32) -> impl Iterator<Item = (ChunkId, Place)> + '_ {
    table.contents.each().flat_map(move |(number, block, chunks)| {
        let mut next = 0_u32;
        chunks.iter().map(move |chunk| {
            let at = next;
            next = next.saturating_add(chunk.length);
            let place = Place {
                pack,
                offset: block.offset,
                at,
                number,
                stored: block.stored,
                length: chunk.length,
                block: block.length,
                shared: block.chunks > 1,
                list: block.kind == ChunkKind::List,
                zstd: block.encoding == Encoding::Zstd,
            };
            (chunk.id, place)
        })
    })
}

/// Writes what several runs say as one, without what only segments of `gone` named.
pub(super) fn merge(
    runs: &[Run],
    gone: &HashSet<SegmentName>,
    folder: &Path,
    key: &[u8; 32],
) -> Result<Run, Error> {
    let mut writer = RunWriter::create(folder, key, runs.iter().map(|run| run.sums().chunks).sum())?;
    let mut segments = Vec::new();
    let mut numbers: HashMap<SegmentName, u32> = HashMap::new();
    for name in runs
        .iter()
        .flat_map(Run::segments)
        .filter(|name| !gone.contains(*name))
    {
        let next = u32::try_from(segments.len()).unwrap_or(u32::MAX);
        if *numbers.entry(*name).or_insert(next) == next {
            segments.push(*name);
        }
    }
    // What a pack's number becomes.
    let mut became: Vec<Vec<u32>> = runs
        .iter()
        .map(|run| vec![u32::MAX; run.numbers() as usize])
        .collect();
    let records = runs.iter().map(|run| {
        run.records()
            .map(|record| record.map(|(at, named)| (named.pack.id, (at, named))))
    });
    let mut first: Vec<Option<(crate::PackId, u32)>> = vec![None; runs.len()];
    in_order(records.collect(), |which, (id, (at, named))| {
        let run = &runs[which];
        // Chunks name the first record of their pack.
        let at = match first[which] {
            Some((same, first)) if same == id => first,
            _ => at,
        };
        first[which] = Some((id, at));
        let segment = run
            .segments()
            .get(named.segment as usize)
            .and_then(|name| numbers.get(name));
        if let Some(segment) = segment {
            let number = writer.push_pack(&Named {
                pack: named.pack,
                segment: *segment,
            })?;
            if let Some(place) = became[which].get_mut(at as usize) {
                *place = number;
            }
        }
        Ok(())
    })?;
    let entries = runs.iter().zip(&became).map(|(run, became)| {
        run.entries().filter_map(|entry| match entry {
            Ok((id, mut place)) => {
                place.pack = became.get(place.pack as usize).copied().unwrap_or(u32::MAX);
                (place.pack != u32::MAX).then_some(Ok(((id, place), ())))
            }
            Err(error) => Some(Err(error)),
        })
    });
    in_order(entries.collect(), |_, ((id, place), ())| writer.push(&id, &place))?;
    writer.finish(segments)
}

/// Takes from several sorted iterators what is least, until they are at their ends; gives also which one it is from.
pub(super) fn in_order<K: Ord, V>(
    mut from: Vec<impl Iterator<Item = Result<(K, V), Error>>>,
    mut each: impl FnMut(usize, (K, V)) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut heads: Vec<Option<V>> = Vec::with_capacity(from.len());
    let mut order = BinaryHeap::new();
    for (which, iterator) in from.iter_mut().enumerate() {
        let head = iterator.next().transpose()?;
        heads.push(head.map(|(key, value)| {
            order.push(Reverse((key, which)));
            value
        }));
    }
    while let Some(Reverse((key, which))) = order.pop() {
        let next = from[which].next().transpose()?.map(|(key, value)| {
            order.push(Reverse((key, which)));
            value
        });
        if let Some(value) = std::mem::replace(&mut heads[which], next) {
            each(which, (key, value))?;
        }
    }
    Ok(())
}

/// Which runs of these lengths are to be put together, if any: eight of a class.
pub(super) fn due(lengths: &[u64]) -> Option<Vec<usize>> {
    let class = |length: u64| (length / SMALLEST).checked_ilog(FAN).map_or(0, |class| class + 1);
    let mut classes: HashMap<u32, Vec<usize>> = HashMap::new();
    for (at, length) in lengths.iter().enumerate() {
        classes.entry(class(*length)).or_default().push(at);
    }
    let full = |(_, runs): &(u32, Vec<usize>)| runs.len() as u64 >= FAN;
    classes
        .into_iter()
        .filter(full)
        .min_by_key(|(class, _)| *class)
        .map(|(_, runs)| runs)
}

/// Puts runs together until no class has eight.
pub(super) fn settle(
    mut runs: Vec<Run>,
    gone: &HashSet<SegmentName>,
    folder: &Path,
    key: &[u8; 32],
) -> Result<Vec<Run>, Error> {
    while let Some(which) = due(&runs.iter().map(Run::len).collect::<Vec<_>>()) {
        let (mut together, mut others) = (Vec::new(), Vec::new());
        for (at, run) in runs.into_iter().enumerate() {
            match which.contains(&at) {
                true => together.push(run),
                false => others.push(run),
            }
        }
        others.push(merge(&together, gone, folder, key)?);
        together.iter().for_each(Run::remove_if_new);
        runs = others;
    }
    Ok(runs)
}
