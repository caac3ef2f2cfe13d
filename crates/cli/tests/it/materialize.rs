//! Materialised tables and statements on real servers.

use std::sync::atomic::{AtomicBool, Ordering};

use ostler_testkit::binary::said;
use ostler_testkit::install::postgres::Release;
use serde_json::Value;

use crate::retention::World;

fn on_each(test: impl Fn(&World)) {
    for release in Release::SUPPORTED {
        if let Some(world) = World::new(release) {
            test(&world);
        }
    }
}

fn readings(world: &World) {
    world.sql(
        "CREATE TABLE readings (time timestamptz NOT NULL, host text);
         INSERT INTO readings SELECT t, 'h' || n % 3 FROM generate_series('2024-01-01Z'::timestamptz, '2024-01-10 23:00Z', '1 hour') WITH ORDINALITY AS g (t, n)",
    );
    world.said(
        "materialize",
        &[
            "create",
            "daily",
            "SELECT date_trunc('day', time) AS day, host, count(*) AS n FROM readings GROUP BY date_trunc('day', time), host;",
            "--column=day",
        ],
    );
    world.sql("ALTER TABLE daily ADD PRIMARY KEY (day, host); GRANT SELECT ON daily TO PUBLIC; COMMENT ON COLUMN daily.n IS 'readings'");
}

fn whole(report: &Value) {
    for item in report["items"].as_array().unwrap() {
        assert_eq!(item["problem"], Value::Null, "{report}");
        for evidence in item["evidence"].as_array().unwrap() {
            assert_eq!(evidence["holds"], true, "{report}");
        }
    }
}

/// Its rows, its key, who may read it, and what is left beside it.
fn state(world: &World) -> Vec<Vec<Option<String>>> {
    world.sql(
        "SELECT 'row', concat(day, host, n) FROM daily
         UNION ALL SELECT 'kind', concat(c.contype::text, col_description(c.conrelid, 3)) FROM pg_constraint c WHERE conrelid = 'daily'::regclass AND contype = 'p'
         UNION ALL SELECT 'rights', array_to_string(relacl, ' ') FROM pg_class WHERE oid = 'daily'::regclass
         UNION ALL SELECT 'table', relname::text FROM pg_class WHERE relkind = 'r' AND relname LIKE 'daily%'
         UNION ALL SELECT 'audit ' || coalesce(item, '–'), concat(rows, error) FROM ext.retention_audit
         UNION ALL SELECT 'progress', count(*)::text FROM ext.retention_progress ORDER BY 1, 2",
    )
}

#[test]
fn a_materialised_table_has_the_rows_of_its_query_and_keeps_what_it_was_given() {
    on_each(|world| {
        readings(world);
        let report = world.said("materialize", &["refresh", "daily"]);
        whole(&report);
        assert_eq!(report["rows"], 30, "{report}");
        assert_eq!(world.number("SELECT sum(n) FROM daily"), 240);
        // A part of it only: the first days stay as they were.
        world.sql("INSERT INTO readings VALUES ('2024-01-01 00:30Z', 'new'), ('2024-01-09 00:30Z', 'new')");
        whole(&world.said("materialize", &["refresh", "daily", "--since=2024-01-08"]));
        assert_eq!(world.number("SELECT sum(n) FROM daily"), 241);
        whole(&world.said("materialize", &["refresh", "daily"]));
        assert_eq!(world.number("SELECT sum(n) FROM daily"), 242);
        let words: Vec<String> = state(world).into_iter().map(|row| format!("{row:?}")).collect();
        let words = words.join(" ");
        assert!(words.contains("preadings") && words.contains("=r/"), "{words}");
        assert!(
            !words.contains("ostler_new") && !words.contains("ostler_old"),
            "{words}"
        );
        // What others rely on is not taken from them.
        world.sql("CREATE VIEW somebodys AS SELECT * FROM daily");
        let partial = world
            .command_of("materialize", &["refresh", "daily"])
            .output()
            .unwrap();
        assert_eq!(partial.status.code(), Some(3), "{}", said(&partial));
        assert_eq!(world.number("SELECT sum(n) FROM somebodys"), 242);
        world.sql("DROP VIEW somebodys");
        let gone = world.said("materialize", &["drop", "daily"]);
        assert_eq!(gone["objects"][0], "table public.daily", "{gone}");
        assert_eq!(
            world.number("SELECT count(*) FROM pg_class WHERE relname LIKE 'daily%'"),
            0
        );
    });
}

