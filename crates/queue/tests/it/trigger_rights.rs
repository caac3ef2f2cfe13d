//! Who may do what, by triggers and inserts.

use ostler_queue::trigger;
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
