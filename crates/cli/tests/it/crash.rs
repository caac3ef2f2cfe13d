//! The real binary is killed with SIGKILL at every step and at random moments. The oracle is the stand-alone reader
//! in another language: it shares no code with us, and knows the vault only from its format page.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::random::Random;
use ostler_testkit::{install, tree};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) type Tree = BTreeMap<PathBuf, tree::Node>;

/// Runs at random moments of each operation; the campaign (`cargo xtask crash`) sets it higher.
fn random_runs() -> u64 {
    std::env::var("OSTLER_TEST_CRASH_RUNS").map_or(6, |runs| runs.parse().expect("a number"))
}

/// Where a process is killed.
#[derive(Debug, Clone)]
pub(crate) enum Moment {
    Step(String),
    After(Duration),
}

/// A home with good backups in its vault, and the source they were made from.
pub(crate) struct Scene {
    pub(crate) ostler: Ostler,
    pub(crate) source: TempDir,
    /// What the source was when each backup was made, by name.
    pub(crate) expected: BTreeMap<String, Tree>,
}

impl Scene {
    pub(crate) fn new(backups: usize) -> Self {
        let source = TempDir::with_prefix("ostler-source-").unwrap();
        let mut scene = Self {
            ostler: Ostler::new(env!("CARGO_BIN_EXE_ostler")),
            source,
            expected: BTreeMap::new(),
        };
        let mut random = Random::new(7);
        for number in 0..40 {
            let directory = scene.source.path().join(format!("d{}", number % 5));
            fs::create_dir_all(&directory).unwrap();
            let length = if number % 10 == 0 {
                3 << 20
            } else {
                random.below(20_000) as usize
            };
            fs::write(directory.join(format!("f{number}")), random.bytes(length)).unwrap();
        }
        for number in 0..backups {
            scene.change_source(number as u64);
            let name = format!("b{number}");
            scene.ostler.ok([
                "backup",
                "create",
                scene.source.path().to_str().unwrap(),
                "--name",
                &name,
            ]);
            scene.expected.insert(name, tree::read(scene.source.path()));
        }
        scene
    }

    pub(crate) fn change_source(&self, seed: u64) {
        let mut random = Random::new(seed + 100);
        for number in 0..6 {
            let path = self
                .source
                .path()
                .join(format!("d{}/changed{number}", random.below(5)));
            let length = random.below(400_000) as usize;
            fs::write(path, random.bytes(length)).unwrap();
        }
    }

    pub(crate) fn source(&self) -> &str {
        self.source.path().to_str().unwrap()
    }

    /// Every committed backup in the vault, restored by the oracle, is what its source was.
    pub(crate) fn check_by_oracle(
        &self,
        ostler: &Ostler,
        expected: &BTreeMap<String, Tree>,
        context: &str,
    ) -> Vec<String> {
        self.check_vault(&ostler.vault(), &ostler.key(), expected, context)
    }

    /// The same of any vault.
    pub(crate) fn check_vault(
        &self,
        vault: &Path,
        key: &Path,
        expected: &BTreeMap<String, Tree>,
        context: &str,
    ) -> Vec<String> {
        let listed = oracle(&["list".as_ref(), vault, "--key".as_ref(), key]);
        let mut names = Vec::new();
        for line in listed.lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            let (id, name) = (
                record["backup"].as_str().unwrap(),
                record["name"].as_str().unwrap().to_owned(),
            );
            let target = TempDir::with_prefix("ostler-oracle-").unwrap();
            let arguments = ["restore".as_ref(), vault, id.as_ref(), target.path()];
            oracle(&[&arguments[..], &["--key".as_ref(), key]].concat());
            let below = target.path().join(self.source.path().strip_prefix("/").unwrap());
            let difference = tree::difference(&expected[&name], &tree::read(&below));
            assert!(
                difference.is_empty(),
                "{context}: backup {name} is not what was backed up\n{difference}"
            );
            names.push(name);
        }
        names
    }
}

