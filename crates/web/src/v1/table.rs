//! The table of routes.

use axum::routing::{MethodRouter, get, post};
use ostler_api::audit::AuditList;
use ostler_api::client::{LimitChange, Mark};
use ostler_api::document::{
    BackupDetail, BackupList, ClusterExploration, ClusterInfo, ClusterList, ClusterStatus, ConnectionList,
    DatabaseList, Diff, FileList, KeyList, OperationDetail, OperationList, VaultInfo, VaultList,
};
use ostler_api::metrics::Metrics;
use ostler_api::queue::QueueAnswer;
use ostler_api::retention::RetentionAnswer;
use ostler_api::schedule::{ScheduleAnswer, ScheduleCall};
use ostler_api::vault::NewVault;
use ostler_api::webhook::{WebhookAnswer, WebhookCall};
use ostler_api::{Plan, Request};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::backups::{Marked, Pair};
use super::operations::{Creation, Limited, QueueRequest, RetentionRequest, Stop};
use super::paging::Paged;
use super::{backups, clusters, openapi, operations, serving, vaults};
use crate::access::{Reach, Role};
use crate::serve::Web;

/// A route, as the router and the OpenAPI document need it.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: Method,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// The least role that may use it.
    pub role: Role,
    /// What is to be seen and touched by it.
    pub reach: Reach,
    /// What it is for, in one line.
    pub summary: &'static str,
    /// Parameters of the query.
    pub query: &'static [Parameter],
    /// What the body of the request is.
    pub body: Option<Body>,
    /// What comes back.
    pub answer: Answer,
    pub(crate) handler: fn() -> MethodRouter<Web>,
}

/// How it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Changes nothing.
    Get,
    /// Changes something, or asks with a body.
    Post,
}

/// A parameter of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// `string`, `integer` or `boolean`.
    pub kind: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// Whether it has to be given.
    pub required: bool,
    /// Whether it may be given several times.
    pub repeated: bool,
}

/// Makes the schema of a type.
pub type Shape = fn(&mut SchemaGenerator) -> Schema;

/// The body of a request.
#[derive(Debug, Clone, Copy)]
pub struct Body {
    /// The type in `ostler_api`.
    pub name: &'static str,
    /// What it is.
    pub meaning: &'static str,
    /// An example that is understood.
    pub example: &'static str,
    /// Its schema.
    pub shape: Shape,
}

/// What comes back.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// The document of this name, as `--output json` prints it.
    Document(&'static str, Shape),
    /// A page of it, with `next` where there are more.
    Page(&'static str, Shape),
    /// An operation's id and URL, with status 202.
    Operation,
    /// Server-sent events.
    Events,
    /// Bytes of this media type.
    Content(&'static str),
    /// Nothing, with status 204.
    Nothing,
}

const fn optional(name: &'static str, kind: &'static str, meaning: &'static str) -> Parameter {
    Parameter {
        name,
        kind,
        meaning,
        required: false,
        repeated: false,
    }
}

const VAULT: Parameter = optional(
    "vault",
    "string",
    "The vault's name; any configured one unless given",
);
const HOST: Parameter = optional("host", "string", "Only backups made on this host");
const SOURCE: Parameter = optional("source", "string", "Only backups of this path");
const NAME: Parameter = optional("name", "string", "Only backups with this name");
const TAG: Parameter = Parameter {
    repeated: true,
    ..optional("tag", "string", "Only backups with this tag, as `KEY=VALUE`")
};
const LIMIT: Parameter = optional(
    "limit",
    "string",
    "At most so many rows, or `all`; 100 unless given",
);
const CURSOR: Parameter = optional("cursor", "string", "`next` of the page before");
const BELOW: Parameter = optional("path", "string", "Only what is at this path and below");
const SINCE: Parameter = optional(
    "since",
    "string",
    "Only what was asked for at this moment or later (RFC 3339)",
);
const WHO: Parameter = optional(
    "who",
    "string",
    "Only what was asked for by somebody of this name",
);
const WHAT: Parameter = optional(
    "what",
    "string",
    "Only changes with this in their action or object",
);
const FILE: Parameter = Parameter {
    required: true,
    ..optional(
        "path",
        "string",
        "The file, as it was backed up or relative to the only source",
    )
};
const INCOMPLETE: Parameter = optional(
    "allow_incomplete",
    "boolean",
    "Read partial and damaged backups too",
);
const LEVEL: Parameter = optional(
    "one_level",
    "boolean",
    "Only what is directly in the directory at `path`",
);

const SELECTOR: &[Parameter] = &[VAULT, HOST, SOURCE, NAME, TAG];

macro_rules! route {
    ($method:ident $path:literal $role:ident $reach:ident $summary:literal, $query:expr, $body:expr, $answer:expr, $handler:expr) => {
        Route {
            method: Method::$method,
            path: $path,
            role: Role::$role,
            reach: Reach::$reach,
            summary: $summary,
            query: $query,
            body: $body,
            answer: $answer,
            handler: $handler,
        }
    };
}

const fn body(
    name: &'static str,
    meaning: &'static str,
    example: &'static str,
    shape: Shape,
) -> Option<Body> {
    Some(Body {
        name,
        meaning,
        example,
        shape,
    })
}

/// The schema of this type.
fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// That of a document which describes others.
fn any(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "object", "additionalProperties": true })
}

