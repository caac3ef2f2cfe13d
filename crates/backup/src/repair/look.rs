//! What a look at the whole vault finds.

use ostler_api::document::Problem;
use ostler_vault::VaultCheck;
use ostler_vocabulary::{Failure, Progress};
use tokio_util::sync::CancellationToken;

use crate::Context;
use crate::check::{about, marked};

/// Damaged packs, objects and backups that one run takes care of, of each: a step's result has to fit into the journal.
pub(super) const MOST: usize = 300;

/// Looks at the whole vault; with `read_data` at every byte.
pub(super) async fn look(
    context: &Context,
    read_data: bool,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<VaultCheck, Failure> {
    let checked = context.vault.check(read_data, progress, cancel).await;
    checked.map_err(context.attempting("be checked"))
}

/// Small objects that nobody can read, and of which everything worth keeping is elsewhere.
pub(super) fn unreadable(check: &VaultCheck) -> Vec<String> {
    let keys = check.problems.iter().map(|problem| problem.key.as_str());
    keys.filter(|key| key.starts_with("index/") || key.starts_with("notes/"))
        .take(MOST)
        .map(ToOwned::to_owned)
        .collect()
}

/// What is wrong, with the backups that are damaged by it.
pub(super) fn problems(check: &VaultCheck) -> Vec<Problem> {
    let objects = check.problems.iter().map(|object| Problem {
        path: object.key.clone(),
        reason: object.reason.clone(),
    });
    objects.chain(check.damaged.iter().cloned().map(about)).collect()
}

/// Backups that count as damaged by an earlier proof, and in which this look at presence and sizes finds nothing wrong.
pub(super) async fn found_earlier(context: &Context, check: &VaultCheck) -> Result<Vec<Problem>, Failure> {
    let mut earlier = marked(context).await?;
    earlier.retain(|id| check.damaged.iter().all(|(damaged, _)| damaged != id));
    let reason = "an earlier check found it damaged: every byte of it is read";
    Ok(earlier
        .into_iter()
        .map(|id| about((id, reason.to_owned())))
        .collect())
}
