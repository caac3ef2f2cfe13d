//! Coming in and leaving.

use std::net::{IpAddr, SocketAddr};

use axum::Form;
use axum::extract::{ConnectInfo, Extension, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode, header};
use maud::{Markup, html};
use ostler_api::audit::By;
use ostler_vocabulary::{ErrorKind, Failure, Secret};

use super::frame;
use super::{Page, sent_by};
use crate::access::{Guesser, Identity, Role};
use crate::guard::{SESSION, by_password, by_token as whose, may_try, session, tried};
use crate::problem::Problem;
use crate::serve::Web;
use crate::v1::Pairs;
use crate::witness::Door;

/// How long the browser keeps the cookie; the server decides for itself.
const SECONDS: u32 = 7 * 24 * 60 * 60;

pub(super) async fn ask() -> Response {
    form(None, "")
}

/// The form, with what was wrong and the name that was typed.
fn form(wrong: Option<Markup>, name: &str) -> Response {
    frame::bare(
        "Sign in",
        html! {
            @if let Some(wrong) = &wrong { div.note.bad role="alert" { (wrong) } }
            form.narrow method="post" action="/sign-in" {
                label for="name" { "Name" }
                input #name name="name" type="text" autocomplete="username" autocapitalize="none" required value=(name);
                label for="password" { "Password" }
                input #password name="password" type="password" autocomplete="current-password" required;
                button type="submit" { "Sign in" }
            }
            details open[wrong.is_some() && name.is_empty()] {
                summary { "With a token instead" }
                form.narrow method="post" action="/sign-in" {
                    label for="token" { "Token" }
                    input #token name="token" type="password" autocomplete="off" required aria-describedby="token-help";
                    p.help #token-help {
                        "On the server's machine " code { "ostler user add NAME" } " adds a user, "
                        code { "ostler token add NAME" } " makes a token, and " code { "ostler token link" }
                        " prints a link that signs you in."
                    }
                    button type="submit" { "Sign in with the token" }
                }
            }
        },
    )
}

pub(super) async fn by_secret(
    State(web): State<Web>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Form(sent): Form<Pairs>,
) -> Page {
    let name = sent.one("name")?.unwrap_or_default().trim().to_owned();
    let came_in = match sent.one("password")? {
        Some(password) => by_password(&web, name.clone(), Secret::new(password), from.ip()).await,
        None => by_token(&web, sent.one("token")?.unwrap_or_default(), from.ip()).await,
    };
    match came_in {
        Ok(session) => Ok(welcome(&web, &session, from.ip()).await),
        Err(problem) => {
            let wrong = html! {
                p { strong { (problem.failure()) } }
                @if problem.status() == StatusCode::TOO_MANY_REQUESTS {
                    @if let Some(hint) = problem.failure().hint() { p { (hint) } }
                }
            };
            Ok((problem.status(), form(Some(wrong), &name)).into_response())
        }
    }
}

async fn by_token(web: &Web, token: &str, from: IpAddr) -> Result<Secret, Problem> {
    let identity = whose(web, token.trim().to_owned(), from, Door::Dashboard).await?;
    Ok(web.access(move |access| access.new_session(&identity)).await?)
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
    let guesser = [Guesser::at(from.ip())];
    if let Err(problem) = may_try(&web, &guesser) {
        web.stayed_out(By::Link, None, from.ip(), Door::Dashboard, problem.failure())
            .await;
        return Err(problem.into());
    }
    match web.access(move |access| access.enter(&link)).await? {
        Some(session) => Ok(welcome(&web, &session, from.ip()).await),
        None => {
            tried(&web, guesser, false);
            let why = Failure::new(ErrorKind::Denied, "the link does not work any more");
            web.stayed_out(By::Link, None, from.ip(), Door::Dashboard, &why)
                .await;
            let wrong = html! {
                p { strong { "This link does not work any more." } }
                p { "Links work once, for an hour. " code { "ostler token link" } " on the server's machine prints another." }
            };
            Ok((StatusCode::FORBIDDEN, form(Some(wrong), "")).into_response())
        }
    }
}

async fn welcome(web: &Web, session: &Secret, from: IpAddr) -> Response {
    web.came_in(session, from).await;
    let cookie = cookie(web, session.reveal(), SECONDS);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

/// The cookie of a session. Where it was given by TLS, it is never sent without.
fn cookie(web: &Web, session: &str, seconds: u32) -> String {
    let secure = if web.is_encrypted() { "; Secure" } else { "" };
    format!("{SESSION}={session}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
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
    Ok((
        [(header::SET_COOKIE, cookie(&web, "", 0))],
        Redirect::to("/sign-in"),
    )
        .into_response())
}
