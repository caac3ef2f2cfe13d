//! What somebody should know whose table pg_partman looks after too. Its configuration is read, and left as it is.

use ostler_api::retention::{Policy, Strategy};

use crate::facts::Table;

/// What pg_partman does that the policy is about.
pub(super) fn note(policy: &Policy, table: &Table) -> Option<String> {
    let partman = table.partman.as_ref()?;
    match (policy.strategy, &partman.retention) {
        (Strategy::Ahead, _) => Some(format!(
            "pg_partman makes partitions of {} too (premake {}): leave that to one of the two",
            table.table, partman.premake
        )),
        (_, Some(retention)) => Some(format!(
            "pg_partman takes partitions of {} away too, after {retention} (`retention` in part_config): nothing proves what it takes",
            table.table
        )),
        (_, None) => None,
    }
}
