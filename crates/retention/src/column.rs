//! How a column tells a time: which values are older than a moment, and which moment a value is. Pure.
//!
//! Source of UUID version 7: RFC 9562. Source of ULID: its canonical specification (Crockford's base 32, 48 bits of time).

use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};
use ostler_api::retention::TimeUnit;
use ostler_vocabulary::Timestamp;

/// How a column tells a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeColumn {
    /// A moment.
    Moment,
    /// A date and time of no zone.
    Civil,
    /// A date.
    Date,
    /// A number since 1970, of so many nanoseconds each.
    Epoch(i64),
    /// A UUID; version 7 unless it holds a ULID.
    Uuid {
        /// Whether its first 48 bits are those of a ULID rather than of version 7.
        ulid: bool,
    },
    /// A ULID as text.
    Ulid,
}

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl TimeColumn {
    /// By the name of the type, as PostgreSQL and SQL write it.
    ///
    /// # Errors
    /// Why it tells no time, as a sentence.
    pub fn of(type_name: &str, unit: Option<TimeUnit>) -> Result<Self, String> {
        let epoch = match unit {
            Some(TimeUnit::S) => Some(1_000_000_000),
            Some(TimeUnit::Ms) => Some(1_000_000),
            Some(TimeUnit::Us) => Some(1_000),
            Some(TimeUnit::Ns) => Some(1),
            _ => None,
        };
        let column = match (type_name, unit) {
            ("timestamp with time zone", None) => Self::Moment,
            ("timestamp without time zone", None) => Self::Civil,
            ("date", None) => Self::Date,
            ("bigint" | "integer" | "numeric" | "double precision", _) => match epoch {
                Some(nanoseconds) => Self::Epoch(nanoseconds),
                None => {
                    return Err(format!(
                        "it is of type {type_name}: say by `--unit s|ms|us|ns` what it counts"
                    ));
                }
            },
            ("uuid", Some(TimeUnit::Uuidv7)) => Self::Uuid { ulid: false },
            ("uuid", Some(TimeUnit::Ulid)) => Self::Uuid { ulid: true },
            ("uuid", None) => {
                return Err("it is of type uuid: say `--unit uuidv7` or `ulid` if it tells a time".into());
            }
            ("text" | "character varying" | "character", Some(TimeUnit::Ulid)) => Self::Ulid,
            ("text" | "character varying" | "character", None) => {
                return Err(format!(
                    "it is of type {type_name}: say `--unit ulid` if it holds ULIDs"
                ));
            }
            (_, None) => return Err(format!("it is of type {type_name}, which tells no time")),
            (_, Some(_)) => return Err(format!("it is of type {type_name}, which has no such unit")),
        };
        Ok(column)
    }

    /// The first value that is not older than a moment, as text of the column's type. Where the column is coarser than the
    /// moment, or its clock times come twice, it is the earlier one: rather kept too long than gone too early.
    #[must_use]
    pub fn boundary(self, moment: Timestamp, zone: &TimeZone) -> String {
        match self {
            Self::Moment => {
                let cut = Timestamp::from_microsecond(moment.as_microsecond()).unwrap_or(moment);
                cut.strftime("%Y-%m-%d %H:%M:%S%.6f+00").to_string()
            }
            Self::Civil => earliest_clock(moment, zone)
                .strftime("%Y-%m-%d %H:%M:%S%.6f")
                .to_string(),
            Self::Date => moment.to_zoned(zone.clone()).date().to_string(),
            Self::Epoch(nanoseconds) => moment
                .as_nanosecond()
                .div_euclid(i128::from(nanoseconds))
                .to_string(),
            Self::Uuid { .. } => {
                let hex = format!("{:012x}", milliseconds(moment));
                format!("{}-{}-0000-0000-000000000000", &hex[..8], &hex[8..])
            }
            Self::Ulid => {
                let time = milliseconds(moment);
                let mut text: String = (0..10)
                    .rev()
                    .map(|digit| {
                        char::from(CROCKFORD[usize::try_from(time >> (5 * digit) & 31).unwrap_or(0)])
                    })
                    .collect();
                text.push_str("0000000000000000");
                text
            }
        }
    }

    /// The moment that a value in a partition's bounds is; `None` when it is none that can be told. Of clock times that
    /// come twice it is the later one.
    #[must_use]
    pub fn moment(self, value: &str, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Moment => {
                // `2024-01-01 00:00:00+00`: an offset without minutes is not read by everybody.
                let text = value
                    .strip_suffix("+00")
                    .map_or_else(|| value.to_owned(), |rest| format!("{rest}Z"));
                text.parse().ok()
            }
            Self::Civil => latest(value.parse().ok()?, zone),
            Self::Date => latest(
                value
                    .parse::<civil::Date>()
                    .ok()?
                    .to_datetime(civil::Time::midnight()),
                zone,
            ),
            Self::Epoch(nanoseconds) => {
                let number: i128 = value.parse().ok()?;
                Timestamp::from_nanosecond(number.checked_mul(nanoseconds.into())?).ok()
            }
            Self::Uuid { .. } => {
                let hex: String = value.chars().filter(|c| *c != '-').take(12).collect();
                (hex.len() == 12).then_some(())?;
                Timestamp::from_millisecond(i64::from_str_radix(&hex, 16).ok()?).ok()
            }
            Self::Ulid => {
                let head = value.as_bytes().get(..10)?;
                let mut time: i64 = 0;
                for byte in head {
                    let digit = CROCKFORD.iter().position(|known| known == byte)?;
                    time = time.checked_mul(32)?.checked_add(i64::try_from(digit).ok()?)?;
                }
                Timestamp::from_millisecond(time).ok()
            }
        }
    }
}

