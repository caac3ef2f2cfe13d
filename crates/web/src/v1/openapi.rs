//! The description of the API that other programs read, made from the table of routes.

use axum::Json;
use ostler_vocabulary::ErrorKind;
use serde_json::{Map, Value, json};

use super::table::{Answer, Body, Method, Parameter, Route, routes};
use crate::access::Reach;
use crate::problem;

pub(super) async fn show() -> Json<Value> {
    Json(openapi())
}

/// The OpenAPI document.
#[must_use]
pub fn openapi() -> Value {
    let mut paths = Map::new();
    for route in routes() {
        let path = paths
            .entry(route.path)
            .or_insert_with(|| Value::Object(Map::new()));
        let method = match route.method {
            Method::Get => "get",
            Method::Post => "post",
        };
        path[method] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ostler",
            "version": "1",
            "description": "Everything that the command line does. Documents are those of `--output json` \
                            (docs/reference/output.md) without `schema`; fields may be added, and readers ignore those \
                            that they do not know.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": { "Problem": problem_schema() },
            "responses": { "Problem": {
                "description": "What went wrong",
                "content": { problem::MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } },
            } },
        },
    })
}

fn operation(route: &Route) -> Value {
    let in_path = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    parameters.extend(route.query.iter().map(parameter));
    let mut described = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "description": match route.reach {
            Reach::Clusters => format!("For the role `{}`; of clusters that somebody may not see nothing is there.", route.role),
            Reach::Everything => format!("For the role `{}`, of those who may see everything.", route.role),
        },
        "parameters": parameters,
        "responses": responses(route.answer),
    });
    if let Some(body) = &route.body {
        described["requestBody"] = request_body(body);
    }
    described
}

fn operation_id(route: &Route) -> String {
    let method = match route.method {
        Method::Get => "get",
        Method::Post => "post",
    };
    let words = route
        .path
        .trim_start_matches("/v1/")
        .split(['/', '.'])
        .map(|word| word.trim_matches(['{', '}']));
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

fn parameter(parameter: &Parameter) -> Value {
    let one = json!({ "type": parameter.kind });
    let schema = match parameter.repeated {
        true => json!({ "type": "array", "items": one }),
        false => one,
    };
    json!({
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.meaning,
        "schema": schema,
    })
}

fn request_body(body: &Body) -> Value {
    json!({
        "required": true,
        "description": format!("`{}`: {}", body.name, body.meaning),
        "content": { "application/json": {
            "schema": { "type": "object" },
            "example": serde_json::from_str::<Value>(body.example).unwrap_or_default(),
        } },
    })
}

fn responses(answer: Answer) -> Value {
    let document = |text: String| json!({ "description": text, "content": { "application/json": { "schema": { "type": "object" } } } });
    let media = |text: &str, media: &str| json!({ "description": text, "content": { media: { "schema": { "type": "string" } } } });
    let (status, described) = match answer {
        Answer::Document(name) => ("200", document(format!("The document `{name}`"))),
        Answer::Page(name) => (
            "200",
            document(format!(
                "A page of the document `{name}`; `next` is the cursor of the next one, null at the end"
            )),
        ),
        Answer::Operation => (
            "202",
            document(
                "The operation's id (`operation`), its URL (`url`) and that of its events (`events_url`)"
                    .to_owned(),
            ),
        ),
        Answer::Events => (
            "200",
            media("Events, each a document `event`", "text/event-stream"),
        ),
        Answer::Content => ("200", media("Bytes", "application/octet-stream")),
        Answer::Nothing => ("204", json!({ "description": "It was done" })),
    };
    let mut all = Map::new();
    all.insert(status.to_owned(), described);
    let mut failures: Vec<u16> = ErrorKind::ALL
        .into_iter()
        .map(|kind| problem::status(kind).as_u16())
        .chain([401, 429])
        .collect();
    failures.sort_unstable();
    failures.dedup();
    for failure in failures {
        all.insert(
            failure.to_string(),
            json!({ "$ref": "#/components/responses/Problem" }),
        );
    }
    Value::Object(all)
}

fn problem_schema() -> Value {
    let kinds: Vec<&str> = ErrorKind::ALL.into_iter().map(ErrorKind::as_str).collect();
    let text = || json!({ "type": "string" });
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "kind", "error", "causes"],
        "properties": {
            "type": text(),
            "title": text(),
            "status": { "type": "integer" },
            "detail": text(),
            "kind": { "type": "string", "enum": kinds },
            "error": text(),
            "causes": { "type": "array", "items": text() },
            "hint": { "type": ["string", "null"] },
        },
    })
}
