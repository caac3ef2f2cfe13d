//! Faults put into scratch copies of the schema, which the model must find: a search that finds nothing may be blind.

use ostler_testkit::install::postgres::Release;

use super::round::{self, Crew};
use crate::place::Place;

/// Rounds within which a fault must be found.
const ROUNDS: u64 = 60;

/// Puts a fault into the schema: `from` in the source of these functions becomes `to`.
fn plant(place: &Place, function: &str, from: &str, to: &str) {
    let source = place
        .value(&format!("select pg_get_functiondef('{function}'::regprocedure)"))
        .expect("the function is there");
    assert!(source.contains(from), "{function} has no `{from}`: {source}");
    place.sql(&source.replace(from, to));
}

async fn is_found(place: &Place, sign: &str) {
    let crew = Crew::new(place).await;
    for seed in 0..ROUNDS {
        if let Err(what) = round::run(place, &crew, seed).await {
            assert!(what.contains(sign), "found something else: {what}");
            return;
        }
    }
    panic!("{ROUNDS} rounds did not find it");
}

async fn finds(function: &str, from: &str, to: &str, sign: &str) {
    let Some(place) = Place::new(Release::Fifteen) else {
        return;
    };
    plant(&place, function, from, to);
    is_found(&place, sign).await;
}

/// The C extension's own: a ticker with an old snapshot makes consumers see events twice.
#[tokio::test]
async fn a_stale_tick_is_found() {
    finds(
        "pgq.ticker(text)",
        "if current_setting('transaction_isolation') = 'read committed'",
        "if true",
        "batch",
    )
    .await;
}

#[tokio::test]
async fn a_batch_without_transactions_that_ran_at_its_first_tick_is_found() {
    finds(
        "pgq.batch_event_sql(bigint)",
        "where txid_visible_in_snapshot(x, b.z)",
        "where txid_visible_in_snapshot(x, b.z) and x % 2 = 0",
        "lacks [Sent",
    )
    .await;
}

#[tokio::test]
async fn a_batch_with_transactions_that_still_run_at_its_last_tick_is_found() {
    finds(
        "pgq.batch_event_sql(bigint)",
        "where x >= txid_snapshot_xmax(b.a)",
        "where x < 0",
        // Or the batch is another one when it is read again.
        "",
    )
    .await;
}

#[tokio::test]
async fn a_rotation_that_does_not_wait_for_consumers_is_found() {
    finds(
        "pgq.maint_rotate_tables_step1(text)",
        "if needed then",
        "if false then",
        "",
    )
    .await;
}

#[tokio::test]
async fn a_retry_that_everybody_gets_is_found() {
    finds(
        "pgq.batch_event_sql(bigint)",
        "(ev_owner is null or ev_owner = '",
        "(ev_owner is null or 0 < '",
        "",
    )
    .await;
}

#[tokio::test]
async fn a_batch_that_skips_a_tick_is_found() {
    finds(
        "pgq.finish_batch(bigint)",
        "b.next_tick, now()",
        "b.next_tick + (b.next_tick % 5 = 0)::integer, now()",
        "",
    )
    .await;
}

/// A transaction whose snapshot is older than a rotation believes in a table that was closed since.
#[tokio::test]
async fn a_writer_that_does_not_know_of_a_rotation_is_found() {
    finds(
        "pgq.ostler_table_now(integer, bigint, text)",
        "if i_step1 operator(pg_catalog.<)",
        "if false and i_step1 operator(pg_catalog.<)",
        "lacks [Sent",
    )
    .await;
}

/// A table is closed, but a transaction that wrote to it before still ran at the batch's first tick.
#[tokio::test]
async fn a_closed_table_that_is_left_out_too_early_is_found() {
    finds(
        "pgq.ostler_may_hold(bigint, txid_snapshot, txid_snapshot)",
        "return exists",
        "return false and exists",
        "lacks [Sent",
    )
    .await;
}

/// The id of the transaction that ends a rotation is older than that of a writer who did not see it yet.
#[tokio::test]
async fn a_table_that_is_closed_while_somebody_may_write_is_found() {
    finds(
        "pgq.current_event_table(text)",
        "perform txid_current();",
        "",
        "lacks [Sent",
    )
    .await;
}
