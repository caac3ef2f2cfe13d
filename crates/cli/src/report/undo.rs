//! Archived rows that would come back, and that came back.

use ostler_api::retention::{UndoReport, UndoWork};

use crate::output::{Column, Page, Table, Tone, count, plural, size};

/// The plan of an undo.
pub(crate) fn plan(page: &mut Page, work: &UndoWork) {
    page.field("from", &work.from);
    page.fields("since", work.since.iter().map(ToString::to_string));
    page.fields("until", work.until.iter().map(ToString::to_string));
    let mut table = Table::new([
        Column::left("ARCHIVE"),
        Column::flexible("PARTITION"),
        Column::left("FROM"),
        Column::left("TO"),
        Column::right("ROWS"),
        Column::right("SIZE"),
    ]);
    for item in &work.items {
        let partition = item.partition.as_ref().map(ToString::to_string);
        table.row(
            [
                item.archive.clone(),
                partition.unwrap_or_else(|| "–".to_owned()),
                item.min.clone(),
                item.max.clone(),
                count(item.rows),
                size(item.bytes),
            ]
            .map(|cell| (cell, Tone::Plain)),
        );
    }
    page.table(&table);
    page.line("adds those of these rows that the table does not have");
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
