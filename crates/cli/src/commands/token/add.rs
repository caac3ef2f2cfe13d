//! `ostler token add`

use std::collections::BTreeSet;

use clap::Args;
use ostler_vocabulary::Failure;
use ostler_web::Role;
use serde::Serialize;

use super::{RoleWord, ScopeArguments, told};
use crate::arguments::text;
use crate::output::schema;
use crate::session::Session;

/// Make a token, by which a program or a browser comes in to the server of this state directory
///
/// The token is printed now and never again: only its hash is kept. Give it to programs as OSTLER_TOKEN, or as
/// `Authorization: Bearer TOKEN`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Its name, by which it is listed and removed
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    /// What it allows
    #[arg(long, value_enum, default_value_t = RoleWord::Viewer, value_name = "ROLE")]
    role: RoleWord,

    #[command(flatten)]
    scope: ScopeArguments,
}

#[derive(Debug, Serialize)]
struct Made {
    name: String,
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    clusters: Option<BTreeSet<String>>,
    token: String,
}

impl Add {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let rights = self.scope.with(self.role);
        let after = told(&rights);
        let made = Made {
            role: rights.role,
            clusters: rights.scope.clusters().cloned(),
            name: self.name.clone(),
            token: String::new(),
        };
        let add = || Ok(session.backend.access()?.add_token(&self.name, rights)?);
        let token = session
            .written_down("token add", &self.name, None, add, |_| Some(after))
            .await?;
        let made = Made {
            token: token.reveal().to_owned(),
            ..made
        };
        session
            .output
            .document(schema::TOKEN, &made, |page| page.line(&made.token))
    }
}
