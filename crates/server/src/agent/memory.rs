//! In which backups this node took part, and on which machine: what tells it from a copy of it, and from what it was when an
//! image of it was made.
//!
//! A file of lines that only grows, 33 bytes a backup: `machine HEX`, of which the last counts, and ids of backups.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ostler_api::node::Recalled;
use ostler_vocabulary::BackupId;

use crate::Error;

/// Where the id of a machine is, which whoever clones one is to renew.
const MACHINE: &str = "/etc/machine-id";

/// What a node remembers.
#[derive(Debug)]
pub(crate) struct Memory {
    path: PathBuf,
    /// This machine; `None` where it has no id, and then it is any.
    here: Option<String>,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    file: File,
    machine: Option<String>,
    backups: BTreeSet<BackupId>,
}

impl Memory {
    /// Reads what is remembered in this file, which is made where there is none. Blocks.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub(crate) fn open(path: &Path) -> Result<Arc<Self>, Error> {
        Self::open_on(path, machine()).map(Arc::new)
    }

    fn open_on(path: &Path, here: Option<String>) -> Result<Self, Error> {
        let wrong = |source| failed(path, source);
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(wrong(error)),
        };
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(wrong)?;
        // A last line that was cut off was never acted upon.
        let lines = || text.lines().filter(|line| !line.is_empty());
        let memory = Self {
            path: path.to_owned(),
            here,
            known: Mutex::new(Known {
                file,
                machine: lines()
                    .filter_map(|line| line.strip_prefix("machine "))
                    .next_back()
                    .map(str::to_owned),
                backups: lines().filter_map(|line| line.parse().ok()).collect(),
            }),
        };
        if text.is_empty() {
            memory.write(&memory.here_line())?;
            if let Some(directory) = path.parent() {
                File::open(directory)
                    .and_then(|directory| directory.sync_all())
                    .map_err(wrong)?;
            }
        } else if !text.ends_with('\n') {
            memory.write("\n")?;
        }
        Ok(memory)
    }

    /// Remembers that it takes part in a backup; on disk when this returns. Blocks.
    pub(crate) fn note(&self, backup: BackupId) -> Result<(), Error> {
        self.add(&[backup], "")
    }

    /// Remembers these backups as those of this machine. Blocks.
    pub(crate) fn adopt(&self, backups: &[BackupId]) -> Result<(), Error> {
        self.add(backups, &self.here_line())
    }

    /// What it says of these backups.
    pub(crate) fn recall(&self, backups: &[BackupId]) -> Recalled {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown = backups.iter().filter(|id| !known.backups.contains(id));
        Recalled {
            unknown: unknown.copied().collect(),
            moved: matches!((&known.machine, &self.here), (Some(then), Some(here)) if then != here),
        }
    }

    fn add(&self, backups: &[BackupId], before: &str) -> Result<(), Error> {
        let unknown = self.recall(backups).unknown;
        let lines: String = unknown.iter().map(|id| format!("{id}\n")).collect();
        self.write(&format!("{before}{lines}"))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.backups.extend(unknown);
        if !before.is_empty() {
            known.machine.clone_from(&self.here);
        }
        Ok(())
    }

    /// The line that says which machine this is; empty where it has no id.
    fn here_line(&self) -> String {
        let here = self.here.as_ref();
        here.map_or_else(String::new, |here| format!("machine {here}\n"))
    }

    fn write(&self, text: &str) -> Result<(), Error> {
        if text.is_empty() {
            return Ok(());
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let written = known.file.write_all(text.as_bytes());
        let written = written.and_then(|()| known.file.sync_data());
        written.map_err(|source| failed(&self.path, source))
    }
}

fn failed(path: &Path, source: std::io::Error) -> Error {
    Error::Write {
        what: "in which backups this node took part, to",
        path: path.to_owned(),
        source,
    }
}

/// What tells this machine from others: not its id itself, which is nobody's business. Tests give another.
fn machine() -> Option<String> {
    let told = std::env::var("OSTLER_TEST_MACHINE").ok();
    let id = told.or_else(|| fs::read_to_string(MACHINE).ok())?;
    let id = id.trim();
    // What images of containers have there, and machines before they were started the first time.
    if id.is_empty() || id == "uninitialized" {
        return None;
    }
    let digest = blake3::derive_key("ostler machine of an agent", id.as_bytes());
    Some(data_encoding::HEXLOWER.encode(&digest[..16]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's way to fail")]
mod tests {
    use std::fs;

    use ostler_vocabulary::BackupId;

    use super::Memory;

    #[test]
    fn what_was_noted_is_remembered_and_an_image_remembers_what_it_had() {
        let home = tempfile::tempdir().unwrap();
        let (path, image) = (home.path().join("backups"), home.path().join("image"));
        let [one, two, three] = [1, 2, 3].map(|byte| BackupId::from_bytes([byte; 16]));
        let open = |path| Memory::open_on(path, Some("here".to_owned())).unwrap();
        let memory = open(&path);
        assert_eq!(memory.recall(&[one]).unknown, [one]);
        memory.note(one).unwrap();
        memory.note(one).unwrap();
        fs::copy(&path, &image).unwrap();
        memory.note(two).unwrap();
        let all = [one, two, three];
        assert_eq!(memory.recall(&all).unknown, [three]);
        assert_eq!(open(&path).recall(&all).unknown, [three]);
        assert_eq!(open(&image).recall(&all).unknown, [two, three]);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);

        // A line that was cut off does not take the next one along.
        fs::write(&path, format!("{one}\n{}", &two.to_string()[..9])).unwrap();
        open(&path).note(three).unwrap();
        assert_eq!(open(&path).recall(&all).unknown, [two]);
    }

    #[test]
    fn another_machine_is_told_until_it_adopts_the_backups() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("backups");
        let one = BackupId::from_bytes([1; 16]);
        let on = |machine: Option<&str>| Memory::open_on(&path, machine.map(str::to_owned)).unwrap();
        on(Some("here")).note(one).unwrap();
        assert!(!on(Some("here")).recall(&[one]).moved);
        assert!(!on(None).recall(&[one]).moved, "a machine without an id is any");
        let there = on(Some("there"));
        assert!(there.recall(&[one]).moved);
        there.adopt(&[one]).unwrap();
        assert!(!there.recall(&[one]).moved);
        assert!(!on(Some("there")).recall(&[one]).moved);
        assert!(
            on(Some("here")).recall(&[one]).moved,
            "the original is the copy now"
        );
    }
}
