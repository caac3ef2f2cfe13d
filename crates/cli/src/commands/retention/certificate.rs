//! `ostler retention certificate`

use clap::Args;
use ostler_api::document::{OperationState, Outcome};
use ostler_api::tables::TableTask;
use ostler_vocabulary::{ErrorKind, Failure};

use crate::arguments::text;
use crate::output::{Page, schema};
use crate::report::tables;
use crate::session::Session;

/// Print what an erasure removed, and the proof that nothing is left
///
/// The subject itself is not in it: its BLAKE3 hash is, by which whoever knows the subject can tell that it is meant.
#[derive(Debug, Args)]
pub(crate) struct Certificate {
    /// The operation that erased, or the beginning of its id
    #[arg(value_name = "OPERATION", value_parser = text())]
    operation: String,
}

impl Certificate {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let detail = session.client().await?.operation(&self.operation).await?;
        let summary = &detail.summary;
        let (Some(Outcome::Tables(report)), OperationState::Succeeded, Some(ended)) =
            (&detail.outcome, summary.state, summary.ended)
        else {
            return Err(uncertified(&self.operation));
        };
        if report.work != TableTask::ERASE {
            return Err(uncertified(&self.operation));
        }
        let certificate = tables::Certificate {
            operation: summary.id,
            ended,
            report,
        };
        let people = |page: &mut Page| tables::certificate(page, &certificate);
        session.output.document(schema::CERTIFICATE, &certificate, people)
    }
}

fn uncertified(operation: &str) -> Failure {
    Failure::new(
        ErrorKind::NotFound,
        format!("operation {operation} is no erasure that was proven"),
    )
    .with_hint("`ostler operation list` shows which are, and how they ended")
}
