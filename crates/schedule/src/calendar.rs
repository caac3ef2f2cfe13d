//! The moments at which something is due: cron expressions on the clocks of a time zone, and intervals.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Span, Timestamp};

use crate::cron::Cron;

/// The longest that clocks are put back at once, but for a few days in the history of a few zones.
const LONGEST_FOLD: SignedDuration = SignedDuration::from_hours(3);

/// Stretches of time that are searched for the last moment before another, the shortest first.
const STRETCHES: [SignedDuration; 6] = [
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(26),
    SignedDuration::from_hours(24 * 8),
    SignedDuration::from_hours(24 * 63),
    SignedDuration::from_hours(24 * 400),
    SignedDuration::from_hours(24 * 366 * 9),
];

/// Moments without end.
#[derive(Debug, Clone)]
pub(crate) enum Calendar {
    /// By the clocks of a zone.
    Clocks {
        /// When.
        cron: Cron,
        /// Where.
        zone: TimeZone,
    },
    /// By intervals, counted from a moment that is itself one.
    Interval {
        /// The first.
        first: Timestamp,
        /// The length, not zero.
        every: Duration,
    },
}

/// A moment and what is unusual about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// The clocks leave out the time that the expression names.
    Skipped(DateTime),
    /// The clocks show it twice; this is the first time.
    Doubled,
}

impl Calendar {
    /// The first moment after another.
    pub fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        self.odd_after(moment).map(|(found, _)| found)
    }

    /// The same with what is unusual about it.
    pub fn odd_after(&self, moment: Timestamp) -> Option<(Timestamp, Option<Oddity>)> {
        match self {
            Self::Clocks { cron, zone } => by_clocks(cron, zone, moment),
            Self::Interval { first, every } => by_interval(*first, *every, moment).map(|found| (found, None)),
        }
    }

    /// The last moment that is after `after` and not after `until`.
    pub fn last(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Interval { first, every } => {
                let since = nanoseconds(until.duration_since(*first))?;
                let step = i128::try_from(every.as_nanos()).ok()?;
                let found = moment(*first, since.div_euclid(step).checked_mul(step)?)?;
                (found > after && found >= *first).then_some(found)
            }
            Self::Clocks { .. } => STRETCHES.iter().find_map(|stretch| {
                let from = until.checked_sub(*stretch).unwrap_or(Timestamp::MIN).max(after);
                self.between(from, until).last()
            }),
        }
    }

    /// Every moment after `after` and not after `until`.
    pub fn between(&self, after: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        std::iter::successors(self.after(after), |found| self.after(*found))
            .take_while(move |found| *found <= until)
    }
}

fn by_interval(first: Timestamp, every: Duration, after: Timestamp) -> Option<Timestamp> {
    if after < first {
        return Some(first);
    }
    let step = i128::try_from(every.as_nanos()).ok()?;
    let count = nanoseconds(after.duration_since(first))?.div_euclid(step) + 1;
    moment(first, count.checked_mul(step)?)
}

fn nanoseconds(length: SignedDuration) -> Option<i128> {
    Some(length.as_nanos())
}

fn moment(first: Timestamp, nanoseconds: i128) -> Option<Timestamp> {
    Timestamp::from_nanosecond(first.as_nanosecond().checked_add(nanoseconds)?).ok()
}

/// Local times are tried in their order. Their moments do not go back, except that those which the clocks show twice
/// have a second one, which only an expression for every hour uses.
fn by_clocks(cron: &Cron, zone: &TimeZone, after: Timestamp) -> Option<(Timestamp, Option<Oddity>)> {
    let offset = |moment: Timestamp| zone.to_offset(moment);
    let before = after.checked_sub(LONGEST_FOLD).ok()?;
    let beyond = after.checked_add(LONGEST_FOLD).ok()?;
    let here = offset(after);
    let near_fold = offset(before) > here || offset(beyond) < here;
    let mut local = zone.to_datetime(after);
    if near_fold {
        local = local.checked_sub(LONGEST_FOLD).ok()?;
    }
    let mut best: Option<(Timestamp, Option<Oddity>)> = None;
    loop {
        local = cron.from(local)?;
        let (first, second, oddity) = moments(zone, local)?;
        if let Some((found, _)) = best
            && first >= found
        {
            return best;
        }
        if first > after {
            return Some((first, oddity));
        }
        if best.is_none()
            && let Some(second) = second.filter(|second| cron.is_hourly() && *second > after)
        {
            best = Some((second, None));
        }
        local = local.checked_add(Span::new().seconds(1)).ok()?;
    }
}

/// When the clocks show a local time: the moment after a gap for one that they leave out, and both for one that they
/// show twice.
fn moments(zone: &TimeZone, local: DateTime) -> Option<(Timestamp, Option<Timestamp>, Option<Oddity>)> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => Some((ambiguous.unambiguous().ok()?, None, None)),
        AmbiguousOffset::Gap { .. } => {
            // Read with the offset that holds after the gap, it lies before it; the next change of the clocks is its end.
            let end = zone.following(ambiguous.earlier().ok()?).next()?;
            Some((end.timestamp(), None, Some(Oddity::Skipped(local))))
        }
        AmbiguousOffset::Fold { .. } => {
            let second = zone.to_ambiguous_timestamp(local).later().ok()?;
            Some((ambiguous.earlier().ok()?, Some(second), Some(Oddity::Doubled)))
        }
    }
}
