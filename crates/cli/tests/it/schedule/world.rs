//! A home with schedules, a server over it, and what its runs have to add up to.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ostler_testkit::binary::Ostler;
use ostler_vocabulary::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A home with documents, and a vault that has a backup of them.
pub fn home() -> Ostler {
    let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    fs::create_dir(ostler.home().join("documents")).unwrap();
    fs::write(ostler.home().join("documents/letter"), "Dear reader,\n").unwrap();
    ostler.ok(["backup", "create", "documents"]);
    ostler
}

pub fn add(ostler: &Ostler, line: &str) {
    ostler.ok(["schedule", "add"].into_iter().chain(line.split(' ')));
}

/// A server that is killed when it is dropped.
pub struct Serve(pub Child);

impl Serve {
    pub fn start(ostler: &Ostler) -> Self {
        Self::with(ostler, &[])
    }

    pub fn with(ostler: &Ostler, environment: &[(&str, &str)]) -> Self {
        Self::changed(ostler, |command| {
            command.envs(environment.iter().copied());
        })
    }

    /// With a command that is changed before it starts.
    pub fn changed(ostler: &Ostler, change: impl FnOnce(&mut Command)) -> Self {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(ostler.home().join("serve.log"))
            .unwrap();
        let mut command = ostler.command(["serve", "-v", "--roles", "scheduler"]);
        command.stdout(Stdio::null()).stderr(log);
        change(&mut command);
        Self(command.spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Ends it as systemd does.
    pub fn stop(mut self) {
        self.signal(Signal::TERM);
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn until(ostler: &Ostler, what: &str, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "{what}\n{}",
            fs::read_to_string(ostler.home().join("serve.log")).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn firings(ostler: &Ostler, name: &str) -> Vec<Value> {
    let shown = ostler.json(["schedule", "show", name, "--limit", "1000"]);
    shown["firings"].as_array().unwrap().clone()
}

pub fn good(ostler: &Ostler, name: &str) -> usize {
    let all = firings(ostler, name);
    all.iter()
        .filter(|one| one["state"] == "succeeded" && !one["ended"].is_null())
        .count()
}

pub fn time(value: &Value) -> i64 {
    value
        .as_str()
        .unwrap()
        .parse::<Timestamp>()
        .unwrap()
        .as_millisecond()
}

/// Every moment until the last was decided on once, and every run has one operation and one backup.
pub fn nothing_is_lost_or_doubled(ostler: &Ostler, name: &str, interval: i64) {
    let shown = ostler.json(["schedule", "show", name, "--limit", "1000"]);
    let all = shown["firings"].as_array().unwrap();
    let count = |one: &Value| match one["state"].as_str().unwrap() {
        "missed" => one["missed"].as_i64().unwrap(),
        _ => 1,
    };
    let decided: i64 = all.iter().map(count).sum();
    let last = all.iter().map(|one| time(&one["due"])).max().unwrap();
    assert_eq!(decided * interval, last - time(&shown["created"]), "{shown:#}");
    let dues: BTreeSet<i64> = all.iter().map(|one| time(&one["due"])).collect();
    assert_eq!(dues.len(), all.len(), "{shown:#}");
    let of = |list: &Value, rows: &str, field: &str| -> Vec<String> {
        let rows = list[rows].as_array().unwrap().iter();
        rows.map(|row| row[field].as_str().unwrap().to_owned()).collect()
    };
    let operations = ostler.json(["operation", "list", "--limit", "1000"]);
    let operations: BTreeSet<String> = operations["operations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["kind"] == "create_backup")
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect();
    let runs: BTreeSet<String> = all
        .iter()
        .filter_map(|one| one["operation"].as_str().map(str::to_owned))
        .collect();
    // One more: the backup that the home begins with.
    assert_eq!(operations.len(), runs.len() + 1, "{operations:?} {runs:?}");
    assert!(runs.is_subset(&operations));
    let backups = of(
        &ostler.json(["backup", "list", "--tag", "schedule=tick"]),
        "backups",
        "id",
    );
    assert_eq!(backups.len(), good(ostler, name), "{shown:#}");
}
