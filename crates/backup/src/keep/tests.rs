//! Golden table and properties of the keep rules.

use std::fmt::Write as _;
use std::time::Duration;

use ostler_api::document::BackupState::{self, Complete, Damaged, Incomplete, Partial, Running, Verified};
use ostler_api::request::{GroupBy, Keep};
use ostler_vocabulary::{Classified, ErrorKind, Span, Timestamp};
use proptest::prelude::*;

use super::decide;
use crate::sample::backup;
use crate::state::Backup;

const NOW: &str = "2026-11-21T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn keep() -> Keep {
    Keep::default()
}

/// One backup an hour, the newest an hour ago: ids count up with age.
fn hourly(count: u8) -> Vec<Backup> {
    every(Duration::from_secs(3600), count)
}

fn every(step: Duration, count: u8) -> Vec<Backup> {
    (1..=count)
        .map(|n| {
            let started = now() - step * u32::from(n);
            backup(n, Complete, "/data", &started.to_string())
        })
        .collect()
}

fn days(count: u8) -> Vec<Backup> {
    every(Duration::from_secs(86_400), count)
}

fn with(mut backups: Vec<Backup>, states: &[(usize, BackupState)]) -> Vec<Backup> {
    for (index, state) in states {
        backups[*index].summary.state = *state;
    }
    backups
}

