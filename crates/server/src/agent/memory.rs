//! In which backups this node took part, and on which machine: what tells it from a copy of it, and from what it was when an
//! image of it was made.
//!
//! A file of lines that only grows, 33 bytes a backup: `machine HEX`, of which the last counts, ids of backups in the order in
//! which it took part in them, and `increments ID`, of which the last counts.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ostler_api::node::Recalled;
use ostler_vocabulary::{BackupId, ErrorKind, Failure};

use crate::Error;

/// Where the id of a machine is, which whoever clones one is to renew.
const MACHINE: &str = "/etc/machine-id";

/// What a line begins with that names a backup whose increments were removed.
const INCREMENTS: &str = "increments ";

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
    /// With the place of each in their order.
    backups: BTreeMap<BackupId, usize>,
    /// The backup of which it removed increments last.
    increments: Option<BackupId>,
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
        let last = |word: &str| lines().filter_map(|line| line.strip_prefix(word)).next_back();
        let ids = lines().filter_map(|line| line.parse().ok());
        let memory = Self {
            path: path.to_owned(),
            here,
            known: Mutex::new(Known {
                file,
                machine: last("machine ").map(str::to_owned),
                increments: last(INCREMENTS).and_then(|id| id.parse().ok()),
                backups: ids.enumerate().map(|(place, id)| (id, place)).collect(),
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

    /// Remembers that increments are removed from now on which this backup has. Blocks.
    ///
    /// # Errors
    /// `Refused` when others were removed that a later backup has: this one and what is left would not be all.
    pub(crate) fn add_to(&self, base: BackupId) -> Result<(), Failure> {
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let place = |id: &BackupId| known.backups.get(id);
            match known.increments {
                Some(last) if last == base => return Ok(()),
                Some(last) if place(&base) < place(&last) => return Err(too_early(base, last)),
                _ => {}
            }
        }
        self.write(&format!("{INCREMENTS}{base}\n"))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.increments = Some(base);
        Ok(())
    }

    /// Remembers these backups as those of this machine. Blocks.
    pub(crate) fn adopt(&self, backups: &[BackupId]) -> Result<(), Error> {
        self.add(backups, &self.here_line())
    }

    /// What it says of these backups.
    pub(crate) fn recall(&self, backups: &[BackupId]) -> Recalled {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown = backups.iter().filter(|id| !known.backups.contains_key(id));
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
        let next = known.backups.len();
        known.backups.extend(unknown.into_iter().zip(next..));
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

fn too_early(base: BackupId, last: BackupId) -> Failure {
    let (base, last) = (base.short(), last.short());
    Failure::new(
        ErrorKind::Refused,
        format!("what was written between backup {base} and backup {last} is not on this node any more"),
    )
    .with_hint("make a backup of all of it: `ostler backup create --cluster NAME` without `--delta`")
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

    use ostler_vocabulary::{BackupId, ErrorKind};

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
    fn increments_are_added_to_no_backup_before_the_one_that_has_what_was_removed() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("backups");
        let open = || Memory::open_on(&path, None).unwrap();
        // In no order but that in which they are noted.
        let [first, second, third, unknown] = [9, 5, 7, 1].map(|byte| BackupId::from_bytes([byte; 16]));
        for id in [first, second, third] {
            open().note(id).unwrap();
        }
        open().add_to(first).unwrap();
        open().add_to(second).unwrap();
        open().add_to(second).unwrap();
        open().add_to(third).unwrap();
        for earlier in [first, second, unknown] {
            let refused = open().add_to(earlier).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Refused, "{earlier}");
        }
        open().add_to(third).unwrap();
        assert_eq!(open().recall(&[first, second, third, unknown]).unknown, [unknown]);
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
