//! How much is asked of the store: limits that hold and can be changed, requests that are counted, what they cost.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::random::Random;
use ostler_testkit::servers::{SeaweedFs, seaweedfs};
use serde_json::Value;
use tempfile::TempDir;

fn source(files: u64, length: usize) -> TempDir {
    let directory = TempDir::with_prefix("ostler-source-").unwrap();
    for number in 0..files {
        let folder = directory.path().join(format!("d{}", number / 100));
        fs::create_dir_all(&folder).unwrap();
        // Without pattern: what compresses would be fewer packs.
        let mut random = Random::new(number + 1);
        let bytes: Vec<u8> = (0..length / 8 + 1)
            .flat_map(|_| random.number().to_le_bytes())
            .take(length)
            .collect();
        fs::write(folder.join(format!("f{number}")), bytes).unwrap();
    }
    directory
}

fn text(directory: &TempDir) -> &str {
    directory.path().to_str().unwrap()
}

/// A home whose default vault is in the bucket.
fn remote(server: &SeaweedFs, prefix: &str, more: &str) -> Ostler {
    let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    ostler.configure(&format!(
        "version = 1\n[defaults]\nvault = \"far\"\n{more}\n[vault.far]\nlocation = \"{}/{prefix}\"\nprices = \"list\"\n\
         [vault.far.s3]\nendpoint = \"{}\"\nregion = \"us-east-1\"\naccess_key = {{ file = \"id\" }}\n\
         secret_key = {{ file = \"secret\" }}\n[prices.list]\ncurrency = \"EUR\"\ncreate = 5.0\nread = 0.4\nstorage = 1000.0\n",
        server.bucket_url(),
        server.endpoint(),
    ));
    let settings = ostler.home().join("settings/ostler");
    fs::write(settings.join("id"), SeaweedFs::ACCESS_KEY_ID).unwrap();
    fs::write(settings.join("secret"), SeaweedFs::SECRET_ACCESS_KEY).unwrap();
    ostler.ok(["vault", "init", "--name", "far"]);
    ostler
}

fn number(report: &Value, field: &str) -> u64 {
    report["traffic"][field]
        .as_u64()
        .unwrap_or_else(|| panic!("{field} in {report}"))
}

#[test]
fn an_unchanged_backup_costs_twenty_requests_and_small_files_are_packed() {
    let Some(server) = seaweedfs() else { return };
    let ostler = remote(&server, "counts", "");
    let files = std::env::var("OSTLER_TEST_SMALL_FILES").map_or(6_000, |files| files.parse().unwrap());
    let source = source(files, 4096);
    let first = ostler.json(["backup", "create", text(&source)]);
    // A million files may cost 1,500; what does not grow with their number is the rest.
    let most = 30 + files * 1_500 / 1_000_000;
    assert!(number(&first, "created") <= most, "{}", first["traffic"]);

    // The second looks at files whose times were too fresh in the first; from then on nothing is new.
    ostler.ok(["backup", "create", text(&source)]);
    ostler.ok(["backup", "create", text(&source)]);
    let unchanged = ostler.json(["backup", "create", text(&source)]);
    assert_eq!(unchanged["backup"]["counts"]["new_bytes"], 0);
    let requests: u64 = ["created", "looked_up", "listed", "deleted"]
        .iter()
        .map(|field| number(&unchanged, field))
        .sum();
    // Of those that read, five are no metadata of files: what opens the vault, the parent's and the own record.
    assert!(requests + 5 <= 20, "{}", unchanged["traffic"]);
    assert_eq!(number(&unchanged, "failed"), 0);
    // Every pack was looked up, those of earlier backups too.
    let evidence = &unchanged["evidence"];
    assert_eq!(evidence["looked_up"], unchanged["objects_found"], "{evidence}");
    assert!(evidence["remembered"].is_null(), "{evidence}");
    let config = ostler.home().join("settings/ostler/config.toml");
    let own = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{own}\n[backup]\npresence_max_age = \"1d\"\n")).unwrap();
    ostler.ok(["backup", "create", text(&source)]);
    let report = ostler.json(["backup", "create", text(&source)]);
    let evidence = &report["evidence"];
    assert!(evidence["remembered"].as_u64().unwrap() > 0, "{evidence}");
    assert!(evidence["remembered_since"].is_string(), "{evidence}");
    let shown = ostler.ok(["backup", "show", "latest", "--evidence"]);
    assert!(shown.contains("seen at"), "{shown}");
    fs::write(&config, own).unwrap();
    let cost = unchanged["traffic"]["cost"]["amount"].as_f64().unwrap();
    let expected = number(&unchanged, "created") as f64 * 0.005
        + (number(&unchanged, "read") + number(&unchanged, "looked_up")) as f64 * 0.0004;
    assert!((cost - expected).abs() < 1e-9, "{}", unchanged["traffic"]);
    let said = ostler.ok(["backup", "create", text(&source)]);
    assert!(said.contains("cost") && said.contains("EUR"), "{said}");

    let vault = ostler.json(["vault", "info"]);
    let month = vault["monthly"]["amount"].as_f64().unwrap();
    assert!(
        (month - vault["bytes"].as_f64().unwrap() / 1e6).abs() < 1e-9,
        "{vault}"
    );
    assert!(ostler.ok(["vault", "info"]).contains(" EUR a month"));

    // The copies on this machine may be gone or wrong at any time.
    let before = number(&unchanged, "read");
    for entry in fs::read_dir(ostler.home().join(".cache/ostler/objects")).unwrap() {
        fs::write(entry.unwrap().path(), "no object").unwrap();
    }
    let again = ostler.json(["backup", "create", text(&source)]);
    assert!(number(&again, "read") > before, "{}", again["traffic"]);
    fs::remove_dir_all(ostler.home().join(".cache")).unwrap();
    ostler.ok(["backup", "verify", "latest", "--read-data"]);
    ostler.ok(["vault", "check"]);

    // A restore says first what it will read.
    let to = ostler.home().join("target");
    let plan = ostler.json(["restore", "latest", "--to", to.to_str().unwrap(), "--dry-run"]);
    let estimate = plan["work"]["estimate"].clone();
    let report = ostler.json(["restore", "latest", "--to", to.to_str().unwrap()]);
    let (said, was) = (
        estimate["bytes"].as_u64().unwrap(),
        number(&report, "received_bytes"),
    );
    assert!(
        said * 3 / 4 <= was && was <= said * 5 / 4 + (2 << 20),
        "{estimate} {}",
        report["traffic"]
    );
    assert!(estimate["cost"]["amount"].as_f64().unwrap() > 0.0, "{estimate}");
}

