//! Coming in and leaving.

use std::net::SocketAddr;

use axum::Form;
use axum::extract::{ConnectInfo, Extension, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode, header};
use maud::{Markup, html};
use ostler_vocabulary::Secret;

use super::frame;
use super::{Page, sent_by};
use crate::access::{Identity, Role};
use crate::guard::{SESSION, by_token as whose, session};
use crate::serve::Web;
use crate::v1::Pairs;

/// How long the browser keeps the cookie; the server decides for itself.
const SECONDS: u32 = 7 * 24 * 60 * 60;

pub(super) async fn ask() -> Response {
    form(None)
}

fn form(wrong: Option<Markup>) -> Response {
    frame::bare(
        "Sign in",
        html! {
            @if let Some(wrong) = &wrong { div.note.bad role="alert" { (wrong) } }
            form.narrow method="post" action="/sign-in" {
                label for="token" { "Token" }
                input #token name="token" type="password" autocomplete="current-password" required
                    aria-describedby="token-help";
                p.help #token-help {
                    code { "ostler token link" } " on the server's machine prints a link that signs you in; "
                    code { "ostler token add NAME" } " makes a token."
                }
                button type="submit" { "Sign in" }
            }
        },
    )
}

pub(super) async fn by_token(
    State(web): State<Web>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Form(sent): Form<Pairs>,
) -> Page {
    let token = sent.one("token")?.unwrap_or_default().trim().to_owned();
    match whose(&web, token, from.ip()).await {
        Ok(identity) => {
            let Identity { name, role, .. } = identity;
            let session = web.access(move |access| access.new_session(&name, role)).await?;
            Ok(welcome(&session))
        }
        Err(problem) => {
            let wrong = html! {
                p { strong { (problem.failure()) } }
                @if problem.status() == StatusCode::TOO_MANY_REQUESTS {
                    @if let Some(hint) = problem.failure().hint() { p { (hint) } }
                }
            };
            Ok((problem.status(), form(Some(wrong))).into_response())
        }
    }
}

/// A link is used by a button, not by being looked at: programs that look at links in advance leave it as it is.
pub(super) async fn offer(Path(link): Path<String>) -> Response {
    frame::bare(
        "Welcome",
        html! {
            p { "This link signs this browser in, once." }
            form.narrow method="post" action={ "/enter/" (frame::encoded(&link)) } {
                button type="submit" { "Sign in" }
            }
        },
    )
}

pub(super) async fn by_link(
    State(web): State<Web>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Path(link): Path<String>,
) -> Page {
    let now = web.clock().monotonic();
    if let Some(wait) = web.throttle().wait(from.ip(), now) {
        return Err(crate::problem::Problem::too_many(wait.as_secs() + 1).into());
    }
    match web.access(move |access| access.enter(&link)).await? {
        Some(session) => Ok(welcome(&session)),
        None => {
            web.throttle().failed(from.ip(), now);
            let wrong = html! {
                p { strong { "This link does not work any more." } }
                p { "Links work once, for an hour. " code { "ostler token link" } " on the server's machine prints another." }
            };
            Ok((StatusCode::FORBIDDEN, form(Some(wrong))).into_response())
        }
    }
}

fn welcome(session: &Secret) -> Response {
    let cookie = format!(
        "{SESSION}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={SECONDS}",
        session.reveal()
    );
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

pub(super) async fn leave(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    headers: HeaderMap,
    Form(sent): Form<Pairs>,
) -> Page {
    sent_by(&identity, &sent, Role::Viewer)?;
    if let Some(session) = session(&headers) {
        web.access(move |access| access.end_session(&session)).await?;
    }
    let cookie = format!("{SESSION}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response())
}
