//! Data that looks like a database's: pages of rows with counters, words, times and some random bytes. The same seed
//! gives the same bytes.
//!
//! One row in the pages has about a third of its bytes' worth of information, so that zstd at its default makes a third
//! of it; some pages are near copies of a recent one, as after an update in place. No two files share a page.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Size of one file of the large set.
pub const LARGE_FILE: u64 = 64 << 20;
const PAGE: usize = 8192;
/// Every how many files a directory of the small set is full.
const FILES_A_DIRECTORY: u64 = 50;

/// SplitMix64: a small generator whose next value is its only state.
pub struct Random(u64);

impl Random {
    /// One stream for each pair.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xd6e8_feb8_6659_fd93));
        random.next();
        random
    }

    /// Sixty-four bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `limit`, which is small.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }
}

/// Writes one file's pages.
pub struct Pages {
    random: Random,
    words: Vec<String>,
    number: u64,
    recent: Vec<Vec<u8>>,
}

impl Pages {
    /// The pages of the file with this number.
    pub fn new(seed: u64, file: u64) -> Self {
        // The words are the same in all files: a schema's vocabulary.
        let mut dictionary = Random::new(seed, u64::MAX);
        let words = (0..4096).map(|_| word(&mut dictionary)).collect();
        Self {
            random: Random::new(seed, file),
            words,
            number: 0,
            recent: Vec::new(),
        }
    }

    /// The next page.
    pub fn page(&mut self) -> Vec<u8> {
        self.number += 1;
        let mut page = if !self.recent.is_empty() && self.random.below(100) < 6 {
            let which = self.random.below(self.recent.len() as u64) as usize;
            let mut copy = self.recent[which].clone();
            for _ in 0..8 {
                let at = 64 + self.random.below(PAGE as u64 - 128) as usize;
                copy[at..at + 8].copy_from_slice(&self.random.next().to_le_bytes());
            }
            copy
        } else {
            self.rows()
        };
        // Log position, checksum and page number make every page unique.
        page[..8].copy_from_slice(&(self.number << 13).to_le_bytes());
        page[8..16].copy_from_slice(&self.random.next().to_le_bytes());
        page[16..24].copy_from_slice(&self.number.to_le_bytes());
        if self.recent.len() == 32 {
            self.recent.remove(0);
        }
        self.recent.push(page.clone());
        page
    }

    fn rows(&mut self) -> Vec<u8> {
        let mut page = Vec::with_capacity(PAGE + 512);
        page.extend_from_slice(&[0; 32]);
        while page.len() < PAGE {
            let row = self.number * 64 + page.len() as u64 / 128;
            page.extend_from_slice(&row.to_le_bytes());
            page.extend_from_slice(&[0x02, 0x09, 0x18, 0, 0, 0, 0, 0]);
            let millis = 1_700_000_000_000 + row * 37 + self.random.below(37);
            let _ = write!(page, "{{\"id\":{row},\"at\":{millis},\"state\":\"");
            let skewed = self.random.below(64).min(self.random.below(64));
            page.extend_from_slice(self.words[skewed as usize].as_bytes());
            page.extend_from_slice(b"\",\"note\":\"");
            for _ in 0..6 + self.random.below(10) {
                // The smaller of two draws: some words are common, most are rare.
                let which = self.random.below(4096).min(self.random.below(4096));
                page.extend_from_slice(self.words[which as usize].as_bytes());
                page.push(b' ');
            }
            page.extend_from_slice(b"\",\"digest\":");
            for _ in 0..3 {
                page.extend_from_slice(&self.random.next().to_le_bytes());
            }
            page.extend_from_slice(b"}\0\0\0");
        }
        page.truncate(PAGE);
        page
    }
}

fn word(random: &mut Random) -> String {
    let syllables = [
        "ba", "ce", "di", "fo", "gu", "har", "jen", "kil", "lo", "mun", "na", "per", "qui", "ros", "ste",
        "tu",
    ];
    (0..2 + random.below(3))
        .map(|_| syllables[random.below(16) as usize])
        .collect()
}

/// Writes the large set: files of [`LARGE_FILE`] bytes, at least one.
pub fn large(folder: &Path, bytes: u64, seed: u64) -> Result<()> {
    fs::create_dir_all(folder)?;
    in_parallel((bytes / LARGE_FILE).max(1), |number| {
        append(&large_path(folder, number), LARGE_FILE, Pages::new(seed, number))
    })
}

/// Appends a twentieth to every file of the large set.
pub fn grow(folder: &Path, bytes: u64, seed: u64) -> Result<()> {
    in_parallel((bytes / LARGE_FILE).max(1), |number| {
        append(
            &large_path(folder, number),
            LARGE_FILE / 20,
            Pages::new(seed, 1 << 32 | number),
        )
    })
}

/// Takes back what [`grow`] appended.
pub fn shrink(folder: &Path, bytes: u64) -> Result<()> {
    in_parallel((bytes / LARGE_FILE).max(1), |number| {
        let path = large_path(folder, number);
        fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_len(LARGE_FILE))
            .with_context(|| format!("truncating {}", path.display()))
    })
}

/// Writes the small set: files of 1 to 16 KiB, fifty in a directory, forty directories in one above.
pub fn small(folder: &Path, files: u64, seed: u64) -> Result<()> {
    let directories = files.div_ceil(FILES_A_DIRECTORY);
    in_parallel(directories, |directory| {
        let path = folder.join(format!("{:03}/{:02}", directory / 40, directory % 40));
        fs::create_dir_all(&path)?;
        let mut random = Random::new(seed, 2 << 32 | directory);
        let mut pages = Pages::new(seed, 3 << 32 | directory);
        for number in 0..FILES_A_DIRECTORY.min(files - directory * FILES_A_DIRECTORY) {
            let size = 1024 + random.below(15 * 1024 + 1) as usize;
            let mut bytes = pages.page();
            while bytes.len() < size {
                bytes.extend_from_slice(&pages.page());
            }
            bytes.truncate(size);
            fs::write(path.join(format!("{number:02}.row")), bytes)?;
        }
        Ok(())
    })
}

fn large_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("table-{number:04}.dat"))
}

fn append(path: &Path, bytes: u64, mut pages: Pages) -> Result<()> {
    let file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("opening {}", path.display()))?;
    let mut writer = BufWriter::with_capacity(1 << 20, file);
    let mut left = bytes;
    while left > 0 {
        let page = pages.page();
        let take = page.len().min(left as usize);
        writer.write_all(&page[..take])?;
        left -= take as u64;
    }
    writer.flush()?;
    Ok(())
}

/// Runs `work` for every number below `count` on as many threads as there are cores.
fn in_parallel(count: u64, work: impl Fn(u64) -> Result<()> + Sync) -> Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|thread| {
                let work = &work;
                scope.spawn(move || (thread..count).step_by(threads as usize).try_for_each(work))
            })
            .collect();
        running.into_iter().try_for_each(|thread| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_pages_and_another_seed_others() {
        let pages = |seed| {
            (0..20)
                .map(|_| 0)
                .scan(Pages::new(seed, 7), |p, _| Some(p.page()))
                .collect::<Vec<_>>()
        };
        assert_eq!(pages(1), pages(1));
        assert_ne!(pages(1), pages(2));
        assert!(pages(1).iter().all(|page| page.len() == PAGE));
    }
}
