//! Programs that are not part of the toolchain, installed once at an exact version.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::{process, workspace};

/// A program from the package registry.
pub struct Tool {
    /// The package's name.
    pub package: &'static str,
    /// The exact version.
    pub version: &'static str,
    /// The program it installs.
    pub program: &'static str,
    /// More arguments of `cargo install`.
    pub options: &'static [&'static str],
}

impl Tool {
    /// Where the program is once installed.
    pub fn path(&self) -> PathBuf {
        self.folder().join("bin").join(self.program)
    }

    fn folder(&self) -> PathBuf {
        workspace::cache()
            .join("tools")
            .join(format!("{}-{}", self.package, self.version))
    }

    /// Installs the program unless it is there.
    pub fn get(&self) -> Result<PathBuf> {
        let path = self.path();
        if !path.is_file() {
            println!(
                "installing {} {} into {}",
                self.package,
                self.version,
                self.folder().display()
            );
            let mut install = Command::new("cargo");
            install
                .env_remove("CARGO_TARGET_DIR")
                .args([
                    "install",
                    "--quiet",
                    "--locked",
                    self.package,
                    "--version",
                    self.version,
                ])
                .args(self.options)
                .arg("--root")
                .arg(self.folder());
            process::run(&mut install)?;
        }
        Ok(path)
    }
}
