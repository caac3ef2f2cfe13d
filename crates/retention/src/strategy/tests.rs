//! Decisions as tables, and what must hold for any of them.

use ostler_api::retention::{PartitionRule, Policy, Strategy, TableName};
use ostler_vocabulary::{Period, Timestamp};
use proptest::prelude::*;

use super::{Question, Target, decide};
use crate::cutoff::zone;
use crate::facts::{Column, Partition, Shape, Table};

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
            },
            Column {
                name: "sensor".into(),
                type_name: "text".into(),
            },
        ],
        partitions: bounds
            .iter()
            .map(|bounds| {
                id += 1;
                Partition {
                    table: TableName::in_public(format!("p{id}")),
                    id,
                    parent: name.clone(),
                    parent_id: 100,
                    method: "range".into(),
                    key: vec![Some("time".into())],
                    bounds: (*bounds).into(),
                    detaching: false,
                    bytes: 8192,
                    rows: Some(5),
                }
            })
            .collect(),
        detaches_concurrently: true,
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
