//! What every request passes: the name it calls us by, who asks, and whether a browser was made to ask by another site.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use ostler_api::audit::By;
use ostler_vocabulary::{ErrorKind, Failure, Secret};

use crate::access::{Guesser, Identity, Reach, Role, same};
use crate::problem::{Problem, in_full};
use crate::refusal::Refusal;
use crate::scoped::outside;
use crate::serve::Web;
use crate::witness::{Door, refusal};

/// The cookie of a browser that signed in.
pub(crate) const SESSION: &str = "ostler_session";
/// What scripts send instead of a field of a form.
pub(crate) const FORM_TOKEN: &str = "x-ostler-form-token";

/// Nothing of another site is loaded, ours is in no frame, and no script or style but our files runs.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Refuses names that are not ours, and adds the headers that all answers have.
pub(crate) async fn every_answer(State(web): State<Web>, request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let mut response = if from_elsewhere(&request) {
        let failure = Refusal::failure(
            "another site made the browser send this; nothing was done",
            "open the page itself and repeat what you did",
        );
        Problem::from(failure).into_response()
    } else if host.is_some_and(|host| is_ours(host, web.names())) {
        next.run(request).await
    } else {
        let failure = Refusal::failure(
            "this server is not known by that name",
            "use its address, or start it with `--name NAME`",
        );
        Problem::from(failure).into_response()
    };
    response = in_full(response).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Whether a browser says that a page of another origin wants something changed.
fn from_elsewhere(request: &Request) -> bool {
    let site = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
    changes(request.method()) && matches!(site, Some(b"cross-site" | b"same-site"))
}

/// Whether a `Host` header is an address, `localhost`, or one of these names.
fn is_ours(host: &str, names: &[String]) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Who asks; `None` when nobody says.
pub(crate) async fn who(
    web: &Web,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<Option<Identity>, Problem> {
    if let Some(token) = bearer(headers) {
        return by_token(web, token, address, Door::Api).await.map(Some);
    }
    let Some(session) = session(headers) else {
        return Ok(None);
    };
    let found = web.access(move |access| access.by_session(&session)).await?;
    Ok(found.map(|identity| from(identity, address)))
}

fn from(identity: Identity, address: IpAddr) -> Identity {
    Identity {
        address: Some(address),
        ..identity
    }
}

/// Whose token it is. Who guesses waits.
pub(crate) async fn by_token(
    web: &Web,
    token: String,
    address: IpAddr,
    door: Door,
) -> Result<Identity, Problem> {
    let found = async {
        let guesser = [Guesser::at(address)];
        may_try(web, &guesser)?;
        let found = web.access(move |access| access.by_token(&token)).await?;
        tried(web, guesser, found.is_some());
        found
            .map(|identity| from(identity, address))
            .ok_or_else(|| Problem::nobody("no such token"))
    };
    let found = found.await;
    if let Err(problem) = &found {
        web.stayed_out(By::Token, None, address, door, problem.failure())
            .await;
    }
    found
}

/// A session for who has this name and password. Who guesses waits: wherever they ask from, and whoever they say they are.
pub(crate) async fn by_password(
    web: &Web,
    name: String,
    password: Secret,
    address: IpAddr,
) -> Result<Secret, Problem> {
    let asked = name.clone();
    let session = async {
        let guessers = [Guesser::at(address), Guesser::named(&name)];
        may_try(web, &guessers)?;
        // Hashing a password takes memory and time: a few at once are enough.
        let turn = web.password_turn().await;
        let session = web.access(move |access| access.sign_in(&name, &password)).await?;
        drop(turn);
        tried(web, guessers, session.is_some());
        session.ok_or_else(|| Problem::nobody("the name or the password is wrong"))
    };
    let session = session.await;
    if let Err(problem) = &session {
        web.stayed_out(
            By::User,
            Some(&asked),
            address,
            Door::Dashboard,
            problem.failure(),
        )
        .await;
    }
    session
}

/// Refuses who failed too often and does not wait.
pub(crate) fn may_try(web: &Web, guessers: &[Guesser]) -> Result<(), Problem> {
    let now = web.clock().monotonic();
    let wait = guessers
        .iter()
        .filter_map(|guesser| web.throttle().wait(guesser, now))
        .max();
    match wait {
        Some(wait) => Err(Problem::too_many(wait.as_secs() + 1)),
        None => Ok(()),
    }
}

/// Remembers how an attempt ended.
pub(crate) fn tried(web: &Web, guessers: impl IntoIterator<Item = Guesser>, came_in: bool) {
    let now = web.clock().monotonic();
    for guesser in guessers {
        match came_in {
            true => web.throttle().succeeded(&guesser),
            false => web.throttle().failed(guesser, now),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

/// The secret in the session's cookie.
pub(crate) fn session(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(SESSION)?.strip_prefix('='))
        .map(str::to_owned)
}

/// Where a request came from.
pub(crate) fn address(request: &Request) -> IpAddr {
    request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::from([0, 0, 0, 0]), |info| info.0.ip())
}

/// Lets those in whose role is enough, and tells the handler who they are.
pub(crate) async fn api(web: Web, needed: (Role, Reach), request: Request, next: Next) -> Response {
    // A request cannot be shared between threads, so what is needed of it is taken out before anything waits.
    let (headers, address) = (request.headers().clone(), address(&request));
    match who(&web, &headers, address).await {
        Ok(Some(identity)) => {
            let sent = headers.get(FORM_TOKEN).and_then(|value| value.to_str().ok());
            let admitted = match changes(request.method()) {
                true => check_form(&identity, sent),
                false => Ok(()),
            };
            let refuse = |failure| Problem::from(failure).into_response();
            as_admitted(web, identity, needed, admitted, request, next, refuse).await
        }
        Ok(None) => Problem::nobody("this needs a token").into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// Lets somebody on whose role and reach are enough. What is refused to them is seen, here and later; a change that they ask
/// for is made, though they go away meanwhile.
pub(crate) async fn as_admitted(
    web: Web,
    identity: Identity,
    (role, reach): (Role, Reach),
    admitted: Result<(), Failure>,
    mut request: Request,
    next: Next,
    refuse: impl FnOnce(Failure) -> Response,
) -> Response {
    let asked = format!("{} {}", request.method(), request.uri().path());
    let admitted = admitted
        .and_then(|()| may(&identity, role))
        .and_then(|()| reaches(&identity, reach));
    let answer = match admitted {
        Err(failure) => refuse(failure),
        Ok(()) => {
            let changes = changes(request.method());
            request.extensions_mut().insert(identity.clone());
            match changes {
                false => next.run(request).await,
                true => web.carried(next.run(request)).await.unwrap_or_else(|| {
                    let failure = Failure::new(ErrorKind::Unavailable, "the server ended over this");
                    Problem::from(failure).into_response()
                }),
            }
        }
    };
    if let Some(why) = refusal(&answer) {
        web.refused(&identity, &asked, &why).await;
    }
    answer
}

/// Whether a request with this method may change something.
pub(crate) fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

/// Refuses what came by a session's cookie without what only our own pages know.
pub(crate) fn check_form(identity: &Identity, sent: Option<&str>) -> Result<(), Failure> {
    match (&identity.form_token, sent) {
        (None, _) => Ok(()),
        (Some(expected), Some(sent)) if same(expected, sent) => Ok(()),
        _ => Err(Refusal::failure(
            "the form is not from this session, so nothing was done",
            "load the page again and repeat what you did",
        )),
    }
}

/// Refuses whoever may not see all of that.
pub(crate) fn reaches(identity: &Identity, reach: Reach) -> Result<(), Failure> {
    match identity.scope.clusters() {
        Some(clusters) if !identity.scope.covers(reach) => Err(outside(clusters, "this")),
        _ => Ok(()),
    }
}

/// Refuses whoever may not.
pub(crate) fn may(identity: &Identity, role: Role) -> Result<(), Failure> {
    if identity.role >= role {
        return Ok(());
    }
    let Identity { name, role: has, .. } = identity;
    Err(Refusal::failure(
        format!("`{name}` is a {has}, and this is for the role {role}"),
        "ask an admin for a token of that role",
    ))
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn addresses_and_known_names_are_ours_and_no_others() {
        let names = ["backup.example".to_owned()];
        for host in [
            "127.0.0.1:7070",
            "[::1]:7070",
            "10.1.2.3",
            "localhost",
            "LOCALHOST:7070",
            "backup.example:443",
        ] {
            assert!(is_ours(host, &names), "{host}");
        }
        for host in [
            "evil.example:7070",
            "",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "[::1",
        ] {
            assert!(!is_ours(host, &names), "{host}");
        }
    }
}
