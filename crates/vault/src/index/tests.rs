//! What every part of an index keeps to, in memory and on disk.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

use super::batch::{Batch, merge, settle};
use super::memory::InMemory;
use super::places::{Place, Places};
use super::run::{Run, SegmentName};
use super::seen::Seen;
use super::{Cache, Copied, Index, Inventory, Spot};
use crate::chunk::ChunkKind;
use crate::pack::{Block, Contents, Encoding, HEADER, Member, PackTable};
use crate::{ChunkId, Error, PackId};

const KEY: [u8; 32] = [7; 32];

/// A directory that goes with the test.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let name: [u8; 8] = crate::cipher::random().unwrap();
        let path = std::env::temp_dir().join(format!("ostler-index-{}", u64::from_le_bytes(name)));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn files(&self) -> Vec<PathBuf> {
        let runs = std::fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        runs.filter(|path| path.extension().is_some_and(|extension| extension == "run"))
            .collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn id(number: u32) -> ChunkId {
    ChunkId(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

fn pack_id(number: u32) -> PackId {
    PackId(*blake3::hash(&[&number.to_le_bytes()[..], b"pack"].concat()).as_bytes())
}

/// A pack of these chunks, three to a block.
fn table(pack: u32, chunks: &[u32]) -> PackTable {
    let mut contents = Contents::default();
    let mut offset = HEADER as u32;
    for some in chunks.chunks(3) {
        let members: Vec<Member> = some
            .iter()
            .map(|chunk| Member {
                id: id(*chunk),
                length: 100 + chunk % 50,
            })
            .collect();
        let length = members.iter().map(|member| member.length).sum();
        let block = Block {
            kind: if pack.is_multiple_of(5) {
                ChunkKind::List
            } else {
                ChunkKind::Data
            },
            encoding: Encoding::Stored,
            offset,
            stored: length + 16,
            length,
            chunks: some.len() as u32,
        };
        offset += block.stored;
        contents.push(block, &members);
    }
    PackTable {
        id: pack_id(pack),
        size: u64::from(offset) + 1000,
        header: [pack as u8; HEADER],
        contents,
    }
}

fn on_disk(scratch: &Path, tables: &[PackTable]) -> Run {
    let mut batch = Batch::default();
    batch.add([1; 32], tables.to_vec());
    batch.write(scratch, &KEY).unwrap()
}

/// The same in two segments each, one run for each, put together.
fn merged(scratch: &Path, tables: &[PackTable]) -> Run {
    let runs: Vec<Run> = tables
        .iter()
        .enumerate()
        .map(|(at, table)| {
            let mut batch = Batch::default();
            batch.add([at as u8; 32], vec![table.clone()]);
            batch.add([100 + at as u8; 32], vec![table.clone()]);
            batch.write(scratch, &KEY).unwrap()
        })
        .collect();
    merge(&runs, &HashSet::new(), scratch, &KEY).unwrap()
}

fn places(part: &dyn Places, id: &ChunkId) -> Vec<(PackId, Place)> {
    let mut places = Vec::new();
    part.find(id, &mut |place| {
        places.push(*place);
        ControlFlow::Continue(())
    })
    .unwrap();
    let named = |place: Place| {
        (
            part.pack_at(place.pack).unwrap().unwrap().id,
            Place { pack: 0, ..place },
        )
    };
    let mut places: Vec<_> = places.into_iter().map(named).collect();
    places.sort_unstable();
    places
}

/// What a part says of everything, by names.
fn said(part: &dyn Places) -> BTreeMap<ChunkId, Vec<(PackId, Place)>> {
    let mut said: BTreeMap<ChunkId, Vec<(PackId, Place)>> = BTreeMap::new();
    let mut last = None;
    for entry in part.entries() {
        let (id, place) = entry.unwrap();
        assert!(last.is_none_or(|last| last <= id), "sorted by chunk id");
        last = Some(id);
        let pack = part.pack_at(place.pack).unwrap().unwrap().id;
        said.entry(id)
            .or_default()
            .push((pack, Place { pack: 0, ..place }));
    }
    said.values_mut().for_each(|places| places.sort_unstable());
    said
}

/// The contract of [`Places`].
fn keeps_the_contract(part: &dyn Places, tables: &[PackTable]) {
    let mut expected: BTreeMap<ChunkId, Vec<(PackId, Place)>> = BTreeMap::new();
    for table in tables {
        for (chunk, place) in super::batch::places(table, 0) {
            expected.entry(chunk).or_default().push((table.id, place));
        }
    }
    expected.values_mut().for_each(|places| places.sort_unstable());
    assert_eq!(said(part), expected);
    for (chunk, expected) in &expected {
        assert_eq!(&places(part, chunk), expected);
    }
    for number in 1_000_000..1_000_200 {
        assert!(places(part, &id(number)).is_empty());
    }
    let mut names: Vec<PackId> = tables.iter().map(|table| table.id).collect();
    names.sort_unstable();
    let found: Vec<_> = part.packs().map(Result::unwrap).collect();
    assert_eq!(found.iter().map(|(_, pack)| pack.id).collect::<Vec<_>>(), names);
    for (number, pack) in found {
        assert!(number < part.numbers());
        assert_eq!(part.pack_at(number).unwrap(), Some(pack.clone()));
        assert_eq!(part.pack(&pack.id).unwrap(), Some((number, pack.clone())));
        let table = tables.iter().find(|table| table.id == pack.id).unwrap();
        assert_eq!((pack.size, pack.header), (table.size, table.header));
        assert_eq!(pack.chunks as usize, table.contents.chunks());
    }
    assert_eq!(part.pack(&pack_id(99_999)).unwrap(), None);
    let sums = part.sums();
    assert_eq!(sums.packs, tables.len() as u64);
    assert_eq!(sums.chunks, expected.len() as u64);
    assert_eq!(sums.bytes, tables.iter().map(|table| table.size).sum::<u64>());
}

/// Distinct packs, some of whose chunks are the same.
fn some_tables() -> impl Strategy<Value = Vec<PackTable>> {
    prop::collection::vec(prop::collection::btree_set(0_u32..400, 1..120), 0..40).prop_map(|packs| {
        let numbered = (0_u32..).zip(packs);
        numbered
            .map(|(pack, chunks)| table(pack, &chunks.into_iter().collect::<Vec<_>>()))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_kind_of_part_keeps_the_contract(tables in some_tables()) {
        let scratch = Scratch::new();
        keeps_the_contract(&InMemory::build(tables.clone()), &tables);
        let run = on_disk(&scratch.0, &tables);
        keeps_the_contract(&run, &tables);
        keeps_the_contract(&Run::open(&scratch.0, &KEY, *run.id()).unwrap(), &tables);
        keeps_the_contract(&merged(&scratch.0, &tables), &tables);
    }

    #[test]
    fn packs_go_with_the_last_segment_that_names_them(
        tables in some_tables(),
        gone in prop::collection::vec((any::<bool>(), any::<bool>()), 40),
    ) {
        let scratch = Scratch::new();
        let mut run = merged(&scratch.0, &tables);
        let mut dropped: HashSet<SegmentName> = HashSet::new();
        for (at, (first, second)) in (0_u8..).zip(&gone) {
            dropped.extend(first.then_some([at; 32]));
            dropped.extend(second.then_some([100 + at; 32]));
        }
        let stays = |at: usize| !matches!(gone[at], (true, true));
        let left: Vec<PackTable> =
            tables.iter().enumerate().filter(|(at, _)| stays(*at)).map(|(_, table)| table.clone()).collect();
        run.drop_segments(&dropped).unwrap();
        prop_assert_eq!(run.packs().count(), left.len());
        prop_assert_eq!(said(&run), said(&InMemory::build(left.clone())));
        keeps_the_contract(&merge(&[run], &dropped, &scratch.0, &KEY).unwrap(), &left);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_inventory_counts_every_pack_and_place_once(
        tables in some_tables(),
        needed in prop::collection::hash_set(0_u32..400, 0..300),
        lost in any::<bool>(),
    ) {
        let scratch = Scratch::new();
        // Each part knows packs that others know too.
        let half = &tables[tables.len() / 2..];
        let parts: Vec<Box<dyn Places>> = vec![
            Box::new(merged(&scratch.0, &tables)),
            Box::new(on_disk(&scratch.0, half)),
            Box::new(InMemory::build(half.to_vec())),
        ];
        let there: HashSet<ChunkId> = tables.iter().flat_map(PackTable::places).map(|(id, _)| id).collect();
        let mut needed: HashSet<ChunkId> = needed.into_iter().map(id).filter(|id| there.contains(id)).collect();
        if lost {
            needed.insert(id(1000));
        }
        let seen = Seen::new(Some(Cache::at(&scratch.0, KEY)));
        for chunk in &needed {
            seen.insert(chunk).unwrap();
        }
        let mut expected: BTreeMap<ChunkId, BTreeSet<(PackId, Spot, u64)>> = BTreeMap::new();
        let mut holds: BTreeMap<PackId, (u64, u64, u64)> = BTreeMap::new();
        for table in &tables {
            let sums = holds.entry(table.id).or_default();
            for (chunk, location) in table.places() {
                sums.0 += 1;
                sums.1 += location.share();
                if needed.contains(&chunk) {
                    sums.2 += location.share();
                    let copies = expected.entry(chunk).or_default();
                    copies.insert((table.id, location.spot(), location.share()));
                }
            }
        }
        let taken = Inventory::take(Arc::new(Index::of(parts)), &seen.into_sorted());
        if lost {
            let damaged = matches!(taken, Err(Error::Damaged { .. }));
            prop_assert!(damaged);
            return Ok(());
        }
        let inventory = taken.unwrap();
        let found = inventory.packs().iter();
        let found = found.map(|holding| (holding.pack.id, (holding.chunks, holding.bytes, holding.needed)));
        prop_assert_eq!(found.collect::<Vec<_>>(), holds.into_iter().collect::<Vec<_>>());
        // As often as it is asked for, in the order of the chunks' names.
        for _ in 0..2 {
            let mut found = Vec::new();
            inventory
                .each_needed(&mut |copies| {
                    let pack = |copied: &Copied| inventory.packs()[copied.pack as usize].pack.id;
                    let copies = copies.iter().map(|copied| (pack(copied), copied.spot, copied.share));
                    found.push(copies.collect::<BTreeSet<_>>());
                })
                .unwrap();
            prop_assert_eq!(&found, &expected.values().cloned().collect::<Vec<_>>());
        }
    }
}

#[test]
fn an_index_of_several_parts_is_one() {
    let scratch = Scratch::new();
    let tables: Vec<PackTable> = (0..30)
        .map(|pack| table(pack, &(pack * 10..pack * 10 + 25).collect::<Vec<_>>()))
        .collect();
    let whole = Index::build(tables.clone());
    let parts = tables
        .chunks(7)
        .map(|some| Box::new(on_disk(&scratch.0, some)) as Box<dyn Places>);
    let mut split = Index::of(parts.collect());
    let set = split.no_packs();
    for chunk in 0..330 {
        let mut copies = split.copies(&id(chunk)).unwrap();
        let mut expected = whole.copies(&id(chunk)).unwrap();
        copies.sort_by_key(|location| location.pack);
        expected.sort_by_key(|location| location.pack);
        assert_eq!(copies, expected);
        assert_eq!(split.mark(&id(chunk), &set).unwrap(), chunk < 315);
    }
    assert!(
        split
            .packs_of(&set)
            .unwrap()
            .iter()
            .all(|pack| whole.pack(pack).unwrap().is_some())
    );
    // What only packs hold that are going can be read and is not relied on.
    split.avoid(&HashSet::from([pack_id(0), pack_id(1)])).unwrap();
    assert!(!split.mark(&id(3), &set).unwrap());
    assert_eq!(split.get(&id(3)).unwrap().unwrap().pack, pack_id(0));
    assert_eq!(split.get(&id(22)).unwrap().unwrap().pack, pack_id(2));
}

#[test]
fn runs_of_a_class_are_put_together_and_their_files_go() {
    let scratch = Scratch::new();
    let tables: Vec<PackTable> = (0..20).map(|pack| table(pack, &[pack, pack + 1])).collect();
    let mut runs = Vec::new();
    for table in &tables {
        runs.push(on_disk(&scratch.0, std::slice::from_ref(table)));
        runs = settle(runs, &HashSet::new(), &scratch.0, &KEY).unwrap();
    }
    assert!(runs.len() < 8, "{}", runs.len());
    assert_eq!(scratch.files().len(), runs.len());
}

#[test]
fn any_flipped_bit_of_a_run_is_found_and_never_answers() {
    let scratch = Scratch::new();
    let tables: Vec<PackTable> = (0..40)
        .map(|pack| table(pack, &(pack * 30..pack * 30 + 30).collect::<Vec<_>>()))
        .collect();
    let run = on_disk(&scratch.0, &tables);
    let path = Run::path(&scratch.0, run.id());
    let good = std::fs::read(&path).unwrap();
    for at in (5..good.len()).step_by(997) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, &bad).unwrap();
        let mut found = false;
        match Run::open(&scratch.0, &KEY, *run.id()) {
            Err(error) => found = matches!(error, Error::CacheDamaged { .. }),
            Ok(run) => {
                for chunk in 0..1300 {
                    let mut places = 0;
                    let looked = run.find(&id(chunk), &mut |_| {
                        places += 1;
                        ControlFlow::Continue(())
                    });
                    match looked {
                        Ok(()) => assert_eq!(places, usize::from(chunk < 1200)),
                        Err(error) => found |= matches!(error, Error::CacheDamaged { .. }),
                    }
                }
                found |= run.packs().any(|pack| pack.is_err());
            }
        }
        assert!(found, "byte {at}");
        assert!(!path.exists(), "what is damaged is removed");
    }
    // Another vault's key opens nothing.
    std::fs::write(&path, &good).unwrap();
    assert!(Run::open(&scratch.0, &[8; 32], *run.id()).is_err());
}

#[test]
fn a_session_knows_what_it_has_seen_also_when_that_is_on_disk() {
    let scratch = Scratch::new();
    let seen = Seen::new(Some(Cache::at(&scratch.0, KEY)));
    let many = 16 * 28_000 * 2;
    for chunk in 0..many {
        assert!(seen.insert(&id(chunk)).unwrap());
    }
    for chunk in (0..many).step_by(7) {
        assert!(!seen.insert(&id(chunk)).unwrap());
        assert!(!seen.contains(&id(many + chunk)).unwrap());
    }
    assert!(scratch.files().is_empty(), "its files have no names");
}
