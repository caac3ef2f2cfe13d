//! What members of a cooperative consumer do: share its batches, die in them, and take over those of the dead.

use std::time::Duration;

use ostler_queue::consumer::{BatchInfo, BatchSource, Event, Retries, Subscription};

use super::Round;
use super::consume::read;
use crate::model::oracle::Delivered;

/// Of these only the last takes over what others left.
const MEMBERS: [(&str, Option<u64>); 3] = [("one", None), ("two", None), ("three", Some(0))];

#[derive(Debug, Default)]
pub struct Team {
    members: Vec<Worker>,
    /// What all of them finished.
    pub delivered: Delivered,
    /// The tick up to which batches were given to members.
    opened: Option<i64>,
}

#[derive(Debug)]
struct Worker {
    name: &'static str,
    dead_after: Option<u64>,
    source: Subscription,
    /// A batch that was read and not finished.
    left: Option<(BatchInfo, Vec<Event>)>,
}

impl Round<'_> {
    pub(super) async fn gather_team(&mut self) {
        for (name, dead_after) in MEMBERS {
            let mut source = self.place.member(&self.queue, "team", name, dead_after);
            source.register().await.expect("registered");
            self.team.members.push(Worker {
                name,
                dead_after,
                source,
                left: None,
            });
        }
    }

    /// Some member asks for a batch. `steady`: it does not die in it.
    pub(super) async fn team_step(&mut self, steady: bool) -> Result<(), String> {
        let who = self.below(MEMBERS.len());
        self.member_step(who, steady).await
    }

    /// Until everything was given and finished.
    pub(super) async fn team_to_its_end(&mut self, newest: Option<i64>) -> Result<(), String> {
        for _ in 0..10_000 {
            let idle = self.team.members.iter().all(|one| one.left.is_none());
            if idle && self.team.opened == newest {
                return Ok(());
            }
            self.team_step(true).await?;
        }
        Err(format!("the team does not get to tick {newest:?}"))
    }

    async fn member_step(&mut self, who: usize, steady: bool) -> Result<(), String> {
        let dies = !steady && self.random.below(10) < 3;
        let name = self.team.members[who].name;
        let next = self.team.members[who].source.next_batch().await;
        let Some(batch) = next.map_err(|error| format!("{error:?}"))? else {
            let newest = self.oracle.ticks.keys().next_back().copied();
            if self.team.members[who].left.is_some() {
                return Err(format!("{name} is not given its open batch again"));
            }
            if self.team.opened.is_some_and(|opened| Some(opened) != newest) {
                return Err(format!("{name} gets no batch after tick {:?}", self.team.opened));
            }
            self.team.opened = newest;
            return Ok(());
        };
        let events = read(&mut self.team.members[who].source, &batch).await?;
        self.expect_batch(who, &batch, &events).await?;
        if dies {
            let worker = &mut self.team.members[who];
            worker.source = self
                .place
                .member(&self.queue, "team", worker.name, worker.dead_after);
            worker.left = Some((batch.clone(), events));
            self.note(format!("{name} dies in batch {}", batch.batch_id));
            return Ok(());
        }
        let mut retries = Retries::default();
        let mut tagged = Vec::new();
        for event in &events {
            if event.ev_retry.unwrap_or(0) < 2 && self.random.below(8) == 0 {
                retries.event(event.ev_id, Duration::from_secs(3_600));
                tagged.push(event.ev_id);
            }
        }
        let worker = &mut self.team.members[who];
        worker.left = None;
        let finished = worker.source.finish(&batch, &retries).await;
        if !finished.map_err(|error| format!("{error:?}"))? {
            return Err(format!("{name}: batch {} was not open any more", batch.batch_id));
        }
        self.oracle
            .finished(&mut self.team.delivered, &batch, &events, &tagged);
        self.note(format!(
            "{name} finishes batch {} ({}..{}), again: {tagged:?}",
            batch.batch_id, batch.prev_tick_id, batch.tick_id
        ));
        Ok(())
    }

    /// Whether it is the member's own batch again, that of one who died, or the next of all.
    async fn expect_batch(&mut self, who: usize, batch: &BatchInfo, events: &[Event]) -> Result<(), String> {
        let name = self.team.members[who].name;
        let ticks = (batch.prev_tick_id, batch.tick_id);
        let left = |worker: &Worker| {
            worker
                .left
                .as_ref()
                .is_some_and(|(left, _)| (left.prev_tick_id, left.tick_id) == ticks)
        };
        if let Some(owner) = self.team.members.iter().position(left) {
            let (before, same) = self.team.members[owner].left.take().expect("it is there");
            if same != events || (owner == who) != (before.batch_id == batch.batch_id) {
                return Err(format!("{name}: {before:?} came back as {batch:?}"));
            }
            if owner != who {
                let late = self.team.members[owner]
                    .source
                    .finish(&before, &Retries::default())
                    .await;
                if late.map_err(|error| format!("{error:?}"))? {
                    return Err(format!("batch {} was finished by two", before.batch_id));
                }
                self.note(format!("{name} takes batch {} over", before.batch_id));
            }
            return Ok(());
        }
        if self.team.members[who].left.is_some() {
            return Err(format!("{name} lost its batch and got {batch:?}"));
        }
        if self
            .team
            .opened
            .is_some_and(|opened| opened != batch.prev_tick_id)
        {
            return Err(format!("{name}: a gap before {batch:?}"));
        }
        self.team.opened = Some(batch.tick_id);
        let delivered = &mut self.team.delivered;
        delivered.first_tick.get_or_insert(batch.prev_tick_id);
        // The order between members is not kept; gaps were looked for above.
        delivered.last_tick = None;
        self.oracle
            .check(delivered, batch, events)
            .map_err(|what| format!("{name}: {what}"))
    }
}
