//! Slows down who guesses.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Failures that cost nothing.
const FREE: u32 = 5;
/// The wait after the first that costs something; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Addresses that are remembered at most.
const ADDRESSES: usize = 10_000;

/// Failed attempts to come in, by address.
#[derive(Debug, Default)]
pub struct Throttle {
    failures: Mutex<HashMap<IpAddr, Failures>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Failures {
    count: u32,
    last: Duration,
}

impl Throttle {
    /// How long this address has still to wait; nothing when it may try. `now` is monotonic.
    pub fn wait(&self, address: IpAddr, now: Duration) -> Option<Duration> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let known = failures.get(&address)?;
        let until = known.last + pause(known.count);
        until.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// An attempt failed.
    pub fn failed(&self, address: IpAddr, now: Duration) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= ADDRESSES {
            failures.retain(|_, known| now.saturating_sub(known.last) < LONGEST_WAIT);
        }
        let known = failures.entry(address).or_default();
        known.count = known.count.saturating_add(1);
        known.last = now;
    }

    /// An attempt succeeded.
    pub fn succeeded(&self, address: IpAddr) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&address);
    }
}

fn pause(count: u32) -> Duration {
    match count.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(more) => FIRST_WAIT.saturating_mul(1 << more.min(20)).min(LONGEST_WAIT),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use super::Throttle;

    #[test]
    fn who_guesses_waits_longer_each_time_and_others_do_not() {
        let throttle = Throttle::default();
        let (guesser, other) = (
            IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
            IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)),
        );
        let now = Duration::from_secs(100);
        for _ in 0..4 {
            throttle.failed(guesser, now);
            assert_eq!(throttle.wait(guesser, now), None);
        }
        for seconds in [1, 2, 4] {
            throttle.failed(guesser, now);
            assert_eq!(throttle.wait(guesser, now), Some(Duration::from_secs(seconds)));
        }
        assert_eq!(throttle.wait(other, now), None);
        assert_eq!(throttle.wait(guesser, now + Duration::from_secs(4)), None);
        throttle.succeeded(guesser);
        throttle.failed(guesser, now);
        assert_eq!(throttle.wait(guesser, now), None);
    }
}
