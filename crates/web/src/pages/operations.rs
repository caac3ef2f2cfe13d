//! Operations: the list, one with its progress, and what starts and stops them.

use std::time::Duration;

use axum::Form;
use axum::extract::{Extension, Path, Query, State};
use axum::response::{IntoResponse, Redirect};
use maud::{Markup, html};
use ostler_api::document::{OperationDetail, OperationState, Outcome, StepSummary};
use ostler_vocabulary::humane::{duration, moment, share, size};
use ostler_vocabulary::{OperationId, ProgressValue, Timestamp};

use super::fault::code;
use super::frame::{
    Tone, badge, facts, form_token, kind_words, nothing, operates, operation_tone, page, when,
};
use super::source::address;
use super::table::{Column, table};
use super::{Page, retention, sent_by};
use crate::access::{Identity, Role};
use crate::serve::Web;
use crate::v1::{Creation, Paged, Pairs, Wanted, newest, start as start_approved};

/// Operations that are listed.
const ROWS: usize = 100;
const COLUMNS: &[Column] = &[
    Column("Operation", false),
    Column("State", false),
    Column("About", false),
    Column("Started", false),
    Column("Took", true),
    Column("Moved", true),
];

pub(super) async fn list(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Query(pairs): Query<Pairs>,
) -> Page {
    let wanted = Wanted {
        limit: ROWS,
        after: pairs.one("after")?.map(str::to_owned),
    };
    let Paged { document, next } = newest(web.client(&identity).as_ref(), &wanted).await?;
    let operations = document.operations;
    let now = web.now();
    let rows: Vec<Vec<Markup>> = operations
        .iter()
        .map(|one| {
            vec![
                html! { a href={ "/operations/" (one.id) } { (kind_words(&one.kind)) " " code { (one.id.short()) } } },
                html! {
                    span data-ends=[(one.state == OperationState::Running).then_some(one.id)] {
                        (badge(operation_tone(one.state), one.state.as_str()))
                    }
                },
                html! { (one.subject) @if let Some(reason) = one.reasons.first() { p.reason { (reason) } } },
                when(now, one.started),
                html! { (duration(Duration::from_millis(one.duration_ms))) },
                html! { (size(one.bytes)) },
            ]
        })
        .collect();
    let body = html! {
        @if rows.is_empty() && wanted.after.is_some() {
            p { "Nothing earlier is remembered." }
        } @else if rows.is_empty() {
            (nothing("Nothing was done yet.", &html! { "Backups, restores, drills and everything else that takes time is listed here." }))
        } @else {
            (table("Operations", COLUMNS, &rows))
            @if let Some(next) = &next { p { a href={ "/operations?after=" (next) } { "Earlier operations" } } }
        }
    };
    Ok(page(&identity, "/operations", "Operations", body))
}

