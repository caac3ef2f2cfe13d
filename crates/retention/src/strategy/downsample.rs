//! *downsample*: raw rows (whole partitions where the table has them) and buckets of a rollup's levels, each when its time is
//! over and the next level has it.

use jiff::tz::TimeZone;
use ostler_api::document::RetentionProblem;
use ostler_api::retention::Policy;
use ostler_api::tables::{Rollup, RollupState};
use ostler_vocabulary::{ErrorKind, Timestamp};

use super::{Decision, Fault, Item, Proven, Question, Target, delete, drop, problem};
use crate::bounds::range_of;
use crate::column::TimeColumn;
use crate::facts::{Known, Table, Values};
use crate::rollup::{align, widths};

pub(super) fn valid(policy: &Policy) -> Result<(), Fault> {
    match &policy.target {
        Some(_) => Ok(()),
        None => Err(Fault {
            reason: "it does not say which rollup has the sums",
            cure: Some("`downsample:ROLLUP`; `ostler rollup add` makes one"),
        }),
    }
}

pub(super) fn decide(
    question: &Question<'_>,
    table: &Table,
    column: TimeColumn,
) -> Result<Decision, RetentionProblem> {
    let policy = question.policy;
    let name = policy.target.clone().unwrap_or_default();
    let known = table
        .rollup
        .as_ref()
        .and_then(|defined| Some((defined, defined.definition.rollup()?)));
    let Some((defined, rollup)) = known else {
        return Err(problem(ErrorKind::NotFound, format!("there is no rollup {name}")));
    };
    if rollup.table != table.table || rollup.column != policy.column {
        let reason = format!("rollup {name} is of {} by {}", rollup.table, rollup.column);
        return Err(problem(ErrorKind::Invalid, reason));
    }
    let widths = widths(&name, rollup).map_err(|error| problem(ErrorKind::Invalid, error.to_string()))?;
    let mut decision = Decision::default();
    if let Some(threshold) = question.threshold {
        if !table.rows_go_proven && !table.partitioned_by(&policy.column) {
            let reason = format!(
                "{0} is not partitioned by {1}, and nothing here stops writes to a part of a table while its rows are proven: partition it by a column that is made from {1}, as by date_trunc('day', {1}), or keep raw rows for ever (`INF`), so that only levels of the rollup age",
                table.table, policy.column
            );
            return Err(problem(ErrorKind::Unsupported, reason));
        }
        decision = raw(
            question,
            table,
            column,
            (&name, &defined.levels, widths[0], threshold),
        )?;
    }
    levels(question, (&name, rollup), &defined.levels, &widths, &mut decision);
    Ok(decision)
}

/// Up to where a level may go: the next one has to have it, in whole buckets.
fn limit(
    decision: &mut Decision,
    states: &[RollupState],
    (name, next, width): (&str, usize, i64),
    threshold: Timestamp,
) -> Option<Timestamp> {
    let watermark = states
        .iter()
        .find(|state| state.level as usize == next)
        .and_then(|state| state.watermark);
    let Some(watermark) = watermark else {
        decision.notes.push(format!(
            "level {next} of rollup {name} was never made: `ostler rollup refresh {name}`"
        ));
        return None;
    };
    if watermark < threshold {
        decision.notes.push(format!(
            "level {next} of rollup {name} is summed up to {watermark} only: `ostler rollup refresh {name}`"
        ));
    }
    Some(align(threshold.min(watermark), width))
}

fn raw(
    question: &Question<'_>,
    table: &Table,
    column: TimeColumn,
    (name, states, width, threshold): (&str, &[RollupState], i64, Timestamp),
) -> Result<Decision, RetentionProblem> {
    let mut noted = Decision::default();
    let Some(limit) = limit(&mut noted, states, (name, 1, width), threshold) else {
        return Ok(noted);
    };
    let utc = TimeZone::UTC;
    let question = Question {
        threshold: Some(limit),
        zone: &utc,
        ..question.clone()
    };
    let mut decision = match table.partitioned_by(&question.policy.column) {
        true => drop::decide(&question, table, column)?,
        false => delete::decide(&question, table, column)?,
    };
    decision.notes.splice(0..0, noted.notes);
    let mut odd = Vec::new();
    decision.items.retain(|item| {
        let mut reason = "its bounds do not begin and end with buckets of the first level";
        let whole = match &item.target {
            Target::Partition { bounds, .. } => whole_buckets(range_of(bounds), column, width),
            Target::Values { partition, .. } => {
                let alone = partition.values.len() == 1;
                if !alone {
                    reason = "other partitions have rows of the same buckets: partition by time alone";
                }
                alone && whole_buckets(range_by(table, partition, &question.policy.column), column, width)
            }
            _ => true,
        };
        if !whole {
            odd.push((item.table.clone(), reason));
        }
        whole
    });
    for verdict in &mut decision.partitions {
        let found = odd.iter().find(|(table, _)| *table == verdict.partition);
        if let Some((_, reason)) = found {
            verdict.goes = false;
            verdict.reason = (*reason).to_owned();
        }
    }
    for item in &mut decision.items {
        item.action = match item.target {
            Target::Partition { .. } | Target::Values { .. } => "downsample partition",
            _ => "downsample rows",
        };
        item.proven = Some(Proven {
            rollup: name.to_owned(),
            level: 0,
        });
    }
    Ok(decision)
}

/// From when to when the rows of a partition are that has certain values.
fn range_by(table: &Table, partition: &Values, column: &str) -> Option<(String, String)> {
    let mut all = table.partitions.iter();
    let known = all.find(|it| matches!(&it.known, Known::Values(values) if values == partition))?;
    let range = known.range(column)?;
    Some((range.from.clone()?, range.to.clone()?))
}

/// Whether a range begins and ends with buckets.
fn whole_buckets(range: Option<(String, String)>, column: TimeColumn, width: i64) -> bool {
    let utc = TimeZone::UTC;
    let whole = |text: &str| {
        column
            .moment(text, &utc)
            .is_some_and(|moment| align(moment, width) == moment)
    };
    range.is_some_and(|(from, to)| whole(&from) && whole(&to))
}

/// Buckets whose own time is over.
fn levels(
    question: &Question<'_>,
    (name, rollup): (&str, &Rollup),
    states: &[RollupState],
    widths: &[i64],
    decision: &mut Decision,
) {
    let utc = TimeZone::UTC;
    for (index, level) in rollup.levels.iter().enumerate() {
        let number = index + 1;
        let Some(threshold) = level.keep.before(question.now, &utc) else {
            continue;
        };
        let next = widths.get(number);
        let boundary = match next {
            Some(width) => limit(decision, states, (name, number + 1, *width), threshold),
            // Nothing is made from the last level.
            None => Some(align(threshold, widths[index])),
        };
        let Some(boundary) = boundary else { continue };
        decision.items.push(Item {
            table: rollup.level_table(name, number),
            action: match next {
                Some(_) => "downsample rows",
                None => "delete rows",
            },
            reason: format!("buckets of {} before {boundary}", level.every),
            target: Target::Rows {
                column: "bucket".to_owned(),
                type_name: "timestamp with time zone".to_owned(),
                boundary: Some(TimeColumn::Moment.boundary(boundary, &utc)),
                form: None,
                last: None,
                by: Vec::new(),
            },
            optional: true,
            shelf: None,
            proven: next.map(|_| Proven {
                rollup: name.to_owned(),
                level: u32::try_from(number).unwrap_or(u32::MAX),
            }),
            besides: None,
            bytes: None,
            rows: None,
        });
    }
}
