//! Metrics of real vaults and operations, and what is made of them: rules, a board, units.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::install::{or_skip, promtool};

use crate::receiver::ask;
use crate::served::{self, Served};

fn deploy(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../deploy")
        .join(path)
}

fn home() -> Ostler {
    let ostler = served::home();
    fs::create_dir(ostler.home().join("documents")).unwrap();
    fs::write(ostler.home().join("documents/letter"), "Dear reader,\n").unwrap();
    ostler
}

/// The value of the only metric that begins with `name` and has all these labels.
fn value(text: &str, name: &str, labels: &[&str]) -> f64 {
    let found: Vec<&str> = text
        .lines()
        .filter(|line| line.split(['{', ' ']).next() == Some(name))
        .filter(|line| labels.iter().all(|label| line.contains(label)))
        .collect();
    let [line] = found.as_slice() else {
        panic!("{name} {labels:?} is there {} times:\n{text}", found.len());
    };
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn metrics_are_of_what_was_seen_and_never_is_infinite() {
    let ostler = home();
    let empty = ostler.ok(["metrics", "--refresh"]);
    assert!(
        !empty.contains("ostler_vault_packs{"),
        "there is no vault yet\n{empty}"
    );
    ostler.ok(["backup", "create", "documents"]);
    let failed = ostler.run(["backup", "create", "documents", "--before", "exit 7"]);
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));

    // Nobody looked since, and operations are counted all the same.
    let before = ostler.ok(["metrics"]);
    assert!(!before.contains("ostler_vault_packs{"), "{before}");
    assert_eq!(value(&before, "ostler_operations_total", &["succeeded"]), 1.0);
    assert_eq!(value(&before, "ostler_operations_total", &["failed"]), 1.0);

    let text = ostler.ok(["metrics", "--refresh"]);
    let age = value(&text, "ostler_backup_complete_age_seconds", &["documents"]);
    assert!((0.0..3600.0).contains(&age), "{age}");
    assert!(value(&text, "ostler_backup_verified_age_seconds", &[]).is_infinite());
    assert!(value(&text, "ostler_vault_stored_bytes", &["default"]) > 0.0);
    assert_eq!(value(&text, "ostler_backup_files", &[]), 1.0);
    assert_eq!(value(&text, "ostler_backup_logical_bytes", &[]), 13.0);
    assert_eq!(value(&text, "ostler_vault_backups", &["\"complete\""]), 1.0);
    assert_eq!(value(&text, "ostler_vault_backups", &["damaged"]), 0.0);
    assert!(value(&text, "ostler_phase_bytes_total", &["upload"]) >= 13.0);
    assert!(value(&text, "ostler_scheduler_beat_age_seconds", &[]).is_infinite());
    assert_eq!(value(&text, "ostler_refresh_success", &["default"]), 1.0);

    ostler.ok(["backup", "drill", "latest"]);
    let text = ostler.ok(["metrics", "--refresh"]);
    assert!(value(&text, "ostler_backup_verified_age_seconds", &[]).is_finite());
    assert_eq!(value(&text, "ostler_operations_total", &["drill"]), 1.0);
    assert_eq!(
        value(&text, "ostler_operations_total", &["failed"]),
        1.0,
        "counted once"
    );
    let json = ostler.json(["metrics"]);
    assert_eq!(json["schema"], "ostler/metrics/1");

    let Some(promtool) = or_skip("promtool", promtool()) else {
        return;
    };
    let mut check = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let checked = check.wait_with_output().unwrap();
    assert!(checked.status.success(), "{}", said(&checked));
}

