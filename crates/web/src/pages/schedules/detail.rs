//! One schedule: what it does, its next runs, those that were, and what can be done with it.

use axum::response::Response;
use maud::{Markup, html};
use ostler_api::Request;
use ostler_api::document::{Cause, Firing, ScheduleDetail};
use ostler_api::schedule::{Missed, Overlap, Schedule, ScheduleAnswer, ScheduleCall, Trigger};
use ostler_vocabulary::humane::moment;
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};

use super::super::frame::{facts, form_token, operates, page, when};
use super::super::keep;
use super::super::table::{Column, table};
use super::{address, button, firing, state, trigger};
use crate::access::Identity;
use crate::serve::Web;

/// Runs that are shown.
const RUNS: u32 = 30;
const COLUMNS: &[Column] = &[
    Column("Due", false),
    Column("How it went", false),
    Column("Why it ran", false),
    Column("Ended", false),
];

pub(super) async fn asked(web: &Web, identity: &Identity, name: &str) -> Result<ScheduleDetail, Failure> {
    let call = ScheduleCall::Show {
        name: name.to_owned(),
        limit: RUNS,
    };
    match web.client(identity).schedule(call).await? {
        ScheduleAnswer::Detail(detail) => Ok(*detail),
        _ => Err(Failure::new(
            ErrorKind::Internal,
            "the answer is not about a schedule",
        )),
    }
}

/// Whether keep rules go with it.
pub(super) fn makes_backups(schedule: &Schedule) -> bool {
    matches!(schedule.definition.request, Request::CreateBackup(_))
}

pub(super) fn show(identity: &Identity, detail: &ScheduleDetail, now: Timestamp) -> Response {
    let one = &detail.summary;
    let definition = &one.schedule.definition;
    let optional = |value: Option<String>| html! { (value.unwrap_or_else(|| "–".to_owned())) };
    let runs: Vec<Vec<Markup>> = detail.firings.iter().map(|run| row(run, now)).collect();
    let body = html! {
        p.lead { (state(one)) " " code { "ostler " (definition.words.join(" ")) } }
        @if operates(identity) { (actions(identity, &one.schedule)) }
        (facts(&[
            ("Runs", trigger(&one.schedule)),
            ("Next runs", html! {
                @if detail.upcoming.is_empty() {
                    @if one.reasons.is_empty() { "none" } @else { (one.reasons.join("; ")) }
                } @else {
                    ul.plain { @for at in &detail.upcoming { li { (moment(*at)) } } }
                }
            }),
            ("Last good run", html! { @match one.last_good { Some(good) => { (when(now, good)) } None => "never" } }),
            ("Runs that nobody began", html! { @match definition.missed {
                Missed::Once => "one run makes up for all",
                Missed::Skip => "are left out",
                Missed::All => "are made up for, each of them",
            } }),
            ("A run due while one runs", html! { @match definition.overlap {
                Overlap::Skip => "is left out",
                Overlap::Wait => "begins when that one is over",
            } }),
            ("Moved by up to", optional(definition.jitter.map(|span| span.to_string()))),
            ("Begins at most so late", optional(definition.deadline.map(|span| span.to_string()))),
            ("From", optional(definition.start.map(moment))),
            ("Until", optional(definition.end.map(moment))),
        ]))
        @if makes_backups(&one.schedule) {
            p { "Keeps " @match &definition.keep {
                Some(prune) => { strong { (keep::words(&prune.keep)) } " of its backups, after each complete one." }
                None => "every backup: it has no keep rules.",
            } }
        }
        section aria-labelledby="runs" {
            h2 #runs { "Runs" }
            @if runs.is_empty() { p { "It never ran." } } @else { (table("Runs", COLUMNS, &runs)) }
        }
    };
    page(
        identity,
        "/schedules",
        &format!("Schedule {}", one.schedule.name),
        body,
    )
}

fn actions(identity: &Identity, schedule: &Schedule) -> Markup {
    let (verb, words) = match schedule.pause {
        Some(_) => ("resume", "Resume"),
        None => ("pause", "Pause"),
    };
    html! {
        div.actions {
            (button(identity, &schedule.name, "run", "Run now"))
            (button(identity, &schedule.name, verb, words))
            a.button.quiet href=(address(&schedule.name, "edit")) { "Change" }
            a.button.danger href=(address(&schedule.name, "remove")) { "Remove" }
        }
    }
}

fn row(run: &Firing, now: Timestamp) -> Vec<Markup> {
    vec![
        html! { (moment(run.due)) },
        firing(run, now),
        html! {
            @match run.cause {
                Cause::Due => "it was due",
                Cause::CatchUp => "it was due earlier",
                Cause::After => "after another one",
                Cause::Manual => "somebody asked for it",
            }
            @if run.missed > 0 { p.reason { (run.missed) " missed before it" } }
        },
        run.ended.map_or_else(|| html! { "–" }, |ended| when(now, ended)),
    ]
}

/// What is asked before it goes.
pub(super) fn remove_page(identity: &Identity, detail: &ScheduleDetail) -> Response {
    let schedule = &detail.summary.schedule;
    let body = html! {
        p { code { "ostler " (schedule.definition.words.join(" ")) } " does not run by itself any more, and the record of its runs goes. What they made stays." }
        @if let Trigger::After(other) = &schedule.definition.trigger { p { "It ran after " strong { (other) } "." } }
        form.confirm method="post" action=(address(&schedule.name, "remove")) {
            (form_token(identity))
            button.danger type="submit" { "Remove the schedule" }
            a.button.quiet href=(address(&schedule.name, "show")) { "Leave it" }
        }
    };
    page(identity, "/schedules", &format!("Remove {}", schedule.name), body)
}
