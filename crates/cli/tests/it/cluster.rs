//! Clusters of three agents, each a process of its own with a root of its own: backed up, killed, restored elsewhere.

use std::fs;

use ostler_testkit::servers::free_ports;
use ostler_testkit::tree;

use crate::cluster_world::{Cluster, ended, same};

#[test]
fn a_cluster_comes_back_onto_its_nodes_and_onto_swapped_ones() {
    let cluster = Cluster::started();
    let ostler = &cluster.ostler;
    let before = cluster.trees();
    assert!(ostler.ok(["cluster", "status", "shop"]).contains("ok"));
    ended(&cluster.backup(&["--name", "first"]), 0);

    // One backup, of one cluster, with three parts; what the nodes share is stored once, or a few times at most.
    let backups = cluster.backups();
    assert_eq!(backups.len(), 1);
    assert_eq!(backups[0]["state"], "complete");
    assert_eq!(backups[0]["source"]["host"], "cluster:shop");
    let shown = ostler.json(["backup", "show", "first"]);
    assert_eq!(shown["cluster"]["parts"].as_array().unwrap().len(), 3);
    let files = ostler.ok(["backup", "show", "first", "--files"]);
    assert!(
        files.contains("a/data/d0/f0") && files.contains("c/data/name"),
        "{files}"
    );
    assert_eq!(ostler.ok(["restore", "first", "--stdout", "b/data/name"]), "b");
    ostler.ok(["backup", "verify", "first", "--read-data"]);
    ostler.ok([
        "backup",
        "drill",
        "first",
        "--check",
        "test $(cat c/data/name) = c",
    ]);
    assert_eq!(cluster.backups()[0]["state"], "verified");

    // What did not change is not read again.
    fs::write(cluster.root("b").join("new"), "new").unwrap();
    let report = ostler.json(["backup", "create", "--cluster", "shop", "--name", "second"]);
    assert_eq!(report["backup"]["counts"]["changed_files"], 1, "{report:#}");
    assert_eq!(report["parent"], backups[0]["id"]);
    let diff = ostler.ok(["backup", "diff", "first", "second"]);
    assert!(diff.contains("b/data/new") && !diff.contains("a/data/"), "{diff}");

    // Not over other files, nor over what is not in the backup.
    let told = ended(&ostler.run(["restore", "first", "--cluster", "shop"]), 4);
    assert!(told.contains("b:") && told.contains("new"), "{told}");
    fs::write(cluster.root("a").join("name"), "changed").unwrap();
    let told = ended(&ostler.run(["restore", "second", "--cluster", "shop"]), 4);
    assert!(
        told.contains("a:") && told.contains("--overwrite different"),
        "{told}"
    );
    let one = [
        "restore",
        "first",
        "--cluster",
        "shop",
        "--overwrite",
        "different",
        "--into-used",
    ];
    ostler.ok(one);
    same(&before, &cluster.trees(), &[("a", "a"), ("c", "c")]);
    assert!(cluster.root("b").join("new").exists());
    let exact = ["restore", "first", "--cluster", "shop", "--delete-extra", "--yes"];
    ostler.ok(exact);
    same(&before, &cluster.trees(), &[("a", "a"), ("b", "b"), ("c", "c")]);

    // Swapped names lose nothing, and a plan says who gets what before.
    cluster.wreck();
    let rotated = ["--node", "a=b", "--node", "b=c", "--node", "c=a"];
    let words = ["restore", "first", "--cluster", "shop"];
    let plan = ostler.ok(words.iter().chain(&rotated).chain(&["--dry-run"]));
    assert!(
        plan.contains("b gets a/data") && plan.contains("c gets b/data"),
        "{plan}"
    );
    assert!(fs::read_dir(cluster.root("a")).unwrap().next().is_none());
    ostler.ok(words.iter().chain(&rotated));
    same(&before, &cluster.trees(), &[("a", "b"), ("b", "c"), ("c", "a")]);
    let again = ostler.json(words.iter().chain(&rotated));
    assert_eq!(again["files_written"], 0, "{again:#}");

    // Half a permutation has no place for one of them; one node alone is restored alone.
    ended(
        &ostler.run(["restore", "first", "--cluster", "shop", "--node", "a=b"]),
        2,
    );
    cluster.wreck();
    ostler.ok([
        "restore",
        "first",
        "--cluster",
        "shop",
        "--nodes",
        "a",
        "--node",
        "a=c",
    ]);
    same(&before, &cluster.trees(), &[("a", "c")]);
    assert!(fs::read_dir(cluster.root("a")).unwrap().next().is_none());

    // Not without saying where.
    ended(&ostler.run(["restore", "first"]), 2);
}

