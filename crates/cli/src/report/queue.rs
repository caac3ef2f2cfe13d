//! Queues, consumers, events.

use std::time::Duration;

use ostler_api::document::{
    ConsumerSummary, DeadLetterList, EventEntry, EventList, QueueChanges, QueueDetail, QueueList,
    QueueSchemaReport, QueueStatus,
};
use ostler_api::queue::QueueAnswer;
use ostler_api::request::QueueSchemaWork;
use ostler_vocabulary::{Failure, Timestamp};

use super::backup::when;
use super::vault::warnings;
use crate::output::{Column, Page, Table, Tone, count, duration, plural, printable, schema};
use crate::session::Session;

/// Characters of an event's data in tables.
const DATA: usize = 60;

/// Prints whatever came back.
pub(crate) fn answer(session: &Session, answer: &QueueAnswer) -> Result<(), Failure> {
    let output = &session.output;
    let now = session.now();
    match answer {
        QueueAnswer::Queues(it) => output.document(schema::QUEUE_LIST, it, |page| list(page, it)),
        QueueAnswer::Queue(it) => output.document(schema::QUEUE, it, |page| show(page, it)),
        QueueAnswer::Status(it) => output.document(schema::QUEUE_STATUS, it, |page| status(page, it, now)),
        QueueAnswer::Consumers(it) => {
            output.document(schema::CONSUMER_LIST, it, |page| consumers(page, &it.consumers))
        }
        QueueAnswer::Events(it) => output.document(schema::EVENT_LIST, it, |page| events(page, it, now)),
        QueueAnswer::DeadLetters(it) => {
            output.document(schema::DEAD_LETTER_LIST, it, |page| dead_letters(page, it, now))
        }
        QueueAnswer::Changes(it) => output.document(schema::QUEUE_CHANGES, it, |page| changes(page, it)),
    }
}

pub(crate) fn list(page: &mut Page, list: &QueueList) {
    if list.queues.is_empty() {
        page.line(format!("no queues in {}", list.database));
        return;
    }
    let mut table = Table::new([
        Column::flexible("QUEUE"),
        Column::left("STATE"),
        Column::right("EVENTS/S"),
        Column::right("NEW"),
        Column::right("TICKED"),
        Column::right("CONSUMERS"),
        Column::left("SLOWEST"),
        Column::right("LAG"),
        Column::right("PENDING"),
    ]);
    for queue in &list.queues {
        let (state, tone) = match queue {
            queue if queue.disabled => ("disabled", Tone::Bad),
            queue if queue.paused => ("paused", Tone::Bad),
            queue if queue.external => ("external", Tone::Plain),
            _ => ("ok", Tone::Good),
        };
        table.row([
            (queue.queue.clone(), Tone::Plain),
            (state.to_owned(), tone),
            (format!("{:.1}", queue.events_per_second), Tone::Plain),
            (number(Some(queue.events_unticked)), Tone::Plain),
            (time(queue.ticker_lag_ms), Tone::Plain),
            (number(Some(queue.consumers)), Tone::Plain),
            (
                queue.slowest_consumer.clone().unwrap_or_else(nothing),
                Tone::Plain,
            ),
            (time(queue.slowest_lag_ms), Tone::Plain),
            (number(queue.slowest_pending), Tone::Plain),
        ]);
    }
    page.table(&table);
}

fn show(page: &mut Page, detail: &QueueDetail) {
    let summary = &detail.summary;
    page.line(format!("queue {} of {}", summary.queue, detail.database));
    page.field(
        "events",
        format!(
            "{}, {:.1} per second",
            number(Some(summary.events)),
            summary.events_per_second
        ),
    );
    page.field(
        "last tick",
        format!(
            "{}, {} ago",
            number(summary.last_tick),
            time(summary.ticker_lag_ms)
        ),
    );
    page.field("new since", number(Some(summary.events_unticked)));
    page.field("dead", number(Some(summary.dead_letters)));
    page.fields("rotation", summary.rotation_note.iter());
    page.line("settings:");
    for (name, value) in &detail.settings {
        page.line(format!("  {name} = {}", value.as_deref().unwrap_or("none")));
    }
    if detail.subscriptions.is_empty() {
        page.line("no consumers");
    } else {
        consumers(page, &detail.subscriptions);
    }
}

pub(crate) fn status(page: &mut Page, status: &QueueStatus, now: Timestamp) {
    page.line(format!("queues of {}", status.database));
    page.field("server", format!("PostgreSQL {}", status.server));
    page.field("schema", format!("version {}", status.schema_version));
    page.field(
        "ticker",
        match (&status.ticker, status.ticker_since) {
            (Some(ticker), Some(since)) => format!("{ticker}, since {}", when(since, now)),
            (Some(ticker), None) => ticker.clone(),
            (None, _) => "none".to_owned(),
        },
    );
    page.field("queues", number(Some(status.queues)));
    page.field("consumers", number(Some(status.consumers)));
    page.field("waiting", number(Some(status.waiting)));
    page.field("dead", number(Some(status.dead_letters)));
    warnings(page, &status.warnings);
}

