//! *keep-last*: all rows but the newest of each key.

use ostler_api::document::RetentionProblem;
use ostler_api::retention::Policy;
use ostler_vocabulary::ErrorKind;

use super::{Decision, Fault, Item, Question, Target, problem, rows};
use crate::column::TimeColumn;
use crate::facts::{Shape, Table};

pub(super) fn valid(policy: &Policy) -> Result<(), Fault> {
    match policy.last {
        Some(1..) if !policy.by.is_empty() => Ok(()),
        _ => Err(Fault {
            reason: "keep-last needs the number of rows to keep, and the columns of the key",
            cure: Some("`--last N --by COLUMN`"),
        }),
    }
}

pub(super) fn decide(
    question: &Question<'_>,
    table: &Table,
    column: TimeColumn,
) -> Result<Decision, RetentionProblem> {
    let policy = question.policy;
    let last = policy.last.unwrap_or(1);
    if let Some(missing) = policy
        .by
        .iter()
        .find(|by| !table.columns.iter().any(|column| column.name == **by))
    {
        return Err(problem(
            ErrorKind::NotFound,
            format!("{} has no column {missing}", table.table),
        ));
    }
    if table.shape != Shape::Plain {
        return Err(problem(
            ErrorKind::Unsupported,
            format!(
                "{} is partitioned, and rows of one key may be in many partitions",
                table.table
            ),
        ));
    }
    let age = match question.threshold {
        Some(threshold) => format!(", and {} before {threshold}", policy.column),
        None => String::new(),
    };
    let mut target = rows(question, table, column);
    if let Target::Rows { last: slot, by, .. } = &mut target {
        *slot = Some(last);
        by.clone_from(&policy.by);
    }
    Ok(Decision {
        items: vec![Item {
            table: table.table.clone(),
            action: "delete rows",
            reason: format!(
                "not one of the newest {last} of their {}{age}",
                policy.by.join(", ")
            ),
            target,
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