#[test]
fn nodes_are_added_and_removed_and_certificates_are_not_mixed_up() {
    let mut cluster = Cluster::started();
    let [port] = free_ports().unwrap();
    let root = format!("data={}", cluster.ostler.home().join("nodes/{node}").display());
    let added = cluster.ostler.json([
        "cluster",
        "add",
        "shop",
        &format!("d=127.0.0.1:{port}"),
        "--root",
        &root,
    ]);
    assert_eq!(added["nodes"].as_array().unwrap().len(), 4);
    cluster.ports.insert("d", port);
    cluster.fill("d", 9);
    cluster.start("d");
    ended(&cluster.backup(&["--name", "four"]), 0);
    let shown = cluster.ostler.json(["backup", "show", "four"]);
    assert_eq!(shown["cluster"]["parts"].as_array().unwrap().len(), 4);

    cluster.ostler.ok(["cluster", "remove", "shop", "d"]);
    assert!(
        !cluster
            .ostler
            .ok(["cluster", "show", "shop"])
            .contains(&port.to_string())
    );
    ended(&cluster.ostler.run(["cluster", "remove", "shop", "d"]), 7);

    // The agents of two nodes at each other's addresses: nothing of one gets into the place of the other.
    let (a, b) = (cluster.ports["a"], cluster.ports["b"]);
    let file = cluster.ostler.home().join("settings/ostler/config.toml");
    let text = fs::read_to_string(&file).unwrap();
    let mixed = text
        .replace(&format!(":{a}\""), ":x\"")
        .replace(&format!(":{b}\""), &format!(":{a}\""));
    fs::write(&file, mixed.replace(":x\"", &format!(":{b}\""))).unwrap();
    let told = ended(&cluster.backup(&[]), 9);
    assert!(told.contains("do not trust each other"), "{told}");
    fs::write(&file, text).unwrap();

    // An agent with a key whose store shows it a vault that is not encrypted stores nothing there.
    let plain = cluster.ostler.home().join("plain");
    let place = plain.to_str().unwrap();
    let init = ["vault", "init", place, "--name", "plain", "--unencrypted"];
    cluster.ostler.ok(init);
    let config = fs::read_to_string(cluster.config("c")).unwrap();
    let usual = cluster.ostler.vault().display().to_string();
    cluster.kill("c");
    fs::write(cluster.config("c"), config.replace(&usual, place)).unwrap();
    cluster.start("c");
    let told = ended(&cluster.backup(&[]), 4);
    assert!(told.contains("says that it is not encrypted"), "{told}");
    assert!(!plain.join("packs").exists());
    let status = ended(&cluster.ostler.run(["cluster", "status", "shop"]), 8);
    assert!(status.contains("failing"), "{status}");
    assert!(status.contains("says that it is not encrypted"), "{status}");

    cluster.ostler.ok(["cluster", "remove", "shop"]);
    assert_eq!(
        cluster.ostler.json(["cluster", "list"])["clusters"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    ended(&cluster.backup(&[]), 7);
    assert_eq!(cluster.backups().len(), 1);
}

#[test]
fn keep_rules_of_a_schedule_of_a_cluster_apply_to_its_vault() {
    let cluster = Cluster::started();
    let ostler = &cluster.ostler;
    let near = ostler.home().join("near");
    ostler.ok(["vault", "init", near.to_str().unwrap(), "--name", "near"]);
    cluster.change_config("[cluster.shop]", "[cluster.shop]\nvault = \"default\"");
    cluster.change_config("version = 1\n", "version = 1\ndefaults.vault = \"near\"\n");
    let add = "schedule add nightly --cron @daily --keep-last 1 -- backup create --cluster shop";
    ostler.ok(add.split(' '));
    for _ in 0..2 {
        ostler.ok(["schedule", "run", "nightly"]);
    }
    let kept = ostler.json(["backup", "list", "--vault", "default"]);
    assert_eq!(kept["backups"].as_array().unwrap().len(), 1, "{kept:#}");
}

#[test]
fn what_the_vault_of_a_cluster_lost_is_stored_again_by_the_next_backup() {
    let cluster = Cluster::started();
    let ostler = &cluster.ostler;
    ended(&cluster.backup(&["--name", "first"]), 0);
    let largest = || {
        let packs = tree::read(&ostler.vault().join("packs")).into_iter();
        let packs = packs.filter(|(_, node)| node.kind == 'f');
        let sized = packs.map(|(path, _)| ostler.vault().join("packs").join(path));
        sized
            .max_by_key(|path| fs::metadata(path).unwrap().len())
            .unwrap()
    };
    fs::remove_file(largest()).unwrap();
    ended(&cluster.backup(&["--name", "second"]), 0);
    for name in ["first", "second"] {
        ostler.ok(["backup", "verify", name, "--read-data"]);
    }

    let pack = largest();
    let mut bytes = fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&pack).unwrap();
    fs::write(&pack, bytes).unwrap();
    let told = ended(&ostler.run(["backup", "verify", "second", "--read-data"]), 6);
    assert!(told.contains("make a new backup with --read-all"), "{told}");
    ended(&cluster.backup(&["--name", "third", "--read-all"]), 0);
    ostler.ok(["backup", "verify", "third", "--read-data"]);
    ostler.ok(["backup", "verify", "second", "--read-data"]);
}
