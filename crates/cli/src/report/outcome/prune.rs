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
    page.field("others", plural(report.objects_deleted, "leftover object"));
    problems(page, &report.refused, report.refused.len() as u64);
}
