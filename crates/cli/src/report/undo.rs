//! Archived rows that would come back, and that came back.

use ostler_api::retention::{UndoReport, UndoWork};

use crate::output::{Column, Page, Table, Tone, count, plural, size};

/// The plan of an undo.
pub(crate) fn plan(page: &mut Page, work: &UndoWork) {
    page.field("from", &work.from);
    page.fields("since", work.since.iter().map(ToString::to_string));
    page.fields("until", work.until.iter().map(ToString::to_string));
    let mut archive = "";
    for item in &work.items {
        if item.archive != archive {
            archive = &item.archive;
            page.field("archive", archive);
            page.fields(
                "",
                item.partition
                    .as_ref()
                    .map(|partition| format!("partition {partition}")),
            );
        }
        page.field(
            "",
            format!(
                "{} to {}: {}, {}",
                shown(&item.min),
                shown(&item.max),
                plural(item.rows, "row"),
                size(item.bytes)
            ),
        );
    }
    page.line("adds those of these rows that the table does not have");
}

/// A time without parts of a second that it does not have.
fn shown(time: &str) -> String {
    time.replace(".000000", "")
}

/// What an undo did.
pub(crate) fn report(page: &mut Page, report: &UndoReport) {
    page.line(format!(
        "{}: added {} to {} from {}",
        report.database,
        plural(report.rows_added, "row"),
        report.table,
        report.from
    ));
    let mut table = Table::new([
        Column::flexible("FILE"),
        Column::right("WANTED"),
        Column::right("THERE"),
        Column::right("ADDED"),
        Column::left("RESULT"),
    ]);
    for proof in &report.items {
        let (result, tone) = match (&proof.problem, &proof.note) {
            (Some(problem), Some(note)) => (format!("{}; {note}", problem.reason), Tone::Bad),
            (Some(problem), None) => (problem.reason.clone(), Tone::Bad),
            (None, Some(note)) => (format!("proven; {note}"), Tone::Good),
            (None, None) => ("proven".to_owned(), Tone::Good),
        };
        let file = proof
            .file
            .split_once("/data/")
            .map_or(proof.file.as_str(), |(_, file)| file);
        table.row([
            (file.to_owned(), Tone::Plain),
            (count(proof.wanted), Tone::Plain),
            (count(proof.there), Tone::Plain),
            (count(proof.added), Tone::Plain),
            (result, tone),
        ]);
    }
    page.table(&table);
}
