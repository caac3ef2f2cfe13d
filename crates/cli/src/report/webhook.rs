//! Webhooks and their messages.

use ostler_api::webhook::{
    Delivery, SigningSecret, WebhookAnswer, WebhookChange, WebhookDetail, WebhookList, WebhookSummary,
};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};
use serde::Serialize;

use crate::output::{Column, Page, Table, Tone, ago, moment, schema};
use crate::session::Session;

/// Prints whatever came back; of a test that was not taken, the error too.
pub(crate) fn answer(session: &Session, answer: &WebhookAnswer) -> Result<(), Failure> {
    let (output, now) = (&session.output, session.now());
    match answer {
        WebhookAnswer::List(it) => {
            if it.webhooks.is_empty() {
                output.note("there are no webhooks; make one with `ostler webhook add NAME URL`");
            }
            output.document(schema::WEBHOOK_LIST, it, |page| list(page, it, now))
        }
        WebhookAnswer::Detail(it) => output.document(schema::WEBHOOK, it, |page| detail(page, it, now)),
        WebhookAnswer::Changed(it) => output.document(schema::WEBHOOK_CHANGE, it, |page| changed(page, it)),
        WebhookAnswer::Tested(it) => {
            output.document(schema::WEBHOOK_DELIVERY, it, |page| {
                let (word, tone) = standing(it);
                page.toned("message ", word, tone, "");
            })?;
            match &it.failure {
                Some(failure) => Err(Failure::new(ErrorKind::Unavailable, failure.clone())
                    .context("the receiver did not take the message")),
                None => Ok(()),
            }
        }
    }
}

#[derive(Serialize)]
struct Added<'a> {
    #[serde(flatten)]
    change: &'a WebhookChange,
    /// Shown once.
    secret: Option<&'a str>,
}

/// Prints a new webhook with the secret that was made for it.
pub(crate) fn added(
    session: &Session,
    change: &WebhookChange,
    secret: Option<&SigningSecret>,
) -> Result<(), Failure> {
    let secret = secret.map(SigningSecret::reveal);
    let document = Added { change, secret };
    session
        .output
        .document(schema::WEBHOOK_CHANGE, &document, |page| {
            changed(page, change);
            if let Some(secret) = secret {
                page.field("secret", secret);
                page.line("The secret is shown now and never again: the receiver checks signatures with it.");
            }
        })
}

fn list(page: &mut Page, list: &WebhookList, now: Timestamp) {
    if list.webhooks.is_empty() {
        return;
    }
    let mut table = Table::new([
        Column::flexible("WEBHOOK"),
        Column::flexible("ADDRESS"),
        Column::flexible("ON"),
        Column::right("WAITING"),
        Column::right("GIVEN UP"),
        Column::left("LAST"),
    ]);
    for one in &list.webhooks {
        let (last, tone) = match &one.last {
            Some(last) => {
                let (word, tone) = standing(last);
                (
                    format!("{} {word}, {}", last.event.as_str(), ago(now, last.created)),
                    tone,
                )
            }
            None => ("–".to_owned(), Tone::Faint),
        };
        table.row([
            (one.name.clone(), Tone::Plain),
            (one.address.clone(), Tone::Plain),
            (events(one), Tone::Plain),
            (one.pending.to_string(), Tone::Plain),
            (one.given_up.to_string(), Tone::Plain),
            (last, tone),
        ]);
    }
    page.table(&table);
}

fn events(one: &WebhookSummary) -> String {
    let words: Vec<&str> = one.on.iter().map(|event| event.as_str()).collect();
    words.join(",")
}

/// What became of a message, in a word.
fn standing(delivery: &Delivery) -> (&'static str, Tone) {
    match (delivery.delivered, delivery.next) {
        (Some(_), _) => ("taken", Tone::Good),
        (None, Some(_)) if delivery.attempts == 0 => ("waits", Tone::Plain),
        (None, Some(_)) => ("not taken yet", Tone::Doubtful),
        (None, None) => ("given up", Tone::Bad),
    }
}

fn changed(page: &mut Page, change: &WebhookChange) {
    page.line(format!("webhook {} {}", change.webhook.name, change.action));
    page.field("address", change.webhook.address.as_str());
    page.field("on", events(&change.webhook));
    for note in &change.notes {
        page.line(format!("note: {note}"));
    }
}

fn detail(page: &mut Page, detail: &WebhookDetail, now: Timestamp) {
    let summary = &detail.summary;
    page.line(format!("webhook {}", summary.name));
    page.field("address", summary.address.as_str());
    page.field("on", events(summary));
    page.field("added", moment(summary.created));
    page.field("waiting", summary.pending.to_string());
    page.field("given up", summary.given_up.to_string());
    if detail.deliveries.is_empty() {
        return;
    }
    let mut table = Table::new([
        Column::left("MADE"),
        Column::left("EVENT"),
        Column::flexible("SUBJECT"),
        Column::left("STATE"),
        Column::right("SENT"),
        Column::flexible("WHY NOT"),
    ]);
    for one in &detail.deliveries {
        let (word, tone) = standing(one);
        table.row([
            (ago(now, one.created), Tone::Plain),
            (one.event.as_str().to_owned(), Tone::Plain),
            (one.subject.clone(), Tone::Plain),
            (word.to_owned(), tone),
            (one.attempts.to_string(), Tone::Plain),
            (one.failure.clone().unwrap_or_default(), Tone::Plain),
        ]);
    }
    page.table(&table);
}
