//! A real ring of three nodes: backed up while it is written to, lost, and back with every row. Ostler asks it by TLS, and shows a
//! certificate; the test itself asks it in the clear, at another port.
//!
//! `OSTLER_TEST_CASSANDRA` names the release; without it, it is 5.0, and less is done. `cargo xtask cassandra` runs both.

mod damage;
mod delta;
mod drill;
mod encrypted;
mod evidence;
mod jmx;
mod loading;
mod oracle;
mod world;

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use ostler_testkit::servers::cassandra::has_snapshots;

use crate::cluster_world::ended;
use oracle::Oracle;
use world::World;

/// One ring for all of it: starting one takes half a minute.
#[test]
fn a_ring_comes_back_with_every_row() {
    let Some(mut world) = World::started() else {
        return;
    };
    let oracle = Oracle::fill(&world);

    let status = world.ostler.ok(["cluster", "status", "shop"]);
    assert!(status.contains("ringtest"), "{status}");
    assert!(status.contains(world.release.version()), "{status}");

    let found = world.ostler.ok(["cluster", "explore", "shop", "--parameters"]);
    for part in ["num_tokens", "system_views.settings", "host id", "ringtest"] {
        assert!(found.contains(part), "{part}: {found}");
    }
    assert!(!found.contains("problem"), "{found}");

    encrypted::what_is_not_configured_is_told(&world);
    jmx::who_may_not_is_told(&world);

    // While somebody writes, what was written before it began is in it, and what nobody touches is exactly as it is.
    let (stop, written) = (AtomicBool::new(false), AtomicU32::new(0));
    let before = std::thread::scope(|scope| {
        let world = &world;
        scope.spawn(|| oracle::write_until(world, &stop, &written));
        world.until("rows are written", || written.load(Ordering::Relaxed) > 20);
        let before = written.load(Ordering::Relaxed);
        let made = world.backup(&["--name", "first"]);
        stop.store(true, Ordering::Relaxed);
        ended(&made, 0);
        before
    });
    world.no_snapshots();
    let shown = world.ostler.json(["backup", "show", "first"]);
    assert_eq!(shown["state"], "complete");
    let files = world.ostler.ok(["backup", "show", "first", "--files"]);
    assert!(files.contains("cluster:shop/cassandra/schema.cql"), "{files}");
    assert!(!files.contains("/snapshots/"), "{files}");
    let schema = [
        "restore",
        "first",
        "--stdout",
        "cluster:shop/cassandra/schema.cql",
    ];
    let schema = world.ostler.ok(schema);
    for part in [
        "CREATE TABLE shop.plain",
        "ID = ",
        "gone",
        "CREATE TYPE shop.place",
    ] {
        assert!(schema.contains(part), "{part}: {schema}");
    }
    let ring = world
        .ostler
        .ok(["restore", "first", "--stdout", "cluster:shop/cassandra/ring.json"]);
    assert_eq!(ring.matches("\"host_id\"").count(), 3, "{ring}");

    // What did not change is not read again, although every snapshot gave each file a name and took it away.
    let report = world
        .ostler
        .json(["backup", "create", "--cluster", "shop", "--name", "second"]);
    let counts = &report["backup"]["counts"];
    let (all, changed) = (counts["files"].as_u64(), counts["changed_files"].as_u64());
    assert!(changed.unwrap() * 2 < all.unwrap(), "{report:#}");

    evidence::a_snapshot_that_is_gone_is_taken_again(&world);
    evidence::roots_have_to_be_what_nodes_keep_data_in(&mut world);
    schema_changes_are_refused(&world);

    // A ring that runs is not restored over.
    let told = ended(
        &world.ostler.run([
            "restore",
            "first",
            "--cluster",
            "shop",
            "--into-used",
            "--overwrite",
            "different",
        ]),
        5,
    );
    assert!(told.contains("Cassandra runs on node"), "{told}");
    evidence::a_ring_whose_cql_is_closed_is_not_restored_over(&world);

    if is_thorough() {
        drill::a_ring_of_a_backup_is_started_beside_the_live_one(&world);
    }

    a_node_that_dies_is_missing(&mut world);

    world.ring.stop();
    for node in 0..3 {
        world.ring.wipe(node).unwrap();
    }
    world.ostler.ok(["restore", "first", "--cluster", "shop"]);
    world.ring.start().unwrap();
    world.until_whole();
    oracle.same_rows(&world);
    oracle::all_are_there(&world, before);
    one_keyspace_goes_back(&mut world, &oracle);
    if is_thorough() {
        nodes_take_the_place_of_each_other(&mut world, &oracle);
    }
    world.ostler.ok(["backup", "verify", "first", "--read-data"]);
    loading::tables_come_back_to_a_ring_that_runs(&world, &oracle);
    delta::what_was_written_since_comes_back_with_the_rest(&mut world, &oracle);
    damage::a_damaged_sstable_is_named_and_the_rest_comes_back(&world, &oracle);
    if is_thorough() {
        loading::another_number_of_nodes_gets_every_row(&mut world, &oracle);
    }
}

