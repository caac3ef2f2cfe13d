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
    let deny = |verbs: &[&str]| {
        let mut command = Command::new(&program);
        command
            .current_dir(workspace::root())
            .args(["--locked", "check", "--hide-inclusion-graph"])
            .args(verbs);
        command
    };
    process::run(&mut deny(&["licenses", "bans", "sources"]))?;
    advisories(&mut deny(&["advisories"]))
}

/// The advisories are in a repository that not every network reaches; then there is nothing to check against.
fn advisories(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    if !output.status.success() && said.contains("failed to fetch advisory database") {
        println!("advisories: NOT CHECKED, the advisory database cannot be reached from here");
        return Ok(());
    }
    print!("{said}");
    if !output.status.success() {
        bail!("an advisory applies to a dependency");
    }
    Ok(())
}
