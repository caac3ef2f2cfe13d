//! Operations.

use std::time::Duration;

use ostler_api::document::{OperationDetail, OperationList, OperationState};
use ostler_vocabulary::Timestamp;

use super::backup::when;
use crate::output::{Column, Page, Table, Tone, ago, duration, share, size};

fn tone(state: OperationState) -> Tone {
    match state {
        OperationState::Succeeded => Tone::Good,
        OperationState::Failed => Tone::Bad,
        OperationState::Running => Tone::Plain,
        _ => Tone::Doubtful,
    }
}

pub(crate) fn list(page: &mut Page, list: &OperationList, now: Timestamp) {
    if list.operations.is_empty() {
        return;
    }
    let mut table = Table::new([
        Column::left("ID"),
        Column::left("KIND"),
        Column::left("STATE"),
        Column::right("STARTED"),
        Column::right("TIME"),
        Column::left("ABOUT"),
    ]);
    for operation in &list.operations {
        table.row([
            (operation.id.short(), Tone::Plain),
            (operation.kind.clone(), Tone::Plain),
            (operation.state.as_str().to_owned(), tone(operation.state)),
            (ago(now, operation.started), Tone::Plain),
            (
                duration(Duration::from_millis(operation.duration_ms)),
                Tone::Plain,
            ),
            (operation.subject.clone(), Tone::Plain),
        ]);
    }
    page.table(&table);
}

pub(crate) fn detail(page: &mut Page, detail: &OperationDetail, now: Timestamp) {
    let operation = &detail.summary;
    page.toned(
        &format!("operation {} ({}): ", operation.id, operation.kind),
        operation.state.as_str(),
        tone(operation.state),
        "",
    );
    page.field("about", &operation.subject);
    page.field("started", when(operation.started, now));
    if let Some(ended) = operation.ended {
        page.field("ended", when(ended, now));
    }
    page.field("time", duration(Duration::from_millis(operation.duration_ms)));
    page.field("moved", size(operation.bytes));
    if let Some(owner) = &detail.owner {
        page.field("owner", format!("{owner}, epoch {}", detail.epoch));
    }
    page.fields("said", detail.messages.iter().map(|message| &message.text));
    page.fields("reasons", &operation.reasons);
    if let Some(advice) = &detail.advice {
        page.field("next", advice);
    }
    if !detail.steps.is_empty() {
        page.blank();
        page.table(&steps(detail));
    }
    if !detail.audit.is_empty() {
        page.blank();
        page.table(&audit(detail));
    }
}

fn steps(detail: &OperationDetail) -> Table {
    let mut table = Table::new([
        Column::flexible("STEP"),
        Column::left("STATE"),
        Column::right("TRIES"),
        Column::right("TIME"),
        Column::left("DETAILS"),
    ]);
    for step in &detail.steps {
        let time = step.ended.map_or_else(
            || "–".to_owned(),
            |ended| {
                let ms = ended
                    .as_millisecond()
                    .saturating_sub(step.started.as_millisecond());
                duration(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
            },
        );
        let tone = match step.state.as_str() {
            "done" => Tone::Good,
            "failed" => Tone::Bad,
            _ => Tone::Doubtful,
        };
        let mut facts: Vec<String> = step.progress.iter().map(share).collect();
        facts.extend(step.reasons.iter().cloned());
        table.row([
            (step.name.clone(), Tone::Plain),
            (step.state.clone(), tone),
            (step.attempts.to_string(), Tone::Plain),
            (time, Tone::Plain),
            (facts.join("; "), Tone::Plain),
        ]);
    }
    table
}

fn audit(detail: &OperationDetail) -> Table {
    let mut table = Table::new([
        Column::left("DESTROYED"),
        Column::flexible("ITEM"),
        Column::right("SIZE"),
        Column::left("REASON"),
    ]);
    for entry in &detail.audit {
        table.row([
            (entry.action.clone(), Tone::Plain),
            (entry.item.clone(), Tone::Plain),
            (size(entry.bytes), Tone::Plain),
            (entry.reason.clone(), Tone::Plain),
        ]);
    }
    table
}