/// Whether `cargo xtask cassandra` runs it: with what takes minutes, such as nodes that move and leave.
fn is_thorough() -> bool {
    std::env::var_os("OSTLER_TEST_CASSANDRA").is_some()
}

/// The whole ring on hosts whose names were swapped: each has the other's rows, rack and tokens, and nothing is lost.
fn nodes_take_the_place_of_each_other(world: &mut World, oracle: &Oracle) {
    world.ring.stop();
    for node in 0..3 {
        world.ring.wipe(node).unwrap();
    }
    world.ring.swap(1, 2).unwrap();
    let swapped = ["--node", "b=c", "--node", "c=b"];
    let words = ["restore", "first", "--cluster", "shop"];
    world.ostler.ok(words.iter().chain(&swapped));
    world.ring.start_at_new_addresses().unwrap();
    world.until_whole();
    oracle.same_rows(world);
}

/// The snapshot of one node takes until somebody has changed the schema.
fn schema_changes_are_refused(world: &World) {
    let (asked, go_on) = (world.marker("asked"), world.marker("go-on"));
    fs::write(world.marker("hold"), "").unwrap();
    let made = std::thread::scope(|scope| {
        let making = scope.spawn(|| world.backup(&[]));
        world.until("a snapshot is asked for", || asked.exists());
        world.cql(0).run("ALTER TABLE shop.plain ADD late int");
        fs::write(&go_on, "").unwrap();
        making.join().unwrap()
    });
    let told = ended(&made, 4);
    assert!(told.contains("the schema of cluster `shop` changed"), "{told}");
    world.no_snapshots();
    for marker in ["hold", "asked", "go-on"] {
        let _ = fs::remove_file(world.marker(marker));
    }
}

/// A node that is killed while snapshots are made: without it there is no backup, or one that says so.
fn a_node_that_dies_is_missing(world: &mut World) {
    let (asked, go_on) = (world.marker("asked"), world.marker("go-on"));
    fs::write(world.marker("hold"), "").unwrap();
    // The process that makes it is another than the one that kills, so the ring is not borrowed by both.
    let making = world.backing_up(&["--quorum", "2", "--name", "without"]);
    world.until("a snapshot is asked for", || asked.exists());
    world.ring.crash(2);
    fs::write(&go_on, "").unwrap();
    let made = making.wait_with_output().unwrap();
    let told = ended(&made, 3);
    assert!(told.contains("node c"), "{told}");
    for marker in ["hold", "asked", "go-on"] {
        let _ = fs::remove_file(world.marker(marker));
    }
    let told = ended(&world.backup(&[]), 8);
    assert!(told.contains("not `c`"), "{told}");
    for node in 0..2 {
        assert!(!has_snapshots(&world.ring.data(node)), "left on {node}");
    }
}

/// One keyspace in place; the others stay as they are now.
fn one_keyspace_goes_back(world: &mut World, oracle: &Oracle) {
    let cql = world.cql(0);
    cql.run("CREATE KEYSPACE other WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 3}");
    cql.run("CREATE TABLE other.kept (k int PRIMARY KEY)");
    cql.run("INSERT INTO other.kept (k) VALUES (7)");
    cql.run("INSERT INTO shop.plain (k, word) VALUES (9999, 'after the backup')");
    cql.run("DELETE FROM shop.wide WHERE k = 5");
    drop(cql);
    for node in 0..3 {
        world.nodetool(node, "drain");
    }
    world.ring.stop();
    let words = ["restore", "first", "--cluster", "shop", "--include", "shop"];
    let how = ["--overwrite", "different", "--delete-extra", "--yes"];
    let words: Vec<&str> = words.into_iter().chain(how).collect();
    let told = ended(&world.ostler.run(&words), 4);
    assert!(
        loading::unwrapped(&told)
            .contains("older than deletions are remembered (gc_grace_seconds) in shop.brief (1 s)"),
        "{told}"
    );
    world.ostler.ok(words.iter().chain(&["--allow-stale"]));
    world.ring.start().unwrap();
    world.until_whole();
    oracle.same_rows(world);
    assert_eq!(
        world.cql(1).rows("SELECT JSON * FROM other.kept"),
        Ok(vec!["{\"k\": 7}".into()])
    );
}
