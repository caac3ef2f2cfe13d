//! How a plan that destroys something is approved.

use clap::Args;

use super::digest;

#[derive(Debug, Default, Args)]
pub(crate) struct ApprovalArguments {
    /// Print the plan with its digest and change nothing
    #[arg(long, conflicts_with_all = ["yes", "apply"])]
    pub dry_run: bool,

    /// Plan and run in one go, without a look at the plan
    #[arg(long, short = 'y', conflicts_with = "apply")]
    pub yes: bool,

    /// Run the plan only if it is still the one with this digest
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub apply: Option<String>,
}
