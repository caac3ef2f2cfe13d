//! Tables that a policy cannot touch as things are: they are refused by name, and everything else goes.

use ostler_testkit::binary::said as told;
use ostler_testkit::install::postgres::Release;

use crate::retention::World;

/// A role that is no superuser.
struct Role<'a> {
    world: &'a World,
    name: String,
}

impl<'a> Role<'a> {
    /// A role that owns the schema of policies and may make tables.
    fn new(world: &'a World) -> Self {
        let database = &world.database;
        let name = format!("aging_{database}");
        world.sql(&format!(
            "CREATE ROLE {name} LOGIN; GRANT CREATE, CONNECT ON DATABASE {database} TO {name};
             GRANT CREATE, USAGE ON SCHEMA public TO {name}"
        ));
        Self { world, name }
    }

    fn words(&self, words: &[&str]) -> Vec<String> {
        let mut all = vec!["retention".to_owned()];
        all.extend(words.iter().map(|word| (*word).to_owned()));
        let url = self.world.server.url_of(&self.name, &self.world.database);
        all.push(format!("--dsn={url}"));
        all
    }

    /// Exit code and everything that was said.
    fn run(&self, words: &[&str]) -> (i32, String) {
        let output = self.world.ostler.run(self.words(words));
        (output.status.code().unwrap_or(-1), told(&output))
    }
}

/// Three months of two tenants, 31 rows each and older; of May only one tenant's rows are seen.
fn hidden(world: &World, role: &Role<'_>) {
    let name = &role.name;
    world.sql(&format!(
        "CREATE TABLE visits (day date NOT NULL, tenant text) PARTITION BY RANGE (day);
         CREATE TABLE visits_04 PARTITION OF visits FOR VALUES FROM ('2023-04-01') TO ('2023-05-01');
         CREATE TABLE visits_05 PARTITION OF visits FOR VALUES FROM ('2023-05-01') TO ('2023-06-01');
         CREATE TABLE visits_06 PARTITION OF visits FOR VALUES FROM ('2023-06-01') TO ('2023-07-01');
         INSERT INTO visits SELECT '2023-04-01'::date + n, CASE n % 2 WHEN 0 THEN 'a' ELSE 'b' END FROM generate_series(0, 90) n;
         ALTER TABLE visits_05 ENABLE ROW LEVEL SECURITY; ALTER TABLE visits_05 FORCE ROW LEVEL SECURITY;
         CREATE POLICY only_a ON visits_05 USING (tenant = 'a');
         ALTER TABLE visits OWNER TO {name}; ALTER TABLE visits_04 OWNER TO {name}; ALTER TABLE visits_05 OWNER TO {name};
         ALTER TABLE visits_06 OWNER TO {name}"
    ));
}

