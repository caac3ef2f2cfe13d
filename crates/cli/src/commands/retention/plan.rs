//! `ostler retention plan`

use clap::Args;
use ostler_vocabulary::Failure;

use super::run::RunArguments;
use crate::arguments::ApprovalArguments;
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Show what would go, and why; changes nothing
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// Also tell of each partition why it stays
    #[arg(long)]
    explain: bool,

    #[command(flatten)]
    run: RunArguments,
}

impl Plan {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let look = ApprovalArguments {
            dry_run: true,
            ..ApprovalArguments::default()
        };
        carry_out(session, self.run.request(self.explain), Approval::offered(look)).await
    }
}
