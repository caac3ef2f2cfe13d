//! Tables change under their triggers, while others work.

use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::Wire;

use crate::place::Place;

const RELEASES: [Release; 3] = Release::SUPPORTED;
const STYLES: [&str; 3] = ["generic", "each", "bulk"];

/// A table `t` with its trigger, and a session of its own.
fn table(release: Release, style: &str) -> Option<(Place, Wire)> {
    let place = Place::new(release)?;
    place.sql("select pgq.create_queue('q'); create table t (id int primary key, a text, b int)");
    add_trigger(&place, "t", style);
    let wire = place.server.wire(&place.database).expect("a connection");
    Some((place, wire))
}

fn add_trigger(place: &Place, table: &str, style: &str) {
    if style == "generic" {
        place.sql(&format!(
            "create trigger x after insert or update or delete on {table} for each row execute function pgq.logutriga('q', 'backup')"
        ));
        return;
    }
    let plan = place.sql(&format!(
        "select pgq.ostler_trigger_plan('{table}', 'x', 'logutriga', '{{q,backup}}', '{style}')"
    ));
    for statement in plan.into_iter().flatten().flatten() {
        place.sql(&statement);
    }
}

/// Type, data and backup of the newest event.
fn last(wire: &mut Wire) -> Vec<String> {
    let rows = wire
        .query("select ev_type, ev_data, coalesce(ev_extra2, '') from pgq.event_template order by ev_id desc limit 1")
        .expect("events");
    rows.into_iter().flatten().flatten().collect()
}

#[test]
fn a_changed_column_is_in_the_very_next_event() {
    for release in RELEASES {
        for style in STYLES {
            let Some((place, mut wire)) = table(release, style) else {
                continue;
            };
            let mut run = |statement: &str| {
                wire.query(statement).expect("done");
                last(&mut wire)
            };
            assert_eq!(
                run("insert into t values (1, 'x', 2)"),
                ["I:id", "id=1&a=x&b=2", ""]
            );
            // Elsewhere, so that the session with the plans learns of it from the server only.
            place.sql("alter table t add column c int default 7");
            assert_eq!(
                run("insert into t values (2, 'y')"),
                ["I:id", "id=2&a=y&b&c=7", ""],
                "{style}"
            );
            place.sql("alter table t drop column b");
            assert_eq!(
                run("update t set a = 'z' where id = 2"),
                ["U:id", "id=2&a=z&c=7", "id=2&a=y&c=7"],
                "{style}"
            );
            place.sql("alter table t rename column a to \"A b\"");
            assert_eq!(
                run("insert into t values (3, 'w w')"),
                ["I:id", "id=3&A+b=w+w&c=7", ""],
                "{style}"
            );
            place.sql("alter table t alter column c type text using 'a b'");
            assert_eq!(
                run("update t set c = 'c d' where id = 3"),
                ["U:id", "id=3&A+b=w+w&c=c+d", "id=3&A+b=w+w&c=a+b"],
                "{style}"
            );
            place.sql("alter table t rename column id to key");
            assert_eq!(
                run("delete from t where key = 3"),
                ["D:key", "key=3&A+b=w+w&c=c+d", ""],
                "{style}"
            );
            place.sql("alter table t drop constraint t_pkey; alter table t add primary key (\"A b\", key)");
            assert_eq!(
                run("delete from t where key = 2"),
                ["D:A b,key", "key=2&A+b=z&c=a+b", ""],
                "{style}"
            );
        }
    }
}

#[test]
fn changes_of_the_same_transaction_count_and_go_with_it() {
    for release in RELEASES {
        for style in STYLES {
            let Some((_place, mut wire)) = table(release, style) else {
                continue;
            };
            wire.query("insert into t values (1)").expect("inserted");
            wire.query("begin; alter table t add column c int; insert into t values (2)")
                .expect("inserted");
            assert_eq!(last(&mut wire)[1], "id=2&a&b&c", "{style}");
            wire.query("rollback; insert into t values (3)")
                .expect("inserted");
            assert_eq!(last(&mut wire)[1], "id=3&a&b", "{style}");
        }
    }
}

#[test]
fn a_renamed_table_or_schema_has_its_new_name_in_the_next_event() {
    let Some((place, mut wire)) = table(Release::Fifteen, "each") else {
        return;
    };
    let name = "select ev_extra1 from pgq.event_template order by ev_id desc limit 1";
    wire.query("insert into t values (1)").expect("inserted");
    place.sql("alter table t rename to t2");
    wire.query("insert into t2 values (2)").expect("inserted");
    assert_eq!(place.value(name).as_deref(), Some("public.t2"));
    place.sql("create schema s; alter table t2 set schema s");
    wire.query("insert into s.t2 values (3)").expect("inserted");
    assert_eq!(place.value(name).as_deref(), Some("s.t2"));
    place.sql("alter schema s rename to s2");
    wire.query("insert into s2.t2 values (4)").expect("inserted");
    assert_eq!(place.value(name).as_deref(), Some("s2.t2"));
}

