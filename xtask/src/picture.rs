//! `picture`: renders `docs/start/first-backup.svg` from a real run on the project's own sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};

use crate::{svg, trial, workspace};

const PICTURE: &str = "docs/start/first-backup.svg";
/// Where the run says it was, instead of the build directory.
const HOME: &str = "/home/ada";
/// What it calls the machine.
const HOST: &str = "laptop";
const COMMANDS: &[&str] = &[
    "ostler backup create project --name nightly",
    "ostler backup drill latest",
    "ostler backup list",
    "ostler restore latest --to back",
];

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    if let Some(word) = arguments.first() {
        bail!("picture: unknown argument {word}");
    }
    let program = trial::build()?;
    let home = workspace::target_directory().join("picture");
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    copy_sources(&home.join("project"))?;
    settle(&home)?;
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = format!("{}:{HOME}", host.trim());
    let mut lines = Vec::new();
    for command in COMMANDS {
        lines.push(svg::Line::Command((*command).to_owned()));
        let said = say(command, &program, &home)?
            .replace(&home.display().to_string(), HOME)
            .replace(&host, &format!("{HOST}:{HOME}"));
        lines.extend(said.lines().map(|line| svg::Line::Output(line.to_owned())));
        lines.push(svg::Line::Output(String::new()));
    }
    lines.pop();
    fs::remove_dir_all(&home)?;
    let picture = workspace::root().join(PICTURE);
    fs::write(&picture, svg::terminal(&lines)).with_context(|| format!("writing {}", picture.display()))?;
    println!("wrote {PICTURE}");
    Ok(())
}

/// What the command says on both outputs, in the order a terminal would show.
fn say(command: &str, program: &Path, home: &Path) -> Result<String> {
    let folder = program.parent().context("the binary has no directory")?;
    let mut path = vec![folder.to_path_buf()];
    path.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let output = Command::new("sh")
        .args(["-c", &format!("exec {command} 2>&1")])
        .current_dir(home)
        .env_clear()
        .env("PATH", std::env::join_paths(path)?)
        .env("HOME", home)
        .env("TZ", "UTC")
        .env("COLUMNS", svg::COLUMNS.to_string())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "`{command}` ended with {}\n{said}",
        output.status
    );
    Ok(said)
}

/// Returns when the copies are old enough for their times to prove that nobody changed them since; a drill compares
/// only such files with the source.
fn settle(home: &Path) -> Result<()> {
    let probe = home.join("probe");
    let stamp = || -> Result<SystemTime> {
        fs::write(&probe, "now")?;
        Ok(fs::metadata(&probe)?.modified()?)
    };
    let start = stamp()?;
    while stamp()? < start + Duration::from_millis(250) {
        std::thread::yield_now();
    }
    Ok(fs::remove_file(&probe)?)
}

fn copy_sources(target: &Path) -> Result<()> {
    let root = workspace::root();
    let wanted = |path: &PathBuf| path.starts_with("crates") || path.starts_with("docs");
    for path in workspace::files()?.into_iter().filter(wanted) {
        let copy = target.join(&path);
        fs::create_dir_all(copy.parent().context("a file without a directory")?)?;
        fs::copy(root.join(&path), copy)?;
    }
    Ok(())
}
