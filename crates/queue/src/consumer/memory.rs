//! A queue in memory: for tests of handlers, without a server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ostler_vocabulary::{Clock, Timestamp};

use super::retries::Retries;
use super::source::BatchSource;
use super::{BatchInfo, ConsumeError, Event, Unreadable};

/// Events in a piece.
const PIECE: usize = 100;

/// A queue with ticks, consumers and retries, as the real one has them. Clones are handles to the same queue.
#[derive(Debug, Clone)]
pub struct MemoryQueue {
    name: String,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Stored>,
    last_event: i64,
    /// Of every tick: how many events were there, the event sequence, and the time.
    ticks: Vec<(usize, i64, Timestamp)>,
    consumers: BTreeMap<String, Place>,
    retries: Vec<Retried>,
    last_batch: i64,
}

#[derive(Debug, Clone)]
struct Stored {
    event: Event,
    /// After a retry: who alone gets it.
    owner: Option<String>,
}

#[derive(Debug)]
struct Retried {
    due: Timestamp,
    stored: Stored,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    tick: usize,
    open: Option<i64>,
}

impl MemoryQueue {
    /// An empty queue with its first tick.
    #[must_use]
    pub fn new(name: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        let state = State {
            ticks: vec![(0, 0, clock.now())],
            ..State::default()
        };
        Self {
            name: name.into(),
            clock,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Inserts an event, which is in the batch that the next tick ends. Gives its id.
    pub fn insert(&self, ev_type: &str, ev_data: &str) -> i64 {
        self.insert_event(Event {
            ev_id: 0,
            ev_time: self.clock.now(),
            ev_txid: 0,
            ev_retry: None,
            ev_type: Some(ev_type.to_owned()),
            ev_data: Some(ev_data.to_owned()),
            ev_extra1: None,
            ev_extra2: None,
            ev_extra3: None,
            ev_extra4: None,
        })
    }

    /// Inserts an event with all its fields; the queue gives it its id.
    pub fn insert_event(&self, mut event: Event) -> i64 {
        let mut state = self.lock();
        state.last_event += 1;
        event.ev_id = state.last_event;
        event.ev_txid = state.last_event;
        state.events.push(Stored { event, owner: None });
        state.last_event
    }

    /// Makes a tick, and puts retries that are due back before it.
    pub fn tick(&self) {
        let now = self.clock.now();
        let mut state = self.lock();
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut state.retries)
            .into_iter()
            .partition(|retried| retried.due <= now);
        state.retries = later;
        state.events.extend(due.into_iter().map(|retried| retried.stored));
        let end = (state.events.len(), state.last_event, now);
        state.ticks.push(end);
    }

    /// This consumer's place; a new one starts at the last tick.
    #[must_use]
    pub fn consumer(&self, name: impl Into<String>) -> MemorySource {
        let name = name.into();
        let mut state = self.lock();
        let last = state.ticks.len() - 1;
        state.consumers.entry(name.clone()).or_insert(Place {
            tick: last,
            open: None,
        });
        MemorySource {
            queue: self.clone(),
            consumer: name,
            unread: None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn events_of(&self, consumer: &str, tick: usize) -> Vec<Event> {
        let (from, to) = (self.ticks[tick].0, self.ticks[tick + 1].0);
        let mut events: Vec<Event> = self.events[from..to]
            .iter()
            .filter(|stored| stored.owner.as_deref().is_none_or(|owner| owner == consumer))
            .map(|stored| stored.event.clone())
            .collect();
        events.sort_by_key(|event| event.ev_id);
        events
    }
}

/// One consumer of a [`MemoryQueue`].
#[derive(Debug)]
pub struct MemorySource {
    queue: MemoryQueue,
    consumer: String,
    unread: Option<Vec<Event>>,
}

impl MemorySource {
    fn place(&self, state: &State) -> Place {
        // The consumer was entered when this value was made, and is never removed.
        state
            .consumers
            .get(&self.consumer)
            .copied()
            .unwrap_or(Place { tick: 0, open: None })
    }
}

#[async_trait]
impl BatchSource for MemorySource {
    async fn next_batch(&mut self) -> Result<Option<BatchInfo>, ConsumeError> {
        let mut state = self.queue.lock();
        let mut place = self.place(&state);
        if place.tick + 1 >= state.ticks.len() {
            return Ok(None);
        }
        let batch_id = match place.open {
            Some(open) => open,
            None => {
                state.last_batch += 1;
                place.open = Some(state.last_batch);
                state.consumers.insert(self.consumer.clone(), place);
                state.last_batch
            }
        };
        let (prev, tick) = (state.ticks[place.tick], state.ticks[place.tick + 1]);
        let id = |index: usize| i64::try_from(index).unwrap_or(i64::MAX);
        let lag = self.queue.clock.now().duration_since(tick.2);
        Ok(Some(BatchInfo {
            batch_id,
            queue: self.queue.name.clone(),
            consumer: self.consumer.clone(),
            sub: None,
            prev_tick_id: id(place.tick),
            tick_id: id(place.tick + 1),
            prev_tick_time: prev.2,
            tick_time: tick.2,
            prev_tick_event_seq: prev.1,
            tick_event_seq: tick.1,
            lag: Duration::try_from(lag).unwrap_or_default(),
        }))
    }

    async fn open(&mut self, _batch: &BatchInfo) -> Result<(), ConsumeError> {
        let events = {
            let state = self.queue.lock();
            state.events_of(&self.consumer, self.place(&state).tick)
        };
        self.unread = Some(events);
        Ok(())
    }

    async fn next_events(&mut self) -> Result<Vec<Result<Event, Unreadable>>, ConsumeError> {
        let unread = self.unread.get_or_insert_default();
        let count = unread.len().min(PIECE);
        Ok(unread.drain(..count).map(Ok).collect())
    }

    async fn finish(&mut self, batch: &BatchInfo, retries: &Retries) -> Result<bool, ConsumeError> {
        let now = self.queue.clock.now();
        let mut state = self.queue.lock();
        let place = self.place(&state);
        if place.open != Some(batch.batch_id) {
            return Ok(false);
        }
        for event in state.events_of(&self.consumer, place.tick) {
            let tagged = retries
                .of_events()
                .find(|(_, events)| events.contains(&event.ev_id))
                .map(|(seconds, _)| seconds);
            let Some(seconds) = tagged.or(retries.of_whole_batch()) else {
                continue;
            };
            let due = now
                .checked_add(Duration::from_secs(seconds.into()))
                .unwrap_or(Timestamp::MAX);
            let ev_retry = Some(event.ev_retry.unwrap_or(0) + 1);
            state.retries.push(Retried {
                due,
                stored: Stored {
                    event: Event { ev_retry, ..event },
                    owner: Some(self.consumer.clone()),
                },
            });
        }
        let next = Place {
            tick: place.tick + 1,
            open: None,
        };
        state.consumers.insert(self.consumer.clone(), next);
        Ok(true)
    }

    async fn is_ours(&mut self, batch: &BatchInfo) -> Result<bool, ConsumeError> {
        let state = self.queue.lock();
        Ok(self.place(&state).open == Some(batch.batch_id))
    }

    async fn wait(&mut self, at_most: Duration) -> Result<(), ConsumeError> {
        // Nothing tells about a tick here; a short pause keeps a test quick.
        tokio::time::sleep(at_most.min(Duration::from_millis(5))).await;
        Ok(())
    }

    fn disconnect(&mut self) {
        self.unread = None;
    }
}
