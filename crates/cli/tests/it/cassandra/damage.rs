//! One byte of the vault that changes, in an SSTable.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use ostler_testkit::random::Random;
use ostler_testkit::tree;

use crate::cluster_world::ended;

use super::loading::unwrapped;
use super::oracle::Oracle;
use super::world::World;

fn packs(world: &World) -> BTreeMap<PathBuf, usize> {
    let packs = tree::read(&world.ostler.vault().join("packs")).into_iter();
    packs
        .filter(|(_, node)| node.kind == 'f')
        .map(|(path, node)| (path, node.content.len()))
        .collect()
}

pub(super) fn a_damaged_sstable_is_named_and_the_rest_comes_back(world: &World, oracle: &Oracle) {
    let cql = world.cql(0);
    cql.run("CREATE TABLE shop.bulk (k int PRIMARY KEY, v blob)");
    let mut random = Random::new(5);
    for k in 0..8 {
        let bytes = random.bytes(64 << 10);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        cql.run(&format!("INSERT INTO shop.bulk (k, v) VALUES ({k}, 0x{hex})"));
    }
    let before = packs(world);
    ended(&world.backup(&["--name", "bulk"]), 0);
    // What nothing compresses is most of what is new.
    let made = packs(world);
    let new = made.iter().filter(|(path, _)| !before.contains_key(*path));
    let (pack, size) = new.max_by_key(|(_, size)| **size).unwrap();
    let pack = world.ostler.vault().join("packs").join(pack);
    let mut bytes = fs::read(&pack).unwrap();
    bytes[size / 2] ^= 1;
    fs::write(&pack, bytes).unwrap();

    // The ring takes nothing of what is not whole.
    let load = ["restore", "bulk", "--cluster", "shop", "--table"];
    let words = load.iter().chain(&["shop.bulk", "--as", "shop.again"]);
    let told = unwrapped(&ended(&world.ostler.run(words), 6));
    assert!(told.contains("nothing was loaded"), "{told}");
    assert!(told.contains("shop/bulk-") && told.contains("-Data.db"), "{told}");
    world.nothing_waits();
    assert!(cql.rows("SELECT JSON * FROM shop.again").is_err());
    let told = ended(&world.ostler.run(["backup", "verify", "bulk", "--read-data"]), 6);
    assert!(told.contains("shop/bulk-") && told.contains("-Data.db"), "{told}");
    assert!(!told.contains("shop/plain-"), "{told}");
    let words = ["shop.plain", "--as", "shop.plain_again", "--allow-incomplete"];
    world.ostler.ok(load.iter().chain(&words));
    oracle.same_as("plain", "plain_again", world);

    cql.run("DROP TABLE shop.plain_again");
    cql.run("DROP TABLE shop.bulk");
}
