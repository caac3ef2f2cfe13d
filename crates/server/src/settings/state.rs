//! `[state]`: where Ostler keeps its own state.

use ostler_postgres::Dsn;
use ostler_state::{Place, Server};
use ostler_vocabulary::Failure;
use serde::Deserialize;
use std::sync::Arc;

use super::Settings;
use super::file::File;
use super::reference::Reference;
use crate::Error;

/// Where Ostler keeps its own state: in SQLite files of the state directory, or in a PostgreSQL database that servers share.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct State {
    /// The connection string of the database, without a password; files when left out.
    pub dsn: Option<String>,
    /// Where the password comes from.
    pub password: Option<Reference>,
    /// With what the names of the schemas begin.
    pub schema: String,
}

impl Default for State {
    fn default() -> Self {
        Self {
            dsn: None,
            password: None,
            schema: "ostler".to_owned(),
        }
    }
}

/// What of the configuration is wrong, with which key, and what to write instead.
pub(super) fn check(file: &File, wrong: &dyn Fn(&str, &str, &str) -> Result<(), Error>) -> Result<(), Error> {
    let State {
        dsn,
        password,
        schema,
    } = &file.state;
    let cure = "write `postgresql://user@host/database`";
    if let Err(error) = Server::check_name(schema) {
        return wrong(
            "state.schema",
            &error.to_string(),
            "write up to 40 lower-case letters, digits and `_`, a letter first",
        );
    }
    let Some(dsn) = dsn else {
        return match password {
            Some(_) => wrong("state.password", "there is no `state.dsn` that it is for", cure),
            None => Ok(()),
        };
    };
    match Dsn::parse(dsn) {
        Err(error) => wrong("state.dsn", &error.to_string(), cure),
        Ok(dsn) if dsn.password().is_some() => wrong(
            "state.dsn",
            "there is a password in it",
            "take it out and refer to it: password = { env = \"NAME\" } or { file = \"…\" }",
        ),
        Ok(_) => Ok(()),
    }
}

impl Settings {
    /// Where the state is. Nothing is opened yet; secrets are fetched.
    ///
    /// # Errors
    /// When the password cannot be had, or the connection string says too little.
    pub fn state_place(&self) -> Result<Place, Failure> {
        let State {
            dsn,
            password,
            schema,
        } = &self.file.state;
        let Some(dsn) = dsn else {
            return Ok(Place::Directory(self.state_directory.clone()));
        };
        let password = password
            .as_ref()
            .map(|reference| reference.resolve("the password of the state", self.base(), &self.environment))
            .transpose()?;
        let environment = |name: &str| self.environment.get(name).map(str::to_owned);
        let server = Server::new(dsn, password, schema, &environment)?;
        Ok(Place::Shared(Arc::new(server)))
    }
}
