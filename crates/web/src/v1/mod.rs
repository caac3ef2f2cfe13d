//! Version 1 of the API: one table of routes, from which the router and the OpenAPI document are made.

mod backups;
mod clusters;
mod events;
mod openapi;
mod operations;
mod paging;
mod query;
mod serving;
mod table;
mod vaults;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::routing::MethodRouter;
use ostler_vocabulary::{ErrorKind, Failure};
use serde::de::DeserializeOwned;

pub use openapi::openapi;
pub(crate) use table::{Method, routes};

use crate::guard;
use crate::problem::Problem;
use crate::serve::Web;

pub(crate) use backups::{one_level, send};
pub(crate) use operations::{Creation, make_plan, newest, start};
pub(crate) use paging::{Paged, Wanted};
pub(crate) use query::Pairs;

/// What goes over the wire besides the documents, for the client of the same crate.
pub(crate) mod wire {
    pub(crate) use super::backups::{Marked, PROBLEM_TRAILER, Pair};
    pub(crate) use super::operations::{
        Creation, IDEMPOTENCY_KEY, Limited, QueueRequest, RetentionRequest, Started, Stop,
    };
    pub(crate) use super::vaults::DEFAULT;
}

pub(crate) fn router(web: &Web) -> Router<Web> {
    let mut router = Router::new();
    for route in routes() {
        let needed = (route.role, route.reach);
        let web = web.clone();
        let handler: MethodRouter<Web> = (route.handler)();
        let guarded = handler.layer(middleware::from_fn(move |request: Request, next: Next| {
            guard::api(web.clone(), needed, request, next)
        }));
        router = router.route(route.path, guarded);
    }
    router
}

/// A JSON body. What it should have been is said in the failure.
fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        Failure::new(ErrorKind::Invalid, error.to_string())
            .context("the body is not what this takes")
            .with_hint("docs/reference/api.json describes it")
            .into()
    })
}
