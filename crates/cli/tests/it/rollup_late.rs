//! Rows that come after their buckets were made: found, and their buckets made anew, on every level.

use ostler_testkit::binary::said;
use ostler_testkit::install::postgres::Release;

use crate::retention::World;

/// Two days, a row a minute, summed up to the end of the second.
fn readings(world: &World, more: &[&str]) {
    world.sql(
        "CREATE TABLE readings (time timestamptz NOT NULL, v bigint); CREATE INDEX ON readings (time);
         INSERT INTO readings SELECT t, n FROM generate_series('2024-01-01Z'::timestamptz, '2024-01-02 23:59Z', '1 minute') WITH ORDINALITY AS g (t, n)",
    );
    let words = [
        "add",
        "sums",
        "readings:time",
        "--gauge=v",
        "--level=10m",
        "--level=1h",
        "--level=1d",
    ];
    world.said("rollup", &[&words, more].concat());
    world.said("rollup", REFRESH);
}

const REFRESH: &[&str] = &["refresh", "sums", "--until=2024-01-03"];

/// Buckets of all levels that are not what the table says, by statements of their own.
fn wrong(world: &World) -> i64 {
    let level = |table: &str, width: &str| {
        format!(
            "SELECT count(*) AS n FROM {table} FULL JOIN
               (SELECT date_bin('{width}', time, '2000-01-03Z') AS bucket, count(*) AS n, sum(v) AS s FROM readings
                 GROUP BY date_bin('{width}', time, '2000-01-03Z')) r USING (bucket)
              WHERE (n, s) IS DISTINCT FROM (samples, v_sum)"
        )
    };
    world.number(&format!(
        "SELECT sum(n)::bigint FROM ({} UNION ALL {} UNION ALL {}) w",
        level("sums_10m", "10 minutes"),
        level("sums_1h", "1 hour"),
        level("sums_1d", "1 day")
    ))
}

#[test]
fn late_rows_are_found_and_are_in_every_level_after_the_next_refresh() {
    for (release, order) in [
        (Release::Fifteen, ""),
        (Release::Eighteen, ""),
        (Release::Eighteen, "after:roll up"),
        (Release::Eighteen, "after:roll up:3"),
        (Release::Eighteen, "before:read back:2"),
    ] {
        let Some(world) = World::new(release) else {
            continue;
        };
        readings(&world, &[]);
        assert_eq!(wrong(&world), 0);
        // Nothing is late: only what each refresh makes anew is planned.
        let plan = world.said("rollup", &[REFRESH, &["--dry-run"]].concat());
        assert!(!plan.to_string().contains("came late"), "{plan}");
        world.sql(
            "INSERT INTO readings VALUES ('2024-01-02 03:07Z', 1), ('2024-01-02 03:08Z', 1), ('2024-01-02 03:11Z', 1), ('2024-01-02 09:00Z', 1)",
        );
        let plan = world.said("rollup", &[REFRESH, &["--dry-run"]].concat());
        let late: Vec<(String, String)> = plan["work"]["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (item["object"].to_string(), item["reason"].to_string()))
            .filter(|(_, reason)| reason.contains("came late"))
            .collect();
        assert_eq!(late.len(), 4, "{plan}");
        assert!(late[0].1.contains("3 rows came late"), "{plan}");
        assert!(late[0].0.contains("from 2024-01-02T03:00:00Z"), "{plan}");
        if order.is_empty() {
            let report = world.said("rollup", REFRESH);
            assert!(!report.to_string().contains("\"holds\":false"), "{report}");
        } else {
            let mut command = world.command_of("rollup", REFRESH);
            command.env("OSTLER_TEST_KILL", order);
            let killed = command.output().unwrap();
            assert_eq!(killed.status.code(), None, "{order}: {}", said(&killed));
            let list = world.ostler.json(["operation", "list"]);
            let id = list["operations"][0]["id"].as_str().unwrap().to_owned();
            world.ostler.json(["operation", "resume", &id]);
        }
        assert_eq!(wrong(&world), 0, "{release:?} {order}");
        let plan = world.said("rollup", &[REFRESH, &["--dry-run"]].concat());
        assert!(!plan.to_string().contains("came late"), "{plan}");
    }
}

#[test]
fn how_far_back_is_looked_is_the_rollups_rule() {
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    readings(&world, &[]);
    // Before the day for which it looks: not seen.
    world.sql("INSERT INTO readings VALUES ('2024-01-01 03:07Z', 1)");
    world.said("rollup", REFRESH);
    assert_eq!(wrong(&world), 3);
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    readings(&world, &["--look-back=INF"]);
    world.sql("INSERT INTO readings VALUES ('2024-01-01 03:07Z', 1), ('2023-11-11 11:11Z', 1)");
    world.said("rollup", REFRESH);
    assert_eq!(wrong(&world), 0);
    // Rows that somebody removed stay in the sums, and that is told.
    world.sql("DELETE FROM readings WHERE time >= '2024-01-01 04:00Z' AND time < '2024-01-01 05:00Z'");
    let told = world.said("rollup", &[REFRESH, &["--dry-run"]].concat());
    assert!(
        told["work"]["notes"]
            .to_string()
            .contains("6 buckets were made from rows"),
        "{told}"
    );
    world.said("rollup", REFRESH);
    assert_eq!(world.number("SELECT sum(samples)::bigint FROM sums_1d"), 2882);
    // Rows whose buckets have gone, with the table's, are in none; the others go on.
    world.sql("DELETE FROM readings WHERE time < '2023-12-01Z'");
    world.json(&["add", "readings:time downsample:sums 1d"]);
    world.json(&["run", "--cutoff=2024-01-03", "--yes", "--min-keep=0"]);
    world.sql("INSERT INTO readings VALUES ('2024-01-01 05:00Z', 7), ('2024-01-02 05:00Z', 7)");
    let plan = world.said("rollup", &[REFRESH, &["--dry-run"]].concat());
    assert!(
        plan["work"]["notes"].to_string().contains("are in none"),
        "{plan}"
    );
    assert!(
        plan["work"]["items"].to_string().contains("1 rows came late"),
        "{plan}"
    );
}
