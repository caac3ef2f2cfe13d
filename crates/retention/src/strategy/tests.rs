//! Decisions as tables, and what must hold for any of them.

use ostler_api::retention::{PartitionRule, Policy, Strategy, TableName};
use ostler_vocabulary::{Period, Timestamp};
use proptest::prelude::*;

use super::{Question, Target, decide};
use crate::bounds::leading;
use crate::cutoff::zone;
use crate::facts::{Attached, Column, Known, Partition, Shape, Stray, Table, Whereabouts};

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn table(bounds: &[&str]) -> Table {
    let name = TableName::in_public("sensor_readings");
    let mut id = 0;
    Table {
        table: name.clone(),
        shape: Shape::Partitioned,
        columns: vec![
            Column {
                name: "time".into(),
                type_name: "timestamp with time zone".into(),
                made_from: None,
            },
            Column {
                name: "sensor".into(),
                type_name: "text".into(),
                made_from: None,
            },
        ],
        keys: Vec::new(),
        partitions: bounds
            .iter()
            .map(|bounds| {
                id += 1;
                Partition {
                    table: TableName::in_public(format!("p{id}")),
                    parent: name.clone(),
                    known: Known::Attached(Attached {
                        id,
                        parent_id: 100,
                        method: "range".into(),
                        key: vec![Some("time".into())],
                        bounds: (*bounds).into(),
                        detaching: false,
                    }),
                    ranges: vec![("time".into(), leading(bounds).unwrap_or_default())],
                    bytes: 8192,
                    rows: Some(5),
                }
            })
            .collect(),
        detaches_concurrently: true,
        rows_go_proven: true,
        stray: Stray::default(),
        rollup: None,
        whereabouts: Whereabouts::default(),
        partman: None,
        repositories: Vec::new(),
        obstacles: crate::obstacle::Obstacles::default(),
    }
}

fn range(from: &str, to: &str) -> String {
    format!("FOR VALUES FROM ('{from} 00:00:00+00') TO ('{to} 00:00:00+00')")
}

fn policy(strategy: Strategy) -> Policy {
    Policy::new(
        "readings",
        TableName::in_public("sensor_readings"),
        "time",
        strategy,
        Period::Infinite,
    )
}

/// Each partition with the verdict and its reason.
fn verdicts(bounds: &[&str], threshold: Option<&str>, rule: PartitionRule, min_keep: u64) -> String {
    let policy = policy(Strategy::Drop);
    let question = Question {
        policy: &policy,
        now: moment("2024-06-01T00:00:00Z"),
        threshold: threshold.map(moment),
        zone: &zone("UTC").unwrap(),
        rule,
        min_keep,
    };
    let decision = decide(&question, &table(bounds)).unwrap();
    let going: Vec<_> = decision
        .items
        .iter()
        .map(|item| item.table.name.clone())
        .collect();
    let marked: Vec<_> = decision.partitions.iter().filter(|it| it.goes).collect();
    assert_eq!(going.len(), marked.len());
    decision
        .partitions
        .iter()
        .map(|it| {
            format!(
                "{} {}: {}\n",
                if it.goes { "drop" } else { "keep" },
                it.partition.name,
                it.reason
            )
        })
        .collect()
}

#[test]
fn a_partition_with_rows_of_its_end_goes_only_when_those_are_older_than_the_threshold() {
    let bounds =
        ["FOR VALUES FROM ('2023-05-01 00:00:00+00', MINVALUE) TO ('2023-06-01 00:00:00+00', MAXVALUE)"];
    let said = |threshold| verdicts(&bounds, Some(threshold), PartitionRule::End, 0);
    assert!(said("2023-06-01T00:00:00Z").starts_with("keep p1: ends with"));
    assert!(said("2023-06-01T00:00:00.000001Z").starts_with("drop p1: ends with"));
}

#[test]
fn a_partition_goes_when_its_end_is_not_after_the_threshold() {
    let [may, june, july] = [
        range("2023-05-01", "2023-06-01"),
        range("2023-06-01", "2023-07-01"),
        range("2023-07-01", "2023-08-01"),
    ];
    let months = [july.as_str(), "DEFAULT", may.as_str(), june.as_str()];
    let mut page = String::new();
    for (threshold, rule, min_keep) in [
        (Some("2023-05-16T00:00:00Z"), PartitionRule::End, 1),
        (Some("2023-05-16T00:00:00Z"), PartitionRule::Start, 1),
        (Some("2023-05-31T23:59:59.999Z"), PartitionRule::End, 1),
        (Some("2023-06-01T00:00:00Z"), PartitionRule::End, 1),
        (Some("2023-06-01T00:00:00Z"), PartitionRule::Start, 1),
        (Some("2030-01-01T00:00:00Z"), PartitionRule::End, 1),
        (Some("2030-01-01T00:00:00Z"), PartitionRule::End, 2),
        (Some("2030-01-01T00:00:00Z"), PartitionRule::End, 0),
        (None, PartitionRule::End, 0),
    ] {
        page += &format!("threshold {threshold:?}, rule {rule:?}, min_keep {min_keep}\n");
        page += &verdicts(&months, threshold, rule, min_keep);
    }
    insta::assert_snapshot!(page);
}

