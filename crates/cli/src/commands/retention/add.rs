//! `ostler retention add` and `ostler retention policy add`

use clap::Args;
use ostler_api::retention::{PolicyChange, PolicyWish, RetentionCall};
use ostler_vocabulary::Failure;

use super::{ask, short};
use crate::arguments::{PlaceArguments, PolicyArguments, text};
use crate::session::Session;

/// Add a policy: TABLE[:COLUMN] [STRATEGY[:TARGET]] DURATION
///
/// Strategies are `drop` (whole partitions), `delete` (rows), `keep-last` (all rows but the newest of each key), `archive:TARGET` (kept in
/// Parquet files of an object store first), `downsample:ROLLUP` (proven to be summed up first) and `reallocate:TARGET` (moved to a
/// tablespace, to nodes of CrateDB with ATTRIBUTE=VALUE, or to what a [class.NAME] of the configuration says); in CrateDB also
/// `snapshot:REPOSITORY` (kept in a snapshot first). Without one it is `drop`
/// for a table partitioned by the column, and `delete` for others. Durations are such as 36h, 4w, 13 months, INF.
/// Policies are kept in the database they govern; their tables are made when the first one is added.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Such as `public.events:time drop 4w`, in one word or several
    #[arg(value_name = "POLICY", required = true, value_parser = text())]
    words: Vec<String>,

    /// The policy's name; that of the table if not given
    #[arg(long, value_name = "NAME", value_parser = text())]
    name: Option<String>,

    /// Change the policy of that name, if there is one
    #[arg(long)]
    replace: bool,

    #[command(flatten)]
    policy: PolicyArguments,

    #[command(flatten)]
    place: PlaceArguments,
}

impl Add {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let short = short::read(&self.words)?;
        let change = self.policy.change();
        let policy_target = short.target.or_else(|| change.target.clone());
        let wish = PolicyWish {
            name: self.name,
            table: short.subject.table,
            column: short.subject.column,
            strategy: short.strategy,
            keep: short.keep,
            change: PolicyChange {
                target: policy_target,
                ..change
            },
        };
        let call = RetentionCall::Add {
            wish,
            replace: self.replace,
        };
        ask(session, self.place, call).await
    }
}
