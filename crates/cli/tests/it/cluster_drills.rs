//! What goes wrong between hosts: agents that stop and go on, networks that are cut or fall silent, disks that are full.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ostler_testkit::binary::said;
use ostler_testkit::proxy::StreamProxy;
use ostler_testkit::random::Random;
use serde_json::Value;

use crate::cluster_world::{Cluster, ended, same};

/// Begins a backup of the cluster, and goes on when node `b` was asked for its files, of which so much is new that storing it
/// takes seconds.
fn begun(cluster: &Cluster, name: &str) -> Child {
    let seed = name.bytes().map(u64::from).sum();
    fs::write(cluster.root("b").join(name), Random::new(seed).bytes(2 << 20)).unwrap();
    cluster.forget_asked("b");
    let child = cluster
        .ostler
        .command([
            "backup",
            "create",
            "--cluster",
            "shop",
            "--read-all",
            "--name",
            name,
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    cluster.until_asked("b");
    child
}

/// Everything is there, and comes back.
fn restorable(cluster: &Cluster, name: &str) {
    let before = cluster.trees();
    let shown = cluster.ostler.json(["backup", "show", name]);
    assert_eq!(shown["state"], "complete", "{shown:#}");
    cluster.ostler.ok(["backup", "verify", name, "--read-data"]);
    cluster.wreck();
    cluster.ostler.ok(["restore", name, "--cluster", "shop"]);
    same(&before, &cluster.trees(), &[("a", "a"), ("b", "b"), ("c", "c")]);
}

#[test]
fn an_agent_that_is_stopped_for_a_moment_is_waited_for_and_not_for_ever() {
    let cluster = Cluster::slow();
    cluster.be_patient_for("30s");
    let backup = begun(&cluster, "paused");
    cluster.signal("b", "STOP");
    std::thread::sleep(Duration::from_secs(1));
    cluster.signal("b", "CONT");
    ended(&backup.wait_with_output().unwrap(), 0);
    restorable(&cluster, "paused");

    cluster.be_patient_for("4s");
    let backup = begun(&cluster, "stopped");
    cluster.signal("b", "STOP");
    let told = ended(&backup.wait_with_output().unwrap(), 8);
    assert!(told.contains("`b`") && told.contains("silent"), "{told}");
    assert_eq!(cluster.backups().len(), 1, "what failed is no backup");

    // What it was about when it was stopped, it is not about any more.
    cluster.signal("b", "CONT");
    ended(&cluster.backup(&["--name", "after"]), 0);
    restorable(&cluster, "after");
    cluster.ostler.ok(["vault", "check"]);
}

#[test]
fn a_network_that_is_cut_in_mid_stream_is_tried_again_and_one_that_falls_silent_is_told() {
    let cluster = Cluster::slow();
    let proxy = StreamProxy::start(cluster.port("b")).unwrap();
    cluster.redirect("b", proxy.port());
    let backup = begun(&cluster, "cut");
    proxy.cut();
    ended(&backup.wait_with_output().unwrap(), 0);
    restorable(&cluster, "cut");

    cluster.be_patient_for("4s");
    let backup = begun(&cluster, "silent");
    proxy.fall_silent();
    let told = ended(&backup.wait_with_output().unwrap(), 8);
    assert!(told.contains("`b`"), "{told}");
    let told = ended(&cluster.backup(&["--quorum", "2", "--name", "two"]), 3);
    assert!(told.contains("node b: it is not in the backup"), "{told}");
    proxy.clear_up();
    ended(&cluster.backup(&["--name", "after"]), 0);
    restorable(&cluster, "after");

    // A restore too.
    let before = cluster.trees();
    cluster.wreck();
    let restore = cluster
        .ostler
        .command(["restore", "after", "--cluster", "shop"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    cluster.until_restored("b");
    proxy.cut();
    ended(&restore.wait_with_output().unwrap(), 0);
    same(&before, &cluster.trees(), &[("a", "a"), ("b", "b"), ("c", "c")]);
}

#[test]
fn a_node_whose_disk_is_too_small_or_fills_up_is_named_and_the_restore_can_be_run_again() {
    let mut cluster = Cluster::started();
    let before = cluster.trees();
    ended(&cluster.backup(&["--name", "first"]), 0);
    cluster.kill("b");
    cluster.wreck();
    let root = cluster.root("b");
    // Only its agent sees this file system.
    let small = |agent: &Command, options: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c"])
            .arg(r#"mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@""#)
            .args(["sh", options])
            .arg(&root)
            .arg(agent.get_program())
            .args(agent.get_args());
        for (name, value) in agent.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let may = Command::new("unshare")
        .args(["--mount", "true"])
        .stderr(Stdio::null())
        .status();
    let may = match may {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(std::io::Error::other("this process may not mount")),
        Err(error) => Err(error),
    };
    let Some(()) = ostler_testkit::install::or_skip("mount", may.map_err(Into::into)) else {
        return;
    };
    let restore = ["restore", "first", "--cluster", "shop"];
    let command = small(&cluster.agent("b"), "size=2m");
    cluster.start_by("b", command);
    let told = ended(&cluster.ostler.run(restore), 4);
    assert!(
        told.contains("node `b` would get") && told.contains("make room"),
        "{told}"
    );
    assert!(fs::read_dir(cluster.root("a")).unwrap().next().is_none());

    // Bytes enough, and no room for so many files: found out on the way.
    cluster.kill("b");
    let command = small(&cluster.agent("b"), "size=64m,nr_inodes=12");
    cluster.start_by("b", command);
    let told = ended(&cluster.ostler.run(restore), 3);
    let files = told.lines().filter(|line| line.contains("No space left"));
    assert!(
        files.clone().count() > 0 && files.clone().all(|line| line.contains("b:")),
        "{told}"
    );

    cluster.kill("b");
    cluster.start("b");
    cluster.ostler.ok(restore);
    same(&before, &cluster.trees(), &[("a", "a"), ("b", "b"), ("c", "c")]);
}

/// A coordinator that sleeps longer than its lease holds: another one goes on, and when it wakes it commits nothing.
#[test]
fn a_coordinator_that_was_stopped_for_long_is_replaced_and_does_nothing_more() {
    let cluster = Cluster::slow();
    let before = cluster.trees();
    let sleeper = cluster
        .ostler
        .command(["backup", "create", "--cluster", "shop", "--name", "sleeper"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    cluster.until_asked("c");
    cluster.until_stored(1);
    let signal = |name: &str| {
        let id = sleeper.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(sent.unwrap().success());
    };
    signal("STOP");
    // From another machine it cannot be seen whether it lives: its lease has to run out.
    let words = ["backup", "create", "--cluster", "shop", "--name", "other"];
    ended(&cluster.elsewhere(&words).output().unwrap(), 0);
    signal("CONT");
    let told = cluster.until_ended(sleeper);
    assert!(!told.status.success(), "{}", said(&told));
    let backups = cluster.backups();
    let good: Vec<&Value> = backups.iter().filter(|one| one["state"] == "complete").collect();
    assert_eq!(good.len(), 1, "{backups:#?}");
    assert_eq!(good[0]["name"], "other");
    cluster.ostler.ok(["backup", "verify", "other", "--read-data"]);
    cluster.wreck();
    cluster.ostler.ok(["restore", "other", "--cluster", "shop"]);
    same(&before, &cluster.trees(), &[("a", "a"), ("b", "b"), ("c", "c")]);
}
