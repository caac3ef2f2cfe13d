//! *snapshot*: whole partitions kept in a snapshot of the server's own before they go.

use ostler_api::document::RetentionProblem;
use ostler_api::retention::Policy;
use ostler_vocabulary::ErrorKind;

use super::{Besides, Decision, Fault, Question, drop, problem};
use crate::column::TimeColumn;
use crate::facts::Table;

pub(super) fn valid(policy: &Policy) -> Result<(), Fault> {
    match policy.target.as_deref().map(str::trim) {
        Some(target) if !target.is_empty() => Ok(()),
        _ => Err(Fault {
            reason: "it does not say in which repository snapshots are kept",
            cure: Some("`snapshot:REPOSITORY`, one of `SELECT name FROM sys.repositories`"),
        }),
    }
}

pub(super) fn decide(
    question: &Question<'_>,
    table: &Table,
    column: TimeColumn,
) -> Result<Decision, RetentionProblem> {
    let repository = question.policy.target.clone().unwrap_or_default();
    if !table.repositories.contains(&repository) {
        let reason = format!("there is no repository {repository}: CREATE REPOSITORY makes one");
        return Err(problem(ErrorKind::NotFound, reason));
    }
    let mut decision = drop::decide(question, table, column)?;
    for item in &mut decision.items {
        item.action = "snapshot partition";
        item.besides = Some(Besides::Snapshot {
            repository: repository.clone(),
        });
    }
    Ok(decision)
}
