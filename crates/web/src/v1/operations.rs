//! Plans, operations, and calls of databases.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use ostler_api::client::LimitChange;
use ostler_api::document::{OperationDetail, OperationList};
use ostler_api::queue::{DatabaseChoice, QueueAnswer, QueueCall};
use ostler_api::retention::{PolicyPlace, RetentionAnswer, RetentionCall};
use ostler_api::schedule::{ScheduleAnswer, ScheduleCall};
use ostler_api::{Client, Plan, Request};
use ostler_vocabulary::{ErrorKind, Failure, OperationCursor, OperationId, Timestamp};
use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::paging::{Paged, Wanted};
use super::query::Pairs;
use super::{events, json};
use crate::access::{Begun, Identity, Role};
use crate::guard::may;
use crate::problem::Problem;
use crate::serve::Web;

/// The header by which a request can be repeated.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Digits of a digest that are enough.
const DIGITS: usize = 8;
/// Characters of such a key at most.
const KEY: usize = 255;

/// The plan that is carried out, and where its outcome is sent.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Creation {
    /// The digest of a plan that the caller made here within a day; its first digits will do.
    pub digest: String,
    /// When that plan was made. A plan of the same digest that was made at another time is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_url: Option<String>,
}

/// A body that holds a plan, which is refused: what a client sends may differ from what was planned here.
#[derive(Debug, Deserialize)]
struct Posted {
    plan: Option<IgnoredAny>,
}

/// An operation that was started.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Started {
    pub operation: OperationId,
    pub url: String,
    pub events_url: String,
}

/// How an operation is stopped.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Stop {
    pub leave: bool,
}

/// Limits that an operation has now.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Limited {
    pub operation: OperationId,
    #[serde(flatten)]
    pub limits: LimitChange,
}

/// A call of a database's queues.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueueRequest {
    #[serde(default)]
    pub database: DatabaseChoice,
    pub call: QueueCall,
}

/// A call of a database's policies.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionRequest {
    pub place: PolicyPlace,
    pub call: RetentionCall,
}

pub(super) async fn plan(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    body: Bytes,
) -> Result<Json<Plan>, Problem> {
    let request: Request = json(&body)?;
    Ok(Json(make_plan(&web, &identity, request).await?))
}

pub(super) async fn create(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    if let Ok(Posted { plan: Some(_) }) = serde_json::from_slice(&body) {
        return Err(Failure::new(
            ErrorKind::Invalid,
            "a plan in the body is refused: only plans that this server made and kept are carried out",
        )
        .with_hint(
            "POST the request to /v1/plans and send the digest of the answer: {\"digest\": \"…\"}; \
             an `ostler --server` that sends plans is older than this server: upgrade it",
        )
        .into());
    }
    let creation: Creation = json(&body)?;
    if creation.result_url.is_some() {
        // It makes the server call an address.
        may(&identity, Role::Admin)?;
    }
    let key = match headers.get(IDEMPOTENCY_KEY) {
        None => None,
        Some(key) => match key.to_str() {
            Ok(key) if (1..=KEY).contains(&key.len()) => Some(key.to_owned()),
            _ => {
                let message = format!("the idempotency key is not 1 to {KEY} characters of ASCII");
                return Err(Failure::new(ErrorKind::Invalid, message).into());
            }
        },
    };
    let operation = match key {
        None => start(&web, &identity, creation).await?,
        Some(key) => once(&web, &identity, key, body, creation).await?,
    };
    let url = format!("/v1/operations/{operation}");
    let started = Started {
        operation,
        events_url: format!("{url}/events"),
        url: url.clone(),
    };
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, url)], Json(started)).into_response())
}

/// Makes a plan, and keeps it for its maker to approve.
pub(crate) async fn make_plan(web: &Web, identity: &Identity, request: Request) -> Result<Plan, Failure> {
    may(identity, Role::needed_for(&request))?;
    let plan = web.client(identity).plan(request).await?;
    let (maker, kept) = (identity.owner(), plan.clone());
    web.access(move |access| access.keep_plan(&maker, &kept)).await?;
    Ok(plan)
}

/// Starts the plan that its maker approved.
pub(crate) async fn start(
    web: &Web,
    identity: &Identity,
    creation: Creation,
) -> Result<OperationId, Failure> {
    let digest = creation.digest;
    if digest.len() < DIGITS {
        let message = format!("a digest is approved by {DIGITS} digits at least");
        return Err(Failure::new(ErrorKind::Invalid, message));
    }
    let (maker, wanted) = (identity.owner(), digest.clone());
    let plan = web
        .access(move |access| access.plan(&maker, &wanted))
        .await?
        .ok_or_else(|| {
            Failure::new(
                ErrorKind::NotFound,
                format!("you made no plan with the digest {digest} within a day"),
            )
            .with_hint("make the plan again, look at it, and approve that one")
        })?;
    if creation.made.is_some_and(|made| made != plan.made) {
        return Err(Failure::new(
            ErrorKind::Conflict,
            format!("a plan with the digest {digest} was made again at {}", plan.made),
        )
        .with_hint("make the plan again, look at it, and approve that one"));
    }
    may(identity, Role::needed_for(&plan.request))?;
    match creation.result_url {
        Some(url) => web.client(identity).start_with_callback(plan, url).await,
        None => web.client(identity).start(plan).await,
    }
}

