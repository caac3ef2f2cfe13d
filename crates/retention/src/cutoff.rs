//! The moment from which ages are counted back, as people write it. Pure.

use jiff::civil;
use jiff::tz::TimeZone;
use ostler_vocabulary::{Period, Timestamp};

use crate::Error;

/// A zone by its name.
///
/// # Errors
/// [`Error::Zone`]
pub fn zone(name: &str) -> Result<TimeZone, Error> {
    TimeZone::get(name).map_err(|source| Error::Zone {
        zone: name.to_owned(),
        source,
    })
}

/// Reads a date (its midnight in `zone`), a time (with its own zone, else in `zone`), milliseconds since 1970, `now`, `today`,
/// `yesterday`, or an age (`4w`, `-4w`, `4w ago`). Nothing means now, to the second.
///
/// # Errors
/// [`Error::Cutoff`]; [`Error::Future`] for a moment after `now`.
pub fn read(text: Option<&str>, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, Error> {
    let cutoff = match text {
        // Without parts of a second, so that it can be typed again.
        None => Timestamp::from_second(now.as_second()).unwrap_or(now),
        Some(text) => moment(text.trim(), zone, now).ok_or_else(|| Error::Cutoff {
            text: text.to_owned(),
        })?,
    };
    if cutoff > now {
        return Err(Error::Future { cutoff, now });
    }
    Ok(cutoff)
}

fn moment(text: &str, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let today = || now.to_zoned(zone.clone()).date();
    let midnight = |date: civil::Date| Some(date.to_zoned(zone.clone()).ok()?.timestamp());
    match text {
        "now" => return Timestamp::from_second(now.as_second()).ok(),
        "today" => return midnight(today()),
        "yesterday" => return midnight(today().yesterday().ok()?),
        _ => {}
    }
    if text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Four digits are a year to some and a moment of 1970 to nobody.
        let number: i64 = text.parse().ok()?;
        return (text.len() > 8)
            .then(|| Timestamp::from_millisecond(number).ok())
            .flatten();
    }
    if let Ok(age) = text
        .trim_start_matches('-')
        .trim_end_matches("ago")
        .parse::<Period>()
    {
        return age.before(now, zone);
    }
    if let Ok(zoned) = text.parse::<jiff::Zoned>() {
        return Some(zoned.timestamp());
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    if let Ok(date) = text.parse::<civil::Date>()
        && text.len() <= "2026-11-21".len()
    {
        return midnight(date);
    }
    let civil: civil::DateTime = text.parse().ok()?;
    Some(civil.to_zoned(zone.clone()).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::{read, zone};

    #[test]
    fn cutoffs_are_dates_times_numbers_and_ages() {
        let now = "2026-11-21T10:20:30.5Z".parse().unwrap();
        let berlin = zone("Europe/Berlin").unwrap();
        for (text, expected) in [
            (None, "2026-11-21T10:20:30Z"),
            (Some("now"), "2026-11-21T10:20:30Z"),
            (Some("today"), "2026-11-20T23:00:00Z"),
            (Some("yesterday"), "2026-11-19T23:00:00Z"),
            (Some("2024-05-15"), "2024-05-14T22:00:00Z"),
            (Some("2024-05-15T12:00"), "2024-05-15T10:00:00Z"),
            (Some("2024-05-15 12:00:01"), "2024-05-15T10:00:01Z"),
            (Some("2024-05-15T12:00:00Z"), "2024-05-15T12:00:00Z"),
            (Some("2024-05-15T12:00:00-05:00"), "2024-05-15T17:00:00Z"),
            (
                Some("2024-05-15T12:00:00+09:00[Asia/Tokyo]"),
                "2024-05-15T03:00:00Z",
            ),
            (Some("1715774400001"), "2024-05-15T12:00:00.001Z"),
            (Some("1d"), "2026-11-20T10:20:30.5Z"),
            (Some("-2h"), "2026-11-21T08:20:30.5Z"),
            (Some("1 month ago"), "2026-10-21T09:20:30.5Z"),
        ] {
            let read = read(text, &berlin, now).unwrap();
            assert_eq!(read, expected.parse().unwrap(), "{text:?}");
        }
        for text in [
            "",
            "soon",
            "2026",
            "20240515",
            "2026-13-01",
            "2026-11-22",
            "1995774400001",
            "INF",
            "0d",
        ] {
            assert!(read(Some(text), &berlin, now).is_err(), "{text}");
        }
        assert!(zone("Middle/Earth").is_err());
    }
}