#[test]
fn a_limit_holds_and_another_process_lifts_it() {
    let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    let source = source(3, 9 << 20);
    let begun = Instant::now();
    let mut child = ostler
        .command([
            "backup",
            "create",
            text(&source),
            "--limit-upload",
            "100KiB",
            "--output",
            "json",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = loop {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "no operation is to be seen"
        );
        let list = ostler.run(["operation", "list", "--output", "json"]);
        let list: Value = serde_json::from_slice(&list.stdout).unwrap_or_default();
        let running = list["operations"]
            .as_array()
            .and_then(|all| all.iter().find(|one| one["state"] == "running"));
        match running {
            // It has read something, so that it waits for the limit now.
            Some(one) if one["bytes"].as_u64() > Some(16 << 20) => {
                break one["id"].as_str().unwrap().to_owned();
            }
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    // 27 MiB take more than four minutes.
    assert!(child.try_wait().unwrap().is_none());
    let refused = ostler.run(["operation", "limit", &id]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    let slower = ostler.json(["operation", "limit", &id, "--download", "1GiB"]);
    assert_eq!(slower["download"], 1 << 30);
    let lifted = ostler.json(["operation", "limit", &id[..8], "--upload", "none"]);
    assert_eq!(
        (&lifted["upload"], &lifted["download"]),
        (&Value::from(0), &Value::from(1 << 30))
    );
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        begun.elapsed() < Duration::from_secs(120),
        "{:?}",
        begun.elapsed()
    );
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(number(&report, "sent_bytes") > 27 << 20);

    let over = ostler.run(["operation", "limit", &id, "--upload", "1MiB"]);
    assert_eq!(over.status.code(), Some(4), "{}", said(&over));
    let limits = ostler.state().join("limits");
    assert_eq!(fs::read_dir(limits).unwrap().count(), 0, "nothing is left");
    let wrong = ostler.run(["backup", "list", "--limit-upload", "1000"]);
    assert!(
        wrong.status.code() == Some(2) && said(&wrong).contains("KiB"),
        "{}",
        said(&wrong)
    );
}

#[test]
fn a_configured_limit_counts_for_reading_too() {
    let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    let vault = ostler.home().join("vault");
    ostler.configure(&format!(
        "version = 1\n[defaults]\nvault = \"near\"\n[vault.near]\nlocation = \"{}\"\n[vault.near.limits]\n\
         download = \"2MiB\"\n",
        vault.display()
    ));
    ostler.ok(["vault", "init", "--name", "near"]);
    let source = source(1, 12 << 20);
    ostler.ok(["backup", "create", text(&source)]);
    let restore = |to: &str, limit: &[&str]| {
        let to = ostler.home().join(to);
        let begun = Instant::now();
        ostler.ok(["restore", "latest", "--to", to.to_str().unwrap()]
            .iter()
            .chain(limit)
            .copied());
        begun.elapsed()
    };
    // A second's worth may come at once.
    let slow = restore("slow", &[]);
    assert!(slow >= Duration::from_millis(4_500), "{slow:?}");
    let fast = restore("fast", &["--limit-download", "none"]);
    assert!(fast < slow, "{fast:?} {slow:?}");
}
