//! Frees what no backup needs.
//!
//! Nothing is believed to be unneeded unless every commit record and every file list could be read. The order makes
//! a kill harmless at any moment: what is needed is written anew first, then described by new index segments, then
//! the old segments go, then the old packs. Whatever an interrupted run leaves behind, the next one finds as copies
//! or orphans and frees.

mod decide;
mod rewrite;
mod survey;
mod tidy;

use std::collections::HashSet;
use std::sync::Arc;

use ostler_vocabulary::{BackupId, Progress};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::catalogue::{BACKUPS, backup_of};
use crate::index::pack_key;
use crate::{Error, Lease, PackId, Vault};
#[cfg(test)]
pub(crate) use rewrite::copy_pack;
use survey::Survey;

/// What collecting would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectPlan {
    /// Packs of which nothing is needed.
    pub free_packs: u64,
    /// Their bytes.
    pub free_bytes: u64,
    /// Packs of which a part is needed, which is written anew.
    pub repack_packs: u64,
    /// Their bytes without those of what is needed.
    pub repack_bytes: u64,
    /// Small objects that would go with nothing in their place: commit records, notes, intents, index segments.
    pub small_objects: u64,
    /// Their bytes. Segments that are written anew without some of their packs shrink by a little more.
    pub small_bytes: u64,
}

/// What collecting did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// Packs of which nothing was needed.
    pub packs_deleted: u64,
    /// Packs of which a part was written anew.
    pub packs_rewritten: u64,
    /// Bytes the store shrank by: those of deleted objects less those of new ones.
    pub bytes_freed: u64,
    /// Objects of all kinds that were deleted.
    pub objects_deleted: u64,
}

impl Vault {
    /// Works out what nothing would need if `gone` were deleted: packs to delete, packs to write anew. Changes
    /// nothing.
    ///
    /// # Errors
    /// [`Error::Unaccounted`] when a backup's needs are not known, [`Error::Cancelled`], and what the store says.
    pub async fn collect_plan(self: &Arc<Self>, gone: &[BackupId]) -> Result<CollectPlan, Error> {
        let survey = Survey::take(self, gone, &CancellationToken::new()).await?;
        let mut plan = CollectPlan::default();
        for pack in survey.removable() {
            plan.free_packs += 1;
            plan.free_bytes += survey.size_of(&pack);
        }
        for (pack, live) in &survey.decision.rewrite {
            plan.repack_packs += 1;
            plan.repack_bytes += survey.size_of(pack).saturating_sub(survey.stored_in(pack, live));
        }
        let mut small = self.stale(gone).await?;
        small.extend(survey.superseded());
        let records = self.objects(BACKUPS).await?;
        small.extend(
            records
                .into_iter()
                .filter(|object| backup_of(BACKUPS, &object.key).is_some_and(|id| gone.contains(&id))),
        );
        plan.small_objects = small.len() as u64;
        plan.small_bytes = small.iter().map(|object| object.size).sum();
        Ok(plan)
    }

    /// Writes anew what is needed of packs that are mostly not, then new index segments, then deletes superseded
    /// segments and packs. Repeatable after a kill or cancel at any moment. `progress` counts bytes written anew
    /// and objects deleted.
    ///
    /// # Errors
    /// [`Error::Unaccounted`] when a backup's needs are not known: then nothing is deleted. [`Error::Conflict`] when
    /// the lease was lost; [`Error::Cancelled`]; and what the store says.
    pub async fn collect(
        self: &Arc<Self>,
        guard: &Lease,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Collected, Error> {
        guard.confirm().await?;
        let survey = Survey::take(self, &[], cancel).await?;
        let rewritten = self.rewrite(&survey, progress, cancel).await?;
        let mut going: HashSet<PackId> = survey.decision.dead.iter().copied().collect();
        going.extend(&rewritten.packs);

        guard.confirm().await?;
        let (described, superseded) = self.describe_anew(&survey, &going, cancel).await?;
        let mut added = rewritten.stored_bytes + described;

        let mut collected = Collected::default();
        let mut freed = 0;
        guard.confirm().await?;
        for segment in superseded {
            stop_if(cancel)?;
            self.remove(&segment.key).await?;
            collected.objects_deleted += 1;
            freed += segment.size;
        }
        guard.confirm().await?;
        for pack in survey.removable() {
            stop_if(cancel)?;
            self.remove(&pack_key(&pack)?).await?;
            collected.packs_deleted += 1;
            collected.objects_deleted += 1;
            freed += survey.size_of(&pack);
            progress.add_item();
        }
        for pack in &rewritten.packs {
            stop_if(cancel)?;
            self.remove(&pack_key(pack)?).await?;
            collected.packs_rewritten += 1;
            collected.objects_deleted += 1;
            freed += survey.size_of(pack);
            progress.add_item();
        }
        let tidied = self.tidy(guard, cancel).await?;
        collected.objects_deleted += tidied.objects;
        freed += tidied.bytes;
        added = added.min(freed);
        collected.bytes_freed = freed - added;
        Ok(collected)
    }
}

fn stop_if(cancel: &CancellationToken) -> Result<(), Error> {
    if cancel.is_cancelled() {
        Err(Error::Cancelled("freeing space in the vault"))
    } else {
        Ok(())
    }
}
