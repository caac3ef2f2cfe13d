//! A queue with one consumer, and what all tests do with it.

#![expect(clippy::unwrap_used, reason = "a test's way to fail")]

use ostler_testkit::install::postgres::Release;

use super::place::Place;

/// A queue `q` with a consumer `c`.
pub fn queue(release: Release) -> Option<Place> {
    Place::new(release).inspect(with_queue)
}

/// As [`queue`], in a server of its own.
pub fn queue_alone(release: Release) -> Option<Place> {
    Place::alone(release).inspect(with_queue)
}

fn with_queue(place: &Place) {
    place.sql("select pgq.create_queue('q'); select pgq.register_consumer('q', 'c')");
}

pub fn tick(place: &Place) {
    place.sql("select pgq.force_tick('q'); select pgq.ticker('q')");
}

/// What the consumer gets until there is nothing: data of events in order.
pub fn drain(place: &Place, consumer: &str) -> Vec<String> {
    let mut got = Vec::new();
    while let Some(batch) = place.value(&format!("select pgq.next_batch('q', '{consumer}')")) {
        let rows = place.sql(&format!("select ev_data from pgq.get_batch_events({batch})"));
        got.extend(rows.into_iter().filter_map(|mut row| row.remove(0)));
        place.sql(&format!("select pgq.finish_batch({batch})"));
    }
    got
}

/// A rotation that is due, both steps.
pub fn rotate(place: &Place) {
    place.sql("update pgq.queue set queue_switch_time = now() - interval '1 day'");
    place.sql("select pgq.maint_rotate_tables_step1('q')");
    place.sql("select pgq.maint_rotate_tables_step2()");
}

pub fn current(place: &Place) -> String {
    place.value("select queue_cur_table from pgq.queue").unwrap()
}
