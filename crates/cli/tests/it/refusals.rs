//! What is refused, or fails soon, with an exit code and a hint: floors of `backup delete`, stores that are not there.

use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::servers::{SeaweedFs, free_ports, seaweedfs};

fn ostler() -> Ostler {
    Ostler::new(env!("CARGO_BIN_EXE_ostler"))
}

fn code(output: &Output, expected: i32) -> String {
    assert_eq!(output.status.code(), Some(expected), "{}", said(output));
    said(output).replace('\n', " ")
}

fn with_data(ostler: &Ostler) -> PathBuf {
    let data = ostler.home().join("data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("a"), "content\n").unwrap();
    data
}

fn backup(ostler: &Ostler) -> String {
    let made = ostler.json(["backup", "create", "data"]);
    made["backup"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn the_last_good_backup_and_the_newest_verified_one_are_not_deleted_by_name() {
    let ostler = ostler();
    with_data(&ostler);
    let first = backup(&ostler);
    for arguments in [["--yes"], ["--dry-run"]] {
        let delete = ["backup", "delete", "latest"].into_iter().chain(arguments);
        let said = code(&ostler.run(delete), 4);
        assert!(said.contains("no good backup of"), "{said}");
        assert!(
            said.contains("hint:") && said.contains("--below-floors"),
            "{said}"
        );
    }
    ostler.ok(["backup", "verify", &first, "--read-data"]);
    let second = backup(&ostler);
    let said = code(&ostler.run(["backup", "delete", &first, "--yes"]), 4);
    assert!(said.contains("newest verified one"), "{said}");
    ostler.ok(["backup", "delete", &second, "--yes"]);
    assert_eq!(
        ostler.json(["backup", "list"])["backups"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    ostler.configure("version = 1\n[keep]\nmin_keep = 3\n");
    let [second, _third] = [backup(&ostler), backup(&ostler)];
    let said = code(&ostler.run(["backup", "delete", &second, "--yes"]), 4);
    assert!(said.contains("fewer than min_keep 3"), "{said}");
    ostler.ok([
        "backup",
        "delete",
        &second,
        &first,
        "latest",
        "--yes",
        "--below-floors",
    ]);
    assert_eq!(
        ostler.json(["backup", "list"])["backups"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn what_a_dry_run_says_is_freed_is_what_is_freed() {
    let ostler = ostler();
    with_data(&ostler);
    backup(&ostler);
    backup(&ostler);
    // The second one added no file: only small objects can go with the first.
    let plan = ostler.json(["backup", "prune", "--keep-last", "1", "--dry-run"]);
    let work = &plan["work"];
    assert!(work["small_objects"].as_u64().unwrap() >= 2, "{plan}");
    assert!(work["small_bytes"].as_u64().unwrap() > 0, "{plan}");
    let human = ostler.ok(["backup", "prune", "--keep-last", "1", "--dry-run"]);
    assert!(human.contains("small object"), "{human}");
    let before = size(&ostler);
    let report = ostler.json(["backup", "prune", "--keep-last", "1", "--yes"]);
    let freed = report["bytes_freed"].as_u64().unwrap();
    assert_eq!(before - size(&ostler), freed, "{report}");
    let said = ["free_bytes", "repack_bytes", "small_bytes"].map(|key| work[key].as_u64().unwrap());
    let said: u64 = said.iter().sum();
    assert!(
        said > 0 && freed.abs_diff(said) < 1024,
        "said {said}, freed {freed}"
    );
}

/// Bytes of all objects of the vault but those that say who writes to it.
fn size(ostler: &Ostler) -> u64 {
    let mut folders = vec![ostler.vault()];
    let mut sum = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            if entry.file_name() == "leases" {
                continue;
            }
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                sum += metadata.len();
            }
        }
    }
    sum
}

#[test]
fn why_a_backup_is_held_is_shown() {
    let ostler = ostler();
    with_data(&ostler);
    backup(&ostler);
    ostler.ok(["backup", "hold", "latest", "--reason", "audit of 2026"]);
    let shown = ostler.ok(["backup", "show", "latest"]);
    assert!(shown.contains("audit of 2026; no rule deletes it"), "{shown}");
    assert_eq!(
        ostler.json(["backup", "show", "latest"])["hold_reason"],
        "audit of 2026"
    );
    ostler.ok(["backup", "release", "latest"]);
    assert!(!ostler.ok(["backup", "show", "latest"]).contains("audit"));
}

fn with_s3(ostler: &Ostler, location: &str, endpoint: &str) {
    ostler.configure(&format!(
        "version = 1\n[defaults]\nvault = \"far\"\n[vault.far]\nlocation = \"{location}\"\n[vault.far.s3]\n\
         endpoint = \"{endpoint}\"\naccess_key = {{ env = \"S3_ID\" }}\nsecret_key = {{ env = \"S3_SECRET\" }}\n"
    ));
}

fn run(ostler: &Ostler, arguments: &[&str]) -> Output {
    let mut command = ostler.command(arguments);
    command
        .env("S3_ID", SeaweedFs::ACCESS_KEY_ID)
        .env("S3_SECRET", SeaweedFs::SECRET_ACCESS_KEY)
        // As on a machine, or in a container, without the package of certificates.
        .env("SSL_CERT_FILE", "/nonexistent")
        .env("SSL_CERT_DIR", "/nonexistent");
    command.output().unwrap()
}

#[test]
fn a_bucket_that_is_not_there_is_not_found_and_http_needs_no_certificates() {
    let Some(server) = seaweedfs() else { return };
    let ostler = ostler();
    with_data(&ostler);
    with_s3(&ostler, "s3://no-such-bucket/vault", &server.endpoint());
    for arguments in [
        &["backup", "list"] as &[&str],
        &["vault", "init", "--name", "far"],
        &["backup", "create", "data"],
    ] {
        let said = code(&run(&ostler, arguments), 7);
        assert!(said.contains("hint: make the bucket `no-such-bucket`"), "{said}");
    }
    with_s3(
        &ostler,
        &format!("{}/vault", server.bucket_url()),
        &server.endpoint(),
    );
    let said = code(&run(&ostler, &["backup", "list"]), 7);
    assert!(said.contains("ostler vault init --name far"), "{said}");
    code(&run(&ostler, &["vault", "init", "--name", "far"]), 0);
    code(&run(&ostler, &["backup", "create", "data"]), 0);
}

#[test]
fn a_service_that_does_not_run_is_told_at_once() {
    let ostler = ostler();
    let [nobody] = free_ports().unwrap();
    let endpoint = format!("http://127.0.0.1:{nobody}");
    with_s3(&ostler, "s3://bucket/vault", &endpoint);
    let began = Instant::now();
    let said = code(&run(&ostler, &["backup", "list"]), 8);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "it took {:?}",
        began.elapsed()
    );
    assert!(said.contains("the store cannot be reached"), "{said}");
    assert!(said.contains(&endpoint) && said.contains("hint:"), "{said}");
}
