//! The golden table: backups, rules, how they are grouped.

use std::time::Duration;

use ostler_api::document::BackupState::{self, Complete, Damaged, Incomplete, Partial, Running, Verified};
use ostler_api::request::{GroupBy, Keep};
use ostler_vocabulary::Span;

use super::{days, every, hourly, keep};
use crate::sample::backup;
use crate::state::Backup;

fn with(mut backups: Vec<Backup>, states: &[(usize, BackupState)]) -> Vec<Backup> {
    for (index, state) in states {
        backups[*index].summary.state = *state;
    }
    backups
}

pub(super) fn cases() -> Vec<(&'static str, Vec<Backup>, Keep, Vec<GroupBy>)> {
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