fn consumers(page: &mut Page, consumers: &[ConsumerSummary]) {
    if consumers.is_empty() {
        page.line("no consumers");
        return;
    }
    let mut table = Table::new([
        Column::flexible("QUEUE"),
        Column::left("CONSUMER"),
        Column::right("LAG"),
        Column::right("SEEN"),
        Column::right("TICK"),
        Column::right("BATCH"),
        Column::right("PENDING"),
    ]);
    for consumer in consumers {
        table.row([
            (consumer.queue.clone(), Tone::Plain),
            (consumer.consumer.clone(), Tone::Plain),
            (time(consumer.lag_ms), Tone::Plain),
            (time(consumer.last_seen_ms), Tone::Plain),
            (number(consumer.last_tick), Tone::Plain),
            (number(consumer.batch), Tone::Plain),
            (number(consumer.pending), Tone::Plain),
        ]);
    }
    page.table(&table);
}

fn events(page: &mut Page, list: &EventList, now: Timestamp) {
    if list.events.is_empty() {
        page.line(format!("no such events in {}", list.queue));
        return;
    }
    let waiting = list.events.iter().any(|event| event.due.is_some());
    let mut columns = vec![
        Column::right("ID"),
        Column::left("TIME"),
        Column::left("TYPE"),
        Column::flexible("DATA"),
    ];
    if waiting {
        columns.extend([
            Column::left("CONSUMER"),
            Column::right("TRIES"),
            Column::left("DUE"),
        ]);
    }
    let mut table = Table::new(columns);
    for event in &list.events {
        let mut cells = event_cells(event, now);
        if waiting {
            cells.extend([
                (event.consumer.clone().unwrap_or_default(), Tone::Plain),
                (number(event.retry), Tone::Plain),
                (event.due.map_or_else(nothing, |due| when(due, now)), Tone::Plain),
            ]);
        }
        table.row(cells);
    }
    page.table(&table);
}

fn dead_letters(page: &mut Page, list: &DeadLetterList, now: Timestamp) {
    if list.dead_letters.is_empty() {
        page.line(format!("no dead letters in {}", list.queue));
        return;
    }
    let mut table = Table::new([
        Column::right("NUMBER"),
        Column::flexible("CONSUMER"),
        Column::flexible("REASON"),
        Column::left("TIME"),
        Column::flexible("TYPE"),
        Column::flexible("DATA"),
    ]);
    for letter in &list.dead_letters {
        let mut cells = vec![
            (letter.dead_letter.to_string(), Tone::Plain),
            (letter.event.consumer.clone().unwrap_or_default(), Tone::Plain),
            (short(letter.reason.as_deref()), Tone::Plain),
        ];
        // The number names it; the event's own id is in the JSON.
        cells.extend(event_cells(&letter.event, now).into_iter().skip(1));
        table.row(cells);
    }
    page.table(&table);
}

fn event_cells(event: &EventEntry, now: Timestamp) -> Vec<(String, Tone)> {
    vec![
        (event.id.to_string(), Tone::Plain),
        (
            event.time.map_or_else(nothing, |time| when(time, now)),
            Tone::Plain,
        ),
        (short(event.kind.as_deref()), Tone::Plain),
        (short(event.data.as_deref()), Tone::Plain),
    ]
}

fn changes(page: &mut Page, changes: &QueueChanges) {
    for change in &changes.changes {
        let number = change
            .number
            .map_or_else(String::new, |number| format!(" ({number})"));
        let not = if change.changed {
            ""
        } else {
            " – nothing changed"
        };
        page.line(format!("{}: {}{number}{not}", change.item, change.action));
    }
}

pub(crate) fn plan(page: &mut Page, work: &QueueSchemaWork) {
    page.fields("does", work.steps.iter());
    page.fields(
        "drops",
        work.drops
            .iter()
            .map(|queue| format!("queue {queue} with its events")),
    );
    page.fields("note", work.notes.iter());
}

pub(crate) fn schema_report(page: &mut Page, report: &QueueSchemaReport) {
    match report.version {
        Some(version) => page.line(format!(
            "{}: schema version {version}, {}",
            report.database,
            plural(report.queues.unsigned_abs(), "queue")
        )),
        None => page.line(format!("{}: no queue schema", report.database)),
    }
    page.fields("did", report.done.iter());
    page.fields("note", report.notes.iter());
}

fn number(value: Option<i64>) -> String {
    value.map_or_else(nothing, |value| match u64::try_from(value) {
        Ok(value) => count(value),
        Err(_) => value.to_string(),
    })
}

fn time(milliseconds: Option<i64>) -> String {
    milliseconds.map_or_else(nothing, |ms| {
        duration(Duration::from_millis(ms.max(0).unsigned_abs()))
    })
}

fn short(text: Option<&str>) -> String {
    let Some(text) = text else { return nothing() };
    let cut: String = text.chars().take(DATA).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", printable(&cut))
}

fn nothing() -> String {
    "–".to_owned()
}
