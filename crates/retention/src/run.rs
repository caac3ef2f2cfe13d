//! A plan as an operation: item by item, each with its proof; what fails stops no other.

use ostler_api::document::{Outcome, PolicyFinding, RetentionProblem, RetentionReport};
use ostler_api::request::{Plan, Request, Work};
use ostler_operations::{Finished, Operation};
use ostler_vocabulary::{ErrorKind, Failure};

use crate::archive::Shelves;
use crate::{Database, Error};

/// The kind's name in the journal.
pub const KIND: &str = "retention";
/// The version of its steps: since 3, the steps of each item have places of their own.
pub const VERSION: u32 = 3;

/// Runs a plan.
///
/// # Errors
/// [`Error::Busy`] when another runs in the same database; a database that cannot be reached; what the engine says.
pub async fn run(
    plan: Plan,
    op: Operation,
    database: &dyn Database,
    shelves: &dyn Shelves,
) -> Result<Finished, Failure> {
    let (Request::Retention(request), Work::Retention(work)) = (plan.request, plan.work) else {
        return Err(Error::ForeignPlan.into());
    };
    database.wait_for_locks(request.pace.lock_wait_ms);
    // Of the session, so taken anew by whoever resumes; it decides nothing but whether to begin.
    database.exclude_others(&op).await?;
    let mut report = RetentionReport {
        database: work.database.clone(),
        ..RetentionReport::default()
    };
    for verdict in &work.policies {
        if let Some(problem) = &verdict.problem {
            report.refused.push(PolicyFinding {
                policy: verdict.policy.clone(),
                fatal: true,
                text: problem.reason.clone(),
            });
        }
    }
    let total = work.items.len();
    let mut left = work.items.as_slice();
    while !left.is_empty() {
        let (items, others) = left.split_at(database.together(left).clamp(1, left.len()));
        let of_items = match op.version() {
            2 => op.clone(),
            _ => op.item((total - left.len()) as u64),
        };
        for (index, item) in items.iter().enumerate() {
            op.message(format!(
                "{} of {total}: {} {}",
                total - left.len() + index + 1,
                item.action,
                item.table
            ));
            let place = format!("{}/{}", work.database, item.table);
            op.audit(&item.action, &place, item.bytes.unwrap_or(0), &item.reason)
                .await?;
        }
        report.items.extend(
            database
                .remove_together(&of_items, items, request.pace, shelves)
                .await?,
        );
        left = others;
    }
    if let Some(failure) = denied(&report) {
        return Err(failure);
    }
    report.rows_removed = report.items.iter().map(|proof| proof.removed).sum();
    let mut partial: Vec<String> = report
        .refused
        .iter()
        .map(|finding| format!("policy {}: {}", finding.policy, finding.text))
        .collect();
    partial.extend(report.items.iter().filter_map(|proof| {
        let problem = proof.problem.as_ref()?;
        Some(format!("{} {}: {}", proof.action, proof.table, problem.reason))
    }));
    Ok(Finished {
        outcome: serde_json::to_value(Outcome::Retention(report)).map_err(|error| {
            Failure::new(ErrorKind::Internal, format!("cannot write the report: {error}"))
        })?,
        partial,
    })
}

/// That nothing was done because nothing was allowed.
fn denied(report: &RetentionReport) -> Option<Failure> {
    let mut problems = report.items.iter().map(|proof| proof.problem.as_ref());
    let is_denied = |it: Option<&RetentionProblem>| it.is_some_and(|it| it.kind == ErrorKind::Denied);
    let first = report.items.first()?.problem.as_ref()?;
    let nothing_done = report.items.iter().all(|proof| proof.removed == 0) && problems.all(is_denied);
    let message = match report.items.len() {
        1 => first.reason.clone(),
        items => format!("none of {items} items was allowed; the first: {}", first.reason),
    };
    nothing_done.then(|| Failure::new(ErrorKind::Denied, message))
}
