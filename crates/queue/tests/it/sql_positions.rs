//! Positions of consumers, and what a held transaction does to them.

#![expect(clippy::unwrap_used, reason = "a test's way to fail")]

use std::time::{Duration, Instant};

use ostler_testkit::install::postgres::Release;

use super::place::Place;
use super::sql_world::{drain, queue, tick};

#[test]
fn positions_survive_the_change_of_their_segments() {
    let Some(place) = queue(Release::Fifteen) else {
        return;
    };
    place.sql("select pgq.register_consumer('q', 'idle')");
    let mut expected = 0;
    for round in 0..4 {
        for _ in 0..5 {
            place.sql("select pgq.insert_event('q', 't', 'd')");
            expected += 1;
            tick(&place);
        }
        // As if it had grown for long.
        let segment = place.value("select segment from pgq.ostler_segment").unwrap();
        place.sql(&format!(
            "insert into pgq.ostler_position_{segment} select -1, -1, g + {round} * 100000, 1, now(), null, null from generate_series(1, 20000) g; \
             update pgq.ostler_segment set switched_at = now() - interval '1 day'"
        ));
        assert_eq!(drain(&place, "c").len(), 5);
        // Nobody's position may be in use: a reader holds it off.
        let mut reader = place.server.wire(&place.database).unwrap();
        reader.query("begin; select * from pgq.subscription").unwrap();
        place.sql("select pgq.maint_positions()");
        assert_eq!(
            place.value("select segment from pgq.ostler_segment"),
            Some(segment.clone())
        );
        reader.query("commit").unwrap();
        place.sql("select pgq.maint_positions()");
        assert_ne!(
            place.value("select segment from pgq.ostler_segment"),
            Some(segment)
        );
    }
    assert_eq!(drain(&place, "idle").len(), expected);
    assert_eq!(
        place.value("select count(*) from pgq.subscription").as_deref(),
        Some("2")
    );
}

/// Batches per second of one consumer, over a second or so.
fn rate(place: &Place) -> f64 {
    let mut wire = place.server.wire(&place.database).unwrap();
    let begun = Instant::now();
    let mut batches = 0;
    while begun.elapsed() < Duration::from_secs(3) {
        wire.query(
            "select pgq.insert_event('q', 't', 'd'); select pgq.force_tick('q'); select pgq.ticker('q')",
        )
        .unwrap();
        while let Some(batch) = wire.query("select pgq.next_batch('q', 'c')").unwrap()[0][0].clone() {
            wire.query(&format!("select * from pgq.get_batch_events({batch})"))
                .unwrap();
            wire.query(&format!("select pgq.finish_batch({batch})")).unwrap();
            batches += 1;
        }
    }
    f64::from(batches) / begun.elapsed().as_secs_f64()
}

#[test]
fn a_held_transaction_leaves_no_dead_rows_behind_consumers() {
    let Some(place) = queue(Release::Fifteen) else {
        return;
    };
    let mut long = place.server.wire(&place.database).unwrap();
    let free = rate(&place);
    long.query("begin isolation level repeatable read; select txid_current()")
        .unwrap();
    let held = [rate(&place), rate(&place), rate(&place)];
    let dead = place.sql(
        "select relid::regclass, n_dead_tup from pg_stat_all_tables where schemaname like 'pgq%' and n_dead_tup > 100",
    );
    println!("batches per second: {free:.0} free, {held:.0?} held");
    assert!(dead.is_empty(), "{dead:?}");
    // Rates are measured elsewhere; here only that nothing collapses.
    assert!(held[2] > free * 0.2, "{free} {held:?}");
}
