//! The engine's rules, over both journals.
#![allow(clippy::unwrap_used, reason = "tests")]

mod cancelling;
mod fan_out;
mod injection;
mod items;
mod journals;
mod processes;
mod rules;
mod running;
mod sample;

use std::sync::Arc;

use ostler_operations::testing::{dead_process, quick};
use ostler_operations::{Engine, Finished, Journal, MemoryJournal, Spec, StoredJournal};
use ostler_vocabulary::{Failure, SystemClock};
use serde_json::json;

/// Both journals, with the directory of the one that has one.
fn journals() -> Vec<(Arc<dyn Journal>, Option<tempfile::TempDir>)> {
    let directory = tempfile::tempdir().unwrap();
    vec![
        (Arc::new(MemoryJournal::default()), None),
        (
            Arc::new(StoredJournal::open(&directory.path().into()).unwrap()),
            Some(directory),
        ),
    ]
}

fn engines() -> Vec<(Engine, Option<tempfile::TempDir>)> {
    let with_engine = |(journal, directory)| (engine(journal), directory);
    journals().into_iter().map(with_engine).collect()
}

/// An engine of this, living, process.
fn engine(journal: Arc<dyn Journal>) -> Engine {
    Engine::over(journal, Arc::new(SystemClock::default()), quick())
}

/// An engine of a process that others take for dead.
fn doomed_engine(journal: Arc<dyn Journal>) -> Engine {
    Engine::acting_as(
        dead_process(0),
        journal,
        Arc::new(SystemClock::default()),
        quick(),
    )
}

fn spec() -> Spec {
    Spec {
        kind: "count",
        version: 2,
        subject: "numbers".into(),
        plan: json!({"to": 3}),
    }
}

fn done(outcome: serde_json::Value) -> Result<Finished, Failure> {
    Ok(Finished {
        outcome,
        partial: vec![],
    })
}