/// Milliseconds since 1970 in 48 bits.
fn milliseconds(moment: Timestamp) -> u64 {
    u64::try_from(moment.as_millisecond())
        .unwrap_or(0)
        .min((1 << 48) - 1)
}

/// The clock time of a moment; an hour earlier (or whatever the clocks are put back by) in the first of two passes.
fn earliest_clock(moment: Timestamp, zone: &TimeZone) -> civil::DateTime {
    let clock = zone.to_datetime(moment);
    match zone.to_ambiguous_timestamp(clock).offset() {
        AmbiguousOffset::Fold { before, after } if zone.to_offset(moment) == before => {
            let back = i64::from(before.seconds() - after.seconds());
            clock
                .checked_sub(jiff::SignedDuration::from_secs(back))
                .unwrap_or(clock)
        }
        _ => clock,
    }
}

fn latest(clock: civil::DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(clock).later().ok()
}

#[cfg(test)]
mod tests {
    use super::TimeColumn;
    use crate::cutoff::zone;
    use ostler_api::retention::TimeUnit;
    use ostler_vocabulary::Timestamp;

    #[test]
    fn boundaries_of_every_type_are_the_moment_or_just_before_it() {
        let berlin = zone("Europe/Berlin").unwrap();
        let moment: Timestamp = "2024-05-15T12:00:00.123456789Z".parse().unwrap();
        for (name, unit, boundary, back) in [
            (
                "timestamp with time zone",
                None,
                "2024-05-15 12:00:00.123456+00",
                "2024-05-15T12:00:00.123456Z",
            ),
            (
                "timestamp without time zone",
                None,
                "2024-05-15 14:00:00.123456",
                "2024-05-15T12:00:00.123456Z",
            ),
            ("date", None, "2024-05-15", "2024-05-14T22:00:00Z"),
            ("bigint", Some(TimeUnit::S), "1715774400", "2024-05-15T12:00:00Z"),
            ("integer", Some(TimeUnit::S), "1715774400", "2024-05-15T12:00:00Z"),
            (
                "bigint",
                Some(TimeUnit::Ms),
                "1715774400123",
                "2024-05-15T12:00:00.123Z",
            ),
            (
                "bigint",
                Some(TimeUnit::Ns),
                "1715774400123456789",
                "2024-05-15T12:00:00.123456789Z",
            ),
            (
                "uuid",
                Some(TimeUnit::Uuidv7),
                "018f7c1f-a67b-0000-0000-000000000000",
                "2024-05-15T12:00:00.123Z",
            ),
            (
                "text",
                Some(TimeUnit::Ulid),
                "01HXY1Z9KV0000000000000000",
                "2024-05-15T12:00:00.123Z",
            ),
        ] {
            let column = TimeColumn::of(name, unit).unwrap();
            assert_eq!(column.boundary(moment, &berlin), boundary, "{name}");
            assert_eq!(
                column.moment(boundary, &berlin),
                Some(back.parse().unwrap()),
                "{name}"
            );
        }
        for (name, unit) in [
            ("bigint", None),
            ("uuid", None),
            ("text", None),
            ("jsonb", None),
            ("date", Some(TimeUnit::Ms)),
            ("bigint", Some(TimeUnit::Ulid)),
        ] {
            assert!(TimeColumn::of(name, unit).is_err(), "{name}");
        }
    }

    #[test]
    fn clock_times_that_come_twice_are_kept_rather_than_lost() {
        let berlin = zone("Europe/Berlin").unwrap();
        // Clocks are put back at 01:00Z, from 03:00 to 02:00: 02:30 is at 00:30Z and at 01:30Z.
        for (moment, boundary) in [
            ("2026-10-25T00:30:00Z", "2026-10-25 01:30:00.000000"),
            ("2026-10-25T01:30:00Z", "2026-10-25 02:30:00.000000"),
            ("2026-10-25T02:30:00Z", "2026-10-25 03:30:00.000000"),
        ] {
            let moment: Timestamp = moment.parse().unwrap();
            assert_eq!(TimeColumn::Civil.boundary(moment, &berlin), boundary);
        }
        assert_eq!(
            TimeColumn::Civil.moment("2026-10-25 02:30:00", &berlin),
            Some("2026-10-25T01:30:00Z".parse().unwrap())
        );
        assert_eq!(TimeColumn::Civil.moment("infinity", &berlin), None);
    }
}