#[test]
fn bounds_that_tell_no_end_keep_their_partition() {
    let odd = [
        "FOR VALUES FROM (MINVALUE) TO ('2020-01-01 00:00:00+00')",
        "FOR VALUES FROM ('2023-07-01 00:00:00+00') TO (MAXVALUE)",
        "FOR VALUES FROM ('-infinity') TO ('infinity')",
        "FOR VALUES WITH (modulus 4, remainder 0)",
        "FOR VALUES IN ('2020-01-01 00:00:00+00')",
    ];
    insta::assert_snapshot!(verdicts(
        &odd,
        Some("2024-01-01T00:00:00Z"),
        PartitionRule::End,
        0
    ));
}

#[test]
fn policies_that_cannot_be_are_told_apart() {
    let mut page = String::new();
    let plain = Table {
        shape: Shape::Plain,
        partitions: vec![],
        ..table(&[])
    };
    let view = Table {
        shape: Shape::Other,
        ..plain.clone()
    };
    let partitioned = table(&[&range("2023-05-01", "2023-06-01")]);
    type Change = fn(&mut Policy);
    let cases: [(&str, Strategy, &Table, Change); 9] = [
        ("a view", Strategy::Delete, &view, |_| {}),
        ("no partitions", Strategy::Drop, &plain, |_| {}),
        ("by another column", Strategy::Drop, &partitioned, |it| {
            it.column = "sensor".into();
            it.unit = Some(ostler_api::retention::TimeUnit::Ulid);
        }),
        ("no such column", Strategy::Delete, &plain, |it| {
            it.column = "Time".into()
        }),
        ("not a time", Strategy::Delete, &plain, |it| {
            it.column = "sensor".into()
        }),
        ("no number", Strategy::KeepLast, &plain, |it| {
            it.by = vec!["sensor".into()]
        }),
        ("no key", Strategy::KeepLast, &plain, |it| it.last = Some(3)),
        ("no such key", Strategy::KeepLast, &plain, |it| {
            it.last = Some(3);
            it.by = vec!["x".into()];
        }),
        (
            "rows of many partitions",
            Strategy::KeepLast,
            &partitioned,
            |it| {
                it.last = Some(3);
                it.by = vec!["sensor".into()];
            },
        ),
    ];
    for (name, strategy, table, change) in cases {
        let mut policy = policy(strategy);
        change(&mut policy);
        let question = Question {
            policy: &policy,
            now: moment("2024-06-01T00:00:00Z"),
            threshold: Some(moment("2024-01-01T00:00:00Z")),
            zone: &zone("UTC").unwrap(),
            rule: PartitionRule::End,
            min_keep: 1,
        };
        let problem = decide(&question, table).unwrap_err();
        page += &format!("{name}: {} ({})\n", problem.reason, problem.kind);
    }
    insta::assert_snapshot!(page);
}

proptest! {
    /// Whatever the partitions are: nothing younger than the threshold goes, and so many always stay.
    #[test]
    fn nothing_young_goes_and_the_newest_stay(
        edges in proptest::collection::btree_set(0_i64..1_000, 2..12),
        threshold in 0_i64..1_100,
        min_keep in 0_u64..4,
    ) {
        let edges: Vec<i64> = edges.into_iter().collect();
        let text = |day: i64| {
            Timestamp::from_second(day * 86_400).unwrap().strftime("%Y-%m-%d %H:%M:%S+00").to_string()
        };
        let bounds: Vec<String> = edges
            .windows(2)
            .map(|pair| format!("FOR VALUES FROM ('{}') TO ('{}')", text(pair[0]), text(pair[1])))
            .collect();
        let bounds: Vec<&str> = bounds.iter().map(String::as_str).collect();
        let policy = policy(Strategy::Drop);
        let question = Question {
            policy: &policy,
            now: moment("2024-06-01T00:00:00Z"),
            threshold: Some(Timestamp::from_second(threshold * 86_400).unwrap()),
            zone: &zone("UTC").unwrap(),
            rule: PartitionRule::End,
            min_keep,
        };
        let decision = decide(&question, &table(&bounds)).unwrap();
        let expired = edges[1..].iter().filter(|end| **end <= threshold).count();
        let may_go = bounds.len().saturating_sub(usize::try_from(min_keep).unwrap());
        prop_assert_eq!(decision.items.len(), expired.min(may_go));
        for item in &decision.items {
            let Target::Partition { id, .. } = item.target else { panic!("a partition") };
            prop_assert!(edges[id as usize] <= threshold);
        }
    }
}

