//! The files that were backed up, where they still are.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use ostler_vault::LiveFiles;

/// Files of this machine at or below some paths.
#[derive(Debug)]
pub(super) struct LiveTree {
    roots: Vec<PathBuf>,
}

impl LiveTree {
    pub(super) fn below(roots: Vec<PathBuf>) -> Self {
        Self { roots }
    }
}

impl LiveFiles for LiveTree {
    fn read(&self, path: &[u8], offset: u64, length: u32) -> Option<Vec<u8>> {
        let path = Path::new("/").join(OsStr::from_bytes(path));
        if !self.roots.iter().any(|root| path.starts_with(root)) {
            return None;
        }
        // Opening a FIFO would wait for whoever writes to it.
        if !fs::symlink_metadata(&path).ok()?.is_file() {
            return None;
        }
        let file = fs::File::open(&path).ok()?;
        if file.metadata().ok()?.len() < offset.checked_add(u64::from(length))? {
            return None;
        }
        let mut bytes = vec![0; length as usize];
        file.read_exact_at(&mut bytes, offset).ok()?;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_below_the_sources_are_read_and_only_what_they_have() {
        let here = tempfile::tempdir().unwrap();
        let file = here.path().join("a/file");
        fs::create_dir(here.path().join("a")).unwrap();
        fs::write(&file, "0123456789").unwrap();
        std::os::unix::fs::symlink("a/file", here.path().join("link")).unwrap();
        let name = |path: &Path| path.as_os_str().as_bytes()[1..].to_vec();
        let tree = LiveTree::below(vec![here.path().join("a")]);
        assert_eq!(tree.read(&name(&file), 2, 3).as_deref(), Some(&b"234"[..]));
        assert_eq!(tree.read(&name(&file), 8, 3), None);
        assert_eq!(tree.read(&name(&here.path().join("a")), 0, 1), None);
        let all = LiveTree::below(vec![here.path().to_owned()]);
        assert_eq!(all.read(&name(&here.path().join("link")), 0, 1), None);
        assert_eq!(tree.read(&name(&here.path().join("link")), 0, 1), None);
    }
}
