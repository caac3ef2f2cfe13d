//! When a database is looked at again, and why. No clock, no input or output.

use std::time::Duration;

/// What the last rounds were like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// Rounds in a row that ticked nothing.
    quiet: u32,
}

/// What a round found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Queues that ticked.
    pub ticked: u32,
    /// When the next event's time comes that was put off.
    pub next_event: Option<Duration>,
    /// Whether there are queues whose producers wake nobody.
    pub silent: bool,
}

/// The limits of [`Pace::after`].
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Between two rounds with ticks.
    pub lag: Duration,
    /// The longest sleep.
    pub longest: Duration,
    /// Whether producers can wake the ticker.
    pub listening: bool,
    /// How often to look when they cannot, or those of some queue do not.
    pub poll: Duration,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// How long to wait, unless somebody wakes us.
    pub wait: Duration,
    /// Whether producers are to be told, in the next round, that we sleep after it.
    pub sleep: bool,
    /// Why.
    pub reason: &'static str,
}

impl Pace {
    /// What to do after a round.
    ///
    /// The first quiet round is followed by one that announces sleep and looks once more, so that nothing falls between.
    /// An event that was not committed yet when its queue ticked tells nobody: it is found by the rounds that follow at
    /// twice the distance each.
    pub fn after(&mut self, found: Found, limits: Limits) -> Next {
        let Limits {
            lag,
            longest,
            listening,
            poll,
        } = limits;
        if found.ticked > 0 {
            self.quiet = 0;
            return Next {
                wait: lag,
                sleep: false,
                reason: "events come",
            };
        }
        let doubled = lag.saturating_mul(1_u32.checked_shl(self.quiet.min(30)).unwrap_or(u32::MAX));
        self.quiet = self.quiet.saturating_add(1);
        let told = listening && !found.silent;
        let ceiling = if told { longest } else { longest.min(poll) };
        let next_event = found.next_event.map(|wait| wait.max(lag));
        let wait = doubled.min(ceiling);
        match next_event {
            Some(event) if event < wait => Next {
                wait: event,
                sleep: listening,
                reason: "an event's time comes",
            },
            _ if wait < ceiling => Next {
                wait,
                sleep: listening,
                reason: "events may be on their way",
            },
            _ => Next {
                wait,
                sleep: listening,
                reason: match (listening, told) {
                    (true, true) => "asleep",
                    (true, false) => "a queue wakes nobody",
                    _ => "nobody can wake us",
                },
            },
        }
    }

    /// Somebody woke us, or a session begins.
    pub fn woken(&mut self) {
        self.quiet = 0;
    }
}

/// The pause after so many failures in a row, the first being 1.
#[must_use]
pub fn pause(failures: u32, shortest: Duration, longest: Duration) -> Duration {
    let factor = 1_u32
        .checked_shl(failures.saturating_sub(1).min(20))
        .unwrap_or(u32::MAX);
    shortest.saturating_mul(factor).min(longest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Found, Limits, Pace, pause};

    const LIMITS: Limits = Limits {
        lag: Duration::from_millis(10),
        longest: Duration::from_secs(5),
        listening: true,
        poll: Duration::from_secs(1),
    };

    fn waits(limits: Limits, found: Found, rounds: usize) -> Vec<u128> {
        let mut pace = Pace::default();
        (0..rounds)
            .map(|_| pace.after(found, limits).wait.as_millis())
            .collect()
    }

    #[test]
    fn quiet_rounds_come_ever_more_rarely() {
        let quiet = Found::default();
        assert_eq!(
            waits(LIMITS, quiet, 11),
            [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000]
        );
        let deaf = Limits {
            listening: false,
            ..LIMITS
        };
        assert_eq!(waits(deaf, quiet, 9)[7..], [1000, 1000]);
    }

    #[test]
    fn a_queue_whose_producers_wake_nobody_is_looked_at_as_often_as_behind_a_pooler() {
        let silent = Found {
            silent: true,
            ..Found::default()
        };
        assert_eq!(
            waits(LIMITS, silent, 9),
            [10, 20, 40, 80, 160, 320, 640, 1000, 1000]
        );
        let mut pace = Pace::default();
        let last = (0..9).map(|_| pace.after(silent, LIMITS)).last();
        // Those of other queues do wake it.
        assert_eq!(
            last.map(|next| (next.sleep, next.reason)),
            Some((true, "a queue wakes nobody"))
        );
        assert_eq!(pace.after(Found::default(), LIMITS).wait, LIMITS.longest);
    }

    #[test]
    fn events_keep_it_awake_and_a_wake_up_begins_anew() {
        let mut pace = Pace::default();
        let busy = Found {
            ticked: 1,
            ..Found::default()
        };
        for _ in 0..9 {
            pace.after(Found::default(), LIMITS);
        }
        let next = pace.after(busy, LIMITS);
        assert_eq!(
            (next.wait, next.sleep, next.reason),
            (LIMITS.lag, false, "events come")
        );
        let next = pace.after(Found::default(), LIMITS);
        assert_eq!((next.wait, next.sleep), (LIMITS.lag, true));
    }

    #[test]
    fn an_event_that_was_put_off_is_not_overslept() {
        let found = Found {
            next_event: Some(Duration::from_millis(300)),
            ..Found::default()
        };
        assert_eq!(waits(LIMITS, found, 8)[5..], [300, 300, 300]);
        let overdue = Found {
            next_event: Some(Duration::ZERO),
            ..Found::default()
        };
        assert_eq!(waits(LIMITS, overdue, 3), [10, 10, 10]);
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let (short, long) = (Duration::from_secs(1), Duration::from_secs(30));
        let pauses: Vec<u64> = (1..8).map(|n| pause(n, short, long).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(pause(u32::MAX, short, long), long);
    }
}
