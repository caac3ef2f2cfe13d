//! `ostler user remove`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::text;
use crate::output::schema;
use crate::session::Session;

/// Remove a user, and end their sessions
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Their name
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,
}

impl Remove {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let access = session.backend.access()?;
        let known = access.users()?.into_iter().find(|user| user.name == self.name);
        let before = known.and_then(|user| serde_json::to_value(user).ok());
        let remove = || Ok(access.remove_user(&self.name)?);
        session
            .written_down("user remove", &self.name, before, remove, |()| None)
            .await?;
        let removed = serde_json::json!({ "name": self.name });
        session.output.document(schema::USER, &removed, |page| {
            page.line(format!("user {} was removed", self.name));
        })
    }
}
