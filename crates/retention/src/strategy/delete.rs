//! *delete*: rows by time.

use ostler_api::document::RetentionProblem;

use super::{Decision, Item, Question, rows};
use crate::column::TimeColumn;
use crate::facts::Table;

pub(super) fn decide(
    question: &Question<'_>,
    table: &Table,
    column: TimeColumn,
) -> Result<Decision, RetentionProblem> {
    let Some(threshold) = question.threshold else {
        return Ok(Decision::default());
    };
    Ok(Decision {
        items: vec![Item {
            table: table.table.clone(),
            action: "delete rows",
            reason: format!("{} before {threshold}", question.policy.column),
            target: rows(question, table, column),
            optional: true,
            shelf: None,
            proven: None,
            bytes: None,
            rows: None,
        }],
        ..Decision::default()
    })
}
