//! The HTTP API keeps what its description promises: whatever it is sent, for every route, it answers with a status that is
//! described, with a document of the described schema or with a problem, and never with a failure of its own.
//!
//! The seed is fixed; `OSTLER_TEST_SEED` and `OSTLER_TEST_REQUESTS` take others.

mod making;
mod schema;

use std::time::{Duration, Instant};

use ostler_testkit::binary::Ostler;
use ostler_testkit::random::Random;
use serde_json::{Value, json};

use crate::people::{Answer, send};
use crate::served::{self, Served};
use making::Maker;
use schema::Schemas;

const SEED: u64 = 0x0571_e12d;
/// Requests to each route.
const REQUESTS: u64 = 40;
/// An answer that takes longer is taken for one that never comes.
const PATIENCE: Duration = Duration::from_secs(60);

fn number(variable: &str, usual: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A server with something of everything: a backup, an operation, a schedule, a webhook.
fn home() -> Ostler {
    let home = served::home();
    let documents = home.home().join("documents");
    std::fs::create_dir(&documents).unwrap();
    std::fs::write(documents.join("letter"), "Dear reader").unwrap();
    home.ok(["backup", "create", "documents", "--name", "nightly"]);
    home.ok([
        "schedule",
        "add",
        "nightly",
        "--cron",
        "@yearly",
        "--",
        "backup",
        "create",
        "documents",
    ]);
    home
}

/// A route of the description.
struct Route<'a> {
    method: &'a str,
    path: &'a str,
    described: &'a Value,
}

fn routes(description: &Value) -> Vec<Route<'_>> {
    let paths = description["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, methods)| {
            methods
                .as_object()
                .unwrap()
                .iter()
                .map(move |(method, described)| Route {
                    method,
                    path,
                    described,
                })
        })
        .collect()
}

/// A request, as it is told when its answer is wrong.
struct Request {
    method: String,
    path: String,
    kind: &'static str,
    body: Vec<u8>,
}

impl Request {
    fn told(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        let body: String = body.chars().take(600).collect();
        let path: String = self.path.chars().take(300).collect();
        format!("{} {path} ({}) with {body}", self.method, self.kind)
    }

    fn send(&self, port: u16, token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", self.kind)];
        let start = Instant::now();
        let answer = send(port, &self.method, &self.path, &headers, &self.body);
        assert!(start.elapsed() < PATIENCE, "no answer to {}", self.told());
        answer
    }
}

#[test]
fn every_route_answers_whatever_it_is_sent_as_it_is_described() {
    let home = home();
    let token = home
        .ok(["token", "add", "ada", "--role", "admin"])
        .trim()
        .to_owned();
    let server = Served::start(&home, &[]);
    let port = server.port();
    let bearer = format!("Bearer {token}");
    let description = send(port, "GET", "/v1/openapi.json", &[("authorization", &bearer)], "");
    let description: Value = serde_json::from_str(&description.body).unwrap();
    let schemas = Schemas::new(&description);
    let seed = number("OSTLER_TEST_SEED", SEED);
    let operation = home.json(["operation", "list"])["operations"][0]["id"].clone();
    let mut maker = Maker::new(
        Random::new(seed),
        &schemas,
        home.home().join("documents"),
        operation.as_str().unwrap(),
    );
    let (mut answered, mut good) = (0, 0);
    for route in routes(&description) {
        for _ in 0..number("OSTLER_TEST_REQUESTS", REQUESTS) {
            let request = maker.request(&route);
            let answer = request.send(port, &token);
            if let Err(wrong) = judged(&schemas, &route, &request, &answer) {
                panic!(
                    "seed {seed}: {wrong}\n{}\nanswered {} {:?} {:.2000}",
                    request.told(),
                    answer.status,
                    answer.headers.get("content-type"),
                    answer.body
                );
            }
            answered += 1;
            good += u64::from(answer.status < 300);
        }
    }
    // What is refused before it is understood tests little.
    assert!(
        good * 5 > answered,
        "only {good} of {answered} requests were understood"
    );
    // It still does what it is for.
    let list = send(port, "GET", "/v1/backups", &[("authorization", &bearer)], "");
    assert_eq!(list.status, 200, "{}", list.body);
    assert_eq!(server.stop(), Some(0));
}

fn judged(schemas: &Schemas, route: &Route<'_>, request: &Request, answer: &Answer) -> Result<(), String> {
    let status = answer.status.to_string();
    if answer.status == 500 || answer.status == 502 {
        return Err("a failure of its own".to_owned());
    }
    if request.method != route.method.to_uppercase() && !matches!(answer.status, 405 | 401) {
        return Err("a method that there is not".to_owned());
    }
    let Some(described) = route.described["responses"].get(&status) else {
        return Err("a status that is not described".to_owned());
    };
    let described = schemas.resolved(described);
    let kind = answer.headers.get("content-type").map_or("", String::as_str);
    let kind = kind.split(';').next().unwrap_or_default();
    let Some(content) = described["content"].as_object() else {
        return match answer.body.is_empty() {
            true => Ok(()),
            false => Err("a body where none is described".to_owned()),
        };
    };
    if request.method == "HEAD" {
        return Ok(());
    }
    let Some(content) = content.get(kind) else {
        return Err(format!("a body of {kind}, which is not described"));
    };
    if !kind.ends_with("json") {
        return Ok(());
    }
    let document: Value =
        serde_json::from_str(&answer.body).map_err(|error| format!("the body is no JSON: {error}"))?;
    if answer.status >= 400 && document["status"] != json!(answer.status) {
        return Err("a problem that tells another status".to_owned());
    }
    schemas
        .check(&content["schema"], &document)
        .map_err(|wrong| format!("not as its schema says: {wrong}"))
}

#[test]
fn every_example_of_the_description_is_as_its_schema_says() {
    let description = ostler_web::openapi();
    let schemas = Schemas::new(&description);
    let mut examples = 0;
    for route in routes(&description) {
        let content = &route.described["requestBody"]["content"]["application/json"];
        if let Some(example) = content.get("example") {
            let checked = schemas.check(&content["schema"], example);
            assert_eq!(checked, Ok(()), "{} {}", route.method, route.path);
            examples += 1;
        }
    }
    assert!(examples > 5, "{examples}");
}
