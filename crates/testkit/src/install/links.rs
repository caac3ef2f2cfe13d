//! Links of packages that are unpacked somewhere else than at `/`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use anyhow::Result;

/// Makes links below a directory that lead to `/x` lead to `x` below it, where that is there: relative ones, because the
/// directory will be moved. The configuration of a JRE is such, for one.
pub(super) fn relink(root: &Path) -> Result<()> {
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                directories.push(entry.path());
                continue;
            }
            if !entry.file_type()?.is_symlink() {
                continue;
            }
            let target = fs::read_link(entry.path())?;
            let Ok(below) = target.strip_prefix("/") else {
                continue;
            };
            // What it leads to may be a link itself.
            if fs::symlink_metadata(root.join(below)).is_ok() {
                fs::remove_file(entry.path())?;
                symlink(up(&directory, root).join(below), entry.path())?;
            }
        }
    }
    Ok(())
}

/// The way from a directory to one that it is below.
fn up(directory: &Path, root: &Path) -> PathBuf {
    let between = directory.strip_prefix(root).unwrap_or(Path::new(""));
    between.components().map(|_| Component::ParentDir).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_within_what_was_unpacked_wherever_it_is_moved() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("partial");
        fs::create_dir_all(root.join("usr/lib/home")).unwrap();
        fs::create_dir_all(root.join("etc/settings")).unwrap();
        fs::write(root.join("etc/settings/one"), "of the package").unwrap();
        symlink("/etc/settings/one", root.join("usr/lib/home/one")).unwrap();
        symlink("/etc/settings", root.join("usr/lib/settings")).unwrap();
        symlink("/etc/hostname-that-no-package-has", root.join("usr/lib/home/other")).unwrap();
        symlink("one", root.join("etc/settings/again")).unwrap();
        relink(&root).unwrap();
        let moved = directory.path().join("moved");
        fs::rename(&root, &moved).unwrap();
        for path in ["usr/lib/home/one", "usr/lib/settings/one", "etc/settings/again"] {
            assert_eq!(fs::read_to_string(moved.join(path)).unwrap(), "of the package", "{path}");
        }
        let other = fs::read_link(moved.join("usr/lib/home/other")).unwrap();
        assert_eq!(other, Path::new("/etc/hostname-that-no-package-has"));
    }
}
