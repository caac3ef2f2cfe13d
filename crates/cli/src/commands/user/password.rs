//! `ostler user password`

use clap::Args;
use ostler_vocabulary::Failure;
use serde::Serialize;

use super::PasswordArguments;
use crate::arguments::text;
use crate::output::schema;
use crate::session::Session;

/// Give a user another password, and end their sessions
#[derive(Debug, Args)]
pub(crate) struct Password {
    /// Their name
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    #[command(flatten)]
    password: PasswordArguments,
}

#[derive(Debug, Serialize)]
struct Changed {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

impl Password {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let (password, is_new) = self.password.password(session)?;
        let change = || Ok(session.backend.access()?.change_password(&self.name, &password)?);
        session
            .written_down("user password", &self.name, None, change, |()| None)
            .await?;
        let changed = Changed {
            password: is_new.then(|| password.reveal().to_owned()),
            name: self.name,
        };
        session
            .output
            .document(schema::USER, &changed, |page| match &changed.password {
                Some(password) => page.line(password),
                None => page.line(format!("user {} has another password", changed.name)),
            })
    }
}
