//! Running commands so that the reader sees which.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The command as somebody would type it.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let mut text = String::new();
    for word in words {
        let word = word.to_string_lossy();
        if !text.is_empty() {
            text.push(' ');
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@~+%".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            text.push_str(&word);
        } else {
            text.push_str(&format!("'{}'", word.replace('\'', "'\\''")));
        }
    }
    text
}

/// Runs it with our own output; an error when it does not exit 0.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("starting `{}`", line(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(())
}

/// Runs it and gives its standard output; an error, with what it said, when it does not exit 0.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting `{}`", line(command)))?;
    if !output.status.success() {
        bail!(
            "`{}` ended with {}\n{}{}",
            line(command),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program of this name can be started.
pub fn exists(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// Makes an `ostler` command keep its state in `state` and know no settings of whoever runs this.
pub fn unconfigured(command: &mut Command, state: &Path) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OSTLER_") {
            command.env_remove(name);
        }
    }
    command
        .env("OSTLER_STATE_DIR", state)
        .env("XDG_CONFIG_HOME", state.with_file_name("no-configuration"));
}
