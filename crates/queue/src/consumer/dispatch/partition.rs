//! Tables by time: which one a row goes to, and what it is called.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use ostler_vocabulary::Timestamp;

/// How long a table's share of time is. In UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// From one full hour to the next.
    Hour,
    /// From midnight to midnight.
    Day,
    /// A month.
    Month,
    /// A year.
    Year,
}

/// Whose time counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeOf {
    /// The tick that ends the batch: a batch is in one table as a whole.
    Batch,
    /// The event.
    Event,
    /// This column of the row.
    Field(String),
}

/// A share of time and the table that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Part {
    /// The table's name.
    pub table: String,
    /// The first moment, as PostgreSQL reads it.
    pub from: String,
    /// The first moment after it.
    pub to: String,
    /// The same moment.
    pub end: DateTime,
}

/// A value that is no time.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` in column `{column}` is no date or time")]
pub struct NoTime {
    /// The column.
    pub column: String,
    /// What it holds, cut.
    pub text: String,
}

impl Period {
    /// The part of this table that holds a moment, named by a template in which `{table}` and `{part}` stand for the
    /// table's name and the share of time, such as `2026_11_21`.
    #[must_use]
    pub fn part(self, template: &str, table: &str, moment: DateTime) -> Part {
        let (from, to, name) = self.share(moment);
        let time = |moment: DateTime| moment.strftime("%Y-%m-%d %H:%M:%S").to_string();
        Part {
            table: template.replace("{table}", table).replace("{part}", &name),
            from: time(from),
            to: time(to),
            end: to,
        }
    }

    /// The part that has this name; `None` for a name that no part of the table has.
    #[must_use]
    pub fn part_of_name(self, template: &str, table: &str, name: &str) -> Option<Part> {
        let whole = template.replace("{table}", table);
        let (before, after) = whole.split_once("{part}")?;
        let share = name.strip_prefix(before)?.strip_suffix(after)?;
        let mut numbers = share.split('_').map(str::parse::<i16>);
        let mut number = |otherwise: i16| numbers.next().unwrap_or(Ok(otherwise)).ok();
        let (year, month, day, hour) = (number(1)?, number(1)?, number(1)?, number(0)?);
        let day = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        let hour = i8::try_from(hour).ok().filter(|hour| (0..24).contains(hour))?;
        let part = self.part(template, table, day.at(hour, 0, 0, 0));
        (part.table == name).then_some(part)
    }

    /// From, up to, and what it is called.
    fn share(self, moment: DateTime) -> (DateTime, DateTime, String) {
        let day = moment.date();
        match self {
            Self::Hour => {
                let from = day.at(moment.hour(), 0, 0, 0);
                let to = from
                    .checked_add(jiff::Span::new().hours(1))
                    .unwrap_or(DateTime::MAX);
                (from, to, from.strftime("%Y_%m_%d_%H").to_string())
            }
            Self::Day => (
                midnight(day),
                midnight(day.tomorrow().unwrap_or(Date::MAX)),
                day.strftime("%Y_%m_%d").to_string(),
            ),
            Self::Month => {
                let from = day.first_of_month();
                let to = from.checked_add(jiff::Span::new().months(1)).unwrap_or(Date::MAX);
                (midnight(from), midnight(to), from.strftime("%Y_%m").to_string())
            }
            Self::Year => {
                let from = day.first_of_year();
                let to = from.checked_add(jiff::Span::new().years(1)).unwrap_or(Date::MAX);
                (midnight(from), midnight(to), from.strftime("%Y").to_string())
            }
        }
    }
}

/// A moment as UTC shows it.
#[must_use]
pub fn in_utc(moment: Timestamp) -> DateTime {
    TimeZone::UTC.to_datetime(moment)
}

