//! Exactly once: the effects in the target and the position, in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use ostler_postgres::{Parameter, Transaction, Type};
use ostler_queue::consumer::dispatch::{
    Dispatch, Partitioning, Period, RowMode, Rule, Rules, TableOptions, TimeOf,
};
use ostler_queue::consumer::{
    Batch, BatchSource, Consumer, ExactlyOnce, HandlerError, Retries, RunOptions, Step, Subscription,
    TransactionHandler,
};
use ostler_testkit::install::postgres::Release;
use ostler_vocabulary::Classified;

use crate::place::Place;

/// Writes payloads into a table; fails after writing as often as it is told.
#[derive(Default)]
pub struct Write {
    failures: Arc<AtomicU32>,
}

#[async_trait]
impl TransactionHandler for Write {
    async fn handle(&mut self, batch: &mut Batch<'_>, target: &Transaction<'_>) -> Result<(), HandlerError> {
        while let Some(events) = batch.next().await? {
            for event in &events {
                let data: Parameter<'_> = (&event.ev_data, Type::TEXT);
                target.execute("insert into got values ($1)", &[data]).await?;
            }
        }
        let left = self.failures.load(Ordering::Relaxed);
        if left > 0 {
            self.failures.store(left - 1, Ordering::Relaxed);
            return Err("told to fail".into());
        }
        Ok(())
    }
}

/// A source and a target.
pub fn places() -> Option<(Place, Place)> {
    let (source, target) = (Place::new(Release::Fifteen)?, Place::new(Release::Fifteen)?);
    source.sql(
        "select pgq.create_queue('q');
         update pgq.queue set queue_ticker_max_count = 1, queue_ticker_max_lag = '0', queue_ticker_idle_period = '0'",
    );
    target.sql("create table got (data text)");
    Some((source, target))
}

pub fn insert(source: &Place, from: u32, to: u32) {
    source.sql(&format!(
        "select pgq.insert_event('q', 'test', n::text) from generate_series({from}, {to}) n"
    ));
    source.sql("select pgq.ticker('q')");
}

fn got(target: &Place) -> BTreeMap<u32, u32> {
    let mut counts = BTreeMap::new();
    for row in target.sql("select data from got") {
        let number = row[0]
            .as_ref()
            .and_then(|text| text.parse().ok())
            .expect("a number");
        *counts.entry(number).or_default() += 1;
    }
    counts
}

fn once(from: u32, to: u32) -> BTreeMap<u32, u32> {
    (from..=to).map(|number| (number, 1)).collect()
}

fn consumer(source: &Place, target: &Place, failures: u32) -> Consumer<Subscription, ExactlyOnce<Write>> {
    let write = Write {
        failures: Arc::new(AtomicU32::new(failures)),
    };
    Consumer::new(
        Subscription::new(source.target(), "q", "c"),
        ExactlyOnce::new(target.target(), write),
        RunOptions::default(),
    )
}

#[tokio::test]
async fn what_fails_leaves_nothing_and_comes_again() {
    let Some((source, target)) = places() else { return };
    source.sql("select pgq.register_consumer('q', 'c')");
    insert(&source, 1, 50);
    let mut consumer = consumer(&source, &target, 1);
    assert!(consumer.step().await.is_err());
    assert_eq!(got(&target), BTreeMap::new());
    assert_eq!(consumer.step().await.expect("handled"), Step::Finished);
    assert_eq!(got(&target), once(1, 50));
}

#[tokio::test]
async fn a_consumer_that_died_between_target_and_source_does_not_repeat() {
    let Some((source, target)) = places() else { return };
    source.sql("select pgq.register_consumer('q', 'c')");
    insert(&source, 1, 50);
    // The target has it, the source does not know: as after a kill between the two.
    let mut place = Subscription::new(source.target(), "q", "c");
    let mut handler = ExactlyOnce::new(
        target.target(),
        Write {
            failures: Arc::default(),
        },
    );
    let info = place.next_batch().await.expect("asked").expect("a batch");
    let mut batch = Batch::new(&info, &mut place);
    ostler_queue::consumer::BatchHandler::handle(&mut handler, &mut batch)
        .await
        .expect("handled");
    drop((place, handler));
    let mut consumer = consumer(&source, &target, 0);
    assert_eq!(consumer.step().await.expect("handled"), Step::Finished);
    insert(&source, 51, 60);
    assert_eq!(consumer.step().await.expect("handled"), Step::Finished);
    assert_eq!(got(&target), once(1, 60));
}

