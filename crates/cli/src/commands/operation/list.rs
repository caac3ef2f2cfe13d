//! `ostler operation list`

use clap::Args;
use ostler_vocabulary::Failure;

use crate::arguments::text;
use crate::output::schema;
use crate::report;
use crate::session::Session;

/// List operations, newest first
#[derive(Debug, Args)]
pub(crate) struct List {
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    /// Only those that were begun before this one: an id or the beginning of one
    #[arg(long, value_name = "OPERATION", value_parser = text())]
    before: Option<String>,
}

impl List {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let client = session.client().await?;
        let after = match &self.before {
            Some(id) => Some(client.operation(id).await?.summary.cursor()),
            None => None,
        };
        let list = client.operations(limit, after).await?;
        if list.operations.is_empty() && after.is_none() {
            session
                .output
                .note("nothing was done yet; `ostler backup create PATH` begins");
        }
        let now = session.now();
        session.output.document(schema::OPERATION_LIST, &list, |page| {
            report::operation::list(page, &list, now)
        })
    }
}