/// A date or time in PostgreSQL's ISO form: `2026-11-21`, with or without a time, fractions and an offset. A time without
/// an offset is taken as it stands.
///
/// # Errors
/// When it is none.
pub fn read_time(column: &str, text: &str) -> Result<DateTime, NoTime> {
    let no_time = || NoTime {
        column: column.to_owned(),
        text: text.chars().take(40).collect(),
    };
    let Some((date, rest)) = text.split_once([' ', 'T']) else {
        return text.parse::<Date>().map(midnight).map_err(|_| no_time());
    };
    let sign = rest.find(['+', '-', 'Z']);
    let (time, offset) = sign.map_or((rest, ""), |at| rest.split_at(at));
    let local: DateTime = format!("{date}T{time}").parse().map_err(|_| no_time())?;
    match offset {
        "" => Ok(local),
        "Z" => Ok(local),
        offset => {
            // PostgreSQL leaves out minutes that are zero.
            let full = if offset.len() == 3 {
                format!("{offset}:00")
            } else {
                offset.to_owned()
            };
            let moment: Timestamp = format!("{date}T{time}{full}").parse().map_err(|_| no_time())?;
            Ok(in_utc(moment))
        }
    }
}

fn midnight(date: Date) -> DateTime {
    date.at(0, 0, 0, 0)
}

#[cfg(test)]
mod tests {
    use super::{DateTime, Period, read_time};

    fn at(text: &str) -> DateTime {
        read_time("created", text).expect("a time")
    }

    #[test]
    fn names_and_bounds_follow_the_period() {
        let part = |period: Period, text: &str| {
            let part = period.part("{table}_{part}", "shop.log", at(text));
            let same = period.part_of_name("{table}_{part}", "shop.log", &part.table);
            assert_eq!(same.as_ref(), Some(&part));
            [part.table, part.from, part.to].join(" | ")
        };
        assert_eq!(
            part(Period::Hour, "2026-11-21 23:59:59.5"),
            "shop.log_2026_11_21_23 | 2026-11-21 23:00:00 | 2026-11-22 00:00:00"
        );
        assert_eq!(
            part(Period::Day, "2024-02-29"),
            "shop.log_2024_02_29 | 2024-02-29 00:00:00 | 2024-03-01 00:00:00"
        );
        assert_eq!(
            part(Period::Month, "2026-12-31 10:00:00"),
            "shop.log_2026_12 | 2026-12-01 00:00:00 | 2027-01-01 00:00:00"
        );
        assert_eq!(
            part(Period::Year, "2026-12-31 10:00:00"),
            "shop.log_2026 | 2026-01-01 00:00:00 | 2027-01-01 00:00:00"
        );
    }

    #[test]
    fn other_tables_are_no_parts() {
        let part = |name: &str| Period::Day.part_of_name("{table}_{part}_x", "shop.log", name);
        assert!(part("shop.log_2026_11_21_x").is_some());
        for name in [
            "shop.log",
            "shop.log_old_x",
            "shop.log_2026_11_x",
            "shop.log_2026_13_01_x",
            "shop.log_2026_11_21",
            "shop.log_2026_11_21_05_x",
            "shop.log_2026_11_21_x_x",
            "other.log_2026_11_21_x",
        ] {
            assert_eq!(part(name), None, "{name}");
        }
    }

    #[test]
    fn offsets_are_turned_into_utc() {
        assert_eq!(at("2026-11-21 00:30:00+01"), at("2026-11-20 23:30:00"));
        assert_eq!(at("2026-11-21 00:30:00.25-05:30"), at("2026-11-21 06:00:00.25"));
        assert_eq!(at("2026-11-21T00:30:00Z"), at("2026-11-21 00:30:00"));
        assert_eq!(at("2026-11-21"), at("2026-11-21 00:00:00"));
    }

    #[test]
    fn what_is_no_time_is_an_error() {
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "infinity",
            "12:00:00",
            "2026-11-21 25:00:00",
        ] {
            assert!(read_time("created", text).is_err(), "{text}");
        }
    }
}
