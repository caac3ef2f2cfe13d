//! Whole stories of a user, with the real binary and real stores.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::random::Random;
use ostler_testkit::servers::{self, SeaweedFs};
use ostler_testkit::tree;
use tempfile::TempDir;

fn ostler() -> Ostler {
    Ostler::new(env!("CARGO_BIN_EXE_ostler"))
}

fn source(seed: u64) -> TempDir {
    let source = TempDir::with_prefix("ostler-source-").unwrap();
    let mut random = Random::new(seed);
    for number in 0..12 {
        let directory = source.path().join(format!("part{}", number % 3));
        fs::create_dir_all(&directory).unwrap();
        let length = if number == 0 {
            5_000_000
        } else {
            random.below(60_000) as usize
        };
        fs::write(directory.join(format!("file{number}")), random.bytes(length)).unwrap();
    }
    source
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_new_machine_needs_only_the_address_and_the_key() {
    let source = source(1);
    let old = ostler();
    old.ok(["backup", "create", text(source.path()), "--name", "nightly"]);
    let saved = TempDir::new().unwrap();
    let (vault, key) = (saved.path().join("vault"), saved.path().join("copied.key"));
    fs::rename(old.vault(), &vault).unwrap();
    fs::copy(old.key(), &key).unwrap();
    fs::remove_dir_all(old.home()).unwrap();

    let new = ostler();
    new.ok(["vault", "add", text(&vault), "--key", text(&key)]);
    assert_eq!(new.json(["backup", "list"])["backups"][0]["name"], "nightly");
    new.ok(["backup", "verify", "nightly", "--read-data"]);
    let target = new.home().join("target");
    new.ok(["restore", "nightly", "--to", text(&target)]);
    assert_eq!(
        tree::difference(&tree::read(source.path()), &tree::read(&target)),
        ""
    );
}

#[test]
fn a_vault_in_s3_does_all_that_a_local_one_does() {
    let Some(server) = servers::seaweedfs() else {
        return;
    };
    let source = source(2);
    let ostler = ostler();
    let configuration = format!(
        "version = 1\n[defaults]\nvault = \"offsite\"\n[vault.offsite]\nlocation = \"{}/first\"\n\
         key = {{ file = \"{}\" }}\n[vault.offsite.s3]\nendpoint = \"{}\"\nregion = \"us-east-1\"\n\
         access_key = {{ env = \"S3_ID\" }}\nsecret_key = {{ env = \"S3_SECRET\" }}\n",
        server.bucket_url(),
        ostler.home().join("offsite.key").display(),
        server.endpoint(),
    );
    ostler.configure(&configuration);
    let run = |arguments: &[&str]| {
        let mut command = ostler.command(arguments);
        command
            .env("S3_ID", SeaweedFs::ACCESS_KEY_ID)
            .env("S3_SECRET", SeaweedFs::SECRET_ACCESS_KEY);
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}\n{}",
            output.status,
            said(&output)
        );
    };
    run(&["vault", "init"]);
    run(&["backup", "create", text(source.path()), "--name", "first"]);
    let before = tree::read(source.path());
    fs::write(source.path().join("part1/file1"), b"changed").unwrap();
    run(&["backup", "create", text(source.path())]);
    run(&["backup", "verify", "latest", "--read-data"]);
    run(&["backup", "drill", "first"]);
    let target = ostler.home().join("target");
    run(&["restore", "first", "--to", text(&target)]);
    assert_eq!(tree::difference(&before, &tree::read(&target)), "");
    run(&["backup", "prune", "--keep-last", "1", "--yes"]);
    run(&["vault", "check", "--read-data"]);
    run(&["backup", "list", "--output", "json"]);
}

#[test]
fn secrets_are_seen_nowhere() {
    let Some(server) = servers::seaweedfs() else {
        return;
    };
    let source = source(3);
    let ostler = ostler();
    let (canary, passphrase) = ("canary-s3-secret-4711", "canary-passphrase-0815");
    fs::write(ostler.home().join("passphrase"), format!("{passphrase}\n")).unwrap();
    let configuration = format!(
        "version = 1\n[defaults]\nvault = \"offsite\"\n[vault.offsite]\nlocation = \"{}/first\"\n\
         passphrase = {{ file = \"{}\" }}\n[vault.offsite.s3]\nendpoint = \"{}\"\nregion = \"us-east-1\"\n\
         access_key = {{ env = \"S3_ID\" }}\nsecret_key = {{ env = \"S3_SECRET\" }}\n\
         [vault.local]\nlocation = \"{}\"\npassphrase = {{ file = \"{}\" }}\n",
        server.bucket_url(),
        ostler.home().join("passphrase").display(),
        server.endpoint(),
        ostler.home().join("local-vault").display(),
        ostler.home().join("passphrase").display(),
    );
    ostler.configure(&configuration);
    let passphrase_file = ostler.home().join("passphrase");
    let mut all_output = String::new();
    for arguments in [
        // The S3 service refuses this secret, so every line below that needs it fails and says why.
        vec![
            "vault",
            "init",
            "--name",
            "offsite",
            "--passphrase-file",
            text(&passphrase_file),
            "-vvv",
        ],
        vec!["backup", "create", text(source.path()), "-vvv"],
        vec![
            "vault",
            "init",
            "--name",
            "local",
            "--passphrase-file",
            text(&passphrase_file),
            "-vvv",
        ],
        vec![
            "backup",
            "create",
            text(source.path()),
            "--vault",
            "local",
            "-vvv",
        ],
        vec![
            "backup", "show", "latest", "--vault", "local", "--output", "json", "-vvv",
        ],
        vec!["config", "show"],
        vec!["config", "show", "--output", "json"],
        vec!["config", "check", "-vvv"],
        vec!["config", "env"],
        vec!["operation", "export"],
    ] {
        let mut command = ostler.command(&arguments);
        command
            .env("S3_ID", SeaweedFs::ACCESS_KEY_ID)
            .env("S3_SECRET", canary);
        all_output.push_str(&said(&command.output().unwrap()));
    }
    let mut places = vec![("output".to_owned(), all_output.clone().into_bytes())];
    for (path, node) in tree::read(ostler.home()) {
        if path != Path::new("passphrase") {
            places.push((
                path.display().to_string(),
                [path.as_os_str().as_bytes(), &node.content[..]].concat(),
            ));
        }
    }
    for (place, bytes) in &places {
        for secret in [canary, passphrase] {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {place}");
        }
    }
    assert!(
        all_output.len() > 2_000 && places.len() > 8,
        "too little was looked at"
    );
}

#[test]
fn the_vault_and_the_state_are_never_in_a_backup_of_the_home() {
    let ostler = ostler();
    fs::create_dir_all(ostler.home().join("documents")).unwrap();
    fs::write(ostler.home().join("documents/letter"), "dear reader").unwrap();
    let report = ostler.json(["backup", "create", text(ostler.home())]);
    let left_out = report["left_out"].as_array().unwrap();
    assert!(left_out.iter().any(|p| p == text(&ostler.state())), "{report}");
    let target = TempDir::new().unwrap();
    ostler.ok(["restore", "latest", "--to", text(target.path())]);
    let restored = tree::read(target.path());
    assert!(restored.contains_key(Path::new("documents/letter")));
    assert!(
        !restored.keys().any(|path| path.starts_with("state")),
        "{:?}",
        restored.keys()
    );
}
