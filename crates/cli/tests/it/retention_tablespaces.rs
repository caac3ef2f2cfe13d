//! Partitions that move to other tablespaces.

use ostler_testkit::binary::said;
use ostler_testkit::install::postgres::Release;

use crate::retention::World;
use crate::retention_busy::stops_nobody;

/// Four days by the day, with a key, an index, and texts that are kept apart; two tablespaces, whose names are the server's.
fn days(world: &World) -> String {
    let warm = format!("warm_{}", world.database);
    for name in [&warm, &format!("locked_{}", world.database)] {
        // Setting and statement are not one transaction.
        let mut wire = world.server.wire(&world.database).unwrap();
        wire.query("SET allow_in_place_tablespaces = on").unwrap();
        wire.query(&format!("CREATE TABLESPACE {name} LOCATION ''"))
            .unwrap();
    }
    world.sql(
        "CREATE TABLE days (at timestamptz NOT NULL, n int, t text, PRIMARY KEY (at, n)) PARTITION BY RANGE (at);
         CREATE INDEX ON days (n);
         DO $$ BEGIN FOR d IN 1..4 LOOP
           EXECUTE format('CREATE TABLE \"day %s\" PARTITION OF days FOR VALUES FROM (%L) TO (%L)',
             d, '2024-01-01Z'::timestamptz + (d - 1) * interval '1 day', '2024-01-01Z'::timestamptz + d * interval '1 day');
         END LOOP; END $$;
         INSERT INTO days SELECT '2024-01-01Z'::timestamptz + n * interval '48 minutes', n, repeat('x', n) FROM generate_series(0, 119) n",
    );
    warm
}

const RUN: &[&str] = &["run", "--cutoff=2024-01-04", "--yes", "--move-time=20s"];

/// What `pg_class` says of everything that belongs to the table: where it is, and which file it is in.
fn places(world: &World) -> Vec<Vec<Option<String>>> {
    world.sql(
        "SELECT c.relname, c.relkind, coalesce(s.spcname, 'pg_default'), c.relfilenode
           FROM pg_class d
           JOIN pg_class c ON c.oid = d.oid OR c.oid = d.reltoastrelid
                OR c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid IN (d.oid, d.reltoastrelid))
           LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
          WHERE d.relname LIKE 'day _' ORDER BY d.relname, c.relkind, c.relname",
    )
}

fn in_tablespace(world: &World, name: &str) -> usize {
    let of = |row: &&Vec<Option<String>>| row[2].as_deref() == Some(name);
    places(world).iter().filter(of).count()
}

#[test]
fn partitions_move_with_their_indexes_and_a_second_run_does_nothing() {
    for (release, order) in [
        (Release::Thirteen, ""),
        (Release::Fifteen, ""),
        (Release::Eighteen, ""),
        (Release::Eighteen, "before:move"),
        (Release::Eighteen, "after:move"),
        (Release::Eighteen, "before:prove"),
        (Release::Eighteen, "after:record"),
    ] {
        let Some(world) = World::new(release) else {
            continue;
        };
        let warm = days(&world);
        let before = world.sql("SELECT * FROM days ORDER BY at, n");
        world
            .ostler
            .configure(&format!("version = 1\n[class.warm]\ntablespace = \"{warm}\"\n"));
        world.json(&["add", "days:at reallocate:warm 1d", "--name=warm"]);
        let plan = world.json(&["plan", "--cutoff=2024-01-04", "--explain"]);
        let items = plan["work"]["items"].as_array().unwrap();
        assert_eq!(items.len(), 2, "{plan}");
        assert_eq!(
            items[0]["statements"][0],
            format!("ALTER TABLE \"public\".\"day 1\" SET TABLESPACE \"{warm}\""),
            "{plan}"
        );
        assert_eq!(items[0]["statements"].as_array().unwrap().len(), 3, "{plan}");
        if order.is_empty() {
            let report = world.json(RUN);
            assert_eq!(report["rows_removed"], 0, "{report}");
            assert_eq!(
                report["items"][0]["note"],
                format!("5 of 5 relations are in tablespace {warm}"),
                "{report}"
            );
        } else {
            let mut command = world.command(RUN);
            command.env("OSTLER_TEST_KILL", order);
            assert_eq!(command.output().unwrap().status.code(), None, "{order}");
            let list = world.ostler.json(["operation", "list"]);
            let id = list["operations"][0]["id"].as_str().unwrap().to_owned();
            world.ostler.json(["operation", "resume", &id]);
        }
        // The table, its key, its index, what is kept apart, and the index of that; of two days of four.
        assert_eq!(in_tablespace(&world, &warm), 10, "{:?}", places(&world));
        assert_eq!(in_tablespace(&world, "pg_default"), 10, "{:?}", places(&world));
        assert_eq!(world.sql("SELECT * FROM days ORDER BY at, n"), before);
        let files = places(&world);
        let again = world.run(RUN);
        assert_eq!(again.status.code(), Some(0), "{}", said(&again));
        assert_eq!(places(&world), files, "{release:?}: nothing moves twice");
        let explained = world.json(&["plan", "--cutoff=2024-01-04", "--explain"]);
        let verdict = &explained["work"]["policies"][0]["partitions"][0]["reason"];
        assert_eq!(
            verdict,
            &format!("it is in tablespace {warm} already"),
            "{explained}"
        );
        // And back, by the server's own name.
        world.json(&["add", "days:at reallocate:pg_default 1d", "--name=back"]);
        world.json(&[RUN, &["--policy=back"]].concat());
        assert_eq!(in_tablespace(&world, &warm), 0);
    }
}

