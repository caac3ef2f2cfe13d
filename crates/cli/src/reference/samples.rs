//! One example of every document, fixed for ever: the reference page shows them and tests print them.

use std::collections::BTreeMap;

use ostler_api::Plan;
use ostler_api::client::{Event, Mark};
use ostler_api::document::*;
use ostler_api::request::*;
use ostler_vocabulary::{BackupId, OperationId, ProgressValue, Timestamp, Unit, VaultId};

use crate::backend::{ConfigCheck, ConfigShow, Setting, Variable};

/// The time at which all examples are printed.
#[must_use]
pub fn now() -> Timestamp {
    at(0)
}

/// That many seconds before [`now`].
fn at(seconds_ago: i64) -> Timestamp {
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

fn problem() -> Problem {
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
    }
}

fn proof(method: &str, ok: bool) -> Proof {
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

/// `backup show`
#[must_use]
pub fn backup_detail() -> BackupDetail {
    BackupDetail {
        summary: backup_summary(3, BackupState::Verified),
        vault: "default".into(),
        parent: Some(backup_id(4)),
        operation: Some(operation_id(1)),
        made_by: "ostler 0.1.0".into(),
        problems: vec![],
        proofs: vec![proof("commit", true), proof("drill", true)],
    }
}

/// `backup show` of a partial backup.
#[must_use]
pub fn partial_detail() -> BackupDetail {
    BackupDetail {
        summary: backup_summary(2, BackupState::Partial),
        problems: vec![problem()],
        proofs: vec![proof("commit", true)],
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

/// A plan for this request.
#[must_use]
pub fn plan(request: Request) -> Plan {
    let work = match &request {
        Request::CreateBackup(_) => Work::CreateBackup(CreateWork {
            files: 1_234,
            bytes: 3_435_973_836,
            parent: Some(backup_id(3)),
            left_out: vec!["/home/me/data/ostler".into()],
            warnings: vec![
                "the vault is on the same disk as /home/me/data: one broken disk takes both".into(),
            ],
        }),
        Request::Restore(restore) => Work::Restore(RestoreWork {
            to: restore.to.clone(),
            create: 1_200,
            replace: 30,
            keep: 4,
            bytes: 3_221_225_472,
            delete: if restore.delete_extra {
                vec!["/srv/data/extra".into()]
            } else {
                vec![]
            },
            conflicts: vec![],
        }),
        Request::Verify(_) => Work::Verify(VerifyWork {
            files: 1_234,
            bytes: 3_435_973_836,
        }),
        Request::Drill(_) => Work::Drill(VerifyWork {
            files: 1_234,
            bytes: 3_435_973_836,
        }),
        Request::Delete(_) | Request::Prune(_) => Work::Prune(prune_work()),
        Request::CheckVault(_) => Work::CheckVault {
            packs: 128,
            bytes: 3_758_096_384,
        },
    };
    let subject = match &request {
        Request::Prune(_) | Request::Delete(_) => "1 of 2 backups",
        Request::CheckVault(_) => "everything",
        Request::CreateBackup(_) => "/home/me/data",
        _ => "3f2a9c03",
    };
    Plan {
        request,
        made: now(),
        vault: "default".into(),
        subject: subject.into(),
        backups: vec![backup_id(5)],
        work,
        digest: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef".into(),
    }
}

fn prune_work() -> PruneWork {
    let decision = |number, keep, reason: &str| Decision {
        backup: backup_id(number),
        name: Some("nightly".into()),
        started: at(i64::from(number) * 86_400 + 7_200),
        group: "laptop:/home/me/data".into(),
        state: if keep {
            BackupState::Verified
        } else {
            BackupState::Complete
        },
        keep,
        reasons: vec![reason.into()],
    };
    PruneWork {
        decisions: vec![
            decision(
                3,
                true,
                "the newest of 2 kept by --keep-last; the newest verified one",
            ),
            decision(5, false, "no rule keeps it"),
        ],
        incomplete: vec![backup_id(4)],
        free_packs: 5,
        free_bytes: 167_772_160,
        repack_packs: 2,
        repack_bytes: 20_971_520,
    }
}

/// What `create` reports.
#[must_use]
pub fn create_report(state: BackupState) -> CreateReport {
    let partial = state == BackupState::Partial;
    CreateReport {
        backup: backup_summary(3, state),
        parent: (!partial).then(|| backup_id(4)),
        objects_found: 58,
        problems: if partial { vec![problem()] } else { vec![] },
        left_out: vec!["/home/me/data/ostler".into()],
        warnings: vec![],
    }
}

/// What `restore` reports.
#[must_use]
pub fn restore_report() -> RestoreReport {
    RestoreReport {
        backup: backup_id(3),
        to: Some("/srv/data".into()),
        files_written: 1_200,
        files_kept: 34,
        bytes_written: 3_221_225_472,
        bytes_verified: 3_435_973_836,
        deleted: 0,
        problems: vec![],
    }
}

/// What `verify` reports.
#[must_use]
pub fn verify_report(ok: bool) -> VerifyReport {
    VerifyReport {
        backup: backup_id(3),
        state: if ok {
            BackupState::Verified
        } else {
            BackupState::Damaged
        },
        proof: proof("verify_data", ok),
        packs: 128,
    }
}

/// What `drill` reports.
#[must_use]
pub fn drill_report() -> DrillReport {
    DrillReport {
        backup: backup_id(3),
        state: BackupState::Verified,
        proof: proof("drill", true),
        compared: 1_234,
        compared_live: 1_200,
        changed_live: 34,
        check: Some(CheckCommand {
            command: "./check.sh".into(),
            exit_code: Some(0),
            output: "1,234 rows\n".into(),
        }),
        restore_ms: 9_876,
    }
}

/// What `delete` and `prune` report.
#[must_use]
pub fn prune_report() -> PruneReport {
    PruneReport {
        deleted: vec![backup_id(5)],
        refused: vec![],
        packs_deleted: 5,
        packs_rewritten: 2,
        bytes_freed: 188_743_680,
        objects_deleted: 9,
    }
}

/// What `vault check` reports.
#[must_use]
pub fn check_report(ok: bool) -> CheckReport {
    CheckReport {
        packs: 128,
        chunks: 12_345,
        bytes: 3_758_096_384,
        backups: 6,
        orphans: 1,
        problems: if ok {
            vec![]
        } else {
            vec![Problem {
                path: "packs/7c/7c0f".into(),
                reason: "its bytes are not what its name says".into(),
            }]
        },
        damaged: if ok { vec![] } else { vec![backup_id(5)] },
    }
}

fn vault_summary(name: &str, location: &str) -> VaultSummary {
    VaultSummary {
        name: name.into(),
        location: location.into(),
        default: name == "default",
    }
}

/// `vault list`
#[must_use]
pub fn vault_list() -> VaultList {
    VaultList {
        vaults: vec![
            vault_summary("default", "/home/me/.local/share/ostler/vault"),
            vault_summary("offsite", "s3://backups/laptop (s3.example.com)"),
        ],
    }
}

/// `vault info`
#[must_use]
pub fn vault_info() -> VaultInfo {
    VaultInfo {
        summary: vault_summary("default", "/home/me/.local/share/ostler/vault"),
        id: VaultId::from_bytes([7; 16]),
        format: 1,
        created: at(8_640_000),
        encryption: "aes-256-gcm".into(),
        keys: vec![KeySummary {
            id: "c0ffee12".into(),
            kind: "key file".into(),
            created: at(8_640_000),
        }],
        key_file: Some("/home/me/.local/share/ostler/keys/default.key".into()),
        backups: BTreeMap::from([("complete".into(), 4), ("verified".into(), 2)]),
        packs: 128,
        bytes: 3_758_096_384,
        chunks: 12_345,
        warnings: vec![],
    }
}

/// An operation of this kind in this state.
#[must_use]
pub fn operation_summary(number: u8, kind: &str, state: OperationState) -> OperationSummary {
    let ended = !matches!(
        state,
        OperationState::Running | OperationState::Interrupted | OperationState::Cancelling
    );
    OperationSummary {
        id: operation_id(number),
        kind: kind.into(),
        subject: "/home/me/data".into(),
        state,
        started: at(i64::from(number) * 3_600 + 120),
        ended: ended.then(|| at(i64::from(number) * 3_600 + 100)),
        duration_ms: 20_000,
        bytes: 3_435_973_836,
        reasons: vec![],
    }
}

/// `operation list`
#[must_use]
pub fn operation_list() -> OperationList {
    OperationList {
        operations: vec![
            operation_summary(0, "create_backup", OperationState::Running),
            operation_summary(1, "create_backup", OperationState::Succeeded),
            operation_summary(2, "prune", OperationState::Failed),
            operation_summary(3, "restore", OperationState::Interrupted),
        ],
    }
}

/// An operation that succeeded with this outcome.
#[must_use]
pub fn operation_with(kind: &str, outcome: Outcome) -> OperationDetail {
    OperationDetail {
        outcome: Some(outcome),
        ..operation(kind, OperationState::Succeeded)
    }
}

/// An operation in this state, without an outcome.
#[must_use]
pub fn operation(kind: &str, state: OperationState) -> OperationDetail {
    let step = |name: &str, state: &str, reasons: Vec<String>| StepSummary {
        name: name.into(),
        state: state.into(),
        started: at(3_720),
        ended: (state != "running").then(|| at(3_710)),
        attempts: 1,
        progress: Some(ProgressValue {
            done: 1 << 30,
            total: 1 << 30,
            unit: Unit::Bytes,
            items: 12,
        }),
        reasons,
    };
    OperationDetail {
        summary: operation_summary(1, kind, state),
        owner: None,
        epoch: 1,
        steps: vec![
            step("acquire lease", "done", vec![]),
            match state {
                OperationState::Failed => {
                    step("upload laptop", "failed", vec!["no space left on device".into()])
                }
                OperationState::Succeeded | OperationState::Partial => step("upload laptop", "done", vec![]),
                _ => step("upload laptop", "running", vec![]),
            },
        ],
        audit: if kind == "prune" {
            vec![AuditEntry {
                at: at(3_700),
                action: "delete backup".into(),
                item: backup_id(5).to_string(),
                bytes: 419_640_115,
                reason: "no rule keeps it".into(),
            }]
        } else {
            vec![]
        },
        outcome: None,
        advice: None,
        failure: None,
    }
}

/// What happens while an operation runs.
#[must_use]
pub fn events() -> Vec<Event> {
    let step = || "upload laptop".to_owned();
    let progress = |done| ProgressValue {
        done,
        total: 4 << 30,
        unit: Unit::Bytes,
        items: 7,
    };
    vec![
        Event::StepStarted { step: step() },
        Event::Progress {
            step: step(),
            progress: progress(0),
        },
        Event::Message {
            text: "waiting for another writer".into(),
        },
        Event::Progress {
            step: step(),
            progress: progress(1 << 30),
        },
        Event::StepEnded {
            step: step(),
            ok: true,
        },
        Event::Ended {
            state: OperationState::Succeeded,
        },
    ]
}

/// `config check`
#[must_use]
pub fn config_check() -> ConfigCheck {
    ConfigCheck {
        file: "/home/me/.config/ostler/config.toml".into(),
        exists: true,
        vaults: vec!["default".into(), "offsite".into()],
        warnings: vec!["vault.offsite has the same location as vault.default".into()],
    }
}

/// `config show`
#[must_use]
pub fn config_show() -> ConfigShow {
    let setting = |key: &str, value: &str, source: &str| Setting {
        key: key.into(),
        value: value.into(),
        source: source.into(),
    };
    ConfigShow {
        file: "/home/me/.config/ostler/config.toml".into(),
        settings: vec![
            setting("state_dir", "/home/me/.local/share/ostler", "default"),
            setting("vault.offsite.location", "s3://backups/laptop", "file"),
            setting(
                "vault.offsite.secret_key",
                "from environment AWS_SECRET_ACCESS_KEY",
                "file",
            ),
        ],
    }
}

/// `config env`
#[must_use]
pub fn variables() -> Vec<Variable> {
    let variable = |name: &str, meaning: &str, set| Variable {
        name: name.into(),
        meaning: meaning.into(),
        set,
    };
    vec![
        variable("OSTLER_CONFIG", "the configuration file", false),
        variable(
            "OSTLER_STATE_DIR",
            "the directory of operations, the default vault and keys",
            true,
        ),
    ]
}

/// What `--output json` prints of an error.
#[must_use]
pub fn error() -> ErrorDocument {
    ErrorDocument {
        kind: ostler_vocabulary::ErrorKind::NotFound,
        exit_code: 7,
        error: "no backup matches `nightly`".into(),
        causes: vec![],
        hint: Some("`ostler backup list` shows all".into()),
    }
}
