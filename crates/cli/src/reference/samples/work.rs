//! Plans and reports.

use ostler_api::Plan;
use ostler_api::document::*;
use ostler_api::request::*;

use super::{at, backup_id, backup_summary, evidence, now, problem, proof};

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
            estimate: Some(Estimate {
                bytes: 1_932_735_283,
                requests: 240,
                duration_ms: Some(95_000),
                cost: Some(cost()),
            }),
            nodes: vec![],
            advice: vec![],
            load: None,
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
        Request::RepairVault(_) => Work::Repair(RepairWork {
            packs: 128,
            bytes: 3_758_096_384,
            removes: vec!["index/9a41".into()],
            problems: check_report(false).problems,
        }),
        Request::Mirror(_) => Work::Mirror(mirror_work()),
        Request::Keys(_) => Work::Keys(super::key_work()),
        Request::QueueSchema(_) => Work::QueueSchema(super::queue_schema_work()),
        Request::Retention(_) => Work::Retention(super::retention_work()),
        Request::Undo(_) => Work::Undo(super::undo_work()),
        Request::Tables(_) => Work::Tables(super::tables_work()),
    };
    let subject = match &request {
        Request::Prune(_) | Request::Delete(_) => "1 of 2 backups",
        Request::CheckVault(_) => "everything",
        Request::RepairVault(_) => "default",
        Request::Mirror(_) => "2 backups of default",
        Request::Keys(_) => "begin a new key epoch",
        Request::QueueSchema(_) => "install the queue in main",
        Request::Retention(_) => "1 items of 2 policies in main",
        Request::Tables(_) => "rollup readings of main",
        Request::Undo(_) => "1440 archived rows of public.sensor_readings in main",
        Request::CreateBackup(_) => "/home/me/data",
        _ => "3f2a9c03",
    };
    let vault = if matches!(request, Request::QueueSchema(_)) || request.tables().is_some() {
        ""
    } else {
        "default"
    };
    Plan {
        request,
        made: now(),
        vault: vault.into(),
        subject: subject.into(),
        backups: vec![backup_id(5)],
        work,
        digest: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef".into(),
    }
}

fn mirror_work() -> MirrorWork {
    let item = |number: u8| MirrorItem {
        backup: backup_id(number),
        copy: backup_id(number),
        name: Some("nightly".into()),
        source: backup_summary(number, BackupState::Complete).source,
        started: at(i64::from(number) * 86_400 + 7_200),
        bytes: 3_435_973_836,
    };
    MirrorWork {
        from: "default".into(),
        items: vec![item(3), item(5)],
        there: 4,
        marked: vec![item(2)],
        refused: vec![],
    }
}

/// What a repair reports.
#[must_use]
pub fn repair_report(whole: bool) -> RepairReport {
    RepairReport {
        packs: 128,
        quarantined: 1,
        salvaged: 12,
        from_mirror: 3,
        from_files: 1,
        stored_bytes: 15_728_640,
        removed: 1,
        bytes_freed: 16_777_216,
        records: vec![],
        whole: vec![backup_id(3)],
        damaged: if whole { vec![] } else { vec![backup_id(5)] },
        problems: if whole { vec![] } else { vec![problem()] },
    }
}

/// What `mirror` reports.
#[must_use]
pub fn mirror_report() -> MirrorReport {
    MirrorReport {
        from: "default".into(),
        to: "offsite".into(),
        copied: vec![Mirrored {
            backup: backup_id(3),
            copy: backup_id(3),
            bytes: 3_435_973_836,
            read_bytes: 52_428_800,
            new_bytes: 41_943_040,
            stored_bytes: 15_728_640,
            objects_found: 58,
        }],
        there: 4,
        marked: vec![backup_id(2)],
        problems: vec![],
    }
}

/// A few requests, some money.
#[must_use]
pub fn traffic() -> Traffic {
    Traffic {
        created: 64,
        read: 9,
        looked_up: 3,
        listed: 12,
        deleted: 0,
        failed: 2,
        sent_bytes: 1_006_632_960,
        received_bytes: 524_288,
        average_ms: 41,
        slowest_ms: 903,
        cost: Some(cost()),
    }
}

fn cost() -> Cost {
    Cost {
        amount: 0.1742,
        currency: "USD".into(),
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
        small_objects: 7,
        small_bytes: 18_432,
    }
}

/// What `create` reports.
#[must_use]
pub fn create_report(state: BackupState) -> CreateReport {
    let partial = state == BackupState::Partial;
    CreateReport {
        backup: backup_summary(3, state),
        parent: (!partial).then(|| backup_id(4)),
        added_to: None,
        objects_found: 58,
        evidence: Some(Box::new(evidence())),
        held: None,
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
        damaged: false,
        owners: OtherOwners::default(),
        nodes: vec![],
        advice: vec![],
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
        packs_read: 128,
        read_since: ok.then(|| at(60)),
    }
}

fn drill_answer(
    question: &str,
    (before, after): (&str, &str),
    found: &str,
    verdict: DrillVerdict,
) -> DrillAnswer {
    DrillAnswer {
        question: question.into(),
        before: Some(before.into()),
        after: Some(after.into()),
        found: found.into(),
        verdict,
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
        started: Some(StartedDatabase {
            nodes: 3,
            start_ms: 41_000,
            answers: vec![
                drill_answer("check newest order", ("4711", "4711"), "4711", DrillVerdict::Same),
                drill_answer(
                    "rows of shop.orders",
                    ("1200", "1300"),
                    "1234",
                    DrillVerdict::Between,
                ),
                drill_answer("rows of shop.carts", ("17", "15"), "18", DrillVerdict::Moved),
            ],
            left_out: vec!["node d: it is not in the backup".into()],
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
        waiting: None,
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
        stale_entries: 2,
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
