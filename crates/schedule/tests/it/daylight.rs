//! What is due over changes of the clocks: golden tables.

use ostler_api::schedule::{Definition, Trigger};
use ostler_schedule::Rule;
use ostler_schedule::timetable::conformance::definition;
use ostler_vocabulary::Timestamp;

fn cron(text: &str, zone: &str) -> Definition {
    Definition {
        zone: zone.into(),
        ..definition(Trigger::Cron(text.into()))
    }
}

/// The runs from a moment on: on the clocks of the zone, and what is unusual.
fn runs(definition: &Definition, from: &str, count: usize) -> Vec<String> {
    let from: Timestamp = from.parse().unwrap();
    let rule = Rule::new("nightly", definition, from).unwrap();
    rule.upcoming(from)
        .take(count)
        .map(|run| match run.note {
            Some(note) => format!("{} – {note}", run.local),
            None => run.local,
        })
        .collect()
}

fn table(zone: &str, from: &str, expressions: &[(&str, usize)]) -> String {
    let mut text = String::new();
    for (expression, count) in expressions {
        text.push_str(&format!("{expression}\n"));
        for run in runs(&cron(expression, zone), from, *count) {
            text.push_str(&format!("  {run}\n"));
        }
    }
    text
}

#[test]
fn berlin_puts_its_clocks_forward() {
    insta::assert_snapshot!(table(
        "Europe/Berlin",
        "2026-03-27T22:00:00Z",
        &[
            ("30 2 * * *", 3),
            ("0 3 * * *", 3),
            ("0,30 1-3 29 3 *", 4),
            ("@hourly", 6),
            ("*/30 2 29 * *", 2),
            ("@daily", 3)
        ]
    ));
}

#[test]
fn berlin_puts_its_clocks_back() {
    insta::assert_snapshot!(table(
        "Europe/Berlin",
        "2026-10-24T00:00:00Z",
        &[
            ("30 2 * * *", 3),
            ("0 3 * * *", 2),
            ("0 2,3 * * *", 4),
            ("*/30 2 * * *", 5)
        ]
    ));
    insta::assert_snapshot!(
        "berlin_hours_back",
        table(
            "Europe/Berlin",
            "2026-10-24T23:15:00Z",
            &[("*/30 * * * *", 8), ("@hourly", 4)]
        )
    );
}

#[test]
fn new_york_changes_at_two() {
    insta::assert_snapshot!(table(
        "America/New_York",
        "2026-03-07T12:00:00Z",
        &[("30 2 * * *", 2), ("0 2 * * SUN", 2)]
    ));
    insta::assert_snapshot!(
        "new_york_back",
        table(
            "America/New_York",
            "2026-10-31T12:00:00Z",
            &[("30 1 * * *", 3), ("15 * 1 11 *", 4)]
        )
    );
}

#[test]
fn lord_howe_changes_by_half_an_hour() {
    insta::assert_snapshot!(table(
        "Australia/Lord_Howe",
        "2026-10-03T00:00:00Z",
        &[("15 2 * * *", 3), ("30 2 * * *", 2)]
    ));
    insta::assert_snapshot!(
        "lord_howe_back",
        table(
            "Australia/Lord_Howe",
            "2026-04-03T20:00:00Z",
            &[("45 1 * * *", 3), ("45 * 5 4 *", 4)]
        )
    );
}

#[test]
fn utc_has_no_changes() {
    let plain = runs(&cron("30 2 * * *", "UTC"), "2026-03-28T22:00:00Z", 3);
    assert_eq!(
        plain,
        [
            "Sun 2026-03-29 02:30:00 +00:00",
            "Mon 2026-03-30 02:30:00 +00:00",
            "Tue 2026-03-31 02:30:00 +00:00"
        ]
    );
}

#[test]
fn a_year_of_nights_has_one_run_each_in_every_zone() {
    for zone in [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "Asia/Gaza",
        "UTC",
    ] {
        for expression in ["30 2 * * *", "0 0 * * *", "45 1 * * *", "0 3 * * *"] {
            let from: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
            let rule = Rule::new("nightly", &cron(expression, zone), from).unwrap();
            let days: Vec<String> = rule
                .upcoming(from)
                .take(365)
                .map(|run| run.local.split(' ').nth(1).unwrap().to_owned())
                .collect();
            let mut once = days.clone();
            once.dedup();
            assert_eq!(days, once, "{zone} {expression}");
            assert!(
                days.last().unwrap().starts_with("2027-01-01")
                    || days.last().unwrap().starts_with("2026-12-31")
                    || days.last().unwrap().starts_with("2027-01-02"),
                "{zone} {expression}: {days:?}"
            );
        }
    }
}

#[test]
fn jitter_moves_all_runs_of_a_schedule_alike_and_schedules_apart() {
    let jitter = Definition {
        jitter: Some("10m".parse().unwrap()),
        ..cron("0 2 * * *", "UTC")
    };
    let from: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
    let shifts: Vec<Vec<i64>> = ["nightly", "weekly", "other"]
        .iter()
        .map(|name| {
            let rule = Rule::new(name, &jitter, from).unwrap();
            rule.upcoming(from)
                .take(30)
                .map(|run| run.at.as_second() % 86_400 - 7200)
                .collect()
        })
        .collect();
    for own in &shifts {
        assert!(
            own.iter()
                .all(|shift| (0..=600).contains(shift) && *shift == own[0]),
            "{own:?}"
        );
    }
    assert!(shifts[0] != shifts[1] && shifts[1] != shifts[2], "{shifts:?}");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let from = Timestamp::UNIX_EPOCH;
    let span = |text: &str| Some(text.parse().unwrap());
    let every = |text: &str| definition(Trigger::Every(text.parse().unwrap()));
    for (wrong, reason) in [
        (cron("@daily", "Europe/Bonn"), "no time zone"),
        (cron("61 * * * *", "UTC"), "minute"),
        (every("10ms"), "one second"),
        (
            Definition {
                jitter: span("1h"),
                ..every("1h")
            },
            "jitter",
        ),
        (definition(Trigger::After("nightly".into())), "after itself"),
        (
            Definition {
                start: Some(Timestamp::MAX),
                end: Some(Timestamp::MIN),
                ..every("1h")
            },
            "before it starts",
        ),
    ] {
        let error = Rule::new("nightly", &wrong, from).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    for name in ["", "-a", "a b", "ä", "a/b", &"x".repeat(65)] {
        assert!(Rule::new(name, &every("1h"), from).is_err(), "{name}");
    }
}
