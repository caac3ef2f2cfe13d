//! Vaults: size, cost, keys, health; and making one.

pub(super) mod new;

use std::time::Duration;

use axum::extract::{Extension, Path, State};
use maud::{Markup, html};
use ostler_api::document::{Estimate, KeyList, VaultInfo, VaultSummary};
use ostler_vocabulary::humane::{about, count, moment, size};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};

use super::Page;
use super::fault::{code, explained};
use super::frame::{Tone, badge, encoded, facts, nothing, page, when};
use super::table::{Column, table};
use crate::access::{Identity, Role};
use crate::serve::Web;

pub(super) async fn list(State(web): State<Web>, Extension(identity): Extension<Identity>) -> Page {
    let vaults = asked(&web, &identity).await?;
    let body = html! {
        @if identity.role >= Role::Admin { p { a.button href="/vaults/new" { "Make a vault" } } }
        @if vaults.is_empty() {
            (nothing("There is no vault yet.", &html! {
                "The first backup makes one; " code { "ostler vault init" } " makes one elsewhere."
            }))
        }
        div.cards { @for (summary, info) in &vaults { (card(summary, info)) } }
    };
    Ok(page(&identity, "/vaults", "Vaults", body))
}

/// Every vault with what could be found out about it.
pub(super) async fn asked(
    web: &Web,
    identity: &Identity,
) -> Result<Vec<(VaultSummary, Result<VaultInfo, Failure>)>, Failure> {
    let client = web.client(identity);
    let vaults = client.vaults().await?.vaults;
    let client = client.as_ref();
    let infos = vaults.iter().map(|vault| client.vault(Some(&vault.name)));
    let infos = futures::future::join_all(infos).await;
    Ok(vaults.into_iter().zip(infos).collect())
}

fn card(summary: &VaultSummary, info: &Result<VaultInfo, Failure>) -> Markup {
    let (tone, word) = health(info);
    html! {
        article class=(format!("card {}", tone.class())) {
            div.row {
                h2 { a href={ "/vaults/" (encoded(&summary.name)) } { (summary.name) } }
                (badge(tone, word))
            }
            p.paths { (summary.location) @if summary.default { " " span.tag { "default" } } }
            @match info {
                Ok(info) => {
                    (facts(&[
                        ("Stored", html! { (size(info.bytes)) @if let Some(cost) = &info.monthly { ", about " (cost) " a month" } }),
                        ("Backups", html! { (count(info.backups.values().sum())) }),
                        ("Encryption", html! { (info.encryption) }),
                    ]))
                    (warnings(info))
                }
                Err(failure) => { (explained(failure)) }
            }
        }
    }
}

/// How a vault is, in a word.
pub(super) fn health(info: &Result<VaultInfo, Failure>) -> (Tone, &'static str) {
    match info {
        Err(failure) if failure.kind() == ErrorKind::NotFound => (Tone::Doubtful, "is not there"),
        Err(_) => (Tone::Bad, "cannot be opened"),
        Ok(info) if info.backups.get("damaged").is_some_and(|damaged| *damaged > 0) => {
            (Tone::Bad, "holds damaged backups")
        }
        Ok(info) if !info.warnings.is_empty() => (Tone::Doubtful, "look at it"),
        Ok(_) => (Tone::Good, "opens"),
    }
}

fn warnings(info: &VaultInfo) -> Markup {
    html! {
        @if !info.warnings.is_empty() {
            ul.findings { @for warning in &info.warnings { li { (code(warning)) } } }
        }
    }
}

pub(super) async fn show(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(vault): Path<String>,
) -> Page {
    let client = web.client(&identity);
    let (info, keys) = futures::join!(client.vault(Some(&vault)), client.keys(Some(&vault)));
    let info = info?;
    let now = web.now();
    let title = format!("Vault {}", info.summary.name);
    let backups = info
        .backups
        .iter()
        .map(|(state, number)| format!("{number} {state}"));
    let backups = backups.collect::<Vec<_>>().join(", ");
    let body = html! {
        (warnings(&info))
        (facts(&[
            ("Where", html! { span.paths { (info.summary.location) } }),
            ("Backups", html! { @if backups.is_empty() { "none" } @else { (backups) } }),
            ("Stored", html! { (size(info.bytes)) " in " (count(info.packs)) " packs, " (count(info.chunks)) " chunks" }),
            ("A month of that", html! { @match &info.monthly { Some(cost) => { "costs about " (cost) }, None => "is estimated with a price list" } }),
            ("Reading all of it back", html! { @match &info.reading_back { Some(known) => (effort(known)), None => "is estimated once something was restored, or with limits or a price list" } }),
            ("Encryption", html! { (info.encryption) }),
            ("Data read back", html! {
                @match info.reading.last { Some(last) => { (when(now, last)) ", " (info.reading.recent_percent) " % in the last 30 days" } None => "never" }
            }),
            ("Made", html! { (moment(info.created)) }),
            ("Id", html! { code { (info.id) } }),
        ]))
        @match &keys {
            Ok(keys) => { (key_table(keys, now)) }
            Err(failure) => { (explained(failure)) }
        }
        (abilities(&info, now))
    };
    Ok(page(&identity, "/vaults", &title, body))
}

/// How long something takes, and what it costs.
fn effort(known: &Estimate) -> Markup {
    let took = known
        .duration_ms
        .map(|millis| format!("takes about {}", about(Duration::from_millis(millis))));
    let costs = known.cost.as_ref().map(|cost| format!("costs about {cost}"));
    let parts: Vec<String> = took.into_iter().chain(costs).collect();
    html! { (parts.join(" and ")) }
}

fn key_table(keys: &KeyList, now: Timestamp) -> Markup {
    let columns = [
        Column("Key", false),
        Column("Kind", false),
        Column("About", false),
        Column("Added", false),
        Column("In use here", false),
    ];
    let rows: Vec<Vec<Markup>> = keys
        .keys
        .iter()
        .map(|key| {
            vec![
                html! { code { (key.summary.id) } },
                html! { (key.summary.kind) },
                html! { (key.about.as_deref().unwrap_or("–")) },
                when(now, key.summary.created),
                html! { @if key.in_use { "yes" } @else { "no" } },
            ]
        })
        .collect();
    html! {
        section aria-labelledby="keys" {
            h2 #keys { "What opens it" }
            @if rows.is_empty() { p { "No key: it is not encrypted." } } @else { (table("Keys", &columns, &rows)) }
            @if rows.len() == 1 { p.muted { "One key only: who loses it loses the backups. Keep a copy elsewhere (" code { "ostler vault key sheet" } ")." } }
        }
    }
}

fn abilities(info: &VaultInfo, now: Timestamp) -> Markup {
    let columns = [
        Column("Ability", false),
        Column("Answer", false),
        Column("What was seen", false),
    ];
    html! {
        section aria-labelledby="store" {
            h2 #store { "What its store can do" }
            @match &info.store {
                Some(probe) => {
                    @let rows: Vec<Vec<Markup>> = probe.abilities.iter().map(|one| vec![
                        html! { (one.ability) }, html! { (one.answer) }, html! { (one.evidence) },
                    ]).collect();
                    p.muted { "Tried " (when(now, probe.at)) "." }
                    (table("Abilities of the store", &columns, &rows))
                }
                None => { p { "It was never tried: " code { "ostler vault info --probe" } "." } }
            }
        }
    }
}