fn names_it(said: &str) {
    for word in ["visits_05", "only_a", "BYPASSRLS"] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn rows_that_row_security_hides_are_never_removed_uncounted() {
    let Some(world) = World::new(Release::Thirteen) else {
        return;
    };
    let role = Role::new(&world);
    hidden(&world, &role);
    let shelf = world.ostler.home().join("shelf");
    std::fs::create_dir(&shelf).unwrap();
    let archive = format!("visits:day archive:{} 1d", shelf.display());
    for line in ["visits:day drop 1d", "visits:day delete 1d", archive.as_str()] {
        let name = format!("--name={}", line.split([' ', ':']).nth(2).unwrap());
        let (code, said) = role.run(&["add", line, &name]);
        assert_eq!(code, 0, "{said}");
    }
    let attached = || world.number("SELECT count(*) FROM pg_inherits WHERE inhparent = 'visits'::regclass");
    let rows = || world.number("SELECT count(*) FROM visits");
    // Deletions would leave what is hidden, and be proven: nothing else is to be done.
    let (code, said) = role.run(&["run", "--policy=delete", "--cutoff=2023-06-02", "--yes"]);
    assert_eq!((code, rows()), (9, 91), "{said}");
    names_it(&said);
    // Of partitions, the one that can be counted goes: with its floor, which counts all rows.
    for policy in ["archive", "drop"] {
        let words = [
            "run",
            &format!("--policy={policy}"),
            "--cutoff=2023-06-02",
            "--max-rows=30",
            "--yes",
        ];
        let (code, said) = role.run(&words);
        let left = (61, 2);
        match policy {
            "archive" => assert_eq!((code, (rows(), attached())), (3, left), "{said}"),
            // Nothing else is left to be done.
            _ => assert_eq!((code, (rows(), attached())), (9, left), "{said}"),
        }
        names_it(&said);
    }
    let (code, said) = role.run(&["policy", "check"]);
    assert_eq!(code, 3, "{said}");
    names_it(&said);
    // Hidden since the plan was made: refused before anything is detached.
    world.sql("ALTER TABLE visits_05 NO FORCE ROW LEVEL SECURITY");
    let mut words = role.words(&["run", "--policy=drop", "--cutoff=2023-06-02", "--yes"]);
    words.push("--quiet".to_owned());
    let mut command = world.ostler.command(words);
    let killed = command.env("OSTLER_TEST_KILL", "before:look").output().unwrap();
    assert_eq!(killed.status.code(), None, "{}", told(&killed));
    world.sql("ALTER TABLE visits_05 FORCE ROW LEVEL SECURITY");
    let list = world.ostler.json(["operation", "list"]);
    let resumed = world.ostler.run([
        "operation",
        "resume",
        list["operations"][0]["id"].as_str().unwrap(),
    ]);
    assert_eq!(
        (resumed.status.code(), rows(), attached()),
        (Some(9), 61, 2),
        "{}",
        told(&resumed)
    );
    names_it(&told(&resumed));
    // What the message says helps.
    world.sql(&format!("ALTER ROLE {} BYPASSRLS", role.name));
    let (code, said) = role.run(&["run", "--policy=drop", "--cutoff=2023-06-02", "--yes"]);
    assert_eq!((code, rows(), attached()), (0, 30, 1), "{said}");
}

#[test]
fn a_partition_with_rows_of_the_first_day_that_stays_is_not_dropped() {
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    world.sql(
        "CREATE TABLE t (day date NOT NULL, tenant int NOT NULL) PARTITION BY RANGE (day, tenant);
         CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM ('2023-05-01', MINVALUE) TO ('2023-06-01', MAXVALUE);
         CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM ('2023-06-01', MAXVALUE) TO ('2023-07-01', MINVALUE);
         INSERT INTO t SELECT '2023-05-01'::date + n, 1 FROM generate_series(0, 60) n",
    );
    for strategy in ["drop", "delete"] {
        world.json(&["add", &format!("t:day {strategy} 1d"), "--name", strategy]);
    }
    let items = |strategy: &str, cutoff: &str| {
        let plan = world.json(&["plan", "--policy", strategy, "--cutoff", cutoff, "--min-keep=0"]);
        plan["work"]["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["rows"].as_i64().unwrap())
            .sum::<i64>()
    };
    for (cutoff, dropped, deleted) in [
        // Of the 32 rows of the first one, deletion keeps that of 1 June.
        ("2023-06-02", 0, 31),
        ("2023-06-03", 32, 32),
        // The second one has no row of its end, 1 July.
        ("2023-07-02", 61, 61),
    ] {
        assert_eq!(
            (items("drop", cutoff), items("delete", cutoff)),
            (dropped, deleted),
            "{cutoff}"
        );
    }
}

#[test]
fn a_table_that_cannot_be_looked_at_fails_its_policy_and_no_other() {
    let Some(world) = World::new(Release::Fifteen) else {
        return;
    };
    let role = Role::new(&world);
    let name = &role.name;
    world.sql(&format!(
        "CREATE TABLE a_locked (at date); CREATE TABLE b_denied (at date); CREATE TABLE c_right (at date);
         INSERT INTO a_locked VALUES ('2020-01-01'); INSERT INTO b_denied VALUES ('2020-01-01'); INSERT INTO c_right VALUES ('2020-01-01');
         ALTER TABLE a_locked OWNER TO {name}; ALTER TABLE c_right OWNER TO {name};
         CREATE TABLE d_far (at date NOT NULL) PARTITION BY RANGE (at);
         CREATE EXTENSION postgres_fdw; CREATE SERVER dead FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1');
         CREATE USER MAPPING FOR PUBLIC SERVER dead OPTIONS (user 'x', password 'y');
         CREATE FOREIGN TABLE d_far_1 PARTITION OF d_far FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') SERVER dead;
         CREATE TABLE d_far_2 PARTITION OF d_far FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
         ALTER TABLE d_far OWNER TO {name}; ALTER FOREIGN TABLE d_far_1 OWNER TO {name}; ALTER TABLE d_far_2 OWNER TO {name}"
    ));
    for line in [
        "a_locked:at delete 1d",
        "b_denied:at delete 1d",
        "c_right:at delete 1d",
        "d_far:at drop 1d",
    ] {
        let (code, said) = role.run(&["add", line]);
        assert_eq!(code, 0, "{line}: {said}");
    }
    let mut holder = world.server.wire(&world.database).unwrap();
    holder.query("BEGIN; LOCK TABLE a_locked").unwrap();
    let (code, said) = role.run(&["run", "--lock-wait=400ms", "--yes"]);
    assert_eq!(code, 3, "{said}");
    assert_eq!(world.number("SELECT count(*) FROM c_right"), 0, "{said}");
    for policy in ["public.a_locked: a lock", "public.b_denied: ", "public.d_far: "] {
        assert!(said.contains(policy), "{policy}: {said}");
    }
}

#[test]
fn a_partition_that_a_view_needs_is_refused_by_the_plan_and_stays_attached() {
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    world.sensor_readings();
    world.sql(
        "CREATE TABLE readings_07 PARTITION OF sensor_readings FOR VALUES FROM ('2023-07-01Z') TO ('2023-08-01Z');
         CREATE VIEW may AS SELECT count(*) AS n FROM readings_05",
    );
    world.json(&["add", "sensor_readings:time drop 1d"]);
    let needed = |said: &str| {
        assert!(said.contains("view public.may"), "{said}");
        assert!(said.contains("public.readings_05 cannot be dropped"), "{said}");
    };
    let (code, said) = world.code(&["plan", "--cutoff=2023-08-02"]);
    assert_eq!(code, 3, "{said}");
    needed(&said);
    let (code, said) = world.code(&["run", "--cutoff=2023-08-02", "--yes"]);
    assert_eq!((code, world.readings()), (3, 5), "{said}");
    needed(&said);
    // Nothing was detached for it, and later runs are told alike.
    let list = world.ostler.json(["operation", "list"]);
    let id = list["operations"][0]["id"].as_str().unwrap();
    let operation = world.ostler.json(["operation", "show", id]);
    assert!(!operation.to_string().contains("attached again"), "{operation}");
    // What a policy of an older plan did not see is seen before the partition is detached.
    world.sql("DROP VIEW may");
    let mut command = world.command(&["run", "--cutoff=2023-08-02", "--yes"]);
    command.env("OSTLER_TEST_KILL", "before:look");
    assert_eq!(command.output().unwrap().status.code(), None);
    world.sql("CREATE MATERIALIZED VIEW may AS SELECT count(*) AS n FROM readings_05");
    let list = world.ostler.json(["operation", "list"]);
    let resumed = world.ostler.run([
        "operation",
        "resume",
        list["operations"][0]["id"].as_str().unwrap(),
    ]);
    let text = told(&resumed);
    assert_eq!((resumed.status.code(), world.readings()), (Some(3), 5), "{text}");
    assert!(
        text.contains("view public.may") && !text.contains("attached again"),
        "{text}"
    );
    world.sql("DROP MATERIALIZED VIEW may");
    world.json(&["run", "--cutoff=2023-08-02", "--yes"]);
    assert_eq!(world.readings(), 0);
}

#[test]
fn rows_that_take_others_with_them_are_refused_by_name() {
    let Some(world) = World::new(Release::Fifteen) else {
        return;
    };
    world.sql(
        "CREATE TABLE parent (id int PRIMARY KEY, at date, up int REFERENCES parent ON DELETE SET NULL);
         CREATE TABLE child (id int REFERENCES parent ON DELETE CASCADE);
         INSERT INTO parent VALUES (1, '2020-01-01', NULL), (2, '2030-01-01', 1);
         INSERT INTO child SELECT 1 FROM generate_series(1, 100);
         CREATE TABLE split (id int, at date) PARTITION BY RANGE (at);
         CREATE TABLE split_1 PARTITION OF split FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
         ALTER TABLE split_1 ADD PRIMARY KEY (id);
         CREATE TABLE part (id int REFERENCES split_1 ON DELETE CASCADE);
         INSERT INTO split VALUES (1, '2020-01-01'); INSERT INTO part VALUES (1)",
    );
    let kept = world.ostler.home().join("kept");
    std::fs::create_dir(&kept).unwrap();
    for (line, needed) in [
        ("parent:at delete 1d".to_owned(), "public.child"),
        (format!("parent:at archive:{} 1d", kept.display()), "public.child"),
        ("split:at delete 1d".to_owned(), "public.part"),
    ] {
        world.json(&["add", &line, "--name=one"]);
        let (code, said) = world.code(&["run", "--yes"]);
        assert_eq!(code, 4, "{line}: {said}");
        let text = format!("rows of {needed} would go or change too");
        assert!(said.contains(&text), "{line}: {said}");
        world.json(&["policy", "remove", "one"]);
    }
    let rows =
        "SELECT (SELECT count(*) FROM parent) + (SELECT count(*) FROM child) + (SELECT count(*) FROM part)";
    assert_eq!(world.number(rows), 103);
}
