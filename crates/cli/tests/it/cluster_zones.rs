//! Restores by what the configuration says of where nodes are.

use std::fs;

use crate::cluster_world::{Cluster, ended, same};

/// Has the configuration say this of the nodes, as pairs of a key and its value.
fn placed(cluster: &Cluster, places: [&[(&str, &str)]; 3]) {
    let file = cluster.ostler.home().join("settings/ostler/config.toml");
    let text = fs::read_to_string(&file).unwrap();
    let is_place = |line: &&str| line.starts_with("zone = ") || line.starts_with("shard = ");
    let mut text: String = text
        .lines()
        .filter(|line| !is_place(line))
        .map(|line| format!("{line}\n"))
        .collect();
    for (node, labels) in ["a", "b", "c"].iter().zip(places) {
        let table = format!("[cluster.shop.node.{node}]\n");
        assert!(text.contains(&table), "{text}");
        let labels: String = labels
            .iter()
            .map(|(key, value)| format!("{key} = \"{value}\"\n"))
            .collect();
        text = text.replace(&table, &format!("{table}{labels}"));
    }
    fs::write(file, text).unwrap();
}

#[test]
fn a_restore_follows_shards_and_zones_and_not_names() {
    let cluster = Cluster::started();
    let ostler = &cluster.ostler;
    let before = cluster.trees();
    placed(
        &cluster,
        [
            &[("zone", "eu-1"), ("shard", "0")],
            &[("zone", "eu-2"), ("shard", "1")],
            &[("zone", "eu-3"), ("shard", "2")],
        ],
    );
    assert!(ostler.ok(["cluster", "show", "shop"]).contains("eu-2"));
    ended(&cluster.backup(&["--name", "first"]), 0);

    // The same machines with other parts of the data, in zones of another region.
    placed(
        &cluster,
        [
            &[("zone", "us-2"), ("shard", "1")],
            &[("zone", "us-3"), ("shard", "2")],
            &[("zone", "us-1"), ("shard", "0")],
        ],
    );
    cluster.wreck();
    let restore = ["restore", "first", "--cluster", "shop"];
    let plan = ostler.ok(restore.iter().chain(&["--dry-run"]));
    for line in ["c gets a/data", "a gets b/data", "b gets c/data"] {
        assert!(plan.contains(line), "{plan}");
    }
    ostler.ok(restore);
    same(&before, &cluster.trees(), &[("a", "c"), ("b", "a"), ("c", "b")]);

    // A shard that nobody has any more; then somebody says where it goes all the same.
    placed(
        &cluster,
        [&[("shard", "0")], &[("shard", "1")], &[("shard", "1")]],
    );
    cluster.wreck();
    let told = ended(&ostler.run(restore), 2);
    assert!(
        told.contains("node `c` of the backup (zone eu-3, shard 2) has nowhere to go"),
        "{told}"
    );
    assert!(fs::read_dir(cluster.root("a")).unwrap().next().is_none());
    ostler.ok(restore.iter().chain(&["--node", "c=c"]));
    same(&before, &cluster.trees(), &[("a", "a"), ("b", "b"), ("c", "c")]);
}
