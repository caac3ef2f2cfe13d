//! `backup delete` and `backup prune`

use ostler_api::document::PruneReport;

use crate::output::{Page, count, plural, size};
use crate::report::problems;

pub(super) fn print(page: &mut Page, report: &PruneReport) {
    page.line(format!(
        "deleted {}, freed {}",
        plural(report.deleted.len() as u64, "backup"),
        size(report.bytes_freed)
    ));
    page.fields("backups", report.deleted.iter().map(|id| id.short()));
    page.field(
        "packs",
        format!(
            "{} removed, {} rewritten",
            count(report.packs_deleted),
            count(report.packs_rewritten)
        ),
    );
    if let Some(waiting) = &report.waiting {
        let backups: Vec<String> = waiting.backups.iter().map(|id| id.short()).collect();
        page.field(
            "waiting",
            format!(
                "{} ({}) for the next prune: {} may rely on them and is being made",
                plural(waiting.packs, "marked pack"),
                size(waiting.bytes),
                backups.join(", ")
            ),
        );
    }
    page.field("others", plural(report.objects_deleted, "leftover object"));
    problems(page, &report.refused, report.refused.len() as u64);
}