/// Every route of the API, and nothing else.
#[must_use]
#[rustfmt::skip]
pub fn routes() -> &'static [Route] {
    use Answer::{Content, Document, Events, Nothing, Operation, Page};
    const ROUTES: &[Route] = &[
        route!(Get "/v1/openapi.json" Viewer Clusters "This description", &[], None,
            Document("openapi", any), || get(openapi::show)),
        route!(Get "/v1/vaults" Viewer Everything "The configured vaults", &[], None,
            Document("vault-list", of::<VaultList>), || get(vaults::list)),
        route!(Post "/v1/vaults" Admin Everything "Makes a vault and its key, and names it in the server's configuration", &[],
            body("NewVault", "Which vault", r#"{"name": "offsite", "location": "/srv/vault"}"#, of::<NewVault>),
            Document("vault", of::<VaultInfo>), || post(vaults::make)),
        route!(Get "/v1/vaults/{vault}" Viewer Everything "What is known about one vault; `-` is the default one", &[], None,
            Document("vault", of::<VaultInfo>), || get(vaults::show)),
        route!(Get "/v1/vaults/{vault}/keys" Viewer Everything "What opens a vault; never a secret", &[], None,
            Document("key-list", of::<KeyList>), || get(vaults::keys)),
        route!(Get "/v1/clusters" Viewer Clusters "The configured clusters", &[], None,
            Document("cluster-list", of::<ClusterList>), || get(clusters::list)),
        route!(Get "/v1/clusters/{cluster}" Viewer Clusters "What the configuration says of a cluster", &[], None,
            Document("cluster", of::<ClusterInfo>), || get(clusters::show)),
        route!(Get "/v1/clusters/{cluster}/status" Viewer Clusters "Asks every node of a cluster, and its database, how they are", &[], None,
            Document("cluster-status", of::<ClusterStatus>), || get(clusters::status)),
        route!(Get "/v1/clusters/{cluster}/exploration" Viewer Clusters "What there is of a cluster and what it runs with, with where that was found", &[], None,
            Document("cluster-exploration", of::<ClusterExploration>), || get(clusters::exploration)),
        route!(Get "/v1/connections" Operator Everything "Asks everything that the configuration names for an answer", &[], None,
            Document("connection-list", of::<ConnectionList>), || get(vaults::connections)),
        route!(Get "/v1/databases" Operator Everything "The databases of the configuration", &[], None,
            Document("database-list", of::<DatabaseList>), || get(vaults::databases)),
        route!(Get "/v1/backups" Viewer Clusters "Backups, newest first", &[VAULT, HOST, SOURCE, NAME, TAG, LIMIT, CURSOR], None,
            Page("backup-list", of::<Paged<BackupList>>), || get(backups::list)),
        route!(Get "/v1/backups/{backup}" Viewer Clusters "One backup, by id, unique prefix, name, `latest` or `latest~N`", SELECTOR, None,
            Document("backup", of::<BackupDetail>), || get(backups::show)),
        route!(Get "/v1/backups/{backup}/files" Viewer Clusters "Its files", &[VAULT, HOST, SOURCE, NAME, TAG, BELOW, LEVEL, LIMIT, CURSOR], None,
            Page("file-list", of::<Paged<FileList>>), || get(backups::files)),
        route!(Get "/v1/backups/{backup}/content" Operator Clusters "The content of one of its files", &[VAULT, HOST, SOURCE, NAME, TAG, FILE, INCOMPLETE], None,
            Content("application/octet-stream"), || get(backups::content)),
        route!(Post "/v1/backups/{backup}/marks" Operator Clusters "Holds, releases or tags it", SELECTOR,
            body("Mark", "What is to be said of the backup", r#"{"mark": "hold", "reason": "audit"}"#, of::<Mark>),
            Document("marked", of::<Marked>), || post(backups::mark)),
        route!(Post "/v1/diff" Viewer Clusters "How the second backup differs from the first", &[],
            body("Pair", "Two selectors", r#"{"from": {"vault": null, "backup": "latest~1"}, "to": {"vault": null, "backup": "latest"}}"#, of::<Pair>),
            Document("diff", of::<Diff>), || post(backups::diff)),
        route!(Post "/v1/plans" Operator Clusters "What a request would do. Changes nothing", &[],
            body("Request", "What is wanted", r#"{"kind": "create_backup", "paths": ["/srv/data"]}"#, of::<Request>),
            Document("plan", of::<Plan>), || post(operations::plan)),
        route!(Post "/v1/operations" Operator Clusters "Carries out a plan that was approved by its digest. With the header `Idempotency-Key` it can be repeated safely for a day", &[],
            body("Creation", "The digest of a plan that the caller made within a day, with `made` only while it is that plan; for admins also `result_url`, where the outcome is sent. A `plan` is refused with 400", r#"{"digest": "9c1d4e5f6a7b8c9d"}"#, of::<Creation>),
            Operation, || post(operations::create)),
        route!(Get "/v1/operations" Viewer Clusters "Operations, newest first", &[LIMIT, CURSOR], None,
            Page("operation-list", of::<Paged<OperationList>>), || get(operations::list)),
        route!(Get "/v1/operations/{operation}" Viewer Clusters "One operation, by id or unique prefix", &[], None,
            Document("operation", of::<OperationDetail>), || get(operations::show)),
        route!(Get "/v1/operations/{operation}/events" Viewer Clusters "What happens to it from now on; the last event is `ended`", &[], None,
            Events, || get(operations::events)),
        route!(Post "/v1/operations/{operation}/cancel" Operator Clusters "Asks it to stop: it is undone unless it has committed", &[],
            body("Stop", "Whether it is left as it is, to be resumed", r#"{"leave": false}"#, of::<Stop>),
            Nothing, || post(operations::cancel)),
        route!(Post "/v1/operations/{operation}/resume" Operator Clusters "Goes on with one that was interrupted or failed", &[], None,
            Nothing, || post(operations::resume)),
        route!(Post "/v1/operations/{operation}/limits" Operator Clusters "Changes its limits while it runs", &[],
            body("LimitChange", "Per second; 0 lifts a limit", r#"{"upload": 10485760}"#, of::<LimitChange>),
            Document("operation-limit", of::<Limited>), || post(operations::limit)),
        route!(Get "/v1/history" Viewer Everything "Everything that is known about operations, as JSON lines, oldest first", &[], None,
            Content("application/jsonl"), || get(operations::history)),
        route!(Post "/v1/queues" Operator Everything "Asks a database about its queues, or changes something there that needs no plan", &[],
            body("QueueRequest", "The database and the call", r#"{"database": {"name": "shop"}, "call": {"call": "status"}}"#, of::<QueueRequest>),
            Document("queue-answer", of::<QueueAnswer>), || post(operations::queue)),
        route!(Post "/v1/schedules" Operator Clusters "Asks about schedules, changes them, or runs what they say", &[],
            body("ScheduleCall", "The call", r#"{"call": "list"}"#, of::<ScheduleCall>),
            Document("schedule-answer", of::<ScheduleAnswer>), || post(operations::schedule)),
        route!(Post "/v1/webhooks" Operator Everything "Asks about webhooks; admins change and test them", &[],
            body("WebhookCall", "The call", r#"{"call": "list"}"#, of::<WebhookCall>),
            Document("webhook-answer", of::<WebhookAnswer>), || post(serving::webhook)),
        route!(Get "/v1/audit" Admin Everything "Who changed what, newest first", &[SINCE, WHO, WHAT, LIMIT, CURSOR], None,
            Page("audit-list", of::<Paged<AuditList>>), || get(serving::audit)),
        route!(Get "/v1/metrics" Viewer Everything "All metrics, from what is recorded", &[], None,
            Document("metrics", of::<Metrics>), || get(serving::metrics)),
        route!(Post "/v1/metrics/refresh" Operator Everything "The same after a look at every vault and database", &[], None,
            Document("metrics", of::<Metrics>), || post(serving::refresh)),
        route!(Get "/metrics" Viewer Everything "The same as Prometheus reads it", &[], None,
            Content("text/plain"), || get(serving::scrape)),
        route!(Post "/v1/retention" Operator Everything "Asks a database about its retention policies, or changes them", &[],
            body("RetentionRequest", "Where the policies are, and the call", r#"{"place": {"database": {"name": "shop"}, "schema": "ext"}, "call": {"call": "tags"}}"#, of::<RetentionRequest>),
            Document("retention-answer", of::<RetentionAnswer>), || post(operations::retention)),
    ];
    ROUTES
}
