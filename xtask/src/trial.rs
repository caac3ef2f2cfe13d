//! `try`: the first thing somebody runs. Builds `ostler` and does its main job on a real directory, with no
//! configuration, in a state directory of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::{process, workspace};

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let (path, keep) = parse(arguments)?;
    println!("building ostler (the first time takes some minutes)");
    let program = build()?;
    let work = workspace::target_directory().join("try");
    if work.exists() {
        fs::remove_dir_all(&work).with_context(|| format!("removing {}", work.display()))?;
    }
    fs::create_dir_all(&work)?;
    let trial = Trial {
        program,
        state: work.join("state"),
        restored: work.join("restored"),
        path,
    };
    let result = trial.all();
    if keep || result.is_err() {
        println!("\nkept: {}", work.display());
    } else {
        fs::remove_dir_all(&work).with_context(|| format!("removing {}", work.display()))?;
    }
    result?;
    println!("{}", trial.next(keep));
    Ok(())
}

/// The release build's binary.
pub fn build() -> Result<PathBuf> {
    process::run(workspace::cargo().args(["build", "--release", "--locked", "-p", "ostler"]))?;
    let program = workspace::target_directory().join("release/ostler");
    ensure!(program.is_file(), "the build left no {}", program.display());
    Ok(program)
}

fn parse(arguments: &[String]) -> Result<(PathBuf, bool)> {
    let mut path = None;
    let mut keep = false;
    for argument in arguments {
        match argument.as_str() {
            "--keep" => keep = true,
            option if option.starts_with('-') => bail!("try: unknown option {option}"),
            word if path.is_none() => path = Some(PathBuf::from(word)),
            word => bail!("try: one directory at a time, and {word} is a second"),
        }
    }
    let path = path.unwrap_or_else(workspace::root);
    let path = path
        .canonicalize()
        .with_context(|| format!("looking for {}", path.display()))?;
    ensure!(path.is_dir(), "{} is not a directory", path.display());
    Ok((path, keep))
}

struct Trial {
    program: PathBuf,
    state: PathBuf,
    restored: PathBuf,
    path: PathBuf,
}

impl Trial {
    fn all(&self) -> Result<()> {
        println!("\nBack up {}, with nothing configured:", self.path.display());
        let mut create = self.ostler(&["backup", "create"]);
        create.arg(&self.path).args(["--name", "first"]);
        if let Some(target) = self.build_output() {
            create.arg("--exclude").arg(format!("{}/", target.display()));
        }
        show(&mut create)?;
        println!("\nWhat is there now:");
        show(&mut self.ostler(&["backup", "list"]))?;
        println!("\nRead every byte back from the vault:");
        show(&mut self.ostler(&["backup", "verify", "latest", "--read-data"]))?;
        println!("\nRestore into a scratch directory, compare every file, remove it:");
        show(&mut self.ostler(&["backup", "drill", "latest"]))?;
        println!("\nRestore for use:");
        let mut restore = self.ostler(&["restore", "latest", "--to"]);
        show(restore.arg(&self.restored))?;
        println!("\nAnd let another program judge:");
        let mut diff = Command::new("diff");
        diff.args(["--recursive", "--no-dereference"]);
        if let Some(name) = self.build_output().as_deref().and_then(Path::file_name) {
            diff.arg("--exclude").arg(name);
        }
        show(diff.arg(&self.path).arg(&self.restored))?;
        println!("no difference");
        Ok(())
    }

    /// Where builds go, when that is inside of what is backed up.
    fn build_output(&self) -> Option<PathBuf> {
        let target = workspace::target_directory();
        let target = target.canonicalize().unwrap_or(target);
        target.starts_with(&self.path).then_some(target)
    }

    fn ostler(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        // Somebody's own configuration has no say in a trial.
        process::unconfigured(&mut command, &self.state);
        command
    }

    fn next(&self, kept: bool) -> String {
        let ostler = self.program.display();
        let vault = if kept {
            format!("The trial's vault and key are in {}.", self.state.display())
        } else {
            "The trial's vault is removed again; --keep would have kept it.".to_owned()
        };
        format!(
            "\n{vault}\n\nWhat to do next\n  \
             install it                 cargo install --locked --path crates/cli\n  \
             back up what is yours      {ostler} backup create ~/documents\n  \
             copy the key away          cp ~/.local/share/ostler/keys/default.key /somewhere/safe\n  \
             into S3                    docs/guides/s3.md\n  \
             every night, with alerts   docs/guides/night-operation.md\n  \
             the same, step by step     docs/start/first-backup.md"
        )
    }
}

/// Prints the command as one would type it, then runs it.
fn show(command: &mut Command) -> Result<()> {
    println!("$ {}", process::line(command));
    process::run(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that keeps a copy instead of a backup.
    const COPIES: &str = "#!/bin/sh\nset -e\ncase \"$1 $2\" in\n\
        'backup create') mkdir -p \"$OSTLER_STATE_DIR\"; cp -a \"$3\" \"$OSTLER_STATE_DIR/copy\";;\n\
        'restore latest') cp -a \"$OSTLER_STATE_DIR/copy\" \"$4\";;\nesac\n";

    fn trial(name: &str, program: &str) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let work = std::env::temp_dir().join(format!("ostler-xtask-{name}-{}", std::process::id()));
        let path = work.join("source");
        fs::create_dir_all(&path)?;
        fs::write(path.join("letter"), "Dear reader")?;
        let script = work.join("ostler");
        fs::write(&script, program)?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
        let trial = Trial {
            program: script,
            state: work.join("state"),
            restored: work.join("restored"),
            path,
        };
        let result = trial.all();
        fs::remove_dir_all(&work)?;
        result
    }

    #[test]
    fn a_trial_believes_only_what_diff_says() {
        trial("copies", COPIES).unwrap();
        let forgets = COPIES.replace("cp -a \"$OSTLER_STATE_DIR/copy\"", "mkdir");
        assert!(trial("forgets", &forgets).is_err());
        assert!(trial("fails", "#!/bin/sh\nexit 1\n").is_err());
    }
}