/// Runs the stand-alone reader and gives what it printed.
fn oracle(arguments: &[&Path]) -> String {
    let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/design/read_vault.py");
    let output = Command::new(install::python().expect("a Python"))
        .arg(reader)
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "the stand-alone reader {arguments:?}\n{}",
        said(&output)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Starts the command, kills it at the moment, and says whether it was killed rather than done before.
pub(crate) fn kill_at(ostler: &Ostler, arguments: &[&str], moment: &Moment) -> bool {
    let mut command = ostler.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    if let Moment::Step(point) = moment {
        command.env("OSTLER_TEST_KILL", point);
    }
    let mut child: Child = command.spawn().unwrap();
    if let Moment::After(delay) = moment {
        thread::sleep(*delay);
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let killed = output.status.signal() == Some(9);
    assert!(
        killed || output.status.success(),
        "{arguments:?} at {moment:?}\n{}",
        said(&output)
    );
    killed
}

/// Goes on with every operation that is not over, as a user would.
pub(crate) fn resume_all(ostler: &Ostler, context: &str) {
    let operations = ostler.json(["operation", "list"]);
    for operation in operations["operations"].as_array().unwrap() {
        if operation["state"] == "interrupted" {
            let output = ostler.run(["operation", "resume", operation["id"].as_str().unwrap()]);
            assert!(output.status.success(), "{context}: resume\n{}", said(&output));
        }
    }
}

/// Every step of the newest operation before and after, and random moments of its duration.
pub(crate) fn moments(ostler: &Ostler, duration: Duration, seed: u64) -> Vec<Moment> {
    let newest = ostler.json(["operation", "list"])["operations"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let shown = ostler.json(["operation", "show", &newest]);
    let steps = shown["steps"].as_array().unwrap();
    assert!(steps.len() >= 2, "an operation of several steps: {shown}");
    let mut moments = Vec::new();
    // A step's key, an id or a number, is no part of what the process is told.
    let bare = |name: &str| {
        let words = name.split(' ');
        let words: Vec<&str> = words
            .take_while(|word| !word.contains(|c: char| c.is_ascii_digit()))
            .collect();
        words.join(" ")
    };
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    for step in steps {
        let name = bare(step["name"].as_str().unwrap());
        let time = times.entry(name.clone()).or_default();
        *time += 1;
        if *time == 1 {
            moments.push(Moment::Step(format!("before:{name}")));
        }
        if *time <= 2 {
            moments.push(Moment::Step(format!("after:{name}:{time}")));
        }
    }
    moments.extend(random_moments(duration, seed));
    moments
}

/// Random moments of what takes so long.
pub(crate) fn random_moments(duration: Duration, seed: u64) -> impl Iterator<Item = Moment> {
    let mut random = Random::new(seed);
    let span = duration.as_micros() as u64 * 11 / 10;
    (0..random_runs()).map(move |_| Moment::After(Duration::from_micros(random.below(span))))
}

pub(crate) fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

#[test]
fn a_backup_killed_anywhere_is_never_falsely_complete_and_goes_on() {
    let scene = Scene::new(1);
    scene.change_source(50);
    let mut expected = scene.expected.clone();
    expected.insert("new".into(), tree::read(scene.source.path()));
    let arguments = ["backup", "create", scene.source(), "--name", "new"];
    let rehearsal = scene.ostler.copy();
    let duration = timed(|| drop(rehearsal.ok(arguments)));
    let mut kills = 0;
    for moment in moments(&rehearsal, duration, 1) {
        let context = format!("backup killed at {moment:?}");
        let ostler = scene.ostler.copy();
        kills += u32::from(kill_at(&ostler, &arguments, &moment));
        let committed = scene.check_by_oracle(&ostler, &expected, &context);
        assert!(
            committed.contains(&"b0".to_owned()),
            "{context}: the earlier backup is gone"
        );
        for backup in ostler.json(["backup", "list"])["backups"].as_array().unwrap() {
            let good = ["complete", "verified"].contains(&backup["state"].as_str().unwrap());
            let name = backup["name"].as_str().unwrap().to_owned();
            assert!(
                !good || committed.contains(&name),
                "{context}: {name} is falsely complete"
            );
        }
        resume_all(&ostler, &context);
        if ostler.run(["backup", "show", "new"]).status.code() == Some(7) {
            ostler.ok(arguments);
        }
        let names = scene.check_by_oracle(&ostler, &expected, &context);
        assert!(
            names.contains(&"new".to_owned()),
            "{context}: no new backup after resume: {names:?}"
        );
        ostler.ok(["vault", "check", "--read-data"]);
    }
    assert!(kills >= 8, "only {kills} runs were killed");
}

#[test]
fn a_restore_killed_anywhere_leaves_no_half_written_file_and_goes_on() {
    let scene = Scene::new(1);
    let expected = &scene.expected["b0"];
    let rehearsal = scene.ostler.copy();
    let target = |ostler: &Ostler| ostler.home().join("target");
    let arguments =
        |ostler: &Ostler| ["restore", "b0", "--to", target(ostler).to_str().unwrap()].map(str::to_owned);
    let duration = timed(|| drop(rehearsal.ok(arguments(&rehearsal))));
    let mut kills = 0;
    for moment in moments(&rehearsal, duration, 2) {
        let context = format!("restore killed at {moment:?}");
        let ostler = scene.ostler.copy();
        let words = arguments(&ostler);
        kills += u32::from(kill_at(&ostler, &words.each_ref().map(String::as_str), &moment));
        if target(&ostler).exists() {
            for (path, node) in tree::read(&target(&ostler)) {
                let temporary = path
                    .file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with(".ostler-"));
                if node.kind == 'f' && !temporary {
                    assert_eq!(
                        node.content,
                        expected[&path].content,
                        "{context}: {} is half written",
                        path.display()
                    );
                }
            }
        }
        resume_all(&ostler, &context);
        if !target(&ostler).exists() {
            ostler.ok(&words);
        }
        let difference = tree::difference(expected, &tree::read(&target(&ostler)));
        assert!(difference.is_empty(), "{context}\n{difference}");
    }
    assert!(kills >= 4, "only {kills} runs were killed");
}

#[test]
fn a_prune_killed_anywhere_loses_nothing_that_is_kept_and_goes_on() {
    let scene = Scene::new(4);
    let arguments = ["backup", "prune", "--keep-last", "1", "--yes"];
    let rehearsal = scene.ostler.copy();
    let duration = timed(|| drop(rehearsal.ok(arguments)));
    let mut kills = 0;
    for moment in moments(&rehearsal, duration, 3) {
        let context = format!("prune killed at {moment:?}");
        let ostler = scene.ostler.copy();
        kills += u32::from(kill_at(&ostler, &arguments, &moment));
        let names = scene.check_by_oracle(&ostler, &scene.expected, &context);
        assert!(
            names.contains(&"b3".to_owned()),
            "{context}: the newest backup is gone"
        );
        resume_all(&ostler, &context);
        ostler.ok(arguments);
        assert_eq!(
            scene.check_by_oracle(&ostler, &scene.expected, &context),
            ["b3"],
            "{context}"
        );
        let check = ostler.json(["vault", "check", "--read-data"]);
        assert_eq!(
            (&check["orphans"], &check["problems"]),
            (&0.into(), &Value::Array(vec![])),
            "{context}"
        );
    }
    assert!(kills >= 6, "only {kills} runs were killed");
}

#[test]
fn a_drill_killed_anywhere_removes_its_scratch_and_goes_on() {
    let scene = Scene::new(1);
    let arguments = ["backup", "drill", "b0"];
    let rehearsal = scene.ostler.copy();
    let duration = timed(|| drop(rehearsal.ok(arguments)));
    let mut kills = 0;
    for moment in moments(&rehearsal, duration, 4) {
        let context = format!("drill killed at {moment:?}");
        let ostler = scene.ostler.copy();
        kills += u32::from(kill_at(&ostler, &arguments, &moment));
        resume_all(&ostler, &context);
        if ostler.json(["backup", "show", "b0"])["state"] != "verified" {
            ostler.ok(arguments);
        }
        assert_eq!(
            ostler.json(["backup", "show", "b0"])["state"],
            "verified",
            "{context}"
        );
        let scratch = ostler.state().join("scratch");
        let left = fs::read_dir(scratch).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{context}: scratch is left");
    }
    assert!(kills >= 6, "only {kills} runs were killed");
}

#[test]
fn a_killed_backup_that_is_cancelled_is_undone_at_once() {
    let scene = Scene::new(0);
    let arguments = ["backup", "create", scene.source()];
    assert!(kill_at(
        &scene.ostler,
        &arguments,
        &Moment::Step("after:upload".into())
    ));
    let interrupted = scene.ostler.json(["operation", "list"])["operations"][0].clone();
    assert_eq!(interrupted["state"], "interrupted");
    scene
        .ostler
        .ok(["operation", "cancel", interrupted["id"].as_str().unwrap()]);
    assert_eq!(
        scene.ostler.json(["operation", "list"])["operations"][0]["state"],
        "cancelled"
    );
    assert_eq!(
        scene.ostler.json(["backup", "list"])["backups"],
        Value::Array(vec![])
    );
    scene.ostler.ok(arguments);
}
