//! Schedules with their next runs, whether somebody runs them, and what changes them.

mod detail;
mod form;
pub(super) mod work;

use axum::Form;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Redirect};
use maud::{Markup, html};
use ostler_api::Client;
use ostler_api::document::{Firing, FiringState, ScheduleList, ScheduleSummary};
use ostler_api::schedule::{Schedule, ScheduleAnswer, ScheduleCall, Trigger};
use ostler_vocabulary::humane::moment;
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};

use super::frame::{Tone, badge, encoded, form_token, nothing, operates, page, when};
use super::table::{Column, table};
use super::{Page, sent_by};
use crate::access::{Identity, Role};
use crate::guard::may;
use crate::serve::Web;
use crate::v1::Pairs;
pub(super) use form::{add, new};

const COLUMNS: &[Column] = &[
    Column("Schedule", false),
    Column("State", false),
    Column("When", false),
    Column("Next run", false),
    Column("Last run", false),
    Column("Last good run", false),
];

/// The schedules; `None` where the client knows none.
pub(super) async fn listed(client: &dyn Client) -> Result<Option<ScheduleList>, Failure> {
    match client.schedule(ScheduleCall::List).await {
        Ok(ScheduleAnswer::List(list)) => Ok(Some(list)),
        Ok(_) => Err(Failure::new(
            ErrorKind::Internal,
            "the list of schedules is something else",
        )),
        Err(failure) if failure.kind() == ErrorKind::Unsupported => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// What is wrong with the scheduler and its schedules, for the first page too.
pub(super) fn warnings(list: &ScheduleList, now: Timestamp) -> Markup {
    html! {
        @if !list.schedules.is_empty() && !list.scheduler.alive {
            div.note.bad role="alert" {
                p { strong { "Nobody runs what is due." } " "
                    @match list.scheduler.last_beat {
                        Some(beat) => { "The scheduler was last there " (when(now, beat)) "." }
                        None => "The scheduler never ran."
                    }
                }
                p.cure { "What to do: start " code { "ostler serve" } "." }
            }
        }
        @for one in &list.schedules {
            @if let Some(since) = one.overdue {
                div.note.doubtful { p { "Schedule " strong { (one.schedule.name) } " is overdue since " (when(now, since)) "." } }
            }
        }
    }
}

pub(super) async fn list(State(web): State<Web>, Extension(identity): Extension<Identity>) -> Page {
    let list = listed(web.client(&identity).as_ref()).await?;
    let now = web.now();
    let body = html! {
        @match &list {
            Some(list) if !list.schedules.is_empty() => {
                (warnings(list, now))
                @let rows: Vec<Vec<Markup>> = list.schedules.iter().map(|one| row(&identity, one, now)).collect();
                (table("Schedules", COLUMNS, &rows))
            }
            _ => { (nothing("Nothing is scheduled.", &html! {
                "Let a backup run every night, here or by " code { "ostler schedule add" } "."
            })) }
        }
        @if operates(&identity) { p { a.button href="/schedules/new" { "Add a schedule" } } }
    };
    Ok(page(&identity, "/schedules", "Schedules", body))
}

/// Where something about a schedule is.
fn address(name: &str, verb: &str) -> String {
    format!("/schedules/{}/{verb}", encoded(name))
}

fn row(identity: &Identity, one: &ScheduleSummary, now: Timestamp) -> Vec<Markup> {
    let schedule = &one.schedule;
    let never = || html! { "never" };
    vec![
        html! {
            a href=(address(&schedule.name, "show")) { (schedule.name) }
            p.reason { code { "ostler " (schedule.definition.words.join(" ")) } }
        },
        html! {
            (state(one))
            @if operates(identity) {
                @match schedule.pause {
                    Some(_) => (button(identity, &schedule.name, "resume", "Resume")),
                    None => (button(identity, &schedule.name, "pause", "Pause")),
                }
            }
        },
        trigger(schedule),
        html! {
            @match one.next { Some(next) => (moment(next)), None => "–" }
            @for reason in &one.reasons { p.reason { (reason) } }
            @if operates(identity) { (button(identity, &schedule.name, "run", "Run now")) }
        },
        one.last.as_ref().map_or_else(never, |last| firing(last, now)),
        one.last_good.map_or_else(never, |good| when(now, good)),
    ]
}

/// How it stands, and why.
fn state(one: &ScheduleSummary) -> Markup {
    let (tone, state) = match (&one.schedule.pause, one.overdue) {
        (Some(_), _) => (Tone::Doubtful, "paused"),
        (None, Some(_)) => (Tone::Doubtful, "overdue"),
        (None, None) => (Tone::Good, "active"),
    };
    let reason = one
        .schedule
        .pause
        .as_ref()
        .and_then(|pause| pause.reason.as_ref());
    html! { (badge(tone, state)) @if let Some(reason) = reason { " " (reason) } }
}

fn trigger(schedule: &Schedule) -> Markup {
    html! {
        @match &schedule.definition.trigger {
            Trigger::Cron(text) => { code { (text) } " " (schedule.definition.zone) }
            Trigger::Every(span) => { "every " (span) }
            Trigger::After(other) => { "after " (other) }
        }
    }
}

/// Does something with a schedule.
fn button(identity: &Identity, name: &str, verb: &str, words: &str) -> Markup {
    html! {
        form method="post" action=(address(name, verb)) {
            (form_token(identity))
            button.quiet type="submit" aria-label={ (words) " " (name) } { (words) }
        }
    }
}

fn firing(firing: &Firing, now: Timestamp) -> Markup {
    let tone = match firing.state {
        FiringState::Succeeded => Tone::Good,
        FiringState::Running => Tone::Plain,
        FiringState::Partial | FiringState::Cancelled | FiringState::Missed => Tone::Doubtful,
        FiringState::Failed => Tone::Bad,
    };
    html! {
        (badge(tone, firing.state.as_str())) " "
        @match firing.operation {
            Some(operation) => { a href={ "/operations/" (operation) } { (when(now, firing.began)) } }
            None => { (when(now, firing.began)) }
        }
        @if let Some(reason) = firing.reasons.first() { p.reason { (reason) } }
    }
}

/// One schedule, or the form that changes it, or the question whether it is to go.
pub(super) async fn show(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path((name, verb)): Path<(String, String)>,
) -> Page {
    if verb != "show" {
        may(&identity, Role::Operator)?;
    }
    let detail = detail::asked(&web, &identity, &name).await?;
    match verb.as_str() {
        "show" => Ok(detail::show(&identity, &detail, web.now())),
        "edit" => Ok(form::edit_page(&identity, &detail, None)),
        "remove" => Ok(detail::remove_page(&identity, &detail)),
        _ => Err(cannot(&verb).into()),
    }
}

pub(super) async fn change(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path((name, verb)): Path<(String, String)>,
    Form(form): Form<Pairs>,
) -> Page {
    sent_by(&identity, &form, Role::Operator)?;
    let back = address(&name, "show");
    let call = match verb.as_str() {
        "edit" => return form::edit(&web, &identity, &name, form).await,
        "run" => return run(&web, &identity, name).await,
        "pause" => ScheduleCall::Pause {
            name,
            reason: Some(format!("by {} in the dashboard", identity.name)),
        },
        "resume" => ScheduleCall::Resume { name },
        "remove" => ScheduleCall::Remove { name },
        _ => return Err(cannot(&verb).into()),
    };
    let goes = matches!(call, ScheduleCall::Remove { .. });
    web.client(&identity).schedule(call).await?;
    let next = if goes { "/schedules" } else { &back };
    Ok(Redirect::to(next).into_response())
}

fn cannot(verb: &str) -> Failure {
    Failure::new(
        ErrorKind::NotFound,
        format!("a schedule cannot be told to {verb}"),
    )
}

/// Begins a run, and shows its operation. What comes after the operation is seen to although nobody waits for it.
async fn run(web: &Web, identity: &Identity, name: String) -> Page {
    let client = web.client(identity);
    let ScheduleAnswer::Firing(firing) = client.schedule(ScheduleCall::Run { name: name.clone() }).await?
    else {
        return Err(Failure::new(ErrorKind::Internal, "the answer is not about a run").into());
    };
    let number = firing.number;
    web.see_to(async move {
        if let Err(failure) = client.schedule(ScheduleCall::Finish { number }).await {
            tracing::error!("run {number} of a schedule was left as it is: {failure:?}");
        }
    });
    let next = match firing.operation {
        Some(operation) => format!("/operations/{operation}"),
        None => address(&name, "show"),
    };
    Ok(Redirect::to(&next).into_response())
}
