//! Who may do what, by triggers and inserts.

use ostler_queue::{schema, trigger};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::Wire;

use crate::place::Place;

const RELEASES: [Release; 3] = Release::SUPPORTED;

/// Roles are the server's; tests run beside each other.
fn role(place: &Place, member_of: &str) -> (String, Wire) {
    let name = format!("{}_{member_of}", place.database);
    place.sql(&format!(
        "create role {name} login in role {member_of}; grant create, usage on schema public to {name}"
    ));
    let wire = Wire::connect(place.server.port(), &name, &place.database).expect("a connection");
    (name, wire)
}

#[test]
fn a_writer_makes_tables_with_triggers_and_fires_them() {
    for release in RELEASES {
        let Some(place) = Place::new(release) else {
            continue;
        };
        place.sql("select pgq.create_queue('q')");
        let (_, mut wire) = role(&place, "pgq_writer");
        wire.query(
            "create table t (id int primary key, a text, b int);
             create trigger a after insert or update or delete on t for each row execute function pgq.logutriga('q', 'when=b > 0');
             create trigger b after insert or update or delete on t for each row execute function pgq.jsontriga('q', 'backup', 'ignore=b')",
        )
        .expect("triggers");
        for style in ["each", "bulk"] {
            let plan = format!(
                "select pgq.ostler_trigger_plan('t', '{style}', 'sqltriga', '{{q,pkey=id,ev_extra4=a}}', '{style}')"
            );
            for statement in wire.query(&plan).expect("a plan").into_iter().flatten().flatten() {
                wire.query(&statement).expect(&statement);
            }
        }
        wire.query("insert into t values (1, 'ü x', 1); update t set a = 'y'; alter table t add c int; delete from t").expect("done");
        assert_eq!(
            place.value("select count(*) from pgq.event_template").as_deref(),
            Some("12")
        );
        let refused = wire
            .query("insert into pgq.event_1_0 (ev_id, ev_time) values (1, now())")
            .expect_err("not by hand");
        assert!(
            refused.root_cause().to_string().starts_with("42501"),
            "{refused:#}"
        );
    }
}

#[test]
fn expressions_run_with_the_rights_of_whoever_changes_the_table() {
    for style in ["generic", "each", "bulk"] {
        let Some(place) = Place::new(Release::Fifteen) else {
            return;
        };
        place.sql("select pgq.create_queue('q'); create table secret (a text)");
        let (owner, mut wire) = role(&place, "pgq_writer");
        wire.query("create table t (id int primary key)")
            .expect("a table");
        let spy = "ev_extra1=current_user || (select count(*) from public.secret)";
        if style == "generic" {
            wire.query(&format!(
                "create trigger x after insert on t for each row execute function pgq.logutriga('q', '{spy}')"
            ))
            .expect("a trigger");
        } else {
            let plan = format!(
                "select pgq.ostler_trigger_plan('t', 'x', 'logutriga', array['q', '{spy}'], '{style}')"
            );
            for statement in wire.query(&plan).expect("a plan").into_iter().flatten().flatten() {
                wire.query(&statement).expect(&statement);
            }
        }
        let refused = wire.query("insert into t values (1)").expect_err("not readable");
        assert!(
            refused.root_cause().to_string().starts_with("42501"),
            "{style}: {refused:#}"
        );
        place.sql(&format!("grant select on secret to {owner}"));
        wire.query("insert into t values (1)").expect("readable now");
        assert_eq!(
            place.value("select ev_extra1 from pgq.event_template"),
            Some(format!("{owner}0")),
            "{style}"
        );
    }
}

