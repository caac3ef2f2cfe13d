//! Frees what no backup needs, beside backups that are being made.
//!
//! In two phases. First: find out what nothing needs, write anew what is needed of packs that are mostly not, mark
//! what is going (a *round*). Then, when no backup that began before the marks can commit any more: look again at what
//! backups need, and delete what is marked and still not needed. Who is known to be dead, or shows no life for longer
//! than any lease, has its commit ruled out by a tombstone; for whoever lives the second phase waits, and is done by a
//! later collection.
//!
//! Nothing is believed to be unneeded unless every commit record and every file list could be read. The order makes
//! a kill harmless at any moment: what is needed is written anew first, then described by new index segments, then
//! packs are marked; later the old segments go, then the packs, then the round is over.
//! `docs/adr/0007-many-writers.md` has the argument.

mod anew;
mod decide;
mod glance;
mod needs;
mod rewrite;
mod survey;
mod sweep;
mod tidy;
mod writers;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::try_join;
use ostler_vocabulary::{BackupId, Progress};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

pub use decide::Reason;
pub use glance::Glance;
pub(crate) use glance::Remembered;

use crate::rounds::MOST_PACKS;
use crate::{Error, Lease, PackId, Vault};
use rewrite::Rewritten;
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

/// What a look at a vault found.
#[derive(Debug)]
pub struct Looked(Survey);

impl Looked {
    /// What collecting would free, but for small objects.
    #[must_use]
    pub fn plan(&self) -> CollectPlan {
        self.0.plan()
    }
}

/// How to collect.
#[derive(Clone, Copy)]
pub struct Collecting<'a> {
    /// How long after marking a pack may be deleted at the earliest. None is needed where listings show at once what was
    /// created; readers that loaded the index earlier are glad of some.
    pub grace: Duration,
    /// Backups that are to go as soon as their locks are over: what only they need is not locked for longer.
    pub expiring: &'a [BackupId],
    /// Called with what is waited for, once for each.
    pub told: &'a (dyn Fn(String) + Send + Sync),
}

impl std::fmt::Debug for Collecting<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collecting")
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}

impl Default for Collecting<'_> {
    fn default() -> Self {
        Self {
            grace: Duration::ZERO,
            expiring: &[],
            told: &|_| {},
        }
    }
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
    /// Packs that are marked and are deleted by a later collection.
    #[serde(default)]
    pub packs_waiting: u64,
    /// Their bytes.
    #[serde(default)]
    pub bytes_waiting: u64,
    /// Bytes that were stored in place of packs which are going, or are waiting for the end of their locks.
    #[serde(default)]
    pub bytes_anew: u64,
    /// Locks that were made longer, because what they lock is needed.
    #[serde(default)]
    pub locks_extended: u64,
    /// Backups that are being made and were begun before the marks, for whose end the deletion waits.
    #[serde(default)]
    pub waits_for: Vec<BackupId>,
}

/// Sums on the way.
#[derive(Debug, Default)]
struct Tally {
    collected: Collected,
    added: u64,
    freed: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.collected.objects_deleted += other.collected.objects_deleted;
        self.collected.packs_deleted += other.collected.packs_deleted;
        self.collected.packs_rewritten += other.collected.packs_rewritten;
        self.collected.packs_waiting += other.collected.packs_waiting;
        self.collected.bytes_waiting += other.collected.bytes_waiting;
        self.collected
            .waits_for
            .extend(other.collected.waits_for.iter().copied());
        self.added += other.added;
        self.freed += other.freed;
    }

    fn deleted(&mut self, bytes: u64) {
        self.collected.objects_deleted += 1;
        self.freed += bytes;
    }

    fn sum(mut self) -> Collected {
        self.collected.bytes_freed = self.freed.saturating_sub(self.added);
        self.collected
    }
}

impl Vault {
    /// Works out what nothing would need if `gone` were deleted: packs to delete, packs to write anew. Changes
    /// nothing. What it finds is kept for [`Vault::recall`].
    ///
    /// # Errors
    /// [`Error::Unaccounted`] when a backup's needs are not known, [`Error::Cancelled`], and what the store says.
    pub async fn collect_plan(
        self: &Arc<Self>,
        glance: Glance,
        gone: &[BackupId],
    ) -> Result<CollectPlan, Error> {
        let cancel = CancellationToken::new();
        let (survey, stale) = try_join!(Survey::by(self, &glance, gone, &cancel), self.stale(gone))?;
        let mut plan = survey.plan();
        let records = stale.records_of(gone);
        let mut small = stale.objects();
        small.extend(survey.superseded());
        small.extend(records);
        plan.small_objects = small.len() as u64;
        plan.small_bytes = small.iter().map(|object| object.size).sum();
        self.remember(glance, gone, survey);
        Ok(plan)
    }

    /// Looks at all there is and is needed, for [`Vault::collect_looked`]. Changes nothing.
    ///
    /// # Errors
    /// As [`Vault::collect_plan`].
    pub async fn look_for_garbage(self: &Arc<Self>, cancel: &CancellationToken) -> Result<Looked, Error> {
        self.look_without(&[], cancel).await
    }

