//! Rows go by whatever column tells their time, and come back by it.

use ostler_testkit::install::postgres::Release;

use crate::retention::World;

/// ULIDs, in letters of Crockford's base 32.
const ULID: &str = "
    CREATE FUNCTION ulid(at timestamptz, n int) RETURNS text LANGUAGE sql AS $$
        SELECT string_agg(substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', (((extract(epoch FROM at) * 1000)::bigint >> (5 * d)) & 31)::int + 1, 1), '' ORDER BY d DESC)
               || lpad(n::text, 16, '0') FROM generate_series(0, 9) d $$;
    CREATE FUNCTION uuid(at timestamptz, version text) RETURNS uuid LANGUAGE sql AS $$
        SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || version || 'abc8abcdefabcdefabc')::uuid $$";

/// Types, how a time becomes one, the unit, and a value that tells no time.
const COLUMNS: &[(&str, &str, Option<&str>, Option<&str>)] = &[
    ("timestamptz", "at", None, Some("NULL")),
    ("timestamp(3)", "at AT TIME ZONE 'UTC'", None, Some("'infinity'")),
    ("date", "(at AT TIME ZONE 'UTC')::date", None, None),
    ("bigint", "extract(epoch FROM at) * 1000", Some("--unit=ms"), None),
    ("integer", "extract(epoch FROM at)", Some("--unit=s"), None),
    (
        "numeric",
        "extract(epoch FROM at) * 1000000 + 0.5",
        Some("--unit=us"),
        None,
    ),
    ("float8", "extract(epoch FROM at) + 0.25", Some("--unit=s"), None),
    (
        "uuid",
        "uuid(at, '7')",
        Some("--unit=uuidv7"),
        Some("uuid('2024-01-01Z', '4')"),
    ),
    ("uuid", "uuid(at, '0')", Some("--unit=ulid"), None),
    ("text", "ulid(at, n)", Some("--unit=ulid"), Some("'01HK no ULID'")),
    (
        "varchar(26)",
        "ulid(at, n)",
        Some("--unit=ulid"),
        Some("lower(ulid('2024-01-01Z', 1))"),
    ),
];

#[test]
fn ulids_and_all_others_are_deleted_archived_and_brought_back() {
    for release in [Release::Thirteen, Release::Eighteen] {
        let Some(world) = World::new(release) else {
            continue;
        };
        world.sql(ULID);
        let shelf = world.ostler.home().join("shelf");
        let archive = format!("archive:{}", shelf.display());
        for (number, (type_name, value, unit, none)) in COLUMNS.iter().enumerate() {
            let table = format!("t{number}");
            world.sql(&format!(
                "CREATE TABLE {table} (at {type_name}, n int);
                 INSERT INTO {table} SELECT {value}, n
                   FROM (SELECT '2024-01-01 01:00Z'::timestamptz + n * interval '1 day' AS at, n FROM generate_series(0, 39) n) AS days"
            ));
            let mut odd = 0;
            if let Some(none) = none {
                world.sql(&format!("INSERT INTO {table} VALUES ({none}, -1)"));
                odd = 1;
            }
            let rows = || world.sql(&format!("SELECT t::text FROM {table} t ORDER BY 1"));
            let before = rows();
            for strategy in [archive.as_str(), "delete"] {
                let line = format!("{table}:at {strategy} 10d");
                let mut words = vec!["add", &line, "--name=it", "--replace"];
                words.extend(*unit);
                world.json(&words);
                let report = world.json(&["run", "--cutoff=2024-02-10", "--policy=it", "--yes"]);
                assert_eq!(report["rows_removed"], 30, "{release:?} {type_name} {report}");
                assert_eq!(rows().len(), 10 + odd, "{release:?} {type_name}");
                let from = format!("--from={}", shelf.display());
                let back = world.json(&["undo", &table, &from]);
                assert_eq!(back["rows_added"], 30, "{release:?} {type_name} {back}");
                assert_eq!(rows(), before, "{release:?} {type_name}");
            }
        }
    }
}
