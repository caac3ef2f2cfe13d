//! What PgQ does not have: ticks in order, rotation under long transactions, dead letters, delays, limits, restores.

use std::time::{Duration, Instant};

use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::postgres;

use super::place::Place;

/// A queue `q` with a consumer `c`.
fn queue(release: Release) -> Option<Place> {
    let place = Place::new(release)?;
    place.sql("select pgq.create_queue('q'); select pgq.register_consumer('q', 'c')");
    Some(place)
}

fn tick(place: &Place) {
    place.sql("select pgq.force_tick('q'); select pgq.ticker('q')");
}

/// What the consumer gets until there is nothing: data of events in order.
fn drain(place: &Place, consumer: &str) -> Vec<String> {
    let mut got = Vec::new();
    while let Some(batch) = place.value(&format!("select pgq.next_batch('q', '{consumer}')")) {
        let rows = place.sql(&format!("select ev_data from pgq.get_batch_events({batch})"));
        got.extend(rows.into_iter().filter_map(|mut row| row.remove(0)));
        place.sql(&format!("select pgq.finish_batch({batch})"));
    }
    got
}

/// A rotation that is due, both steps.
fn rotate(place: &Place) {
    place.sql("update pgq.queue set queue_switch_time = now() - interval '1 day'");
    place.sql("select pgq.maint_rotate_tables_step1('q')");
    place.sql("select pgq.maint_rotate_tables_step2()");
}

fn current(place: &Place) -> String {
    place.value("select queue_cur_table from pgq.queue").unwrap()
}

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
        own.query("begin; select pgq.insert_event('q', 't', 'x'); select pgq.force_tick('q')").unwrap();
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

#[test]
fn a_long_transaction_that_did_not_write_to_the_queue_does_not_stop_rotation() {
    for release in Release::SUPPORTED {
        // With a transaction id from the start, and without one until it writes.
        for begin in ["select txid_current()", "select count(*) from pgq.queue"] {
            for rotations in 1..=7 {
                let Some(place) = queue(release) else { continue };
                let mut long = place.server.wire(&place.database).unwrap();
                long.query(&format!("begin isolation level repeatable read; {begin}")).unwrap();
                for turn in 0..rotations {
                    place.sql(&format!("select pgq.insert_event('q', 't', '{turn}')"));
                    tick(&place);
                    assert_eq!(drain(&place, "c"), [turn.to_string()], "{release:?}");
                    rotate(&place);
                    assert_eq!(current(&place), ((turn + 1) % 3).to_string(), "{release:?}");
                }
                // What it writes now goes to the table that it believes to be the current one, and is read.
                long.query("select pgq.insert_event('q', 't', 'late')").unwrap();
                tick(&place);
                long.query("commit").unwrap();
                tick(&place);
                assert_eq!(drain(&place, "c"), ["late"], "{release:?}: {rotations} rotations");
            }
        }
    }
}

#[test]
fn a_long_transaction_that_wrote_loses_nothing_and_the_note_says_why_rotation_waits() {
    for release in Release::SUPPORTED {
        let Some(place) = queue(release) else { continue };
        let mut long = place.server.wire(&place.database).unwrap();
        long.query("begin; select pgq.insert_event('q', 't', 'old')")
            .unwrap();
        tick(&place);
        drain(&place, "c");
        rotate(&place);
        rotate(&place);
        assert_eq!(current(&place), "2");
        // Its table would be emptied now.
        rotate(&place);
        assert_eq!(current(&place), "2");
        let note = place
            .value("select rotation_note from pgq.queue_stats('q')")
            .unwrap();
        assert!(note.contains("event_1_0"), "{note}");
        long.query("select pgq.insert_event('q', 't', 'new'); commit")
            .unwrap();
        tick(&place);
        assert_eq!(drain(&place, "c"), ["old", "new"], "{release:?}");
        rotate(&place);
        assert_eq!(current(&place), "0");
    }
}

#[test]
fn a_consumer_that_has_not_read_stops_rotation_by_its_name() {
    let Some(place) = queue(Release::Fifteen) else {
        return;
    };
    place.sql("select pgq.insert_event('q', 't', 'kept')");
    tick(&place);
    for _ in 0..4 {
        rotate(&place);
    }
    assert_eq!(current(&place), "2");
    let note = place
        .value("select rotation_note from pgq.queue_stats('q')")
        .unwrap();
    assert!(note.contains("consumer c"), "{note}");
    assert_eq!(drain(&place, "c"), ["kept"]);
}

