//! One process of a kind for each state directory: a lock on a file that has its process id.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use ostler_vocabulary::{ErrorKind, Failure};

use crate::Error;

/// A kind of process of which a state directory has one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// What it is called in messages.
    pub noun: &'static str,
    /// The file in the state directory.
    pub file: &'static str,
    /// What to do when one runs already.
    pub hint: &'static str,
}

/// Held while the process runs.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// # Errors
    /// `Busy` when another process has it.
    pub fn take(state_directory: &Path, kind: Kind) -> Result<Self, Failure> {
        let written = |path: &Path, source| -> Failure {
            Error::Write {
                what: "the lock",
                path: path.to_owned(),
                source,
            }
            .into()
        };
        fs::create_dir_all(state_directory).map_err(|source| written(state_directory, source))?;
        let path = state_directory.join(kind.file);
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = opened.map_err(|source| written(&path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let who =
                    running(state_directory, kind).map_or_else(String::new, |pid| format!(", process {pid}"));
                let message = format!("{} runs already{who}", kind.noun);
                return Err(Failure::new(ErrorKind::Busy, message).with_hint(kind.hint));
            }
            Err(TryLockError::Error(source)) => return Err(written(&path, source)),
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write(&mut file).map_err(|source| written(&path, source))?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        // It would go with the file too, but a process that is just being started has that open as well until it begins.
        let _ = self.file.unlock();
    }
}

/// The process id of the one that runs with this state directory.
pub(crate) fn running(state_directory: &Path, kind: Kind) -> Option<u32> {
    let mut file = File::open(state_directory.join(kind.file)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            file.read_to_string(&mut text).ok()?;
            text.trim().parse().ok()
        }
        _ => None,
    }
}
