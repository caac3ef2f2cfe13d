//! A home with a long past: many backups, made one by one as everybody makes them, and many operations, copied in its journal.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// Directories that are backed up in turn.
const SOURCES: u64 = 20;
const COPY: &str = include_str!("many_operations.sql");
const PYTHON: &str = "\
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[3].split(';'):
    if statement.strip():
        db.execute(statement, {'number': int(sys.argv[2])} if ':number' in statement else {})
db.execute('pragma wal_checkpoint(truncate)')
";

/// The home, and the program that works in it.
pub struct Home {
    program: PathBuf,
    place: PathBuf,
}

impl Home {
    /// Makes it, goes on with one that was begun, or takes the one of the same size that is there: its backups take minutes.
    pub fn get(program: PathBuf, work: &Path, backups: u64, operations: u64) -> Result<Self> {
        let place = work.join(format!("serve-{backups}-{operations}"));
        let home = Self { program, place };
        let done = home.place.join("done");
        if !done.exists() {
            home.fill(backups, operations)?;
            fs::write(done, "")?;
        }
        Ok(home)
    }

    pub fn state(&self) -> PathBuf {
        self.place.join("state")
    }

    /// The program, which knows this home only.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        process::unconfigured(&mut command, &self.state());
        command.args(words);
        command
    }

    /// A directory of the home that is backed up.
    pub fn source(&self, number: u64) -> PathBuf {
        self.place.join(format!("source-{:02}", number % SOURCES))
    }

    fn fill(&self, backups: u64, operations: u64) -> Result<()> {
        for number in 0..SOURCES {
            let source = self.source(number);
            fs::create_dir_all(source.join("deep"))?;
            for file in ["a", "b", "deep/c"] {
                fs::write(source.join(file), format!("{file} of {number}"))?;
            }
        }
        let made = self.place.join("made");
        let first = match fs::read_to_string(&made) {
            Ok(number) => number.parse()?,
            Err(_) => 0,
        };
        for number in first..backups {
            let source = self.source(number);
            let source = source.to_str().context("a path")?;
            process::capture(&mut self.command(&["backup", "create", source, "--quiet"]))?;
            fs::write(&made, (number + 1).to_string())?;
            if (number + 1).is_multiple_of(500) {
                eprintln!("{} backups", number + 1);
            }
        }
        let journal = self.state().join("operations.db");
        let mut copy = Command::new("python3");
        copy.args(["-c", PYTHON])
            .arg(journal)
            .arg(operations.to_string())
            .arg(COPY);
        process::run(&mut copy)
    }
}
