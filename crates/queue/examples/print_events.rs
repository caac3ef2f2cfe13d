//! Prints the events of a queue, at least once: `cargo run -p ostler-queue --example print_events -- DSN QUEUE CONSUMER`.

#![allow(clippy::print_stdout, reason = "it is what the example does")]

use std::time::Duration;

use ostler_postgres::{Dsn, Target};
use ostler_queue::consumer::{Batch, BatchHandler, Consumer, HandlerError, RunOptions, Subscription};
use tokio_util::sync::CancellationToken;

struct Print;

#[async_trait::async_trait]
impl BatchHandler for Print {
    async fn handle(&mut self, batch: &mut Batch<'_>) -> Result<(), HandlerError> {
        while let Some(events) = batch.next().await? {
            for event in &events {
                match &event.ev_data {
                    Some(data) => println!("{} {data}", event.ev_id),
                    // Comes again in a minute; all the others are done.
                    None => batch.retry(event, Duration::from_secs(60)),
                }
            }
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(dsn), Some(queue), Some(name)) = (words.next(), words.next(), words.next()) else {
        return Err("usage: print_events DSN QUEUE CONSUMER".into());
    };
    let mut place = Subscription::new(Target::from_environment(&Dsn::parse(&dsn)?)?, queue, name);
    place.register().await?;
    let stop = CancellationToken::new();
    let mut consumer = Consumer::new(place, Print, RunOptions::default());
    let totals = tokio::select! {
        totals = consumer.run(&stop) => totals?,
        // Stops at once: the batch at hand is given again. `stop.cancel()` would let it be finished first.
        _ = tokio::signal::ctrl_c() => return Ok(()),
    };
    println!("{} events in {} batches", totals.events, totals.batches);
    Ok(())
}
