//! A backup from its making to its end.

use std::os::unix::fs::PermissionsExt as _;

use ostler_api::Client;
use ostler_api::client::Mark;
use ostler_api::document::{BackupState, Change, OperationState, Outcome};
use ostler_api::request::{CreateBackup, Delete, Filter, HookFailure, Hooks, Overwrite, Request, Work};
use ostler_vocabulary::ErrorKind;

use crate::world::{World, drill, ended, prune, restore, runtime, selector, verify};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_backup_makes_vault_and_key_and_says_so() {
    let world = World::new();
    let data = world.data();
    let request = Request::CreateBackup(CreateBackup {
        paths: vec![data.clone()],
        dry_run: true,
        ..CreateBackup::default()
    });
    let plan = world.runtime.plan(request).await.unwrap();
    let vault = world.runtime.settings().implicit_vault();
    assert!(!vault.exists(), "a plan changes nothing");
    let Work::CreateBackup(work) = &plan.work else {
        panic!("{:?}", plan.work)
    };
    assert_eq!(work.files, 3);
    assert!(
        work.warnings[0].contains("same file system"),
        "{:?}",
        work.warnings
    );

    let missing = world.runtime.backups(None, &Filter::default()).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.hint().unwrap().contains("backup create"), "{missing:?}");

    let detail = world.run_plan(plan).await.unwrap();
    ended(&detail, OperationState::Succeeded);
    let Some(Outcome::CreateBackup(report)) = detail.outcome else {
        panic!()
    };
    assert_eq!(report.backup.state, BackupState::Complete);
    assert_eq!(report.backup.counts.files, 3);
    let key = world.runtime.settings().implicit_key("default");
    assert!(
        report.warnings[0].contains(&key.display().to_string()),
        "{:?}",
        report.warnings
    );
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let info = world.runtime.vault(None).await.unwrap();
    assert_eq!(info.key_file, Some(key));
    assert_eq!(info.backups["complete"], 1);

    let second = world.backup(&data).await;
    assert_eq!(second.counts.changed_files, 0);
    assert_eq!(world.list().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_shown_compared_verified_drilled_restored_and_deleted() {
    let world = World::new();
    let data = world.data();
    let first = world.backup(&data).await;
    world.write("data/a.txt", "changed");
    world.write("data/new.txt", "new");
    std::fs::remove_file(world.path("data/sub/b.txt")).unwrap();
    let second = world.backup(&data).await;

    let shown = world.runtime.backup(&selector("latest")).await.unwrap();
    assert_eq!(shown.summary.id, second.id);
    assert_eq!(shown.parent, Some(first.id));
    assert_eq!(shown.proofs[0].method, "commit");
    let diff = world
        .runtime
        .diff(&selector("latest~1"), &selector("latest"))
        .await
        .unwrap();
    let mut changes: Vec<(Change, String)> = diff
        .entries
        .into_iter()
        .filter(|e| e.entry.kind == "file")
        .map(|e| (e.change, e.entry.path.rsplit('/').next().unwrap().to_owned()))
        .collect();
    changes.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(
        changes,
        [
            (Change::Modified, "a.txt".to_owned()),
            (Change::Removed, "b.txt".to_owned()),
            (Change::Added, "new.txt".to_owned())
        ]
    );
    let files = world
        .runtime
        .files(&selector("latest~1"), Some("sub".as_ref()))
        .await
        .unwrap();
    assert_eq!(files.files.len(), 2, "{files:?}");
    let mut pieces = world
        .runtime
        .read_file(&selector("latest"), "new.txt".as_ref(), false)
        .await
        .unwrap();
    assert_eq!(pieces.recv().await.unwrap().unwrap(), b"new");

    for read_data in [false, true] {
        let detail = world.run(verify("latest", read_data)).await.unwrap();
        ended(&detail, OperationState::Succeeded);
        let Some(Outcome::Verify(report)) = detail.outcome else {
            panic!()
        };
        let expected = if read_data {
            BackupState::Verified
        } else {
            BackupState::Complete
        };
        assert_eq!(report.state, expected);
    }
    let detail = world
        .run(drill("latest~1", Some("test -f sub/b.txt")))
        .await
        .unwrap();
    ended(&detail, OperationState::Succeeded);
    let Some(Outcome::Drill(report)) = detail.outcome else {
        panic!()
    };
    assert_eq!(report.state, BackupState::Verified);
    assert_eq!(report.check.unwrap().exit_code, Some(0));
    let scratch = world.runtime.settings().state_directory.join("scratch");
    assert_eq!(scratch.read_dir().unwrap().count(), 0, "the scratch is gone");

    let to = world.path("restored");
    let detail = world
        .run(Request::Restore(restore("latest~1", to.clone())))
        .await
        .unwrap();
    ended(&detail, OperationState::Succeeded);
    assert_eq!(std::fs::read(to.join("sub/b.txt")).unwrap(), b"second");
    assert_eq!(
        std::fs::read_link(to.join("link")).unwrap().to_str(),
        Some("a.txt")
    );

    world
        .runtime
        .mark(
            &selector("latest~1"),
            Mark::Hold {
                reason: Some("audit".into()),
            },
        )
        .await
        .unwrap();
    let held = world.run(prune(1)).await.unwrap();
    ended(&held, OperationState::Succeeded);
    assert_eq!(world.list().await.len(), 2, "a held backup stays");
    world
        .runtime
        .mark(&selector(&first.id.to_string()), Mark::Release)
        .await
        .unwrap();
    let detail = world.run(prune(1)).await.unwrap();
    ended(&detail, OperationState::Succeeded);
    let Some(Outcome::Prune(report)) = &detail.outcome else {
        panic!()
    };
    assert_eq!(report.deleted, [first.id]);
    assert_eq!(detail.audit[0].action, "delete backup");
    let left = world.list().await;
    assert_eq!(left.iter().map(|b| b.id).collect::<Vec<_>>(), [second.id]);
    let after = world.run(verify("latest", true)).await.unwrap();
    ended(&after, OperationState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_restored_over_another_is_refused_before_anything_is_written() {
    let world = World::new();
    world.backup(&world.data()).await;
    world.write("there/a.txt", "mine");
    let mut request = restore("latest", world.path("there"));
    let detail = world.run(Request::Restore(request.clone())).await.unwrap();
    ended(&detail, OperationState::Failed);
    assert_eq!(detail.failure, Some(ErrorKind::Refused));
    assert!(!world.path("there/sub").exists());
    request.overwrite = Overwrite::Different;
    request.delete_extra = true;
    world.write("there/extra", "x");
    let plan = world.runtime.plan(Request::Restore(request)).await.unwrap();
    world.write("there/later", "not in the plan");
    let detail = world.run_plan(plan).await.unwrap();
    ended(&detail, OperationState::Succeeded);
    assert_eq!(std::fs::read(world.path("there/a.txt")).unwrap(), b"first");
    assert!(!world.path("there/extra").exists());
    assert!(world.path("there/later").exists(), "the set never grows");
    assert_eq!(detail.audit[0].action, "delete file");
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_run_around_a_backup_and_fail_it_or_make_it_partial() {
    let world = World::new();
    let data = world.data();
    let log = world.path("log");
    let say = |word: &str| Some(format!("echo {word} >> {}", log.display()));
    let request = |before: Option<String>, on_failure| {
        Request::CreateBackup(CreateBackup {
            paths: vec![data.clone()],
            hooks: Hooks {
                before,
                after: say("after"),
                on_failure,
            },
            ..CreateBackup::default()
        })
    };
    let detail = world
        .run(request(say("before"), HookFailure::Fail))
        .await
        .unwrap();
    ended(&detail, OperationState::Succeeded);
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "before\nafter\n");
    let detail = world
        .run(request(Some("exit 3".into()), HookFailure::Fail))
        .await
        .unwrap();
    ended(&detail, OperationState::Failed);
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "before\nafter\nafter\n");
    assert_eq!(world.list().await.len(), 1, "nothing is left of it");
    let detail = world
        .run(request(Some("exit 3".into()), HookFailure::Partial))
        .await
        .unwrap();
    ended(&detail, OperationState::Partial);
    assert_eq!(world.list().await[0].state, BackupState::Partial);
    let detail = world
        .run(request(Some("exit 3".into()), HookFailure::Ignore))
        .await
        .unwrap();
    ended(&detail, OperationState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_to_delete_is_refused_where_the_world_has_changed() {
    let world = World::new();
    let data = world.data();
    let first = world.backup(&data).await;
    world.backup(&data).await;
    let request = Request::Delete(Delete {
        vault: None,
        backups: vec![first.id.to_string()],
        filter: Filter::default(),
        min_keep: None,
        below_floors: false,
    });
    let plan = world.runtime.plan(request.clone()).await.unwrap();
    world
        .runtime
        .mark(&selector(&first.id.to_string()), Mark::Hold { reason: None })
        .await
        .unwrap();
    let detail = world.run_plan(plan).await.unwrap();
    ended(&detail, OperationState::Partial);
    assert!(
        detail.summary.reasons[0].contains("it is held"),
        "{:?}",
        detail.summary.reasons
    );
    assert_eq!(world.list().await.len(), 2);
    assert_eq!(
        world.runtime.plan(request).await.unwrap_err().kind(),
        ErrorKind::Refused
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_machine_with_address_and_key_has_everything() {
    let world = World::new();
    let data = world.data();
    world.backup(&data).await;
    let vault = world.path("elsewhere");
    std::fs::rename(world.runtime.settings().implicit_vault(), &vault).unwrap();
    let key = world.path("copied.key");
    std::fs::copy(world.runtime.settings().implicit_key("default"), &key).unwrap();

    let other = tempfile::tempdir().unwrap();
    let add = ostler_server::AddVault {
        name: None,
        location: vault.display().to_string(),
        key_file: Some(key),
        ..Default::default()
    };
    let info = runtime(other.path(), &[]).add_vault(add).await.unwrap();
    assert_eq!(
        info.summary.name, "default",
        "the only vault is the one that is meant"
    );
    let runtime = runtime(other.path(), &[]);
    let world = World { home: other, runtime };
    assert_eq!(world.list().await.len(), 1);
    let to = world.path("restored");
    let detail = world
        .run(Request::Restore(restore("latest", to.clone())))
        .await
        .unwrap();
    ended(&detail, OperationState::Succeeded);
    assert_eq!(std::fs::read(to.join("a.txt")).unwrap(), b"first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_is_made_by_name_and_never_over_another() {
    let world = World::new();
    let init = ostler_server::InitVault::from(ostler_api::vault::NewVault {
        name: Some("disk".into()),
        location: Some(world.path("disk").display().to_string()),
        ..Default::default()
    });
    let info = world.runtime.init_vault(init.clone()).await.unwrap();
    assert_eq!(info.summary.name, "disk");
    assert!(info.key_file.unwrap().exists());
    let again = runtime(world.home.path(), &[])
        .init_vault(init)
        .await
        .unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists, "{again:?}");
    let named = runtime(world.home.path(), &[("OSTLER_VAULT", "disk")]);
    assert_eq!(named.vault(None).await.unwrap().summary.name, "disk");
}
