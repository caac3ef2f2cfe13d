//! Schedules with their next runs, and whether somebody runs them.

use axum::Form;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Redirect};
use maud::{Markup, html};
use ostler_api::Client;
use ostler_api::document::{Firing, FiringState, ScheduleList, ScheduleSummary};
use ostler_api::schedule::{ScheduleAnswer, ScheduleCall, Trigger};
use ostler_vocabulary::humane::moment;
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};

use super::frame::{Tone, badge, encoded, form_token, nothing, operates, page, when};
use super::table::{Column, table};
use super::{Page, sent_by};
use crate::access::{Identity, Role};
use crate::serve::Web;
use crate::v1::Pairs;

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

pub(super) async fn show(State(web): State<Web>, Extension(identity): Extension<Identity>) -> Page {
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
                "Schedule a backup every night: " code { "ostler schedule add" } "."
            })) }
        }
    };
    Ok(page(&identity, "/schedules", "Schedules", body))
}

fn row(identity: &Identity, one: &ScheduleSummary, now: Timestamp) -> Vec<Markup> {
    let schedule = &one.schedule;
    let definition = &schedule.definition;
    let (tone, state) = match (&schedule.pause, one.overdue) {
        (Some(_), _) => (Tone::Doubtful, "paused"),
        (None, Some(_)) => (Tone::Doubtful, "overdue"),
        (None, None) => (Tone::Good, "active"),
    };
    let (verb, words) = match schedule.pause {
        Some(_) => ("resume", "Resume"),
        None => ("pause", "Pause"),
    };
    let never = || html! { "never" };
    vec![
        html! { strong { (schedule.name) } p.reason { code { "ostler " (definition.words.join(" ")) } } },
        html! {
            (badge(tone, state))
            @if let Some(reason) = schedule.pause.as_ref().and_then(|pause| pause.reason.as_ref()) { " " (reason) }
            @if operates(identity) {
                form method="post" action={ "/schedules/" (encoded(&schedule.name)) "/" (verb) } {
                    (form_token(identity))
                    button.quiet type="submit" aria-label={ (words) " " (schedule.name) } { (words) }
                }
            }
        },
        html! {
            @match &definition.trigger {
                Trigger::Cron(text) => { code { (text) } " " (definition.zone) }
                Trigger::Every(span) => { "every " (span) }
                Trigger::After(other) => { "after " (other) }
            }
        },
        html! {
            @match one.next { Some(next) => (moment(next)), None => "–" }
            @for reason in &one.reasons { p.reason { (reason) } }
        },
        one.last.as_ref().map_or_else(never, |last| firing(last, now)),
        one.last_good.map_or_else(never, |good| when(now, good)),
    ]
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

pub(super) async fn change(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path((name, verb)): Path<(String, String)>,
    Form(form): Form<Pairs>,
) -> Page {
    sent_by(&identity, &form, Role::Operator)?;
    let call = match verb.as_str() {
        "pause" => ScheduleCall::Pause {
            name,
            reason: Some(format!("by {} in the dashboard", identity.name)),
        },
        "resume" => ScheduleCall::Resume { name },
        _ => {
            return Err(Failure::new(
                ErrorKind::NotFound,
                format!("a schedule cannot be told to {verb}"),
            )
            .into());
        }
    };
    web.client(&identity).schedule(call).await?;
    Ok(Redirect::to("/schedules").into_response())
}
