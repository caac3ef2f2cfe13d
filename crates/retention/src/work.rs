//! Everything about tables that is run as an operation, by its request. A new kind is a file with `KIND`, `VERSION`, `plan` and
//! `run`, and a line in each function here.

use ostler_api::request::{Plan, Request};
use ostler_operations::{Finished, Operation};
use ostler_vocabulary::{Failure, Timestamp};

use crate::archive::Shelves;
use crate::{Database, Error, run, tables, undo};

/// The kind's name and version in the journal.
#[must_use]
pub fn kind_of(request: &Request) -> (&'static str, u32) {
    match request {
        Request::Undo(_) => (undo::KIND, undo::VERSION),
        Request::Tables(request) => (request.task.kind(), tables::VERSION),
        _ => (run::KIND, run::VERSION),
    }
}

/// Works out what a request would do.
///
/// # Errors
/// Of the kind of the request.
pub async fn plan_of(
    database: &dyn Database,
    shelves: &dyn Shelves,
    request: Request,
    now: Timestamp,
) -> Result<Plan, Failure> {
    match request {
        Request::Retention(request) => crate::plan::plan(database, shelves, request, now).await,
        Request::Undo(request) => undo::plan(database, shelves, request, now).await,
        Request::Tables(request) => tables::plan(database, request, now).await,
        _ => Err(Error::ForeignPlan.into()),
    }
}

/// Runs a plan.
///
/// # Errors
/// Of the kind of the plan.
pub async fn run_plan(
    plan: Plan,
    op: Operation,
    database: &dyn Database,
    shelves: &dyn Shelves,
) -> Result<Finished, Failure> {
    match &plan.request {
        Request::Retention(_) => run::run(plan, op, database, shelves).await,
        Request::Undo(_) => undo::run(plan, op, database, shelves).await,
        Request::Tables(_) => tables::run(plan, op, database).await,
        _ => Err(Error::ForeignPlan.into()),
    }
}
