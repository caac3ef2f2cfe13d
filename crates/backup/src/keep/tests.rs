//! Golden table and properties of the keep rules.

mod cases;
mod properties;

use std::fmt::Write as _;
use std::time::Duration;

use ostler_api::document::BackupState::Complete;
use ostler_api::request::Keep;
use ostler_vocabulary::{Classified, ErrorKind, Timestamp};

use super::decide;
use crate::sample::backup;
use crate::state::Backup;
use cases::cases;

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
