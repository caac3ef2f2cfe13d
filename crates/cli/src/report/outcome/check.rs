//! `vault check`

use ostler_api::document::CheckReport;
use ostler_vocabulary::ErrorKind;

use super::Wrong;
use crate::output::{Page, count, plural, size};
use crate::report::problems;

pub(super) fn print(page: &mut Page, report: &CheckReport) {
    let word = if report.problems.is_empty() {
        "right"
    } else {
        "damaged"
    };
    page.line(format!("the vault is {word}"));
    page.field("backups", count(report.backups));
    page.field(
        "looked at",
        format!(
            "{}, {}",
            plural(report.packs, "pack"),
            plural(report.chunks, "chunk")
        ),
    );
    page.field("read", size(report.bytes));
    if report.orphans > 0 {
        page.field(
            "leftovers",
            format!("{} that the next prune frees", plural(report.orphans, "pack")),
        );
    }
    if report.stale_entries > 0 {
        page.field(
            "stale",
            format!(
                "index entries of {}, which no backup needs; the next prune removes them",
                plural(report.stale_entries, "pack")
            ),
        );
    }
    problems(page, &report.problems, report.problems.len() as u64);
    page.fields("damaged", report.damaged.iter().map(ToString::to_string));
}

pub(super) fn wrong(report: &CheckReport) -> Option<Wrong<'_>> {
    (!report.problems.is_empty()).then(|| Wrong {
        kind: ErrorKind::Corrupt,
        message: format!(
            "{} in the vault; {} damaged by them",
            plural(report.problems.len() as u64, "problem"),
            plural(report.damaged.len() as u64, "backup"),
        ),
        hint: "new backups of the same sources store again what is missing".to_owned(),
        problems: &report.problems,
    })
}