#[test]
fn a_search_path_or_operators_of_a_user_change_nothing() {
    for style in ["each", "bulk", "generic"] {
        let Some(place) = Place::new(Release::Fifteen) else {
            return;
        };
        place.sql("select pgq.create_queue('q')");
        let (owner, mut wire) = role(&place, "pgq_writer");
        wire.query(
            "create function spy(int, int) returns boolean language plpgsql as $$ begin raise exception 'as %', current_user; end $$;
             create operator = (leftarg = int, rightarg = int, procedure = spy);
             create operator < (leftarg = int, rightarg = int, procedure = spy);
             create operator <> (leftarg = int, rightarg = int, procedure = spy);
             create function spied(text, text) returns boolean language plpgsql as $$ begin raise exception 'as %', current_user; end $$;
             create operator = (leftarg = text, rightarg = text, procedure = spied);
             create operator <> (leftarg = text, rightarg = text, procedure = spied);
             create operator ~ (leftarg = text, rightarg = text, procedure = spied);
             create operator !~ (leftarg = text, rightarg = text, procedure = spied);
             create function now() returns timestamptz language sql as $$ select '2000-01-01'::timestamptz $$;
             set search_path = public, pg_catalog;
             create table t (id int primary key, a text, b numeric)",
        )
        .expect("traps");
        if style == "generic" {
            wire.query("create trigger x after insert or update on t for each row execute function pgq.sqltriga('q', 'ignore=b')").expect("a trigger");
        } else {
            let plan =
                format!("select pgq.ostler_trigger_plan('t', 'x', 'sqltriga', '{{q,ignore=b}}', '{style}')");
            for statement in wire.query(&plan).expect("a plan").into_iter().flatten().flatten() {
                wire.query(&statement).expect(&statement);
            }
        }
        wire.query("insert into t values (1, 'a b', 2); update t set a = 'c'; select pgq.insert_event('q', 'by hand', '')").expect(&owner);
        wire.query("alter table t add c int; insert into t values (2, 'x y', 2)")
            .expect(&owner);
        let events = place.value("select string_agg(ev_type, ' ' order by ev_id) from pgq.event_template where ev_time > '2001-01-01'");
        assert_eq!(events.as_deref(), Some("I U by hand I"), "{style}");
    }
}

/// A type whose equality is in a schema of its own, and may be called by its owner only.
const TYPE: &str = "create type app.amount;
    create function app.amount_in(cstring) returns app.amount immutable strict language internal as 'int4in';
    create function app.amount_out(app.amount) returns cstring immutable strict language internal as 'int4out';
    create type app.amount (input = app.amount_in, output = app.amount_out, internallength = 4, passedbyvalue, alignment = int4);
    create function app.lt(app.amount, app.amount) returns boolean immutable strict language internal as 'int4lt';
    create function app.le(app.amount, app.amount) returns boolean immutable strict language internal as 'int4le';
    create function app.eq(app.amount, app.amount) returns boolean immutable strict language internal as 'int4eq';
    create function app.ge(app.amount, app.amount) returns boolean immutable strict language internal as 'int4ge';
    create function app.gt(app.amount, app.amount) returns boolean immutable strict language internal as 'int4gt';
    create function app.cmp(app.amount, app.amount) returns integer immutable strict language internal as 'btint4cmp';
    create operator app.< (leftarg = app.amount, rightarg = app.amount, procedure = app.lt);
    create operator app.<= (leftarg = app.amount, rightarg = app.amount, procedure = app.le);
    create operator app.= (leftarg = app.amount, rightarg = app.amount, procedure = app.eq);
    create operator app.>= (leftarg = app.amount, rightarg = app.amount, procedure = app.ge);
    create operator app.> (leftarg = app.amount, rightarg = app.amount, procedure = app.gt);
    create operator class app.amount_ops default for type app.amount using btree as
        operator 1 app.<, operator 2 app.<=, operator 3 app.=, operator 4 app.>=, operator 5 app.>,
        function 1 app.cmp(app.amount, app.amount)";

