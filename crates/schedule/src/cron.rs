//! Cron expressions: five fields, with names, ranges, lists and steps.
//!
//! The meaning is that of crontab(5): where both days of the month and days of the week are restricted, a day matches
//! when either does; a field that begins with `*` does not restrict.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};

/// What is wrong with an expression, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{expression}` is not a cron expression: {reason}")]
pub struct CronError {
    /// The expression.
    pub expression: String,
    /// What is wrong.
    pub reason: String,
}

/// The days that are looked at for the next match: two leap years may be eight years apart.
const HORIZON_DAYS: u32 = 366 * 9;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A field's place: what it is called, its range, and the names of its values.
struct Field {
    name: &'static str,
    from: u8,
    to: u8,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        from: 0,
        to: 59,
        names: &[],
    },
    Field {
        name: "hour",
        from: 0,
        to: 23,
        names: &[],
    },
    Field {
        name: "day of the month",
        from: 1,
        to: 31,
        names: &[],
    },
    Field {
        name: "month",
        from: 1,
        to: 12,
        names: &MONTHS,
    },
    // 7 is Sunday too.
    Field {
        name: "day of the week",
        from: 0,
        to: 7,
        names: &WEEKDAYS,
    },
];

/// Expressions that have a name.
const NAMED: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// A cron expression, as sets of bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether a day must be in both sets, because one of them does not restrict.
    both_days: bool,
    /// Whether every hour is meant: the expression then runs by the hour and not by the time of day.
    every_hour: bool,
}

impl Cron {
    /// Whether it runs in every hour, and so also in an hour that the clocks show twice.
    #[must_use]
    pub fn is_hourly(&self) -> bool {
        self.every_hour
    }

    /// The first local time at or after another that matches. `None` when none does within nine years.
    #[must_use]
    pub fn from(&self, first: DateTime) -> Option<DateTime> {
        let mut date = first.date();
        let mut time = match first.second() == 0 && first.subsec_nanosecond() == 0 {
            true => Some((first.hour(), first.minute())),
            false => next_minute(first.hour(), first.minute()),
        };
        for _ in 0..HORIZON_DAYS {
            if let Some((hour, minute)) = time
                && self.has_day(date)
                && let Some(found) = self.in_day(hour, minute)
            {
                return Some(date.to_datetime(found));
            }
            date = date.tomorrow().ok()?;
            time = Some((0, 0));
        }
        None
    }

    fn has_day(&self, date: Date) -> bool {
        let month = has(self.months, date.month());
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        month
            && if self.both_days {
                day && weekday
            } else {
                day || weekday
            }
    }

    /// The first matching time of a day at or after this one.
    fn in_day(&self, hour: i8, minute: i8) -> Option<Time> {
        let first = (hour..24).find(|&at| has(self.hours, at))?;
        let from = if first == hour { minute } else { 0 };
        if let Some(minute) = (from..60).find(|&at| has(self.minutes, at)) {
            return Time::new(first, minute, 0, 0).ok();
        }
        let later = (first + 1..24).find(|&at| has(self.hours, at))?;
        let minute = (0..60).find(|&at| has(self.minutes, at))?;
        Time::new(later, minute, 0, 0).ok()
    }
}

fn next_minute(hour: i8, minute: i8) -> Option<(i8, i8)> {
    match (hour, minute) {
        (23, 59) => None,
        (hour, 59) => Some((hour + 1, 0)),
        (hour, minute) => Some((hour, minute + 1)),
    }
}

fn has(set: u64, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|value| set.checked_shr(value).is_some_and(|rest| rest & 1 == 1))
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let wrong = |reason: String| CronError {
            expression: text.clone(),
            reason,
        };
        let lower = text.to_ascii_lowercase();
        let meaning = match NAMED.iter().find(|(name, _)| *name == lower) {
            Some((_, meaning)) => meaning,
            None if lower.starts_with('@') => {
                let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
                return Err(wrong(format!(
                    "known names are {} and `@every 6h`",
                    names.join(", ")
                )));
            }
            None => lower.as_str(),
        };
        let words: Vec<&str> = meaning.split(' ').collect();
        let [minute, hour, day, month, weekday] = words.as_slice() else {
            return Err(wrong(format!(
                "it has {} fields and not the five minute, hour, day of the month, month, day of the week",
                words.len()
            )));
        };
        let set = |field: &Field, word: &str| parse(field, word).map_err(wrong);
        let weekdays = set(&FIELDS[4], weekday)?;
        let cron = Self {
            minutes: set(&FIELDS[0], minute)?,
            hours: set(&FIELDS[1], hour)?,
            days: set(&FIELDS[2], day)?,
            months: set(&FIELDS[3], month)?,
            weekdays: (weekdays | weekdays >> 7) & 0x7f,
            both_days: day.starts_with('*') || weekday.starts_with('*'),
            every_hour: *hour == "*",
            text: text.clone(),
        };
        // In a leap year, so that 29 February counts.
        match cron.from(DateTime::constant(2024, 1, 1, 0, 0, 0, 0)) {
            Some(_) => Ok(cron),
            None => Err(wrong("no day is ever like that".to_owned())),
        }
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// One field as a set of bits.
fn parse(field: &Field, word: &str) -> Result<u64, String> {
    let mut set = 0;
    for part in word.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step = step
                    .parse::<u8>()
                    .ok()
                    .filter(|step| (1..=field.to).contains(step));
                (
                    range,
                    Some(step.ok_or_else(|| {
                        format!("the step of `{part}` is not a number from 1 to {}", field.to)
                    })?),
                )
            }
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (field.from, if field.to == 7 { 6 } else { field.to }),
            Some((from, to)) => (value(field, from)?, value(field, to)?),
            // `5/15` counts on from 5.
            None => {
                let one = value(field, range)?;
                (one, if step.is_some() { field.to } else { one })
            }
        };
        let step = usize::from(step.unwrap_or(1));
        if from <= to {
            (from..=to).step_by(step).for_each(|value| set |= 1 << value);
        } else if field.to == 7 {
            // Friday to Monday goes over the end of the week.
            (from..=to + 7)
                .step_by(step)
                .for_each(|value| set |= 1_u64 << (value % 7));
        } else {
            return Err(format!(
                "`{range}` goes backwards; write `{from}-{},{}-{to}`",
                field.to, field.from
            ));
        }
    }
    Ok(set)
}

