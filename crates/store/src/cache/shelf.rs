//! The directory of a cache: a file for each object, bounded together.
//!
//! A file is its checksum (BLAKE3 of all that follows), size and time of the object by the store, the name that the
//! object has in all stores together, and the object. It is written beside and renamed, never changed. Whoever finds
//! one that is not as it should be removes it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;

use super::Stamp;
use crate::Key;

/// Checksum, size, time, name.
const HEAD: usize = 32 + 8 + 16 + 32;
/// The end of the names of files that are being written.
const UNFINISHED: &str = ".new";
/// What an interrupted process left is removed when it is so old.
const LEFT: std::time::Duration = std::time::Duration::from_secs(3600);

#[derive(Debug)]
pub(super) struct Shelf {
    directory: PathBuf,
    most: u64,
    /// The key of names, made of what tells this store from others.
    store: [u8; 32],
    /// Bytes of all files when they were last counted and what was added since; `None` before.
    taken: Mutex<Option<u64>>,
}

impl Shelf {
    pub(super) fn new(directory: PathBuf, most: u64, store: &str) -> Self {
        Self {
            directory,
            most,
            store: blake3::derive_key("ostler store v1 cache", store.as_bytes()),
            taken: Mutex::default(),
        }
    }

    fn name(&self, key: &Key) -> blake3::Hash {
        blake3::keyed_hash(&self.store, key.as_str().as_bytes())
    }

    fn path(&self, name: &blake3::Hash) -> PathBuf {
        self.directory.join(name.to_hex().as_str())
    }

    /// The object, when it is kept with this stamp and is what was read from the store.
    pub(super) fn read(&self, key: &Key, stamp: Stamp) -> Option<Bytes> {
        let name = self.name(key);
        let path = self.path(&name);
        let size = fs::metadata(&path).ok()?.len();
        if size != stamp.size + HEAD as u64 {
            self.remove(&path);
            return None;
        }
        let bytes = Bytes::from(fs::read(&path).ok()?);
        if bytes.get(..HEAD) != Some(&head(&name, stamp, bytes.get(HEAD..)?)) {
            self.remove(&path);
            return None;
        }
        // The files that were not asked for the longest time go first. That it cannot be noted is no harm.
        if let Ok(file) = fs::File::options().append(true).open(&path) {
            let _ = file.set_modified(SystemTime::now());
        }
        Some(bytes.slice(HEAD..))
    }

    /// Keeps an object. That it cannot be kept is no harm.
    pub(super) fn keep(&self, key: &Key, stamp: Stamp, body: &[u8]) -> Option<()> {
        let size = (HEAD + body.len()) as u64;
        if size > self.most {
            return None;
        }
        self.make_directory().ok()?;
        if !self.make_room(size) {
            return None;
        }
        let name = self.name(key);
        let path = self.path(&name);
        let unfinished = path.with_extension(format!("{}{UNFINISHED}", std::process::id()));
        let write = || {
            let mut file = fs::File::create(&unfinished)?;
            file.write_all(&head(&name, stamp, body))?;
            file.write_all(body)?;
            drop(file);
            fs::rename(&unfinished, &path)
        };
        if write().is_err() {
            let _ = fs::remove_file(&unfinished);
            return None;
        }
        Some(())
    }

    /// Forgets an object that is kept otherwise than the store gave it now.
    pub(super) fn compare(&self, key: &Key, body: &[u8]) -> Option<()> {
        let path = self.path(&self.name(key));
        let kept = fs::read(&path).ok()?;
        if kept.get(HEAD..) != Some(body) {
            self.remove(&path);
        }
        Some(())
    }

    pub(super) fn forget(&self, key: &Key) -> Option<()> {
        fs::remove_file(self.path(&self.name(key))).ok()
    }

    fn remove(&self, path: &Path) {
        // Another process may have been faster.
        let _ = fs::remove_file(path);
    }

    fn make_directory(&self) -> std::io::Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
    }

    /// Counts a file that comes, and removes the oldest others when they take too much together, or leave too little to
    /// others on the file system. Whether there is room then.
    fn make_room(&self, size: u64) -> bool {
        let Ok(space) = rustix::fs::statvfs(&self.directory) else {
            return false;
        };
        let bytes = |blocks: u64| blocks.saturating_mul(space.f_frsize);
        let (free, total) = (bytes(space.f_bavail), bytes(space.f_blocks));
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = taken.as_mut()
            && *taken + size <= bound(self.most, *taken, free, total)
        {
            *taken += size;
            return true;
        }
        // Other processes add files too, so they are counted again whenever the bound seems near.
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let path = entry.path();
            let unfinished = path.to_string_lossy().ends_with(UNFINISHED);
            if unfinished && modified.elapsed().is_ok_and(|age| age > LEFT) {
                self.remove(&path);
            } else if metadata.is_file() {
                files.push((modified, metadata.len(), path));
            }
        }
        let mut sum: u64 = files.iter().map(|(_, size, _)| size).sum();
        let most = bound(self.most, sum, free, total);
        // To nine tenths, so that the next file does not count them again.
        let wanted = (most - most / 10).saturating_sub(size);
        if sum + size > most {
            files.sort();
            for (_, size, path) in &files {
                if sum <= wanted {
                    break;
                }
                self.remove(path);
                sum = sum.saturating_sub(*size);
            }
        }
        let fits = sum + size <= most;
        *taken = Some(if fits { sum + size } else { sum });
        fits
    }
}

/// The most that files may take together, of which so many bytes are taken: a tenth of the file system stays free for
/// others.
fn bound(most: u64, taken: u64, free: u64, total: u64) -> u64 {
    most.min((taken + free).saturating_sub(total / 10))
}

fn head(name: &blake3::Hash, stamp: Stamp, body: &[u8]) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[32..40].copy_from_slice(&stamp.size.to_be_bytes());
    head[40..56].copy_from_slice(&stamp.modified.to_be_bytes());
    head[56..].copy_from_slice(name.as_bytes());
    let checksum = blake3::Hasher::new().update(&head[32..]).update(body).finalize();
    head[..32].copy_from_slice(checksum.as_bytes());
    head
}

#[cfg(test)]
mod tests {
    use super::bound;

    #[test]
    fn a_tenth_of_the_file_system_stays_free() {
        for (taken, free, total, expected) in [
            // Plenty of room: what is configured counts.
            (0, 900, 1_000, 100),
            (90, 500, 1_000, 100),
            // What others take is taken from the cache.
            (40, 100, 1_000, 40),
            (40, 60, 1_000, 0),
            (40, 0, 1_000, 0),
            (0, 0, 0, 0),
        ] {
            assert_eq!(bound(100, taken, free, total), expected, "{taken} {free} {total}");
        }
    }
}
