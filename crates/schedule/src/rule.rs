//! A checked definition: when it is due.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ostler_api::document::Upcoming;
use ostler_api::schedule::{Definition, Missed, Overlap, Schedule, Trigger};

use crate::calendar::{Calendar, Oddity};
use crate::cron::Cron;
use crate::error::Error;

/// How late a run may begin and still count as on time.
pub const NEVER_LATE: SignedDuration = SignedDuration::from_secs(60);

/// The longest name.
const LONGEST_NAME: usize = 64;

/// What a schedule means, checked.
#[derive(Debug, Clone)]
pub struct Rule {
    pub(crate) name: String,
    /// `None` for one that runs after another.
    pub(crate) calendar: Option<Calendar>,
    pub(crate) parent: Option<String>,
    /// By how much all its runs are moved.
    pub(crate) shift: SignedDuration,
    pub(crate) missed: Missed,
    pub(crate) overlap: Overlap,
    pub(crate) deadline: Option<SignedDuration>,
    pub(crate) start: Option<Timestamp>,
    pub(crate) end: Option<Timestamp>,
    pub(crate) paused: Option<String>,
    zone: TimeZone,
    hourly: bool,
}

impl Rule {
    /// # Errors
    /// `Invalid`, with what is wrong.
    pub fn of(schedule: &Schedule) -> Result<Self, Error> {
        let mut rule = Self::new(&schedule.name, &schedule.definition, schedule.created)?;
        rule.paused = schedule.pause.as_ref().map(|pause| match &pause.reason {
            Some(reason) => format!("paused: {reason}"),
            None => "paused".to_owned(),
        });
        Ok(rule)
    }

    /// The same for a definition that is not recorded yet.
    ///
    /// # Errors
    /// `Invalid`, with what is wrong.
    pub fn new(name: &str, definition: &Definition, created: Timestamp) -> Result<Self, Error> {
        check_name(name)?;
        let wrong = |reason: String| Error::Definition {
            name: name.to_owned(),
            reason,
        };
        let zone = TimeZone::get(&definition.zone).map_err(|source| Error::Zone {
            zone: definition.zone.clone(),
            source,
        })?;
        if let (Some(start), Some(end)) = (definition.start, definition.end)
            && start >= end
        {
            return Err(wrong(format!("it ends ({end}) before it starts ({start})")));
        }
        let jitter = definition.jitter.map_or(Duration::ZERO, |jitter| jitter.0);
        let (calendar, parent, hourly) = match &definition.trigger {
            Trigger::Cron(text) => {
                let cron: Cron = text.parse()?;
                let hourly = cron.is_hourly();
                let zone = zone.clone();
                (Some(Calendar::Clocks { cron, zone }), None, hourly)
            }
            Trigger::Every(every) => {
                if every.0 < Duration::from_secs(1) {
                    return Err(wrong("the shortest interval is one second".to_owned()));
                }
                if jitter >= every.0 {
                    return Err(wrong(format!(
                        "the jitter is not shorter than the interval of {every}"
                    )));
                }
                let first = whole(definition.start.unwrap_or(created));
                (
                    Some(Calendar::Interval {
                        first,
                        every: every.0,
                    }),
                    None,
                    true,
                )
            }
            Trigger::After(parent) if parent == name => {
                return Err(wrong("it cannot run after itself".to_owned()));
            }
            Trigger::After(parent) => (None, Some(parent.clone()), true),
        };
        Ok(Self {
            name: name.to_owned(),
            calendar,
            parent,
            shift: shift(name, jitter),
            missed: definition.missed,
            overlap: definition.overlap,
            deadline: definition
                .deadline
                .and_then(|span| SignedDuration::try_from(span.0).ok()),
            start: definition.start,
            end: definition.end,
            paused: None,
            zone,
            hourly,
        })
    }

    /// The schedule's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The one it runs after.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.parent.as_deref()
    }

    /// When a nominal moment is due: moved by this schedule's share of the jitter.
    #[must_use]
    pub fn due(&self, nominal: Timestamp) -> Timestamp {
        nominal.checked_add(self.shift).unwrap_or(Timestamp::MAX)
    }

    /// The first nominal moment after another, within start and end.
    pub(crate) fn after(&self, moment: Timestamp) -> Option<(Timestamp, Option<Oddity>)> {
        let found = self.calendar.as_ref()?.odd_after(self.not_before(moment))?;
        self.end.is_none_or(|end| found.0 < end).then_some(found)
    }

    /// The last nominal moment after `after` that is due at `now`, within start and end.
    pub(crate) fn last(&self, after: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let now = now.checked_sub(self.shift).ok()?;
        let until = match self.end {
            Some(end) => now.min(end.checked_sub(SignedDuration::from_nanos(1)).ok()?),
            None => now,
        };
        self.calendar.as_ref()?.last(self.not_before(after), until)
    }

    /// How many nominal moments there are after `after` and not after `until`; at most `limit` are counted.
    pub(crate) fn count(&self, after: Timestamp, until: Timestamp, limit: usize) -> u64 {
        self.calendar.as_ref().map_or(0, |calendar| {
            calendar
                .between(self.not_before(after), until)
                .take(limit)
                .count() as u64
        })
    }

    fn not_before(&self, moment: Timestamp) -> Timestamp {
        match self
            .start
            .and_then(|start| start.checked_sub(SignedDuration::from_nanos(1)).ok())
        {
            Some(start) => moment.max(start),
            None => moment,
        }
    }

    /// The next runs after a moment, as if nothing were late, with what is unusual about them.
    pub fn upcoming(&self, moment: Timestamp) -> impl Iterator<Item = Upcoming> + '_ {
        let from = moment.checked_sub(self.shift).unwrap_or(moment);
        std::iter::successors(self.after(from), |(found, _)| self.after(*found)).map(|(nominal, oddity)| {
            let at = self.due(nominal);
            Upcoming {
                at,
                local: at
                    .to_zoned(self.zone.clone())
                    .strftime("%a %F %T %:z")
                    .to_string(),
                note: oddity.map(|oddity| self.note(oddity)),
            }
        })
    }

    fn note(&self, oddity: Oddity) -> String {
        match oddity {
            Oddity::Skipped(local) => {
                format!(
                    "the clocks leave out {}; it runs right after",
                    local.strftime("%H:%M")
                )
            }
            Oddity::Doubled if self.hourly => "the clocks show this hour twice; it runs in both".to_owned(),
            Oddity::Doubled => "the clocks show this time twice; it runs the first time only".to_owned(),
        }
    }
}

/// The moment without what is shorter than a millisecond, as timetables keep it.
pub(crate) fn whole(moment: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(moment.as_millisecond()).unwrap_or(moment)
}

/// A share of the jitter that follows from the name.
fn shift(name: &str, jitter: Duration) -> SignedDuration {
    let milliseconds = u64::try_from(jitter.as_millis()).unwrap_or(u64::MAX);
    let hash = blake3::hash(name.as_bytes());
    let number = hash
        .as_bytes()
        .iter()
        .take(8)
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let share = number % milliseconds.saturating_add(1).max(1);
    SignedDuration::from_millis(i64::try_from(share).unwrap_or(i64::MAX))
}

/// # Errors
/// `Invalid` for a name that a file or a command line would not take as it is.
pub fn check_name(name: &str) -> Result<(), Error> {
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    let rest = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if first && rest && name.len() <= LONGEST_NAME {
        Ok(())
    } else {
        Err(Error::Name(name.to_owned()))
    }
}
