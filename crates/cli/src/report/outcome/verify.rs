//! `backup verify`

use ostler_api::document::VerifyReport;
use ostler_vocabulary::{ErrorKind, Timestamp};

use super::Wrong;
use crate::output::{Page, plural};
use crate::report::backup::{proof_text, tone, when};
use crate::report::problems;

pub(super) fn print(page: &mut Page, report: &VerifyReport, now: Timestamp) {
    page.toned(
        &format!("backup {} is ", report.backup.short()),
        report.state.as_str(),
        tone(report.state),
        "",
    );
    page.field("looked at", plural(report.packs, "pack"));
    if report.packs_read > 0 || report.read_since.is_some() {
        let whole = match report.read_since {
            Some(since) => format!("; every byte was read since {}", when(since, now)),
            None => String::new(),
        };
        page.field("read", format!("{}{whole}", plural(report.packs_read, "pack")));
    }
    page.field("proof", proof_text(&report.proof, now));
    problems(page, &report.proof.problems, report.proof.problems.len() as u64);
}

pub(super) fn wrong(report: &VerifyReport) -> Option<Wrong<'_>> {
    (!report.proof.ok).then(|| Wrong {
        kind: ErrorKind::Corrupt,
        message: format!("backup {} is damaged", report.backup.short()),
        hint: "files that are not named can still be restored with `ostler restore … --allow-incomplete`; make a \
               new backup now"
            .to_owned(),
        problems: &report.proof.problems,
    })
}
