//! What would be done to a database, and why. Pure.

use ostler_postgres::quote;
use serde::{Deserialize, Serialize};

use super::installed::Installed;
use super::{Error, embedded, script, takeover};

/// The oldest server, as `server_version_num`.
const OLDEST: i32 = 130_000;
/// Roles that others get their rights by.
const ROLES: [&str; 3] = ["pgq_reader", "pgq_writer", "pgq_admin"];
/// In the order they are removed.
const SCHEMAS: [&str; 4] = ["pgq_node", "pgq_coop", "pgq_ext", "pgq"];

/// What somebody wants beyond the plain thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Make the roles that are missing, where the user may.
    pub roles: bool,
    /// Remove queues with their events, and triggers that write into them.
    pub force: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            roles: true,
            force: false,
        }
    }
}

/// What would be done, in this order, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What it was made for; something else is refused.
    pub basis: Basis,
    /// Statements with reasons.
    pub steps: Vec<Step>,
    /// What somebody should know that is no step.
    pub notes: Vec<String>,
}

/// What must be as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// Our version.
    pub version: Option<u32>,
    /// Names and versions of extensions.
    pub extensions: Vec<(String, String)>,
}

/// Statements that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What for.
    pub reason: String,
    /// One or more statements.
    pub sql: String,
}

impl Basis {
    /// That of a database.
    #[must_use]
    pub fn of(installed: &Installed) -> Self {
        Self {
            version: installed.version,
            extensions: installed
                .extensions
                .iter()
                .map(|it| (it.name.clone(), it.version.clone()))
                .collect(),
        }
    }
}