    /// As [`Vault::look_for_garbage`], as it will be without these backups, while they are being deleted under the lease that the
    /// collection has. It holds when all of them were.
    ///
    /// # Errors
    /// As [`Vault::collect_plan`].
    pub async fn look_without(
        self: &Arc<Self>,
        gone: &[BackupId],
        cancel: &CancellationToken,
    ) -> Result<Looked, Error> {
        Survey::take(self, gone, &HashSet::new(), cancel)
            .await
            .map(Looked)
    }

    /// Ends the round that is open, if one is; then marks what is not needed, and deletes it as soon as no backup can
    /// rely on it. Where backups are being made that began before the marks, the deletion is left to a later call, and
    /// the result says so. Repeatable after a kill or cancel at any moment. `progress` counts bytes written anew and
    /// objects deleted.
    ///
    /// # Errors
    /// [`Error::Unaccounted`] when a backup's needs are not known: then nothing is deleted. [`Error::Conflict`] when
    /// the lease was lost; [`Error::Cancelled`]; and what the store says.
    pub fn collect<'a>(
        self: &'a Arc<Self>,
        guard: &'a Lease,
        how: Collecting<'a>,
        progress: &'a Progress,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Collected, Error>> {
        // Boxed, so that steps which borrow what they pass here are seen to be `Send`.
        Box::pin(async move {
            let ((), looked) = try_join!(guard.confirm(), self.look_for_garbage(cancel))?;
            self.collect_now(looked, guard, how, progress, cancel).await
        })
    }

    /// As [`Vault::collect`], from what was found under the same lease just now. What was committed since is looked at
    /// before anything is deleted.
    ///
    /// # Errors
    /// As [`Vault::collect`].
    pub fn collect_looked<'a>(
        self: &'a Arc<Self>,
        looked: Looked,
        guard: &'a Lease,
        how: Collecting<'a>,
        progress: &'a Progress,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Collected, Error>> {
        Box::pin(self.collect_now(looked, guard, how, progress, cancel))
    }

    async fn collect_now(
        self: &Arc<Self>,
        looked: Looked,
        guard: &Lease,
        how: Collecting<'_>,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Collected, Error> {
        let mut tally = Tally::default();
        let Looked(mut survey) = looked;
        if let Some(open) = survey.rounds.open.take()
            && !self.is_over(open.number).await?
        {
            let swept = self
                .sweep(&open, None, false, guard, how, progress, cancel, &mut tally)
                .await?;
            if !swept {
                return Ok(tally.sum());
            }
            let ((), anew) = try_join!(guard.confirm(), self.look_for_garbage(cancel))?;
            survey = anew.0;
        }
        if self.lock_span().is_some() {
            let mut unneeded: HashSet<PackId> = match how.expiring {
                [] => survey.decision.dead.iter().copied().collect(),
                gone => {
                    let without = Survey::take(self, gone, &HashSet::new(), cancel).await?;
                    without.decision.dead.iter().copied().collect()
                }
            };
            // What is needed of these is about to be somewhere else.
            unneeded.extend(survey.decision.rewrite.iter().map(|anew| anew.pack));
            // Secrets that were locked when they were given up.
            self.remove_left_over(guard).await?;
            self.remove_retired(guard).await?;
            let extended = self.extend_locks(&unneeded, how.expiring, cancel).await?;
            tally.collected.locks_extended = extended;
        }
        let rewritten = match self.rewrite(&survey, progress, cancel).await {
            // What nothing needs goes all the same, which makes room.
            Err(error) if error.is_full() => {
                (how.told)(
                    "no space is left for rewriting packs: only unreferenced ones are deleted".to_owned(),
                );
                Rewritten::default()
            }
            rewritten => rewritten?,
        };
        tally.added += rewritten.stored_bytes;
        let mut going: HashSet<PackId> = survey.removable().collect();
        going.extend(
            rewritten
                .packs
                .iter()
                .filter(|pack| !survey.locked.contains_key(pack)),
        );
        tally.collected.bytes_anew = rewritten.stored_bytes;
        let marked: HashSet<PackId> = going.into_iter().take(MOST_PACKS).collect();
        if marked.is_empty() {
            guard.confirm().await?;
            let merge = self.merge_segments(&survey, &mut tally, cancel);
            let (stale, ()) = try_join!(self.stale_now(guard), merge)?;
            let tidied = self.tidy(stale, cancel).await?;
            tally.add(&tidied);
        } else {
            // A round that was opened without the lease is worked out again by whoever has it.
            let open = self.open_round(survey.rounds.next, &marked);
            let (opened, ()) = try_join!(open, guard.confirm())?;
            let Some(round) = opened else {
                return Err(Error::Conflict(
                    "another collection began while this one was looking".to_owned(),
                ));
            };
            tally.added += round.added;
            let looked = Some((survey, rewritten));
            self.sweep(&round, looked, true, guard, how, progress, cancel, &mut tally)
                .await?;
        }
        self.keep_reserve().await;
        Ok(tally.sum())
    }
}

pub(crate) fn stop_if(cancel: &CancellationToken) -> Result<(), Error> {
    if cancel.is_cancelled() {
        Err(cancelled())
    } else {
        Ok(())
    }
}

fn cancelled() -> Error {
    Error::Cancelled("freeing space in the vault")
}