fn value(field: &Field, word: &str) -> Result<u8, String> {
    if let Some(index) = field.names.iter().position(|name| *name == word) {
        let first = if field.to == 7 { 0 } else { field.from };
        return Ok(first + u8::try_from(index).unwrap_or(0));
    }
    match word.parse::<u8>() {
        Ok(value) if (field.from..=field.to).contains(&value) && word.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(value)
        }
        _ => Err(format!(
            "`{word}` is not a {} from {} to {}",
            field.name, field.from, field.to
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::Cron;
    use jiff::civil::DateTime;

    /// The next matches of an expression after a Saturday.
    fn next(text: &str, count: usize) -> Vec<String> {
        let cron: Cron = text.parse().unwrap();
        let mut from: DateTime = "2026-11-21T10:30:30".parse().unwrap();
        (0..count)
            .map(|_| {
                let found = cron.from(from).unwrap();
                from = found.checked_add(jiff::Span::new().seconds(1)).unwrap();
                found.strftime("%a %F %H:%M").to_string()
            })
            .collect()
    }

    #[test]
    fn expressions_mean_what_crontab_says() {
        for (text, expected) in [
            ("30 2 * * *", "Sun 2026-11-22 02:30"),
            ("30 10 * * *", "Sun 2026-11-22 10:30"),
            ("31 10 * * *", "Sat 2026-11-21 10:31"),
            ("*/20 * * * *", "Sat 2026-11-21 10:40"),
            ("5/20 * * * *", "Sat 2026-11-21 10:45"),
            ("0 9-17/4 * * MON-FRI", "Mon 2026-11-23 09:00"),
            ("0 0 * * FRI-MON", "Sun 2026-11-22 00:00"),
            ("0 0 * * 7", "Sun 2026-11-22 00:00"),
            ("0 0 1,15 * *", "Tue 2026-12-01 00:00"),
            ("0 0 29 feb *", "Tue 2028-02-29 00:00"),
            // Either day, as both are restricted.
            ("0 0 24 * Tue", "Tue 2026-11-24 00:00"),
            ("0 0 13 * 5", "Fri 2026-11-27 00:00"),
            // Both, as one does not restrict.
            ("0 0 */2 * 5", "Fri 2026-11-27 00:00"),
            ("@daily", "Sun 2026-11-22 00:00"),
            ("@Weekly", "Sun 2026-11-22 00:00"),
            ("@monthly", "Tue 2026-12-01 00:00"),
            ("@yearly", "Fri 2027-01-01 00:00"),
            ("@hourly", "Sat 2026-11-21 11:00"),
        ] {
            assert_eq!(next(text, 1), [expected], "{text}");
        }
        assert_eq!(next("0,30 23 * * *", 3)[2], "Sun 2026-11-22 23:00");
        assert_eq!(next("59 23 31 12 *", 2)[1], "Fri 2027-12-31 23:59");
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, reason) in [
            ("", "fields"),
            ("* * * *", "4 fields"),
            ("* * * * * *", "6 fields"),
            ("60 * * * *", "`60` is not a minute"),
            ("* 22-4 * * *", "write `22-23,0-4`"),
            ("*/0 * * * *", "step"),
            ("* * 0 * *", "day of the month"),
            ("* * * foo *", "`foo` is not a month"),
            ("* * * * L", "day of the week"),
            ("+5 * * * *", "`+5`"),
            ("1,,2 * * * *", "``"),
            ("0 0 30 2 *", "no day is ever like that"),
            ("@reboot", "known names"),
            ("@every 6h", "known names"),
        ] {
            let error = text.parse::<Cron>().unwrap_err();
            assert!(error.reason.contains(reason), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[-@*/,0-9a-z ]{0,24}") {
            if let Ok(cron) = text.parse::<Cron>() {
                let _ = cron.from(DateTime::constant(9999, 12, 31, 23, 59, 59, 0));
            }
        }
    }
}
