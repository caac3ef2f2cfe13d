//! *archive*: whole partitions, or rows of other tables, kept in Parquet files of an object store before they go.

use ostler_api::document::RetentionProblem;
use ostler_api::retention::Policy;

use ostler_vocabulary::ErrorKind;

use super::{Decision, Fault, Question, Shelf, Target, delete, drop, problem};
use crate::column::TimeColumn;
use crate::facts::Table;

pub(super) fn valid(policy: &Policy) -> Result<(), Fault> {
    match &policy.target {
        Some(_) => Ok(()),
        None => Err(Fault {
            reason: "it does not say where archives are kept",
            cure: Some(
                "`archive:TARGET`, an address such as s3://bucket/prefix or a [class.NAME] of the configuration",
            ),
        }),
    }
}

pub(super) fn decide(
    question: &Question<'_>,
    table: &Table,
    column: TimeColumn,
) -> Result<Decision, RetentionProblem> {
    let policy = question.policy;
    if table.obstacles.has_children {
        let reason = format!(
            "rows of tables that inherit from {} could not be brought back to them: \
             `ALTER TABLE … NO INHERIT`, and a policy for each of them",
            table.table
        );
        return Err(problem(ErrorKind::Unsupported, reason));
    }
    let mut decision = match table.partitioned_by(&policy.column) {
        true => drop::decide(question, table, column)?,
        false => delete::decide(question, table, column)?,
    };
    for item in &mut decision.items {
        item.action = match item.target {
            Target::Partition { .. } => "archive partition",
            _ => "archive rows",
        };
        item.shelf = policy.target.as_ref().map(|target| Shelf {
            to: target.clone(),
            table: policy.table.clone(),
            unit: policy.unit,
            zone: policy.time_zone.clone(),
        });
    }
    Ok(decision)
}
