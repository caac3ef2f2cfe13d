//! The files of `sql/`, and the order they are run in.

include!(concat!(env!("OUT_DIR"), "/schema_files.rs"));

/// Folders of functions; their order does not matter, as bodies are not checked while they are made.
const FUNCTIONS: [&str; 3] = ["functions/", "insert/", "triggers/"];
/// Tables, in this order.
const TABLES: [&str; 5] = [
    "tables/pgq.sql",
    "tables/subscription.sql",
    "tables/pgq_ext.sql",
    "tables/pgq_coop.sql",
    "tables/pgq_node.sql",
];

/// The whole schema as one script for `psql`, in one transaction, safe to repeat. Without roles it gives grants to those
/// that exist.
#[must_use]
pub fn script(roles: bool) -> String {
    let mut script = String::from(
        "begin;\nset local client_min_messages = warning;\nset local search_path = pg_catalog;\nset local check_function_bodies = off;\n",
    );
    if roles {
        add(&mut script, "roles.sql");
    }
    for name in TABLES {
        add(&mut script, name);
    }
    for (name, _) in FILES {
        if FUNCTIONS.iter().any(|folder| name.starts_with(folder)) {
            add(&mut script, name);
        }
    }
    add(&mut script, "tables/subscription_write.sql");
    for (name, _) in FILES {
        if name.starts_with("grants/") {
            add(&mut script, name);
        }
    }
    script.push_str("commit;\n");
    script
}

fn add(script: &mut String, name: &str) {
    if let Some((_, text)) = FILES.iter().find(|(file, _)| *file == name) {
        script.push_str("\n-- ");
        script.push_str(name);
        script.push('\n');
        script.push_str(text);
    }
}
