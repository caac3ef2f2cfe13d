//! Is everything set up as it should be?

use axum::extract::{Extension, State};
use maud::{Markup, html};

use super::Page;
use super::fault::{code, explained};
use super::frame::{Tone, badge, encoded, page};
use super::vaults::{asked, health};
use crate::access::{Identity, Role};
use crate::serve::Web;

pub(super) async fn show(State(web): State<Web>, Extension(identity): Extension<Identity>) -> Page {
    let vaults = asked(&web).await?;
    let tokens = match identity.role >= Role::Admin {
        true => Some(web.access(|access| access.tokens()).await?),
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
        @if let Some(tokens) = &tokens {
            section aria-labelledby="tokens" {
                h2 #tokens { "Who may come in" }
                @if tokens.is_empty() { p { "No token was made; " code { "ostler token add NAME" } " makes one." } }
                ul.plain-list {
                    @for token in tokens { li { (token.name) " " span.tag { (token.role) } } }
                }
            }
        }
        p.muted { code { "ostler config show" } " prints every setting with where it comes from." }
    };
    Ok(page(&identity, "/settings", "Settings", body))
}
