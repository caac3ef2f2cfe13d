//! Materialised tables: what a plan says of one, and the steps by which it is made anew and swapped in. What every database does
//! alike.

use async_trait::async_trait;
use ostler_api::document::RetentionProblem;
use ostler_api::retention::{Pace, TableName};
use ostler_api::tables::{
    Definition, DefinitionKind, Evidence, Materialized, RefreshMaterialized, TableItem, TableProof,
    TablesWork,
};
use ostler_operations::{Operation, Step};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp, Unit};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::column::TimeColumn;
use crate::item::{detail_of, one_line, planned};
use crate::tables::begun;
use crate::{Database, Error, cutoff, definition};

/// What is behind the name of a table that is being made.
pub(crate) const NEW: &str = "_ostler_new";

/// What a run needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rebuilding {
    pub table: TableName,
    pub query: String,
    /// The condition of the rows that are made anew; all without one.
    pub window: Option<String>,
}

impl Rebuilding {
    /// The table that is made beside the one that is there.
    pub fn new_table(&self) -> TableName {
        TableName {
            schema: self.table.schema.clone(),
            name: format!("{}{NEW}", self.table.name),
        }
    }
}

/// Whether a materialised table can be, in a database whose names have so many bytes at most.
///
/// # Errors
/// [`Error::Definition`]
pub(crate) fn valid(name: &str, it: &Materialized, longest_name: usize) -> Result<(), Error> {
    let wrong = |reason: &str| {
        Err(Error::Definition {
            what: "materialized",
            name: name.to_owned(),
            reason: reason.to_owned(),
        })
    };
    if it.query.trim().is_empty() {
        return wrong("it has no query");
    }
    if it.table.name.len() + NEW.len() > longest_name {
        return wrong("its table's name is too long");
    }
    Ok(())
}

/// Whether the column by which a part of it is made anew tells a time.
///
/// # Errors
/// `Invalid` when it is not there or tells none.
pub(crate) async fn valid_column(database: &dyn Database, it: &Materialized) -> Result<(), Failure> {
    let Some(column) = &it.column else {
        return Ok(());
    };
    let facts = database.facts(&it.table).await?;
    let columns = facts.map(|facts| facts.columns).unwrap_or_default();
    let found = columns.iter().find(|known| known.name == *column);
    match found.map(|known| TimeColumn::of(&known.type_name, None)) {
        Some(Ok(TimeColumn::Moment | TimeColumn::Civil | TimeColumn::Date)) => Ok(()),
        _ => Err(Failure::new(
            ErrorKind::Invalid,
            format!("the query has no column {column} that tells a time"),
        )),
    }
}

/// Works out what a refresh does; the moments of the request are filled in. `identifier` quotes a name, `filling` gives the
/// statements that fill the new table.
///
/// # Errors
/// [`Error::Undefined`]; moments that are none; failures of the database.
pub(crate) async fn plan(
    database: &dyn Database,
    request: &mut RefreshMaterialized,
    now: Timestamp,
    identifier: fn(&str) -> String,
    filling: fn(&Rebuilding) -> Vec<String>,
) -> Result<TablesWork, Failure> {
    let defined = definition::find(database, DefinitionKind::Materialized, &request.name).await?;
    let Definition::Materialized(it) = &defined.definition else {
        return Err(Error::ForeignPlan.into());
    };
    let utc = jiff::tz::TimeZone::UTC;
    let moment = |text: &Option<String>| match text {
        Some(text) => cutoff::read(Some(text), &utc, now).map(Some),
        None => Ok(None),
    };
    let (since, until) = (moment(&request.since)?, moment(&request.until)?);
    request.since = since.map(|since| since.to_string());
    request.until = until.map(|until| until.to_string());
    let window = window(database, it, (since, until), identifier).await?;
    let rebuilding = Rebuilding {
        table: it.table.clone(),
        query: it.query.clone(),
        window: window.clone(),
    };
    let item = TableItem {
        object: it.table.to_string(),
        action: "materialize".to_owned(),
        reason: match &window {
            Some(window) => format!("rows of the query where {window}; the others are taken over"),
            None => "all rows of the query".to_owned(),
        },
        rows: None,
        statements: filling(&rebuilding).iter().map(|text| one_line(text)).collect(),
        detail: detail_of(&rebuilding)?,
    };
    Ok(TablesWork {
        database: database.name(),
        items: vec![item],
        notes: Vec::new(),
    })
}

/// The condition of the rows that are made anew.
async fn window(
    database: &dyn Database,
    it: &Materialized,
    (since, until): (Option<Timestamp>, Option<Timestamp>),
    identifier: fn(&str) -> String,
) -> Result<Option<String>, Failure> {
    if since.is_none() && until.is_none() {
        return Ok(None);
    }
    let Some(column) = &it.column else {
        return Err(Failure::new(
            ErrorKind::Invalid,
            format!(
                "{} has no column by which a part of it could be made anew",
                it.table
            ),
        )
        .with_hint("`ostler materialize create --column COLUMN` names one"));
    };
    let facts = database.facts(&it.table).await?.ok_or_else(|| Error::NoTable {
        table: it.table.clone(),
        database: database.name(),
    })?;
    let known = facts.columns.iter().find(|known| known.name == *column);
    let type_name = known.map(|known| known.type_name.clone()).unwrap_or_default();
    let time = TimeColumn::of(&type_name, None)
        .map_err(|reason| Failure::new(ErrorKind::Invalid, format!("column {column}: {reason}")))?;
    let column = identifier(column);
    let part = |operator: &str, moment: Timestamp| {
        // Digits and marks of a date only: no quote can be in it.
        let text = time.boundary(moment, &jiff::tz::TimeZone::UTC);
        format!("{column} {operator} '{text}'::{type_name}")
    };
    let parts: Vec<String> = since
        .map(|since| part(">=", since))
        .into_iter()
        .chain(until.map(|until| part("<", until)))
        .collect();
    Ok(Some(parts.join(" AND ")))
}

