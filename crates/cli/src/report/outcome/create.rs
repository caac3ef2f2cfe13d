//! `backup create`

use std::path::Path;
use std::time::Duration;

use ostler_api::document::{BackupState, CreateReport, Traffic};
use ostler_vocabulary::{ErrorKind, Unit};

use super::{Wrong, per_second, traffic};
use crate::output::{Page, duration, plural, rate, size};
use crate::report::backup::{files_text, subject, tone};
use crate::report::evidence::looked_up;
use crate::report::vault::{key_advice, warnings};
use crate::report::{cluster_of, problems};

pub(super) fn print(
    page: &mut Page,
    report: &CreateReport,
    asked: Option<&Traffic>,
    key: Option<&Path>,
    vault: &str,
) {
    let backup = &report.backup;
    page.toned(
        &format!("backup {} is ", backup.id.short()),
        backup.state.as_str(),
        tone(backup.state),
        &format!(": {}", subject(backup)),
    );
    let counts = &backup.counts;
    page.field("files", files_text(backup));
    page.field(
        "size",
        format!("{}, of which {} new", size(counts.bytes), size(counts.new_bytes)),
    );
    page.field("stored", format!("{} compressed", size(counts.stored_bytes)));
    if let Some(held) = report.held {
        page.field(
            "held",
            format!(
                "{} cloned, {} linked, {} read in place",
                held.cloned, held.linked, held.in_place
            ),
        );
    }
    let took = Duration::from_millis(backup.duration_ms);
    page.field(
        "time",
        format!(
            "{}, {}",
            duration(took),
            rate(per_second(counts.bytes, took), Unit::Bytes)
        ),
    );
    if let Some(base) = report.added_to {
        let told = format!("all of {}, and what was written since", base.short());
        page.field("added", told);
    } else if let Some(parent) = report.parent {
        page.field("parent", parent.short());
    }
    page.field(
        "proof",
        looked_up(report.objects_found, report.evidence.as_deref()),
    );
    traffic(page, asked);
    page.fields(
        "left out",
        report.left_out.iter().map(|path| path.display().to_string()),
    );
    if let Some(key) = key {
        key_advice(page, key, &report.warnings);
    }
    warnings(page, &report.warnings);
    if !report.problems.is_empty() {
        page.line("not in it as it should be:");
        problems(page, &report.problems, counts.problems);
    }
    page.line("next:");
    let id = backup.id.short();
    page.command(
        &format!("ostler backup drill {id}{vault}"),
        "restore into scratch and compare",
    );
    let place = match backup.source.as_ref().and_then(cluster_of) {
        Some(cluster) => format!("--cluster {cluster}"),
        None => "--to DIR".to_owned(),
    };
    page.command(&format!("ostler restore {id}{vault} {place}"), "bring it back");
}

/// A failed hook is no file, and so in the list only.
fn problem_count(report: &CreateReport) -> u64 {
    report.backup.counts.problems.max(report.problems.len() as u64)
}

pub(super) fn wrong(report: &CreateReport) -> Option<Wrong<'_>> {
    if report.backup.state.is_good() {
        return None;
    }
    Some(Wrong {
        kind: if report.backup.state == BackupState::Damaged {
            ErrorKind::Corrupt
        } else {
            ErrorKind::Partial
        },
        message: format!(
            "backup {} is {}: {} not in it as {} should be",
            report.backup.id.short(),
            report.backup.state.as_str(),
            plural(problem_count(report), "item"),
            if problem_count(report) == 1 { "it" } else { "they" },
        ),
        hint: "a partial backup never counts as the last good one; repair what is listed, or exclude it"
            .to_owned(),
        problems: &report.problems,
    })
}
