//! The list of backups, with charts and calendars by source.

use axum::extract::{Extension, Query, State};
use maud::{Markup, html};
use ostler_api::document::{BackupState, BackupSummary};
use ostler_vocabulary::Timestamp;
use ostler_vocabulary::humane::{plural, size};

use super::frame::{backs_up, backup_tone, badge, encoded, nothing, page, when};
use super::source::{address, by_source, listed, named, paths};
use super::table::{Column, table};
use super::{Page, calendar, chart};
use crate::access::Identity;
use crate::serve::Web;
use crate::v1::Pairs;

/// Rows of a page.
const ROWS: usize = 100;
/// Sources with a chart when all are shown.
const CHARTS: usize = 4;
const COLUMNS: &[Column] = &[
    Column("Backup", false),
    Column("State", false),
    Column("Started", false),
    Column("Size", true),
    Column("New in the store", true),
    Column("Source", false),
    Column("Vault", false),
];

pub(super) async fn show(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Query(pairs): Query<Pairs>,
) -> Page {
    let filter = pairs.filter()?;
    let list = listed(web.client(&identity).as_ref(), pairs.one("vault")?, &filter).await?;
    let first: usize = pairs.one("from")?.and_then(|text| text.parse().ok()).unwrap_or(0);
    let is_narrowed = pairs
        .0
        .iter()
        .any(|(name, value)| name != "from" && !value.is_empty());
    let now = web.now();
    let body = html! {
        @for one in &list.unreachable {
            div.note.bad role="alert" { p { strong { "Vault " (one.path) " cannot be looked at: " } (one.reason) } }
        }
        @if is_narrowed {
            p { "Only those of the chosen source. " a href="/backups" { "Show all" } }
        }
        @if list.backups.is_empty() {
            (empty(&identity, is_narrowed))
        } @else {
            (charts(&list.backups, now))
            section aria-labelledby="list" {
                div.row {
                    h2 #list { (plural(list.backups.len() as u64, "backup")) }
                    @if backs_up(&identity) { a.button href="/backups/new" { "New backup" } }
                }
                (rows(&list.backups, first, now))
                (pager(&pairs, first, list.backups.len()))
            }
        }
    };
    Ok(page(&identity, "/backups", "Backups", body))
}

fn empty(identity: &Identity, is_narrowed: bool) -> Markup {
    match is_narrowed {
        true => nothing("No backup matches.", &html! { a href="/backups" { "Show all" } }),
        false => nothing(
            "There are no backups yet.",
            &html! {
                @if backs_up(identity) { a.button href="/backups/new" { "Make the first one" } }
                @else { "An operator makes the first one." }
            },
        ),
    }
}

fn charts(backups: &[BackupSummary], now: Timestamp) -> Markup {
    let sources = by_source(backups);
    html! {
        section aria-labelledby="sizes" {
            h2 #sizes { "Sizes and nights" }
            @for (source, backups) in sources.iter().take(CHARTS) {
                @let name = paths(source);
                div.panel {
                    (chart::full(&name, backups))
                    (calendar::calendar(&name, backups, now))
                }
            }
            @if sources.len() > CHARTS {
                p.muted { "The first " (CHARTS) " of " (sources.len()) " sources; the overview leads to each." }
            }
        }
    }
}

fn rows(backups: &[BackupSummary], first: usize, now: Timestamp) -> Markup {
    let rows: Vec<Vec<Markup>> = backups
        .iter()
        .skip(first)
        .take(ROWS)
        .map(|backup| {
            let known = !matches!(backup.state, BackupState::Running | BackupState::Incomplete);
            let bytes = |bytes| html! { @if known { (size(bytes)) } @else { "–" } };
            vec![
                html! {
                    a href=(address(backup)) {
                        code { (backup.id.short()) } @if let Some(name) = &backup.name { " " (name) }
                    }
                },
                html! { (badge(backup_tone(backup.state), backup.state.as_str())) @if backup.held { " held" } },
                when(now, backup.started),
                bytes(backup.counts.bytes),
                bytes(backup.counts.stored_bytes),
                html! { @if let Some(source) = &backup.source { (named(source)) } @else { "not known" } },
                html! { (backup.vault) },
            ]
        })
        .collect();
    table("Backups", COLUMNS, &rows)
}

fn pager(pairs: &Pairs, first: usize, all: usize) -> Markup {
    let address = |from: usize| {
        let mut address = format!("/backups?from={from}");
        for (name, value) in pairs.0.iter().filter(|(name, _)| name != "from") {
            address.push_str(&format!("&{}={}", encoded(name), encoded(value)));
        }
        address
    };
    html! {
        @if all > ROWS {
            nav.pager aria-label="Parts of the list" {
                @if first > 0 { a href=(address(first.saturating_sub(ROWS))) rel="prev" { "Newer" } }
                span { (first + 1) "–" ((first + ROWS).min(all)) " of " (all) }
                @if first + ROWS < all { a href=(address(first + ROWS)) rel="next" { "Older" } }
            }
        }
    }
}
