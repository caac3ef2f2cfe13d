//! The cache of a very large index, built and asked.

use std::collections::HashSet;
use std::time::Instant;

use super::{folder, says, wanted};
use crate::index::{Adding, Cache, Index};
use crate::pack::{Block, Contents, Encoding, HEADER, Member, PackTable};
use crate::{ChunkId, ChunkKind, PackId};

fn name(kind: u8, number: u64) -> [u8; 32] {
    let mut bytes = [kind; 9];
    bytes[1..].copy_from_slice(&number.to_le_bytes());
    *blake3::hash(&bytes).as_bytes()
}

/// Pack number `pack` of a vault with chunks of 1 MiB that compress to two thirds.
fn table(pack: u64, chunks: u64) -> PackTable {
    let mut contents = Contents::default();
    let mut offset = HEADER as u32;
    for chunk in 0..chunks {
        let block = Block {
            kind: ChunkKind::Data,
            encoding: Encoding::Zstd,
            offset,
            stored: 700_000 + (chunk as u32 * 977) % 9000,
            length: 1 << 20,
            chunks: 1,
        };
        offset += block.stored;
        let id = ChunkId(name(1, pack * chunks + chunk));
        contents.push(block, &[Member { id, length: 1 << 20 }]);
    }
    let size = u64::from(offset) + contents.size() as u64 + 32;
    PackTable {
        id: PackId(name(2, pack)),
        size,
        header: [7; HEADER],
        contents,
    }
}

/// Sixteen chunks to a pack and 64 packs to a segment, as writers make them.
#[test]
#[ignore = "a bench: cargo xtask bench scale"]
fn index_of_many_chunks() {
    let chunks = wanted("CHUNKS");
    let folder = folder();
    let (each, packs) = (16, 64);
    let segments = chunks.div_ceil(each * packs);
    let cache = Cache::at(&folder, [3; 32]);
    let listed: HashSet<[u8; 32]> = (0..segments).map(|segment| name(0, segment)).collect();
    let begun = Instant::now();
    let mut adding = Adding::begin(cache.clone(), &listed).unwrap();
    for segment in 0..segments {
        let tables = (segment * packs..(segment + 1) * packs).map(|pack| table(pack, each));
        adding.add(name(0, segment), tables.collect());
        if adding.is_full() {
            adding = adding.write().unwrap();
        }
    }
    drop(adding.finish().unwrap());
    says(
        &format!("index of {chunks} chunks, made of {segments} segments"),
        begun,
        chunks,
    );
    let files = std::fs::read_dir(&folder).unwrap();
    let (count, bytes) = files.fold((0, 0), |(count, bytes), file| {
        (count + 1, bytes + file.unwrap().metadata().unwrap().len())
    });
    println!("on disk: {count} files, {:.2} GB", bytes as f64 / 1e9);

    let begun = Instant::now();
    let covered = cache.look(&listed).unwrap();
    assert!(!covered.is_due());
    println!("{} runs", covered.runs.len());
    let index = Index::of(covered.runs.into_iter().map(|run| Box::new(run) as _).collect());
    says("opened", begun, 1);
    let total = segments * packs * each;
    let look = |what: &str, kind: u8, there: bool| {
        let (looks, begun) = (wanted("LOOKS").max(1), Instant::now());
        let set = index.no_packs();
        for look in 0..looks {
            let number = look.wrapping_mul(0x9e37_79b9_7f4a_7c15) % total;
            assert_eq!(index.mark(&ChunkId(name(kind, number)), &set).unwrap(), there);
        }
        says(what, begun, looks);
    };
    look("chunks that are there", 1, true);
    look("chunks that are not", 9, false);
    std::fs::remove_dir_all(&folder).unwrap();
}