#[test]
fn a_table_takes_every_write_whatever_the_queues_owner_may_not() {
    for release in RELEASES {
        let Some(place) = Place::empty(release) else {
            continue;
        };
        let [queues, app] = ["queues", "app"].map(|name| format!("{}_{name}", place.database));
        place.sql(&format!(
            "create role {queues} login; create role {app} login; grant create on database {} to {queues};
             create schema app; {TYPE}; revoke execute on all functions in schema app from public;
             grant usage, create on schema app to {app}; grant execute on all functions in schema app to {app}",
            place.database
        ));
        let connect =
            |user: &str| Wire::connect(place.server.port(), user, &place.database).expect("a connection");
        let mut owner = connect(&queues);
        owner.query(&schema::script(false)).expect("installed");
        owner.query("select pgq.create_queue('q')").expect("a queue");
        let mut writer = connect(&app);
        for (style, arguments) in [
            ("each", "q"),
            ("bulk", "q"),
            ("each", "q,ignore=b,backup"),
            ("bulk", "q,ignore=b,backup"),
        ] {
            let table = format!("app.t_{style}_{}", arguments.len());
            writer
                .query(&format!(
                    "create table {table} (id int, a app.amount, b app.amount, primary key (id, a))"
                ))
                .expect("a table");
            for call in [
                format!("ostler_trigger_plan('{table}', 'x', 'logutriga', '{{{arguments}}}', '{style}')"),
                format!("ostler_truncate_plan('{table}', 'x', 'logutriga', '{{{arguments}}}', true)"),
            ] {
                for statement in place
                    .sql(&format!("select pgq.{call}"))
                    .into_iter()
                    .flatten()
                    .flatten()
                {
                    place.sql(&statement);
                }
            }
            for statement in [
                "insert into TABLE values (1, '2', '3'), (2, '2', '3')",
                "update TABLE set id = 1 where id = 1",
                "alter table TABLE add c app.amount",
                // By the function of before the change, which is made again meanwhile.
                "insert into TABLE values (3, '2', '3', '4')",
                "alter table TABLE add d text",
                "update TABLE set d = 'x' where id = 2",
                "alter table TABLE rename d to e",
                "delete from TABLE where id = 3",
                "alter table TABLE drop e",
                "truncate TABLE",
            ] {
                let statement = statement.replace("TABLE", &table);
                writer
                    .query(&statement)
                    .unwrap_or_else(|error| panic!("{release:?}: {statement}: {error:#}"));
            }
            let events = format!(
                "select string_agg(ev_type, ' ' order by ev_id) from pgq.event_1 where ev_extra1 = '{table}'"
            );
            assert_eq!(
                place.value(&events).as_deref(),
                Some("I:id,a I:id,a U:id,a I:id,a U:id,a D:id,a R"),
                "{release:?}: {table}"
            );
            let last =
                format!("select ev_data from pgq.event_1 where ev_extra1 = '{table}' and ev_type like 'D%'");
            let data = if arguments == "q" {
                "id=3&a=2&b=3&c=4&e"
            } else {
                "id=3&a=2&c=4&e"
            };
            assert_eq!(place.value(&last).as_deref(), Some(data), "{release:?}: {table}");
        }
    }
}

#[test]
fn nobody_makes_functions_for_tables_without_such_triggers() {
    let Some(place) = Place::new(Release::Fifteen) else {
        return;
    };
    place.sql("select pgq.create_queue('q'); create table t (id int primary key)");
    let (_, mut wire) = role(&place, "pgq_writer");
    let refused = wire
        .query("select pgq.ostler_generate_row_function('logutriga', 't'::regclass, 'AFTER', array['q'])")
        .expect_err("no trigger");
    assert!(
        refused.root_cause().to_string().contains("has no such trigger"),
        "{refused:#}"
    );
}

