//! Vaults in stores of all kinds: tried before they are trusted.

use ostler_api::Client;
use ostler_api::document::{BackupState, OperationState};
use ostler_api::vault::NewVault;
use ostler_server::InitVault;
use ostler_testkit::servers::{Moto, SeaweedFs, moto, seaweedfs};
use ostler_vocabulary::ErrorKind;

use crate::world::{World, ended, prune, runtime};

fn world(endpoint: &str, vault: &str, settings: &str) -> World {
    let home = tempfile::tempdir().unwrap();
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", SeaweedFs::ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SeaweedFs::SECRET_ACCESS_KEY),
        ("OSTLER_VAULT", vault),
    ];
    let directory = home.path().join(".config/ostler");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("config.toml"), format!("version = 1\n{settings}")).unwrap();
    let runtime = runtime(home.path(), &variables);
    World { home, runtime }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_replaces_objects_gets_a_vault_for_one_writer_and_a_warning() {
    let Some(service) = moto() else { return };
    let settings = format!("[vault.bad]\nlocation = \"s3://{}/vault\"\n", Moto::BUCKET);
    let world = world(&service.endpoint(), "bad", &settings);
    let init = InitVault::from(NewVault {
        name: Some("bad".into()),
        ..NewVault::default()
    });
    let made = world.runtime.init_vault(init).await.unwrap();
    let warned = |warnings: &[String]| warnings.iter().any(|one| one.contains("one writer at a time"));
    assert!(warned(&made.warnings), "{:?}", made.warnings);
    assert!(made.store.unwrap().single_writer);
    let backup = world.backup(&world.data()).await;
    assert_eq!(backup.state, BackupState::Complete);
    let info = world.runtime.probe_vault(Some("bad")).await.unwrap();
    assert!(warned(&info.warnings), "{:?}", info.warnings);
    let refused = info.store.unwrap().abilities.into_iter();
    let refused: Vec<String> = refused
        .filter(|one| one.answer == "no")
        .map(|one| one.ability)
        .collect();
    assert!(
        refused.contains(&"refuses to overwrite".to_owned()),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_is_to_lock_needs_a_bucket_that_does_and_prune_waits_for_the_locks() {
    let Some(service) = seaweedfs() else { return };
    service.make_locking_bucket("locking").unwrap();
    let settings = format!(
        "[vault.plain]\nlocation = \"{}/vault\"\nlock = \"30d\"\n\
         [vault.locked]\nlocation = \"s3://locking/vault\"\nlock = \"30d\"\n",
        service.bucket_url()
    );
    let world = world(&service.endpoint(), "locked", &settings);
    let init = |name: &str| {
        InitVault::from(NewVault {
            name: Some(name.into()),
            ..NewVault::default()
        })
    };
    let refused = world.runtime.init_vault(init("plain")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused:?}");
    assert!(format!("{refused:?}").contains("versioning"), "{refused:?}");

    let made = world.runtime.init_vault(init("locked")).await.unwrap();
    assert!(!made.store.unwrap().single_writer);
    let data = world.data();
    let first = world.backup(&data).await;
    world.backup(&data).await;
    let detail = world.run(prune(1)).await.unwrap();
    ended(&detail, OperationState::Succeeded);
    let left = world.list().await;
    assert_eq!(left.len(), 2, "nothing goes before its lock is over");
    let thief = service.signed();
    let path = format!("/locking/vault/backups/{}", first.id);
    thief.expect("DELETE", &path, &[], "").unwrap();
    let again = runtime_of(&world, &service);
    let info = again.vault(None).await.unwrap();
    assert_eq!(info.backups.values().sum::<u64>(), 2);
    assert!(
        info.warnings
            .iter()
            .any(|one| one.contains("overwrote or deleted")),
        "{:?}",
        info.warnings
    );
}

/// Another process on the same machine.
fn runtime_of(world: &World, service: &SeaweedFs) -> ostler_server::Runtime {
    let endpoint = service.endpoint();
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", SeaweedFs::ACCESS_KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", SeaweedFs::SECRET_ACCESS_KEY),
        ("OSTLER_VAULT", "locked"),
    ];
    runtime(world.home.path(), &variables)
}