#[tokio::test]
async fn an_error_says_which_of_the_two_databases_it_comes_from_and_what_was_asked() {
    let Some((source, target)) = places() else { return };
    source.sql("select pgq.register_consumer('q', 'c')");
    for (broken, whole, damage, statement) in [
        (
            &target,
            &source,
            "alter table got rename to gone",
            "insert into got",
        ),
        (&source, &target, "drop schema pgq cascade", "next_batch"),
    ] {
        insert(&source, 1, 5);
        broken.sql(damage);
        let error = consumer(&source, &target, 0).step().await.expect_err(damage);
        let said = ostler_vocabulary::Failure::from(error).messages().join(": ");
        let names = |place: &Place| said.contains(&format!("{}: ", place.target().name()));
        assert!(names(broken) && said.contains(statement), "{said}");
        assert!(!names(whole), "{said}");
    }
}

#[tokio::test]
async fn a_target_that_went_back_is_noticed() {
    let Some((source, target)) = places() else { return };
    source.sql("select pgq.register_consumer('q', 'c')");
    let mut consumer = consumer(&source, &target, 0);
    for batch in 0..3 {
        insert(&source, batch * 10, batch * 10 + 9);
        assert_eq!(consumer.step().await.expect("handled"), Step::Finished);
    }
    target.sql("update pgq_ext.completed_tick set last_tick_id = last_tick_id - 2");
    insert(&source, 30, 39);
    let error = consumer.step().await.expect_err("a lost position");
    assert!(error.to_string().contains("lost its position"), "{error}");
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn members_share_batches_and_one_that_is_silent_is_taken_over_without_repeating() {
    let Some((source, target)) = places() else { return };
    let mut first = source.member("q", "c", "one", Some(1));
    first.register().await.expect("registered");
    source.sql("select pgq.register_consumer('q', 'order')");
    insert(&source, 1, 20);
    insert(&source, 21, 40);
    // One has its batch in the target and dies before it finishes; another dies before it begins.
    let info = first.next_batch().await.expect("asked").expect("a batch");
    let mut handler = ExactlyOnce::new(
        target.target(),
        Write {
            failures: Arc::default(),
        },
    );
    let mut batch = Batch::new(&info, &mut first);
    ostler_queue::consumer::BatchHandler::handle(&mut handler, &mut batch)
        .await
        .expect("handled");
    let mut second = source.member("q", "c", "two", Some(60_000));
    let lost = second.next_batch().await.expect("asked").expect("a batch");
    assert_ne!(lost.tick_id, info.tick_id);
    insert(&source, 41, 60);
    let mut third = Consumer::new(
        source.member("q", "c", "three", Some(1)),
        ExactlyOnce::new(
            target.target(),
            Write {
                failures: Arc::default(),
            },
        ),
        RunOptions {
            until_idle: true,
            ..RunOptions::default()
        },
    );
    let totals = third
        .run(&tokio_util::sync::CancellationToken::new())
        .await
        .expect("run");
    assert!(totals.batches >= 3, "{totals:?}");
    assert_eq!(got(&target), once(1, 60));
    // Those that come back late find that their batches are not theirs any more.
    for (mut late, info) in [(first, info), (second, lost)] {
        assert!(!late.is_ours(&info).await.expect("asked"));
        assert!(!late.finish(&info, &Default::default()).await.expect("asked"));
    }
    let mut late = ExactlyOnce::new(
        target.target(),
        Write {
            failures: Arc::default(),
        },
    );
    let mut source_of_late = source.member("q", "c", "one", Some(60_000));
    let stale = ostler_queue::consumer::BatchInfo {
        batch_id: 1,
        ..source_info(&source, &target).await
    };
    let mut batch = Batch::new(&stale, &mut source_of_late);
    let _ = ostler_queue::consumer::BatchHandler::handle(&mut late, &mut batch).await;
    assert_eq!(got(&target), once(1, 60));
}

/// A batch that a member had and lost.
async fn source_info(source: &Place, _target: &Place) -> ostler_queue::consumer::BatchInfo {
    let mut order = Subscription::new(source.target(), "q", "order");
    let info = order.next_batch().await.expect("asked").expect("a batch");
    ostler_queue::consumer::BatchInfo {
        consumer: "c".to_owned(),
        sub: Some("one".to_owned()),
        ..info
    }
}

/// Runs everything there is through a dispatch.
async fn dispatch(source: &Place, target: &Place, name: &str, dispatch: Dispatch) -> Result<(), String> {
    let mut consumer = Consumer::new(
        Subscription::new(source.target(), "q", name),
        ExactlyOnce::new(target.target(), dispatch),
        RunOptions {
            until_idle: true,
            ..RunOptions::default()
        },
    );
    let done = consumer.run(&tokio_util::sync::CancellationToken::new()).await;
    done.map(drop)
        .map_err(|error| format!("{:?}", ostler_vocabulary::Failure::from(error)))
}

fn rules(texts: &[&str]) -> Rules {
    Rules::new(
        texts
            .iter()
            .map(|text| text.parse::<Rule>().expect("a rule"))
            .collect(),
    )
}

const TABLE: &str = "create table item (id int primary key, name varchar(40), price numeric(10,2), at timestamptz, \
                     raw bytea, tags text[], doc jsonb, twice int generated always as (id * 2) stored)";

#[tokio::test]
async fn a_batch_that_another_process_has_finished_is_no_lost_position() {
    let Some((source, target)) = places() else { return };
    source.sql("select pgq.register_consumer('q', 'c')");
    insert(&source, 1, 10);
    let mut late = Subscription::new(source.target(), "q", "c");
    let info = late.next_batch().await.expect("asked").expect("a batch");
    // Meanwhile another process of this name goes on by two batches.
    let mut other = consumer(&source, &target, 0);
    assert_eq!(other.step().await.expect("handled"), Step::Finished);
    insert(&source, 11, 20);
    assert_eq!(other.step().await.expect("handled"), Step::Finished);

    let mut handler = ExactlyOnce::new(target.target(), Write::default());
    let mut batch = Batch::new(&info, &mut late);
    let error = ostler_queue::consumer::BatchHandler::handle(&mut handler, &mut batch).await;
    assert!(format!("{error:?}").contains("NotOpen"), "{error:?}");
    // Nor can the batch be read, or finished with a tag.
    let gone = late.open(&info).await.expect_err("finished");
    assert_eq!(gone.kind(), ostler_vocabulary::ErrorKind::Unavailable, "{gone}");
    let mut retries = Retries::default();
    retries.event(1, std::time::Duration::from_secs(1));
    assert!(!late.finish(&info, &retries).await.expect("asked"));
    assert_eq!(got(&target), once(1, 20));
}

#[tokio::test]
async fn one_of_two_processes_of_a_name_has_its_place() {
    let Some((source, _target)) = places() else { return };
    source.sql("select pgq.register_consumer('q', 'c')");
    insert(&source, 1, 10);
    let place = || Subscription::new(source.target(), "q", "c").exclusively();
    let (mut first, mut second) = (place(), place());
    let batch = first.next_batch().await.expect("asked").expect("a batch");
    let busy = second.next_batch().await.expect_err("taken");
    assert_eq!(busy.kind(), ostler_vocabulary::ErrorKind::Busy, "{busy}");
    // Another name has a place of its own.
    source.sql("select pgq.register_consumer('q', 'd')");
    let mut other = Subscription::new(source.target(), "q", "d").exclusively();
    other.next_batch().await.expect("free");
    drop(first);
    let mut taken = second.next_batch().await;
    while taken.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        taken = second.next_batch().await;
    }
    assert_eq!(
        taken.expect("free now").expect("a batch").batch_id,
        batch.batch_id
    );
}

