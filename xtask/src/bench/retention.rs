//! `bench retention postgres` and `bench retention cratedb`: table data aged beside what people use for it otherwise.

mod cratedb;
mod postgres;

use anyhow::{Result, bail};

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    match arguments.split_first() {
        Some((system, rest)) if system == "postgres" => postgres::run(rest),
        Some((system, rest)) if system == "cratedb" => cratedb::run(rest),
        _ => bail!("bench retention: of which system? There are `postgres` and `cratedb`"),
    }
}
