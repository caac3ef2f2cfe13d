//! The system's key stores as Debian has them: `keyctl`, `secret-tool` and GNOME's key ring behind it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::install::{self, is_on_path};

/// What Debian's packages are called; their own needs beyond these are in every system with a C library and GLib.
const PACKAGES: &[&str] = &[
    "gnome-keyring",
    "keyutils",
    "libgck-1-0",
    "libgcr-base-3-1",
    "libsecret-1-0",
    "libsecret-tools",
];
const PROGRAMS: [&str; 3] = ["keyctl", "secret-tool", "gnome-keyring-daemon"];

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct KeyStores {
    /// Where packages were unpacked; `None` where the machine has the programs itself.
    unpacked: Option<PathBuf>,
}

/// The programs, or `None` after a printed line which says that the test was skipped.
///
/// # Panics
/// When they cannot be had and `OSTLER_REQUIRE` names `key_stores`.
#[must_use]
pub fn key_stores() -> Option<KeyStores> {
    install::or_skip("key_stores", KeyStores::get())
}

impl KeyStores {
    /// Finds the programs on this machine, or unpacks Debian's packages, which needs no rights.
    ///
    /// # Errors
    /// When there is no `apt-get`, or the programs do not start.
    pub fn get() -> Result<Self> {
        if !is_on_path("dbus-run-session") {
            bail!("there is no dbus-run-session");
        }
        if PROGRAMS.iter().all(|program| is_on_path(program)) {
            return Ok(Self { unpacked: None });
        }
        let unpacked = install::debian("key-stores", PACKAGES)?;
        let found = Self {
            unpacked: Some(unpacked),
        };
        for (program, argument) in [("keyctl", "--version"), ("gnome-keyring-daemon", "--version")] {
            let mut command = Command::new("sh");
            found.surround(&mut command);
            let done = command
                .args(["-c", &format!("exec {program} {argument}")])
                .output()?;
            if !done.status.success() {
                bail!(
                    "{program} does not start: {}",
                    String::from_utf8_lossy(&done.stderr).trim()
                );
            }
        }
        Ok(found)
    }

    /// Gives the command a PATH with the programs on it, and their libraries.
    pub fn surround(&self, command: &mut Command) {
        let Some(unpacked) = &self.unpacked else { return };
        install::surround(command, unpacked);
    }
}
