//! Cooperative consumers, and what target databases remember.

use ostler_testkit::install::postgres::Release;

use super::place::Place;

fn value(place: &Place, statement: &str) -> Option<String> {
    place.value(statement)
}

#[test]
fn what_was_applied_is_remembered() {
    for release in Release::SUPPORTED {
        let Some(place) = Place::new(release) else {
            continue;
        };
        for (call, result) in [
            ("pgq_ext.is_batch_done('c', 1)", Some("f")),
            ("pgq_ext.set_batch_done('c', 1)", Some("t")),
            ("pgq_ext.set_batch_done('c', 1)", Some("f")),
            ("pgq_ext.is_batch_done('c', 1)", Some("t")),
            ("pgq_ext.is_batch_done('c', 'part', 1)", Some("f")),
            ("pgq_ext.set_batch_done('c', 2)", Some("t")),
            ("pgq_ext.is_batch_done('c', 1)", Some("f")),
            // No number of a batch: said to be new, and not recorded.
            ("pgq_ext.set_batch_done('c', 0)", Some("t")),
            ("pgq_ext.set_batch_done('c', -1)", Some("t")),
            ("pgq_ext.set_batch_done('c', null)", Some("t")),
            ("pgq_ext.is_batch_done('c', 2)", Some("t")),
            ("pgq_ext.is_event_done('c', 1, 7)", Some("f")),
            ("pgq_ext.set_event_done('c', 1, 7)", Some("t")),
            ("pgq_ext.set_event_done('c', 1, 7)", Some("f")),
            ("pgq_ext.set_event_done('c', 1, 8)", Some("t")),
            ("pgq_ext.is_event_done('c', 1, 7)", Some("t")),
            ("pgq_ext.set_event_done('c', 2, 7)", Some("t")),
            ("pgq_ext.is_event_done('c', 1, 7)", Some("f")),
            ("pgq_ext.get_last_tick('c')", None),
            ("pgq_ext.set_last_tick('c', 5)", Some("1")),
            ("pgq_ext.get_last_tick('c')", Some("5")),
            ("pgq_ext.get_last_tick('c', 'part')", None),
            ("pgq_ext.set_last_tick('c', null)", Some("1")),
            ("pgq_ext.get_last_tick('c')", None),
            ("pgq_ext.version()", Some("3.1")),
        ] {
            assert_eq!(
                value(&place, &format!("select {call}")).as_deref(),
                result,
                "{release:?}: {call}"
            );
        }
    }
}

#[test]
fn tables_of_an_older_pgq_get_parts_and_keep_positions() {
    for release in Release::SUPPORTED {
        let Some(place) = Place::empty(release) else {
            continue;
        };
        // As PgQ before 3.1 made them.
        place.sql(
            "create schema pgq_ext;
             create table pgq_ext.completed_batch (consumer_id text primary key, last_batch_id bigint not null);
             create table pgq_ext.completed_event (consumer_id text, batch_id bigint, event_id bigint, primary key (consumer_id, batch_id, event_id));
             create table pgq_ext.partial_batch (consumer_id text primary key, cur_batch_id bigint not null);
             create table pgq_ext.completed_tick (consumer_id text primary key, last_tick_id bigint not null);
             insert into pgq_ext.completed_batch values ('c', 5);
             insert into pgq_ext.completed_event values ('c', 6, 101);
             insert into pgq_ext.partial_batch values ('c', 6);
             insert into pgq_ext.completed_tick values ('c', 9)",
        );
        place.sql(&ostler_queue::schema::script(false));
        for (call, result) in [
            ("pgq_ext.is_batch_done('c', 5)", "t"),
            ("pgq_ext.set_batch_done('c', 'part', 5)", "t"),
            ("pgq_ext.set_batch_done('c', 6)", "t"),
            ("pgq_ext.is_event_done('c', 6, 101)", "t"),
            ("pgq_ext.set_event_done('c', 6, 102)", "t"),
            ("pgq_ext.is_event_done('c', 6, 101)", "t"),
            ("pgq_ext.get_last_tick('c')", "9"),
            ("pgq_ext.set_last_tick('c', 'part', 10)", "1"),
            ("pgq_ext.get_last_tick('c')", "9"),
            // Once is enough.
            ("pgq_ext.upgrade_schema()", "0"),
        ] {
            assert_eq!(
                value(&place, &format!("select {call}")).as_deref(),
                Some(result),
                "{release:?}: {call}"
            );
        }
        // Who writes to the tables may leave the part out.
        place.sql("insert into pgq_ext.completed_tick (consumer_id, last_tick_id) values ('d', 1)");
    }
}

