//! What is defined by name, work on tables, and what came of it.

use ostler_api::tables::{
    Defined, Definition, DefinitionChange, DefinitionList, Rollup, TablesReport, TablesWork, ValueKind,
};

use ostler_vocabulary::{OperationId, Timestamp};
use serde::Serialize;

use crate::output::{Column, Page, Table, Tone, count, plural};

/// What an erasure proved, as a document of its own.
#[derive(Debug, Serialize)]
pub(crate) struct Certificate<'a> {
    pub operation: OperationId,
    pub ended: Timestamp,
    #[serde(flatten)]
    pub report: &'a TablesReport,
}

/// The plan of work on tables.
pub(crate) fn plan(page: &mut Page, work: &TablesWork) {
    for item in &work.items {
        let rows = item.rows.map(|rows| format!(": {}", plural(rows, "row")));
        page.line(format!(
            "{} {}{}",
            item.action,
            item.object,
            rows.unwrap_or_default()
        ));
        page.field("what", &item.reason);
    }
    page.fields("note", work.notes.iter());
}

/// What was done.
pub(crate) fn report(page: &mut Page, report: &TablesReport) {
    // A statement of a user may be one that only reads.
    let by_statement = report.items.iter().any(|proof| proof.action == "run statement");
    let what = match by_statement {
        true => "read or changed",
        false => "written or removed",
    };
    page.line(format!(
        "{}: {} {what}",
        report.subject,
        plural(report.rows, "row")
    ));
    if report.items.is_empty() {
        page.line("there was nothing to do");
        return;
    }
    let mut table = Table::new([
        Column::left("ACTION"),
        Column::flexible("OF"),
        Column::right("ROWS"),
        Column::left("RESULT"),
    ]);
    for proof in &report.items {
        let broken = proof.evidence.iter().find(|evidence| !evidence.holds);
        let (mut result, tone) = match (&proof.problem, broken) {
            (Some(problem), _) => (problem.reason.clone(), Tone::Bad),
            (None, Some(broken)) => (
                format!("{}: {} instead of {}", broken.what, broken.found, broken.expected),
                Tone::Bad,
            ),
            (None, None) => ("proven".to_owned(), Tone::Good),
        };
        if let Some(note) = &proof.note {
            result = format!("{result}; {note}");
        }
        table.row([
            (proof.action.clone(), Tone::Plain),
            (proof.object.clone(), Tone::Plain),
            (count(proof.rows), Tone::Plain),
            (result, tone),
        ]);
    }
    page.table(&table);
    for proof in &report.items {
        for evidence in &proof.evidence {
            page.field(
                "proof",
                format!(
                    "{} of {}: {} expected, {} found",
                    evidence.what, proof.object, evidence.expected, evidence.found
                ),
            );
        }
    }
    page.fields("note", report.notes.iter());
}

/// What an erasure proved.
pub(crate) fn certificate(page: &mut Page, certificate: &Certificate<'_>) {
    let report = certificate.report;
    page.line(format!("Certificate of erasure: {}", report.subject));
    page.field("operation", certificate.operation.to_string());
    page.field("ended", certificate.ended.to_string());
    page.field("rows erased", count(report.rows));
    for proof in &report.items {
        if proof.rows > 0 {
            page.field(
                "erased",
                format!("{} from {}", plural(proof.rows, "row"), proof.object),
            );
        }
    }
    let proven = report.items.iter().flat_map(|proof| &proof.evidence);
    for evidence in proven.filter(|evidence| evidence.expected == "0") {
        page.field("proof", format!("{}: {}", evidence.what, evidence.found));
    }
    page.fields("note", report.notes.iter());
}

/// What is defined.
pub(crate) fn definitions(page: &mut Page, list: &DefinitionList) {
    if list.definitions.is_empty() {
        page.line(format!("none in {}", list.database));
    }
    for defined in &list.definitions {
        match &defined.definition {
            Definition::Rollup(rollup) => of_rollup(page, &list.database, defined, rollup),
            Definition::Materialized(it) => {
                page.line(format!("materialized {} of {}", defined.name, list.database));
                page.field("table", it.table.to_string());
                page.fields("column", it.column.iter());
                page.field("query", &it.query);
            }
            Definition::Query(it) => {
                page.line(format!("query {} of {}", defined.name, list.database));
                page.field("statement", &it.sql);
            }
        }
    }
}

fn of_rollup(page: &mut Page, database: &str, defined: &Defined, rollup: &Rollup) {
    page.line(format!("rollup {} of {database}", defined.name));
    page.field("of", format!("{} by {}", rollup.table, rollup.column));
    if !rollup.by.is_empty() {
        page.field("by", rollup.by.join(", "));
    }
    for value in &rollup.values {
        let kind = match value.kind {
            ValueKind::Gauge if value.percentiles => "gauge with percentiles",
            ValueKind::Gauge => "gauge",
            ValueKind::Counter => "counter",
        };
        page.field("", format!("{kind} {}", value.column));
    }
    page.field("view", rollup.view(&defined.name).to_string());
    page.field("late", rollup.late.to_string());
    page.fields("gap", rollup.gap.iter().map(ToString::to_string));
    for state in &defined.levels {
        let level = state.level as usize;
        let said = level
            .checked_sub(1)
            .and_then(|index| rollup.levels.get(index))
            .map_or("raw rows".to_owned(), |level| {
                format!("every {}, kept {}", level.every, level.keep)
            });
        let kept = state.kept_from.map(|kept| format!(", from {kept} on"));
        let mark = match (level, state.watermark) {
            (0, _) => String::new(),
            (_, Some(mark)) => format!(", up to {mark}"),
            (_, None) => ", never made".to_owned(),
        };
        let kept = kept.unwrap_or_default();
        page.field(
            &format!("level {level}"),
            format!("{}: {said}{kept}{mark}", state.table),
        );
    }
}

/// What was defined or is not any more.
pub(crate) fn defined(page: &mut Page, change: &DefinitionChange) {
    page.line(format!(
        "{} {} of {}: {}",
        change.kind.as_str(),
        change.name,
        change.database,
        change.action
    ));
    page.fields(&change.action, change.objects.iter());
}
