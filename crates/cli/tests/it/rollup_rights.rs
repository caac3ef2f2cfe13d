//! Rollups and materialised tables by roles that have nothing but what the guide says they need.

use ostler_testkit::binary::said;
use ostler_testkit::install::postgres::Release;

use crate::retention::World;

/// A table of somebody else, and our tables, with nothing in them.
fn world() -> Option<World> {
    let world = World::new(Release::Fifteen)?;
    world.sql(
        "CREATE TABLE readings (time timestamptz NOT NULL, v bigint); CREATE INDEX ON readings (time);
         INSERT INTO readings SELECT t, n FROM generate_series('2024-01-01Z'::timestamptz, '2024-01-02 23:59Z', '1 minute') WITH ORDINALITY AS g (t, n);
         REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO PUBLIC",
    );
    world.json(&["add", "readings:time delete INF", "--name=first"]);
    world.json(&["policy", "remove", "first"]);
    Some(world)
}

impl World {
    /// A role with these rights and no others. Names of roles are the server's, so each has the database's in it.
    fn role(&self, role: &str, grants: &[&str]) -> String {
        let role = format!("{role}_{}", self.database);
        self.sql(&format!("CREATE ROLE {role} LOGIN"));
        for grant in grants {
            self.sql(&format!("GRANT {grant} TO {role}"));
        }
        role
    }

    fn as_role(&self, role: &str, words: &[&str]) -> (Option<i32>, String) {
        let dsn = format!("--dsn={}", self.server.url_of(role, &self.database));
        let output = self.ostler.run([words, &[dsn.as_str()]].concat());
        (output.status.code(), said(&output))
    }
}

/// What every operation needs that is about definitions.
const OURS: &[&str] = &[
    "USAGE ON SCHEMA ext",
    "SELECT ON ext.retention_migration, ext.retention_policy, ext.retention_definition, ext.rollup_level",
    "INSERT ON ext.retention_audit",
];
const PROGRESS: &str = "SELECT, INSERT, UPDATE, DELETE ON ext.retention_progress";

const REFRESH: &[&str] = &["rollup", "refresh", "sums", "--until=2024-01-03"];

#[test]
fn rollups_are_defined_refreshed_and_aged_with_the_rights_that_the_guide_names() {
    let Some(world) = world() else { return };
    let add = [
        "rollup",
        "add",
        "sums",
        "readings:time",
        "--gauge=v",
        "--percentiles=v",
        "--level=1h:1d",
        "--level=1d",
    ];
    let definer = world.role(
        "definer",
        &[
            OURS,
            &[
                "SELECT ON readings",
                "CREATE, USAGE ON SCHEMA public",
                "INSERT, DELETE ON ext.retention_definition, ext.rollup_level",
            ],
        ]
        .concat(),
    );
    let nobody = world.role("nobody", OURS);
    let (code, said) = world.as_role(&nobody, &add);
    assert_eq!(code, Some(9), "{said}");
    let (code, said) = world.as_role(&definer, &add);
    assert_eq!(code, Some(0), "{said}");
    let levels = "sums_1h, sums_1d";
    let refresher = world.role(
        "refresher",
        &[
            OURS,
            &[
                PROGRESS,
                "SELECT ON readings",
                "UPDATE ON ext.rollup_level",
                &format!("SELECT, INSERT, DELETE ON {levels}"),
            ],
        ]
        .concat(),
    );
    let reader = world.role("reader", &["SELECT ON sums"]);
    let looker = world.role(
        "looker",
        &[OURS, &["SELECT ON readings", &format!("SELECT ON {levels}")]].concat(),
    );
    let (code, said) = world.as_role(&looker, &[REFRESH, &["--dry-run"]].concat());
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = world.as_role(&looker, REFRESH);
    assert_ne!(code, Some(0), "{said}");
    assert_eq!(world.number("SELECT count(*) FROM sums_1h"), 0);
    let (code, said) = world.as_role(&refresher, REFRESH);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(world.number("SELECT sum(samples)::bigint FROM sums_1d"), 2880);
    // Who reads the sums needs a right to the view alone.
    let mut wire =
        ostler_testkit::servers::Wire::connect(world.server.port(), &reader, &world.database).unwrap();
    assert!(wire.query("SELECT count(*) FROM readings").is_err());
    let rows = wire.query("SELECT sum(samples)::bigint FROM sums").unwrap();
    assert_eq!(rows[0][0].as_deref(), Some("2880"));
    // Rows that are summed up go by somebody who may delete them.
    world.json(&["add", "readings:time downsample:sums 1d"]);
    let run = ["retention", "run", "--cutoff=2024-01-03", "--min-keep=0", "--yes"];
    let (code, said) = world.as_role(&refresher, &run);
    assert_ne!(code, Some(0), "{said}");
    assert_eq!(world.number("SELECT count(*) FROM readings"), 2880);
    world.sql(&format!("GRANT DELETE, UPDATE ON readings TO {refresher}"));
    let (code, said) = world.as_role(&refresher, &run);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(world.number("SELECT count(*) FROM readings"), 1440);
    // And whoever defined it takes it back, with its tables.
    world.json(&["policy", "remove", "public.readings"]);
    let (code, said) = world.as_role(&definer, &["rollup", "remove", "sums", "--with-data"]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn materialised_tables_are_made_and_refreshed_with_the_rights_that_the_guide_names() {
    let Some(world) = world() else { return };
    let maker = world.role(
        "maker",
        &[
            OURS,
            &[
                PROGRESS,
                "SELECT ON readings",
                "CREATE, USAGE ON SCHEMA public",
                "INSERT, DELETE ON ext.retention_definition",
            ],
        ]
        .concat(),
    );
    let query =
        "SELECT date_trunc('day', time) AS day, count(*) AS n FROM readings GROUP BY date_trunc('day', time)";
    let create = ["materialize", "create", "daily", query, "--column=day"];
    let nobody = world.role("nobody", OURS);
    let (code, said) = world.as_role(&nobody, &create);
    assert_eq!(code, Some(9), "{said}");
    let (code, said) = world.as_role(&maker, &create);
    assert_eq!(code, Some(0), "{said}");
    for more in [&[][..], &["--since=2024-01-02"]] {
        let words = [&["materialize", "refresh", "daily"], more].concat();
        let (code, said) = world.as_role(&maker, &words);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(world.number("SELECT sum(n)::bigint FROM daily"), 2880);
    }
    // Somebody else's table is not made anew, whatever its rights are.
    let other = world.role(
        "other",
        &[OURS, &[PROGRESS, "SELECT ON readings, daily"]].concat(),
    );
    let (code, said) = world.as_role(&other, &["materialize", "refresh", "daily"]);
    assert_ne!(code, Some(0), "{said}");
    assert_eq!(world.number("SELECT sum(n)::bigint FROM daily"), 2880);
    let (code, said) = world.as_role(&maker, &["materialize", "drop", "daily"]);
    assert_eq!(code, Some(0), "{said}");
}
