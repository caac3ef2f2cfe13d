//! Which events of a batch come again, and when.

use std::collections::BTreeMap;
use std::time::Duration;

/// Tags of one batch. What has no tag is done when the batch is finished.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retries {
    // By delay in whole seconds: one number an event, however many there are.
    by_delay: BTreeMap<u32, Vec<i64>>,
    whole_batch: Option<u32>,
}

impl Retries {
    /// The event comes again after this time, in a batch of its own consumer only. Less than a second counts as one.
    pub fn event(&mut self, ev_id: i64, after: Duration) {
        self.by_delay.entry(seconds(after)).or_default().push(ev_id);
    }

    /// Every event of the batch comes again after this time.
    pub fn whole_batch(&mut self, after: Duration) {
        self.whole_batch = Some(seconds(after));
    }

    /// The delay of the whole batch in seconds, when it comes again as a whole.
    #[must_use]
    pub fn of_whole_batch(&self) -> Option<u32> {
        self.whole_batch
    }

    /// Delays in seconds with the events that come again after them.
    pub fn of_events(&self) -> impl Iterator<Item = (u32, &[i64])> {
        self.by_delay
            .iter()
            .map(|(seconds, events)| (*seconds, events.as_slice()))
    }

    /// How many events are tagged one by one.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.by_delay.values().map(|events| events.len() as u64).sum()
    }

    /// Whether nothing comes again.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_delay.is_empty() && self.whole_batch.is_none()
    }
}

fn seconds(after: Duration) -> u32 {
    let whole = after
        .as_secs()
        .saturating_add(u64::from(after.subsec_nanos() > 0));
    // PgQ takes an int4.
    u32::try_from(whole)
        .unwrap_or(u32::MAX)
        .clamp(1, i32::MAX.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::{Duration, Retries};

    #[test]
    fn delays_are_whole_seconds_and_at_least_one() {
        let mut retries = Retries::default();
        retries.event(1, Duration::ZERO);
        retries.event(2, Duration::from_millis(1_001));
        retries.event(3, Duration::from_secs(2));
        retries.event(4, Duration::MAX);
        let all: Vec<_> = retries.of_events().collect();
        assert_eq!(
            all,
            [
                (1, &[1][..]),
                (2, &[2, 3][..]),
                (i32::MAX.unsigned_abs(), &[4][..])
            ]
        );
        assert_eq!(retries.count(), 4);
    }
}
