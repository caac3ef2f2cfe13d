//! `coverage`: line coverage by crate.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::tools::Tool;
use crate::{process, servers, workspace};

const CARGO_LLVM_COV: Tool = Tool {
    package: "cargo-llvm-cov",
    version: "0.9.1",
    program: "cargo-llvm-cov",
    options: &[],
};

/// Runs the verb; arguments go to the tests.
pub fn run(arguments: &[String]) -> Result<()> {
    let program = CARGO_LLVM_COV.get()?;
    process::capture(Command::new("rustup").args(["component", "add", "llvm-tools"]))?;
    servers::get()?;
    let report = workspace::target_directory().join("coverage.json");
    let mut command = Command::new(program);
    command
        .current_dir(workspace::root())
        .env("CARGO_TARGET_DIR", workspace::target_directory())
        .env("OSTLER_REQUIRE", servers::EVERYDAY)
        .args([
            "llvm-cov",
            "--workspace",
            "--exclude",
            "xtask",
            // What fails is printed, and fails in `test` too; the table is worth having all the same.
            "--ignore-run-fail",
            // A process that a test killed leaves counts that were half written.
            "--failure-mode",
            "all",
            "--json",
            "--summary-only",
            "--output-path",
        ])
        .arg(&report)
        .arg("--")
        .args(arguments);
    process::run(&mut command)?;
    let text = std::fs::read_to_string(&report).with_context(|| format!("reading {}", report.display()))?;
    print!("{}", table(&serde_json::from_str(&text)?));
    Ok(())
}

fn table(report: &Value) -> String {
    let mut crates: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for file in report["data"][0]["files"].as_array().into_iter().flatten() {
        let name = file["filename"].as_str().unwrap_or_default();
        let Some((_, below)) = name.rsplit_once("/crates/") else {
            continue;
        };
        let lines = &file["summary"]["lines"];
        let number = |key: &str| lines[key].as_u64().unwrap_or(0);
        for row in [below.split('/').next().unwrap_or_default(), "all"] {
            let sum = crates.entry(row.to_owned()).or_default();
            sum.0 += number("covered");
            sum.1 += number("count");
        }
    }
    let all = crates.remove_entry("all");
    crates
        .into_iter()
        .chain(all)
        .map(|(name, (covered, lines))| {
            let share = covered as f64 * 100.0 / lines.max(1) as f64;
            format!("{name:<12} {covered:>6} of {lines:>6} lines  {share:>5.1} %\n")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn lines_are_summed_by_crate() {
        let file = |name, covered, count| json!({"filename": name, "summary": {"lines": {"covered": covered, "count": count}}});
        let report = json!({"data": [{"files": [
            file("/w/crates/vault/src/lib.rs", 5, 10), file("/w/crates/vault/src/pack.rs", 10, 10),
            file("/w/crates/store/src/lib.rs", 1, 4),
        ]}]});
        assert_eq!(
            super::table(&report),
            "store             1 of      4 lines   25.0 %\n\
             vault            15 of     20 lines   75.0 %\n\
             all              16 of     24 lines   66.7 %\n"
        );
    }
}
