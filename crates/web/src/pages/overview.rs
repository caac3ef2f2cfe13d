//! The first page: is everything looked after, and what to do where it is not.

use axum::extract::{Extension, State};
use maud::{Markup, html};
use ostler_api::document::{BackupList, BackupSummary, OperationState, OperationSummary, Source};
use ostler_api::reach::cluster_of_host;
use ostler_api::request::Filter;
use ostler_vocabulary::Timestamp;
use ostler_vocabulary::humane::{plural, size};

use super::frame::{
    Tone, backs_up, badge, encoded, facts, form_token, kind_words, nothing, operates, page, when,
};
use super::health::{Cure, Health, judge};
use super::source::{address, by_source, listed, named};
use super::{Page, chart, schedules};
use crate::access::Identity;
use crate::serve::Web;

/// Operations that are looked at.
const OPERATIONS: usize = 50;
/// Failures that are shown, and for how long.
const FAILURES: usize = 5;
const RECENT: i64 = 7 * 86_400;

pub(super) async fn show(State(web): State<Web>, Extension(identity): Extension<Identity>) -> Page {
    let client = web.client(&identity);
    let filter = Filter::default();
    let (backups, operations, schedules) = futures::join!(
        listed(client.as_ref(), None, &filter),
        client.operations(OPERATIONS, None),
        schedules::listed(client.as_ref()),
    );
    let (backups, operations, schedules) = (backups?, operations?.operations, schedules?);
    let now = web.now();
    let body = html! {
        @if let Some(schedules) = &schedules { (schedules::warnings(schedules, now)) }
        (body(&identity, &backups, &operations, now))
    };
    Ok(page(&identity, "/", "Overview", body))
}

fn body(identity: &Identity, list: &BackupList, operations: &[OperationSummary], now: Timestamp) -> Markup {
    let sources = by_source(&list.backups);
    let judged: Vec<_> = sources
        .iter()
        .map(|(source, backups)| (source, backups, judge(backups, now)))
        .collect();
    let troubled = judged
        .iter()
        .filter(|(_, _, health)| health.tone > Tone::Plain)
        .count();
    let running: Vec<_> = operations
        .iter()
        .filter(|one| matches!(one.state, OperationState::Running | OperationState::Cancelling))
        .collect();
    let failed: Vec<_> = operations
        .iter()
        .filter(|one| needs_attention(one, now))
        .take(FAILURES)
        .collect();
    html! {
        @for one in &list.unreachable {
            div.note.bad role="alert" { p { strong { "Vault " (one.path) " cannot be looked at: " } (one.reason) } }
        }
        @if !running.is_empty() {
            section aria-labelledby="running" {
                h2 #running { "At work now" }
                ul.plain-list {
                    @for one in &running {
                        li data-ends=(one.id) {
                            a href={ "/operations/" (one.id) } { (kind_words(&one.kind)) } " " (one.subject)
                            " " span.muted { "since " (when(now, one.started)) }
                        }
                    }
                }
            }
        }
        @if sources.is_empty() {
            (nothing("Nothing is backed up yet.", &html! {
                @if backs_up(identity) { a.button href="/backups/new" { "Make the first backup" } }
                @else { "An operator makes the first backup, here or with " code { "ostler backup create PATH" } "." }
            }))
        } @else {
            section aria-labelledby="sources" {
                div.row {
                    h2 #sources { (summary(troubled, judged.len())) }
                    @if backs_up(identity) { a.button href="/backups/new" { "New backup" } }
                }
                div.cards {
                    @for (source, backups, health) in &judged { (card(identity, source, backups, health, now)) }
                }
            }
        }
        @if !failed.is_empty() {
            section aria-labelledby="failed" {
                h2 #failed { "What did not end well" }
                ul.plain-list {
                    @for one in &failed {
                        li {
                            (badge(super::frame::operation_tone(one.state), one.state.as_str())) " "
                            a href={ "/operations/" (one.id) } { (kind_words(&one.kind)) } " " (one.subject)
                            " " span.muted { (when(now, one.started)) }
                            @if let Some(reason) = one.reasons.first() { p.reason { (reason) } }
                        }
                    }
                }
            }
        }
    }
}

fn needs_attention(one: &OperationSummary, now: Timestamp) -> bool {
    let bad = matches!(
        one.state,
        OperationState::Failed | OperationState::Interrupted | OperationState::Partial
    );
    bad && now.as_second() - one.started.as_second() < RECENT
}

fn summary(troubled: usize, all: usize) -> String {
    let sources = plural(all as u64, "source");
    match troubled {
        0 => format!("{sources}, all looked after"),
        1 => format!("{sources}, 1 needs attention"),
        some => format!("{sources}, {some} need attention"),
    }
}

fn card(
    identity: &Identity,
    source: &Source,
    backups: &[&BackupSummary],
    health: &Health<'_>,
    now: Timestamp,
) -> Markup {
    let word = match health.tone {
        Tone::Good | Tone::Plain => "looked after",
        Tone::Doubtful => "look at it",
        Tone::Bad => "in danger",
    };
    let first_path = source.paths.first().map(|path| path.display().to_string());
    let list = format!(
        "/backups?host={}&source={}",
        encoded(&source.host),
        encoded(&first_path.unwrap_or_default())
    );
    let never = || html! { "never" };
    html! {
        article class=(format!("card {}", health.tone.class())) {
            div.row { h3 { a href=(list) { (named(source)) } } (badge(health.tone, word)) }
            (facts(&[
                ("Last good backup", health.last_good.map_or_else(never, |good| html! {
                    a href=(address(good)) { (when(now, good.started)) } ", " (size(good.counts.bytes))
                })),
                ("Last read back", health.proven.map_or_else(never, |proven| when(now, proven))),
                ("Backups", html! { (backups.len()) }),
            ]))
            (chart::small(backups))
            @if !health.findings.is_empty() {
                ul.findings {
                    @for finding in &health.findings {
                        li {
                            (finding.text) " "
                            (cure(identity, finding.cure, source, backups, health))
                        }
                    }
                }
            }
        }
    }
}

fn cure(
    identity: &Identity,
    cure: Cure,
    source: &Source,
    backups: &[&BackupSummary],
    health: &Health<'_>,
) -> Markup {
    let may = operates(identity);
    match (cure, backups.first(), health.last_good) {
        (Cure::BackUp, ..) if may => html! {
            form.inline method="post" action="/plans" {
                (form_token(identity))
                input type="hidden" name="action" value="create_backup";
                @if let Some(cluster) = cluster_of_host(&source.host) { input type="hidden" name="cluster" value=(cluster); }
                @for path in &source.paths { input type="hidden" name="path" value=(path.display()); }
                button type="submit" { "Back it up now" }
            }
        },
        (Cure::Drill, _, Some(good)) if may => html! {
            form.inline method="post" action="/plans" {
                (form_token(identity))
                input type="hidden" name="action" value="drill";
                input type="hidden" name="vault" value=(good.vault);
                input type="hidden" name="backup" value=(good.id);
                button type="submit" { "Run a drill" }
            }
        },
        (Cure::LookAtNewest, Some(newest), _) => html! { a href=(address(newest)) { "See which" } },
        (Cure::LookAtOperations, ..) => html! { a href="/operations" { "See the operation" } },
        _ => html! { "Ask an operator." },
    }
}
