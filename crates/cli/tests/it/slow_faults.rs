//! Faults that need real time: checks beside everything that changes a vault, and a process that was stopped for a minute.
//! `cargo xtask faults` runs them for as long as it says; the everyday tests run the first for some seconds.

use std::fs;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::random::Random;
use ostler_testkit::tree;

/// Exit codes of work that another process may hold up.
const DONE_OR_BUSY: [i32; 2] = [0, 5];
/// Longer than a lease lasts.
const STOPPED: Duration = Duration::from_secs(70);

/// How long the first test takes.
fn duration() -> Duration {
    let seconds = std::env::var("OSTLER_TEST_FAULTS_SECONDS");
    Duration::from_secs(seconds.map_or(6, |text| text.parse().expect("a number of seconds")))
}

/// A home with two directories of files and a vault.
fn world() -> Ostler {
    let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    for name in ["one", "two"] {
        let data = ostler.home().join(name);
        fs::create_dir(&data).unwrap();
        for number in 0..20 {
            fs::write(data.join(number.to_string()), vec![number; 5000]).unwrap();
        }
    }
    ostler.ok(["vault", "init"]);
    ostler.ok(["backup", "create", "one"]);
    ostler
}

/// Runs commands one after another until the end, and gives those that ended with another code than they may.
fn repeat(
    ostler: &Ostler,
    until: &AtomicBool,
    codes: &[i32],
    mut words: impl FnMut() -> Vec<&'static str>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    while !until.load(Ordering::Relaxed) {
        let words = words();
        let output: Output = ostler.run(&words);
        if !output.status.code().is_some_and(|code| codes.contains(&code)) {
            wrong.push(format!(
                "{words:?} ended with {}\n{}",
                output.status,
                said(&output)
            ));
        }
    }
    wrong
}

#[test]
fn a_check_beside_backups_prunes_and_rotations_raises_no_alarm() {
    let ostler = &world();
    let is_over = &AtomicBool::new(false);
    let writer = |name: &'static str, seed: u64| {
        let mut random = Random::new(seed);
        move || {
            let file = ostler.home().join(name).join(random.below(20).to_string());
            fs::write(file, random.bytes(5000)).unwrap();
            vec!["backup", "create", name]
        }
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let others = [
            scope.spawn(|| repeat(ostler, is_over, &DONE_OR_BUSY, writer("one", 1))),
            scope.spawn(|| repeat(ostler, is_over, &DONE_OR_BUSY, writer("two", 2))),
            scope.spawn(|| {
                let prune = || vec!["backup", "prune", "--keep-last", "2", "--yes"];
                repeat(ostler, is_over, &DONE_OR_BUSY, prune)
            }),
            scope.spawn(|| {
                let rotate = || vec!["vault", "key", "rotate", "--compromised", "--yes"];
                repeat(ostler, is_over, &DONE_OR_BUSY, rotate)
            }),
            scope.spawn(|| repeat(ostler, is_over, &[0], || vec!["vault", "check", "--read-data"])),
            scope.spawn(|| repeat(ostler, is_over, &[0], || vec!["vault", "check"])),
        ];
        std::thread::sleep(duration());
        is_over.store(true, Ordering::Relaxed);
        others
            .into_iter()
            .flat_map(|other| other.join().unwrap())
            .collect()
    });
    assert!(wrong.is_empty(), "{} times\n{}", wrong.len(), wrong.join("\n\n"));
    ostler.ok(["vault", "check", "--read-data"]);
    for name in ["one", "two"] {
        ostler.ok(["backup", "create", name]);
        let data = ostler.home().join(name);
        let there = ostler.home().join(format!("{name}-restored"));
        let path = data.to_str().unwrap();
        ostler.ok([
            "restore",
            "latest",
            "--path",
            path,
            "--to",
            there.to_str().unwrap(),
        ]);
        let difference = tree::difference(&tree::read(&data), &tree::read(&there));
        assert!(difference.is_empty(), "{difference}");
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success(), "{name}");
}

#[test]
#[ignore = "takes minutes: cargo xtask faults"]
fn a_process_that_was_stopped_for_a_minute_ends_its_work_or_says_that_it_did_not() {
    let ostler = world();
    let data = ostler.home().join("one");
    fs::write(data.join("large"), Random::new(3).bytes(12 << 20)).unwrap();
    let verbs: [&[&str]; 4] = [
        &["backup", "create", "one", "--limit-upload", "2MiB"],
        &["backup", "verify", "latest", "--read-data"],
        &["backup", "drill", "latest"],
        &["backup", "prune", "--keep-last", "1", "--yes"],
    ];
    for words in verbs {
        for after in [100, 400, 1500] {
            let mut command = ostler.command(words);
            let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
            let mut child = child.unwrap();
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(after) && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(10));
            }
            if child.try_wait().unwrap().is_none() {
                signal(&child, "-STOP");
                std::thread::sleep(STOPPED);
                signal(&child, "-CONT");
            }
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{words:?}\n{}", said(&output));
            let list = ostler.json(["operation", "list"]);
            assert_eq!(list["operations"][0]["state"], "succeeded", "{words:?} {list}");
        }
    }
    ostler.ok(["vault", "check", "--read-data"]);
}
