//! `ostler user add`

use std::collections::BTreeSet;

use clap::Args;
use ostler_vocabulary::Failure;
use ostler_web::Role;
use serde::Serialize;

use super::PasswordArguments;
use crate::arguments::text;
use crate::commands::token::{RoleWord, ScopeArguments, told};
use crate::output::schema;
use crate::session::Session;

/// Add a user, who signs in to the dashboard of this state directory's server with a name and a password
///
/// A password that is made here is printed now and never again: only what Argon2id makes of it is kept.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Their name
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    /// What they may do
    #[arg(long, value_enum, default_value_t = RoleWord::Viewer, value_name = "ROLE")]
    role: RoleWord,

    #[command(flatten)]
    scope: ScopeArguments,

    #[command(flatten)]
    password: PasswordArguments,
}

#[derive(Debug, Serialize)]
struct Added {
    name: String,
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    clusters: Option<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

impl Add {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let rights = self.scope.with(self.role);
        let after = told(&rights);
        let (password, is_new) = self.password.password(session)?;
        let added = Added {
            name: self.name.clone(),
            role: rights.role,
            clusters: rights.scope.clusters().cloned(),
            password: is_new.then(|| password.reveal().to_owned()),
        };
        let add = || {
            Ok(session
                .backend
                .access()?
                .add_user(&self.name, rights, &password)?)
        };
        session
            .written_down("user add", &self.name, None, add, |()| Some(after))
            .await?;
        session
            .output
            .document(schema::USER, &added, |page| match &added.password {
                Some(password) => page.line(password),
                None => page.line(format!("user {} was added", added.name)),
            })
    }
}
