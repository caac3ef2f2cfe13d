//! Retention in CrateDB, cut off at each statement. Only on a real server, which `OSTLER_TEST_CRATEDB` names, and with
//! `--include-ignored`: the statements are too many to keep.

use ostler_testkit::random::Random;

use crate::cratedb_world::World;
use crate::retention_cratedb_rollup::{RUN, prepare};

/// The statements that are cut off: all, or as `OSTLER_TEST_CUTS` says. `2/8` is the second of eight shares, which may be done at
/// the same time.
#[derive(Clone, Copy)]
struct Share {
    first: u32,
    of: u32,
}

impl Share {
    fn asked() -> Self {
        let Ok(asked) = std::env::var("OSTLER_TEST_CUTS") else {
            return Self { first: 1, of: 1 };
        };
        let share = asked.split_once('/').and_then(|(first, of)| {
            let (first, of) = (first.parse().ok()?, of.parse().ok()?);
            (1..=of).contains(&first).then_some(Self { first, of })
        });
        share.unwrap_or_else(|| panic!("OSTLER_TEST_CUTS: `{asked}` is not like `2/8`"))
    }

    /// A world that no other share has.
    fn world(self, name: &'static str) -> World {
        World::new(match self.of {
            1 => name,
            _ => format!("{name}_{}", self.first).leak(),
        })
    }

    fn statements(self) -> impl Iterator<Item = u32> {
        (self.first..).step_by(self.of as usize)
    }
}

#[test]
#[ignore = "asks a real CrateDB"]
fn whoever_is_cut_off_at_any_statement_goes_on() {
    cut_off(("cut", "--cutoff=2024-06-01"), (4, 1), false);
}

#[test]
#[ignore = "asks a real CrateDB"]
fn whoever_is_cut_off_at_any_statement_of_an_archive_goes_on() {
    cut_off(("cut_archive", "--cutoff=2024-06-01"), (4, 1), true);
}

#[test]
#[ignore = "asks a real CrateDB"]
fn whoever_is_cut_off_at_any_statement_about_many_partitions_goes_on() {
    cut_off(("cuts", "--cutoff=2024-12-31"), (0, 0), false);
}

