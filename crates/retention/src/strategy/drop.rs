//! *drop*: whole partitions.

use ostler_api::document::{PartitionVerdict, RetentionProblem};
use ostler_api::retention::PartitionRule;
use ostler_vocabulary::{ErrorKind, Timestamp};

use super::{Decision, Item, Question, Target, problem, type_name};
use crate::column::TimeColumn;
use crate::facts::{Partition, Shape, Table};

/// A partition with what its bounds say.
struct Dated<'a> {
    partition: &'a Partition,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
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
        .filter(|partition| {
            partition
                .key
                .first()
                .is_some_and(|key| key.as_deref() == Some(by))
        })
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
            let (from, to) = partition.leading_bounds().unwrap_or_default();
            let moment = |value: Option<String>| value.and_then(|value| column.moment(&value, question.zone));
            Dated {
                partition,
                start: moment(from),
                end: moment(to),
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
    let of_type = type_name(question, table);
    let newest: Vec<u32> = newest(&dated, question.min_keep);
    let mut decision = Decision::default();
    for it in dated {
        let (mut goes, mut reason) = verdict(question, &it);
        if goes && newest.contains(&it.partition.id) {
            goes = false;
            reason = format!(
                "one of the {} newest, which always stay (min_keep)",
                question.min_keep
            );
        }
        if goes {
            decision.items.push(item(&it, (by, &of_type), &reason));
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
fn newest(dated: &[Dated<'_>], min_keep: u64) -> Vec<u32> {
    let mut kept: Vec<&Partition> = Vec::new();
    for it in dated.iter().rev() {
        let siblings = kept
            .iter()
            .filter(|kept| kept.parent_id == it.partition.parent_id)
            .count();
        if !it.partition.is_default() && (siblings as u64) < min_keep {
            kept.push(it.partition);
        }
    }
    kept.iter().map(|partition| partition.id).collect()
}

fn verdict(question: &Question<'_>, it: &Dated<'_>) -> (bool, String) {
    let Some(threshold) = question.threshold else {
        return (false, "kept for ever".into());
    };
    if it.partition.is_default() {
        return (false, "the default partition: what is in it has no bounds".into());
    }
    let (end_name, edge) = match question.rule {
        PartitionRule::End => ("ends", it.end),
        PartitionRule::Start => ("starts", it.start),
    };
    let Some(edge) = edge else {
        return (
            false,
            format!(
                "its bounds do not tell when it {end_name}: {}",
                it.partition.bounds
            ),
        );
    };
    // The end is the first moment after it; a start at the threshold is young enough.
    let expired = match question.rule {
        PartitionRule::End => edge <= threshold,
        PartitionRule::Start => edge < threshold,
    };
    let how = match (expired, question.rule) {
        (true, PartitionRule::End) => "not after",
        (true, PartitionRule::Start) => "before",
        (false, PartitionRule::End) => "after",
        (false, PartitionRule::Start) => "not before",
    };
    (expired, format!("{end_name} {edge}, {how} {threshold}"))
}

fn item(it: &Dated<'_>, (column, type_name): (&str, &str), reason: &str) -> Item {
    Item {
        table: it.partition.table.clone(),
        action: "drop partition",
        reason: reason.to_owned(),
        target: Target::Partition {
            id: it.partition.id,
            parent: it.partition.parent.clone(),
            parent_id: it.partition.parent_id,
            bounds: it.partition.bounds.clone(),
            column: column.to_owned(),
            type_name: type_name.to_owned(),
        },
        optional: false,
        shelf: None,
        proven: None,
        bytes: Some(it.partition.bytes),
        rows: it.partition.rows,
    }
}
