//! The dashboard: pages made on the server, for people.
//!
//! Every page works without scripts; one script shows progress as it happens. Nothing is loaded from elsewhere. What
//! changes something is a form with the session's token.

mod assets;
mod backup;
mod backups;
mod calendar;
mod chart;
mod fault;
mod files;
mod frame;
mod health;
mod operations;
mod overview;
mod plan;
mod request;
mod schedules;
mod settings;
mod sign_in;
mod source;
mod table;
mod vaults;
mod webhooks;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use ostler_vocabulary::{ErrorKind, Failure};

use crate::access::{Identity, Role};
use crate::guard::{self, check_form, may};
use crate::serve::Web;
use crate::v1::Pairs;
use fault::Fault;

/// What a page is made of, or why it is not.
type Page = Result<Response, Fault>;

pub(crate) fn router(web: &Web) -> Router<Web> {
    let signed_in = Router::new()
        .route("/", get(overview::show))
        .route("/backups", get(backups::show))
        .route("/backups/new", get(request::new_backup))
        .route("/backups/{vault}/{backup}", get(backup::show))
        .route("/backups/{vault}/{backup}/files", get(files::show))
        .route("/backups/{vault}/{backup}/file", get(files::download))
        .route("/backups/{vault}/{backup}/hold", post(backup::hold))
        .route("/plans", post(plan::show))
        .route("/operations", get(operations::list).post(operations::start))
        .route("/operations/{operation}", get(operations::show))
        .route("/operations/{operation}/cancel", post(operations::cancel))
        .route("/operations/{operation}/resume", post(operations::resume))
        .route("/schedules", get(schedules::show))
        .route("/schedules/{schedule}/{verb}", post(schedules::change))
        .route("/webhooks", get(webhooks::show))
        .route("/webhooks/{webhook}/{verb}", post(webhooks::change))
        .route("/vaults", get(vaults::list))
        .route("/vaults/{vault}", get(vaults::show))
        .route("/settings", get(settings::show))
        .route("/sign-out", post(sign_in::leave))
        .layer(middleware::from_fn_with_state(web.clone(), only_signed_in));
    Router::new()
        .route("/sign-in", get(sign_in::ask).post(sign_in::by_token))
        .route("/enter/{link}", get(sign_in::offer).post(sign_in::by_link))
        .route("/assets/{name}", get(assets::show))
        .merge(signed_in)
}

/// Lets those in who signed in, and asks others to.
async fn only_signed_in(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let (headers, address) = (request.headers().clone(), guard::address(&request));
    match guard::who(&web, &headers, address).await {
        Ok(Some(identity)) => {
            request.extensions_mut().insert(identity);
            next.run(request).await
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