#[test]
fn a_tablespace_that_is_not_there_or_not_ours_is_told_by_name() {
    let Some(world) = World::new(Release::Fifteen) else {
        return;
    };
    let warm = days(&world);
    let database = &world.database;
    let unknown = world.run(&["add", "days:at reallocate:nowhere 1d"]);
    assert_eq!(unknown.status.code(), Some(7), "{}", said(&unknown));
    assert!(
        said(&unknown).contains("`nowhere` is no class of storage"),
        "{}",
        said(&unknown)
    );
    world
        .ostler
        .configure("version = 1\n[class.cold]\nlocation = \"/srv/cold\"\n");
    let other = world.run(&["add", "days:at reallocate:cold 1d"]);
    assert_eq!(other.status.code(), Some(2), "{}", said(&other));
    assert!(said(&other).contains("has no `tablespace`"), "{}", said(&other));
    // One that goes after its policy was made: `check` says so, a run refuses.
    world.json(&["add", &format!("days:at reallocate:{warm} 1d"), "--name=warm"]);
    world.sql(&format!("DROP TABLESPACE {warm}"));
    let checked = world.run(&["policy", "check"]);
    assert!(
        said(&checked).contains("no tablespace of the server"),
        "{}",
        said(&checked)
    );
    let refused = world.run(RUN);
    assert_eq!(refused.status.code(), Some(7), "{}", said(&refused));
    // Somebody without a right to it is told before anything moves.
    world.json(&["policy", "remove", "warm"]);
    world.json(&[
        "add",
        &format!("days:at reallocate:locked_{database} 1d"),
        "--name=locked",
    ]);
    world.sql(&format!(
        "CREATE ROLE mover_{database} LOGIN; GRANT USAGE ON SCHEMA ext TO mover_{database};
         GRANT SELECT ON ext.retention_policy, ext.retention_migration TO mover_{database};
         GRANT INSERT ON ext.retention_audit TO mover_{database};
         ALTER TABLE days OWNER TO mover_{database}; ALTER TABLE \"day 1\" OWNER TO mover_{database};
         ALTER TABLE \"day 2\" OWNER TO mover_{database}; GRANT SELECT ON \"day 3\", \"day 4\" TO mover_{database};"
    ));
    let mut words: Vec<&str> = vec!["retention"];
    words.extend(RUN);
    let dsn = format!(
        "--dsn={}",
        world.server.url_of(&format!("mover_{database}"), database)
    );
    words.push(&dsn);
    let denied = world.ostler.run(&words);
    assert_eq!(denied.status.code(), Some(9), "{}", said(&denied));
    assert!(
        said(&denied).contains("GRANT CREATE ON TABLESPACE"),
        "{}",
        said(&denied)
    );
    world.sql(&format!(
        "GRANT CREATE ON TABLESPACE locked_{database} TO mover_{database}"
    ));
    let moved = world.ostler.run(&words);
    assert_eq!(moved.status.code(), Some(0), "{}", said(&moved));
    assert_eq!(in_tablespace(&world, &format!("locked_{database}")), 10);
}

#[test]
fn moving_waits_for_others_and_what_would_stop_them_too_long_is_refused() {
    for release in [Release::Thirteen, Release::Eighteen] {
        let Some(world) = World::new(release) else {
            continue;
        };
        let warm = days(&world);
        world.json(&["add", &format!("days:at reallocate:{warm} 1d"), "--name=warm"]);
        // A reader that stays in its transaction is waited for, by tries that stop nobody.
        let mut reader = world.server.wire(&world.database).unwrap();
        reader.query("BEGIN; SELECT count(*) FROM days").unwrap();
        let busy = world.run(&[RUN, &["--lock-wait=1s"]].concat());
        assert_eq!(busy.status.code(), Some(3), "{}", said(&busy));
        assert!(
            said(&busy).contains("a lock could not be got in time"),
            "{}",
            said(&busy)
        );
        assert_eq!(in_tablespace(&world, &warm), 0);
        reader.query("COMMIT").unwrap();
        // More than can be copied in two milliseconds.
        world.sql(
            "INSERT INTO days SELECT '2024-01-01Z', 1000 + n, md5(n::text) || md5((n + 1)::text) FROM generate_series(1, 200000) n",
        );
        let refused = world.run(&["run", "--cutoff=2024-01-03", "--yes", "--move-time=2ms"]);
        assert_eq!(refused.status.code(), Some(3), "{}", said(&refused));
        assert!(said(&refused).contains("--move-time"), "{}", said(&refused));
        world.sql("DELETE FROM days WHERE n >= 1000");
        world.sql("VACUUM (TRUNCATE) days");
        stops_nobody(
            &world,
            &[
                "INSERT INTO days SELECT '2024-01-02Z', coalesce(max(n), 1000) + 1, '' FROM days WHERE n >= 1000",
                "SELECT count(*) FROM days",
                "BEGIN; SELECT count(*) FROM days; SELECT pg_sleep(0.4); COMMIT",
            ],
            world.command(RUN),
        );
        assert_eq!(in_tablespace(&world, &warm), 10);
    }
}
