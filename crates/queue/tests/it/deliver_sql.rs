//! Receivers whose answers are SQL of the target, and events that are no text.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use ostler_queue::consumer::deliver::{Answer, Deliver, DeliverError, DeliverSql, OnFailure, Per, Receiver};
use ostler_queue::consumer::{
    Batch, BatchHandler, BatchInfo, BatchSource, Consumer, Event, ExactlyOnce, RunOptions, Step, Subscription,
};
use ostler_testkit::install::postgres::Release;

use crate::exactly_once::{insert, places};
use crate::place::Place;

/// Answers by the payload of its last event; anything else with nothing.
#[derive(Debug, Clone, Default)]
struct Say {
    answers: BTreeMap<String, Vec<u8>>,
    last: String,
}

impl Say {
    fn always(answer: &[u8]) -> Self {
        Self::to(&[("", answer)])
    }

    fn to(answers: &[(&str, &[u8])]) -> Self {
        let answers = answers
            .iter()
            .map(|(data, answer)| ((*data).to_owned(), answer.to_vec()));
        Self {
            answers: answers.collect(),
            last: String::new(),
        }
    }
}

#[async_trait]
impl Receiver for Say {
    async fn begin(&mut self, _: &BatchInfo, event: Option<&Event>) -> Result<(), DeliverError> {
        self.last = event.and_then(|event| event.ev_data.clone()).unwrap_or_default();
        Ok(())
    }

    async fn more(&mut self, _: &[u8]) -> Result<(), DeliverError> {
        Ok(())
    }

    async fn end(&mut self) -> Result<Answer, DeliverError> {
        let answer = self.answers.get(&self.last).or_else(|| self.answers.get(""));
        Ok(Answer::Done(answer.cloned().unwrap_or_default()))
    }
}

fn handler(target: &Place, say: Say, per: Per, on_failure: OnFailure) -> ExactlyOnce<DeliverSql<Say>> {
    let deliver = DeliverSql::new(say, "the test", per, on_failure, Duration::from_secs(60));
    ExactlyOnce::new(target.target(), deliver)
}

fn consumer<H: BatchHandler>(source: &Place, handler: H) -> Consumer<Subscription, H> {
    Consumer::new(
        Subscription::new(source.target(), "q", "c"),
        handler,
        RunOptions::default(),
    )
}

/// Ends, begins or parts a transaction, each in another way.
const SPELLINGS: [&str; 24] = [
    "insert into r values (1); commit; select 1/0",
    "insert into r values (1); COMMIT",
    "insert into r values (1); cOmMiT WoRk AnD cHaIn;;",
    "insert into r values (1); end",
    "insert into r values (1); end transaction; insert into r values (2)",
    "insert into r values (1)\n;\n/* a /* b */ */ commit -- c\n",
    "-- x\ncommit; insert into r values (1)",
    "rollback; insert into r values (1)",
    "abort; insert into r values (1)",
    "rollback and chain; insert into r values (1)",
    "begin; insert into r values (1); commit",
    "start transaction isolation level serializable; insert into r values (1); commit",
    "savepoint a; insert into r values (1); release a; commit",
    "insert into r values (1); prepare transaction 'x'",
    "insert into r values (1); commit prepared 'x'",
    "do $$ begin insert into r values (1); commit; end $$",
    "do 'begin insert into r values (1); commit; perform 1/0; end'",
    "do $a$ begin execute 'insert into r values (1)'; execute $b$commit$b$; end $a$",
    "call p()",
    "do $x$ begin call p(); end $x$",
    "create procedure q() language plpgsql as 'begin insert into r values (1); rollback; end'; call q()",
    "$ostler_answer$; end$ostler_block$; commit; do $ostler_block$begin execute $ostler_answer$select 1",
    "$ostler_answer_1$; end$ostler_block_1$; insert into r values (1); commit; do $$begin execute $$ $ostler_answer$ $ostler_block$",
    "insert into r values (1); set session characteristics as transaction read only; commit",
];

#[tokio::test]
async fn no_answer_ends_the_transaction_however_it_is_written() {
    let Some((source, target)) = places() else { return };
    source.sql("select pgq.register_consumer('q', 'c')");
    target.sql(
        "create table r (n int);
         create procedure p() language plpgsql as 'begin insert into r values (1); commit; end'",
    );
    insert(&source, 1, 1);
    let left = || {
        target.sql(
            "select n, null::bigint from r union all select null, last_tick_id from pgq_ext.completed_tick",
        )
    };
    for per in [Per::Event, Per::Batch] {
        for spelling in SPELLINGS {
            let handler = handler(&target, Say::always(spelling.as_bytes()), per, OnFailure::Stop);
            let failed = consumer(&source, handler).step().await;
            assert!(failed.is_err(), "{spelling}");
            assert!(left().is_empty(), "{spelling}: {:?}", left());
        }
    }
    assert_eq!(target.sql("select gid from pg_prepared_xacts").len(), 0);
    // What is no transaction's end is run, also where it looks so.
    let fine = b"insert into r values (2); ; select 'commit; rollback' -- commit\n; do $$ begin insert into r values (3); end $$";
    let handler = handler(&target, Say::always(fine), Per::Event, OnFailure::Stop);
    assert_eq!(
        consumer(&source, handler).step().await.expect("handled"),
        Step::Finished
    );
    assert_eq!(
        target
            .value("select string_agg(n::text, ' ' order by n) from r")
            .as_deref(),
        Some("2 3")
    );
    assert_eq!(left().len(), 5);
}

