//! Servers of the object stores other than S3.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::once::once;
use super::{cache, debian, run};

/// The newest that runs with Node 20.
const AZURITE: &str = "azurite@3.35.0";
const SSHD: &[&str] = &["openssh-server", "libwrap0"];

/// The script that Node runs: Azure Blob Storage's stand-in by its maker.
///
/// # Errors
/// When Node or the package cannot be had.
pub fn azurite() -> Result<PathBuf> {
    let directory = once(&cache()?, "azurite", &[AZURITE], |partial| {
        std::fs::create_dir_all(partial)?;
        std::fs::write(partial.join("package.json"), "{\"private\": true}")?;
        run(Command::new("npm")
            .args([
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                AZURITE,
            ])
            .current_dir(partial))
    })?;
    Ok(directory.join("node_modules/azurite/dist/src/blob/main.js"))
}

/// The directory with Debian's OpenSSH server in it.
///
/// # Errors
/// When the packages cannot be had.
pub fn sshd() -> Result<PathBuf> {
    debian("sshd", SSHD)
}
