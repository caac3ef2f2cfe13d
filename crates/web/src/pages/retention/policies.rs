//! The policies of a database: what they say, what is wrong with them, what was done by them.

use std::collections::HashMap;

use axum::extract::{Extension, Path, Query, State};
use axum::response::{IntoResponse as _, Redirect};
use maud::{Markup, html};
use ostler_api::document::{PolicyFinding, RetentionEntry};
use ostler_api::retention::{DEFAULT_SCHEMA, Policy, PolicyChoice, RetentionAnswer, RetentionCall};
use ostler_vocabulary::{Failure, Timestamp};
use serde::Deserialize;

use super::super::Page;
use super::super::fault::code;
use super::super::frame::{Tone, badge, encoded, form_token, nothing, page, when};
use super::super::table::{Column, table};
use super::{ask, foreign, parts};
use crate::access::Identity;
use crate::serve::Web;

/// Entries of the history that are shown.
const ENTRIES: i64 = 20;

const COLUMNS: &[Column] = &[
    Column("Policy", false),
    Column("Table", false),
    Column("Keeps", false),
    Column("What is older", false),
    Column("In order", false),
    Column("Do", false),
];
const HISTORY: &[Column] = &[
    Column("When", false),
    Column("Policy", false),
    Column("What", false),
    Column("Rows", true),
    Column("Who", false),
];

/// Somewhere else to look for policies.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct Elsewhere {
    schema: Option<String>,
}

pub(in crate::pages) async fn policies(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(database): Path<String>,
    Query(elsewhere): Query<Elsewhere>,
) -> Page {
    if let Some(schema) = elsewhere.schema {
        let (database, _) = parts(&database);
        let there = match schema.trim() {
            "" | DEFAULT_SCHEMA => database.to_owned(),
            schema => format!("{database}:{schema}"),
        };
        return Ok(Redirect::to(&format!("/retention/{}", encoded(&there))).into_response());
    }
    let policies = listed(&web, &identity, &database, PolicyChoice::default()).await?;
    let mut findings: HashMap<String, Vec<PolicyFinding>> = HashMap::new();
    if !policies.is_empty() {
        let choice = PolicyChoice::default();
        let RetentionAnswer::Checked(list) =
            ask(&web, &identity, &database, RetentionCall::Check { choice }).await?
        else {
            return Err(foreign().into());
        };
        for finding in list.findings {
            findings.entry(finding.policy.clone()).or_default().push(finding);
        }
    }
    let call = RetentionCall::History { limit: ENTRIES };
    let RetentionAnswer::History(history) = ask(&web, &identity, &database, call).await? else {
        return Err(foreign().into());
    };
    let now = web.now();
    let rows: Vec<Vec<Markup>> = policies
        .iter()
        .map(|policy| row(&identity, &database, policy, findings.get(&policy.name)))
        .collect();
    let entries: Vec<Vec<Markup>> = history.entries.iter().map(|entry| told(entry, now)).collect();
    let add = format!("/retention/{}/new", encoded(&database));
    let body = html! {
        @if rows.is_empty() {
            (nothing("No policy says how long rows are kept, so all of them are.", &html! { a href=(add) { "Add a policy" } }))
        } @else {
            (table("Policies", COLUMNS, &rows))
            div.actions {
                (preview(&identity, &database, &[], "Show what would go by all"))
                a.button href=(add) { "Add a policy" }
            }
        }
        @if !entries.is_empty() {
            section aria-labelledby="history" {
                h2 #history { "What was done" }
                (table("What was done", HISTORY, &entries))
            }
        }
        (elsewhere_form(&database))
    };
    Ok(page(
        &identity,
        "/retention",
        &format!("Policies of {database}"),
        body,
    ))
}

/// Tenants may have policies of their own, in schemas of their own.
fn elsewhere_form(place: &str) -> Markup {
    let (database, schema) = parts(place);
    html! {
        form.narrow method="get" action={ "/retention/" (encoded(database)) } {
            label for="schema" { "Schema that has the policies" }
            input #schema type="text" name="schema" value=(schema) required;
            button.quiet type="submit" { "Show its policies" }
        }
    }
}

pub(super) async fn listed(
    web: &Web,
    identity: &Identity,
    database: &str,
    choice: PolicyChoice,
) -> Result<Vec<Policy>, Failure> {
    match ask(web, identity, database, RetentionCall::List { choice }).await? {
        RetentionAnswer::Policies(list) => Ok(list.policies),
        _ => Err(foreign()),
    }
}

/// Where something about a policy is.
pub(super) fn address(database: &str, policy: &str, verb: &str) -> String {
    format!("/retention/{}/{}/{verb}", encoded(database), encoded(policy))
}

/// Makes the plan of these policies, of all when none is named.
fn preview(identity: &Identity, database: &str, policies: &[&str], words: &str) -> Markup {
    let label = policies.first().map_or_else(
        || words.to_owned(),
        |policy| format!("{words}: what would go by {policy}"),
    );
    html! {
        form method="post" action="/plans" {
            (form_token(identity))
            input type="hidden" name="action" value="retention";
            input type="hidden" name="database" value=(database);
            @for policy in policies { input type="hidden" name="policy" value=(policy); }
            button.quiet type="submit" aria-label=(label) { (words) }
        }
    }
}

fn row(
    identity: &Identity,
    database: &str,
    policy: &Policy,
    findings: Option<&Vec<PolicyFinding>>,
) -> Vec<Markup> {
    let findings = findings.map_or(&[][..], Vec::as_slice);
    let (tone, word) = match findings.iter().map(|finding| finding.fatal).max() {
        None => (Tone::Good, "yes"),
        Some(false) => (Tone::Doubtful, "look at it"),
        Some(true) => (Tone::Bad, "cannot work"),
    };
    vec![
        html! {
            a href=(address(database, &policy.name, "edit")) { (policy.name) }
            @for tag in &policy.tags { " " span.tag { (tag) } }
        },
        html! { code { (policy.table) } p.reason { "by " code { (policy.column) } } },
        html! { (policy.keep) @if policy.time_zone != "UTC" { p.reason { "in " (policy.time_zone) } } },
        html! {
            (policy.strategy.about())
            @if let Some(target) = &policy.target { p.reason { "to " code { (target) } } }
        },
        html! { (badge(tone, word)) @for finding in findings { p.reason { (code(&finding.text)) } } },
        html! {
            div.actions {
                (preview(identity, database, &[policy.name.as_str()], "Preview"))
                a.button.quiet href=(address(database, &policy.name, "edit")) aria-label={ "Change " (policy.name) } { "Change" }
                a.button.danger href=(address(database, &policy.name, "remove")) aria-label={ "Remove " (policy.name) } { "Remove" }
            }
        },
    ]
}

fn told(entry: &RetentionEntry, now: Timestamp) -> Vec<Markup> {
    vec![
        when(now, entry.at),
        html! { (entry.policy) },
        html! {
            (entry.action)
            @if let Some(item) = &entry.item { p.reason { (item) } }
            @if let Some(error) = &entry.error { p.reason { (error) } }
        },
        html! { @match entry.rows { Some(rows) => (rows), None => "–" } },
        html! { (entry.who) },
    ]
}
