//! Slows down who guesses.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The wait after the first failure that costs something; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// What is remembered at most.
const GUESSERS: usize = 10_000;

/// By what somebody who guesses is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Guesser {
    /// Where they ask from.
    Address(IpAddr),
    /// The name whose password they guess, from however many addresses.
    Name(String),
}

impl Guesser {
    /// Whoever asks from there. All of an IPv6 network of one customer is one.
    pub fn at(address: IpAddr) -> Self {
        Self::Address(match address {
            IpAddr::V6(address) if address.to_ipv4_mapped().is_none() => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64))
            }
            address => address.to_canonical(),
        })
    }

    /// Whoever guesses the password of that name. Names have 64 letters at most; of longer ones no more is remembered.
    pub fn named(name: &str) -> Self {
        Self::Name(name.chars().take(64).collect())
    }

    /// Failures that cost nothing.
    fn free(&self) -> u32 {
        match self {
            Self::Address(_) => 5,
            // Somebody who only knows a name is not to keep its owner out after a few attempts.
            Self::Name(_) => 20,
        }
    }

    fn longest_wait(&self) -> Duration {
        match self {
            Self::Address(_) => Duration::from_secs(300),
            Self::Name(_) => Duration::from_secs(30),
        }
    }
}

/// Failed attempts to come in.
#[derive(Debug, Default)]
pub struct Throttle {
    failures: Mutex<HashMap<Guesser, Failures>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Failures {
    count: u32,
    last: Duration,
}

impl Throttle {
    /// How long they have still to wait; nothing when they may try. `now` is monotonic.
    pub fn wait(&self, guesser: &Guesser, now: Duration) -> Option<Duration> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let known = failures.get(guesser)?;
        let until = known.last + pause(guesser, known.count);
        until.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// An attempt failed.
    pub fn failed(&self, guesser: Guesser, now: Duration) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= GUESSERS {
            failures.retain(|guesser, known| now.saturating_sub(known.last) < guesser.longest_wait());
        }
        let known = failures.entry(guesser).or_default();
        known.count = known.count.saturating_add(1);
        known.last = now;
    }

    /// An attempt succeeded.
    pub fn succeeded(&self, guesser: &Guesser) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(guesser);
    }
}

fn pause(guesser: &Guesser, count: u32) -> Duration {
    match count.checked_sub(guesser.free()) {
        None => Duration::ZERO,
        Some(more) => FIRST_WAIT
            .saturating_mul(1 << more.min(20))
            .min(guesser.longest_wait()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use super::{Guesser, Throttle};

    #[test]
    fn who_guesses_waits_longer_each_time_and_others_do_not() {
        let throttle = Throttle::default();
        let at = |last| Guesser::at(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)));
        let now = Duration::from_secs(100);
        for _ in 0..4 {
            throttle.failed(at(1), now);
            assert_eq!(throttle.wait(&at(1), now), None);
        }
        for seconds in [1, 2, 4] {
            throttle.failed(at(1), now);
            assert_eq!(throttle.wait(&at(1), now), Some(Duration::from_secs(seconds)));
        }
        assert_eq!(throttle.wait(&at(2), now), None);
        assert_eq!(throttle.wait(&at(1), now + Duration::from_secs(4)), None);
        throttle.succeeded(&at(1));
        throttle.failed(at(1), now);
        assert_eq!(throttle.wait(&at(1), now), None);
    }

    #[test]
    fn a_name_is_guessed_slowly_from_however_many_addresses_and_never_locked_out_for_long() {
        let throttle = Throttle::default();
        let name = || Guesser::named("ada");
        let now = Duration::from_secs(100);
        for _ in 0..19 {
            throttle.failed(name(), now);
        }
        assert_eq!(throttle.wait(&name(), now), None);
        for _ in 0..50 {
            throttle.failed(name(), now);
        }
        assert_eq!(throttle.wait(&name(), now), Some(Duration::from_secs(30)));
    }

    #[test]
    fn addresses_of_one_network_are_one_guesser() {
        let at = |text: &str| Guesser::at(text.parse().unwrap());
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:2"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:10.0.0.1"), at("10.0.0.1"));
        assert_ne!(at("10.0.0.1"), at("10.0.0.2"));
    }
}
