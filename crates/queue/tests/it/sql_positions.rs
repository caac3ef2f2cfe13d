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

/// So many batches of one consumer, an event each, over a session of their own, which tells its statistics when it ends.
fn consume(place: &Place, batches: u32) {
    let mut wire = place.server.wire(&place.database).unwrap();
    for _ in 0..batches {
        wire.query(
            "select pgq.insert_event('q', 't', 'd'); select pgq.force_tick('q'); select pgq.ticker('q')",
        )
        .unwrap();
        let batch = wire.query("select pgq.next_batch('q', 'c')").unwrap()[0][0]
            .clone()
            .unwrap();
        wire.query(&format!("select * from pgq.get_batch_events({batch})"))
            .unwrap();
        wire.query(&format!("select pgq.finish_batch({batch})")).unwrap();
    }
}

#[test]
fn a_held_transaction_leaves_no_dead_rows_behind_consumers() {
    const BATCHES: u32 = 400;
    let Some(place) = queue(Release::Fifteen) else {
        return;
    };
    let mut long = place.server.wire(&place.database).unwrap();
    long.query("begin isolation level repeatable read; select txid_current()")
        .unwrap();
    consume(&place, BATCHES);
    // Two positions a batch, one when it begins and one when it ends.
    let told = format!(
        "select sum(n_tup_ins) >= {BATCHES} * 2 from pg_stat_all_tables where relname like 'ostler\\_position\\_%'"
    );
    let start = Instant::now();
    while place.value(&told).as_deref() != Some("t") {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "the server counts rows"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let dead = place.sql(
        "select relid::regclass, n_dead_tup from pg_stat_all_tables where schemaname like 'pgq%' and n_dead_tup > 100",
    );
    assert!(dead.is_empty(), "{dead:?}");
}
