//! `vault check --repair`

use ostler_api::document::RepairReport;
use ostler_vocabulary::ErrorKind;

use super::Wrong;
use crate::output::{Page, count, plural, size};
use crate::report::problems;

pub(super) fn print(page: &mut Page, report: &RepairReport) {
    let restored = report.salvaged + report.from_mirror + report.from_files;
    page.line(match (report.problems.is_empty(), restored + report.removed) {
        (true, 0) if report.records.is_empty() && report.quarantined == 0 => "nothing was damaged".to_owned(),
        (true, _) => "the vault is whole again".to_owned(),
        (false, _) => "the vault is still damaged".to_owned(),
    });
    page.field("looked at", plural(report.packs, "pack"));
    if report.quarantined > 0 {
        page.field(
            "isolated",
            format!(
                "{}, on which nothing relies any more",
                plural(report.quarantined, "damaged pack")
            ),
        );
    }
    page.field(
        "healed",
        format!(
            "{}: {} still readable here, {} from the mirror, {} from files; {}",
            plural(restored, "chunk"),
            count(report.salvaged),
            count(report.from_mirror),
            count(report.from_files),
            size(report.stored_bytes)
        ),
    );
    if report.removed > 0 {
        page.field("removed", plural(report.removed, "unreadable object"));
    }
    page.fields(
        "records",
        report
            .records
            .iter()
            .map(|id| format!("{} written anew", id.short())),
    );
    if report.bytes_freed > 0 {
        page.field("freed", size(report.bytes_freed));
    }
    page.fields(
        "whole",
        report
            .whole
            .iter()
            .map(|id| format!("{}, read in full", id.short())),
    );
    page.fields("damaged", report.damaged.iter().map(|id| id.short()));
    problems(page, &report.problems, report.problems.len() as u64);
}

pub(super) fn wrong(report: &RepairReport) -> Option<Wrong<'_>> {
    (!report.problems.is_empty()).then(|| Wrong {
        kind: ErrorKind::Corrupt,
        message: format!(
            "{} could not be healed; {} still damaged",
            plural(report.problems.len() as u64, "problem"),
            match report.damaged.len() {
                1 => "1 backup is".to_owned(),
                n => format!("{} are", plural(n as u64, "backup")),
            },
        ),
        hint: "another mirror (--from), or files that are as they were (--source), may have what is lost; a new backup stores again what is still there".to_owned(),
        problems: &report.problems,
    })
}
