//! Work on tables as an operation: a plan of items, each done and proven on its own; what fails stops no other.

use ostler_api::document::Outcome;
use ostler_api::request::{Plan, Request, Tables, Work};
use ostler_api::tables::{TableItem, TableProof, TableTask, TablesReport, TablesWork};
use ostler_operations::{Finished, Operation, plan_digest};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};

use crate::{Database, Error};

/// The version of the steps of every kind.
pub const VERSION: u32 = 1;

/// Works out what would be done.
///
/// # Errors
/// [`Error`]; failures of the database.
pub async fn plan(database: &dyn Database, mut request: Tables, now: Timestamp) -> Result<Plan, Failure> {
    let work = database.plan_work(&mut request, now).await?;
    let subject = subject(&request.task, &work);
    let place = serde_json::to_vec(&work.database).unwrap_or_default();
    let named: Vec<(String, &str)> = work
        .items
        .iter()
        .map(|item| (format!("{}\0{}", item.object, item.detail), item.action.as_str()))
        .collect();
    let digest = plan_digest(
        request.task.kind(),
        &[&place],
        named.iter().map(|(item, action)| (item.as_bytes(), *action)),
    );
    Ok(Plan {
        made: now,
        vault: String::new(),
        subject,
        backups: Vec::new(),
        digest,
        work: Work::Tables(work),
        request: Request::Tables(request),
    })
}

fn subject(task: &TableTask, work: &TablesWork) -> String {
    let what = match task {
        TableTask::RefreshRollup(refresh) => format!("rollup {}", refresh.name),
        TableTask::RefreshMaterialized(refresh) => format!("materialized {}", refresh.name),
        // The last item of an erasure is about the subject as a whole.
        TableTask::RunQuery(_) | TableTask::Erase(_) => work
            .items
            .last()
            .map_or(String::new(), |item| item.object.clone()),
    };
    format!("{what} of {}", work.database)
}

/// Runs a plan.
///
/// # Errors
/// [`Error::Busy`] when another runs in the same database; a database that cannot be reached; what the engine says.
pub async fn run(plan: Plan, op: Operation, database: &dyn Database) -> Result<Finished, Failure> {
    let (Request::Tables(request), Work::Tables(work)) = (plan.request, plan.work) else {
        return Err(Error::ForeignPlan.into());
    };
    // Of the session, so taken anew by whoever resumes; it decides nothing but whether to begin.
    database.exclude_others(&op).await?;
    let total = work.items.len();
    let mut items: Vec<TableProof> = Vec::new();
    for (index, item) in work.items.iter().enumerate() {
        op.message(format!(
            "{} of {total}: {} {}",
            index + 1,
            item.action,
            item.object
        ));
        let place = format!("{}/{}", work.database, item.object);
        op.audit(&item.action, &place, 0, &item.reason).await?;
        items.push(database.do_work(&op, &request, item).await?);
    }
    let partial = items.iter().filter_map(wrong).collect();
    let report = TablesReport {
        database: work.database.clone(),
        work: request.task.kind().to_owned(),
        subject: plan.subject,
        rows: items.iter().map(|proof| proof.rows).sum(),
        items,
        notes: work.notes,
    };
    Ok(Finished {
        outcome: serde_json::to_value(Outcome::Tables(report)).map_err(|error| {
            Failure::new(ErrorKind::Internal, format!("cannot write the report: {error}"))
        })?,
        partial,
    })
}

/// Why an item is not done, or not proven.
fn wrong(proof: &TableProof) -> Option<String> {
    let place = format!("{} {}", proof.action, proof.object);
    if let Some(problem) = &proof.problem {
        return Some(format!("{place}: {}", problem.reason));
    }
    let broken = proof.evidence.iter().find(|evidence| !evidence.holds)?;
    Some(format!(
        "{place}: {}: {} instead of {}",
        broken.what, broken.found, broken.expected
    ))
}

/// A proof of an item of which nothing was done yet.
#[must_use]
pub fn begun(item: &TableItem) -> TableProof {
    TableProof {
        object: item.object.clone(),
        action: item.action.clone(),
        rows: 0,
        evidence: Vec::new(),
        problem: None,
        note: None,
    }
}
