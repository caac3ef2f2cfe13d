//! Runs the real `ostler` binary with a home of its own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The binary with its own home, state and configuration, all in a temporary directory.
#[derive(Debug)]
pub struct Ostler {
    binary: PathBuf,
    home: TempDir,
}

impl Ostler {
    /// A fresh home. `binary` is `env!("CARGO_BIN_EXE_ostler")` in the tests of the crate `ostler`.
    ///
    /// # Panics
    /// When no temporary directory can be made.
    #[must_use]
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        let home = TempDir::with_prefix("ostler-home-").expect("a temporary directory");
        Self {
            binary: binary.into(),
            home,
        }
    }

    /// Another home with a copy of everything in this one.
    ///
    /// # Panics
    /// When it cannot be copied.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self::new(&self.binary);
        let done = Command::new("cp")
            .arg("-a")
            .arg(self.home().join("."))
            .arg(copy.home())
            .status();
        assert!(
            done.expect("cp runs").success(),
            "copying {}",
            self.home().display()
        );
        copy
    }

    /// The home directory.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The state directory.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.home().join("state")
    }

    /// The vault that is made when nothing is configured.
    #[must_use]
    pub fn vault(&self) -> PathBuf {
        self.state().join("vault")
    }

    /// The key file that is made with it.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.state().join("keys/default.key")
    }

    /// Writes the configuration file.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn configure(&self, text: &str) {
        let folder = self.home().join("settings/ostler");
        std::fs::create_dir_all(&folder).expect("a directory");
        std::fs::write(folder.join("config.toml"), text).expect("a configuration file");
    }

    /// A command that is not yet started, with a clean environment.
    #[must_use]
    pub fn command<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, arguments: I) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("OSTLER_STATE_DIR", self.state())
            .env("XDG_CONFIG_HOME", self.home().join("settings"))
            .env("COLUMNS", "80")
            .env(
                "LLVM_PROFILE_FILE",
                std::env::var_os("LLVM_PROFILE_FILE").unwrap_or_default(),
            )
            .current_dir(self.home())
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, arguments: I) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    /// Runs it and expects success; gives what it printed.
    ///
    /// # Panics
    /// When it exits with anything but 0, with all it said.
    pub fn ok<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, arguments: I) -> String {
        let mut command = self.command(arguments);
        let output = command.output().expect("the binary runs");
        assert!(
            output.status.success(),
            "{command:?} ended with {}\n{}",
            output.status,
            said(&output)
        );
        String::from_utf8(output.stdout).expect("text")
    }

    /// The same with `--output json`; gives the document.
    ///
    /// # Panics
    /// When it exits with anything but 0 or prints no JSON.
    pub fn json<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, arguments: I) -> Value {
        let arguments: Vec<_> = arguments.into_iter().map(|a| a.as_ref().to_owned()).collect();
        let text = self.ok(arguments
            .iter()
            .map(AsRef::as_ref)
            .chain([OsStr::new("--output"), OsStr::new("json")]));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }
}

/// Everything a command printed, for messages.
#[must_use]
pub fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
