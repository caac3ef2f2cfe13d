//! One example of every document, fixed for ever: the reference page shows them and tests print them.

mod cluster;
mod keys;
mod place;
mod queue;
mod retention;
mod schedule;
mod tables;
mod telling;
mod work;

use std::collections::BTreeMap;

use ostler_api::client::Mark;
use ostler_api::document::*;
use ostler_vocabulary::{BackupEvidence, BackupId, OperationId, Timestamp};

pub use cluster::*;
pub use keys::*;
pub use place::*;
pub use queue::*;
pub use retention::*;
pub use schedule::*;
pub use tables::*;
pub use telling::*;
pub use work::*;

/// The time at which all examples are printed.
#[must_use]
pub fn now() -> Timestamp {
    at(0)
}

/// That many seconds before [`now`].
pub(super) fn at(seconds_ago: i64) -> Timestamp {
    // 2026-11-21T10:00:00Z; a sum that cannot overflow.
    Timestamp::from_second(1_795_255_200 - seconds_ago).unwrap_or_default()
}

/// A backup's id.
#[must_use]
pub fn backup_id(number: u8) -> BackupId {
    BackupId::from_bytes([0x3f, 0x2a, 0x9c, number, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
}

/// An operation's id.
#[must_use]
pub fn operation_id(number: u8) -> OperationId {
    OperationId::from_bytes([0x8c, 0x01, 0x55, number, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
}

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn source() -> Source {
    Source {
        host: "laptop".into(),
        paths: vec!["/home/me/data".into()],
    }
}

pub(super) fn problem() -> Problem {
    Problem {
        path: "/home/me/data/secret.db".into(),
        reason: "could not be read: permission denied".into(),
    }
}

fn counts(problems: u64) -> BackupCounts {
    BackupCounts {
        files: 1_234,
        entries: 1_301,
        bytes: 3_435_973_836,
        changed_files: 56,
        new_bytes: 1_181_116_006,
        stored_bytes: 419_640_115,
        problems,
    }
}

/// A backup in this state.
#[must_use]
pub fn backup_summary(number: u8, state: BackupState) -> BackupSummary {
    let known = !matches!(state, BackupState::Running | BackupState::Incomplete);
    let partial = state == BackupState::Partial;
    BackupSummary {
        id: backup_id(number),
        vault: "default".into(),
        name: (number % 2 == 1).then(|| "nightly".to_owned()),
        state,
        source: (state != BackupState::Incomplete).then(source),
        started: at(i64::from(number) * 86_400 + 7_200),
        duration_ms: if known { 12_345 } else { 0 },
        counts: if known {
            counts(u64::from(partial))
        } else {
            BackupCounts::default()
        },
        tags: tags(&[("env", "prod")]),
        held: number == 3,
        verified: (state == BackupState::Verified).then(|| at(3_600)),
    }
}

/// `backup list`, with a backup in every state.
#[must_use]
pub fn backup_list() -> BackupList {
    let states = [
        BackupState::Running,
        BackupState::Complete,
        BackupState::Partial,
        BackupState::Verified,
        BackupState::Incomplete,
        BackupState::Damaged,
    ];
    BackupList {
        vault: "default".into(),
        backups: (0_u8..)
            .zip(states)
            .map(|(number, state)| backup_summary(number, state))
            .collect(),
        unreachable: vec![],
    }
}

pub(super) fn proof(method: &str, ok: bool) -> Proof {
    Proof {
        method: method.into(),
        at: at(60),
        ok,
        files: 1_234,
        bytes: 3_435_973_836,
        problems: if ok {
            vec![]
        } else {
            vec![Problem {
                path: "/home/me/data/big.db".into(),
                reason: "packs/7c/7c0f… ends after 1,024 of 33,554,432 bytes".into(),
            }]
        },
    }
}

/// When data was last read.
#[must_use]
pub fn reading() -> Reading {
    Reading {
        since: Some(at(60)),
        last: Some(at(60)),
        recent_percent: 100,
    }
}

/// What a backup rests on.
#[must_use]
pub fn evidence() -> BackupEvidence {
    BackupEvidence {
        looked_at: at(3_600),
        looked_up: 58,
        excluded: vec!["*.tmp".into()],
        ..BackupEvidence::default()
    }
}

/// `backup show`
#[must_use]
pub fn backup_detail() -> BackupDetail {
    BackupDetail {
        summary: backup_summary(3, BackupState::Verified),
        hold_reason: Some("audit of 2026".into()),
        parent: Some(backup_id(4)),
        origin: None,
        operation: Some(operation_id(1)),
        made_by: "ostler 0.1.0".into(),
        problems: vec![],
        proofs: vec![proof("commit", true), proof("drill", true)],
        reading: reading(),
        cluster: None,
        evidence: Some(evidence()),
        lacking: vec![],
    }
}

/// `backup show` of a partial backup.
#[must_use]
pub fn partial_detail() -> BackupDetail {
    BackupDetail {
        summary: backup_summary(2, BackupState::Partial),
        hold_reason: None,
        problems: vec![problem()],
        proofs: vec![proof("commit", true)],
        reading: Reading::default(),
        ..backup_detail()
    }
}

fn entry(path: &str, kind: &str, size: u64) -> FileEntry {
    FileEntry {
        path: path.into(),
        kind: kind.into(),
        size,
        mode: if kind == "directory" { "0755" } else { "0644" }.into(),
        modified: at(90_000),
        target: (kind == "symlink").then(|| "big.db".to_owned()),
    }
}

/// `backup show --files`
#[must_use]
pub fn file_list() -> FileList {
    FileList {
        backup: backup_id(3),
        files: vec![
            entry("/home/me/data", "directory", 0),
            entry("/home/me/data/big.db", "file", 3_221_225_472),
            entry("/home/me/data/current", "symlink", 6),
            entry("/home/me/data/na\u{1b}me", "file", 12),
        ],
    }
}

/// `backup diff`
#[must_use]
pub fn diff() -> Diff {
    let changed = |change, path, size| DiffEntry {
        change,
        entry: entry(path, "file", size),
    };
    Diff {
        from: backup_id(4),
        to: backup_id(3),
        entries: vec![
            changed(Change::Modified, "/home/me/data/big.db", 3_221_225_472),
            changed(Change::Metadata, "/home/me/data/mode", 5),
            changed(Change::Added, "/home/me/data/new", 17),
            changed(Change::Removed, "/home/me/data/old", 4_096),
        ],
    }
}

/// `backup hold`
#[must_use]
pub fn mark() -> Mark {
    Mark::Hold {
        reason: Some("before the migration".into()),
    }
}
