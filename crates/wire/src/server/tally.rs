//! What an agent was asked for and what came of it, as metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ostler_api::metrics::{Family, FamilyKind, Sample};
use ostler_vocabulary::{Progress, Unit};

/// How a request ended.
const OUTCOMES: [&str; 3] = ["done", "failed", "stopped"];

/// What was counted since the agent was started. Cloning gives another handle to the same counts.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<Counted>>);

#[derive(Debug, Default)]
struct Counted {
    /// By what was asked for.
    asks: BTreeMap<&'static str, Counts>,
    refused: u64,
}

#[derive(Debug, Default)]
struct Counts {
    /// By the place in [`OUTCOMES`].
    ended: [u64; 3],
    time: Duration,
    bytes: u64,
    files: u64,
    running: Vec<(u64, Progress)>,
    begun: u64,
}

/// A request that goes on. Dropped without having ended, it was stopped: its connection is gone.
#[derive(Debug)]
pub(super) struct Running {
    tally: Tally,
    ask: &'static str,
    number: u64,
    begun: Instant,
    outcome: usize,
}

impl Tally {
    /// Somebody was refused who has proven nothing.
    pub(super) fn refuse(&self) {
        self.lock().refused += 1;
    }

    /// A request begins, and this tells how far it is.
    pub(super) fn begin(&self, ask: &'static str, progress: &Progress) -> Running {
        let mut counted = self.lock();
        let counts = counted.asks.entry(ask).or_default();
        counts.begun += 1;
        let number = counts.begun;
        counts.running.push((number, progress.clone()));
        Running {
            tally: self.clone(),
            ask,
            number,
            begun: Instant::now(),
            outcome: 2,
        }
    }

    /// All of it.
    pub(super) fn families(&self) -> Vec<Family> {
        let counted = self.lock();
        let by_request = |value: &dyn Fn(&Counts) -> f64| {
            let asks = counted.asks.iter();
            asks.map(|(ask, counts)| Sample::of(&[("request", ask)], value(counts)))
                .collect::<Vec<_>>()
        };
        let ended = counted.asks.iter().flat_map(|(ask, counts)| {
            let outcomes = OUTCOMES.iter().zip(counts.ended);
            outcomes
                .map(|(outcome, count)| Sample::of(&[("request", ask), ("outcome", outcome)], count as f64))
        });
        vec![
            Family::of(
                "ostler_agent_requests_total",
                FamilyKind::Counter,
                "Requests that ended, by what was asked for and how they ended; stopped when the coordinator went away.",
                ended.collect(),
            ),
            Family::of(
                "ostler_agent_requests_running",
                FamilyKind::Gauge,
                "Requests that are being worked on.",
                by_request(&|counts| counts.running.len() as f64),
            ),
            Family::of(
                "ostler_agent_request_seconds_total",
                FamilyKind::Counter,
                "Time that requests took that ended.",
                by_request(&|counts| counts.time.as_secs_f64()),
            ),
            Family::of(
                "ostler_agent_bytes_total",
                FamilyKind::Counter,
                "Bytes of files that were gone through, also of requests that go on.",
                by_request(&|counts| counts.gone_through().0 as f64),
            ),
            Family::of(
                "ostler_agent_files_total",
                FamilyKind::Counter,
                "Files that were gone through, also of requests that go on.",
                by_request(&|counts| counts.gone_through().1 as f64),
            ),
            Family::of(
                "ostler_agent_refused_total",
                FamilyKind::Counter,
                "Requests of somebody who has neither certificate nor token.",
                vec![Sample::of(&[], counted.refused as f64)],
            ),
        ]
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Bytes and files.
    fn gone_through(&self) -> (u64, u64) {
        let going = self.running.iter().map(|(_, progress)| told(progress));
        going.fold((self.bytes, self.files), |sum, one| {
            (sum.0 + one.0, sum.1 + one.1)
        })
    }
}

/// Bytes and files of one request.
fn told(progress: &Progress) -> (u64, u64) {
    let value = progress.read();
    match value.unit {
        Unit::Bytes => (value.done, value.items),
        _ => (0, value.done),
    }
}

impl Running {
    /// It came to its end, well or not.
    pub(super) fn end(&mut self, well: bool) {
        self.outcome = usize::from(!well);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut counted = self.tally.lock();
        let counts = counted.asks.entry(self.ask).or_default();
        if let Some(place) = counts
            .running
            .iter()
            .position(|(number, _)| *number == self.number)
        {
            let (bytes, files) = told(&counts.running.swap_remove(place).1);
            counts.bytes += bytes;
            counts.files += files;
        }
        counts.time += self.begun.elapsed();
        counts.ended[self.outcome] += 1;
    }
}

#[cfg(test)]
mod tests {
    use ostler_vocabulary::{Progress, Unit};

    use super::Tally;

    #[test]
    fn what_goes_on_is_counted_and_goes_on_being_counted_when_it_ends() {
        let tally = Tally::default();
        let value = |name: &str, labels: &[(&str, &str)]| {
            let families = tally.families();
            let family = families.into_iter().find(|family| family.name == name)?;
            let is_it = |sample: &ostler_api::metrics::Sample| {
                let mut labels = labels.iter();
                labels.all(|(name, value)| sample.labels.get(*name).is_some_and(|found| found == value))
            };
            family.samples.into_iter().find(is_it)?.value
        };
        let upload = [("request", "upload")];
        let progress = Progress::new(Unit::Bytes);
        let mut running = tally.begin("upload", &progress);
        progress.add_done(7);
        progress.add_item();
        assert_eq!(value("ostler_agent_bytes_total", &upload), Some(7.0));
        assert_eq!(value("ostler_agent_requests_running", &upload), Some(1.0));
        running.end(true);
        drop(running);
        drop(tally.begin("upload", &Progress::new(Unit::Bytes)));
        assert_eq!(value("ostler_agent_bytes_total", &upload), Some(7.0));
        assert_eq!(value("ostler_agent_files_total", &upload), Some(1.0));
        assert_eq!(value("ostler_agent_requests_running", &upload), Some(0.0));
        for (outcome, count) in [("done", 1.0), ("failed", 0.0), ("stopped", 1.0)] {
            let labels = [("request", "upload"), ("outcome", outcome)];
            assert_eq!(
                value("ostler_agent_requests_total", &labels),
                Some(count),
                "{outcome}"
            );
        }
        tally.refuse();
        assert_eq!(value("ostler_agent_refused_total", &[]), Some(1.0));
    }
}