#[tokio::test]
async fn a_truncate_of_several_tables_is_applied_as_one() {
    let Some((source, target)) = places() else { return };
    for place in [&source, &target] {
        place.sql(
            "create table parent (id int primary key); create table other (id int primary key);
             create table child (id int primary key, parent int references parent)",
        );
    }
    source.sql("select pgq.register_consumer('q', 'load')");
    for table in ["parent", "child", "other"] {
        for plan in [
            format!("ostler_trigger_plan('{table}', 't', 'logutriga', '{{q}}')"),
            format!("ostler_truncate_plan('{table}', 't', 'logutriga', '{{q}}', true)"),
        ] {
            for statement in source
                .sql(&format!("select pgq.{plan}"))
                .into_iter()
                .flatten()
                .flatten()
            {
                source.sql(&statement);
            }
        }
    }
    let load = async || {
        source.sql("select pgq.ticker('q')");
        let rules = rules(&["* -> table:{ev_extra1}"]);
        dispatch(&source, &target, "load", Dispatch::new(rules))
            .await
            .expect("loaded");
        for table in ["parent", "child", "other"] {
            let all = format!("select * from {table} order by id");
            assert_eq!(source.sql(&all), target.sql(&all), "{table}");
        }
    };
    source.sql(
        "insert into parent values (1), (2); insert into child values (1, 1); insert into other values (1)",
    );
    load().await;
    // In one batch: rows before and after, of these tables and of another one.
    source.sql(
        "insert into child values (2, 2); insert into other values (2); truncate parent, child; insert into parent values (1);
         insert into child values (1, 1); truncate parent cascade; insert into parent values (3); delete from other where id = 1",
    );
    load().await;
    source.sql("insert into child values (3, 3)");
    source.sql("truncate parent cascade");
    load().await;
}

