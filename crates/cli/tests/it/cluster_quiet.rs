//! Files that agents hold still while a cluster is backed up.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::cluster_world::{Cluster, ended, same};

fn snapshots(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let is_one = |path: &PathBuf| path.to_string_lossy().contains("/.ostler-snapshot-");
    entries.filter(is_one).collect()
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn files_are_held_still_and_what_a_killed_agent_left_goes_when_it_starts() {
    let mut cluster = Cluster::slow();
    cluster.hold("{ reflink = false, immutable = [\"f*\"], append_only = [\"s*\"] }");
    let (a, b) = (cluster.root("a"), cluster.root("b"));
    // More than an agent takes in before the first of it is stored: it reads until it is killed.
    let endless = [a.join("endless"), b.join("endless")];
    for path in &endless {
        let mut random = File::open("/dev/urandom").unwrap().take(128 << 20);
        io::copy(&mut random, &mut File::create(path).unwrap()).unwrap();
    }
    let mut backup = cluster
        .ostler
        .command(["backup", "create", "--cluster", "shop", "--name", "quiet"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("no snapshots are made", || {
        !snapshots(&a).is_empty() && !snapshots(&b).is_empty()
    });
    cluster.kill("b");
    backup.kill().unwrap();
    backup.wait().unwrap();
    assert_eq!(snapshots(&b).len(), 1, "nobody could remove it");
    // Nobody is there any more for whom the other agents work.
    until("a keeps its snapshot", || snapshots(&a).is_empty());
    cluster.start("b");
    assert_eq!(snapshots(&b), [] as [PathBuf; 0]);
    endless.iter().for_each(|path| fs::remove_file(path).unwrap());

    let before = cluster.trees();
    let operations = cluster.ostler.json(["operation", "list"]);
    let operation = operations["operations"][0]["id"].as_str().unwrap().to_owned();
    let told = cluster.ostler.ok(["operation", "resume", &operation]);
    assert!(told.contains("0 cloned, 72 linked, 3 read in place"), "{told}");
    let report = cluster.ostler.json(["backup", "create", "--cluster", "shop"]);
    let nothing = serde_json::json!({ "cloned": 0, "linked": 0, "in_place": 0 });
    assert_eq!(report["held"], nothing, "{report:#}");
    assert_eq!(report["backup"]["counts"]["new_bytes"], 0);
    let files = cluster.ostler.ok(["backup", "show", "quiet", "--files"]);
    assert!(!files.contains(".ostler-snapshot"), "{files}");
    cluster.wreck();
    cluster.ostler.ok(["restore", "quiet", "--cluster", "shop"]);
    same(&before, &cluster.trees(), &[("a", "a"), ("b", "b"), ("c", "c")]);
}

#[test]
fn an_option_that_says_nothing_is_refused_by_its_name() {
    let cluster = Cluster::new();
    cluster.hold("{ immutable = [\"a[\"] }");
    let told = ended(&cluster.backup(&[]), 2);
    assert!(told.contains("`immutable`") && told.contains("`a[`"), "{told}");
    cluster.hold("{ immutable = 5 }");
    let told = ended(&cluster.backup(&[]), 2);
    assert!(told.contains("a list of texts"), "{told}");
}
