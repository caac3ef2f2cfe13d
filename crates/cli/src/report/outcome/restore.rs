//! `restore`

use std::time::Duration;

use ostler_api::document::{OperationDetail, OtherOwners, RestoreReport};
use ostler_vocabulary::Unit;

use super::{per_second, traffic};
use crate::output::{Page, count, duration, plural, rate, size};
use crate::report::plan::advice;
use crate::report::problems;

pub(super) fn print(page: &mut Page, report: &RestoreReport, detail: &OperationDetail) {
    let place = match &report.to {
        _ if !report.nodes.is_empty() => "its nodes".to_owned(),
        Some(to) => to.display().to_string(),
        None => "the original place".to_owned(),
    };
    page.line(format!("backup {} is restored to {place}", report.backup.short()));
    page.fields(
        "node",
        report.nodes.iter().map(|node| {
            format!(
                "{}/{} of {}: {} written ({}), {} right already",
                node.node,
                node.root,
                node.from,
                plural(node.files_written, "file"),
                size(node.bytes_written),
                count(node.files_kept)
            )
        }),
    );
    page.field(
        "written",
        format!(
            "{}, {}",
            plural(report.files_written, "file"),
            size(report.bytes_written)
        ),
    );
    page.field(
        "kept",
        format!("{}, right already", plural(report.files_kept, "file")),
    );
    if report.deleted > 0 {
        page.field("removed", plural(report.deleted, "entry"));
    }
    let took = Duration::from_millis(detail.summary.duration_ms);
    page.field(
        "time",
        format!(
            "{}, {}",
            duration(took),
            rate(per_second(report.bytes_verified, took), Unit::Bytes)
        ),
    );
    page.field("proof", format!("{} verified", size(report.bytes_verified)));
    if let Some(text) = other_owners(&report.owners) {
        page.field("owners", text);
    }
    traffic(page, detail.traffic.as_ref());
    advice(page, &report.advice);
    if !report.problems.is_empty() {
        page.line("not restored as they should be:");
        problems(page, &report.problems, report.problems.len() as u64);
    }
}

/// What has another owner than in the backup, in one line.
fn other_owners(owners: &OtherOwners) -> Option<String> {
    let OtherOwners { entries, set_id } = *owners;
    let bits = match set_id {
        0 => String::new(),
        files => format!(
            ", {} without set-user-ID and set-group-ID bits for that reason",
            count(files)
        ),
    };
    (entries > 0).then(|| {
        let verb = if entries == 1 { "has" } else { "have" };
        format!(
            "{} {verb} another owner or group than in the backup{bits}; root restores them",
            plural(entries, "entry")
        )
    })
}