impl Plan {
    fn new(installed: &Installed) -> Self {
        Self {
            basis: Basis::of(installed),
            steps: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(super) fn step(&mut self, reason: impl Into<String>, sql: impl Into<String>) {
        self.steps.push(Step {
            reason: reason.into(),
            sql: sql.into(),
        });
    }

    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }
}

/// What brings a database to this version: from nothing, from an earlier version, from the extension.
///
/// # Errors
/// [`Error::Server`], [`Error::Later`], [`Error::Rights`]; [`Error::Refused`] for an extension that we do not know and that
/// needs PgQ's.
pub fn plan_install(installed: &Installed, wish: &Wish) -> Result<Plan, Error> {
    check(installed)?;
    let known = embedded::version();
    if let Some(found) = installed.version.filter(|found| *found > known) {
        return Err(Error::Later { found, known });
    }
    if installed.schemas.len() < SCHEMAS.len() && !installed.may_create {
        return Err(Error::Rights {
            user: installed.user.clone(),
            what: "make schemas in this database".to_owned(),
            cure: format!(
                "as the database's owner: GRANT CREATE ON DATABASE … TO {}",
                installed.user
            ),
        });
    }
    let mut plan = Plan::new(installed);
    takeover::plan(installed, &mut plan)?;
    roles(installed, wish, &mut plan);

    let present = installed.version.unwrap_or(0);
    for (version, files) in embedded::MIGRATIONS {
        if *version > present {
            let text: Vec<&str> = files.iter().map(|name| embedded::text(name)).collect();
            plan.step(
                format!("tables of version {version}"),
                text.join("\n") + "\n" + &script::record(*version),
            );
        }
    }
    functions(installed, &mut plan);
    if known > present {
        for name in embedded::AFTER_FUNCTIONS {
            plan.step("subscriptions can be written to, as before", embedded::text(name));
        }
    }
    ownership(installed, &mut plan);
    let rights: Vec<&str> = embedded::grants().map(|(_, text)| text).collect();
    plan.step("rights", rights.join("\n"));
    if installed.ahead {
        plan.step(
            "the database was restored from another server's dump: ticks and events get transaction ids of this server",
            "select pgq.restored();",
        );
    }
    Ok(plan)
}

/// What removes the schemas.
///
/// # Errors
/// [`Error::Absent`]; [`Error::Rights`]; [`Error::Refused`] while there are queues or an extension is in place, unless the
/// wish is to force the former.
pub fn plan_uninstall(installed: &Installed, wish: &Wish) -> Result<Plan, Error> {
    if installed.schemas.is_empty() {
        return Err(Error::Absent);
    }
    check(installed)?;
    if let Some(extension) = installed.extensions.first() {
        return Err(Error::Refused {
            what: format!("extension {} is in place, and is not ours", extension.name),
            cure: format!("DROP EXTENSION {}", extension.name),
        });
    }
    if let Some(queues) = installed.queues.filter(|queues| *queues > 0 && !wish.force) {
        return Err(Error::Refused {
            what: match queues {
                1 => "there is a queue, whose events would be lost".to_owned(),
                _ => format!("there are {queues} queues, whose events would be lost"),
            },
            cure: "drop them first, or say `--force`".to_owned(),
        });
    }
    if !installed.triggers.is_empty() && !wish.force {
        return Err(Error::Refused {
            what: format!("triggers write into queues: {}", installed.triggers.join(", ")),
            cure: "drop them first, or say `--force`".to_owned(),
        });
    }
    let mut plan = Plan::new(installed);
    for trigger in &installed.triggers {
        plan.note(format!("trigger {trigger} goes with the function that it calls"));
    }
    for name in SCHEMAS {
        if installed.schemas.iter().any(|it| it.name == name) {
            plan.step(
                format!("schema {name} with all that is in it"),
                format!("drop schema {name} cascade;"),
            );
        }
    }
    if !installed.roles.is_empty() {
        plan.note(format!(
            "roles stay, as other databases may use them: {}",
            installed.roles.join(", ")
        ));
    }
    Ok(plan)
}

fn check(installed: &Installed) -> Result<(), Error> {
    if installed.server < OLDEST {
        return Err(Error::Server {
            found: (installed.server / 10_000).to_string(),
        });
    }
    match installed.schemas.iter().find(|it| !it.owned) {
        None => Ok(()),
        Some(schema) => Err(Error::Rights {
            user: installed.user.clone(),
            what: format!("change schema {}, which belongs to {}", schema.name, schema.owner),
            cure: format!("connect as {}, or as a member of it", schema.owner),
        }),
    }
}

fn roles(installed: &Installed, wish: &Wish, plan: &mut Plan) {
    let missing: Vec<&str> = ROLES
        .into_iter()
        .filter(|role| !installed.roles.iter().any(|it| it == role))
        .collect();
    if missing.is_empty() {
        return;
    }
    let names = missing.join(", ");
    if !wish.roles {
        plan.note(format!(
            "roles are not made: {names}; grants go to those that exist"
        ));
    } else if installed.may_create_roles {
        plan.step(format!("roles: {names}"), embedded::text("roles.sql"));
    } else {
        plan.note(format!(
            "user {} has no CREATEROLE, so roles are not made: {names}. Grants go to those that exist; until there are \
             some, only {} can use the queues. Once an administrator has made them, run this again",
            installed.user, installed.user
        ));
    }
}

/// Replaces all functions. One whose names or result have changed is dropped first.
fn functions(installed: &Installed, plan: &mut Plan) {
    let mut drops = String::new();
    let mut texts = String::from("set local check_function_bodies = off;\n");
    let mut count = 0_usize;
    for source in embedded::sources() {
        let Some(function) = source.function else { continue };
        let old = installed.functions.get(&function.key).filter(|old| {
            embedded::canonical(&old.arguments) != function.arguments
                || embedded::canonical(&old.result) != function.result
        });
        if old.is_some() {
            drops.push_str(&format!("drop function {};\n", function.key));
        }
        texts.push_str(source.text);
        count += 1;
    }
    if !drops.is_empty() {
        plan.step("functions whose arguments or results are different now", drops);
    }
    plan.step(format!("{count} functions"), texts);
    for source in embedded::sources().filter(|it| it.function.is_none()) {
        plan.step(purpose(source.name), source.text);
    }
}

/// Gives what this user makes to the owners of the schemas: functions of the owner run with the owner's rights, and use it.
fn ownership(installed: &Installed, plan: &mut Plan) {
    let mut sql = String::new();
    for schema in installed.schemas.iter().filter(|it| it.owner != installed.user) {
        let prefix = format!("{}.", schema.name);
        let owner = quote::identifier(&schema.owner);
        for function in embedded::sources().filter_map(|it| it.function) {
            if function.key.starts_with(&prefix) {
                sql.push_str(&format!("alter function {} owner to {owner};\n", function.key));
            }
        }
    }
    if !sql.is_empty() {
        sql.push_str(embedded::text("ownership.sql"));
        plan.step("functions and tables belong to the owners of their schemas", sql);
    }
}

/// What a file among the functions is for that makes none.
fn purpose(name: &str) -> &str {
    match name {
        "insert/queue_trigger.sql" => "insert functions of queues, and the trigger that keeps them in step",
        "triggers/generated.sql" => "functions of tables with triggers",
        "functions/pgq_ext/upgrade_tables.sql" => "positions of targets, also in tables of an older PgQ",
        other => other,
    }
}