/// The same for a request that may be made again under the same key.
async fn once(
    web: &Web,
    identity: &Identity,
    key: String,
    body: Bytes,
    creation: Creation,
) -> Result<OperationId, Failure> {
    let (owner, asked) = (identity.owner(), key.clone());
    let begun = web
        .access(move |access| access.begin(&owner, &asked, &body))
        .await?;
    match begun {
        Begun::Done(operation) => return Ok(operation),
        Begun::Pending => {
            return Err(Failure::new(
                ErrorKind::Busy,
                "a request with this idempotency key is being carried out, or the server ended over it",
            )
            .with_hint("look at the list of operations before you use another key"));
        }
        Begun::Other => {
            return Err(Failure::new(
                ErrorKind::Conflict,
                "this idempotency key stands for another request",
            ));
        }
        Begun::New => {}
    }
    let done = start(web, identity, creation).await;
    let (owner, operation) = (identity.owner(), done.as_ref().ok().copied());
    web.access(move |access| access.conclude(&owner, &key, operation))
        .await?;
    done
}

pub(super) async fn list(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Query(pairs): Query<Pairs>,
) -> Result<Json<Paged<OperationList>>, Problem> {
    let wanted = Wanted::of(&pairs)?;
    Ok(Json(newest(web.client(&identity).as_ref(), &wanted).await?))
}

/// A page of operations.
pub(crate) async fn newest(client: &dyn Client, wanted: &Wanted) -> Result<Paged<OperationList>, Failure> {
    let after = wanted.after.as_deref().map(str::parse::<OperationCursor>);
    let mut document = client
        .operations(wanted.limit.saturating_add(1), after.transpose()?)
        .await?;
    let rows = &mut document.operations;
    let has_more = rows.len() > wanted.limit;
    rows.truncate(wanted.limit);
    let next = rows.last().filter(|_| has_more);
    let next = next.map(|last| last.cursor().to_string());
    Ok(Paged { document, next })
}

pub(super) async fn show(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(id): Path<String>,
) -> Result<Json<OperationDetail>, Problem> {
    Ok(Json(web.client(&identity).operation(&id).await?))
}

pub(super) async fn events(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = meant(&web, &identity, &id).await?;
    let receiver = web.client(&identity).watch(id).await?;
    Ok(events::stream(receiver, web.shutdown().clone()))
}

pub(super) async fn cancel(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let stop: Stop = if body.is_empty() {
        Stop::default()
    } else {
        json(&body)?
    };
    let id = meant(&web, &identity, &id).await?;
    web.client(&identity).cancel(id, stop.leave).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn resume(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = meant(&web, &identity, &id).await?;
    web.client(&identity).resume(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn limit(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Limited>, Problem> {
    let change: LimitChange = json(&body)?;
    let operation = meant(&web, &identity, &id).await?;
    let limits = web.client(&identity).limit(operation, change).await?;
    Ok(Json(Limited { operation, limits }))
}

/// The id that was typed in full or in part.
async fn meant(web: &Web, identity: &Identity, id: &str) -> Result<OperationId, Failure> {
    match id.parse() {
        Ok(id) => Ok(id),
        Err(_) => Ok(web.client(identity).operation(id).await?.summary.id),
    }
}

pub(super) async fn history(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
) -> Result<Response, Problem> {
    let mut text = String::new();
    for line in web.client(&identity).export_operations().await? {
        text.push_str(&line.to_string());
        text.push('\n');
    }
    Ok(([(header::CONTENT_TYPE, "application/jsonl")], Body::from(text)).into_response())
}

pub(super) async fn queue(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    body: Bytes,
) -> Result<Json<QueueAnswer>, Problem> {
    let asked: QueueRequest = json(&body)?;
    may(&identity, for_database(&asked.database))?;
    Ok(Json(
        web.client(&identity).queue(&asked.database, asked.call).await?,
    ))
}

pub(super) async fn retention(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    body: Bytes,
) -> Result<Json<RetentionAnswer>, Problem> {
    let asked: RetentionRequest = json(&body)?;
    may(
        &identity,
        for_database(&asked.place.database).max(Role::needed_for_tables(&asked.call)),
    )?;
    Ok(Json(
        web.client(&identity).retention(&asked.place, asked.call).await?,
    ))
}

pub(super) async fn schedule(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    body: Bytes,
) -> Result<Json<ScheduleAnswer>, Problem> {
    let call: ScheduleCall = json(&body)?;
    may(&identity, Role::needed_for_schedule(&call))?;
    Ok(Json(web.client(&identity).schedule(call).await?))
}

/// A connection string makes the server connect to wherever it says.
fn for_database(choice: &DatabaseChoice) -> Role {
    match choice.dsn {
        Some(_) => Role::Admin,
        None => Role::Operator,
    }
}
