//! Nights at a glance: the best backup of each day.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned};
use maud::{Markup, html};
use ostler_api::document::BackupSummary;
use ostler_vocabulary::Timestamp;

use super::frame::{Tone, backup_tone};

/// Weeks that are shown.
const WEEKS: i64 = 8;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The last weeks, a row each, days in UTC.
pub(super) fn calendar(name: &str, backups: &[&BackupSummary], now: Timestamp) -> Markup {
    let mut nights: BTreeMap<Date, (Tone, &'static str)> = BTreeMap::new();
    for backup in backups {
        let day = date(backup.started);
        let found = (backup_tone(backup.state), backup.state.as_str());
        let known = nights.entry(day).or_insert(found);
        if found.0 < known.0 {
            *known = found;
        }
    }
    let today = date(now);
    let monday = today
        .checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days())
        .unwrap_or(today);
    let day = |offset: i64| monday.checked_add(offset.days()).unwrap_or(today);
    html! {
        table.calendar aria-label={ "Days with backups of " (name) } {
            thead { tr { @for name in DAYS { th scope="col" { (name) } } } }
            tbody {
                @for week in (0..WEEKS).rev() {
                    tr {
                        @for weekday in 0..7 {
                            @let date = day(weekday - week * 7);
                            (cell(date, today, nights.get(&date)))
                        }
                    }
                }
            }
        }
    }
}

fn cell(date: Date, today: Date, found: Option<&(Tone, &'static str)>) -> Markup {
    let number = date.day();
    match found {
        _ if date > today => html! { td.future { span.day { (number) } } },
        None => html! {
            td.none title={ (date) ": no backup" } { span.day { (number) } span.hidden { " no backup" } }
        },
        Some((tone, word)) => html! {
            td class=(tone.class()) title={ (date) ": " (word) } {
                span.day { (number) } span aria-hidden="true" { (tone.sign()) } span.hidden { " " (word) }
            }
        },
    }
}

fn date(moment: Timestamp) -> Date {
    Zoned::new(moment, TimeZone::UTC).date()
}
