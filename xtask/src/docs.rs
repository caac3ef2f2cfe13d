//! `docs`: the reference pages that are made from the code.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{links, process, workspace};

/// The example of the command line's crate that writes every generated page into the directory it is given.
const GENERATOR: &str = "reference";

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let check = match arguments {
        [] => false,
        [word] if word == "--check" => true,
        _ => bail!("docs: the only option is --check"),
    };
    let pages = workspace::root().join("docs/reference");
    if !check {
        return generate(&pages);
    }
    let broken = links::broken()?;
    if !broken.is_empty() {
        bail!("links that lead nowhere:\n{}", broken.join("\n"));
    }
    let fresh = workspace::target_directory().join("reference");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    fs::create_dir_all(&fresh)?;
    generate(&fresh)?;
    compare(&fresh, &pages)
}

fn generate(folder: &Path) -> Result<()> {
    let mut command: Command = workspace::cargo();
    command
        .args([
            "run",
            "--quiet",
            "--locked",
            "-p",
            "ostler",
            "--example",
            "reference",
            "--",
        ])
        .arg(folder);
    process::run(&mut command)
}

fn compare(fresh: &Path, pages: &Path) -> Result<()> {
    let mut stale = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(fresh)? {
        let name = entry?.file_name();
        let wanted = fs::read_to_string(fresh.join(&name))?;
        count += 1;
        if fs::read_to_string(pages.join(&name)).ok().as_ref() != Some(&wanted) {
            stale.push(format!("docs/reference/{}", name.display()));
        }
    }
    if count == 0 {
        bail!("the example `{GENERATOR}` wrote no page");
    }
    if stale.is_empty() {
        println!("docs: {count} pages are as the code says");
        return Ok(());
    }
    Err(anyhow::anyhow!("run `cargo xtask docs`"))
        .with_context(|| format!("not as the code says: {}", stale.join(", ")))
}
