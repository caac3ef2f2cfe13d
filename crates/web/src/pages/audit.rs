//! The audit log: who changed what, from what to what.

use axum::extract::{Extension, Query, State};
use maud::{Markup, html};
use ostler_api::audit::{AuditQuery, AuditState, AuditedChange};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};
use serde_json::Value;

use super::Page;
use super::frame::{Tone, badge, encoded, nothing, page, when};
use super::table::{Column, table};
use crate::access::Identity;
use crate::serve::Web;
use crate::v1::Pairs;

const ROWS: usize = 50;

const COLUMNS: &[Column] = &[
    Column("When", false),
    Column("Who", false),
    Column("What", false),
    Column("How it went", false),
    Column("From what to what", false),
];

pub(super) async fn show(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Query(pairs): Query<Pairs>,
) -> Page {
    let below = pairs.one("below")?.map(str::parse).transpose();
    let query = AuditQuery {
        below: below.map_err(|_| Failure::new(ErrorKind::Invalid, "the place in the log is not a number"))?,
        who: pairs.one("who")?.map(str::to_owned),
        what: pairs.one("what")?.map(str::to_owned),
        ..AuditQuery::newest(ROWS + 1)
    };
    let mut changes = web.client(&identity).audit(&query).await?.changes;
    let more = changes.len() > ROWS;
    changes.truncate(ROWS);
    let now = web.now();
    let rows: Vec<Vec<Markup>> = changes.iter().map(|change| row(change, now)).collect();
    let body = html! {
        (form(&query))
        @if rows.is_empty() {
            (nothing("Nobody changed anything.", &html! { "What somebody starts, stops or changes is written down here." }))
        } @else {
            (table("Changes", COLUMNS, &rows))
            @if let Some(last) = changes.last().filter(|_| more) {
                p { a href=(earlier(&query, last.number)) { "Earlier changes" } }
            }
        }
    };
    Ok(page(&identity, "/audit", "Audit", body))
}

fn form(query: &AuditQuery) -> Markup {
    html! {
        form.narrow method="get" action="/audit" role="search" {
            label for="who" { "Who" }
            input #who name="who" type="text" value=[query.who.as_deref()];
            label for="what" { "What" }
            input #what name="what" type="text" value=[query.what.as_deref()];
            button.quiet type="submit" { "Narrow" }
        }
    }
}

fn earlier(query: &AuditQuery, below: u64) -> String {
    let mut address = format!("/audit?below={below}");
    for (name, value) in [("who", &query.who), ("what", &query.what)] {
        if let Some(value) = value {
            address.push_str(&format!("&{name}={}", encoded(value)));
        }
    }
    address
}

fn row(change: &AuditedChange, now: Timestamp) -> Vec<Markup> {
    let tone = match change.state {
        AuditState::Done => Tone::Good,
        AuditState::Asked => Tone::Doubtful,
        AuditState::Refused => Tone::Bad,
    };
    vec![
        when(now, change.at),
        html! {
            (change.by.who)
            p.reason { "by " (change.by.by.as_str()) @if let Some(address) = change.by.address { " from " (address) } }
        },
        html! { strong { (change.action) } p.reason { (change.object) } },
        html! {
            (badge(tone, change.state.as_str()))
            @if let Some(failure) = &change.failure { p.reason { (failure) } }
        },
        html! {
            @if change.before.is_some() || change.after.is_some() {
                details {
                    summary aria-label={ "Show change " (change.number) } { "Show" }
                    (document("Before", change.before.as_ref()))
                    (document("After", change.after.as_ref()))
                }
            } @else { "–" }
        },
    ]
}

fn document(name: &str, value: Option<&Value>) -> Markup {
    html! {
        @if let Some(value) = value {
            p { (name) ":" }
            pre tabindex="0" aria-label=(name) { (serde_json::to_string_pretty(value).unwrap_or_default()) }
        }
    }
}