#[tokio::test]
async fn an_answer_that_fails_goes_its_way_and_the_others_go_on() {
    let Some((source, target)) = places() else { return };
    source.sql("select pgq.register_consumer('q', 'c')");
    target.sql("create table r (n int)");
    insert(&source, 1, 6);
    let answers: [(&str, &[u8]); 6] = [
        ("1", b"insert into r values (1)"),
        ("2", b"insert into r values (2); select '\0'"),
        ("3", b"insert into r values (3); select '\xff'"),
        ("4", b"insert into r values (4); commit"),
        ("5", b"insert into r values (5); select 1/0"),
        ("6", b""),
    ];
    let failed = consumer(
        &source,
        handler(&target, Say::to(&answers), Per::Event, OnFailure::Stop),
    )
    .step()
    .await;
    let text = format!(
        "{:?}",
        ostler_vocabulary::Failure::from(failed.expect_err("the second fails"))
    );
    assert!(text.contains("for event 2") && text.contains("NUL"), "{text}");
    assert_eq!(target.sql("select n from r").len(), 0);

    // Applied, and the source does not hear of it: it gets the tags later all the same.
    let mut place = Subscription::new(source.target(), "q", "c");
    let info = place.next_batch().await.expect("asked").expect("a batch");
    let mut first = handler(&target, Say::to(&answers), Per::Event, OnFailure::Retry);
    let mut batch = Batch::new(&info, &mut place);
    BatchHandler::handle(&mut first, &mut batch)
        .await
        .expect("applied");
    drop((place, first));
    let again = handler(
        &target,
        Say::always(b"insert into r values (7)"),
        Per::Event,
        OnFailure::Retry,
    );
    assert_eq!(
        consumer(&source, again).step().await.expect("finished"),
        Step::Finished
    );
    assert_eq!(target.sql("select n from r"), [[Some("1".to_owned())]]);
    let tagged = source.value("select string_agg(ev_id::text, ' ' order by ev_id) from pgq.retry_queue");
    assert_eq!(tagged.as_deref(), Some("2 3 4 5"));
    // A batch at once goes as a whole.
    source.sql("delete from pgq.retry_queue");
    insert(&source, 7, 8);
    let whole = handler(
        &target,
        Say::always(b"insert into r values (8); commit"),
        Per::Batch,
        OnFailure::Retry,
    );
    assert_eq!(
        consumer(&source, whole).step().await.expect("finished"),
        Step::Finished
    );
    assert_eq!(target.sql("select n from r").len(), 1);
    assert_eq!(
        source.value("select count(*) from pgq.retry_queue").as_deref(),
        Some("2")
    );
}

#[tokio::test]
async fn an_event_that_is_no_text_goes_its_way_and_the_others_go_on() {
    let Some(place) = Place::empty(Release::Fifteen) else {
        return;
    };
    let database = format!("{}_ascii", place.database);
    place.sql(&format!(
        "create database {database} encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0"
    ));
    let place = Place { database, ..place };
    place.sql(&ostler_queue::schema::script(false));
    place.sql(
        "select pgq.create_queue('q'); select pgq.register_consumer('q', 'c');
         select pgq.insert_event('q', 't', 'one');
         select pgq.insert_event('q', 't', convert_from('\\xff'::bytea, 'SQL_ASCII'));
         select pgq.insert_event('q', convert_from('\\xff61'::bytea, 'SQL_ASCII'), 'three');
         select pgq.insert_event('q', 't', 'four')",
    );
    place.sql("select pgq.force_tick('q'); select pgq.ticker('q')");
    let deliver = |per, on_failure| {
        Deliver::new(
            Say::default(),
            "the test",
            per,
            on_failure,
            Duration::from_secs(60),
        )
    };
    for per in [Per::Event, Per::Batch] {
        let stopped = consumer(&place, deliver(per, OnFailure::Stop)).step().await;
        let text = format!(
            "{:?}",
            ostler_vocabulary::Failure::from(stopped.expect_err("it stops"))
        );
        assert!(text.contains("event 2") && text.contains("ev_data"), "{text}");
    }
    let mut rest = consumer(&place, deliver(Per::Batch, OnFailure::Retry));
    assert_eq!(rest.step().await.expect("finished"), Step::Finished);
    assert_eq!(rest.totals().retried, 2);
    let tagged = place.value("select string_agg(ev_id::text, ' ' order by ev_id) from pgq.retry_queue");
    assert_eq!(tagged.as_deref(), Some("2 3"));
}
