//! Rotation, under long transactions and with slow consumers.

use ostler_testkit::install::postgres::Release;

use super::sql_world::{current, drain, queue, queue_alone, rotate, tick};

#[test]
fn a_long_transaction_that_did_not_write_to_the_queue_does_not_stop_rotation() {
    for release in Release::SUPPORTED {
        // With a transaction id from the start, and without one until it writes.
        for begin in ["select txid_current()", "select count(*) from pgq.queue"] {
            for rotations in 1..=4 {
                let Some(place) = queue(release) else { continue };
                let mut long = place.server.wire(&place.database).unwrap();
                long.query(&format!("begin isolation level repeatable read; {begin}"))
                    .unwrap();
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
fn an_open_transaction_that_ticked_does_not_hold_rotation_up() {
    let Some(place) = queue(Release::Fifteen) else {
        return;
    };
    place.sql("select pgq.insert_event('q', 't', 'd')");
    let mut open = place.server.wire(&place.database).unwrap();
    open.query("begin; select pgq.force_tick('q')").unwrap();
    open.query("select pgq.ticker('q')").unwrap();
    place.sql("set lock_timeout = '1s'; update pgq.queue set queue_switch_time = now() - interval '1 day'");
    place.sql("set lock_timeout = '1s'; select pgq.maint_rotate_tables_step1('q')");
    assert_eq!(current(&place), "1");
    open.query("commit").unwrap();
    assert_eq!(drain(&place, "c"), ["d"]);
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
fn readers_who_never_pause_do_not_hold_rotation_up() {
    for release in Release::SUPPORTED {
        // Long transactions of other tests, in other databases too, would hold rotation up.
        let Some(place) = queue_alone(release) else {
            continue;
        };
        // Two readers whose transactions always overlap: one of them has a batch open at any time.
        let mut readers = [(); 2].map(|()| place.server.wire(&place.database).unwrap());
        for turn in 0..12 {
            place.sql(&format!("select pgq.insert_event('q', 't', '{turn}')"));
            tick(&place);
            let reader = &mut readers[turn % 2];
            reader.query("rollback; begin").unwrap();
            let batch = place.value("select pgq.next_batch('q', 'c')").unwrap();
            let rows = reader
                .query(&format!("select ev_data from pgq.get_batch_events({batch})"))
                .unwrap();
            assert_eq!(rows, [[Some(turn.to_string())]], "{release:?}");
            place.sql(&format!("select pgq.finish_batch({batch})"));
            if turn % 2 == 1 {
                let before = current(&place);
                rotate(&place);
                assert_ne!(current(&place), before, "{release:?}: turn {turn}");
            }
        }
    }
}

#[test]
fn a_rotation_that_is_undone_leaves_writers_where_they_were() {
    let Some(place) = queue(Release::Fifteen) else {
        return;
    };
    place.sql("update pgq.queue set queue_switch_time = now() - interval '1 day'");
    // Both steps in one transaction, which fails.
    let mut wire = place.server.wire(&place.database).unwrap();
    wire.query("begin; select pgq.maint_rotate_tables_step1('q')")
        .unwrap();
    wire.query("select pgq.maint_rotate_tables_step2(); rollback")
        .unwrap();
    assert_eq!(current(&place), "0");
    place.sql("begin isolation level repeatable read; select pgq.insert_event('q', 't', 'one'); commit");
    assert_eq!(
        place.value("select pgq.current_event_table('q')").as_deref(),
        Some("pgq.event_1_0")
    );
    // And committed together: it counts, but the former table stays open for readers.
    wire.query("begin; select pgq.maint_rotate_tables_step1('q')")
        .unwrap();
    wire.query("select pgq.maint_rotate_tables_step2(); commit")
        .unwrap();
    assert_eq!(current(&place), "1");
    assert_eq!(place.value("select closed_at[1] from pgq.ostler_queue"), None);
    place.sql("select pgq.insert_event('q', 't', 'two')");
    tick(&place);
    assert_eq!(drain(&place, "c"), ["one", "two"]);
}
