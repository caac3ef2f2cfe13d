//! Who runs the servers that refuse to be root.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{cache, run};

/// Who runs servers when we are root, which they refuse to be.
const SERVANT: &str = "nobody";
/// Where that user can read.
const SHARED: &str = "/var/cache/ostler-tests";

/// Takes `NAME=VALUE…` and a program with its arguments, and runs it as somebody else when we are root.
pub(crate) fn command() -> Command {
    if !is_root() {
        return Command::new("env");
    }
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={SERVANT}")).args([
        "--regid=nogroup",
        "--clear-groups",
        "env",
        "HOME=/nonexistent",
    ]);
    command
}

/// The name of whoever that is.
///
/// # Errors
/// When the system does not know who we are.
pub(crate) fn name() -> Result<String> {
    if is_root() {
        return Ok(SERVANT.to_owned());
    }
    let asked = Command::new("id").arg("-un").output()?;
    Ok(String::from_utf8(asked.stdout)?.trim().to_owned())
}

/// Makes whoever runs servers the owner of a directory and of all in it.
///
/// # Errors
/// When we may not.
pub fn give_to_servant(directory: &Path) -> Result<()> {
    if is_root() {
        run(Command::new("chown")
            .args(["-R", &format!("{SERVANT}:nogroup")])
            .arg(directory))?;
    }
    Ok(())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Where servers are: root's own cache is closed to others.
pub(super) fn shared() -> Result<PathBuf> {
    let named = std::env::var_os("OSTLER_TEST_CACHE").is_some_and(|name| !name.is_empty());
    if is_root() && !named {
        return Ok(SHARED.into());
    }
    cache()
}
