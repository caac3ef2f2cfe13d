//! `ostler query add`

use clap::Args;
use ostler_api::retention::RetentionCall;
use ostler_api::tables::{Definition, Query};
use ostler_vocabulary::Failure;

use super::ask;
use crate::arguments::{PlaceArguments, text};
use crate::session::Session;

/// Give a statement a name, by which it is run
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Its name, without blanks
    #[arg(value_name = "NAME", value_parser = name)]
    name: String,

    /// The statement; `:name` is a parameter
    #[arg(value_name = "SQL", value_parser = text())]
    sql: String,

    #[command(flatten)]
    place: PlaceArguments,
}

fn name(text: &str) -> Result<String, String> {
    match text.is_empty() || text.contains(char::is_whitespace) {
        true => Err("a name is one word".to_owned()),
        false => Ok(text.to_owned()),
    }
}

impl Add {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = RetentionCall::Define {
            name: self.name,
            definition: Definition::Query(Query { sql: self.sql }),
        };
        ask(session, self.place, call).await
    }
}