#[tokio::test]
async fn loaded_tables_become_what_the_source_is() {
    let Some((source, target)) = places() else { return };
    for place in [&source, &target] {
        place.sql(TABLE);
    }
    source.sql(
        "create trigger t after insert or update or delete on item for each row execute function pgq.logutriga('q');
         create table change (id int primary key, note text);
         create trigger t after insert or update or delete on change for each row execute function pgq.jsontriga('q');
         select pgq.register_consumer('q', 'load')",
    );
    target.sql("create table change (id int primary key, note text)");
    source.sql(
        "insert into item (id, name, price, at, raw, tags, doc)
            select n, 'näme & ' || n, n / 3.0, '2026-11-21 10:00+01', '\\x00ff', array['a b', null, 'c'], '{\"k\": [1, \"x\"]}'
              from generate_series(1, 300) n;
         update item set name = null where id % 3 = 0;
         delete from item where id % 5 = 0;
         insert into item (id, name) values (5, 'again');
         insert into change select n, 'note ' || n from generate_series(1, 10) n;
         update change set note = E'tab\\there' where id < 4",
    );
    source.sql("select pgq.ticker('q')");
    dispatch(
        &source,
        &target,
        "load",
        Dispatch::new(rules(&["* -> table:{ev_extra1}"])),
    )
    .await
    .expect("loaded");
    for table in ["item", "change"] {
        let all = format!("select * from {table} order by id");
        assert_eq!(source.sql(&all), target.sql(&all), "{table}");
    }
    // What the target does not have cannot be updated without notice.
    target.sql("delete from item where id = 1");
    source.sql("update item set name = 'x' where id = 1");
    source.sql("select pgq.ticker('q')");
    let plain = dispatch(
        &source,
        &target,
        "load",
        Dispatch::new(rules(&["* -> table:{ev_extra1}"])),
    )
    .await;
    assert!(
        plain.as_ref().is_err_and(|what| what.contains("found 0")),
        "{plain:?}"
    );
    let latest = Dispatch::new(rules(&["* -> table:{ev_extra1}"])).with_tables(TableOptions {
        rows: RowMode::KeepLatest,
        ..TableOptions::default()
    });
    dispatch(&source, &target, "load", latest).await.expect("loaded");
    let all = "select * from item order by id";
    assert_eq!(source.sql(all), target.sql(all));
}

#[tokio::test]
async fn rows_go_into_tables_by_time_and_events_into_queues() {
    let Some((source, target)) = places() else { return };
    source.sql(
        "create table log (id int primary key, at timestamptz);
         create trigger t after insert on log for each row execute function pgq.logutriga('q');
         select pgq.register_consumer('q', 'load')",
    );
    target.sql(
        "create table log (id int primary key, at timestamptz);
         create table parted (id int, at timestamptz, primary key (id, at)) partition by range (at)",
    );
    source.sql(
        "insert into log select n, '2026-11-21 22:30+00'::timestamptz + n * interval '1 hour' from generate_series(0, 3) n;
         select pgq.insert_event('q', 'other', 'o', 'x', null, null, null)",
    );
    source.sql("select pgq.ticker('q')");
    let by_day = |name: &str| {
        let rules = rules(&[
            "ev_type=other -> queue:copy_{ev_extra1}",
            &format!("* -> table:public.{name}"),
        ]);
        Dispatch::new(rules).creating_queues().with_tables(TableOptions {
            rows: RowMode::KeepLatest,
            partitioning: Some(Partitioning {
                period: Period::Day,
                time: TimeOf::Field("at".to_owned()),
                name: "{table}_{part}".to_owned(),
                keep: None,
            }),
            ..TableOptions::default()
        })
    };
    dispatch(&source, &target, "load", by_day("log"))
        .await
        .expect("loaded");
    let count = |table: &str| target.value(&format!("select count(*) from only {table}"));
    assert_eq!(count("log_2026_11_21").as_deref(), Some("2"));
    assert_eq!(count("log_2026_11_22").as_deref(), Some("2"));
    assert_eq!(count("log").as_deref(), Some("0"));
    assert_eq!(target.value("select count(*) from log").as_deref(), Some("4"));
    let copied = target.sql("select ev_type, ev_data, ev_extra1 from pgq.event_template");
    assert_eq!(copied, [["other", "o", "x"].map(|text| Some(text.to_owned()))]);
    source.sql("insert into log values (9, '2026-11-22 12:00+00')");
    source.sql("select pgq.ticker('q')");
    dispatch(&source, &target, "load", by_day("parted"))
        .await
        .expect("loaded");
    assert_eq!(
        target.value("select count(*) from parted_2026_11_22").as_deref(),
        Some("1")
    );
}