fn cases() -> Vec<(&'static str, Vec<Backup>, Keep, Vec<GroupBy>)> {
    let span = |text: &str| Some(text.parse::<Span>().unwrap());
    let tag = |k: &str, v: &str| [(k.to_owned(), v.to_owned())].into();
    let mut two_sources = days(3);
    two_sources.extend((4..=6).map(|n| backup(n, Complete, "/srv", &format!("2026-11-1{n}T00:00:00Z"))));
    let mut held = days(4);
    held[2] = held[2].clone().held("legal");
    held[3] = held[3].clone().held("");
    let mut tagged = days(4);
    tagged[3] = tagged[3].clone().tagged("keep", "forever");
    let mut names = days(4);
    names[0] = names[0].clone().named("a");
    names[2] = names[2].clone().named("a");
    let year_end = vec![
        backup(1, Complete, "/data", "2026-01-01T00:00:00Z"),
        backup(2, Complete, "/data", "2025-12-31T23:59:59Z"),
        backup(3, Complete, "/data", "2025-12-29T00:00:00Z"),
        backup(4, Complete, "/data", "2025-12-28T23:59:59Z"),
    ];
    let clock_change = vec![
        backup(1, Complete, "/data", "2026-10-25T01:30:00Z"),
        backup(2, Complete, "/data", "2026-10-25T00:30:00Z"),
        backup(3, Complete, "/data", "2026-10-24T23:30:00Z"),
    ];
    let mut future = days(3);
    future.push(backup(9, Complete, "/data", "2027-06-01T00:00:00Z"));
    let same_second = vec![
        backup(1, Complete, "/data", "2026-11-20T00:00:00Z"),
        backup(2, Complete, "/data", "2026-11-20T00:00:00Z"),
    ];
    let last = |n| Keep {
        last: Some(n),
        ..keep()
    };
    vec![
        ("no rule keeps all", days(3), keep(), vec![]),
        ("no backups", vec![], last(1), vec![]),
        ("last 2 of 4", days(4), last(2), vec![]),
        ("last more than there are", days(2), last(9), vec![]),
        (
            "hourly 3",
            hourly(6),
            Keep {
                hourly: Some(3),
                ..keep()
            },
            vec![],
        ),
        (
            "hourly with two in an hour",
            every(Duration::from_secs(1800), 6),
            Keep {
                hourly: Some(2),
                ..keep()
            },
            vec![],
        ),
        (
            "daily 2 over hourly backups",
            every(Duration::from_secs(6 * 3600), 10),
            Keep {
                daily: Some(2),
                ..keep()
            },
            vec![],
        ),
        (
            "weekly 2",
            days(16),
            Keep {
                weekly: Some(2),
                ..keep()
            },
            vec![],
        ),
        (
            "monthly 2",
            every(Duration::from_secs(10 * 86_400), 8),
            Keep {
                monthly: Some(2),
                ..keep()
            },
            vec![],
        ),
        (
            "yearly 2",
            every(Duration::from_secs(120 * 86_400), 8),
            Keep {
                yearly: Some(2),
                ..keep()
            },
            vec![],
        ),
        (
            "weeks and years turn where ISO and the calendar say",
            year_end.clone(),
            Keep {
                weekly: Some(5),
                yearly: Some(5),
                ..keep()
            },
            vec![],
        ),
        (
            "buckets are in UTC when clocks change",
            clock_change,
            Keep {
                hourly: Some(9),
                daily: Some(9),
                ..keep()
            },
            vec![],
        ),
        (
            "rules add up",
            days(9),
            Keep {
                last: Some(1),
                daily: Some(2),
                weekly: Some(2),
                ..keep()
            },
            vec![],
        ),
        (
            "within counts from the newest",
            days(5),
            Keep {
                within: span("2d"),
                ..keep()
            },
            vec![],
        ),
        (
            "within nothing keeps the newest",
            days(3),
            Keep {
                within: span("0s"),
                ..keep()
            },
            vec![],
        ),
        (
            "a tag rule alone never takes the newest",
            tagged.clone(),
            Keep {
                tags: tag("keep", "forever"),
                ..keep()
            },
            vec![],
        ),
        (
            "a tag rule beside a count",
            tagged,
            Keep {
                last: Some(1),
                tags: tag("keep", "forever"),
                ..keep()
            },
            vec![],
        ),
        ("held ones stay", held, last(1), vec![]),
        (
            "sources do not age each other out",
            two_sources.clone(),
            last(1),
            vec![],
        ),
        (
            "grouped by host they do",
            two_sources,
            last(1),
            vec![GroupBy::Host],
        ),
        ("grouped by name", names, last(1), vec![GroupBy::Name]),
        (
            "min_keep 3 above the rules",
            days(5),
            Keep {
                last: Some(1),
                min_keep: Some(3),
                ..keep()
            },
            vec![],
        ),
        (
            "the newest verified stays",
            with(days(5), &[(3, Verified), (4, Verified)]),
            last(1),
            vec![],
        ),
        (
            "partial ones do not count",
            with(days(5), &[(0, Partial), (2, Partial)]),
            last(2),
            vec![],
        ),
        (
            "damaged ones do not count",
            with(days(5), &[(0, Damaged), (2, Damaged)]),
            last(2),
            vec![],
        ),
        (
            "nothing good keeps everything",
            with(days(3), &[(0, Partial), (1, Damaged), (2, Incomplete)]),
            last(1),
            vec![],
        ),
        (
            "incomplete ones go after a newer good one",
            with(days(4), &[(0, Incomplete), (2, Incomplete)]),
            keep(),
            vec![],
        ),
        (
            "running ones stay",
            with(days(3), &[(0, Running), (2, Running)]),
            last(1),
            vec![],
        ),
        ("the future neither counts nor goes", future, last(1), vec![]),
        ("equal times are ordered by id", same_second, last(1), vec![]),
        (
            "zero beside a rule is no rule",
            days(3),
            Keep {
                last: Some(0),
                daily: Some(2),
                ..keep()
            },
            vec![],
        ),
        (
            "ratio at its limit",
            days(4),
            Keep {
                last: Some(2),
                max_delete_ratio: Some(0.5),
                ..keep()
            },
            vec![],
        ),
        (
            "ratio exceeded",
            days(4),
            Keep {
                last: Some(1),
                max_delete_ratio: Some(0.5),
                ..keep()
            },
            vec![],
        ),
        ("only zero rules", days(2), last(0), vec![]),
        (
            "min_keep 0",
            days(2),
            Keep {
                last: Some(1),
                min_keep: Some(0),
                ..keep()
            },
            vec![],
        ),
        (
            "ratio out of range",
            days(2),
            Keep {
                last: Some(1),
                max_delete_ratio: Some(1.5),
                ..keep()
            },
            vec![],
        ),
        (
            "ratio not a number",
            days(2),
            Keep {
                last: Some(1),
                max_delete_ratio: Some(f64::NAN),
                ..keep()
            },
            vec![],
        ),
        (
            "a tag nobody has",
            days(2),
            Keep {
                tags: tag("kepe", "forever"),
                ..keep()
            },
            vec![],
        ),
        (
            "a tag without a key",
            days(2),
            Keep {
                tags: tag("", "forever"),
                ..keep()
            },
            vec![],
        ),
    ]
}