#[tokio::test]
async fn existing_triggers_are_replaced_by_generated_ones() {
    for release in RELEASES {
        let Some(place) = Place::new(release) else {
            continue;
        };
        place.sql(
            "select pgq.create_queue('q'); create table \"T x\" (id int primary key, a text);
             create trigger \"my Trigger\" after insert or update or delete on \"T x\" for each row
                 execute function pgq.jsontriga('q', 'ignore=a', 'ev_extra4=''it''''s''');
             create trigger part after insert on \"T x\" for each row execute function pgq.logutriga('q')",
        );
        let options = ostler_postgres::Options::default();
        let connection = ostler_postgres::Connection::open(&place.target(), &options)
            .await
            .expect("a connection");
        let plan = trigger::plan_upgrade(&connection).await.expect("a plan");
        assert!(
            plan.iter()
                .all(|step| step.name == "my Trigger" && step.table == "\"T x\""),
            "{plan:?}"
        );
        for step in plan {
            connection.batch(&step.statement).await.expect("done");
        }
        assert_eq!(trigger::plan_upgrade(&connection).await.expect("a plan"), []);
        let wanted = trigger::Trigger {
            table: "\"T x\"".to_owned(),
            name: "more".to_owned(),
            kind: trigger::Kind::Sqltriga,
            queue: "q".to_owned(),
            arguments: vec!["when=id > 0".to_owned()],
            style: None,
            truncate: true,
        };
        for statement in trigger::plan(&connection, &wanted).await.expect("a plan") {
            connection.batch(&statement).await.expect("done");
        }
        place.sql("insert into \"T x\" values (1, 'x'); update \"T x\" set a = 'y'");
        let events = place.sql("select ev_type, ev_data, ev_extra4 from pgq.event_template order by ev_id");
        let events: Vec<String> = events
            .into_iter()
            .map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            events,
            [
                "{\"op\":\"INSERT\",\"table\":[\"public\",\"T x\"],\"pkey\":[\"id\"]} {\"id\":1} it's",
                "I:id id=1&a=x",
                "I (id,a) values ('1','x')",
                "U a='y' where id='1'",
            ]
        );
    }
}

#[tokio::test]
async fn truncate_is_logged_for_a_table_and_its_partitions_unless_it_is_not_wanted() {
    for release in RELEASES {
        let Some(place) = Place::new(release) else {
            continue;
        };
        place.sql(
            "select pgq.create_queue('q'); create table plain (id int primary key);
             create table parts (id int primary key) partition by range (id);
             create table part_1 partition of parts for values from (0) to (10);
             create table part_2 partition of parts for values from (10) to (20)",
        );
        let connection =
            ostler_postgres::Connection::open(&place.target(), &ostler_postgres::Options::default())
                .await
                .expect("a connection");
        let wanted = |table: &str, truncate, arguments: &[&str]| trigger::Trigger {
            table: table.to_owned(),
            name: "log".to_owned(),
            kind: trigger::Kind::Jsontriga,
            queue: "q".to_owned(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            style: None,
            truncate,
        };
        let install = async |trigger: trigger::Trigger| {
            for statement in trigger::plan(&connection, &trigger).await.expect("a plan") {
                connection.batch(&statement).await.expect(&statement);
            }
        };
        let events = || {
            let rows = place.sql("select ev_extra1 || ' ' || ev_type from pgq.event_1 order by ev_id");
            place.sql("truncate pgq.event_1");
            rows.into_iter()
                .flatten()
                .flatten()
                .collect::<Vec<String>>()
                .join("; ")
        };
        let of = |table: &str| {
            format!(
                "public.{table} {{\"op\":\"TRUNCATE\",\"table\":[\"public\",\"{table}\"],\"pkey\":[\"id\"]}}"
            )
        };
        // What makes no sense for a TRUNCATE is left out of its trigger.
        install(wanted(
            "plain",
            true,
            &["ignore=x", "backup", "pkey=id", "when=id > 0", "ev_extra2=id"],
        ))
        .await;
        install(wanted("parts", true, &[])).await;
        place.sql("truncate plain");
        assert_eq!(events(), of("plain"), "{release:?}");
        place.sql("truncate part_2");
        assert_eq!(events(), of("part_2"), "{release:?}");
        place.sql("truncate parts");
        let mut all: Vec<String> = events().split("; ").map(str::to_owned).collect();
        all.sort();
        assert_eq!(all, ["part_1", "part_2", "parts"].map(of), "{release:?}");
        // After a change too.
        place.sql("alter table plain add a int");
        place.sql("truncate plain");
        assert_eq!(events(), of("plain"), "{release:?}");
        install(wanted("plain", true, &["deny"])).await;
        place
            .server
            .try_sql(&place.database, "truncate plain")
            .expect_err("denied");
        install(wanted("plain", false, &[])).await;
        install(wanted("parts", false, &[])).await;
        place.sql("truncate plain; truncate parts");
        assert_eq!(events(), "", "{release:?}");
    }
}
