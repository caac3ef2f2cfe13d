//! Ticks of overlapping tickers.

use ostler_testkit::install::postgres::Release;

use super::sql_world::{drain, queue, tick};

#[test]
fn a_ticker_that_stays_open_stops_no_other_and_makes_no_duplicates() {
    for release in Release::SUPPORTED {
        let Some(place) = queue(release) else { continue };
        place.sql("select pgq.insert_event('q', 't', 'one')");
        let mut slow = place.server.wire(&place.database).unwrap();
        slow.query("begin; select pgq.force_tick('q')").unwrap();
        let first = slow.query("select pgq.ticker('q')").unwrap();
        // Its tick is not committed; others go on.
        place.sql("select pgq.insert_event('q', 't', 'two')");
        tick(&place);
        let mut got = drain(&place, "c");
        assert_eq!(got, ["one", "two"], "{release:?}");
        slow.query("commit").unwrap();
        assert!(first[0][0].is_some());
        place.sql("select pgq.insert_event('q', 't', 'three')");
        tick(&place);
        got.extend(drain(&place, "c"));
        assert_eq!(got, ["one", "two", "three"], "{release:?}");
    }
}

#[test]
fn a_transaction_that_inserts_and_ticks_has_its_events_read_once() {
    for release in Release::SUPPORTED {
        let Some(place) = queue(release) else { continue };
        let mut own = place.server.wire(&place.database).unwrap();
        own.query("begin; select pgq.insert_event('q', 't', 'x'); select pgq.force_tick('q')")
            .unwrap();
        // A later transaction ends, which is when the server begins to count the first as ended in its own snapshots.
        place.sql("select txid_current()");
        own.query("select pgq.ticker('q')").unwrap();
        tick(&place);
        own.query("commit").unwrap();
        tick(&place);
        assert_eq!(drain(&place, "c"), ["x"], "{release:?}");
    }
}

#[test]
fn ids_of_ticks_have_the_order_of_their_snapshots() {
    let Some(place) = queue(Release::Fifteen) else {
        return;
    };
    place.sql("select pgq.set_queue_config('q', 'ticker_max_count', '1')");
    std::thread::scope(|scope| {
        for who in 0..4 {
            let place = &place;
            scope.spawn(move || {
                let mut wire = place.server.wire(&place.database).unwrap();
                for turn in 0..150 {
                    let level = if turn % 5 == 0 {
                        "repeatable read"
                    } else {
                        "read committed"
                    };
                    let tick = if (turn + who) % 2 == 0 {
                        "select pgq.ticker('q')"
                    } else {
                        "select pgq.ticker()"
                    };
                    wire.query(&format!(
                        "begin isolation level {level}; select pgq.insert_event('q', 't', '{who}.{turn}')"
                    ))
                    .unwrap();
                    wire.query(tick).unwrap();
                    wire.query("commit").unwrap();
                }
            });
        }
    });
    let disorder = place.sql(
        "select a.tick_id, b.tick_id, a.tick_snapshot, b.tick_snapshot from pgq.tick a join pgq.tick b on b.tick_id > a.tick_id \
         where txid_snapshot_xmax(b.tick_snapshot) < txid_snapshot_xmax(a.tick_snapshot) \
            or exists (select from txid_snapshot_xip(b.tick_snapshot) x where txid_visible_in_snapshot(x, a.tick_snapshot))",
    );
    assert!(disorder.is_empty(), "{:?}", disorder[0]);
    tick(&place);
    let mut got = drain(&place, "c");
    got.sort();
    let all = got.len();
    got.dedup();
    assert_eq!((all, got.len()), (600, 600));
}