#[test]
fn decisions_and_their_reasons() {
    let mut table = String::new();
    for (name, backups, keep, by) in cases() {
        let _ = writeln!(table, "== {name}");
        let all: Vec<&Backup> = backups.iter().collect();
        match decide(&all, &keep, &by, now()) {
            Err(error) => {
                let _ = writeln!(table, "{}: {error}", error.kind());
            }
            Ok(decisions) => {
                for d in decisions {
                    let verb = if d.keep { "keep  " } else { "delete" };
                    let _ = writeln!(
                        table,
                        "{verb} {:>2} {} {:<10} {}: {}",
                        d.backup.as_bytes()[0],
                        d.started,
                        d.state.as_str(),
                        d.group,
                        d.reasons.join(", ")
                    );
                }
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_refusal_says_the_numbers() {
    let backups = days(4);
    let all: Vec<&Backup> = backups.iter().collect();
    let keep = Keep {
        last: Some(1),
        max_delete_ratio: Some(0.5),
        ..keep()
    };
    let error = decide(&all, &keep, &[], now()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(
        error.to_string(),
        "the rules would delete 3 of 4 good backups, more than max_delete_ratio 0.5 allows"
    );
}

fn any_state() -> impl Strategy<Value = BackupState> {
    prop_oneof![
        Just(Complete),
        Just(Verified),
        Just(Partial),
        Just(Damaged),
        Just(Incomplete),
        Just(Running)
    ]
}

fn any_backups() -> impl Strategy<Value = Vec<Backup>> {
    let one = (any_state(), 0..3u8, 0..20_000_000u64, any::<bool>());
    proptest::collection::vec(one, 0..40).prop_map(|all| {
        all.into_iter()
            .zip(1u8..)
            .map(|((state, source, age, held), n)| {
                let started = now() + Duration::from_secs(1_000_000) - Duration::from_secs(age);
                let one = backup(n, state, &format!("/{source}"), &started.to_string());
                if held { one.held("") } else { one }
            })
            .collect()
    })
}

fn any_keep() -> impl Strategy<Value = Keep> {
    let count = || proptest::option::weighted(0.3, 0..5u32);
    (
        (count(), count(), count()),
        (count(), count(), count()),
        proptest::option::weighted(0.2, 0..5_000_000u64),
        proptest::option::of(1..4u32),
    )
        .prop_map(
            |((last, hourly, daily), (weekly, monthly, yearly), within, min_keep)| Keep {
                last,
                hourly,
                daily,
                weekly,
                monthly,
                yearly,
                within: within.map(|s| Span(Duration::from_secs(s))),
                min_keep,
                ..keep()
            },
        )
}

proptest! {
    #[test]
    fn rules_never_take_the_last_good_backup_nor_a_held_one(backups in any_backups(), keep in any_keep()) {
        let all: Vec<&Backup> = backups.iter().collect();
        let Ok(decisions) = decide(&all, &keep, &[], now()) else { return Ok(()) };
        prop_assert_eq!(decisions.len(), backups.len());
        for path in ["alpha:/0", "alpha:/1", "alpha:/2"] {
            let group: Vec<_> = decisions.iter().filter(|d| d.group == path).collect();
            let good = group.iter().filter(|d| d.state.is_good()).count();
            let kept = group.iter().filter(|d| d.state.is_good() && d.keep).count();
            let floor = keep.min_keep.unwrap_or(1) as usize;
            prop_assert!(kept >= good.min(floor), "{} of {}", kept, good);
            if let Some(newest) = group.iter().find(|d| d.state == Verified) {
                prop_assert!(newest.keep, "the newest verified goes");
            }
        }
        for d in &decisions {
            let held = backups.iter().any(|b| b.id() == d.backup && b.hold.is_some());
            prop_assert!(d.keep || !held);
            prop_assert!(d.keep || d.state != Running);
            prop_assert!(!d.reasons.is_empty());
        }
    }

    #[test]
    fn applying_a_decision_and_deciding_again_deletes_no_more(backups in any_backups(), keep in any_keep()) {
        let all: Vec<&Backup> = backups.iter().collect();
        let Ok(decisions) = decide(&all, &keep, &[], now()) else { return Ok(()) };
        let left: Vec<&Backup> = backups
            .iter()
            .filter(|b| decisions.iter().any(|d| d.keep && d.backup == b.id()))
            .collect();
        let again = decide(&left, &keep, &[], now()).unwrap();
        prop_assert!(again.iter().all(|d| d.keep));
    }
}
