//! *ahead*: partitions that are there before their rows come, and gaps and a default partition that are filled up and emptied.

use ostler_api::document::{PartitionVerdict, RetentionProblem};
use ostler_api::retention::{Policy, TableName};
use ostler_vocabulary::{ErrorKind, Period, Timestamp};

use super::{Decision, Fault, Item, Question, Target, problem, type_name};
use crate::column::TimeColumn;
use crate::facts::{Partition, Shape, Table};

/// More partitions than this are not made for rows that lie about.
const MOST: u32 = 400;

/// Lengths of partitions that are recognised, longer ones of a kind first: a month may have four weeks.
const STEPS: &[&str] = &[
    "1y", "6mo", "3mo", "1mo", "2w", "1w", "1d", "12h", "6h", "4h", "3h", "2h", "1h", "30m", "15m", "10m",
    "5m", "1m",
];

/// Endings of partitions' names. The first is used where none of the table's is recognised; of those with fewer parts the
/// first that tells partitions apart.
const NAMES: &[&str] = &[
    "_%Y",
    "_%Y_%m",
    "_%Y_%m_%d",
    "_%Y_%m_%d_%H%M",
    "_%Y%m",
    "_%Y%m%d",
    "_p%Y",
    "_p%Y_%m",
    "_p%Y_%m_%d",
    "_p%Y_%m_%d_%H%M",
    "_p%Y%m%d",
    "_p%Y%m%d_%H%M%S",
];

pub(super) fn valid(policy: &Policy) -> Result<(), Fault> {
    match policy.keep {
        Period::Infinite => Err(Fault {
            reason: "partitions cannot be made for ever",
            cure: Some("say how far ahead, such as `ahead 3 months`"),
        }),
        Period::Limited { .. } => Ok(()),
    }
}

/// From when to when a partition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Extent {
    start: Timestamp,
    end: Timestamp,
}

/// A partition that is not there.
struct Missing {
    extent: Extent,
    /// Whether it is made even if no rows wait for it.
    needed: bool,
}

pub(super) fn decide(
    question: &Question<'_>,
    table: &Table,
    column: TimeColumn,
) -> Result<Decision, RetentionProblem> {
    let by = &question.policy.column;
    let own: Vec<&Partition> = table
        .partitions
        .iter()
        .filter(|partition| partition.parent == table.table)
        .collect();
    let fits = |partition: &&Partition| {
        let attached = partition.attached();
        attached.is_some_and(|it| it.method == "range" && it.key.as_slice() == [Some(by.clone())])
    };
    if table.shape != Shape::Partitioned || own.is_empty() || !own.iter().all(fits) {
        let reason = format!(
            "{} has no partitions by ranges of {by} alone to go on from",
            table.table
        );
        return Err(problem(ErrorKind::Invalid, reason));
    }
    let endless = own
        .iter()
        .find(|partition| !partition.is_default() && partition.range(by).is_some_and(|it| it.to.is_none()));
    if let Some(endless) = endless {
        return Ok(Decision {
            notes: vec![format!("{} has no end: nothing can come after it", endless.table)],
            ..Decision::default()
        });
    }
    let moment = |value: Option<String>| value.and_then(|value| column.moment(&value, question.zone));
    let mut there: Vec<(Extent, &Partition)> = own
        .iter()
        .filter(|partition| !partition.is_default())
        .filter_map(|partition| {
            let range = partition.range(by)?.clone();
            let (start, end) = (moment(range.from)?, moment(range.to)?);
            Some((Extent { start, end }, *partition))
        })
        .collect();
    there.sort_by_key(|(extent, _)| *extent);
    let parent_id = own
        .iter()
        .find_map(|it| it.attached())
        .map_or(0, |it| it.parent_id);
    let Some((newest, named)) = there.last().copied() else {
        let reason = format!(
            "{} has no partition with a start and an end to go on from",
            table.table
        );
        return Err(problem(ErrorKind::Invalid, reason));
    };
    let Some(step) = question.policy.step.or_else(|| step_of(newest, question)) else {
        let reason = format!(
            "how long a partition of {} is cannot be told from {}",
            table.table, named.table
        );
        return Err(problem(ErrorKind::Invalid, format!("{reason}: say `--step`")));
    };
    let mut decision = Decision::default();
    let extents: Vec<Extent> = there.iter().map(|(extent, _)| *extent).collect();
    let missing = missing(&extents, step, question, table, column, &mut decision.notes);
    let ending = ending(&there, &table.table, question, step);
    for missing in missing {
        let zoned = missing.extent.start.to_zoned(question.zone.clone());
        let name = TableName {
            schema: table.table.schema.clone(),
            name: format!("{}{}", table.table.name, zoned.strftime(ending)),
        };
        decision
            .items
            .push(item(question, table, column, parent_id, &name, &missing));
    }
    for (extent, partition) in there {
        decision.partitions.push(PartitionVerdict {
            partition: partition.table.clone(),
            start: Some(extent.start),
            end: Some(extent.end),
            goes: false,
            reason: "it is there".to_owned(),
        });
    }
    Ok(decision)
}

