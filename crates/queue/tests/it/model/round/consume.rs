//! What consumers do: read a batch, then die, or tag some of it and finish.

use std::time::Duration;

use ostler_queue::consumer::{BatchInfo, BatchSource, Event, Retries};

use super::{Reader, Round};

impl Round<'_> {
    pub(super) async fn consume(&mut self, who: usize) -> Result<(), String> {
        let fate = self.random.below(10);
        let reader = &mut self.readers[who];
        let name = reader.name.clone();
        let Some(batch) = reader
            .source
            .next_batch()
            .await
            .map_err(|error| format!("{error:?}"))?
        else {
            let newest = self.oracle.ticks.keys().next_back().copied();
            if reader
                .delivered
                .last_tick
                .is_some_and(|last| Some(last) != newest)
            {
                return Err(format!(
                    "{name} gets no batch after tick {:?}",
                    reader.delivered.last_tick
                ));
            }
            reader.delivered.last_tick = newest;
            return Ok(());
        };
        let events = read(&mut *reader.source, &batch).await?;
        if let Some((before, left)) = reader.left.take()
            && (before.batch_id != batch.batch_id || before.tick_id != batch.tick_id || left != events)
        {
            return Err(format!("{name}: batch {before:?} came back as {batch:?}"));
        }
        self.oracle
            .check(&reader.delivered, &batch, &events)
            .map_err(|what| format!("{name}: {what}"))?;
        if fate < 2 {
            // Dies before it finishes.
            reader.source = self.place.source(&self.queue, &name).await;
            self.note(format!("{name} dies in batch {}", batch.batch_id));
            reader_of(&mut self.readers, &name).left = Some((batch, events));
            return Ok(());
        }
        let (retries, tagged) = self.some_again(&events);
        let reader = reader_of(&mut self.readers, &name);
        if !reader
            .source
            .finish(&batch, &retries)
            .await
            .map_err(|error| format!("{error:?}"))?
        {
            return Err(format!("{name}: batch {} was not open any more", batch.batch_id));
        }
        self.oracle
            .finished(&mut reader.delivered, &batch, &events, &tagged);
        let ids: Vec<i64> = events.iter().map(|event| event.ev_id).collect();
        self.note(format!(
            "{name} finishes batch {} ({}..{}) {ids:?}, again: {tagged:?}",
            batch.batch_id, batch.prev_tick_id, batch.tick_id
        ));
        Ok(())
    }
}

impl Round<'_> {
    /// Tags for some events, those that were not tried twice already.
    pub(super) fn some_again(&mut self, events: &[Event]) -> (Retries, Vec<i64>) {
        let mut retries = Retries::default();
        let mut tagged = Vec::new();
        for event in events {
            if event.ev_retry.unwrap_or(0) < 2 && self.random.below(8) == 0 {
                retries.event(event.ev_id, Duration::from_secs(3_600));
                tagged.push(event.ev_id);
            }
        }
        (retries, tagged)
    }
}

fn reader_of<'r>(readers: &'r mut [Reader], name: &str) -> &'r mut Reader {
    readers
        .iter_mut()
        .find(|reader| reader.name == name)
        .expect("readers stay")
}

pub(super) async fn read(source: &mut dyn BatchSource, batch: &BatchInfo) -> Result<Vec<Event>, String> {
    source.open(batch).await.map_err(|error| format!("{error:?}"))?;
    let mut all = Vec::new();
    loop {
        let events = source.next_events().await.map_err(|error| format!("{error:?}"))?;
        if events.is_empty() {
            return Ok(all);
        }
        for event in events {
            all.push(event.map_err(|unreadable| format!("{unreadable:?}"))?);
        }
    }
}
