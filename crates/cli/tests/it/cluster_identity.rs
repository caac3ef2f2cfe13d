//! One writing cluster: agents from old images, clusters that were copied, and nodes that were replaced on purpose.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cluster_world::{Cluster, ended};

const NODES: [&str; 3] = ["a", "b", "c"];

/// Everything that backups are made of in the vault, by name.
fn stored(cluster: &Cluster) -> Vec<PathBuf> {
    fn below(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => below(&entry.path(), found),
                false => found.push(entry.path()),
            }
        }
    }
    let mut found = Vec::new();
    for part in ["packs", "index", "intents", "backups", "notes"] {
        below(&cluster.ostler.vault().join(part), &mut found);
    }
    found.sort();
    found
}

/// What the agent of a node keeps of its work.
fn state(cluster: &Cluster, node: &str) -> PathBuf {
    cluster.ostler.home().join("home-of").join(node).join("state")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[test]
fn an_agent_from_an_old_image_stores_nothing_until_it_is_adopted() {
    let mut cluster = Cluster::started();
    ended(&cluster.backup(&["--name", "first"]), 0);
    let (of_b, image) = (state(&cluster, "b"), cluster.ostler.home().join("image"));
    cluster.kill("b");
    copy(&of_b, &image);
    cluster.start("b");
    ended(&cluster.backup(&["--name", "second"]), 0);

    cluster.kill("b");
    fs::remove_dir_all(&of_b).unwrap();
    copy(&image, &of_b);
    cluster.start("b");
    fs::write(cluster.root("b").join("old"), "of an old image").unwrap();
    let before = stored(&cluster);
    let told = ended(&cluster.backup(&["--name", "third"]), 4);
    assert!(
        told.contains("node `b` knows nothing of backup") && told.contains("ostler cluster adopt shop b"),
        "{told}"
    );
    ended(&cluster.backup(&["--dry-run"]), 4);
    assert_eq!(stored(&cluster), before, "nothing was written");

    // The others may go on where that is allowed, and nothing of it is among theirs.
    let told = ended(&cluster.backup(&["--quorum", "2", "--name", "two"]), 3);
    assert!(told.contains("node b: it is not in the backup"), "{told}");
    assert!(
        !cluster
            .ostler
            .ok(["backup", "show", "two", "--files"])
            .contains("b/data")
    );

    ended(&cluster.ostler.run(["cluster", "adopt", "shop", "z"]), 7);
    let adopted = cluster.ostler.json(["cluster", "adopt", "shop", "b"]);
    let nodes = adopted["nodes"].as_array().unwrap();
    assert_eq!((nodes.len(), &nodes[0]["name"]), (1, &"b".into()), "{adopted:#}");
    assert_eq!(
        nodes[0]["backups"].as_array().unwrap().len(),
        2,
        "the second, and that of two"
    );
    ended(&cluster.backup(&["--name", "fourth"]), 0);
    assert!(
        cluster
            .ostler
            .ok(["backup", "show", "fourth", "--files"])
            .contains("b/data/old")
    );
    // It is remembered over restarts.
    cluster.kill("b");
    cluster.start("b");
    ended(&cluster.backup(&["--name", "fifth"]), 0);
}

#[test]
fn a_cluster_that_was_copied_with_its_configuration_writes_nothing() {
    let mut cluster = Cluster::started();
    ended(&cluster.backup(&["--name", "production"]), 0);
    let before = stored(&cluster);

    // Its configuration and keys on other machines, without what the agents keep.
    for node in NODES {
        cluster.kill(node);
        let mut agent = cluster.agent(node);
        let other = cluster.ostler.home().join("copy").join(node);
        agent.env("OSTLER_STATE_DIR", other.join("state"));
        cluster.start_by(node, agent);
    }
    let told = ended(&cluster.backup(&[]), 4);
    assert!(
        told.contains("another cluster `shop` writes into this vault"),
        "{told}"
    );
    ended(&cluster.backup(&["--quorum", "1"]), 4);
    assert_eq!(stored(&cluster), before);
    // Restoring to it is not forbidden.
    cluster.wreck();
    cluster.ostler.ok(["restore", "production", "--cluster", "shop"]);

    // Images of whole machines, which got ids of their own when they were first started.
    for node in NODES {
        cluster.kill(node);
        let copied = cluster.ostler.home().join("image").join(node).join("state");
        copy(&state(&cluster, node), &copied);
        let mut agent = cluster.agent(node);
        agent
            .env("OSTLER_STATE_DIR", copied)
            .env("OSTLER_TEST_MACHINE", format!("the copy of {node}"));
        cluster.start_by(node, agent);
    }
    let told = ended(&cluster.backup(&[]), 4);
    assert!(
        told.contains("is a copy") && told.contains("adopt shop"),
        "{told}"
    );
    assert_eq!(stored(&cluster), before);

    // Somebody says that the copy is production from now on: then what was production is the copy.
    cluster.ostler.ok(["cluster", "adopt", "shop"]);
    ended(&cluster.backup(&["--name", "moved"]), 0);
    for node in NODES {
        cluster.kill(node);
        cluster.start(node);
    }
    let told = ended(&cluster.backup(&[]), 4);
    assert!(told.contains("knows nothing of backup"), "{told}");
}
