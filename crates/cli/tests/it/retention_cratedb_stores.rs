//! Snapshots of CrateDB in object stores: repositories of the kinds `s3` and `azure`, which somebody made on a real server that can
//! reach such a store. `OSTLER_TEST_CRATEDB` names the server, `OSTLER_TEST_CRATEDB_REPOSITORIES` the repositories, with commas.

use crate::cratedb_world::World;

#[test]
#[ignore = "asks a real CrateDB with repositories in object stores"]
fn a_partition_goes_when_its_snapshot_is_in_the_store_and_comes_back_from_it() {
    ostler_testkit::servers::cratedb::address().expect("OSTLER_TEST_CRATEDB names a CrateDB");
    let repositories = std::env::var("OSTLER_TEST_CRATEDB_REPOSITORIES").expect("names of repositories");
    let world = World::new("snapshot_stores");
    for repository in repositories.split(',') {
        let table = world.sensor_readings();
        let target = format!("snapshot:{repository}");
        world.json(&["ttl", &format!("{table}:time_month"), &target, "365d"]);
        let before = world.sql(&format!("SELECT * FROM {table} ORDER BY time"));
        world.killed("after:snapshot", &["run", "--cutoff=2024-06-01", "--yes"]);
        let (code, said) = world.resume();
        assert_eq!(code, 0, "{repository}: {said}");
        let kept = format!("kept in snapshot {repository}.");
        let name = said.split(&kept).nth(1).and_then(|rest| rest.split(':').next());
        let name = name.unwrap_or_else(|| panic!("{repository}: {said}"));
        assert_eq!(
            (world.count(&table), world.partitions(&table)),
            (4, 1),
            "{repository}"
        );
        world.sql(&format!(
            "RESTORE SNAPSHOT {repository}.\"{name}\" TABLE {table} PARTITION (time_month = 1682899200000) WITH (wait_for_completion = true)"
        ));
        assert_eq!(world.count(&table), 9, "{repository}");
        let after = world.sql(&format!("SELECT * FROM {table} ORDER BY time"));
        assert_eq!(after, before, "{repository}");
        world.sql(&format!("DROP SNAPSHOT {repository}.\"{name}\""));
    }
    world.finish();
}
