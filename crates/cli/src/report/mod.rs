//! Documents as people read them, one module a noun; and how an operation ended, with the error that follows.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod cluster;
pub(crate) mod config;
pub(crate) mod evidence;
pub(crate) mod exploration;
pub(crate) mod files;
pub(crate) mod keys;
pub(crate) mod operation;
mod outcome;
pub(crate) mod plan;
pub(crate) mod queue;
pub(crate) mod retention;
pub(crate) mod schedule;
pub(crate) mod tables;
pub(crate) mod undo;
pub(crate) mod vault;
pub(crate) mod webhook;

pub(crate) use outcome::outcome;

use std::path::PathBuf;

use ostler_api::document::{Problem, Source};

use crate::output::{Page, plural};

/// Problems in text; documents hold all of them.
const PROBLEMS_SHOWN: usize = 20;

fn problems(page: &mut Page, problems: &[Problem], total: u64) {
    for problem in problems.iter().take(PROBLEMS_SHOWN) {
        page.line(format!("  {}: {}", problem.path, problem.reason));
    }
    let shown = problems.len().min(PROBLEMS_SHOWN) as u64;
    if total > shown {
        page.line(format!(
            "  … and {} more; `--output json` lists them",
            plural(total - shown, "problem")
        ));
    }
}

fn source_text(source: Option<&Source>) -> String {
    source.map_or_else(
        || "–".to_owned(),
        |source| format!("{}:{}", source.host, paths_text(&source.paths)),
    )
}

/// The cluster that was backed up, if it was one.
fn cluster_of(source: &Source) -> Option<&str> {
    source.host.strip_prefix("cluster:")
}

fn paths_text(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}
