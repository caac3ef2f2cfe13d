//! The suite that every [`BatchSource`] passes.

use std::time::Duration;

use async_trait::async_trait;

use super::retries::Retries;
use super::source::BatchSource;
use super::{BatchInfo, ConsumeError, Event};

/// What a check found; the text says what was expected.
type Finding = Result<(), String>;

/// A queue that a source reads from, as the suite needs it.
#[async_trait]
pub trait Bench: Send + Sync {
    /// Inserts events with this payload, each committed by itself.
    async fn insert(&self, payloads: &[String]);

    /// Ends a batch.
    async fn tick(&self);

    /// Makes every retry due and puts it back into the queue.
    async fn release_retries(&self);

    /// A source for this consumer, which is registered by the first call for its name. Later calls give another source
    /// for the same place, as a process has it that was started again.
    async fn source(&self, consumer: &str) -> Box<dyn BatchSource>;
}

/// Runs every check and returns what was found wrong.
pub async fn check(bench: &dyn Bench) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |name: &str, finding: Finding| {
        if let Err(what) = finding {
            found.push(format!("{name}: {what}"));
        }
    };
    note("in order, once", in_order(bench).await);
    note("given again until finished", given_again(bench).await);
    note("retries", retries(bench).await);
    note("whole batch again", whole_batch(bench).await);
    note("finished twice", finished_twice(bench).await);
    found
}

async fn in_order(bench: &dyn Bench) -> Finding {
    let mut source = bench.source("order").await;
    let mut other = bench.source("order-of-another").await;
    let mut previous: Option<BatchInfo> = None;
    for round in 0..3 {
        let sent = payloads(&format!("order {round}"), 1_000 * round + 1);
        bench.insert(&sent).await;
        bench.tick().await;
        for source in [&mut source, &mut other] {
            let (batch, events) = drain_to(&mut **source, &sent).await?;
            ensure(
                events.windows(2).all(|pair| pair[0].ev_id < pair[1].ev_id),
                "ids do not ascend",
            )?;
            same(&data(&events), &sent, "the events of a batch")?;
            ensure(batch.tick_id > batch.prev_tick_id, "ticks do not ascend")?;
            ensure(batch.tick_time >= batch.prev_tick_time, "times do not ascend")?;
            if batch.consumer == "order"
                && let Some(previous) = previous.replace(batch.clone())
            {
                ensure(
                    batch.prev_tick_id >= previous.tick_id,
                    "a batch overlaps the one before",
                )?;
                ensure(batch.batch_id != previous.batch_id, "two batches have one id")?;
            }
        }
    }
    Ok(())
}

async fn given_again(bench: &dyn Bench) -> Finding {
    let mut source = bench.source("again").await;
    let sent = payloads("again", 250);
    bench.insert(&sent).await;
    bench.tick().await;
    let first = next_with_events(&mut *source).await?;
    read(&mut *source, &first.0).await?;
    source.disconnect();
    let second = source.next_batch().await.map_err(said)?;
    same(
        &second.map(|batch| batch.batch_id),
        &Some(first.0.batch_id),
        "the batch after a disconnect",
    )?;
    drop(source);
    // As a process that died: a new value, same place.
    let mut source = bench.source("again").await;
    bench.insert(&payloads("later", 1)).await;
    bench.tick().await;
    let batch = source
        .next_batch()
        .await
        .map_err(said)?
        .ok_or("the open batch is not given again")?;
    same(&batch.batch_id, &first.0.batch_id, "the batch of a new source")?;
    same(
        &batch.tick_id,
        &first.0.tick_id,
        "the end of the batch of a new source",
    )?;
    let events = read(&mut *source, &batch).await?;
    same(&data(&events), &sent, "the events read again")?;
    ensure(
        source.is_ours(&batch).await.map_err(said)?,
        "an open batch is not ours",
    )?;
    ensure(
        finish(&mut *source, &batch, &Retries::default()).await?,
        "not finished",
    )?;
    ensure(
        !source.is_ours(&batch).await.map_err(said)?,
        "a finished batch is ours",
    )
}

