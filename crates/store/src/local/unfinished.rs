//! Files under `<root>/tmp/`: objects that are being written, and what dead processes left of theirs.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ostler_vocabulary::ProcessIdentity;

/// Where they are. No key starts with it.
pub(super) const DIRECTORY: &str = "tmp";

static NEXT: AtomicU64 = AtomicU64::new(0);
static OWN: LazyLock<String> = LazyLock::new(|| name_of(&ProcessIdentity::current()));

/// A file whose name here is removed when dropped. Its final name is another one.
#[derive(Debug)]
pub(super) struct Unfinished {
    path: PathBuf,
    file: File,
}

impl Unfinished {
    pub(super) fn create(root: &Path) -> io::Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = root.join(DIRECTORY).join(format!("{}~{number}", *OWN));
        let file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        // Says that its writer lives, to processes that cannot see it (another container's). Not all file systems
        // can; then the process identity in the name has to do.
        let _ = file.try_lock();
        Ok(Self { path, file })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes what is known to be left by dead processes. Everything else stays: it may be another machine's.
///
/// An object of a dead process may have its final name without being synced, so all is synced first: from then on,
/// what is found in the store lasts.
pub(super) fn sweep(root: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(root.join(DIRECTORY)) {
        Ok(entries) => entries,
        // Never written to, or not ours to write to.
        Err(_) => return Ok(()),
    };
    let mut left = Vec::new();
    for entry in entries.flatten() {
        let owner = entry.file_name().to_str().and_then(owner_of);
        let is_dead = owner.is_some_and(|owner| owner.is_dead());
        if is_dead && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            left.push(entry.path());
        }
    }
    if left.is_empty() {
        return Ok(());
    }
    rustix::fs::syncfs(File::open(root)?)?;
    for path in left {
        let removed = fs::remove_file(&path);
        tracing::debug!(file = %path.display(), ?removed, "unfinished object of a dead process");
    }
    Ok(())
}

fn name_of(process: &ProcessIdentity) -> String {
    let ProcessIdentity {
        host,
        boot,
        pid,
        started,
    } = process;
    // A host name that could not stand in a file's name never equals any host's, so its files are never removed.
    let host: String = host
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || ".-_".contains(c) {
                c
            } else {
                '?'
            }
        })
        .take(100)
        .collect();
    format!("{host}~{boot}~{pid}~{started}")
}

fn owner_of(name: &str) -> Option<ProcessIdentity> {
    let mut parts = name.split('~');
    let owner = ProcessIdentity {
        host: parts.next()?.to_owned(),
        boot: parts.next()?.to_owned(),
        pid: parts.next()?.parse().ok()?,
        started: parts.next()?.parse().ok()?,
    };
    parts.next()?.parse::<u64>().ok()?;
    parts.next().is_none().then_some(owner)
}

#[cfg(test)]
mod tests {
    use super::{name_of, owner_of};
    use ostler_vocabulary::ProcessIdentity;

    #[test]
    fn the_name_of_an_unfinished_object_tells_its_owner() {
        let me = ProcessIdentity::current();
        let name = name_of(&me);
        assert_eq!(owner_of(&format!("{name}~17")), Some(me));
        for other in [
            "",
            "a",
            "notes.txt",
            &name,
            &format!("{name}~x"),
            &format!("{name}~1~2"),
        ] {
            assert_eq!(owner_of(other), None, "{other}");
        }
    }
}
