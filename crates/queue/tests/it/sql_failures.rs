//! Events that fail, are for later, or have nobody who reads them.

use ostler_testkit::install::postgres::Release;

use super::place::Place;
use super::sql_world::{drain, queue, tick};

#[test]
fn retries_of_a_queue_that_takes_nothing_stop_nobody() {
    let Some(place) = queue(Release::Fifteen) else {
        return;
    };
    place.sql("select pgq.create_queue('other'); select pgq.register_consumer('other', 'c')");
    for queue in ["q", "other"] {
        place.sql(&format!(
            "select pgq.event_retry_raw('{queue}', 'c', now(), null, now(), 1, 't', g::text, null, null, null, null) from generate_series(1, 15) g"
        ));
    }
    place.sql("update pgq.queue set queue_disable_insert = true where queue_name = 'q'");
    let moved = |place: &Place| place.value("select pgq.maint_retry_events()").unwrap();
    assert_eq!([moved(&place), moved(&place), moved(&place)], ["10", "5", "0"]);
    place.sql("update pgq.queue set queue_disable_insert = false");
    assert_eq!([moved(&place), moved(&place), moved(&place)], ["10", "5", "0"]);
}

#[test]
fn a_poison_event_comes_later_each_time_and_becomes_a_dead_letter() {
    for release in Release::SUPPORTED {
        let Some(place) = queue(release) else { continue };
        for (name, value) in [
            ("retry_limit", "2"),
            ("retry_delay", "10 seconds"),
            ("retry_factor", "3"),
            ("retry_delay_max", "20 seconds"),
        ] {
            place.sql(&format!("select pgq.set_queue_config('q', '{name}', '{value}')"));
        }
        place.sql("select pgq.insert_event('q', 't', 'poison')");
        for delay in ["00:00:10", "00:00:20"] {
            tick(&place);
            let batch = place.value("select pgq.next_batch('q', 'c')").unwrap();
            let after = place
                .value(&format!("select pgq.event_failed({batch}, 1, 'boom') - now()"))
                .unwrap();
            assert_eq!(after, delay, "{release:?}");
            place.sql(&format!(
                "select pgq.finish_batch({batch}); update pgq.retry_queue set ev_retry_after = now()"
            ));
            place.sql("select pgq.maint_retry_events()");
        }
        tick(&place);
        let batch = place.value("select pgq.next_batch('q', 'c')").unwrap();
        assert_eq!(
            place.value(&format!("select pgq.event_failed({batch}, 1, 'boom')")),
            None
        );
        // The old way of saying it ends there as well.
        assert_eq!(
            place
                .value(&format!("select pgq.event_retry({batch}, 1, 0)"))
                .as_deref(),
            Some("0")
        );
        place.sql(&format!("select pgq.finish_batch({batch})"));
        let letters = place.sql("select consumer_name, reason, ev_data, ev_retry from pgq.dead_letters('q')");
        let letters: Vec<Vec<&str>> = letters
            .iter()
            .map(|row| row.iter().flatten().map(String::as_str).collect())
            .collect();
        assert_eq!(letters, [["c", "boom", "poison", "2"]], "{release:?}");

        assert_eq!(
            place
                .value("select pgq.dead_letter_retry(dl_id) from pgq.dead_letters('q')")
                .as_deref(),
            Some("1")
        );
        place.sql("select pgq.maint_retry_events()");
        tick(&place);
        assert_eq!(drain(&place, "c"), ["poison"], "{release:?}");
    }
}

#[test]
fn a_delayed_event_comes_when_its_time_has_come() {
    let Some(place) = queue(Release::Fifteen) else {
        return;
    };
    place.sql("select pgq.insert_event_at('q', now() + interval '1 hour', 't', 'later'); select pgq.insert_event_at('q', now(), 't', 'now')");
    place.sql("select pgq.force_tick('q'); select pgq.ticker()");
    assert_eq!(drain(&place, "c"), ["now"]);
    place.sql("update pgq.ostler_delayed set de_after = now() - interval '1 second'");
    place.sql("select pgq.ticker()");
    tick(&place);
    assert_eq!(drain(&place, "c"), ["later"]);
    assert_eq!(
        place.value("select pgq.maint_delayed_events()").as_deref(),
        Some("0")
    );
}

#[test]
fn a_dead_consumer_is_told_of_or_stops_producers_or_goes() {
    let Some(place) = queue(Release::Fifteen) else {
        return;
    };
    place.sql(
        "select pgq.set_queue_config('q', 'lag_limit', '1 hour'); select pgq.insert_event('q', 't', 'd')",
    );
    tick(&place);
    let late = |place: &Place| {
        place
            .sql("select consumer_name from pgq.lagging_consumers()")
            .len()
    };
    assert_eq!(late(&place), 0);
    place.sql("update pgq.tick set tick_time = tick_time - interval '2 hours'");
    assert_eq!(late(&place), 1);
    assert_eq!(
        place
            .value("select func_name from pgq.maint_operations()")
            .as_deref(),
        Some("pgq.maint_consumer_limits")
    );

    // alert: nothing happens to anybody.
    place.sql("select pgq.maint_consumer_limits(); select pgq.insert_event('q', 't', 'd')");

    place.sql("select pgq.set_queue_config('q', 'lag_action', 'pause')");
    place.sql("select pgq.maint_consumer_limits()");
    assert!(
        place
            .server
            .try_sql(&place.database, "select pgq.insert_event('q', 't', 'd')")
            .is_err()
    );
    drain(&place, "c");
    place.sql("select pgq.maint_consumer_limits(); select pgq.insert_event('q', 't', 'd')");

    place.sql("select pgq.set_queue_config('q', 'lag_action', 'expire')");
    tick(&place);
    place.sql("update pgq.tick set tick_time = tick_time - interval '2 hours'");
    let at = place.value("select last_tick from pgq.get_consumer_info('q', 'c')");
    place.sql("select pgq.maint_consumer_limits()");
    assert_eq!(
        place.value("select count(*) from pgq.subscription").as_deref(),
        Some("0")
    );
    assert_eq!(
        place.value("select ex_last_tick from pgq.ostler_expired where ex_consumer = 'c'"),
        at
    );
}
