//! Erasure of a subject: what every database asks before, and shows after.

use ostler_api::retention::{Policy, Strategy, TableName};
use ostler_api::tables::{DefinitionKind, Erase, Evidence, SubjectColumn, TableItem};
use ostler_vocabulary::{ErrorKind, Failure};
use serde_json::Value;

use crate::Database;
use crate::facts::Shape;

/// Whether it says whose rows, and columns that can tell them.
///
/// # Errors
/// `Invalid`, `NotFound` or `Unsupported`, naming what is wrong; failures of the database.
pub(crate) async fn valid(database: &dyn Database, request: &Erase) -> Result<(), Failure> {
    let wrong = |kind, reason: String| Err(Failure::new(kind, reason));
    if request.subject.is_empty() || request.of.is_empty() {
        let reason = "an erasure needs a subject, and at least one column that says whose a row is";
        return wrong(ErrorKind::Invalid, reason.to_owned());
    }
    for SubjectColumn { table, column } in &request.of {
        let Some(facts) = database.facts(table).await? else {
            return wrong(ErrorKind::NotFound, format!("there is no table {table}"));
        };
        if facts.shape == Shape::Other {
            let reason = format!("{table} is no table with rows of its own");
            return wrong(ErrorKind::Unsupported, reason);
        }
        if !facts.columns.iter().any(|known| known.name == *column) {
            return wrong(ErrorKind::NotFound, format!("{table} has no column {column}"));
        }
    }
    Ok(())
}

/// Whether the subject has any rows.
///
/// # Errors
/// `NotFound` when it has none.
pub(crate) fn found(database: &dyn Database, counted: &[u64]) -> Result<(), Failure> {
    if counted.iter().any(|count| *count > 0) {
        return Ok(());
    }
    let reason = format!("no row in {} belongs to this subject", database.name());
    Err(Failure::new(ErrorKind::NotFound, reason).with_hint(
        "look at how it is written in these columns; what is erased already has its certificate in the history",
    ))
}

/// The last item of the plan.
pub(crate) fn look_again(request: &Erase, reason: &str, detail: Value) -> TableItem {
    TableItem {
        // Told apart without being told: whoever knows the subject can compare.
        object: format!(
            "subject {}",
            &blake3::hash(request.subject.as_bytes()).to_hex()[..32]
        ),
        action: "look again".to_owned(),
        reason: reason.to_owned(),
        rows: None,
        statements: Vec::new(),
        detail,
    }
}

/// What was found left of it, by column.
pub(crate) fn nothing_left(of: &[SubjectColumn], left: &[u64]) -> Vec<Evidence> {
    let compared = of.iter().zip(left).map(|(place, left)| {
        Evidence::equal(
            format!("rows left in {} by {}", place.table, place.column),
            0,
            *left,
        )
    });
    compared.collect()
}

/// Where rows of these tables may be besides.
///
/// # Errors
/// Failures of the database.
pub(crate) async fn copies(database: &dyn Database, of: &[SubjectColumn]) -> Result<Vec<String>, Failure> {
    let concerns = |table: &TableName| of.iter().any(|place| place.table == *table);
    let kept = |policy: &Policy| {
        matches!(policy.strategy, Strategy::Archive | Strategy::Snapshot) && concerns(&policy.table)
    };
    let mut notes = Vec::new();
    for policy in database.policies().await?.iter().filter(|policy| kept(policy)) {
        let (what, shelf) = match policy.strategy {
            Strategy::Snapshot => ("snapshots", policy.target.as_deref()),
            _ => ("archives", policy.shelf().map(String::as_str)),
        };
        notes.push(format!(
            "rows of {} may be in {what} of policy {} in {}; they are not touched",
            policy.table,
            policy.name,
            shelf.unwrap_or("its archive"),
        ));
    }
    for defined in database.definitions(DefinitionKind::Rollup).await? {
        if defined
            .definition
            .rollup()
            .is_some_and(|rollup| concerns(&rollup.table))
        {
            notes.push(format!("sums in rollup {} are not touched", defined.name));
        }
    }
    for defined in database.definitions(DefinitionKind::Materialized).await? {
        notes.push(format!(
            "materialized {} may have copies until it is refreshed",
            defined.name
        ));
    }
    notes.push("backups of the database are not touched".to_owned());
    Ok(notes)
}