/// A table that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Made {
    /// What the server knows it by.
    pub id: Value,
    /// Rows that were put in.
    pub rows: u64,
    /// Rows that were counted in it.
    pub counted: u64,
    /// Rows of the query before and after, where the server leaves out rows that it cannot take without a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<(u64, u64)>,
}

impl Made {
    /// Whether it has all rows that it is to have, as far as the query was counted.
    pub fn is_whole(&self) -> bool {
        let asked = |(one, other): (u64, u64)| (one.min(other)..=one.max(other)).contains(&self.rows);
        self.asked.is_none_or(asked)
    }
}

/// How a database makes a table anew beside the one that is there, and gives it the name.
#[async_trait]
pub(crate) trait Remake: Clone + Send + Sync + 'static {
    /// Makes the new table with all its rows; one that is there from before goes.
    async fn make_new(&self, it: &Rebuilding) -> Result<Made, Failure>;
    /// Removes the new table, if it is there.
    async fn forget_new(&self, it: &Rebuilding) -> Result<(), Failure>;
    /// Gives the new table the name, unless it has it; the old one goes.
    async fn swap(&self, it: &Rebuilding, id: &Value, pace: Pace, step: &Step) -> Result<(), Failure>;
    /// What the server knows a table by; `Null` when it is not there.
    async fn id_of(&self, table: &TableName) -> Result<Value, Failure>;
    /// What is wrong with this item alone.
    fn of_item<T>(result: Result<T, Failure>) -> Result<Result<T, RetentionProblem>, Failure>;
}

/// Makes a table anew, as steps of the operation.
///
/// # Errors
/// What ends the operation; what is wrong with the table is in the proof.
pub(crate) async fn refresh<D: Remake>(
    database: &D,
    op: &Operation,
    item: &TableItem,
    pace: Pace,
) -> Result<TableProof, Failure> {
    let it: Rebuilding = planned(&item.detail)?;
    let it = &it;
    let mut proof = begun(item);
    let make = |_| async move { D::of_item(database.make_new(it).await) };
    let back = (database.clone(), it.clone());
    let undo = move |_| {
        let (database, it) = back.clone();
        async move { database.forget_new(&it).await }
    };
    let made = op
        .step("make")
        .key(&item.object)
        .unit(Unit::Rows)
        .run_with_undo(make, undo)
        .await?;
    let made: Made = match made {
        Ok(made) => made,
        Err(problem) => {
            proof.problem = Some(problem);
            return Ok(proof);
        }
    };
    let id = &made.id;
    let swap = |step: Step| async move { D::of_item(database.swap(it, id, pace, &step).await) };
    let swapped: Result<(), _> = op.step("swap").key(&item.object).run(swap).await?;
    if let Err(problem) = swapped {
        proof.problem = Some(problem);
        database.forget_new(it).await?;
        return Ok(proof);
    }
    let look = |_| async { D::of_item(database.id_of(&it.table).await) };
    let found: Result<Value, _> = op.step("look").key(&item.object).retries(3).run(look).await?;
    match found {
        Err(problem) => proof.problem = Some(problem),
        Ok(found) => {
            proof.rows = made.rows;
            proof.evidence = evidence(&made, &found);
        }
    }
    Ok(proof)
}

/// What shows that the table is the new one, with all its rows.
fn evidence(made: &Made, found: &Value) -> Vec<Evidence> {
    let mut evidence = vec![Evidence::equal("rows", made.rows, made.counted)];
    if let Some((before, after)) = made.asked {
        evidence.push(Evidence {
            what: "rows of the query, counted before and after".to_owned(),
            expected: match before == after {
                true => before.to_string(),
                false => format!("{} to {}", before.min(after), before.max(after)),
            },
            found: made.rows.to_string(),
            holds: made.is_whole(),
        });
    }
    evidence.push(Evidence {
        what: "what the server knows the table by that bears the name".to_owned(),
        expected: text(&made.id),
        found: text(found),
        holds: made.id == *found,
    });
    evidence
}

fn text(id: &Value) -> String {
    match id {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Made, evidence};
    use serde_json::json;

    #[test]
    fn rows_that_the_server_left_out_are_seen() {
        let made = |rows, asked| Made {
            id: json!("a"),
            rows,
            counted: rows,
            asked,
        };
        let holds = |made: &Made, found: &str| {
            let evidence = evidence(made, &json!(found));
            evidence.iter().all(|evidence| evidence.holds)
        };
        assert!(holds(&made(5, None), "a") && holds(&made(5, Some((5, 5))), "a"));
        // The tables of the query were written to meanwhile.
        assert!(holds(&made(5, Some((4, 6))), "a") && holds(&made(5, Some((6, 4))), "a"));
        assert!(!holds(&made(4, Some((5, 5))), "a") && !holds(&made(5, None), "b"));
    }

    /// As journals of earlier versions have it.
    #[test]
    fn numbers_of_postgresql_are_read() {
        let made: Made = serde_json::from_value(json!({"id": 5, "rows": 1, "counted": 1})).unwrap();
        assert_eq!((made.id, made.asked), (json!(5), None));
    }
}
