//! Lengths of time on a calendar, as policies have them: `36h`, `4w`, `13 months`, `INF`.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A length of time on a calendar: a month is a month and a day is a day of the time zone in which it is counted, also
/// where the clocks change; hours and less are always as long. Never zero.
///
/// Units are those of `InfluxDB` (`ns`, `u` or `µs`, `ms`, `s`, `m`, `h`, `d`, `w`), months (`mo`) and years (`y`), each
/// also as a word; `INF` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// That long.
    Limited {
        /// Months of the calendar, counted first.
        months: i32,
        /// Days of the calendar, counted next.
        days: i32,
        /// What is shorter, in nanoseconds, counted last.
        nanoseconds: i64,
    },
    /// For ever.
    Infinite,
}

/// A string that is not such a length of time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a length of time: write numbers with units such as 36h, 4w, 13 months, 1y6mo, or INF")]
pub struct PeriodError(String);

impl crate::Classified for PeriodError {
    fn kind(&self) -> crate::ErrorKind {
        crate::ErrorKind::Invalid
    }

    fn hint(&self) -> Option<String> {
        None
    }
}

/// What a unit counts.
#[derive(Clone, Copy)]
enum Measure {
    Months(i64),
    Days(i64),
    Nanoseconds(i64),
}

/// Units, the first name of each being the one that is shown.
const UNITS: &[(Measure, &[&str])] = &[
    (Measure::Months(12), &["y", "year", "years"]),
    (Measure::Months(1), &["mo", "month", "months"]),
    (Measure::Days(7), &["w", "week", "weeks"]),
    (Measure::Days(1), &["d", "day", "days"]),
    (Measure::Nanoseconds(3_600_000_000_000), &["h", "hour", "hours"]),
    (
        Measure::Nanoseconds(60_000_000_000),
        &["m", "min", "minute", "minutes"],
    ),
    (Measure::Nanoseconds(1_000_000_000), &["s", "second", "seconds"]),
    (
        Measure::Nanoseconds(1_000_000),
        &["ms", "millisecond", "milliseconds"],
    ),
    (
        Measure::Nanoseconds(1_000),
        &["us", "u", "µ", "µs", "μs", "microsecond", "microseconds"],
    ),
    (Measure::Nanoseconds(1), &["ns", "nanosecond", "nanoseconds"]),
];

impl Period {
    /// So many months.
    #[must_use]
    pub fn months(months: i32) -> Self {
        Self::Limited {
            months,
            days: 0,
            nanoseconds: 0,
        }
    }

    /// So many days.
    #[must_use]
    pub fn days(days: i32) -> Self {
        Self::Limited {
            months: 0,
            days,
            nanoseconds: 0,
        }
    }

    /// This many times as long; `None` for ever, and beyond what can be told.
    #[must_use]
    pub fn times(self, count: u32) -> Option<Self> {
        let Self::Limited {
            months,
            days,
            nanoseconds,
        } = self
        else {
            return None;
        };
        let factor = i32::try_from(count).ok()?;
        Some(Self::Limited {
            months: months.checked_mul(factor)?,
            days: days.checked_mul(factor)?,
            nanoseconds: nanoseconds.checked_mul(i64::from(count))?,
        })
    }

    /// The moment this long before another, by the calendar of a time zone. A day that the month has not becomes its
    /// last one; a time that the day has not, because the clocks were put forward, the one after the gap. `None` for
    /// ever, and before the calendar begins.
    #[must_use]
    pub fn before(self, moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.away(moment, zone, -1)
    }

    /// The moment this long after another, by the same rules.
    #[must_use]
    pub fn after(self, moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.away(moment, zone, 1)
    }

