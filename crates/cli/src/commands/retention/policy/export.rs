//! `ostler retention policy export`

use clap::Args;
use ostler_api::retention::{RetentionAnswer, RetentionCall};
use ostler_vocabulary::{ErrorKind, Failure};

use crate::arguments::{ChoiceArguments, PlaceArguments};
use crate::output::schema;
use crate::session::Session;

/// Print policies as `import` reads them
#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    choice: ChoiceArguments,

    #[command(flatten)]
    place: PlaceArguments,
}

impl Export {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let call = RetentionCall::List {
            choice: self.choice.choice(),
        };
        let client = session.client().await?;
        let RetentionAnswer::Policies(list) = client.retention(&self.place.place(), call).await? else {
            return Err(Failure::new(ErrorKind::Internal, "the database gave no policies"));
        };
        let text = serde_json::to_string_pretty(&list)
            .map_err(|error| Failure::new(ErrorKind::Internal, format!("cannot write policies: {error}")))?;
        session.output.document(schema::POLICY_LIST, &list, |page| {
            page.verbatim(&format!("{text}\n"))
        })
    }
}
