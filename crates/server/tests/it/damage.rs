//! Vaults that lost something.

use std::path::{Path, PathBuf};

use ostler_api::Client;
use ostler_api::document::{BackupState, OperationState, Outcome};
use ostler_api::request::{CheckVault, Request};
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
