//! Triggers of users, which name tables as their role finds them: whatever removes or adds rows runs them as the role would.

use ostler_testkit::install::postgres::Release;

use crate::retention::World;

/// A table whose rows are logged when they come and when they go, by functions that name the log without its schema; one of them when
/// the transaction ends.
fn logged(world: &World, table: &str) {
    world.sql(&format!(
        "CREATE TABLE {table} (at timestamptz NOT NULL, kind text, value float8);
         INSERT INTO {table} SELECT '2024-01-01Z'::timestamptz + n * interval '1 hour', 'x', n FROM generate_series(0, 95) n;
         CREATE TRIGGER gone AFTER DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION app.log_row();
         CREATE CONSTRAINT TRIGGER came AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION app.log_row()"
    ));
}

#[test]
fn triggers_of_users_run_with_the_role_s_own_search_path() {
    for release in [Release::Thirteen, Release::Eighteen] {
        let Some(world) = World::new(release) else {
            continue;
        };
        let database = &world.database;
        world.sql(&format!(
            "CREATE SCHEMA app; CREATE TABLE app.row_log (op text); ALTER DATABASE {database} SET search_path = app, public;
             CREATE FUNCTION app.log_row() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN INSERT INTO row_log VALUES (TG_OP); RETURN NULL; END $$"
        ));
        let logged_now =
            |op: &str| world.number(&format!("SELECT count(*) FROM app.row_log WHERE op = '{op}'"));
        let mut gone = 0;
        for table in ["plain", "indexed", "newest", "kept"] {
            logged(&world, &format!("public.{table}"));
        }
        world.sql("CREATE INDEX ON public.indexed (at)");
        let shelf = world.ostler.home().join("shelf");
        std::fs::create_dir(&shelf).unwrap();
        let archive = format!("public.kept:at archive:{} 1d", shelf.display());
        for (name, words, removed) in [
            ("plain", vec!["public.plain:at delete 1d"], 48),
            ("indexed", vec!["public.indexed:at delete 1d"], 48),
            (
                "newest",
                vec!["public.newest:at keep-last INF", "--last=10", "--by=kind"],
                86,
            ),
            ("kept", vec![archive.as_str()], 48),
        ] {
            let mut add = vec!["add"];
            add.extend(words);
            let named = format!("--name={name}");
            add.push(&named);
            world.json(&add);
            let report = world.json(&["run", "--policy", name, "--cutoff=2024-01-04", "--yes"]);
            assert_eq!(report["rows_removed"], removed, "{name} {report}");
            gone += removed;
            assert_eq!(logged_now("DELETE"), gone, "{name}");
        }
        world.json(&["undo", "public.kept"]);
        assert_eq!(world.number("SELECT count(*) FROM public.kept"), 96);
        assert_eq!(logged_now("INSERT"), 48);
        // Rows whose sums a rollup has.
        logged(&world, "public.summed");
        world.said(
            "rollup",
            &["add", "hours", "public.summed:at", "--gauge=value", "--level=1h"],
        );
        world.said("rollup", &["refresh", "hours", "--until=2024-01-04"]);
        world.json(&["add", "public.summed:at downsample:hours 1d", "--name=summed"]);
        let report = world.json(&["run", "--policy=summed", "--cutoff=2024-01-04", "--yes"]);
        assert_eq!(report["rows_removed"], 48, "{report}");
        assert_eq!(logged_now("DELETE"), gone + 48);
    }
}
