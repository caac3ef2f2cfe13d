//! `ostler token add`

use clap::Args;
use ostler_vocabulary::Failure;
use ostler_web::Role;
use serde::Serialize;

use super::RoleWord;
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
}

#[derive(Debug, Serialize)]
struct Made {
    name: String,
    role: Role,
    token: String,
}

impl Add {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let role = self.role.role();
        let token = session.backend.access()?.add_token(&self.name, role)?;
        let made = Made {
            name: self.name,
            role,
            token: token.reveal().to_owned(),
        };
        session
            .output
            .document(schema::TOKEN, &made, |page| page.line(&made.token))
    }
}
