//! Directories of ours, and where they are in relation to what is backed up.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ostler_store::Location;

use crate::Error;
use crate::settings::Settings;

/// Makes a directory that only its owner can look into, and those above it.
pub(crate) fn make_private(directory: &Path) -> Result<(), Error> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|source| Error::Write {
            what: "the directory",
            path: directory.to_owned(),
            source,
        })
}

/// Writes a file that only its owner can read, durable when this returns; never replaces one.
pub(super) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    match path.parent() {
        Some(directory) => fs::File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

/// The directory of a vault on this machine.
pub(super) fn local_directory(location: &str) -> Option<PathBuf> {
    match location.parse() {
        Ok(Location::Local(directory)) => Some(directory),
        _ => None,
    }
}

/// Directories that no backup holds and no restore removes: state and local vaults, as they are named and as they are.
pub(super) fn left_out(settings: &Settings, also: Option<&Path>) -> Vec<PathBuf> {
    let mut places = vec![settings.state_directory.clone(), settings.implicit_vault()];
    places.extend(settings.cache_directory());
    places.extend(
        settings
            .file
            .vault
            .values()
            .filter_map(|v| local_directory(&v.location)),
    );
    places.extend(also.map(Path::to_owned));
    let mut all: Vec<PathBuf> = places
        .iter()
        .filter_map(|place| std::path::absolute(place).ok())
        .chain(places.iter().filter_map(|place| fs::canonicalize(place).ok()))
        .collect();
    all.sort();
    all.dedup();
    // What is inside another is left out with it.
    let inside = |one: &PathBuf| all.iter().any(|other| other != one && one.starts_with(other));
    all.iter().filter(|one| !inside(one)).cloned().collect()
}

/// What to know about a vault on the disk that it is to protect.
pub(super) fn same_disk(paths: &[PathBuf], vault: Option<&Path>) -> Option<String> {
    let vault = vault?;
    let device = device_of(vault)?;
    let shared = paths.iter().find(|path| device_of(path) == Some(device))?;
    Some(format!(
        "the vault {} is on the same file system as {}: when that disk is lost, both are; add a vault elsewhere with \
         `ostler vault init`",
        vault.display(),
        shared.display()
    ))
}

/// The device of a place, or of the nearest directory above it that exists.
fn device_of(path: &Path) -> Option<u64> {
    path.ancestors()
        .find_map(|place| fs::metadata(place).ok())
        .map(|metadata| metadata.dev())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vault_on_the_disk_of_its_source_is_warned_about() {
        let here = tempfile::tempdir().unwrap();
        let source = here.path().join("data");
        fs::create_dir(&source).unwrap();
        let vault = here.path().join("not/there/yet");
        assert!(same_disk(std::slice::from_ref(&source), Some(&vault)).is_some());
        assert!(same_disk(&["/proc".into()], Some(&vault)).is_none());
        assert!(same_disk(&[source], None).is_none());
    }

    #[test]
    fn private_files_are_never_replaced() {
        let here = tempfile::tempdir().unwrap();
        let file = here.path().join("key");
        write_private(&file, "one").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert!(write_private(&file, "two").is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "one");
    }
}
