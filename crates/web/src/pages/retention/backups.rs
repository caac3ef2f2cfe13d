//! Keep rules of backups: those of schedules, and others to be tried.

use maud::{Markup, html};
use ostler_api::document::{ScheduleSummary, VaultSummary};
use ostler_api::{Client, Request};
use ostler_vocabulary::Failure;

use super::super::form::Typed;
use super::super::frame::{encoded, form_token, nothing};
use super::super::table::{Column, table};
use super::super::{keep, schedules};
use crate::access::Identity;

const COLUMNS: &[Column] = &[
    Column("Schedule", false),
    Column("Keeps", false),
    Column("At least", true),
    Column("Do", false),
];

pub(super) async fn section(
    client: &dyn Client,
    identity: &Identity,
    typed: &Typed,
) -> Result<Markup, Failure> {
    let schedules = schedules::listed(client).await?;
    let vaults = client.vaults().await?.vaults;
    let rows: Vec<Vec<Markup>> = schedules
        .iter()
        .flat_map(|list| &list.schedules)
        .filter(|one| matches!(one.schedule.definition.request, Request::CreateBackup(_)))
        .map(row)
        .collect();
    Ok(html! {
        section aria-labelledby="backups" {
            h2 #backups { "Backups" }
            @if rows.is_empty() {
                (nothing("No schedule makes backups, so nothing is deleted by rule.", &html! {
                    a href="/schedules/new" { "Add a schedule" } ": keep rules are a part of it."
                }))
            } @else { (table("Keep rules", COLUMNS, &rows)) }
            details open[!typed.is_right()] {
                summary { "Try other rules" }
                (trial(identity, &vaults, typed))
            }
        }
    })
}

fn row(one: &ScheduleSummary) -> Vec<Markup> {
    let schedule = &one.schedule;
    let rules = schedule.definition.keep.as_ref().map(|prune| &prune.keep);
    let at = |verb: &str| format!("/schedules/{}/{verb}", encoded(&schedule.name));
    vec![
        html! { a href=(at("show")) { (schedule.name) } p.reason { code { "ostler " (schedule.definition.words.join(" ")) } } },
        html! { @match rules { Some(keep) => (keep::words(keep)), None => "everything: it has no rules" } },
        html! { (rules.and_then(|keep| keep.min_keep).unwrap_or(1)) },
        html! { a.button.quiet href=(at("edit")) aria-label={ "Change the keep rules of " (schedule.name) } { "Change" } },
    ]
}

/// A form that shows what would go by other rules, of all backups of a vault.
fn trial(identity: &Identity, vaults: &[VaultSummary], typed: &Typed) -> Markup {
    let names: Vec<(&str, &str)> = vaults
        .iter()
        .map(|vault| (vault.name.as_str(), vault.name.as_str()))
        .collect();
    html! {
        (typed.faults())
        form.narrow.wide method="post" action="/plans" {
            (form_token(identity))
            input type="hidden" name="action" value="prune";
            @if names.len() > 1 { (typed.choice("vault", "Vault", "", &names)) }
            (keep::fields(typed))
            button type="submit" { "Show what would go" }
            p.help { "Nothing is deleted by that: a plan is shown first." }
        }
    }
}
