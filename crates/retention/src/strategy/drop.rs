//! *drop*: whole partitions.

use ostler_api::document::{PartitionVerdict, RetentionProblem};
use ostler_api::retention::{PartitionRule, TableName};
use ostler_vocabulary::{ErrorKind, Timestamp};

use super::{Decision, Item, Question, Target, problem};
use crate::column::TimeColumn;
use crate::facts::{Known, Partition, Shape, Table};

/// A partition with what its bounds say.
struct Dated<'a> {
    partition: &'a Partition,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    /// Whether rows of the end itself are in it.
    end_is_in: bool,
}

pub(super) fn decide(
    question: &Question<'_>,
    table: &Table,
    column: TimeColumn,
) -> Result<Decision, RetentionProblem> {
    let by = &question.policy.column;
    if table.shape != Shape::Partitioned {
        let reason = format!(
            "{} is not partitioned: strategy `delete` removes rows",
            table.table
        );
        return Err(problem(ErrorKind::Invalid, reason));
    }
    let mine: Vec<&Partition> = table
        .partitions
        .iter()
        .filter(|partition| partition.range(by).is_some())
        .collect();
    if mine.is_empty() && !table.partitions.is_empty() {
        let reason = format!(
            "{} is not partitioned by {by}: strategy `delete` removes rows",
            table.table
        );
        return Err(problem(ErrorKind::Invalid, reason));
    }
    let mut dated: Vec<Dated<'_>> = mine
        .into_iter()
        .map(|partition| {
            let range = partition.range(by).cloned().unwrap_or_default();
            let moment = |value: Option<String>| value.and_then(|value| column.moment(&value, question.zone));
            Dated {
                partition,
                start: moment(range.from),
                end: moment(range.to),
                end_is_in: range.to_is_in,
            }
        })
        .collect();
    // Oldest first, so that no hole is in the middle of the series while it is worked on; what has no end comes last.
    dated.sort_by_key(|it| {
        (
            it.end.is_none(),
            it.end.or(it.start),
            it.start,
            it.partition.table.clone(),
        )
    });
    // The rows' own times are told by what the column is made from.
    let own = table.columns.iter().find(|it| it.name == *by);
    let told_by = own
        .and_then(|own| own.made_from.clone())
        .unwrap_or_else(|| by.clone());
    let of_type = table.columns.iter().find(|it| it.name == told_by);
    let of_type = of_type.map(|it| it.type_name.clone()).unwrap_or_default();
    let newest = newest(&dated, question.min_keep);
    let mut decision = Decision::default();
    for it in dated {
        let (mut goes, mut reason) = verdict(question, &it, column);
        if goes && newest.contains(&it.partition.table) {
            goes = false;
            reason = format!(
                "one of the {} newest, which always stay (min_keep)",
                question.min_keep
            );
        }
        if goes {
            decision.items.push(item(&it, (&told_by, &of_type), &reason));
        }
        decision.partitions.push(PartitionVerdict {
            partition: it.partition.table.clone(),
            start: it.start,
            end: it.end,
            goes,
            reason,
        });
    }
    Ok(decision)
}

/// The partitions that hold the newest data, without the default one, of each parent.
fn newest(dated: &[Dated<'_>], min_keep: u64) -> Vec<TableName> {
    let mut kept: Vec<&Partition> = Vec::new();
    for it in dated.iter().rev() {
        let siblings = kept
            .iter()
            .filter(|kept| kept.parent == it.partition.parent)
            .count();
        if !it.partition.is_default() && (siblings as u64) < min_keep {
            kept.push(it.partition);
        }
    }
    kept.iter().map(|partition| partition.table.clone()).collect()
}

fn verdict(question: &Question<'_>, it: &Dated<'_>, column: TimeColumn) -> (bool, String) {
    let Some(threshold) = question.threshold else {
        return (false, "kept for ever".into());
    };
    if it.partition.is_default() {
        return (false, "the default partition: what is in it has no bounds".into());
    }
    let (end_name, edge) = match question.rule {
        PartitionRule::End if it.end_is_in => ("ends with", it.end),
        PartitionRule::End => ("ends", it.end),
        PartitionRule::Start => ("starts", it.start),
    };
    let Some(edge) = edge else {
        return (
            false,
            format!(
                "its bounds do not tell when it {end_name}: {}",
                it.partition.bounds()
            ),
        );
    };
    // The end is the first moment after it; a start at the threshold is young enough.
    // Rows of an end that is in it have to be old enough for *delete* to remove them.
    let first_kept = || {
        let boundary = column.boundary(threshold, question.zone);
        column.moment(&boundary, question.zone)
    };
    let is_after = question.rule == PartitionRule::End && !it.end_is_in;
    let expired = match question.rule {
        PartitionRule::End if it.end_is_in => first_kept().is_some_and(|kept| edge < kept),
        PartitionRule::End => edge <= threshold,
        PartitionRule::Start => edge < threshold,
    };
    let how = match (expired, is_after) {
        (true, true) => "not after",
        (true, false) => "before",
        (false, true) => "after",
        (false, false) => "not before",
    };
    (expired, format!("{end_name} {edge}, {how} {threshold}"))
}

fn item(it: &Dated<'_>, (column, type_name): (&str, &str), reason: &str) -> Item {
    Item {
        table: it.partition.table.clone(),
        action: "drop partition",
        reason: reason.to_owned(),
        target: target(it.partition, column, type_name),
        optional: false,
        shelf: None,
        proven: None,
        besides: None,
        bytes: Some(it.partition.bytes),
        rows: it.partition.rows,
    }
}

fn target(partition: &Partition, column: &str, type_name: &str) -> Target {
    let (column, type_name) = (column.to_owned(), type_name.to_owned());
    match &partition.known {
        Known::Attached(it) => Target::Partition {
            id: it.id,
            parent: partition.parent.clone(),
            parent_id: it.parent_id,
            bounds: it.bounds.clone(),
            column,
            type_name,
        },
        Known::Values(it) => Target::Values {
            table: partition.parent.clone(),
            partition: it.clone(),
            column,
            type_name,
        },
    }
}
