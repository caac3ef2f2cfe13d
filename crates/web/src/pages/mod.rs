//! The dashboard: pages made on the server, for people.
//!
//! Every page works without scripts; one script shows progress as it happens. Nothing is loaded from elsewhere. What
//! changes something is a form with the session's token.

mod assets;
mod audit;
mod backup;
mod backups;
mod calendar;
mod chart;
mod clusters;
mod exploration;
mod fault;
mod files;
mod form;
mod frame;
mod health;
mod keep;
mod operations;
mod overview;
mod plan;
mod request;
mod retention;
mod routes;
mod schedules;
mod settings;
mod sign_in;
mod source;
mod table;
mod vaults;
mod webhooks;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::MethodRouter;
use ostler_vocabulary::{ErrorKind, Failure};

use crate::access::{Identity, Reach, Role};
use crate::guard::{self, as_admitted, check_form, may};
use crate::serve::Web;
use crate::v1::Pairs;
use fault::Fault;
pub(crate) use routes::routes;

/// What a page is made of, or why it is not.
type Page = Result<Response, Fault>;

/// The table of pages in a router, each behind its rule.
pub(crate) fn router(web: &Web) -> Router<Web> {
    let mut router = Router::new();
    for route in routes() {
        let mut handler: MethodRouter<Web> = (route.handler)();
        if let Some(needed) = route.needed {
            let web = web.clone();
            handler = handler.layer(middleware::from_fn(move |request: Request, next: Next| {
                only_who_may(web.clone(), needed, request, next)
            }));
        }
        router = router.route(route.path, handler);
    }
    router
}

/// Lets those in who signed in and may, and asks others to sign in.
async fn only_who_may(web: Web, needed: (Role, Reach), request: Request, next: Next) -> Response {
    let (headers, address) = (request.headers().clone(), guard::address(&request));
    match guard::who(&web, &headers, address).await {
        Ok(Some(identity)) => {
            let refuse = |failure| Fault::from(failure).into_response();
            // Forms are checked for the session's token by their handlers, which read them.
            as_admitted(web, identity, needed, Ok(()), request, next, refuse).await
        }
        Ok(None) => Redirect::to("/sign-in").into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// A path that is nothing.
pub(crate) async fn nothing_here(request: Request) -> Response {
    let failure = Failure::new(
        ErrorKind::NotFound,
        format!("there is nothing at {}", request.uri().path()),
    );
    match request.uri().path().starts_with("/v1/") {
        true => crate::problem::Problem::from(failure).into_response(),
        false => Fault::from(failure).into_response(),
    }
}

/// Refuses a form that is not of this session, and whoever may not send it.
fn sent_by(identity: &Identity, form: &Pairs, role: Role) -> Result<(), Failure> {
    check_form(identity, form.one("form_token")?)?;
    may(identity, role)
}