/// The step by which the newest partition is one step long.
fn step_of(newest: Extent, question: &Question<'_>) -> Option<Period> {
    STEPS
        .iter()
        .filter_map(|text| text.parse::<Period>().ok())
        .find(|step| step.after(newest.start, question.zone) == Some(newest.end))
}

/// What is not there: gaps, what comes up to the horizon, and what rows in the default partition lack.
fn missing(
    there: &[Extent],
    step: Period,
    question: &Question<'_>,
    table: &Table,
    column: TimeColumn,
    notes: &mut Vec<String>,
) -> Vec<Missing> {
    let (Some(first), Some(last), Some(horizon)) = (there.first(), there.last(), question.threshold) else {
        return Vec::new();
    };
    let stray = |text: &Option<String>| text.as_ref().and_then(|text| column.moment(text, question.zone));
    let (oldest, newest) = (stray(&table.stray.oldest), stray(&table.stray.newest));
    let nth = |count: u32| {
        let back = step.times(count)?;
        back.before(first.start, question.zone)
    };
    let mut found = Vec::new();
    // Before the first, for rows that wait only.
    let mut start = first.start;
    for count in 1..=MOST {
        let (Some(oldest), Some(before)) = (oldest.filter(|oldest| *oldest < start), nth(count)) else {
            break;
        };
        found.push(Missing {
            extent: Extent {
                start: before,
                end: start,
            },
            needed: false,
        });
        start = before;
        if count == MOST && oldest < start {
            notes.push(format!(
                "the default partition has rows of {oldest}: too old to make partitions for"
            ));
        }
    }
    found.reverse();
    for (one, next) in there.iter().zip(&there[1..]) {
        if one.end >= next.start {
            continue;
        }
        let needed = next.start > question.now;
        if !needed {
            notes.push(format!("no partition holds {} to {}", one.end, next.start));
        }
        found.extend(filled(one.end, next.start, step, question).map(|extent| Missing { extent, needed }));
    }
    let until = newest.filter(|newest| *newest > horizon);
    for count in 0..MOST {
        let after = |count| step.times(count)?.after(last.end, question.zone);
        let start = if count == 0 { Some(last.end) } else { after(count) };
        let (Some(start), Some(end)) = (start, after(count + 1)) else {
            break;
        };
        let needed = start <= horizon;
        if !needed && until.is_none_or(|until| until < start) {
            break;
        }
        found.push(Missing {
            extent: Extent { start, end },
            needed,
        });
        if count + 1 == MOST && until.is_some_and(|until| until >= end) {
            notes.push(
                "the default partition has rows that are too far ahead to make partitions for".to_owned(),
            );
        }
    }
    found
}

/// A gap in steps; the last one ends where the gap does.
fn filled<'a>(
    start: Timestamp,
    end: Timestamp,
    step: Period,
    question: &'a Question<'_>,
) -> impl Iterator<Item = Extent> + 'a {
    let mut from = Some(start);
    (1..=MOST).map_while(move |count| {
        let begin = from.take().filter(|begin| *begin < end)?;
        let next = step.times(count)?.after(start, question.zone)?;
        from = Some(next);
        Some(Extent {
            start: begin,
            end: next.min(end),
        })
    })
}

/// How names of partitions end: as that of a partition that is there, else by the length of the step.
fn ending(
    there: &[(Extent, &Partition)],
    table: &TableName,
    question: &Question<'_>,
    step: Period,
) -> &'static str {
    let made = |extent: &Extent, ending: &str| {
        let zoned = extent.start.to_zoned(question.zone.clone());
        format!("{}{}", table.name, zoned.strftime(ending))
    };
    let used = there.iter().rev().find_map(|(extent, partition)| {
        NAMES
            .iter()
            .find(|ending| made(extent, ending) == partition.table.name)
    });
    used.copied().unwrap_or(match step {
        Period::Limited {
            months,
            days: 0,
            nanoseconds: 0,
        } if months % 12 == 0 => "_%Y",
        Period::Limited {
            days: 0,
            nanoseconds: 0,
            ..
        } => "_%Y_%m",
        Period::Limited { nanoseconds: 0, .. } => "_%Y_%m_%d",
        _ => "_%Y_%m_%d_%H%M",
    })
}

fn item(
    question: &Question<'_>,
    table: &Table,
    column: TimeColumn,
    parent_id: u32,
    name: &TableName,
    missing: &Missing,
) -> Item {
    let Extent { start, end } = missing.extent;
    let default = table
        .partitions
        .iter()
        .find(|partition| partition.parent == table.table && partition.is_default());
    Item {
        table: name.clone(),
        action: "create partition",
        reason: format!("no partition holds {start} to {end}"),
        target: Target::Room {
            parent: table.table.clone(),
            parent_id,
            from: column.boundary(start, question.zone),
            to: column.boundary(end, question.zone),
            column: question.policy.column.clone(),
            type_name: type_name(question, table),
            default: default.map(|partition| partition.table.clone()),
        },
        optional: !missing.needed,
        shelf: None,
        proven: None,
        besides: None,
        bytes: None,
        rows: None,
    }
}
