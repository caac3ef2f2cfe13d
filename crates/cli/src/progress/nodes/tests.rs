//! Rows and the table, from what happens.

use std::time::Duration;

use ostler_api::client::Event;
use ostler_vocabulary::{ProgressValue, Unit};

use super::{Nodes, Standing, place};

fn started(step: &str) -> Event {
    Event::StepStarted { step: step.into() }
}

fn ended(step: &str, ok: bool) -> Event {
    Event::StepEnded {
        step: step.into(),
        ok,
    }
}

fn progress(step: &str, done: u64, total: u64, items: u64) -> Event {
    let unit = Unit::Bytes;
    Event::Progress {
        step: step.into(),
        progress: ProgressValue {
            done,
            total,
            unit,
            items,
        },
    }
}

fn seen(events: &[(u64, Event)]) -> Nodes {
    let mut nodes = Nodes::default();
    for (at, event) in events {
        nodes.event(event, || Duration::from_secs(*at));
    }
    nodes
}

#[test]
fn a_step_is_of_a_node_or_of_none() {
    for (step, expected) in [
        ("ask node a", Some(("ask node", "a"))),
        ("ask node a 2", Some(("ask node", "a"))),
        ("upload a/data", Some(("upload", "a"))),
        ("upload db-1/data 2 again", Some(("upload", "db-1"))),
        ("restore a/data", Some(("restore", "a"))),
        ("restore a/data to b", Some(("restore", "b"))),
        ("upload laptop", None),
        ("upload", None),
        ("freeze", None),
        ("release a/data", None),
    ] {
        assert_eq!(place(step), expected, "{step}");
    }
}

#[test]
fn rows_tell_who_does_what_and_how_long_that_takes() {
    const MIB: u64 = 1 << 20;
    let nodes = seen(&[
        (0, started("ask node a")),
        (0, started("ask node b")),
        (0, started("ask node c")),
        (0, ended("ask node a", true)),
        (0, ended("ask node b", true)),
        (0, ended("ask node c", false)),
        (0, started("freeze")),
        (1, started("upload a/data")),
        (1, progress("upload a/data", 0, 100 * MIB, 0)),
        (11, progress("upload a/data", 50 * MIB, 100 * MIB, 1200)),
    ]);
    let rows = nodes.rows();
    let states: Vec<_> = rows.iter().map(|row| (row.phase.as_str(), row.state)).collect();
    assert_eq!(
        states,
        [
            ("upload", Standing::Running),
            ("ask node", Standing::Waiting),
            ("ask node", Standing::Failed),
        ]
    );
    let table = nodes.table();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = table.lines().map(words).collect();
    assert_eq!(
        lines,
        [
            "NODE PHASE FILES BYTES RATE ETA STATE",
            "c ask node 0 0 B failed",
            "a upload 1,200 50.0 MiB 50 % 5.0 MiB/s 10 s running",
            "b ask node 0 0 B waiting",
            "all 1,200 50.0 MiB 5.0 MiB/s 10 s failed",
        ]
    );
}

#[test]
fn another_attempt_counts_from_the_beginning_and_parts_are_summed() {
    let nodes = seen(&[
        (0, started("upload a/data")),
        (0, started("upload a/log")),
        (1, progress("upload a/data", 10, 0, 1)),
        (2, progress("upload a/log", 20, 40, 2)),
        (3, ended("upload a/log", true)),
    ]);
    let row = &nodes.rows()[0];
    assert_eq!((row.bytes, row.files, row.total_bytes), (30, 3, None));
    assert_eq!(row.state, Standing::Running);
    let nodes = seen(&[
        (1, progress("upload a/data", 10, 0, 1)),
        (2, ended("upload a/data", false)),
        (3, started("upload a/data")),
    ]);
    let row = &nodes.rows()[0];
    assert_eq!((row.bytes, row.state, row.rate), (0, Standing::Running, None));
}

#[test]
fn a_table_fits_80_columns_and_a_screen() {
    let mut events = Vec::new();
    for number in 0..1000 {
        let step = format!("upload a-node-with-a-rather-long-name-{number:04}/data");
        events.push((0, started(&step)));
        events.push((0, progress(&step, 0, 1 << 50, 0)));
        events.push((9, progress(&step, 1 << 49, 1 << 50, 123_456_789)));
    }
    let table = seen(&events).table();
    assert_eq!(table.lines().count(), 1 + 20 + 1 + 1);
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(
        table.ends_with("and 980 more, which are counted in `all`"),
        "{table}"
    );
}
