//! Rate and time left of one step, from readings of its progress.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use ostler_vocabulary::ProgressValue;

/// Readings older than this say nothing of the rate any more.
const WINDOW: Duration = Duration::from_secs(15);

/// Before this much has been seen, a rate is a guess.
const SHORTEST: Duration = Duration::from_millis(500);

/// The readings of one step.
#[derive(Debug, Default)]
pub(super) struct Pace {
    readings: VecDeque<(Duration, u64)>,
}

/// What the readings say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Estimate {
    /// Units a second.
    pub rate: Option<u64>,
    /// Time left at that rate.
    pub left: Option<Duration>,
}

impl Pace {
    /// Adds a reading and gives what is known with it.
    pub fn read(&mut self, at: Duration, value: &ProgressValue) -> Estimate {
        self.readings.push_back((at, value.done));
        while self.readings.len() > 2
            && self
                .readings
                .front()
                .is_some_and(|(first, _)| at.saturating_sub(*first) > WINDOW)
        {
            self.readings.pop_front();
        }
        let Some(&(first_at, first_done)) = self.readings.front() else {
            return Estimate::default();
        };
        let span = at.saturating_sub(first_at);
        if span < SHORTEST {
            return Estimate::default();
        }
        let done = u128::from(value.done.saturating_sub(first_done));
        let rate = u64::try_from(done * 1_000 / span.as_millis().max(1)).unwrap_or(u64::MAX);
        let left = value
            .total
            .checked_sub(value.done)
            .filter(|_| value.total > 0 && rate > 0);
        Estimate {
            rate: Some(rate),
            left: left.map(|left| Duration::from_secs(left.div_ceil(rate))),
        }
    }
}

/// The readings of several steps at once.
#[derive(Debug, Default)]
pub(super) struct Paces {
    steps: BTreeMap<String, Pace>,
}

impl Paces {
    /// Adds a reading of a step and gives what is known with it.
    pub fn read(&mut self, step: &str, at: Duration, value: &ProgressValue) -> Estimate {
        match self.steps.get_mut(step) {
            Some(pace) => pace.read(at, value),
            None => self.steps.entry(step.to_owned()).or_default().read(at, value),
        }
    }

    /// The step began anew, or is over.
    pub fn forget(&mut self, step: &str) {
        self.steps.remove(step);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ostler_vocabulary::{ProgressValue, Unit};

    use super::Pace;

    fn value(done: u64) -> ProgressValue {
        ProgressValue {
            done,
            total: 1_000,
            unit: Unit::Bytes,
            items: 0,
        }
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds_and_tells_the_time_left() {
        let mut pace = Pace::default();
        assert_eq!(pace.read(Duration::ZERO, &value(0)).rate, None);
        let estimate = pace.read(Duration::from_secs(2), &value(200));
        assert_eq!(
            (estimate.rate, estimate.left),
            (Some(100), Some(Duration::from_secs(8)))
        );
        for second in 3..60 {
            pace.read(Duration::from_secs(second), &value(200));
        }
        assert_eq!(pace.read(Duration::from_secs(60), &value(200)).rate, Some(0));
        assert_eq!(pace.read(Duration::from_secs(61), &value(200)).left, None);
    }
}
