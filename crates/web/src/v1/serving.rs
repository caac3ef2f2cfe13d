//! Webhooks and metrics.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use http::header;
use ostler_api::metrics::{Metrics, prometheus};
use ostler_api::webhook::{WebhookAnswer, WebhookCall};

use super::json;
use crate::access::{Identity, Role};
use crate::guard::may;
use crate::problem::Problem;
use crate::serve::Web;

/// The text format that Prometheus reads.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn webhook(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    body: Bytes,
) -> Result<Json<WebhookAnswer>, Problem> {
    let call: WebhookCall = json(&body)?;
    may(&identity, Role::needed_for_webhook(&call))?;
    Ok(Json(web.client().webhook(call).await?))
}

pub(super) async fn metrics(State(web): State<Web>) -> Result<Json<Metrics>, Problem> {
    Ok(Json(web.client().metrics(false).await?))
}

pub(super) async fn refresh(State(web): State<Web>) -> Result<Json<Metrics>, Problem> {
    Ok(Json(web.client().metrics(true).await?))
}

pub(super) async fn scrape(State(web): State<Web>) -> Result<Response, Problem> {
    let metrics = web.client().metrics(false).await?;
    Ok(([(header::CONTENT_TYPE, PROMETHEUS)], prometheus(&metrics)).into_response())
}
