//! Is everything set up as it should be?

use std::collections::BTreeSet;
use std::time::Duration;

use axum::extract::{Extension, Query, State};
use maud::{Markup, html};
use ostler_api::document::Connection;
use ostler_vocabulary::humane::duration;

use super::Page;
use super::fault::{code, explained};
use super::frame::{Tone, badge, encoded, operates, page};
use super::table::{Column, table};
use super::vaults::{asked, health};
use crate::access::{Identity, Role};
use crate::serve::Web;
use crate::v1::Pairs;

pub(super) async fn show(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Query(pairs): Query<Pairs>,
) -> Page {
    let vaults = asked(&web, &identity).await?;
    let connections = match pairs.is_on("connect")? && operates(&identity) {
        true => Some(web.client(&identity).connections().await?.connections),
        false => None,
    };
    let people = match identity.role >= Role::Admin {
        true => Some(
            web.access(|access| Ok((access.users()?, access.tokens()?)))
                .await?,
        ),
        false => None,
    };
    let silent = connections.iter().flatten().any(|one| !one.ok);
    let vaults_are = vaults.iter().map(|(_, info)| health(info).0);
    let worst = vaults_are
        .chain(silent.then_some(Tone::Bad))
        .max()
        .unwrap_or(Tone::Good);
    let verdict = match worst {
        Tone::Good | Tone::Plain if connections.is_some() => "All of it answers, and nothing is doubtful.",
        Tone::Good | Tone::Plain => "Every vault opens, and nothing is doubtful.",
        Tone::Doubtful => "It works, and something should be looked at.",
        Tone::Bad => "Something does not work.",
    };
    let body: Markup = html! {
        p.lead { (badge(worst, if worst > Tone::Plain { "not in order" } else { "in order" })) " " (verdict) }
        section aria-labelledby="checks" {
            h2 #checks { "Vaults" }
            @if vaults.is_empty() { p { "None is there yet; the first backup makes one." } }
            ul.plain-list {
                @for (summary, info) in &vaults {
                    @let (tone, word) = health(info);
                    li {
                        (badge(tone, word)) " " a href={ "/vaults/" (encoded(&summary.name)) } { (summary.name) }
                        " " span.paths.muted { (summary.location) }
                        @match info {
                            Ok(info) => { @for warning in &info.warnings { p.reason { (code(warning)) } } }
                            Err(failure) => { (explained(failure)) }
                        }
                    }
                }
            }
        }
        section aria-labelledby="connections" {
            h2 #connections { "Everything that the configuration names" }
            @match &connections {
                Some(connections) => { (reached(connections)) }
                None if operates(&identity) => {
                    form method="get" action="/settings" {
                        input type="hidden" name="connect" value="true";
                        button type="submit" { "Ask all of it for an answer" }
                    }
                    p.help { "The state, vaults, databases and nodes; changes nothing." }
                }
                None => { p { "An operator can ask all of it for an answer." } }
            }
        }
        @if let Some((users, tokens)) = &people {
            section aria-labelledby="people" {
                h2 #people { "Who may come in" }
                @if users.is_empty() { p { "No user was added; " code { "ostler user add NAME" } " adds one." } }
                @if tokens.is_empty() { p { "No token was made; " code { "ostler token add NAME" } " makes one." } }
                ul.plain-list {
                    @for user in users { (one("user", &user.name, user.role, user.clusters.as_ref())) }
                    @for token in tokens { (one("token", &token.name, token.role, token.clusters.as_ref())) }
                }
            }
        }
        p.muted { code { "ostler config show" } " prints every setting with where it comes from." }
    };
    Ok(page(&identity, "/settings", "Settings", body))
}

fn reached(connections: &[Connection]) -> Markup {
    let columns = [
        Column("What", false),
        Column("State", false),
        Column("Where", false),
        Column("What it said", false),
        Column("Took", true),
    ];
    let row = |one: &Connection| {
        let (tone, word) = match one.ok {
            true => (Tone::Good, "answers"),
            false => (Tone::Bad, "not as it should be"),
        };
        vec![
            html! { (one.kind.as_str()) " " (one.name) },
            badge(tone, word),
            html! { span.paths { (one.at) } },
            html! { (one.said.join(": ")) @if let Some(hint) = &one.hint { p.reason { (code(hint)) } } },
            html! { (duration(Duration::from_millis(one.took_ms))) },
        ]
    };
    let rows: Vec<Vec<Markup>> = connections.iter().map(row).collect();
    table("Connections", &columns, &rows)
}

fn one(kind: &str, name: &str, role: Role, clusters: Option<&BTreeSet<String>>) -> Markup {
    html! {
        li {
            (kind) " " strong { (name) } " " span.tag { (role) }
            @for cluster in clusters.into_iter().flatten() { " " span.tag { "cluster " (cluster) } }
        }
    }
}
