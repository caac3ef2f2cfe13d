//! The schema as text.

use super::embedded;

/// The whole schema as one script for `psql`, in one transaction, safe to repeat. Without `roles` it makes none, and gives
/// grants to those that exist. It is for databases without the extension: taking that over needs a plan.
#[must_use]
pub fn script(roles: bool) -> String {
    let mut script = String::from(
        "begin;\nset local client_min_messages = warning;\nset local search_path = pg_catalog;\nset local check_function_bodies = off;\n",
    );
    let mut add = |name: &str, text: &str| {
        script.push_str("\n-- ");
        script.push_str(name);
        script.push('\n');
        script.push_str(text);
    };
    if roles {
        add("roles.sql", embedded::text("roles.sql"));
    }
    for (version, files) in embedded::MIGRATIONS {
        for name in *files {
            add(name, embedded::text(name));
        }
        add(&format!("version {version}"), &record(*version));
    }
    for source in embedded::sources().filter(|it| it.function.is_some()) {
        add(source.name, source.text);
    }
    for source in embedded::sources().filter(|it| it.function.is_none()) {
        add(source.name, source.text);
    }
    for name in embedded::AFTER_FUNCTIONS {
        add(name, embedded::text(name));
    }
    for (name, text) in embedded::grants() {
        add(name, text);
    }
    script.push_str("commit;\n");
    script
}

/// Records that a migration was applied.
pub(super) fn record(version: u32) -> String {
    format!("insert into pgq.ostler_migration (version) values ({version}) on conflict do nothing;\n")
}
