//! Everybody with no more rights than the guides name: a producer, a ticker, consumers, and what writes into a target.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ostler_postgres::{Connection, Dsn, Options, Parameter, Target, Transaction, Type};
use ostler_queue::consumer::{
    Batch, BatchHandler, Consumer, ExactlyOnce, HandlerError, Member, RunOptions, Subscription,
    TransactionHandler,
};
use ostler_queue::ticker::{Databases, Server, Standing, TickerOptions};
use ostler_testkit::install::postgres::Release;
use tokio_util::sync::CancellationToken;

use crate::place::Place;
use crate::ticker_world::{self, Ticker, until};

/// What a consumer saw: payloads, and which retry it was.
type Seen = Arc<Mutex<Vec<(String, i32)>>>;

fn has(seen: &Seen, data: &str, retry: i32) -> bool {
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.contains(&(data.to_owned(), retry))
}

/// Notes events; the one with the payload `again` is tagged when it comes for the first time.
struct Note(Seen);

impl Note {
    async fn all(&self, batch: &mut Batch<'_>) -> Result<Vec<String>, HandlerError> {
        let mut all = Vec::new();
        while let Some(events) = batch.next().await? {
            for event in &events {
                let (data, retry) = (
                    event.ev_data.clone().unwrap_or_default(),
                    event.ev_retry.unwrap_or(0),
                );
                if data == "again" && retry == 0 {
                    batch.retry(event, Duration::from_secs(1));
                }
                self.0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push((data.clone(), retry));
                all.push(data);
            }
        }
        Ok(all)
    }
}

#[async_trait]
impl BatchHandler for Note {
    async fn handle(&mut self, batch: &mut Batch<'_>) -> Result<(), HandlerError> {
        self.all(batch).await.map(drop)
    }
}

#[async_trait]
impl TransactionHandler for Note {
    async fn handle(&mut self, batch: &mut Batch<'_>, target: &Transaction<'_>) -> Result<(), HandlerError> {
        for data in self.all(batch).await? {
            let data: Parameter<'_> = (&data, Type::TEXT);
            target.execute("insert into got values ($1)", &[data]).await?;
        }
        Ok(())
    }
}

/// Somebody who is in this role and no other, and how they get into the place.
fn somebody(place: &Place, role: &str) -> Target {
    let name = format!("{}_{role}", place.database);
    place.sql(&format!("create role {name} login in role {role}"));
    let url = place.server.url_of(&name, &place.database);
    Target::resolve(&Dsn::parse(&url).expect("an address"), &|_| None).expect("a target")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_does_with_the_rights_that_the_guides_name() {
    for release in Release::SUPPORTED {
        let Some(place) = Place::new(release) else {
            continue;
        };
        let [reader, writer, admin] =
            ["pgq_reader", "pgq_writer", "pgq_admin"].map(|role| somebody(&place, role));
        place.sql(&format!(
            "select pgq.create_queue('q'); create table got (data text); grant insert on got to {}",
            writer.user
        ));
        let ticker = Ticker::start(TickerOptions {
            servers: vec![Server {
                name: "main".to_owned(),
                target: admin,
                databases: Databases::One,
            }],
            maintenance: Duration::from_millis(200),
            ..ticker_world::options(place.server, &[])
        });
        until("the ticker leads", || {
            ticker
                .board
                .reports()
                .values()
                .any(|report| report.standing == Standing::Leading)
        })
        .await;

        let of = |consumer: &str| Subscription::new(reader.clone(), "q", consumer);
        let member = Member {
            name: "one".to_owned(),
            dead_after: None,
        };
        let (mut plain, mut once, mut team) = (of("plain"), of("once"), of("team").as_member(member));
        for place in [&mut plain, &mut once, &mut team] {
            place.register().await.expect("a reader registers itself");
        }
        let seen: [Seen; 3] = Default::default();
        let stop = CancellationToken::new();
        let options = RunOptions {
            poll: Duration::from_millis(100),
            ..RunOptions::default()
        };
        let mut plain = Consumer::new(plain, Note(seen[0].clone()), options.clone());
        let mut team = Consumer::new(team, Note(seen[1].clone()), options.clone());
        let target = ExactlyOnce::new(writer.clone(), Note(seen[2].clone()));
        let mut once = Consumer::new(once, target, options);
        let stops = [(); 3].map(|()| stop.clone());
        let [stop_plain, stop_team, stop_once] = stops;
        let work = [
            tokio::spawn(async move { plain.run(&stop_plain).await }),
            tokio::spawn(async move { team.run(&stop_team).await }),
            tokio::spawn(async move { once.run(&stop_once).await }),
        ];

        let producer = Connection::open(&writer, &Options::default())
            .await
            .expect("let in");
        for data in ["first", "again", "last"] {
            let data: Parameter<'_> = (&data, Type::TEXT);
            producer
                .one("select pgq.insert_event('q', 't', $1)", &[data])
                .await
                .expect("a writer inserts");
        }
        until("everybody saw all, and once more what was put aside", || {
            let failed = work.iter().any(tokio::task::JoinHandle::is_finished);
            failed
                || seen.iter().all(|seen| {
                    ["first", "again", "last"].iter().all(|data| has(seen, data, 0)) && has(seen, "again", 1)
                })
        })
        .await;
        stop.cancel();
        for work in work {
            let done = work.await.expect("no panic");
            done.unwrap_or_else(|error| panic!("{:?}", ostler_vocabulary::Failure::from(error)));
        }
        let trouble: Vec<Vec<String>> = ticker
            .board
            .reports()
            .into_values()
            .map(|report| report.last_failure)
            .collect();
        assert!(trouble.iter().all(Vec::is_empty), "{release:?}: {trouble:?}");
        ticker.stop().await;
        let got = place.value("select count(*) from got where data = 'again'");
        assert_eq!(got.as_deref(), Some("2"), "{release:?}");
    }
}
