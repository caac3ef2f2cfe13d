//! Directories that are made for a while, by drills, loads and snapshots, and removed.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use ostler_api::node::{SCRATCH_MARKER, SCRATCH_TREE};

use crate::Error;
use crate::path::shown;

/// Makes a scratch directory with its marker, for our user alone; a directory that is there must have the marker or be
/// empty.
pub(crate) fn make(directory: &Path) -> Result<(), Error> {
    let wrong = |error| Error::io("make", directory, error);
    if let Some(above) = directory.parent() {
        fs::create_dir_all(above).map_err(wrong)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made.map_err(wrong)?,
    }
    // A link to a directory is not ours, wherever it leads.
    if !fs::symlink_metadata(directory).map_err(wrong)?.is_dir() {
        return Err(not_ours(directory));
    }
    let marker = directory.join(SCRATCH_MARKER);
    if !is_marker(&marker) {
        if fs::read_dir(directory).map_err(wrong)?.next().is_some() {
            return Err(not_ours(directory));
        }
        // The marker is there before anything else, so that what a kill leaves can be removed.
        fs::write(
            &marker,
            "Scratch directory of Ostler; what is in it may be deleted.\n",
        )
        .map_err(wrong)?;
    }
    fs::create_dir_all(directory.join(SCRATCH_TREE)).map_err(wrong)
}

fn is_marker(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|stat| stat.is_file())
}

/// Removes a scratch directory. One that is not there is removed already.
pub(crate) fn remove(directory: &Path) -> Result<(), Error> {
    let wrong = |error| Error::io("remove", directory, error);
    match fs::symlink_metadata(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(wrong(error)),
        Ok(stat) if !stat.is_dir() => return Err(not_ours(directory)),
        Ok(_) => {}
    }
    let marker = directory.join(SCRATCH_MARKER);
    if !is_marker(&marker) {
        // A removal that was interrupted after the marker went leaves an empty directory.
        return fs::remove_dir(directory).map_err(|_| not_ours(directory));
    }
    // Restored directories may forbid their owner to change them. The marker goes last, so that an interrupted removal
    // can be made again.
    for entry in fs::read_dir(directory).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        if entry.file_name() == SCRATCH_MARKER {
            continue;
        }
        let kind = entry.file_type().map_err(wrong)?;
        if kind.is_dir() {
            loosen(&entry.path())
                .and_then(|()| fs::remove_dir_all(entry.path()))
                .map_err(wrong)?;
        } else {
            fs::remove_file(entry.path()).map_err(wrong)?;
        }
    }
    fs::remove_file(&marker).map_err(wrong)?;
    fs::remove_dir(directory).map_err(wrong)
}

/// Gives the owner all rights on a tree's directories where we need them.
fn loosen(top: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if crate::metadata::is_root() {
        return Ok(());
    }
    let mut todo = vec![top.to_owned()];
    while let Some(directory) = todo.pop() {
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                todo.push(entry.path());
            }
        }
    }
    Ok(())
}

fn not_ours(directory: &Path) -> Error {
    use std::os::unix::ffi::OsStrExt;
    Error::NotScratch {
        path: shown(directory.as_os_str().as_bytes()),
        marker: SCRATCH_MARKER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marked_directories_are_removed() {
        let top = tempfile::tempdir().unwrap();
        let scratch = top.path().join("s");
        make(&scratch).unwrap();
        make(&scratch).unwrap();
        fs::create_dir(scratch.join("tree/a")).unwrap();
        fs::write(scratch.join("tree/a/f"), "x").unwrap();
        remove(&scratch).unwrap();
        remove(&scratch).unwrap();
        assert!(!scratch.exists());

        let other = top.path().join("precious");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("f"), "x").unwrap();
        assert!(matches!(remove(&other), Err(Error::NotScratch { .. })));
        assert!(matches!(make(&other), Err(Error::NotScratch { .. })));
        assert!(other.join("f").exists());
        std::os::unix::fs::symlink(&other, &scratch).unwrap();
        assert!(matches!(make(&scratch), Err(Error::NotScratch { .. })));
        assert!(matches!(remove(&scratch), Err(Error::NotScratch { .. })));
    }
}