pub(super) async fn show(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(id): Path<String>,
) -> Page {
    let detail = web.client(&identity).operation(&id).await?;
    let title = format!(
        "{} {}",
        capital(&kind_words(&detail.summary.kind)),
        detail.summary.id.short()
    );
    let body = body(&identity, &detail, web.now());
    Ok(page(&identity, "/operations", &title, body))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn body(identity: &Identity, detail: &OperationDetail, now: Timestamp) -> Markup {
    let one = &detail.summary;
    let lives = matches!(one.state, OperationState::Running | OperationState::Cancelling);
    html! {
        div data-operation=[lives.then_some(one.id)] {
            p.lead { (badge(operation_tone(one.state), one.state.as_str())) " " (one.subject) }
            @if lives { p.live #connection role="status" {} }
            (failed(detail))
            (outcome(detail))
            (buttons(identity, detail))
            section aria-labelledby="steps" {
                h2 #steps { "Steps" }
                ol.steps #step-list { @for step in &detail.steps { (step_line(step, lives)) } }
                @if detail.steps.is_empty() { p.muted data-no-steps { "None was begun yet." } }
            }
            section aria-labelledby="said" hidden[detail.messages.is_empty()] {
                h2 #said { "What it said" }
                ul.messages #messages aria-live="polite" {
                    @for message in &detail.messages { li { span.muted { (moment(message.at)) } " " (code(&message.text)) } }
                }
            }
            (facts(&[
                ("Started", html! { (when(now, one.started)) }),
                ("Worked for", html! { (duration(Duration::from_millis(one.duration_ms))) }),
                ("By", html! { @match &detail.owner { Some(owner) => (owner), None => "nobody now" } }),
                ("Id", html! { code { (one.id) } }),
            ]))
            @if !detail.audit.is_empty() {
                section aria-labelledby="audit" {
                    h2 #audit { "What it deleted" }
                    ul.problems {
                        @for entry in detail.audit.iter().take(ROWS) {
                            li { (entry.action) " " code { (entry.item) } " (" (size(entry.bytes)) "): " (entry.reason) }
                        }
                    }
                }
            }
        }
    }
}

fn failed(detail: &OperationDetail) -> Markup {
    let tone = operation_tone(detail.summary.state);
    let reasons = &detail.summary.reasons;
    html! {
        @if tone > Tone::Plain && (!reasons.is_empty() || detail.advice.is_some()) {
            div class=(format!("note {}", tone.class())) role="alert" {
                @if let Some(first) = reasons.first() { p { strong { (first) } } }
                @if reasons.len() > 1 {
                    p { "Because:" }
                    ul { @for reason in &reasons[1..] { li { (reason) } } }
                }
                @if let Some(advice) = &detail.advice { p.cure { "What to do: " (code(advice)) } }
            }
        }
    }
}

fn outcome(detail: &OperationDetail) -> Markup {
    match &detail.outcome {
        Some(Outcome::CreateBackup(report)) => html! {
            div.note.good {
                p { "Backup " a href=(address(&report.backup)) { code { (report.backup.id.short()) } } " is "
                    (report.backup.state.as_str()) ": " (size(report.backup.counts.bytes)) " in "
                    (report.backup.counts.files) " files, " (size(report.backup.counts.stored_bytes)) " new in the store." }
            }
        },
        Some(Outcome::Retention(report)) => retention::report(report),
        Some(_) => html! {
            details { summary { "The report" }
                pre { (detail.outcome.as_ref().and_then(|outcome| serde_json::to_string_pretty(outcome).ok()).unwrap_or_default()) }
            }
        },
        None => html! {},
    }
}

fn buttons(identity: &Identity, detail: &OperationDetail) -> Markup {
    let one = &detail.summary;
    let verb = match one.state {
        OperationState::Running => Some(("cancel", "Cancel it")),
        OperationState::Interrupted | OperationState::Failed => Some(("resume", "Go on with it")),
        _ => None,
    };
    html! {
        @if let (Some((verb, words)), true) = (verb, operates(identity)) {
            form.inline method="post" action={ "/operations/" (one.id) "/" (verb) } {
                (form_token(identity))
                button type="submit" { (words) }
            }
        }
    }
}

fn step_line(step: &StepSummary, lives: bool) -> Markup {
    let tone = match step.state.as_str() {
        "done" => Tone::Good,
        "failed" => Tone::Bad,
        _ => Tone::Plain,
    };
    let took = step.ended.map(|ended| {
        let millis = ended
            .as_millisecond()
            .saturating_sub(step.started.as_millisecond());
        duration(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
    });
    html! {
        li data-step=(step.name) {
            span.step-name { (step.name) } " "
            span.step-state { (badge(tone, &step.state)) }
            @if let Some(took) = &took { " " span.muted { (took) } }
            @if let Some(progress) = &step.progress { (progress_line(&step.name, progress, lives && step.ended.is_none())) }
            @for reason in &step.reasons { p.reason { (reason) } }
        }
    }
}

fn progress_line(step: &str, value: &ProgressValue, moves: bool) -> Markup {
    html! {
        @if moves {
            progress aria-label={ "Progress of " (step) } max=[(value.total > 0).then_some(value.total)]
                value=[(value.total > 0).then_some(value.done)] {}
        }
        " " span.amount { (share(value)) }
    }
}

pub(super) async fn start(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Form(form): Form<Pairs>,
) -> Page {
    sent_by(&identity, &form, Role::Operator)?;
    let digest = form.one("digest")?.unwrap_or_default().to_owned();
    let creation = Creation {
        digest,
        made: None,
        result_url: None,
    };
    let id = start_approved(&web, &identity, creation).await?;
    Ok(Redirect::to(&format!("/operations/{id}")).into_response())
}

pub(super) async fn cancel(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(id): Path<OperationId>,
    Form(form): Form<Pairs>,
) -> Page {
    sent_by(&identity, &form, Role::Operator)?;
    web.client(&identity).cancel(id, false).await?;
    Ok(Redirect::to(&format!("/operations/{id}")).into_response())
}

pub(super) async fn resume(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(id): Path<OperationId>,
    Form(form): Form<Pairs>,
) -> Page {
    sent_by(&identity, &form, Role::Operator)?;
    web.client(&identity).resume(id).await?;
    Ok(Redirect::to(&format!("/operations/{id}")).into_response())
}
