//! Requests made from a description: right ones, nearly right ones, and rubbish.

use std::path::PathBuf;

use ostler_testkit::random::Random;
use serde_json::{Map, Value, json};

use super::schema::Schemas;
use super::{Request, Route};

/// Depth beyond which nothing is added that need not be there.
const DEPTH: u32 = 6;

/// What strings are that nobody meant.
const ODD: [&str; 10] = [
    "",
    " ",
    "ä漢🦀",
    "\u{0}\u{1b}[31m",
    "../../etc/passwd",
    "a'; DROP TABLE x; --",
    "%00%ff%2e",
    "-1",
    "18446744073709551616",
    "\u{202e}\u{feff}",
];

pub struct Maker<'a> {
    random: Random,
    schemas: &'a Schemas<'a>,
    documents: PathBuf,
    operation: String,
}

impl<'a> Maker<'a> {
    pub fn new(random: Random, schemas: &'a Schemas<'a>, documents: PathBuf, operation: &str) -> Self {
        Self {
            random,
            schemas,
            documents,
            operation: operation.to_owned(),
        }
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.random.below(many) == 0
    }

    fn one<T: Clone>(&mut self, choices: &[T]) -> T {
        let index = self.random.below(choices.len() as u64);
        choices[usize::try_from(index).unwrap()].clone()
    }

    pub fn request(&mut self, route: &Route<'_>) -> Request {
        let mut method = route.method.to_uppercase();
        if self.one_in(12) {
            let others: Vec<&str> = ["GET", "POST", "PUT", "DELETE", "PATCH", "BREW"]
                .into_iter()
                .filter(|other| !self.takes(route, other))
                .collect();
            method = self.one(&others).to_owned();
        }
        let (kind, body) = self.body(route);
        Request {
            method,
            path: self.path(route),
            kind,
            body,
        }
    }

    /// Whether the path takes this method.
    fn takes(&self, route: &Route<'_>, method: &str) -> bool {
        let pointer = route.path.replace('~', "~0").replace('/', "~1");
        let described = json!({ "$ref": format!("#/paths/{pointer}") });
        self.schemas
            .resolved(&described)
            .get(method.to_lowercase())
            .is_some()
    }

    fn path(&mut self, route: &Route<'_>) -> String {
        let mut path = String::new();
        for part in route.path.trim_start_matches('/').split('/') {
            let text = match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => {
                    let text = self.text(name);
                    // Nothing would be another path.
                    encoded(if text.is_empty() { "x" } else { &text })
                }
                None => part.to_owned(),
            };
            path.push('/');
            path.push_str(&text);
        }
        let parameters = route.described["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let mut query = Vec::new();
        for parameter in parameters.iter().filter(|one| one["in"] == "query") {
            let name = parameter["name"].as_str().unwrap();
            let is_needed = parameter["required"] == true;
            if is_needed && !self.one_in(8) || self.one_in(3) {
                for _ in 0..=u64::from(self.one_in(8)) {
                    let text = self.text(name);
                    query.push(format!("{name}={}", encoded(&text)));
                }
            }
        }
        if self.one_in(10) {
            query.push(
                self.one(&["nobody=knows", "&&=", "%ff=%fe", "limit", "cursor=%00"])
                    .to_owned(),
            );
        }
        match query.is_empty() {
            true => path,
            false => format!("{path}?{}", query.join("&")),
        }
    }

    fn body(&mut self, route: &Route<'_>) -> (&'static str, Vec<u8>) {
        let content = &route.described["requestBody"]["content"]["application/json"];
        let kind = match self.one_in(10) {
            true => self.one(&[
                "text/plain",
                "application/x-www-form-urlencoded",
                "",
                "image/png; q=ä",
            ]),
            false => "application/json",
        };
        let Some(schema) = content.get("schema") else {
            let body = self.one(&["", "", "", "{}", "rubbish"]);
            return (kind, body.as_bytes().to_vec());
        };
        if self.one_in(8) {
            return (kind, content["example"].to_string().into_bytes());
        }
        let mut value = self.value(schema, "", 0);
        let body = match self.random.below(10) {
            0..=4 => value.to_string().into_bytes(),
            5..=7 => {
                self.spoil(&mut value);
                value.to_string().into_bytes()
            }
            8 => {
                let mut text = value.to_string().into_bytes();
                let end = self.random.below(text.len() as u64 + 1);
                text.truncate(usize::try_from(end).unwrap());
                text
            }
            _ => self.rubbish(),
        };
        (kind, body)
    }

    fn rubbish(&mut self) -> Vec<u8> {
        match self.random.below(5) {
            0 => Vec::new(),
            1 => self.random.bytes(200),
            2 => "[".repeat(100_000).into_bytes(),
            3 => format!("{{\"call\": \"{}\"}}", "x".repeat(300_000)).into_bytes(),
            _ => b"{\"call\": \"list\", \"call\": \"list\"}".to_vec(),
        }
    }

