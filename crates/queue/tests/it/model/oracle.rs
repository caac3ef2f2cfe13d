//! What a queue must give, worked out from what producers did and from nothing that the queue says.
//!
//! It knows the order in which transactions were committed. A batch must hold exactly what was committed between its two
//! ticks, by that order and, independently, by the snapshots that the ticks recorded.

use std::collections::{BTreeMap, BTreeSet};

use ostler_queue::consumer::{BatchInfo, Event};

/// An event as its producer knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub ev_id: i64,
    pub payload: String,
}

/// A PostgreSQL snapshot, `xmin:xmax:xip,…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    xmin: i64,
    xmax: i64,
    running: BTreeSet<i64>,
}

impl Snapshot {
    pub fn parse(text: &str) -> Self {
        let mut parts = text.split(':');
        let mut number = || {
            parts
                .next()
                .and_then(|part| part.parse().ok())
                .expect("a snapshot")
        };
        let (xmin, xmax) = (number(), number());
        let running = text.rsplit(':').next().unwrap_or_default();
        Self {
            xmin,
            xmax,
            running: running.split(',').filter_map(|one| one.parse().ok()).collect(),
        }
    }

    pub fn sees(&self, txid: i64) -> bool {
        txid < self.xmin || (txid < self.xmax && !self.running.contains(&txid))
    }
}

/// A tick as it is in the database, with what the driver knows of it.
#[derive(Debug, Clone)]
pub struct Tick {
    pub snapshot: Snapshot,
    /// How many transactions had been committed when it was made; `None` when it was made inside of a transaction whose
    /// snapshot is older.
    pub committed: Option<usize>,
}

/// What one consumer got.
#[derive(Debug, Default)]
pub struct Delivered {
    /// Tick at which it began.
    pub first_tick: Option<i64>,
    pub last_tick: Option<i64>,
    /// How often each event was in a finished batch, without retries.
    counts: BTreeMap<i64, u32>,
    /// Events that must come again, with the number that the retry must have.
    due: BTreeMap<i64, i32>,
}

#[derive(Debug, Default)]
pub struct Oracle {
    /// Transactions in the order of their commits.
    pub committed: Vec<(i64, Vec<Sent>)>,
    pub ticks: BTreeMap<i64, Tick>,
}

impl Oracle {
    pub fn commit(&mut self, txid: i64, events: Vec<Sent>) {
        self.committed.push((txid, events));
    }

    /// Whether a batch holds what it must, in order.
    pub fn check(&self, to: &Delivered, batch: &BatchInfo, events: &[Event]) -> Result<(), String> {
        let tick = |id: i64| {
            self.ticks
                .get(&id)
                .ok_or_else(|| format!("nobody made tick {id}"))
        };
        let (prev, cur) = (tick(batch.prev_tick_id)?, tick(batch.tick_id)?);
        if let Some(last) = to.last_tick
            && last != batch.prev_tick_id
        {
            return Err(format!("a gap: tick {last} ended the batch before {batch:?}"));
        }
        if !events.windows(2).all(|pair| pair[0].ev_id < pair[1].ev_id) {
            return Err(format!("ids do not ascend: {:?}", ids(events)));
        }
        let (again, fresh): (Vec<&Event>, Vec<&Event>) =
            events.iter().partition(|event| event.ev_retry.is_some());
        for event in again {
            let wanted = to.due.get(&event.ev_id);
            if wanted != event.ev_retry.as_ref() {
                return Err(format!(
                    "event {} has retry {:?}, not {wanted:?}",
                    event.ev_id, event.ev_retry
                ));
            }
        }
        let got: Vec<Sent> = fresh
            .iter()
            .map(|event| Sent {
                ev_id: event.ev_id,
                payload: event.ev_data.clone().unwrap_or_default(),
            })
            .collect();
        let by_snapshot = self.sent(|_, txid| cur.snapshot.sees(txid) && !prev.snapshot.sees(txid));
        same("by the snapshots of its ticks", batch, &by_snapshot, &got)?;
        if let (Some(from), Some(until)) = (prev.committed, cur.committed) {
            let by_commits = self.sent(|place, _| place >= from && place < until);
            same("by the order of commits", batch, &by_commits, &got)?;
        }
        Ok(())
    }

    /// Notes that a batch was finished with these tags.
    pub fn finished(&self, to: &mut Delivered, batch: &BatchInfo, events: &[Event], tagged: &[i64]) {
        to.first_tick.get_or_insert(batch.prev_tick_id);
        to.last_tick = Some(batch.tick_id);
        for event in events {
            if event.ev_retry.is_some() {
                to.due.remove(&event.ev_id);
            } else {
                *to.counts.entry(event.ev_id).or_default() += 1;
            }
            if tagged.contains(&event.ev_id) {
                to.due.insert(event.ev_id, event.ev_retry.unwrap_or(0) + 1);
            }
        }
    }

    /// Whether everything came that had to come, when there is nothing more.
    pub fn check_end(&self, to: &Delivered) -> Result<(), String> {
        let Some(first) = to.first_tick else {
            return Ok(());
        };
        let first = &self.ticks[&first].snapshot;
        let wanted: BTreeSet<i64> = self
            .sent(|_, txid| !first.sees(txid))
            .into_iter()
            .map(|sent| sent.ev_id)
            .collect();
        let lost: Vec<_> = wanted.iter().filter(|id| !to.counts.contains_key(id)).collect();
        let twice: Vec<_> = to.counts.iter().filter(|(_, count)| **count > 1).collect();
        let extra: Vec<_> = to.counts.keys().filter(|id| !wanted.contains(id)).collect();
        if lost.is_empty() && twice.is_empty() && extra.is_empty() && to.due.is_empty() {
            return Ok(());
        }
        Err(format!(
            "lost {lost:?}, more than once {twice:?}, never committed {extra:?}, retries that did not come {:?}",
            to.due
        ))
    }

    pub fn has_due(&self, to: &Delivered) -> bool {
        !to.due.is_empty()
    }

    fn sent(&self, which: impl Fn(usize, i64) -> bool) -> Vec<Sent> {
        let mut all: Vec<Sent> = self
            .committed
            .iter()
            .enumerate()
            .filter(|(place, (txid, _))| which(*place, *txid))
            .flat_map(|(_, (_, events))| events.clone())
            .collect();
        all.sort_by_key(|sent| sent.ev_id);
        all
    }
}

fn ids(events: &[Event]) -> Vec<i64> {
    events.iter().map(|event| event.ev_id).collect()
}

fn same(how: &str, batch: &BatchInfo, wanted: &[Sent], got: &[Sent]) -> Result<(), String> {
    if wanted == got {
        return Ok(());
    }
    let lost: Vec<_> = wanted.iter().filter(|sent| !got.contains(sent)).collect();
    let extra: Vec<_> = got.iter().filter(|sent| !wanted.contains(sent)).collect();
    Err(format!(
        "batch {} from tick {} to {}, {how}: lacks {lost:?}, has besides {extra:?}",
        batch.batch_id, batch.prev_tick_id, batch.tick_id
    ))
}

#[cfg(test)]
mod tests {
    use super::Snapshot;

    #[test]
    fn a_snapshot_sees_what_was_committed() {
        let snapshot = Snapshot::parse("10:20:10,15");
        let seen: Vec<i64> = (8..22).filter(|txid| snapshot.sees(*txid)).collect();
        assert_eq!(seen, [8, 9, 11, 12, 13, 14, 16, 17, 18, 19]);
        assert!(Snapshot::parse("7:7:").sees(6));
    }
}