#[test]
fn nobody_waits_for_a_transaction_that_made_the_function_anew() {
    for style in STYLES {
        let Some((place, mut first)) = table(Release::Fifteen, style) else {
            return;
        };
        let mut second = place.server.wire(&place.database).expect("a connection");
        first.query("insert into t values (1)").expect("inserted");
        place.sql("alter table t add column c int default 7");
        first
            .query("begin; insert into t values (2, 'x')")
            .expect("inserted");
        // The first transaction is open and holds what it made.
        second
            .query("set statement_timeout = '20s'; insert into t values (3, 'y'), (4, 'z')")
            .expect("inserted");
        assert_eq!(last(&mut second)[1], "id=4&a=z&b&c=7", "{style}");
        second
            .query("update t set a = 'zz' where id = 4")
            .expect("updated");
        assert_eq!(
            last(&mut second),
            ["U:id", "id=4&a=zz&b&c=7", "id=4&a=z&b&c=7"],
            "{style}"
        );
        first.query("commit").expect("committed");
        assert_eq!(
            place.value("select count(*) from pgq.event_template").as_deref(),
            Some("5")
        );
    }
}

#[test]
fn an_old_snapshot_does_not_hide_a_new_column() {
    for style in STYLES {
        let Some((place, mut wire)) = table(Release::Fifteen, style) else {
            return;
        };
        wire.query("begin isolation level repeatable read; select 1")
            .expect("a snapshot");
        place.sql("alter table t add column c int default 7");
        let refused = wire
            .query("insert into t values (1)")
            .expect_err("a row that the snapshot does not know");
        assert!(
            refused.root_cause().to_string().starts_with("40001"),
            "{style}: {refused:#}"
        );
        wire.query("rollback; insert into t values (1)")
            .expect("inserted");
        assert_eq!(last(&mut wire)[1], "id=1&a&b&c=7", "{style}");
    }
}

#[test]
fn a_copy_of_a_trigger_on_another_table_writes_that_table() {
    // As after a restore, which gives tables other numbers.
    for style in ["each", "bulk"] {
        let Some((place, mut wire)) = table(Release::Fifteen, style) else {
            return;
        };
        place.sql("create table other (k int primary key, v text)");
        let definitions = place.sql(
            "select replace(replace(pg_get_triggerdef(oid), ' ON public.t ', ' ON public.other '), ' ON t ', ' ON other ') from pg_trigger
              where tgrelid = 't'::regclass and not tgisinternal",
        );
        for definition in definitions.into_iter().flatten().flatten() {
            place.sql(&definition);
        }
        wire.query("insert into other values (1, 'x'), (2, 'y'); update other set v = 'z' where k = 2")
            .expect("done");
        assert_eq!(last(&mut wire), ["U:k", "k=2&v=z", "k=2&v=y"], "{style}");

        // The first table is gone, as the old server's is; an upgrade then makes it fast again.
        assert_eq!(foreign(&place), "1", "{style}");
        place.sql("drop table t");
        place.sql(&ostler_queue::schema::script(true));
        assert_eq!(foreign(&place), "0", "{style}");
        wire.query("update other set v = 'x' where k = 2").expect("done");
        assert_eq!(last(&mut wire), ["U:k", "k=2&v=x", "k=2&v=z"], "{style}");
    }
}

/// Tables whose triggers were made for another one.
fn foreign(place: &Place) -> String {
    let statement = "select count(distinct place) from pgq.ostler_foreign_triggers()";
    place.value(statement).unwrap()
}

#[test]
fn partitions_write_events_of_their_own() {
    for release in RELEASES {
        let Some(place) = Place::new(release) else {
            continue;
        };
        place.sql(
            "select pgq.create_queue('q');
             create table p (id int primary key, a text) partition by range (id);
             create table p1 (a text, id int not null); alter table p attach partition p1 for values from (0) to (10)",
        );
        let plan = place.sql("select pgq.ostler_trigger_plan('p', 'x', 'logutriga', '{q}')");
        for statement in plan.into_iter().flatten().flatten() {
            place.sql(&statement);
        }
        place.sql("insert into p values (1, 'x')");
        let event = place.sql("select ev_extra1, ev_data from pgq.event_template");
        assert_eq!(
            event,
            [[Some("public.p1".to_owned()), Some("a=x&id=1".to_owned())]]
        );
    }
}

#[test]
fn wide_tables_have_all_their_columns() {
    let Some(place) = Place::new(Release::Fifteen) else {
        return;
    };
    let columns: Vec<String> = (0..230).map(|n| format!("c{n} text")).collect();
    place.sql(&format!(
        "select pgq.create_queue('q'); create table t (id int primary key, {})",
        columns.join(", ")
    ));
    for (style, kind) in [("each", "logutriga"), ("bulk", "jsontriga"), ("each", "sqltriga")] {
        let plan = place.sql(&format!(
            "select pgq.ostler_trigger_plan('t', 'x{kind}', '{kind}', '{{q}}', '{style}')"
        ));
        for statement in plan.into_iter().flatten().flatten() {
            place.sql(&statement);
        }
    }
    place.sql("insert into t (id, c229) values (1, 'last'); update t set c0 = 'first', c229 = null");
    let event = |wanted: &str| {
        place
            .value(&format!(
                "select ev_data from pgq.event_template where ev_type {wanted} order by ev_id desc"
            ))
            .unwrap_or_default()
    };
    assert!(event("= 'I:id'").starts_with("id=1&c0&c1&") && event("= 'I:id'").ends_with("&c228&c229=last"));
    assert!(event("like '%INSERT%'").ends_with("\"c228\":null,\"c229\":\"last\"}"));
    assert_eq!(event("= 'U'"), "c0='first',c229=NULL where id='1'");
}
