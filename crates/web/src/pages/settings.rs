//! Is everything set up as it should be?

use std::collections::BTreeSet;

use axum::extract::{Extension, State};
use maud::{Markup, html};

use super::Page;
use super::fault::{code, explained};
use super::frame::{Tone, badge, encoded, page};
use super::vaults::{asked, health};
use crate::access::{Identity, Role};
use crate::serve::Web;

pub(super) async fn show(State(web): State<Web>, Extension(identity): Extension<Identity>) -> Page {
    let vaults = asked(&web, &identity).await?;
    let people = match identity.role >= Role::Admin {
        true => Some(
            web.access(|access| Ok((access.users()?, access.tokens()?)))
                .await?,
        ),
        false => None,
    };
    let worst = vaults
        .iter()
        .map(|(_, info)| health(info).0)
        .max()
        .unwrap_or(Tone::Good);
    let verdict = match worst {
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

fn one(kind: &str, name: &str, role: Role, clusters: Option<&BTreeSet<String>>) -> Markup {
    html! {
        li {
            (kind) " " strong { (name) } " " span.tag { (role) }
            @for cluster in clusters.into_iter().flatten() { " " span.tag { "cluster " (cluster) } }
        }
    }
}
