//! Vaults that lost something.

use std::path::{Path, PathBuf};

use ostler_api::Client;
use ostler_api::document::{BackupState, OperationState, Outcome};
use ostler_api::request::{CheckVault, CreateBackup, RepairVault, Request};
use ostler_vocabulary::ErrorKind;

use crate::world::{World, drill, ended, restore, selector, verify};

fn packs(vault: &Path) -> Vec<PathBuf> {
    let mut packs: Vec<PathBuf> = std::fs::read_dir(vault.join("packs"))
        .unwrap()
        .flat_map(|d| std::fs::read_dir(d.unwrap().path()).unwrap())
        .map(|f| f.unwrap().path())
        .collect();
    packs.sort_by_key(|p| std::cmp::Reverse(p.metadata().unwrap().len()));
    packs
}

fn flip(path: &Path, at: usize) {
    use std::os::unix::fs::PermissionsExt as _;
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_is_found_by_reading_and_only_then_is_the_backup_damaged() {
    let world = World::new();
    world.backup(&world.data()).await;
    let vault = world.runtime.settings().implicit_vault();
    let pack = &packs(&vault)[0];
    let size = pack.metadata().unwrap().len() as usize;
    flip(pack, size / 2);
    let presence = world.run(verify("latest", false)).await.unwrap();
    ended(&presence, OperationState::Succeeded);
    let detail = world.run(verify("latest", true)).await.unwrap();
    ended(&detail, OperationState::Failed);
    assert_eq!(
        detail.failure,
        Some(ErrorKind::Corrupt),
        "{:?}",
        detail.summary.reasons
    );
    let shown = &world.list().await[0];
    assert_eq!(shown.state, BackupState::Damaged);
    let id = shown.id.to_string();
    let proofs = world.runtime.backup(&selector(&id)).await.unwrap().proofs;
    assert!(
        proofs
            .last()
            .unwrap()
            .problems
            .iter()
            .any(|p| p.path.ends_with("big.bin")),
        "{proofs:?}"
    );

    let refused = world
        .runtime
        .plan(Request::Restore(restore(&id, world.path("to"))))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    let mut request = restore(&id, world.path("to"));
    request.allow_incomplete = true;
    let detail = world.run(Request::Restore(request)).await.unwrap();
    ended(&detail, OperationState::Partial);
    let Some(Outcome::Restore(report)) = &detail.outcome else {
        panic!("{detail:?}");
    };
    assert!(report.damaged);
    assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
    assert!(
        report.problems[0].path.ends_with("/big.bin"),
        "{:?}",
        report.problems
    );
    assert_eq!(
        std::fs::read(world.path("to/a.txt")).unwrap(),
        b"first",
        "the rest is restored"
    );
    assert!(!world.path("to/big.bin").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_pack_is_found_by_presence_drill_and_check() {
    for way in 0..3 {
        let world = World::new();
        let data = world.data();
        world.backup(&data).await;
        let vault = world.runtime.settings().implicit_vault();
        std::fs::remove_file(&packs(&vault)[0]).unwrap();
        let request = match way {
            0 => verify("latest", false),
            1 => drill("latest", None),
            _ => Request::CheckVault(CheckVault::default()),
        };
        let detail = world.run(request).await.unwrap();
        ended(&detail, OperationState::Failed);
        assert_eq!(
            detail.failure,
            Some(ErrorKind::Corrupt),
            "{way} {:?}",
            detail.summary.reasons
        );
        assert_eq!(world.list().await[0].state, BackupState::Damaged, "{way}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_needs_what_is_lost_reads_and_stores_it_again() {
    let world = World::new();
    let data = world.data();
    let first = world.backup(&data).await;
    let vault = world.runtime.settings().implicit_vault();
    std::fs::remove_file(&packs(&vault)[0]).unwrap();
    let second = world.backup(&data).await;
    // What was lost is in two packs now, of which one is not there.
    for backup in [first, second] {
        let detail = world.run(verify(&backup.id.to_string(), true)).await.unwrap();
        ended(&detail, OperationState::Succeeded);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_what_cannot_be_read_any_more_says_so_and_keeps_the_rest() {
    let world = World::new();
    let data = world.data();
    world.backup(&data).await;
    let vault = world.runtime.settings().implicit_vault();
    std::fs::remove_file(&packs(&vault)[0]).unwrap();
    // The large file was in the lost pack, and is gone.
    std::fs::remove_file(data.join("big.bin")).unwrap();
    let second = world.backup(&data).await;
    assert_eq!(second.counts.files, 2);
    ended(
        &world.run(verify(&second.id.to_string(), true)).await.unwrap(),
        OperationState::Succeeded,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_cannot_be_reached_proves_nothing() {
    let world = World::new();
    world.backup(&world.data()).await;
    let plan = world.runtime.plan(verify("latest", true)).await.unwrap();
    let vault = world.runtime.settings().implicit_vault();
    let away = world.path("away");
    std::fs::rename(&vault, &away).unwrap();
    let detail = world.run_plan(plan).await.unwrap();
    ended(&detail, OperationState::Failed);
    std::fs::rename(&away, &vault).unwrap();
    assert_eq!(
        world.list().await[0].state,
        BackupState::Complete,
        "{:?}",
        detail.summary.reasons
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_damaged_is_stored_again_by_what_the_hint_advises() {
    for found_by in ["verify", "drill", "check"] {
        let world = World::new();
        let data = world.data();
        let first = world.backup(&data).await;
        let vault = world.runtime.settings().implicit_vault();
        let pack = &packs(&vault)[0];
        flip(pack, pack.metadata().unwrap().len() as usize / 2);
        let looking = match found_by {
            "verify" => verify("latest", true),
            "drill" => drill("latest", None),
            _ => Request::CheckVault(CheckVault {
                read_data: true,
                ..CheckVault::default()
            }),
        };
        let detail = world.run(looking).await.unwrap();
        assert_eq!(
            detail.failure,
            Some(ErrorKind::Corrupt),
            "{:?}",
            detail.summary.reasons
        );
        // "make a new backup with --read-all"
        let request = CreateBackup {
            paths: vec![data.clone()],
            read_all: true,
            ..CreateBackup::default()
        };
        let detail = world.run(Request::CreateBackup(request)).await.unwrap();
        ended(&detail, OperationState::Succeeded);
        for backup in ["latest".to_owned(), first.id.to_string()] {
            let detail = world.run(verify(&backup, true)).await.unwrap();
            ended(&detail, OperationState::Succeeded);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_reads_the_backups_that_are_known_to_be_damaged() {
    let world = World::new();
    let data = world.data();
    let first = world.backup(&data).await;
    let vault = world.runtime.settings().implicit_vault();
    let pack = &packs(&vault)[0];
    flip(pack, pack.metadata().unwrap().len() as usize / 2);
    let detail = world.run(verify("latest", true)).await.unwrap();
    ended(&detail, OperationState::Failed);
    // As an earlier version left it, which stored nothing of damaged packs.
    std::fs::remove_dir_all(vault.join("rounds/quarantine")).unwrap();
    let request = RepairVault {
        sources: vec![data],
        ..RepairVault::default()
    };
    let detail = world.run(Request::RepairVault(request)).await.unwrap();
    ended(&detail, OperationState::Succeeded);
    let detail = world.run(verify(&first.id.to_string(), true)).await.unwrap();
    ended(&detail, OperationState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_reads_every_byte_right_clears_what_an_earlier_one_found() {
    let world = World::new();
    let data = world.data();
    let id = world.backup(&data).await.id.to_string();
    let vault = world.runtime.settings().implicit_vault();
    let (there, away) = (vault.join("packs"), world.path("away"));
    let check = |read_data| {
        Request::CheckVault(CheckVault {
            read_data,
            ..CheckVault::default()
        })
    };
    std::fs::rename(&there, &away).unwrap();
    let detail = world.run(check(false)).await.unwrap();
    assert_eq!(
        detail.failure,
        Some(ErrorKind::Corrupt),
        "{:?}",
        detail.summary.reasons
    );
    std::fs::rename(&away, &there).unwrap();
    assert_eq!(world.list().await[0].state, BackupState::Damaged);
    // What does not read every byte neither clears it nor ends well.
    for request in [check(false), verify(&id, false)] {
        let detail = world.run(request).await.unwrap();
        assert_eq!(
            detail.failure,
            Some(ErrorKind::Corrupt),
            "{:?}",
            detail.summary.reasons
        );
        assert_eq!(world.list().await[0].state, BackupState::Damaged);
    }
    ended(&world.run(check(true)).await.unwrap(), OperationState::Succeeded);
    assert_eq!(world.list().await[0].state, BackupState::Verified);
    ended(&world.run(check(false)).await.unwrap(), OperationState::Succeeded);
    ended(
        &world.run(verify(&id, false)).await.unwrap(),
        OperationState::Succeeded,
    );
}
