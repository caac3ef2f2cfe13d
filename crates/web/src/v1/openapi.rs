//! The description of the API that other programs read, made from the table of routes.

use std::collections::BTreeMap;

use axum::Json;
use ostler_vocabulary::ErrorKind;
use schemars::generate::{Contract, SchemaSettings};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::operations::Started;
use super::table::{Answer, Body, Method, Parameter, Route, routes};
use crate::access::Reach;
use crate::problem::{self, ProblemDocument};

/// Where the schemas of documents are.
const SCHEMAS: &str = "/components/schemas";
/// How a schema refers to one of them.
const REFERENCE: &str = "#/components/schemas/";

pub(super) async fn show() -> Json<Value> {
    Json(openapi())
}

/// The OpenAPI document.
#[must_use]
pub fn openapi() -> Value {
    let (mut asked, mut answered) = (generator(Contract::Deserialize), generator(Contract::Serialize));
    let mut paths = Map::new();
    for route in routes() {
        let path = paths
            .entry(route.path)
            .or_insert_with(|| Value::Object(Map::new()));
        let method = match route.method {
            Method::Get => "get",
            Method::Post => "post",
        };
        path[method] = operation(route, &mut asked, &mut answered);
    }
    let problem = answered.subschema_for::<ProblemDocument>();
    let mut schemas = answered.take_definitions(true);
    let inputs = renamed(asked.take_definitions(true), &schemas);
    paths = paths
        .into_iter()
        .map(|(path, methods)| (path, in_bodies(methods, &inputs.names)))
        .collect();
    schemas.extend(inputs.definitions);
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
            "schemas": schemas,
            "responses": { "Problem": {
                "description": "What went wrong",
                "content": { problem::MEDIA_TYPE: { "schema": problem } },
            } },
        },
    })
}

fn generator(contract: Contract) -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12();
    settings.contract = contract;
    settings.definitions_path = SCHEMAS.into();
    settings.meta_schema = None;
    settings.into_generator()
}

/// Definitions of what is sent to us. A type of which we answer something else than we take has two of them.
struct Inputs {
    definitions: Map<String, Value>,
    /// New names by old ones.
    names: BTreeMap<String, String>,
}

fn renamed(asked: Map<String, Value>, answered: &Map<String, Value>) -> Inputs {
    // What refers to something that differs, differs.
    let mut names = BTreeMap::new();
    loop {
        let before = names.len();
        for (name, schema) in &asked {
            let mut sent = schema.clone();
            rename(&mut sent, &names);
            if answered.get(name).is_some_and(|known| *known != sent) {
                names.insert(name.clone(), format!("{name}Input"));
            }
        }
        if names.len() == before {
            break;
        }
    }
    let definitions = asked.into_iter().map(|(name, mut schema)| {
        rename(&mut schema, &names);
        (names.get(&name).cloned().unwrap_or(name), schema)
    });
    Inputs {
        definitions: definitions.collect(),
        names,
    }
}

/// Refers to the new names.
fn rename(schema: &mut Value, names: &BTreeMap<String, String>) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                let known = value.as_str().and_then(|text| text.strip_prefix(REFERENCE));
                match known.filter(|_| key == "$ref").and_then(|name| names.get(name)) {
                    Some(name) => *value = format!("{REFERENCE}{name}").into(),
                    None => rename(value, names),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        _ => {}
    }
}

/// The methods of a path with the new names in what is sent.
fn in_bodies(mut methods: Value, names: &BTreeMap<String, String>) -> Value {
    for operation in methods.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Some(body) = operation.get_mut("requestBody") {
            rename(body, names);
        }
    }
    methods
}

fn operation(route: &Route, asked: &mut SchemaGenerator, answered: &mut SchemaGenerator) -> Value {
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
        "responses": responses(route.answer, answered),
    });
    if let Some(body) = &route.body {
        described["requestBody"] = request_body(body, asked);
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

fn request_body(body: &Body, asked: &mut SchemaGenerator) -> Value {
    json!({
        "required": true,
        "description": format!("`{}`: {}", body.name, body.meaning),
        "content": { "application/json": {
            "schema": (body.shape)(asked),
            "example": serde_json::from_str::<Value>(body.example).unwrap_or_default(),
        } },
    })
}

fn responses(answer: Answer, answered: &mut SchemaGenerator) -> Value {
    let document = |text: String, schema: Schema| json!({ "description": text, "content": { "application/json": { "schema": schema } } });
    let media = |text: &str, media: &str| json!({ "description": text, "content": { media: { "schema": { "type": "string" } } } });
    let (status, described) = match answer {
        Answer::Document(name, shape) => ("200", document(format!("The document `{name}`"), shape(answered))),
        Answer::Page(name, shape) => (
            "200",
            document(
                format!(
                    "A page of the document `{name}`; `next` is the cursor of the next one, null at the end"
                ),
                shape(answered),
            ),
        ),
        Answer::Operation => (
            "202",
            document(
                "The operation's id (`operation`), its URL (`url`) and that of its events (`events_url`)"
                    .to_owned(),
                answered.subschema_for::<Started>(),
            ),
        ),
        Answer::Events => (
            "200",
            media("Events, each a document `event`", "text/event-stream"),
        ),
        Answer::Content(kind) => ("200", media("Bytes", kind)),
        Answer::Nothing => ("204", json!({ "description": "It was done" })),
    };
    let mut all = Map::new();
    all.insert(status.to_owned(), described);
    let mut failures: Vec<u16> = ErrorKind::ALL
        .into_iter()
        .map(|kind| problem::status(kind).as_u16())
        .chain([401, 405, 413, 429])
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
