//! `ostler token link`

use clap::Args;
use ostler_server::serve::api::enter;
use ostler_vocabulary::{ErrorKind, Failure};

use super::{RoleWord, ScopeArguments, told};
use crate::arguments::text;
use crate::output::schema;
use crate::session::Session;

/// Print a link that signs a browser in to the dashboard, once and within the hour
#[derive(Debug, Args)]
pub(crate) struct Link {
    /// Who is signed in by it
    #[arg(long, default_value = "admin", value_name = "NAME", value_parser = text())]
    name: String,

    /// What they may do
    #[arg(long, value_enum, default_value_t = RoleWord::Admin, value_name = "ROLE")]
    role: RoleWord,

    #[command(flatten)]
    scope: ScopeArguments,
}

impl Link {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let url = session.backend.served_at()?.ok_or_else(|| {
            Failure::new(ErrorKind::NotFound, "no server listens for this state directory")
                .with_hint("`ostler serve` starts one")
        })?;
        let rights = self.scope.with(self.role);
        let after = told(&rights);
        let add = || Ok(session.backend.access()?.add_link(&self.name, rights)?);
        let link = session
            .written_down("token link", &self.name, None, add, |_| Some(after))
            .await?;
        let url = enter(&url, &link);
        let document = serde_json::json!({ "url": url });
        session
            .output
            .document(schema::TOKEN_LINK, &document, |page| page.line(&url))
    }
}
