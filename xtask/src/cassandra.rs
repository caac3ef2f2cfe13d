//! `cassandra [4.1|5.0]`: the test of a real ring, with the release that `test` does not take, or both.

use anyhow::{Result, bail};

use crate::{process, workspace};

const RELEASES: &[&str] = &["4.1", "5.0"];

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let releases: Vec<&str> = match arguments {
        [] => RELEASES.to_vec(),
        [one] if RELEASES.contains(&one.as_str()) => vec![one],
        _ => bail!(
            "cassandra takes one of {}, or nothing for all",
            RELEASES.join(" ")
        ),
    };
    for release in releases {
        let mut tests = workspace::cargo();
        tests
            .args(["test", "--locked", "-p", "ostler", "--test", "it", "cassandra::"])
            .env("OSTLER_TEST_CASSANDRA", release)
            .env("OSTLER_REQUIRE", format!("cassandra-{release}"));
        process::run(&mut tests)?;
    }
    Ok(())
}
