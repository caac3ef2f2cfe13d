//! The index of a large vault on this machine's disk: sorted runs, made from segments and made again whenever they are
//! missing or wrong. Several processes use them at the same time: runs are never changed, which ones count is said by a
//! small file that is replaced as a whole, and whoever adds to them holds a lock. Blocks.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::batch::{Batch, merge, settle};
use super::run::{Run, SegmentName};
use crate::pack::PackTable;
use crate::{Error, Vault};

const HEAD: &str = "ostler index cache 1";
/// A run of which less than this share is left is written anew.
const WORTH: f64 = 0.5;

/// Where a vault's runs are.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; 32],
}

/// The runs that count, and what is to be done about them.
pub(crate) struct Covered {
    pub(crate) runs: Vec<Run>,
    /// Segments no run covers.
    pub(super) missing: Vec<SegmentName>,
    /// Segments that are gone.
    gone: HashSet<SegmentName>,
    /// Whether a run has so little left that it is to be written anew.
    wasteful: bool,
}

impl Covered {
    pub(crate) fn is_due(&self) -> bool {
        !self.missing.is_empty() || self.wasteful
    }
}

impl Cache {
    /// The cache of this vault in `folder`, in a directory of its own.
    pub(crate) fn of(vault: &Vault, folder: &Path) -> Self {
        Self {
            folder: folder.join("index").join(vault.id().to_string()),
            key: blake3::derive_key("ostler vault v1 index cache", vault.keys().chunk_id_key()),
        }
    }

    #[cfg(test)]
    pub(crate) fn at(folder: &Path, key: [u8; 32]) -> Self {
        Self {
            folder: folder.to_owned(),
            key,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn key(&self) -> &[u8; 32] {
        &self.key
    }

    fn list(&self) -> PathBuf {
        self.folder.join("runs")
    }

    /// Makes the directory, which only its owner may read.
    pub(crate) fn prepare(&self) -> Result<(), Error> {
        use std::os::unix::fs::DirBuilderExt;
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder);
        made.map_err(Error::cache("make", &self.folder))
    }

    /// Waits until nobody else adds to the cache; until the file is dropped nobody will.
    pub(crate) fn lock(&self) -> Result<File, Error> {
        self.prepare()?;
        let path = self.folder.join("lock");
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(Error::cache("open", &path))?;
        file.lock().map_err(Error::cache("lock", &path))?;
        Ok(file)
    }

    /// What is there for a vault that has these segments.
    pub(crate) fn look(&self, listed: &HashSet<SegmentName>) -> Result<Covered, Error> {
        // Somebody may put runs together while they are being opened.
        let mut runs = self.runs();
        for _ in 0..3 {
            match runs {
                Err(_) => runs = self.runs(),
                Ok(_) => break,
            }
        }
        let mut runs = runs.unwrap_or_else(|error| {
            tracing::warn!(%error, "building the index cache anew");
            Vec::new()
        });
        let covered: HashSet<SegmentName> = runs.iter().flat_map(Run::segments).copied().collect();
        let gone: HashSet<SegmentName> = covered.difference(listed).copied().collect();
        let mut wasteful = false;
        for run in &mut runs {
            wasteful |= run.drop_segments(&gone)? < WORTH;
        }
        Ok(Covered {
            runs,
            missing: listed.difference(&covered).copied().collect(),
            gone,
            wasteful,
        })
    }

    /// The runs that count; none where nothing says so.
    fn runs(&self) -> Result<Vec<Run>, Error> {
        let path = self.list();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::cache("read", &path)(error)),
        };
        let damaged = || Error::CacheDamaged { path: path.clone() };
        let (said, code) = text.trim_end().rsplit_once('\n').ok_or_else(damaged)?;
        if code != self.code(said) {
            return Err(damaged());
        }
        let mut lines = said.lines();
        if lines.next() != Some(HEAD) {
            return Err(damaged());
        }
        lines
            .map(|line| {
                let id = data_encoding::HEXLOWER.decode(line.as_bytes()).ok();
                let id = id.and_then(|id| id.try_into().ok()).ok_or_else(damaged)?;
                Run::open(&self.folder, &self.key, id)
            })
            .collect()
    }

    fn code(&self, said: &str) -> String {
        blake3::keyed_hash(&self.key, said.as_bytes())
            .to_hex()
            .to_string()
    }

    /// Says which runs count from now on, and removes all other files of runs. The lock is held.
    fn keep(&self, runs: &[Run]) -> Result<(), Error> {
        let mut said = HEAD.to_owned();
        for run in runs {
            said.push('\n');
            said.push_str(&data_encoding::HEXLOWER.encode(run.id()));
        }
        let (path, unfinished) = (self.list(), self.folder.join("runs.new"));
        let write = || {
            let mut file = File::create(&unfinished)?;
            write!(file, "{said}\n{}\n", self.code(&said))?;
            fs::rename(&unfinished, &path)
        };
        write().map_err(Error::cache("write", &path))?;
        self.remove_others(runs);
        Ok(())
    }

    /// Removes what somebody left who could not finish.
    pub(super) fn sweep(&self) {
        if let Ok(lock) = self.lock()
            && let Ok(runs) = self.runs()
        {
            self.remove_others(&runs);
            drop(lock);
        }
    }

    fn remove_others(&self, runs: &[Run]) {
        let kept: HashSet<PathBuf> = runs.iter().map(|run| Run::path(&self.folder, run.id())).collect();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_run = path.extension().is_some_and(|extension| extension == "run");
            if is_run && !kept.contains(&path) {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

/// Adds to a cache, by whoever holds its lock.
pub(crate) struct Adding {
    cache: Cache,
    covered: Covered,
    batch: Batch,
    _lock: File,
}

impl Adding {
    pub(crate) fn begin(cache: Cache, listed: &HashSet<SegmentName>) -> Result<Self, Error> {
        let lock = cache.lock()?;
        Ok(Self {
            covered: cache.look(listed)?,
            cache,
            batch: Batch::default(),
            _lock: lock,
        })
    }

    pub(crate) fn missing(&self) -> &[SegmentName] {
        &self.covered.missing
    }

    /// Adds a segment.
    pub(crate) fn add(&mut self, segment: SegmentName, tables: Vec<PackTable>) {
        self.batch.add(segment, tables);
    }

    /// Whether [`Adding::write`] is due.
    pub(crate) fn is_full(&self) -> bool {
        self.batch.is_full()
    }

    /// Writes what was added.
    pub(crate) fn write(mut self) -> Result<Self, Error> {
        let (folder, key) = (self.cache.folder(), self.cache.key());
        let batch = std::mem::take(&mut self.batch);
        if !batch.is_empty() {
            self.covered.runs.push(batch.write(folder, key)?);
            self.covered.runs = settle(self.covered.runs, &self.covered.gone, folder, key)?;
        }
        Ok(self)
    }

    /// Writes the rest; from then on it counts.
    pub(crate) fn finish(self) -> Result<Vec<Run>, Error> {
        let Self {
            cache,
            covered,
            _lock: lock,
            ..
        } = self.write()?;
        let Covered { runs, gone, .. } = covered;
        let (folder, key) = (cache.folder(), cache.key());
        let mut kept = Vec::new();
        for mut run in runs {
            if run.drop_segments(&gone)? < WORTH {
                run = merge(std::slice::from_ref(&run), &gone, folder, key)?;
            }
            kept.push(run);
        }
        cache.keep(&kept)?;
        drop(lock);
        Ok(kept)
    }
}
