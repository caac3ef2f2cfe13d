//! One directory, made once, whoever asks.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The directory `name-…` in `place`, made by `make` when it is not there yet. What it is made of is part of its name,
/// so that another version is another directory. Callers of all processes wait for the one that makes it.
///
/// # Errors
/// What `make` says, which is given the directory's temporary name; or when it cannot be moved to its final one.
pub fn once(
    place: &Path,
    name: &str,
    made_of: &[&str],
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let directory = place.join(format!("{name}-{:016x}", fingerprint(made_of)));
    if directory.is_dir() {
        return Ok(directory);
    }
    fs::create_dir_all(place).with_context(|| format!("cannot make {}", place.display()))?;
    let lock = File::create(place.join(format!("{name}.lock"))).context("cannot make the lock file")?;
    lock.lock().context("cannot lock")?;
    if directory.is_dir() {
        return Ok(directory);
    }
    // Under the lock, so what is there was left by somebody who was interrupted.
    let partial = place.join(format!("{name}.partial"));
    if partial.exists() {
        fs::remove_dir_all(&partial).with_context(|| format!("cannot remove {}", partial.display()))?;
    }
    make(&partial)?;
    fs::rename(&partial, &directory).with_context(|| format!("cannot make {}", directory.display()))?;
    Ok(directory)
}

/// Changes when the list of packages does (FNV-1a), so that the list in use is never an old one.
fn fingerprint(packages: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in packages.iter().flat_map(|name| name.bytes().chain([0])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn another_list_of_packages_is_another_directory() {
        assert_ne!(fingerprint(&["a==1", "b==2"]), fingerprint(&["a==1", "b==3"]));
        assert_ne!(fingerprint(&["a==1", "b"]), fingerprint(&["a==1b"]));
    }
}
