//! `deny`: licences, sources and bans of all dependencies by `deny.toml`; advisories where their data can be had.

use std::process::Command;

use anyhow::{Result, bail};

use crate::tools::Tool;
use crate::{process, workspace};

const CARGO_DENY: Tool = Tool {
    package: "cargo-deny",
    version: "0.20.2",
    program: "cargo-deny",
    options: &[],
};

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    if let Some(word) = arguments.first() {
        bail!("deny: unknown argument {word}");
    }
    let program = CARGO_DENY.get()?;
    let check = ["--locked", "check", "--hide-inclusion-graph"];
    let mut known = Command::new(&program);
    known
        .current_dir(workspace::root())
        .args(check)
        .args(["licenses", "bans", "sources"]);
    process::run(&mut known)?;
    // A network that answers nothing must not hold up everything else.
    let mut fetched = Command::new("timeout");
    fetched
        .current_dir(workspace::root())
        .arg("180")
        .arg(&program)
        .args(check)
        .arg("advisories");
    advisories(&mut fetched)
}

/// The exit code of `timeout` when the time is up.
const TIME_IS_UP: Option<i32> = Some(124);

/// The advisories are in a repository that not every network reaches; then there is nothing to check against.
fn advisories(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    let unreachable =
        said.contains("failed to fetch advisory database") || output.status.code() == TIME_IS_UP;
    if !output.status.success() && unreachable {
        println!("advisories: NOT CHECKED, the advisory database cannot be reached from here");
        return Ok(());
    }
    print!("{said}");
    if !output.status.success() {
        bail!("an advisory applies to a dependency");
    }
    Ok(())
}
