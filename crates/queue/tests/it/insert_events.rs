//! insert_event and what it depends on.

use ostler_testkit::install::postgres::Release;

use crate::place::Place;

const RELEASES: [Release; 3] = Release::SUPPORTED;

fn refusal(place: &Place, statement: &str) -> String {
    let error = place
        .server
        .try_sql(&place.database, statement)
        .expect_err(statement);
    error.root_cause().to_string()
}

#[test]
fn fields_and_ids_are_those_that_were_given() {
    for release in RELEASES {
        let Some(place) = Place::new(release) else {
            continue;
        };
        place.sql("select pgq.create_queue('q')");
        assert_eq!(
            place
                .value("select pgq.insert_event('q', 'type', 'data')")
                .as_deref(),
            Some("1")
        );
        assert_eq!(
            place
                .value("select pgq.insert_event('q', null, null, 'a', 'b', 'c', 'd')")
                .as_deref(),
            Some("2")
        );
        let raw = "select pgq.insert_event_raw('q', 77, '2020-01-01', 5, 6, 't', 'd', 'a', 'b', 'c', 'd')";
        assert_eq!(place.value(raw).as_deref(), Some("77"));
        // A given id moves the sequence too: the ticker notices by it.
        let raw =
            "select pgq.insert_event_raw('q', null, null, null, null, 't', 'd', null, null, null, null)";
        assert_eq!(place.value(raw).as_deref(), Some("4"));
        let rows = place.sql(
            "select ev_id, ev_time = '2020-01-01', ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra4, ev_txid > 0
               from pgq.event_template order by ev_id",
        );
        let text = |row: &[Option<String>]| {
            row.iter()
                .map(|it| it.as_deref().unwrap_or("-").to_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let rows: Vec<String> = rows.iter().map(|row| text(row)).collect();
        assert_eq!(
            rows,
            [
                "1 f - - type data - - t",
                "2 f - - - - a d t",
                "4 f - - t d - - t",
                "77 t 5 6 t d a d t"
            ]
        );
    }
}

#[test]
fn a_queue_that_is_not_to_be_written_refuses_except_to_replicas() {
    for release in RELEASES {
        let Some(place) = Place::new(release) else {
            continue;
        };
        place.sql("select pgq.create_queue('q'); select pgq.insert_event('q', '', ''); update pgq.queue set queue_disable_insert = true");
        assert_eq!(
            refusal(&place, "select pgq.insert_event('q', '', '')"),
            "XX000: Insert into queue disallowed"
        );
        assert_eq!(
            refusal(&place, "select pgq.current_event_table('q')"),
            "P0001: Writing to queue disabled"
        );
        place.sql("set session_replication_role = 'replica'; select pgq.insert_event('q', '', ''); select pgq.current_event_table('q')");
        place.sql("update pgq.queue set queue_disable_insert = false; select pgq.insert_event('q', '', '')");
        assert_eq!(
            refusal(&place, "select pgq.insert_event('nowhere', '', '')"),
            "XX000: No such queue"
        );
        assert_eq!(
            refusal(&place, "select pgq.insert_event(null, '', '')"),
            "XX000: Queue name must not be NULL"
        );
    }
}

#[test]
fn a_transaction_has_no_more_events_than_the_limit() {
    for release in RELEASES {
        let Some(place) = Place::new(release) else {
            continue;
        };
        place.sql(
            "select pgq.create_queue('q'); select pgq.create_queue('r'); update pgq.queue set queue_per_tx_limit = 2;
             create table t (id int primary key)",
        );
        for statement in place
            .sql("select pgq.ostler_trigger_plan('t', 'x', 'logutriga', '{q}')")
            .into_iter()
            .flatten()
            .flatten()
        {
            place.sql(&statement);
        }
        let too_many = "XX000: Queue 'q' allows max 2 events from one TX";
        let one = "select pgq.insert_event('q', '', '');";
        assert_eq!(refusal(&place, &format!("{one} {one} {one}")), too_many);
        assert_eq!(refusal(&place, "insert into t values (1), (2), (3)"), too_many);
        assert_eq!(
            refusal(&place, &format!("begin; {one} insert into t values (1), (2)")),
            too_many
        );
        // Two in each of two transactions of one session; two of each of two queues.
        place.sql(&format!(
            "begin; {one} {one} commit; begin; {one} insert into t values (1); commit"
        ));
        place.sql(&format!(
            "begin; {one} select pgq.insert_event('r', '', ''); select pgq.insert_event('r', '', ''); commit"
        ));
    }
}

#[test]
fn events_go_to_the_table_that_is_current() {
    for release in RELEASES {
        let Some(place) = Place::new(release) else {
            continue;
        };
        place.sql("select pgq.create_queue('q')");
        let mut session = place.server.wire(&place.database).expect("a connection");
        let mut tables = Vec::new();
        for _ in 0..4 {
            session
                .query("select pgq.insert_event('q', '', '')")
                .expect("inserted");
            let newest = "select tableoid::regclass from pgq.event_template order by ev_id desc limit 1";
            tables.extend(place.value(newest));
            place.sql("update pgq.queue set queue_rotation_period = '0', queue_switch_step2 = txid_current() where queue_switch_step2 is null");
            place.sql("update pgq.queue set queue_rotation_period = '0', queue_switch_time = now() - interval '1 day'");
            place.sql("select pgq.maint_rotate_tables_step1('q')");
            place.sql("select pgq.maint_rotate_tables_step2()");
        }
        assert_eq!(
            tables,
            ["pgq.event_1_0", "pgq.event_1_1", "pgq.event_1_2", "pgq.event_1_0"]
        );
    }
}

#[test]
fn queues_come_and_go_under_an_open_session() {
    for release in RELEASES {
        let Some(place) = Place::new(release) else {
            continue;
        };
        let mut session = place.server.wire(&place.database).expect("a connection");
        // By each of the three functions; the last one in a transaction that keeps its snapshot.
        let mut insert = |queue: &str| {
            for call in [
                format!("select pgq.insert_event('{queue}', 'x', '')"),
                format!("select pgq.insert_event('{queue}', 'x', '', 'a', 'b', 'c', 'd')"),
                format!(
                    "begin isolation level repeatable read; select pgq.insert_event_raw('{queue}', null, null, null, null, 'x', '', null, null, null, null); commit"
                ),
            ] {
                session.query(&call).map_err(|it| it.root_cause().to_string())?;
            }
            Ok(())
        };
        let none = Err("XX000: No such queue".to_owned());
        // More than there are generated functions, with names that need care.
        let names: Vec<String> = (0..40)
            .map(|n| format!("it''s \\ \"{n}\" %s $function$ pgq.ostler_insert_1(x);"))
            .collect();
        assert_eq!(insert(&names[0]), none);
        for name in &names {
            place.sql(&format!("select pgq.create_queue('{name}')"));
            assert_eq!(insert(name), Ok(()));
        }
        let static_ones = place.value("select count(*) from pgq.queue q join pg_proc p on p.proname = 'ostler_insert_' || pgq.ostler_queue_bucket(q.queue_name) where strpos(p.prosrc, 'pgq.event_' || q.queue_id || '_0') > 0");
        assert_eq!(static_ones.as_deref(), Some("40"));
        assert_eq!(
            place
                .value("select count(*) from pgq.event_template where ev_type = 'x'")
                .as_deref(),
            Some("120")
        );
        place.sql(&format!("select pgq.drop_queue('{}')", names[0]));
        assert_eq!(insert(&names[0]), none);
        place.sql(&format!("select pgq.create_queue('{}')", names[0]));
        assert_eq!(insert(&names[0]), Ok(()));
        place.sql(&format!(
            "update pgq.queue set queue_name = 'renamed' where queue_name = '{}'",
            names[1]
        ));
        assert_eq!(insert("renamed"), Ok(()));
        assert_eq!(insert(&names[1]), none);
    }
}

#[test]
fn a_trigger_follows_its_queue_when_that_is_made_anew() {
    for style in ["each", "bulk"] {
        let Some(place) = Place::new(Release::Fifteen) else {
            return;
        };
        place.sql("select pgq.create_queue('q'); create table t (id int primary key)");
        for statement in place
            .sql(&format!(
                "select pgq.ostler_trigger_plan('t', 'x', 'logutriga', '{{q}}', '{style}')"
            ))
            .into_iter()
            .flatten()
            .flatten()
        {
            place.sql(&statement);
        }
        let mut session = place.server.wire(&place.database).expect("a connection");
        session.query("insert into t values (1)").expect("inserted");
        place.sql("select pgq.drop_queue('q')");
        let refused = session.query("insert into t values (2)").expect_err("no queue");
        assert_eq!(refused.root_cause().to_string(), "XX000: No such queue");
        place.sql("select pgq.create_queue('q')");
        session.query("insert into t values (3), (4)").expect("inserted");
        assert_eq!(
            place
                .value("select string_agg(ev_data, ' ' order by ev_id) from pgq.event_template")
                .as_deref(),
            Some("id=3 id=4")
        );
    }
}
