//! What is not written down: passwords of connection strings, addresses whose path may be a secret, and who is erased.

use ostler_api::tables::TableTask;
use ostler_postgres::Dsn;
use reqwest::Url;
use serde_json::Value;

/// A connection string as it may be shown; one that cannot be read is not shown at all.
pub(crate) fn without_password(dsn: &str) -> String {
    match Dsn::parse(dsn) {
        Ok(dsn) => dsn.to_string(),
        Err(_) => "a database that cannot be read".to_owned(),
    }
}

/// The document without secrets, wherever they are in it.
pub(super) fn hidden(mut document: Value) -> Value {
    hide(&mut document);
    document
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // Whose rows are erased is to be forgotten here too.
            let erases = fields.get("task").is_some_and(|task| task == TableTask::ERASE);
            for (name, field) in fields {
                match (name.as_str(), &*field) {
                    ("dsn", Value::String(text)) => *field = without_password(text).into(),
                    ("url", Value::String(text)) => *field = host(text).into(),
                    ("subject", Value::String(_)) if erases => *field = "***".into(),
                    ("secret" | "password" | "token", Value::String(_)) => *field = "***".into(),
                    _ => hide(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}

/// Where an address leads; the rest of it may be a secret.
fn host(address: &str) -> String {
    match Url::parse(address) {
        Ok(url) => format!("{}://{}/…", url.scheme(), url.host_str().unwrap_or_default()),
        Err(_) => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::hidden;

    #[test]
    fn passwords_paths_tokens_and_erased_subjects_are_left_out_wherever_they_are() {
        let document = json!({
            "push": { "url": "https://user:pw@chat.example/hook/s3cret" },
            "request": { "place": { "database": { "dsn": "postgresql://ada:hunter2@db.example/shop" } } },
            "list": [{ "secret": "whsec_x", "name": "pager" }],
            "task": { "task": "erase", "subject": "grace@x.example" },
        });
        let text = hidden(document).to_string();
        for secret in ["s3cret", "pw@", "hunter2", "whsec_x", "grace"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        for shown in ["https://chat.example/…", "db.example", "ada", "pager"] {
            assert!(text.contains(shown), "no {shown} in {text}");
        }
        let text = hidden(json!({ "dsn": "mysql://ada:hunter2@db" })).to_string();
        assert!(!text.contains("hunter2"), "{text}");
    }
}