/// Cuts off each statement of a run, with and without it being carried out; rows and partitions that are left are the same, and what
/// is archived comes back.
fn cut_off((name, cutoff): (&'static str, &str), left: (i64, i64), archived: bool) {
    ostler_testkit::servers::cratedb::address().expect("OSTLER_TEST_CRATEDB names a CrateDB");
    let share = Share::asked();
    let world = share.world(name);
    let name = world.name;
    let action = match archived {
        true => format!("archive:{}", world.ostler.home().join("shelf").display()),
        false => "drop".to_owned(),
    };
    for carried_out in [true, false] {
        for statements in share.statements() {
            let table = world.sensor_readings();
            world.json(&["ttl", &format!("{table}:time_month {action} 365d")]);
            let plan = world.json(&["plan", cutoff, "--min-keep=0"]);
            let apply = format!("--apply={}", plan["digest"].as_str().unwrap());
            // Of a run whose last statement, giving the lease back, was cut off; another one would wait until it is over.
            let free = || {
                let sql = format!("DELETE FROM ext_{name}.retention_lease WHERE name = 'runner'");
                world.crate_db.try_sql(&sql)
            };
            free();
            world.crate_db.stop_after(statements, carried_out);
            let (code, said) = world.code(&["run", cutoff, "--min-keep=0", &apply]);
            if !world.crate_db.go_on() {
                assert_eq!(code, 0, "{said}");
                assert!(statements > 15, "{statements}");
                break;
            }
            // It was not begun yet, or it is to be resumed.
            let operations = world.ostler.json(["operation", "list"]);
            let (code, said) = match operations["operations"][0]["state"].as_str() {
                Some("interrupted" | "failed") => world.resume(),
                _ => world.code(&["run", cutoff, "--min-keep=0", "--yes"]),
            };
            assert_eq!(code, 0, "{statements} {carried_out}: {said}");
            assert_eq!(
                (world.count(&table), world.partitions(&table)),
                left,
                "{statements} {said}"
            );
            if archived {
                free();
                world.json(&["undo", &table]);
                assert_eq!(world.count(&table), 9, "{statements} {carried_out}");
            }
        }
    }
    world.finish();
}

/// A downsample, of a partition and of two levels, cut off at each statement; the end is that of one that was not.
#[test]
#[ignore = "asks a real CrateDB"]
fn whoever_is_cut_off_in_a_downsample_goes_on() {
    ostler_testkit::servers::cratedb::address().expect("OSTLER_TEST_CRATEDB names a CrateDB");
    let share = Share::asked();
    let world = share.world("cut_rollup");
    let free = format!(
        "DELETE FROM ext_{}.retention_lease WHERE name = 'runner'",
        world.name
    );
    for carried_out in [true, false] {
        for statements in share.statements() {
            // Of a run whose last statement, giving the lease back, was cut off.
            world.crate_db.try_sql(&free);
            let all = prepare(&world);
            world.crate_db.stop_after(statements, carried_out);
            let (code, said) = world.code(RUN);
            if !world.crate_db.go_on() {
                assert_eq!(code, 0, "{said}");
                assert!(statements > 60, "{statements}");
                break;
            }
            let operations = world.ostler.json(["operation", "list"]);
            let (code, said) = match operations["operations"][0]["state"].as_str() {
                Some("interrupted" | "failed") => world.resume(),
                _ => world.code(RUN),
            };
            assert_eq!(code, 0, "{statements} {carried_out}: {said}");
            world.is_downsampled(&all);
        }
    }
    world.finish();
}

/// Whether each partition of the table is gone or takes rows.
fn none_is_blocked(world: &World, table: &str) -> bool {
    let (schema, name) = table.split_once('.').unwrap();
    let blocked = world.crate_db.number(&format!(
        "SELECT count(*) FROM information_schema.table_partitions WHERE table_schema = '{schema}' \
         AND table_name = '{name}' AND settings['blocks']['write'] = TRUE"
    ));
    blocked == 0
}

/// Runs whose connection is lost at a statement, by seeds, with partitions that vanish in between; resumed or cancelled they leave
/// each partition as it was, or gone. `OSTLER_TEST_SEED` names one.
#[test]
#[ignore = "asks a real CrateDB"]
fn each_partition_is_as_before_or_gone_wherever_the_connection_is_lost() {
    ostler_testkit::servers::cratedb::address().expect("OSTLER_TEST_CRATEDB names a CrateDB");
    let world = World::new("lost");
    let seeds = match std::env::var("OSTLER_TEST_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..30).collect::<Vec<u64>>(),
    };
    let shelf = world.ostler.home().join("shelf");
    let free = "DELETE FROM ext_lost.retention_lease WHERE name = 'runner'";
    for seed in seeds {
        let mut random = Random::new(seed);
        let archived = random.below(2) == 1;
        let action = match archived {
            true => format!("archive:{}", shelf.display()),
            false => "drop".to_owned(),
        };
        let table = crate::retention_cratedb_together::days(&world);
        world.json(&["ttl", &format!("{table}:day {action} 1d")]);
        let run = ["run", "--cutoff=2024-01-06", "--yes"];
        let mut lose = |world: &World| {
            let statements = u32::try_from(random.below(60)).unwrap() + 8;
            world.crate_db.stop_after(statements, random.below(2) == 0);
            (statements, random.below(3) == 0, random.below(3) == 0)
        };
        world.crate_db.try_sql(free);
        let (statements, vanishes, cancels) = lose(&world);
        let (mut code, mut said) = world.code(&run);
        world.crate_db.go_on();
        world.crate_db.try_sql(free);
        let newest = || world.ostler.json(["operation", "list"])["operations"][0].clone();
        let before = format!("seed {seed}, {statements} statements, {action}");
        let operation = newest();
        let state =
            |operation: &serde_json::Value| operation["state"].as_str().unwrap_or_default().to_owned();
        if matches!(state(&operation).as_str(), "interrupted" | "failed") {
            if vanishes {
                world.sql(&format!("DELETE FROM {table} WHERE day = 1704153600000"));
            }
            let id = operation["id"].as_str().unwrap();
            if cancels {
                // Refused when everything is as before.
                let _ = world.ostler.run(["operation", "cancel", id]);
            }
            if matches!(state(&newest()).as_str(), "interrupted" | "failed") {
                (code, said) = world.resume();
                assert_eq!(code, 0, "{before}: {said}");
            }
        }
        assert!(none_is_blocked(&world, &table), "{before}: {code} {said}");
        if state(&newest()) == "succeeded" {
            assert_eq!(world.partitions(&table), 2, "{before}: {said}");
        }
        // The next ordinary run ends, and nothing is left for one after it.
        world.crate_db.try_sql(free);
        let (code, said) = world.code(&run);
        assert_eq!(code, 0, "{before}: {said}");
        assert_eq!(
            (world.count(&table), world.partitions(&table)),
            (48, 2),
            "{before}: {said}"
        );
    }
    world.finish();
}
