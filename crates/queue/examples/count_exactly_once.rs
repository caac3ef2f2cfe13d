//! Counts events by type in another database, exactly once:
//! `cargo run -p ostler-queue --example count_exactly_once -- SOURCE QUEUE CONSUMER TARGET`.
//!
//! The target needs pgq_ext (`ostler queue install`) and
//! `create table event_count (ev_type text primary key, events bigint not null)`.

use std::collections::BTreeMap;

use ostler_postgres::{Dsn, Target, Transaction, Type};
use ostler_queue::consumer::{
    Batch, Consumer, ExactlyOnce, HandlerError, RunOptions, Subscription, TransactionHandler,
};
use tokio_util::sync::CancellationToken;

const ADD: &str = "insert into event_count as c values ($1, $2) \
                   on conflict (ev_type) do update set events = c.events + excluded.events";

struct Count;

#[async_trait::async_trait]
impl TransactionHandler for Count {
    async fn handle(&mut self, batch: &mut Batch<'_>, target: &Transaction<'_>) -> Result<(), HandlerError> {
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        while let Some(events) = batch.next().await? {
            for event in events {
                *counts.entry(event.ev_type.unwrap_or_default()).or_default() += 1;
            }
        }
        for (ev_type, events) in &counts {
            target
                .execute(ADD, &[(ev_type, Type::TEXT), (events, Type::INT8)])
                .await?;
        }
        // The position is written and all of it committed when this returns.
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [source, queue, name, target] = words.as_slice() else {
        return Err("usage: count_exactly_once SOURCE QUEUE CONSUMER TARGET".into());
    };
    let database = |dsn: &str| Target::from_environment(&Dsn::parse(dsn)?);
    let mut place = Subscription::new(database(source)?, queue, name);
    place.register().await?;
    let handler = ExactlyOnce::new(database(target)?, Count);
    let mut consumer = Consumer::new(place, handler, RunOptions::default());
    consumer.run(&CancellationToken::new()).await?;
    Ok(())
}