/// What `ahead` would make, by the names and bounds there are, the step, and rows that wait.
fn ahead(
    named: &[(&str, &str)],
    keep: &str,
    step: Option<&str>,
    stray: Option<(&str, &str)>,
    zone_name: &str,
) -> String {
    let bounds: Vec<&str> = named.iter().map(|(_, bounds)| *bounds).collect();
    let mut table = table(&bounds);
    for (partition, (name, _)) in table.partitions.iter_mut().zip(named) {
        partition.table.name = (*name).to_owned();
    }
    if let Some((oldest, newest)) = stray {
        table.stray = Stray {
            oldest: Some(oldest.to_owned()),
            newest: Some(newest.to_owned()),
        };
    }
    let mut policy = policy(Strategy::Ahead);
    policy.keep = keep.parse().unwrap();
    policy.step = step.map(|step| step.parse().unwrap());
    let zone = zone(zone_name).unwrap();
    let now = moment("2024-03-15T12:00:00Z");
    let question = Question {
        policy: &policy,
        now,
        threshold: super::threshold(&policy, now, &zone),
        zone: &zone,
        rule: PartitionRule::End,
        min_keep: 1,
    };
    match decide(&question, &table) {
        Err(problem) => format!("{}\n", problem.reason),
        Ok(decision) => {
            let made = decision.items.iter().map(|item| {
                let Target::Room { from, to, .. } = &item.target else {
                    unreachable!()
                };
                let only = if item.optional { ", if rows wait" } else { "" };
                format!("{} {from} {to}{only}\n", item.table)
            });
            let notes = decision.notes.iter().map(|note| format!("note: {note}\n"));
            made.chain(notes).collect()
        }
    }
}

#[test]
fn partitions_are_made_as_the_newest_one_is_and_gaps_are_told() {
    let month = |from: &str, to: &str| range(from, to);
    let february = month("2024-02-01", "2024-03-01");
    let march = month("2024-03-01", "2024-04-01");
    let mut page = String::new();
    for (what, text) in [
        (
            "by the month",
            ahead(&[("sensor_readings_2024_03", &march)], "2mo", None, None, "UTC"),
        ),
        (
            "named as pg_partman does",
            ahead(&[("sensor_readings_p20240301", &march)], "1mo", None, None, "UTC"),
        ),
        (
            "named anyhow, another step",
            ahead(&[("p", &march)], "3w", Some("1w"), None, "UTC"),
        ),
        (
            "by the day where clocks change",
            ahead(
                &[(
                    "p",
                    "FOR VALUES FROM ('2024-03-29 23:00:00+00') TO ('2024-03-30 23:00:00+00')",
                )],
                "17d",
                None,
                None,
                "Europe/Berlin",
            ),
        ),
        (
            "gaps of the past and of the future",
            ahead(
                &[
                    ("a", &month("2023-12-01", "2024-01-01")),
                    ("b", &february),
                    ("c", &month("2024-05-01", "2024-06-01")),
                ],
                "1mo",
                Some("1mo"),
                None,
                "UTC",
            ),
        ),
        (
            "rows that lie about",
            ahead(
                &[("a", &february), ("b", &march), ("d", "DEFAULT")],
                "1d",
                None,
                Some(("2023-12-24 00:00:00+00", "2024-05-02 00:00:00+00")),
                "UTC",
            ),
        ),
        (
            "an end that is none",
            ahead(
                &[("a", "FOR VALUES FROM ('2024-01-01 00:00:00+00') TO (MAXVALUE)")],
                "1d",
                None,
                None,
                "UTC",
            ),
        ),
        (
            "a list",
            ahead(&[("a", "FOR VALUES IN ('x')")], "1d", None, None, "UTC"),
        ),
        (
            "an odd length",
            ahead(
                &[("a", &month("2024-01-01", "2024-01-06"))],
                "1d",
                None,
                None,
                "UTC",
            ),
        ),
        ("none", ahead(&[], "1d", None, None, "UTC")),
    ] {
        page += &format!("{what}\n{text}\n");
    }
    insta::assert_snapshot!(page);
}
