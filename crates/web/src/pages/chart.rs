//! Sizes of backups as bars, oldest on the left. Drawn by attributes: the content policy allows no styles in pages.

use maud::{Markup, html};
use ostler_api::document::BackupSummary;
use ostler_vocabulary::humane::{moment, size};

use super::frame::{Tone, backup_tone};
use super::source::address;

/// Bars at most.
const BARS: usize = 60;
const WIDTH: u64 = 720;
const HEIGHT: u64 = 160;
/// Room below the bars, for marks of what is not good.
const FOOT: u64 = 14;

/// A chart of the newest of these, with axis and legend.
pub(super) fn full(name: &str, backups: &[&BackupSummary]) -> Markup {
    let shown = newest(backups);
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else {
        return html! {};
    };
    let most = most(&shown);
    let bad = shown
        .iter()
        .filter(|one| backup_tone(one.state) > Tone::Plain)
        .count();
    let label = format!(
        "Sizes of {} backups of {name}, from {} to {}; the largest is {}; {bad} are not good",
        shown.len(),
        moment(first.started),
        moment(last.started),
        size(most),
    );
    html! {
        figure.chart {
            figcaption {
                span { (name) }
                span.legend {
                    span.key.data aria-hidden="true" {} " size of the data "
                    span.key.stored aria-hidden="true" {} " new in the store "
                    span.key.wrong aria-hidden="true" {} " not good"
                }
            }
            div.axis {
                span.top-label { (size(most)) }
                (bars(&shown, most, &label, "bars"))
            }
            div.ends { span { (day(first)) } @if shown.len() > 1 { span { (day(last)) } } }
        }
    }
}

/// The same without words, for a card.
pub(super) fn small(backups: &[&BackupSummary]) -> Markup {
    let shown = newest(backups);
    if shown.len() < 2 {
        return html! {};
    }
    let label = format!("Sizes of the last {} backups", shown.len());
    bars(&shown, most(&shown), &label, "bars small")
}

fn bars(shown: &[&BackupSummary], most: u64, label: &str, class: &str) -> Markup {
    // Few bars are not as wide as the chart.
    let step = WIDTH / (shown.len() as u64).max(12);
    let width = (step * 3 / 4).max(2);
    let room = HEIGHT - FOOT;
    let high = |bytes: u64| match most {
        0 => 1,
        most => u64::try_from(u128::from(bytes) * u128::from(room) / u128::from(most))
            .unwrap_or(room)
            .max(1),
    };
    html! {
        svg class=(class) role="img" aria-label=(label) viewBox={ "0 0 " (WIDTH) " " (HEIGHT) }
            preserveAspectRatio="none" {
            line.base x1="0" x2=(WIDTH) y1=(room) y2=(room) {}
            @for (index, backup) in shown.iter().enumerate() {
                @let x = index as u64 * step + (step - width) / 2;
                @let (data, stored) = (high(backup.counts.bytes), high(backup.counts.stored_bytes.min(backup.counts.bytes)));
                a href=(address(backup)) tabindex="-1" {
                    title { (moment(backup.started)) ": " (backup.state.as_str()) ", " (size(backup.counts.bytes)) ", "
                        (size(backup.counts.stored_bytes)) " new in the store" }
                    rect.hit x=(x) y="0" width=(width) height=(HEIGHT) {}
                    @if backup.counts.bytes > 0 {
                        rect.data x=(x) y=(room - data) width=(width) height=(data) {}
                        rect.stored x=(x) y=(room - stored) width=(width) height=(stored) {}
                    }
                    @if backup_tone(backup.state) > Tone::Plain {
                        rect.wrong x=(x) y=(room + 4) width=(width) height=(FOOT - 4) {}
                    }
                }
            }
        }
    }
}

/// The newest, oldest first.
fn newest<'a>(backups: &[&'a BackupSummary]) -> Vec<&'a BackupSummary> {
    let mut shown: Vec<_> = backups.iter().copied().take(BARS).collect();
    shown.reverse();
    shown
}

fn most(shown: &[&BackupSummary]) -> u64 {
    shown.iter().map(|one| one.counts.bytes).max().unwrap_or(0)
}

fn day(backup: &BackupSummary) -> String {
    backup.started.strftime("%Y-%m-%d").to_string()
}
