//! Webhooks, metrics, and who changed what.

use std::str::FromStr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Query, State};
use axum::response::{IntoResponse, Response};
use http::header;
use ostler_api::audit::{AuditList, AuditQuery};
use ostler_api::metrics::{Metrics, prometheus};
use ostler_api::webhook::{WebhookAnswer, WebhookCall};

use ostler_vocabulary::{ErrorKind, Failure};

use super::json;
use super::paging::{Paged, Wanted};
use super::query::Pairs;
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
    Ok(Json(web.client(&identity).webhook(call).await?))
}

pub(super) async fn audit(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Query(pairs): Query<Pairs>,
) -> Result<Json<Paged<AuditList>>, Problem> {
    let wanted = Wanted::of(&pairs)?;
    let query = AuditQuery {
        limit: wanted.limit.saturating_add(1),
        below: read(wanted.after.as_deref(), "cursor")?,
        since: read(pairs.one("since")?, "since")?,
        who: pairs.one("who")?.map(str::to_owned),
        what: pairs.one("what")?.map(str::to_owned),
    };
    let mut document = web.client(&identity).audit(&query).await?;
    let more = document.changes.len() > wanted.limit;
    document.changes.truncate(wanted.limit);
    let last = document.changes.last().filter(|_| more);
    let next = last.map(|last| last.number.to_string());
    Ok(Json(Paged { document, next }))
}

fn read<T: FromStr>(text: Option<&str>, name: &str) -> Result<Option<T>, Failure> {
    text.map(str::parse)
        .transpose()
        .map_err(|_| Failure::new(ErrorKind::Invalid, format!("parameter `{name}` cannot be read")))
}

pub(super) async fn metrics(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
) -> Result<Json<Metrics>, Problem> {
    Ok(Json(web.client(&identity).metrics(false).await?))
}

pub(super) async fn refresh(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
) -> Result<Json<Metrics>, Problem> {
    Ok(Json(web.client(&identity).metrics(true).await?))
}

pub(super) async fn scrape(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
) -> Result<Response, Problem> {
    let metrics = web.client(&identity).metrics(false).await?;
    Ok(([(header::CONTENT_TYPE, PROMETHEUS)], prometheus(&metrics)).into_response())
}
