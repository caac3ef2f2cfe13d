//! `ostler token remove`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::text;
use crate::output::schema;
use crate::session::Session;

/// Revoke a token, and end the sessions of whoever signed in with it
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Its name
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,
}

impl Remove {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let access = session.backend.access()?;
        let known = access.tokens()?.into_iter().find(|token| token.name == self.name);
        let before = known.and_then(|token| serde_json::to_value(token).ok());
        let remove = || Ok(access.remove_token(&self.name)?);
        session
            .written_down("token remove", &self.name, before, remove, |()| None)
            .await?;
        let removed = serde_json::json!({ "name": self.name });
        session.output.document(schema::TOKEN, &removed, |page| {
            page.line(format!("token {} was removed", self.name));
        })
    }
}
