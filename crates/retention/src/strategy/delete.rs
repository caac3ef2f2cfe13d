//! *delete*: rows by time.

use ostler_api::document::RetentionProblem;

use ostler_vocabulary::ErrorKind;

use super::{Decision, Item, Question, problem, rows};
use crate::column::TimeColumn;
use crate::facts::Table;

pub(super) fn decide(
    question: &Question<'_>,
    table: &Table,
    column: TimeColumn,
) -> Result<Decision, RetentionProblem> {
    let mut columns = table.columns.iter();
    let own = columns.find(|it| it.name == question.policy.column);
    if let Some(from) = own.and_then(|own| own.made_from.as_ref()) {
        // Its values are older than the rows.
        let reason = format!(
            "{} is made from {from}: delete rows by {from}",
            question.policy.column
        );
        return Err(problem(ErrorKind::Invalid, reason));
    }
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
            besides: None,
            bytes: None,
            rows: None,
        }],
        ..Decision::default()
    })
}