async fn retries(bench: &dyn Bench) -> Finding {
    let mut source = bench.source("retry").await;
    let mut other = bench.source("retry-of-another").await;
    bench.insert(&payloads("retry", 10)).await;
    bench.tick().await;
    let (batch, events) = next_with_events(&mut *source).await?;
    let mut tags = Retries::default();
    tags.event(events[3].ev_id, Duration::from_secs(1));
    tags.event(events[7].ev_id, Duration::from_secs(3_600));
    ensure(finish(&mut *source, &batch, &tags).await?, "not finished")?;
    drain(&mut *other).await?;
    bench.release_retries().await;
    bench.tick().await;
    let (batch, again) = next_with_events(&mut *source).await?;
    same(
        &data(&again),
        &data(&[events[3].clone(), events[7].clone()]),
        "the retried events",
    )?;
    ensure(
        again.iter().all(|event| event.ev_retry == Some(1)),
        "the first retry is not number 1",
    )?;
    same(&again[0].ev_id, &events[3].ev_id, "the id of a retried event")?;
    same(
        &again[0].ev_time,
        &events[3].ev_time,
        "the time of a retried event",
    )?;
    ensure(
        finish(&mut *source, &batch, &Retries::default()).await?,
        "not finished",
    )?;
    same(
        &drain(&mut *other).await?,
        &Vec::new(),
        "what another consumer sees of a retry",
    )
}

async fn whole_batch(bench: &dyn Bench) -> Finding {
    let mut source = bench.source("whole").await;
    let sent = payloads("whole", 25);
    bench.insert(&sent).await;
    bench.tick().await;
    let (batch, _) = next_with_events(&mut *source).await?;
    let mut tags = Retries::default();
    tags.whole_batch(Duration::from_secs(1));
    ensure(finish(&mut *source, &batch, &tags).await?, "not finished")?;
    bench.release_retries().await;
    bench.tick().await;
    same(
        &drain(&mut *source).await?,
        &sent,
        "the events of a batch that was retried as a whole",
    )
}

async fn finished_twice(bench: &dyn Bench) -> Finding {
    let mut source = bench.source("twice").await;
    bench.insert(&payloads("twice", 3)).await;
    bench.tick().await;
    let (batch, _) = next_with_events(&mut *source).await?;
    ensure(
        finish(&mut *source, &batch, &Retries::default()).await?,
        "not finished",
    )?;
    ensure(
        !finish(&mut *source, &batch, &Retries::default()).await?,
        "finished a second time",
    )
}

/// The next batch that has events; those without are finished.
async fn next_with_events(source: &mut dyn BatchSource) -> Result<(BatchInfo, Vec<Event>), String> {
    while let Some(batch) = source.next_batch().await.map_err(said)? {
        let events = read(source, &batch).await?;
        if !events.is_empty() {
            return Ok((batch, events));
        }
        finish(source, &batch, &Retries::default()).await?;
    }
    Err("there is no batch with events".to_owned())
}

/// Finishes batches until these many events were seen; gives the last batch and all events.
async fn drain_to(source: &mut dyn BatchSource, sent: &[String]) -> Result<(BatchInfo, Vec<Event>), String> {
    let mut all = Vec::new();
    loop {
        let (batch, events) = next_with_events(source).await?;
        all.extend(events);
        ensure(finish(source, &batch, &Retries::default()).await?, "not finished")?;
        if all.len() >= sent.len() {
            return Ok((batch, all));
        }
    }
}

/// Finishes every batch there is and gives the payloads.
async fn drain(source: &mut dyn BatchSource) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    while let Some(batch) = source.next_batch().await.map_err(said)? {
        all.extend(read(source, &batch).await?);
        finish(source, &batch, &Retries::default()).await?;
    }
    Ok(data(&all))
}

async fn read(source: &mut dyn BatchSource, batch: &BatchInfo) -> Result<Vec<Event>, String> {
    source.open(batch).await.map_err(said)?;
    let mut all = Vec::new();
    loop {
        let events = source.next_events().await.map_err(said)?;
        if events.is_empty() {
            return Ok(all);
        }
        for event in events {
            all.push(event.map_err(|unreadable| format!("{unreadable:?}"))?);
        }
    }
}

async fn finish(source: &mut dyn BatchSource, batch: &BatchInfo, retries: &Retries) -> Result<bool, String> {
    source.finish(batch, retries).await.map_err(said)
}

fn payloads(word: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{word} {number}")).collect()
}

fn data(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .map(|event| event.ev_data.clone().unwrap_or_default())
        .collect()
}

fn said(error: ConsumeError) -> String {
    format!("{error:?}")
}

fn ensure(holds: bool, otherwise: &str) -> Finding {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

fn same<T: PartialEq + std::fmt::Debug>(found: &T, wanted: &T, what: &str) -> Finding {
    if found == wanted {
        return Ok(());
    }
    let short = |value: &T| format!("{value:?}").chars().take(300).collect::<String>();
    Err(format!(
        "{what}: wanted {}, found {}",
        short(wanted),
        short(found)
    ))
}
