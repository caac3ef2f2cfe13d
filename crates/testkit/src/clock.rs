//! Clocks that are wrong: processes that libfaketime, as Debian has it, tells another time of day.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::install;

/// What makes the clock of a process wrong.
#[derive(Debug, Clone)]
pub struct WrongClock {
    library: PathBuf,
}

/// It, or `None` after a printed line which says that the test was skipped.
///
/// # Panics
/// When it cannot be had and `OSTLER_REQUIRE` names `faketime`.
#[must_use]
pub fn wrong_clock() -> Option<WrongClock> {
    install::or_skip("faketime", WrongClock::get())
}

impl WrongClock {
    /// Unpacks Debian's package, which needs no rights.
    ///
    /// # Errors
    /// When there is no `apt-get`, or the package lacks the library.
    pub fn get() -> Result<Self> {
        let unpacked = install::debian("faketime", &["libfaketime"])?;
        let libraries = unpacked.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH));
        let library = libraries.join("faketime/libfaketime.so.1");
        ensure!(library.is_file(), "there is no {}", library.display());
        Ok(Self { library })
    }

    /// Gives a command that is not yet started a clock that is off by what a file says now, such as `+2h`.
    pub fn follow(&self, command: &mut Command, file: &Path) {
        self.surround(command, "+0");
        command
            .env_remove("FAKETIME")
            .env("FAKETIME_TIMESTAMP_FILE", file)
            .env("FAKETIME_NO_CACHE", "1");
    }

    /// Gives a command that is not yet started a clock that is off, such as by `+5h` or `-5h`. Time passes as ever, and times of
    /// files are not touched.
    pub fn surround(&self, command: &mut Command, off: &str) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME", off)
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1");
    }
}
