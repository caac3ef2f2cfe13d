//! Positions of consumers, and what a held transaction does to them.

#![expect(clippy::unwrap_used, reason = "a test's way to fail")]

use std::time::{Duration, Instant};

use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::Wire;

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

/// Rows of a table, and entries of its indexes, that this transaction has read until now.
fn read(wire: &mut Wire, table: &str) -> u64 {
    let rows = wire
        .query(&format!(
            "select sum(pg_stat_get_xact_tuples_fetched(o) + pg_stat_get_xact_tuples_returned(o))
               from (select 'pgq.{table}'::regclass::oid as o
                     union all select indexrelid from pg_index where indrelid = 'pgq.{table}'::regclass) all_of_it"
        ))
        .unwrap();
    rows[0][0].as_deref().unwrap().parse().unwrap()
}

#[test]
fn a_batch_reads_few_positions_and_ticks_however_many_there_are() {
    for release in Release::SUPPORTED {
        let Some(place) = queue(release) else {
            return;
        };
        // Positions are never analysed: whoever plans a statement knows only how large they are.
        for versions in [1, 600, 2400] {
            place.sql(&format!(
                "select pgq.register_consumer('q', 'c' || n) from generate_series(1, 100) n;
                 insert into pgq.ostler_position_0
                 select p.pos_queue, p.pos_consumer, p.pos_version + g, p.pos_last_tick, now(),
                        case when g < {versions} then p.pos_consumer * 1000000000::bigint + p.pos_version + g end, p.pos_last_tick
                   from (select distinct on (pos_queue, pos_consumer) * from pgq.ostler_position
                          order by pos_queue, pos_consumer, pos_version desc) p, generate_series(1, {versions}) g;
                 insert into pgq.tick (tick_queue, tick_id, tick_event_seq)
                 select tick_queue, max(tick_id) + g, max(tick_event_seq)
                   from pgq.tick, generate_series(1, {versions}) g group by tick_queue, g"
            ));
            let mut wire = place.server.wire(&place.database).unwrap();
            wire.query("begin").unwrap();
            let batch = wire.query("select pgq.next_batch('q', 'c7')").unwrap()[0][0]
                .clone()
                .unwrap();
            wire.query(&format!("select * from pgq.get_batch_events({batch})"))
                .unwrap();
            wire.query(&format!("select pgq.finish_batch({batch})")).unwrap();
            for table in ["ostler_position_0", "tick"] {
                let rows = read(&mut wire, table);
                assert!(rows < 50, "{release:?}, {versions} versions: {rows} of {table}");
            }
        }
    }
}
