//! The guide to worked dates is right: each line of its tables, by real policies of real tables.

use std::fs;

use ostler_testkit::install::postgres::Release;
use serde_json::Value;

use crate::retention::World;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/worked-dates.md");

/// The lines of the table whose first heading is this one, cell by cell.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let mut lines = page
        .lines()
        .skip_while(|line| !line.starts_with(&format!("| {heading} |")))
        .take_while(|line| line.starts_with('|'));
    assert!(lines.next().is_some(), "a table of `{heading}`");
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim_matches('|').split('|');
        inner.map(|cell| cell.trim().to_owned()).collect()
    };
    let found: Vec<Vec<String>> = lines.skip(1).map(cells).collect();
    assert!(found.len() > 2, "{found:?}");
    found
}

fn page_and_world() -> Option<(String, World)> {
    let page = fs::read_to_string(PAGE).unwrap();
    let world = World::new(Release::Eighteen)?;
    let statements = page
        .split_once("```sql\n")
        .and_then(|(_, rest)| rest.split_once("```"));
    world.sql(statements.unwrap().0);
    Some((page, world))
}

fn plan(world: &World, words: &[&str]) -> Value {
    let all = [&["plan", "--explain"], words].concat();
    world.json(&all)["work"]["policies"][0].clone()
}

#[test]
fn thresholds_are_as_the_guide_says() {
    let Some((page, world)) = page_and_world() else {
        return;
    };
    let lines = table(&page, "Cutoff | Duration");
    for (number, line) in lines.iter().enumerate() {
        let [cutoff, duration, zone, threshold, _] = line.as_slice() else {
            panic!("{line:?}");
        };
        let name = format!("line-{number}");
        let words = format!("readings:time drop {duration}");
        world.json(&[
            "add",
            &words,
            &format!("--name={name}"),
            &format!("--time-zone={zone}"),
        ]);
        let verdict = plan(
            &world,
            &[&format!("--policy={name}"), &format!("--cutoff={cutoff}")],
        );
        let found = verdict["threshold"].as_str().unwrap_or("–");
        assert_eq!(found, threshold, "{line:?}");
    }
}

#[test]
fn rows_and_partitions_go_as_the_guide_says() {
    let Some((page, world)) = page_and_world() else {
        return;
    };
    world.sql("CREATE TABLE events (line int, time timestamptz)");
    let rows = table(&page, "Time of the row");
    for (number, line) in rows.iter().enumerate() {
        let value = match line[0].as_str() {
            "nothing" => "NULL".to_owned(),
            moment => format!("'{moment}'"),
        };
        world.sql(&format!("INSERT INTO events VALUES ({number}, {value})"));
    }
    world.json(&["add", "events:time delete 4w"]);
    world.json(&["run", "--cutoff=2024-03-15", "--yes"]);
    for (number, line) in rows.iter().enumerate() {
        let left = world.number(&format!("SELECT count(*) FROM events WHERE line = {number}"));
        assert_eq!(left, i64::from(line[1] == "stays"), "{line:?}");
    }
    world.json(&["policy", "remove", "public.events"]);

    world.json(&["add", "readings:time drop 365d"]);
    let goes = |words: &[&str]| -> Vec<String> {
        let verdict = plan(&world, words);
        let partitions = verdict["partitions"].as_array().unwrap().iter();
        partitions
            .filter(|it| it["goes"] == true)
            .map(|it| it["partition"].as_str().unwrap().replace("public.", ""))
            .collect()
    };
    for (rule, column) in [("end", 1), ("start", 2)] {
        let rule = format!("--partition-rule={rule}");
        let found = goes(&["--cutoff=2024-05-15", &rule]);
        for line in table(&page, "Partition") {
            assert_eq!(
                found.contains(&line[0]),
                line[column] == "goes",
                "{rule} {line:?}"
            );
        }
    }
    for line in table(&page, "Cutoff | Partitions that go by their end") {
        let cutoff = format!("--cutoff={}", line[0]);
        assert_eq!(goes(&[&cutoff]).join(", "), line[1], "{line:?}");
    }
}
