//! Tables of a backup loaded by a ring that runs, and by one of another number of nodes.

use crate::cluster_world::ended;

use super::oracle::{Oracle, until_built};
use super::world::World;

const RESTORE: [&str; 4] = ["restore", "first", "--cluster", "shop"];

/// Words without where lines end.
pub(super) fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn restored(world: &World, more: &[&str]) -> String {
    let told = world.ostler.ok(RESTORE.iter().chain(more));
    world.nothing_waits();
    unwrapped(&told)
}

fn refused(world: &World, more: &[&str], part: &str) {
    let words: Vec<&str> = RESTORE.iter().chain(more).copied().collect();
    let told = ended(&world.ostler.run(words), 4);
    assert!(unwrapped(&told).contains(part), "{told}");
    world.nothing_waits();
}

pub(super) fn tables_come_back_to_a_ring_that_runs(world: &World, oracle: &Oracle) {
    let cql = world.cql(0);

    // Beside the live one, which stays.
    cql.run("DELETE FROM shop.wide WHERE k = 7");
    restored(world, &["--table", "shop.wide", "--as", "shop.back"]);
    oracle.same_as("wide", "back", world);
    let live = cql.rows("SELECT JSON * FROM shop.wide WHERE k = 7").unwrap();
    assert_eq!(live, Vec::<String>::new(), "the live table was changed");
    cql.run("CREATE TABLE shop.taken (k int PRIMARY KEY)");
    let taken = ["--table", "shop.wide", "--as", "shop.taken"];
    refused(world, &taken, "`shop.taken` is there already");

    // In its place, with its view: only when somebody agrees.
    cql.run("DELETE FROM shop.plain WHERE k IN (1, 2, 3)");
    cql.run("INSERT INTO shop.plain (k, word) VALUES (9999, 'after the backup')");
    let in_place = ["--table", "shop.plain", "--table", "shop.counted"];
    let shown = world.ostler.run(RESTORE.iter().chain(&in_place));
    assert!(!shown.status.success(), "{shown:?}");
    restored(world, &[&in_place[..], &["--yes"]].concat());
    oracle.same_rows_of(&["plain", "counted", "by_word"], world, 3);

    // What is too old, and says so.
    let brief = ["--table", "shop.brief", "--yes"];
    refused(world, &brief, "rows that were deleted would return");
    restored(world, &[&brief[..], &["--allow-stale"]].concat());
    assert_eq!(
        cql.rows("SELECT JSON * FROM shop.brief"),
        Ok(vec!["{\"k\": 1}".into()])
    );
    let node = [
        "--nodes",
        "b",
        "--into-used",
        "--overwrite",
        "different",
        "--dry-run",
    ];
    refused(world, &node, "restored onto b");

    // Another table of its name is another table.
    cql.run("DROP TABLE shop.wide");
    cql.run("CREATE TABLE shop.wide (k text PRIMARY KEY)");
    let wide = ["--table", "shop.wide", "--yes"];
    refused(
        world,
        &wide,
        "`shop.wide` is another table than the one in the backup",
    );
    cql.run("DROP TABLE shop.wide");
    restored(world, &wide);
    until_built(world, 3);
    oracle.same_rows(world);

    // All of a keyspace that is gone.
    cql.run("DROP KEYSPACE shop");
    restored(world, &["--keyspace", "shop", "--allow-stale"]);
    until_built(world, 3);
    oracle.same_rows(world);
}

pub(super) fn another_number_of_nodes_gets_every_row(world: &mut World, oracle: &Oracle) {
    world.cql(0).run("DROP KEYSPACE shop");
    world.without_the_last();
    let words = ["--table", "shop.plain", "--table", "shop.wide"];
    let told = restored(world, &words);
    assert!(told.contains("the backup has 3 nodes, the ring 2"), "{told}");
    until_built(world, 2);
    oracle.same_rows_of(&["plain", "wide", "by_word"], world, 2);
}
