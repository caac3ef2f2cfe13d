//! How fast chunks go into and come out of a vault in memory: `cargo run --release -p ostler-vault --example chunk_speed`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement for developers"
)]

use std::sync::Arc;
use std::time::Instant;

use ostler_store::Memory;
use ostler_vault::{ChunkKind, InitOptions, OpenBlock, Protect, Vault};
use ostler_vocabulary::SystemClock;

const CHUNK: usize = 1 << 20;
const CHUNKS: usize = 1024;
const WORKERS: usize = 2;

/// Text-like bytes that compress about 3:1, different for each chunk.
fn chunk(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(CHUNK + 64);
    while bytes.len() < CHUNK {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(
            format!("{:x} row {} value={} ", state as u16, state % 97, state % 10_007).as_bytes(),
        );
    }
    bytes.truncate(CHUNK);
    bytes
}

fn rate(what: &str, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    println!("{what}: {:.0} MiB/s", CHUNKS as f64 / seconds);
}

#[tokio::main]
async fn main() {
    let store = Arc::new(Memory::new());
    let options = InitOptions {
        protect: vec![Protect::KeyFile],
        clock: Arc::new(SystemClock::default()),
    };
    let vault = Arc::new(Vault::init(Arc::clone(&store) as _, options).await.unwrap().vault);
    let chunks: Arc<Vec<Vec<u8>>> = Arc::new((0..CHUNKS as u64).map(chunk).collect());

    let started = Instant::now();
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let chunks = Arc::clone(&chunks);
            std::thread::spawn(move || {
                let mut compressor = zstd::bulk::Compressor::new(3).unwrap();
                let mut target = vec![0; CHUNK * 2];
                for chunk in chunks.iter().skip(worker).step_by(WORKERS) {
                    compressor.compress_to_buffer(chunk, &mut target[..]).unwrap();
                }
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    rate("zstd alone", started);

    let upload = vault.upload(vault.index(false).await.unwrap());
    let started = Instant::now();
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let (chunks, mut sink) = (Arc::clone(&chunks), upload.sink());
            std::thread::spawn(move || {
                let mut ids = Vec::new();
                for chunk in chunks.iter().skip(worker).step_by(WORKERS) {
                    ids.push(sink.put(ChunkKind::Data, chunk).unwrap().id);
                }
                sink.finish().unwrap();
                ids
            })
        })
        .collect();
    let ids: Vec<Vec<_>> =
        tokio::task::spawn_blocking(|| workers.into_iter().map(|w| w.join().unwrap()).collect())
            .await
            .unwrap();
    let totals = upload.finish().await.unwrap();
    rate("put", started);
    println!(
        "ratio {:.2}",
        totals.new_bytes as f64 / totals.stored_bytes as f64
    );

    let reader = Arc::new(vault.reader(vault.index(false).await.unwrap()));
    let started = Instant::now();
    let workers: Vec<_> = ids
        .into_iter()
        .map(|ids| {
            let reader = Arc::clone(&reader);
            std::thread::spawn(move || {
                let mut block = OpenBlock::default();
                for id in ids {
                    let place = reader.index().get(&id).unwrap().unwrap();
                    let span = reader
                        .span(&place.pack, place.offset..place.offset + u64::from(place.stored))
                        .unwrap();
                    reader.decode(&id, &place, &span, &mut block).unwrap();
                }
            })
        })
        .collect();
    tokio::task::spawn_blocking(|| workers.into_iter().for_each(|w| w.join().unwrap()))
        .await
        .unwrap();
    rate("read", started);
}
