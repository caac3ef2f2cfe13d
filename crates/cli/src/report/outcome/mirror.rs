//! `vault mirror`

use std::time::Duration;

use ostler_api::document::{MirrorReport, OperationDetail};
use ostler_vocabulary::Unit;

use super::per_second;
use crate::output::{Page, count, plural, rate, size};
use crate::report::problems;

pub(super) fn print(page: &mut Page, report: &MirrorReport, detail: &OperationDetail) {
    page.line(format!(
        "copied {} from {} to {}",
        plural(report.copied.len() as u64, "backup"),
        report.from,
        report.to
    ));
    page.fields(
        "copied",
        report.copied.iter().map(|copied| {
            let renamed = if copied.copy == copied.backup {
                String::new()
            } else {
                format!(" as {}", copied.copy.short())
            };
            format!(
                "{}{renamed}: {}, of which {} read and {} new there",
                copied.backup.short(),
                size(copied.bytes),
                size(copied.read_bytes),
                size(copied.new_bytes)
            )
        }),
    );
    if report.there > 0 {
        page.field("there", format!("{} already", plural(report.there, "backup")));
    }
    let marked = report.marked.iter().map(|copy| copy.short());
    page.fields(
        "marked",
        marked.map(|copy| format!("{copy}: holds and tags as in {}", report.from)),
    );
    let sum = |of: fn(&ostler_api::document::Mirrored) -> u64| report.copied.iter().map(of).sum::<u64>();
    if !report.copied.is_empty() {
        page.field("stored", size(sum(|copied| copied.stored_bytes)));
        page.field(
            "found",
            format!(
                "{} in the store before the commits",
                count(sum(|copied| copied.objects_found))
            ),
        );
    }
    let took = Duration::from_millis(detail.summary.duration_ms);
    let read = sum(|copied| copied.read_bytes);
    page.field("speed", rate(per_second(read, took), Unit::Bytes));
    problems(page, &report.problems, report.problems.len() as u64);
}
