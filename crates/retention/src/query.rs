//! A statement of a user as an item of a plan: what every database does alike with it.

use std::collections::BTreeMap;

use ostler_api::tables::{Definition, DefinitionKind, RunQuery, TableItem};
use ostler_vocabulary::{ErrorKind, Failure};
use serde::{Deserialize, Serialize};

use crate::item::{detail_of, one_line};
use crate::statement::filled;
use crate::{Database, Error, definition};

/// What a run needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    sql: String,
    parameters: BTreeMap<String, String>,
}

impl Running {
    /// What is asked for, by its name or as it is.
    ///
    /// # Errors
    /// [`Error::Undefined`]; failures of the database.
    pub async fn of(database: &dyn Database, request: &RunQuery) -> Result<Self, Failure> {
        let sql = match is_name(&request.query) {
            false => request.query.clone(),
            true => match definition::find(database, DefinitionKind::Query, &request.query)
                .await?
                .definition
            {
                Definition::Query(known) => known.sql,
                _ => return Err(Error::ForeignPlan.into()),
            },
        };
        Ok(Self {
            sql,
            parameters: request.parameters.clone(),
        })
    }

    /// The statement with its parameters filled in.
    ///
    /// # Errors
    /// `Invalid`, saying what is wrong with it.
    pub fn statement(&self) -> Result<String, Failure> {
        filled(&self.sql, &self.parameters)
            .map_err(|wrong| Failure::new(ErrorKind::Invalid, wrong.to_string()))
    }

    /// The item of the plan.
    ///
    /// # Errors
    /// Those of [`Running::statement`].
    pub fn item(&self, request: &RunQuery) -> Result<TableItem, Failure> {
        let parameters: Vec<String> = self
            .parameters
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        Ok(TableItem {
            object: match is_name(&request.query) {
                true => request.query.clone(),
                false => "statement".to_owned(),
            },
            action: "run statement".to_owned(),
            reason: match parameters.is_empty() {
                true => one_line(&self.sql),
                false => format!("{} with {}", one_line(&self.sql), parameters.join(", ")),
            },
            rows: None,
            statements: vec![self.statement()?],
            detail: detail_of(self)?,
        })
    }
}

/// Whether a text is the name of a statement rather than one.
fn is_name(text: &str) -> bool {
    !text.trim().contains(char::is_whitespace)
}
