//! A vault in a bucket with object lock, used by a machine that may write and not delete, and kept by one that may delete
//! what is not locked.

use std::fs;

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::servers::{VersityGw, versitygw};
use ostler_testkit::tree;
use tempfile::TempDir;

fn configured(service: &VersityGw, (id, secret): (&str, &str), key: &str) -> Ostler {
    let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    ostler.configure(&format!(
        "version = 1\n[defaults]\nvault = \"far\"\n[vault.far]\nlocation = \"s3://{}/some/prefix\"\nlock = \"1h\"\n\
         key = {{ file = \"{key}\" }}\n[vault.far.s3]\nendpoint = \"{}\"\nregion = \"{}\"\n\
         access_key = {{ file = \"id\" }}\nsecret_key = {{ file = \"secret\" }}\n",
        VersityGw::BUCKET,
        service.endpoint(),
        VersityGw::REGION,
    ));
    let settings = ostler.home().join("settings/ostler");
    fs::write(settings.join("id"), id).unwrap();
    fs::write(settings.join("secret"), secret).unwrap();
    ostler
}

#[test]
fn a_machine_that_cannot_delete_backs_up_and_leaked_keys_are_given_up_as_far_as_locks_allow() {
    let Some(service) = versitygw() else { return };
    let keys = TempDir::with_prefix("ostler-keys-").unwrap();
    let key = |name: &str| keys.path().join(name).to_str().unwrap().to_owned();
    let (old, new) = (key("old.key"), key("new.key"));
    let admin = (VersityGw::ACCESS_KEY_ID, VersityGw::SECRET_ACCESS_KEY);
    let keeper = configured(&service, admin, &old);
    keeper.ok(["vault", "init", "--name", "far", "--key", &old]);

    let writer = configured(
        &service,
        (VersityGw::WRITER_KEY_ID, VersityGw::WRITER_SECRET),
        &old,
    );
    let source = TempDir::with_prefix("ostler-source-").unwrap();
    for number in 0..50 {
        fs::write(source.path().join(format!("f{number}")), vec![number; 5000]).unwrap();
    }
    let before = tree::read(source.path());
    let path = source.path().to_str().unwrap();
    writer.ok(["backup", "create", path, "--name", "one"]);
    fs::write(source.path().join("f7"), "changed").unwrap();
    writer.ok(["backup", "create", path, "--name", "two"]);
    writer.ok(["backup", "verify", "two", "--read-data"]);
    // It cannot delete, whatever it tries.
    let deleted = writer.run(["backup", "delete", "one", "--yes"]);
    assert!(!deleted.status.success(), "{}", said(&deleted));
    keeper.ok(["backup", "verify", "one", "--read-data"]);

    // The key of the writer leaks.
    keeper.ok(["vault", "key", "add", "--key", &new]);
    let list = keeper.json(["vault", "key", "list"]);
    let leaked = list["keys"][0]["id"].as_str().unwrap().to_owned();
    let removed = keeper.ok(["vault", "key", "remove", &leaked, "--yes"]);
    assert!(removed.contains("has locked it until"), "{removed}");
    let keeper = configured(&service, admin, &new);
    let list = keeper.json(["vault", "key", "list"]);
    assert_eq!(list["keys"].as_array().unwrap().len(), 1, "{list}");
    let plan = keeper.ok(["vault", "key", "rotate", "--compromised", "--dry-run"]);
    assert!(plan.contains("locks its objects"), "{plan}");
    let rotated = keeper.run(["vault", "key", "rotate", "--compromised", "--yes"]);
    let shown = said(&rotated);
    assert_eq!(rotated.status.code(), Some(3), "{shown}");
    assert!(shown.contains("is locked until"), "{shown}");

    // What comes later is not for the old key; what there was is whole, and nothing is reported as damage.
    let writer_now = configured(
        &service,
        (VersityGw::WRITER_KEY_ID, VersityGw::WRITER_SECRET),
        &new,
    );
    writer_now.ok(["backup", "create", path, "--name", "three"]);
    assert!(
        !writer
            .run(["backup", "verify", "three", "--read-data"])
            .status
            .success()
    );
    keeper.ok(["vault", "check", "--read-data"]);
    keeper.ok(["backup", "prune", "--keep-last", "10", "--yes"]);
    for name in ["one", "two", "three"] {
        keeper.ok(["backup", "verify", name, "--read-data"]);
    }
    let to = keeper.home().join("restored");
    keeper.ok(["restore", "one", "--to", to.to_str().unwrap()]);
    let difference = tree::difference(&before, &tree::read(&to));
    assert!(difference.is_empty(), "{difference}");
}
