//! How much is told: of each origin a few lines at once and one more now and then, and of all of them together no more than a
//! disk holds. What is left out is counted. Pure.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Origins that are remembered at most.
const ORIGINS: usize = 10_000;

/// So many at once, and one more each time that this has passed.
#[derive(Debug, Clone, Copy)]
struct Pace {
    burst: u32,
    interval: Duration,
}

impl Pace {
    /// The state after one more, which is the moment from which on all of the burst is there again; nothing when there is
    /// none to be had.
    fn after(self, full: Duration, now: Duration) -> Option<Duration> {
        let full = full.max(now);
        let most = self.interval.saturating_mul(self.burst.saturating_sub(1));
        (full.saturating_sub(now) <= most).then(|| full + self.interval)
    }
}

/// What may be told.
#[derive(Debug)]
pub(crate) struct Ration {
    each: Pace,
    all: Pace,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: Duration,
    each: HashMap<String, Duration>,
    left_out: u64,
}

impl Ration {
    /// Takes one line of this origin; gives how many were left out since the last one, or nothing when it is to be left out.
    pub fn take(&self, origin: &str, now: Duration) -> Option<u64> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.each.len() >= ORIGINS {
            taken.each.retain(|_, full| *full > now);
        }
        let of_it = taken.each.get(origin).copied();
        let is_room = of_it.is_some() || taken.each.len() < ORIGINS;
        let next = self
            .each
            .after(of_it.unwrap_or_default(), now)
            .filter(|_| is_room);
        let all = self.all.after(taken.all, now);
        match (next, all) {
            (Some(next), Some(all)) => {
                taken.all = all;
                taken.each.insert(origin.to_owned(), next);
                Some(std::mem::take(&mut taken.left_out))
            }
            _ => {
                taken.left_out += 1;
                None
            }
        }
    }
}

/// What may be told of failures, and what of who came in: those who guess do not hide who succeeds.
#[derive(Debug)]
pub(crate) struct Rations {
    pub failures: Ration,
    pub comings: Ration,
}

impl Default for Rations {
    fn default() -> Self {
        let ration = |each, all| Ration {
            each,
            all,
            taken: Mutex::default(),
        };
        let pace = |burst, seconds| Pace {
            burst,
            interval: Duration::from_secs(seconds),
        };
        Self {
            // 1,440 lines a day at most, a few hundred bytes each.
            failures: ration(pace(20, 180), pace(200, 60)),
            comings: ration(pace(60, 60), pace(600, 10)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Rations;

    #[test]
    fn one_who_guesses_for_a_day_is_told_a_few_hundred_times_and_the_rest_is_counted() {
        let ration = Rations::default().failures;
        let mut lines = 0;
        let mut left_out = 0;
        for second in 0..86_400 {
            if let Some(before) = ration.take("10.0.0.1", Duration::from_secs(second)) {
                lines += 1;
                left_out += before;
            }
        }
        assert_eq!(lines, 20 + 86_400 / 180 - 1);
        assert!(left_out > 85_000 && left_out + lines <= 86_400, "{left_out}");
    }

    #[test]
    fn many_origins_are_told_no_more_than_a_disk_holds_and_a_new_one_is_seen_later() {
        let ration = Rations::default().failures;
        let now = Duration::from_secs(5);
        let told = (0..50_000).filter(|n| ration.take(&format!("10.{n}"), now).is_some());
        assert_eq!(told.count(), 200);
        assert!(ration.taken.lock().unwrap().each.len() <= super::ORIGINS);
        let later = now + Duration::from_secs(60);
        assert_eq!(ration.take("10.0.0.1", later), Some(49_800));
        assert_eq!(ration.take("10.0.0.2", later), None);
    }
}