    /// Something that the schema lets be.
    fn value(&mut self, schema: &Value, name: &str, depth: u32) -> Value {
        let schema = self.schemas.resolved(schema).clone();
        let Some(rules) = schema.as_object() else {
            return json!(self.text(name));
        };
        if let Some(only) = rules.get("const") {
            return only.clone();
        }
        if let Some(choices) = rules.get("enum").and_then(Value::as_array) {
            return self.one(choices);
        }
        let choices = rules.get("oneOf").or_else(|| rules.get("anyOf"));
        if let Some(choices) = choices.and_then(Value::as_array) {
            let choice = self.one(choices);
            let chosen = self.value(&choice, name, depth + 1);
            return match rules.contains_key("properties") {
                true => merged(self.object(rules, depth), chosen),
                false => chosen,
            };
        }
        if let Some(all) = rules.get("allOf").and_then(Value::as_array) {
            let own = self.object(rules, depth);
            return all.iter().fold(own, |made, one| {
                let more = self.value(one, name, depth + 1);
                merged(made, more)
            });
        }
        let kinds = match rules.get("type") {
            Some(Value::Array(kinds)) => kinds.clone(),
            Some(kind) => vec![kind.clone()],
            None => vec![json!("object")],
        };
        match self.one(&kinds).as_str().unwrap_or_default() {
            "object" => self.object(rules, depth),
            "array" if depth > DEPTH => json!([]),
            "array" => {
                let items = rules
                    .get("items")
                    .cloned()
                    .unwrap_or_else(|| json!({"type": "string"}));
                let prefix = rules.get("prefixItems").and_then(Value::as_array).cloned();
                match prefix {
                    Some(prefix) => prefix
                        .iter()
                        .map(|item| self.value(item, name, depth + 1))
                        .collect(),
                    None => (0..self.random.below(3))
                        .map(|_| self.value(&items, name, depth + 1))
                        .collect(),
                }
            }
            "integer" => {
                let least = rules.get("minimum").and_then(Value::as_i64).unwrap_or(-2);
                json!(self.one(&[0, 1, 2, 7, 1000, i64::from(u32::MAX)]).max(least))
            }
            "number" => json!(self.one(&[0.0, 0.5, 1.0, 1e9])),
            "boolean" => json!(self.one_in(2)),
            "null" => Value::Null,
            _ => json!(self.text(name)),
        }
    }

    fn object(&mut self, rules: &Map<String, Value>, depth: u32) -> Value {
        let mut made = Map::new();
        let required: Vec<&str> = rules
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (name, schema) in rules
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            if required.contains(&name.as_str()) || depth < DEPTH && self.one_in(3) {
                made.insert(name.clone(), self.value(schema, name, depth + 1));
            }
        }
        if let Some(schema) = rules
            .get("additionalProperties")
            .filter(|schema| schema.is_object())
            && self.one_in(3)
        {
            made.insert("key".to_owned(), self.value(schema, "key", depth + 1));
        }
        Value::Object(made)
    }

    /// A string where this is said. None of them runs anything, or leads anywhere but to the documents of the test.
    fn text(&mut self, name: &str) -> String {
        let (documents, operation) = (self.documents.display().to_string(), self.operation.clone());
        let good: &[&str] = match name {
            "before" | "after" | "check" | "command" => return "true".to_owned(),
            "dsn" => {
                return self
                    .one(&["", "x", "mysql://x", "postgresql://[", "host=\u{0}"])
                    .to_owned();
            }
            "url" | "result_url" | "push" => &["http://127.0.0.1:1/x", "ftp://x", "env:NOWHERE"],
            "path" | "paths" | "source" | "sources" | "include" | "to" | "scratch" => {
                &[documents.as_str(), "letter", "documents/letter"]
            }
            "vault" => &["default", "-", "default"],
            "backup" | "backups" => &["latest", "nightly", "latest~1", "00000000"],
            "operation" => &[
                operation.as_str(),
                &operation[..8],
                "ffffffffffffffffffffffffffffffff",
            ],
            "name" | "schedule" | "names" => &["nightly", "weekly", "other"],
            "digest" => &["0123456789abcdef", "0"],
            "limit" => &["1", "2", "all", "100"],
            "cursor" => &["1", "zzz", "00000000000000000001-x"],
            "zone" | "time_zone" => &["UTC", "Europe/Berlin"],
            "cron" => &["@daily", "30 2 * * *", "@every 1h"],
            "since" | "start" | "end" | "from" | "made" => &["2026-01-01T00:00:00Z"],
            "allow_incomplete" | "one_level" => &["true", "false"],
            "tag" => &["a=b"],
            "every" | "jitter" | "deadline" | "within" | "keep" | "step" => &["1h", "7d", "90s"],
            _ => &["nightly", "word", "x"],
        };
        let chosen = self.one(good).to_owned();
        match self.random.below(12) {
            0 => self.one(&ODD).to_owned(),
            1 if self.one_in(4) => "w".repeat(5_000),
            _ => chosen,
        }
    }

    /// Makes something about a value wrong.
    fn spoil(&mut self, value: &mut Value) {
        let wrong = self.one(&[
            json!(null),
            json!([]),
            json!({}),
            json!(true),
            json!(-1),
            json!(1e300),
            json!(u64::MAX),
            json!("rubbish"),
            json!([[["deep"]]]),
        ]);
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                let names: Vec<String> = fields.keys().cloned().collect();
                let name = self.one(&names);
                match self.random.below(4) {
                    0 => drop(fields.remove(&name)),
                    1 => drop(fields.insert("unknown_field".to_owned(), wrong)),
                    2 => drop(fields.insert(name, wrong)),
                    _ => {
                        if let Some(inner) = fields.get_mut(&name) {
                            self.spoil(inner);
                        }
                    }
                }
            }
            Value::Array(items) if !items.is_empty() => self.spoil(&mut items[0]),
            other => *other = wrong,
        }
    }
}

/// Both objects in one.
fn merged(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(mut one), Value::Object(other)) => {
            one.extend(other);
            Value::Object(one)
        }
        (_, other) => other,
    }
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}