#[test]
fn old_ticks_go_with_rotation_and_young_ones_stay() {
    let Some(place) = queue(Release::Fifteen) else {
        return;
    };
    for turn in 0..30 {
        place.sql(&format!("select pgq.insert_event('q', 't', '{turn}')"));
        tick(&place);
        drain(&place, "c");
        if turn % 5 == 4 {
            rotate(&place);
        }
    }
    let ticks: u32 = place
        .value("select count(*) from pgq.tick")
        .unwrap()
        .parse()
        .unwrap();
    assert!((5..=20).contains(&ticks), "{ticks}");
    // Every tick that is left can be gone back to, and gives everything after it.
    let first: u32 = place
        .value("select min(tick_id) from pgq.tick")
        .unwrap()
        .parse()
        .unwrap();
    place.sql(&format!("select pgq.register_consumer_at('q', 'c', {first})"));
    let last: u32 = place
        .value("select max(tick_id) from pgq.tick")
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(drain(&place, "c").len(), (last - first) as usize);
}

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
    assert!(held[2] > free * 0.5, "{free} {held:?}");
}

#[test]
fn a_dump_restored_into_another_server_goes_on_where_it_was() {
    for release in [Release::Thirteen, Release::Fifteen, Release::Eighteen] {
        let Some(place) = queue(release) else { continue };
        place.sql("select pgq.register_consumer('q', 'slow'); select pgq.register_consumer('q', 'busy')");
        let mut burn = place.server.wire(&place.database).unwrap();
        for _ in 0..3000 {
            burn.query("select txid_current()").unwrap();
        }
        place.sql("select pgq.insert_event('q', 't', 'one')");
        tick(&place);
        assert_eq!(drain(&place, "c"), ["one"]);
        place.sql("select pgq.insert_event('q', 't', 'two')");
        tick(&place);
        let open = place.value("select pgq.next_batch('q', 'busy')").unwrap();
        rotate(&place);
        place.sql("select pgq.insert_event('q', 't', 'three')");
        let Some(mut dump) = place.server.tool("pg_dump", &place.database) else {
            continue;
        };
        let dumped = dump.output().unwrap();
        assert!(
            dumped.status.success(),
            "{}",
            String::from_utf8_lossy(&dumped.stderr)
        );

        let Some(fresh) = postgres(release) else { continue };
        for role in ["pgq_reader", "pgq_writer", "pgq_admin"] {
            fresh.sql("postgres", &format!("create role {role}"));
        }
        let database = fresh.database();
        // COPY blocks of a plain dump need psql.
        let Some(mut psql) = fresh.tool("psql", &database) else {
            continue;
        };
        let mut child = psql
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // The tool is of a later release than some servers, which do not know this setting.
        let text = String::from_utf8(dumped.stdout).unwrap().replace("SET transaction_timeout = 0;", "");
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), text.as_bytes()).unwrap();
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success(), "{release:?}");

        let sql = |text: &str| fresh.sql(&database, text);
        assert!(
            fresh
                .try_sql(&database, "select pgq.force_tick('q'); select pgq.ticker('q')")
                .is_err()
        );
        sql("select pgq.insert_event('q', 't', 'after')");
        assert_eq!(
            sql("select pgq.restored()")[0][0].as_deref(),
            Some("1"),
            "{release:?}"
        );
        assert_eq!(sql("select pgq.restored()")[0][0].as_deref(), Some("0"));
        sql("select pgq.force_tick('q'); select pgq.ticker('q')");
        for (consumer, expected) in [
            ("c", vec!["two", "three", "after"]),
            ("slow", vec!["one", "two", "three", "after"]),
            ("busy", vec!["one", "two", "three", "after"]),
        ] {
            let mut got = Vec::new();
            while let Some(batch) = sql(&format!("select pgq.next_batch('q', '{consumer}')"))[0][0].clone() {
                if got.is_empty() && consumer == "busy" {
                    assert_eq!(batch, open);
                }
                got.extend(
                    sql(&format!("select ev_data from pgq.get_batch_events({batch})"))
                        .into_iter()
                        .filter_map(|mut row| row.remove(0)),
                );
                sql(&format!("select pgq.finish_batch({batch})"));
            }
            assert_eq!(got, expected, "{release:?}: {consumer}");
        }
    }
}