#[test]
fn a_vault_that_is_gone_is_said_to_be_and_what_was_seen_grows_old() {
    let ostler = home();
    ostler.ok(["backup", "create", "documents"]);
    let seen = ostler.ok(["metrics", "--refresh"]);
    fs::rename(ostler.vault(), ostler.home().join("elsewhere")).unwrap();
    // Whoever only asks does not notice: no store is looked at.
    let asked = ostler.ok(["metrics"]);
    assert_eq!(value(&asked, "ostler_refresh_success", &[]), 1.0);
    let gone = ostler.ok(["metrics", "--refresh"]);
    assert_eq!(value(&gone, "ostler_refresh_success", &[]), 0.0);
    assert_eq!(
        value(&gone, "ostler_vault_packs", &[]),
        value(&seen, "ostler_vault_packs", &[])
    );
    let age = |text: &str| value(text, "ostler_refresh_age_seconds", &[]);
    assert!(age(&gone) > age(&seen), "{} {}", age(&gone), age(&seen));
}

#[test]
fn a_server_looks_by_itself_and_tells_only_those_with_a_token() {
    let ostler = home();
    ostler.configure("version = 1\n[metrics]\nrefresh = \"200ms\"\n");
    ostler.ok(["backup", "create", "documents"]);
    let token = ostler.json(["token", "add", "prometheus"])["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let server = Served::start(&ostler, &["--roles", "metrics"]);
    assert_eq!(ask(server.port(), "GET", "/metrics", "wrong", "").0, 401);
    let looks = |count: f64| {
        let start = Instant::now();
        loop {
            let (status, text) = ask(server.port(), "GET", "/metrics", &token, "");
            assert_eq!(status, 200, "{text}");
            let backups = text
                .lines()
                .find(|line| line.starts_with("ostler_backup_restorable{"))
                .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap());
            if backups == Some(count) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(120), "{text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    looks(1.0);
    ostler.ok(["backup", "create", "documents"]);
    looks(2.0);
    let refused = ask(server.port(), "POST", "/v1/metrics/refresh", &token, "").0;
    assert_eq!(refused, 403, "viewers make no server work");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn alert_rules_do_what_their_tests_say_also_when_nothing_answers() {
    let Some(promtool) = or_skip("promtool", promtool()) else {
        return;
    };
    for words in [
        vec!["check", "rules", "prometheus/ostler.rules.yml"],
        vec!["test", "rules", "prometheus/ostler.rules.test.yml"],
        vec!["check", "config", "--syntax-only", "prometheus/scrape.yml"],
    ] {
        let done = Command::new(&promtool)
            .args(&words)
            .current_dir(deploy(""))
            .output()
            .unwrap();
        assert!(done.status.success(), "{words:?}\n{}", said(&done));
    }
    let rules = fs::read_to_string(deploy("prometheus/ostler.rules.yml")).unwrap();
    let tests = fs::read_to_string(deploy("prometheus/ostler.rules.test.yml")).unwrap();
    for rule in rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
    {
        assert!(
            tests
                .lines()
                .any(|line| line.contains(&format!("alertname: {rule}"))),
            "{rule} has no test"
        );
    }
}

#[test]
fn commands_in_units_and_container_are_understood() {
    let ostler = home();
    for file in ["systemd/ostler.service", "systemd/ostler-agent.service"] {
        let text = fs::read_to_string(deploy(file)).unwrap();
        let start = text
            .lines()
            .find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/ostler "))
            .unwrap();
        ostler.ok(start.split(' ').chain(["--help"]));
        // The program is not there where tests run, and everything else is looked at.
        let copy = ostler.home().join(file.rsplit('/').next().unwrap());
        fs::write(&copy, text.replace("/usr/local/bin/ostler", "/bin/true")).unwrap();
        let Ok(checked) = Command::new("systemd-analyze").arg("verify").arg(&copy).output() else {
            continue;
        };
        assert!(checked.status.success(), "{file}\n{}", said(&checked));
        assert!(
            !said(&checked).contains(".service:"),
            "{file}\n{}",
            said(&checked)
        );
    }
    let text = fs::read_to_string(deploy("container/Containerfile")).unwrap();
    let words = text.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap();
    let words: Vec<String> = serde_json::from_str(words).unwrap();
    ostler.ok(words.into_iter().chain(["--help".to_owned()]));
}
