//! `test`: every check and test, from a bare clone on a cold machine.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{deny, docs, layers, process, servers, workspace};

/// What `cargo test` said of its binaries, summed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

struct Part {
    name: &'static str,
    took: Duration,
    fault: Option<String>,
}

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    let (quick, filter) = parse(arguments)?;
    println!("building in {}", workspace::target_directory().display());
    let mut parts = Vec::new();
    let mut part = |name, work: &mut dyn FnMut() -> Result<()>| {
        println!("\n== {name}");
        let start = Instant::now();
        let fault = work().err().map(|error| format!("{error:#}"));
        if let Some(fault) = &fault {
            println!("{name}: {fault}");
        }
        parts.push(Part {
            name,
            took: start.elapsed(),
            fault,
        });
    };
    let mut counts = Counts::default();
    if filter.is_empty() {
        part("format", &mut || {
            process::run(workspace::cargo().args(["fmt", "--all", "--check"]))
        });
        part("layers", &mut || layers::run(&[]));
        part("clippy", &mut clippy);
        part("docs", &mut || docs::run(&["--check".to_owned()]));
        if !quick {
            part("deny", &mut || deny::run(&[]));
        }
    }
    if !quick {
        part("servers", &mut servers::get);
    }
    part("tests", &mut || {
        let (seen, ended_well) = tests(quick, &filter)?;
        counts = seen;
        if seen.passed + seen.failed == 0 {
            bail!(
                "no test ran{}",
                if filter.is_empty() {
                    ""
                } else {
                    "; does the filter match anything?"
                }
            );
        }
        if seen.failed > 0 || !ended_well {
            bail!("{} tests failed, or did not build", seen.failed);
        }
        Ok(())
    });
    summary(&parts, counts)
}

fn parse(arguments: &[String]) -> Result<(bool, Vec<String>)> {
    let mut quick = false;
    let mut filter = Vec::new();
    for argument in arguments {
        match argument.as_str() {
            "--quick" => quick = true,
            option if option.starts_with('-') => bail!("test: unknown option {option}"),
            word => filter.push(word.to_owned()),
        }
    }
    Ok((quick, filter))
}

fn clippy() -> Result<()> {
    process::run(workspace::cargo().args([
        "clippy",
        "--quiet",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

/// Runs the tests; the counts, and whether cargo itself was content.
fn tests(quick: bool, filter: &[String]) -> Result<(Counts, bool)> {
    let mut command = workspace::cargo();
    command.args(["test", "--locked", "--workspace", "--no-fail-fast"]);
    if quick {
        // What a test cannot find it then leaves out, and says so.
        command.env_remove("OSTLER_REQUIRE");
    } else {
        command.env("OSTLER_REQUIRE", servers::EVERYDAY);
    }
    command.arg("--").args(filter).stdout(Stdio::piped());
    let mut child = command.spawn().context("starting cargo test")?;
    let output = child.stdout.take().context("cargo test has no output")?;
    let mut counts = Counts::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        counts.add(&line);
    }
    Ok((counts, child.wait()?.success()))
}

impl Counts {
    /// Adds a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out`.
    fn add(&mut self, line: &str) {
        let Some((_, result)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in result.split("; ") {
            let Some((number, word)) = part.split_once(' ') else {
                continue;
            };
            let number = number.parse().unwrap_or(0);
            match word {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

/// What took how long; the last line is for programs. A part that failed counts as one failure where no failed test
/// stands for it.
fn summary(parts: &[Part], counts: Counts) -> Result<()> {
    println!("\n== summary");
    for part in parts {
        let mark = if part.fault.is_some() { "FAILED" } else { "ok" };
        println!("{:<8} {mark:<6} {:>7.1} s", part.name, part.took.as_secs_f64());
    }
    if counts.ignored > 0 {
        println!("{} tests ignored", counts.ignored);
    }
    let faults = parts.iter().filter(|part| part.fault.is_some());
    let unexplained = faults
        .filter(|part| part.name != "tests" || counts.failed == 0)
        .count() as u64;
    let failed = counts.failed + unexplained;
    println!("{} passed, {failed} failed", counts.passed);
    if failed > 0 {
        std::process::exit(1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn results_of_all_binaries_are_summed() {
        let mut counts = Counts::default();
        for line in [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.00s",
            "test result_is_kept ... ok",
        ] {
            counts.add(line);
        }
        assert_eq!(
            counts,
            Counts {
                passed: 4,
                failed: 2,
                ignored: 1
            }
        );
    }
}