#[test]
fn readers_see_all_of_the_old_table_or_all_of_the_new_one() {
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    readings(&world);
    world.said("materialize", &["refresh", "daily"]);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut wire = world.server.wire(&world.database).unwrap();
            let mut seen = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let rows = wire.query("SELECT count(*), sum(n) FROM daily").unwrap();
                seen.push(format!("{rows:?}"));
            }
            seen
        });
        for _ in 0..5 {
            whole(&world.said("materialize", &["refresh", "daily"]));
        }
        over.store(true, Ordering::Relaxed);
        let mut seen = reader.join().unwrap();
        assert!(seen.len() > 1);
        seen.dedup();
        assert_eq!(seen.len(), 1, "{seen:?}");
    });
}

/// Runs a command to its end, with the process killed on the way if that is wanted.
pub fn ends(world: &World, noun: &str, words: &[&str], kill: Option<(&str, &str)>) {
    let mut command = world.command_of(noun, words);
    let Some((moment, step)) = kill else {
        let done = command.output().unwrap();
        assert_eq!(done.status.code(), Some(0), "{}", said(&done));
        return;
    };
    command.env("OSTLER_TEST_KILL", format!("{moment}:{step}"));
    let killed = command.output().unwrap();
    assert_eq!(killed.status.code(), None, "{moment} {step}: {}", said(&killed));
    let list = world.ostler.json(["operation", "list"]);
    let id = list["operations"][0]["id"].as_str().unwrap().to_owned();
    world.ostler.json(["operation", "resume", &id]);
}

#[test]
fn a_refresh_that_is_killed_at_any_step_resumes_to_the_same_end() {
    let end = |kill| {
        let world = World::new(Release::Eighteen)?;
        readings(&world);
        ends(&world, "materialize", &["refresh", "daily"], kill);
        Some(state(&world))
    };
    let Some(expected) = end(None) else { return };
    for step in ["make", "swap", "look", "record"] {
        for moment in ["before", "after"] {
            assert_eq!(end(Some((moment, step))).unwrap(), expected, "{moment} {step}");
        }
    }
}

#[test]
fn a_statement_is_run_once_however_often_its_process_is_killed() {
    let end = |kill| {
        let world = World::new(Release::Eighteen)?;
        world.sql("CREATE TABLE counters (name text, n int); INSERT INTO counters VALUES ('it''s', 0), ('other', 0)");
        let add = &[
            "add",
            "more",
            "UPDATE counters SET n = n + :by WHERE name = :name -- :not",
        ];
        world.said("query", add);
        ends(
            &world,
            "query",
            &["run", "more", "--param=name=it's", "--param=by=5"],
            kill,
        );
        Some(world.sql(
            "SELECT name, n::text FROM counters UNION ALL SELECT 'progress', count(*)::text FROM ext.retention_progress
             UNION ALL SELECT 'audit', string_agg(concat(action, policy, rows), ' ' ORDER BY entry) FROM ext.retention_audit ORDER BY 1",
        ))
    };
    let Some(expected) = end(None) else { return };
    assert!(format!("{expected:?}").contains("\"5\""), "{expected:?}");
    for step in ["run", "read back", "forget", "record"] {
        for moment in ["before", "after"] {
            assert_eq!(end(Some((moment, step))).unwrap(), expected, "{moment} {step}");
        }
    }
}

#[test]
fn statements_that_cannot_be_run_are_told_before() {
    on_each(|world| {
        world.sql("CREATE TABLE t (n int)");
        let code = |words: &[&str]| {
            let output = world.command_of("query", words).output().unwrap();
            (output.status.code().unwrap_or(-1), said(&output))
        };
        for (words, expected, reason) in [
            (&["run", "SELECT * FROM gone"][..], 7, "gone"),
            (
                &["run", "DELETE FROM t; DROP TABLE t"][..],
                2,
                "multiple commands",
            ),
            (&["run", "COMMIT AND CHAIN"][..], 2, "transaction of its own"),
            (&["run", "DELETE FROM t WHERE n = :n"][..], 2, "not given"),
            (&["run", "DELETE FROM t", "--param=n=1"][..], 2, "no parameter"),
            (&["run", "unknown"][..], 7, "no query"),
        ] {
            let (code, said) = code(words);
            assert!(
                code == expected && said.contains(reason),
                "{words:?} {code} {said}"
            );
        }
        let report = world.said(
            "query",
            &[
                "run",
                "INSERT INTO t SELECT generate_series(1, :n::int)",
                "--param=n=7",
            ],
        );
        whole(&report);
        assert_eq!(report["rows"], 7, "{report}");
        // What fails while it runs has changed nothing.
        let (code, said) = code(&["run", "INSERT INTO t SELECT 1 / (7 - n) FROM t"]);
        assert!(code == 3 && said.contains("division by zero"), "{code} {said}");
        assert_eq!(world.number("SELECT count(*) FROM t"), 7);
    });
}