#[test]
fn members_share_batches_and_take_over_from_a_dead_one() {
    for release in Release::SUPPORTED {
        let Some(place) = Place::new(release) else {
            continue;
        };
        let tick = || {
            place.sql("select pgq.insert_event('q', 't', 'd')");
            place.sql("select pgq.force_tick('q'); select pgq.ticker('q')");
        };
        place.sql("select pgq.create_queue('q')");
        for (call, result) in [
            ("pgq_coop.register_subconsumer('q', 'm', 'one')", "1"),
            ("pgq_coop.register_subconsumer('q', 'm', 'one')", "0"),
            ("pgq_coop.register_subconsumer('q', 'm', 'two')", "1"),
        ] {
            assert_eq!(
                value(&place, &format!("select {call}")).as_deref(),
                Some(result),
                "{call}"
            );
        }
        assert_eq!(value(&place, "select pgq_coop.next_batch('q', 'm', 'one')"), None);
        tick();
        tick();
        let one = value(&place, "select pgq_coop.next_batch('q', 'm', 'one')").unwrap();
        let two = value(&place, "select pgq_coop.next_batch('q', 'm', 'two')").unwrap();
        assert_ne!(one, two);
        assert_eq!(
            value(&place, "select pgq_coop.next_batch('q', 'm', 'one')").unwrap(),
            one
        );
        assert_eq!(
            place
                .sql(&format!("select * from pgq.get_batch_events({two})"))
                .len(),
            1
        );
        assert_eq!(
            value(
                &place,
                &format!("select consumer_name from pgq.get_batch_info({two})")
            )
            .as_deref(),
            Some("m.two")
        );
        assert_eq!(
            value(&place, &format!("select pgq_coop.finish_batch({two})")).as_deref(),
            Some("1")
        );

        let refused = place
            .server
            .try_sql(
                &place.database,
                "select pgq_coop.unregister_subconsumer('q', 'm', 'one', 0)",
            )
            .unwrap_err();
        assert!(
            refused
                .root_cause()
                .to_string()
                .contains("subconsumer has active batch"),
            "{refused:#}"
        );

        // The first is silent for long; the second takes its batch, under another id.
        place.sql(
            "update pgq.subscription set sub_active = now() - interval '1 hour' where sub_batch is not null",
        );
        let taken = value(
            &place,
            "select pgq_coop.next_batch('q', 'm', 'two', '10 minutes')",
        )
        .unwrap();
        assert_ne!(taken, one);
        assert_eq!(
            place
                .sql(&format!("select * from pgq.get_batch_events({taken})"))
                .len(),
            1
        );
        assert_eq!(
            value(&place, &format!("select pgq_coop.finish_batch({one})")).as_deref(),
            Some("0")
        );
        // What is to be tried again comes to whichever member.
        place.sql(&format!("select pgq.event_retry({taken}, ev_id, 0) from pgq.get_batch_events({taken}); select pgq_coop.finish_batch({taken})"));
        assert_eq!(
            value(&place, "select pgq.maint_retry_events()").as_deref(),
            Some("1")
        );
        tick();
        let again = value(&place, "select pgq_coop.next_batch('q', 'm', 'three')").unwrap();
        assert_eq!(
            place
                .sql(&format!("select * from pgq.get_batch_events({again})"))
                .len(),
            2,
            "{release:?}"
        );
        // A dead letter is the main consumer's, and can be given back when the member is gone.
        place.sql(&format!(
            "select pgq.event_dead({again}, ev_id, 'bad') from pgq.get_batch_events({again}) limit 1"
        ));
        place.sql("select pgq_coop.unregister_subconsumer('q', 'm', 'three', 1)");
        assert_eq!(
            value(&place, "select dl_consumer from pgq.ostler_dead_letter").as_deref(),
            Some("m")
        );
        assert_eq!(
            value(
                &place,
                "select pgq.dead_letter_retry(dl_id) from pgq.ostler_dead_letter"
            )
            .as_deref(),
            Some("1")
        );
        // A member goes alone, the main consumer takes all along.
        place.sql("select pgq_coop.register_subconsumer('q', 'm', 'four')");
        assert_eq!(
            value(&place, "select pgq.unregister_consumer('q', 'm.two')").as_deref(),
            Some("1")
        );
        assert_eq!(
            value(&place, "select pgq.unregister_consumer('q', 'm')").as_deref(),
            Some("2")
        );
    }
}