    fn away(self, moment: Timestamp, zone: &TimeZone, sign: i32) -> Option<Timestamp> {
        let Self::Limited {
            months,
            days,
            nanoseconds,
        } = self
        else {
            return None;
        };
        let date = jiff::Span::new()
            .try_months(months.checked_mul(sign)?)
            .ok()?
            .try_days(days.checked_mul(sign)?)
            .ok()?;
        let there = moment.to_zoned(zone.clone()).checked_add(date).ok()?;
        let rest = SignedDuration::from_nanos(nanoseconds.checked_mul(i64::from(sign))?);
        there.timestamp().checked_add(rest).ok()
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let wrong = || PeriodError(text.to_owned());
        let mut rest = text.trim();
        if rest.eq_ignore_ascii_case("inf") {
            return Ok(Self::Infinite);
        }
        let (mut months, mut days, mut nanoseconds) = (0_i64, 0_i64, 0_i64);
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let (number, tail) = rest.split_at(digits);
            let tail = tail.trim_start();
            let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            let number: i64 = number.parse().map_err(|_| wrong())?;
            let (measure, _) = UNITS
                .iter()
                .find(|(_, names)| names.contains(&unit))
                .ok_or_else(wrong)?;
            let (sum, factor) = match measure {
                Measure::Months(factor) => (&mut months, factor),
                Measure::Days(factor) => (&mut days, factor),
                Measure::Nanoseconds(factor) => (&mut nanoseconds, factor),
            };
            *sum = number
                .checked_mul(*factor)
                .and_then(|more| sum.checked_add(more))
                .ok_or_else(wrong)?;
            rest = tail.trim_start().trim_start_matches(',').trim_start();
        }
        if (months, days, nanoseconds) == (0, 0, 0) {
            return Err(wrong());
        }
        Ok(Self::Limited {
            months: i32::try_from(months).map_err(|_| wrong())?,
            days: i32::try_from(days).map_err(|_| wrong())?,
            nanoseconds,
        })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Limited {
            months,
            days,
            nanoseconds,
        } = *self
        else {
            return f.pad("INF");
        };
        let mut text = String::new();
        let (mut months, mut days, mut rest) = (i64::from(months), i64::from(days), nanoseconds);
        for (measure, names) in UNITS {
            let (left, factor) = match measure {
                Measure::Months(factor) => (&mut months, *factor),
                Measure::Days(factor) => (&mut days, *factor),
                Measure::Nanoseconds(factor) => (&mut rest, *factor),
            };
            // `13mo` and `10d` say what was meant better than `1y1mo` and `1w3d`.
            if *left != 0
                && (*left % factor == 0 || matches!(measure, Measure::Nanoseconds(_)) && *left >= factor)
            {
                text.push_str(&format!("{}{}", *left / factor, names[0]));
                *left %= factor;
            }
        }
        f.pad(&text)
    }
}

crate::serde_as_text!(Period);

#[cfg(test)]
mod tests {
    use super::Period;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    #[test]
    fn periods_are_read_and_shown_as_people_and_influxdb_write_them() {
        for (text, shown) in [
            ("36h", "36h"),
            ("4w", "4w"),
            ("28d", "4w"),
            ("10 days", "10d"),
            ("13 months", "13mo"),
            ("1y1mo", "13mo"),
            ("2 years", "2y"),
            ("1h30m", "1h30m"),
            ("1 week, 2 days 3 hours", "9d3h"),
            ("5u3ns", "5us3ns"),
            ("7µs", "7us"),
            ("INF", "INF"),
            ("inf", "INF"),
        ] {
            let period: Period = text.parse().unwrap();
            assert_eq!(period.to_string(), shown, "{text}");
            assert_eq!(shown.parse(), Ok(period), "{text}");
        }
        assert_eq!("1w".parse::<Period>(), "7d".parse());
        for text in [
            "",
            "0d",
            "1x",
            "5",
            "h",
            "-1d",
            "1.5h",
            "99999999999999999999y",
            "99999999999y",
            "INF 1d",
        ] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_calendar_of_the_zone_counts() {
        for (period, moment, zone, expected) in [
            ("1d", "2026-11-21T10:00:00Z", "UTC", Some("2026-11-20T10:00:00Z")),
            (
                "13 months",
                "2026-03-31T00:00:00Z",
                "UTC",
                Some("2025-02-28T00:00:00Z"),
            ),
            ("1mo", "2024-03-31T12:00:00Z", "UTC", Some("2024-02-29T12:00:00Z")),
            // The night in which clocks were put forward has 23 hours.
            (
                "1d",
                "2026-03-29T10:00:00Z",
                "Europe/Berlin",
                Some("2026-03-28T11:00:00Z"),
            ),
            (
                "24h",
                "2026-03-29T10:00:00Z",
                "Europe/Berlin",
                Some("2026-03-28T10:00:00Z"),
            ),
            // 02:30 is not on that day.
            (
                "1d",
                "2026-03-30T00:30:00Z",
                "Europe/Berlin",
                Some("2026-03-29T01:30:00Z"),
            ),
            (
                "9000y",
                "2026-01-01T00:00:00Z",
                "UTC",
                Some("-006974-01-01T00:00:00Z"),
            ),
            ("90000y", "2026-01-01T00:00:00Z", "UTC", None),
            ("INF", "2026-01-01T00:00:00Z", "UTC", None),
        ] {
            let period: Period = period.parse().unwrap();
            let moment: Timestamp = moment.parse().unwrap();
            let zone = TimeZone::get(zone).unwrap();
            let expected = expected.map(|text| text.parse::<Timestamp>().unwrap());
            assert_eq!(period.before(moment, &zone), expected, "{period} {moment}");
        }
    }
}
