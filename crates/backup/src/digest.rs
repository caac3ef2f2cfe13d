//! The digest by which a plan is approved, over backups.

pub use ostler_operations::plan_digest as digest;
use ostler_vocabulary::BackupId;

/// The same over backups.
#[must_use]
pub fn of_backups(kind: &str, parameters: &[&[u8]], backups: &[(BackupId, &str)]) -> String {
    digest(
        kind,
        parameters,
        backups.iter().map(|(id, action)| (&id.as_bytes()[..], *action)),
    )
}
