//! The second phase: deleting what is marked, once nobody can rely on it.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream, try_join};
use ostler_vocabulary::{BackupId, Classified, ErrorKind, Progress};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::rewrite::Rewritten;
use super::survey::Survey;
use super::writers::{Exempt, Settled};
use super::{Collected, Collecting, Tally, stop_if};
use crate::host::{Bug, bug};
use crate::index::pack_key;
use crate::rounds::Round;
use crate::{Error, Lease, PackId, Vault};

/// Requests in flight.
const AT_ONCE: usize = 16;
/// How often the clock is looked at while a grace runs.
const PAUSE: Duration = Duration::from_secs(1);

impl Vault {
    /// Deletes what a round marked and no backup needs; `false` when that has to wait for backups that are being made.
    /// `looked` is what was found before the round was opened, by the same collection. `tidies` says that nothing follows
    /// it but tidying, which is done too.
    #[allow(clippy::too_many_arguments, reason = "one caller passes on what it was given")]
    pub(super) async fn sweep(
        self: &Arc<Self>,
        round: &Round,
        looked: Option<(Survey, Rewritten)>,
        tidies: bool,
        guard: &Lease,
        how: Collecting<'_>,
        progress: &Progress,
        cancel: &CancellationToken,
        tally: &mut Tally,
    ) -> Result<bool, Error> {
        self.wait_out(round, guard, how.grace, cancel).await?;
        let early = match bug(Bug::RecordsFirst) {
            true => Some(Survey::take(self, &[], &round.packs, cancel).await?),
            false => None,
        };
        // What has done its service follows from other objects than what is deleted here. It is found out meanwhile, and goes
        // when it is known that the deletion has not to wait.
        let (go, waits) = oneshot::channel();
        let tidy = async {
            if !tidies {
                return Ok(Tally::default());
            }
            let stale = self.stale_now(guard).await?;
            match waits.await {
                Ok(()) => self.tidy(stale, cancel).await,
                Err(_) => Ok(Tally::default()),
            }
        };
        let sweep = async {
            let (settled, freed) = try_join!(
                self.settle(Exempt::Saw(round.number), how, cancel),
                self.clear_rounds(round.number)
            )?;
            let committed = match settled {
                Settled::Over { committed } => committed,
                Settled::Waits(waits_for) => {
                    let waiting = self.waiting(round, looked.as_ref(), waits_for).await?;
                    return Ok((waiting, freed, false));
                }
            };
            let found = (committed, early, looked);
            let swept = self
                .sweep_settled(round, found, go, guard, progress, cancel)
                .await?;
            Ok((swept, freed, true))
        };
        let ((swept, freed, is_over), tidied) = try_join!(sweep, tidy)?;
        tally.freed += freed;
        tally.add(&swept);
        tally.add(&tidied);
        if is_over {
            tally.added += self.close_round(round.number).await?;
        }
        Ok(is_over)
    }

    /// What has to stay until these backups are over.
    async fn waiting(
        &self,
        round: &Round,
        looked: Option<&(Survey, Rewritten)>,
        waits_for: Vec<BackupId>,
    ) -> Result<Tally, Error> {
        let bytes_waiting = match looked {
            Some((survey, _)) => round.packs.iter().map(|pack| survey.size_of(pack)).sum(),
            None => self.bytes_of(&round.packs).await?,
        };
        let collected = Collected {
            packs_waiting: round.packs.len() as u64,
            bytes_waiting,
            waits_for,
            ..Collected::default()
        };
        Ok(Tally {
            collected,
            ..Tally::default()
        })
    }

    /// Deletes what a round marked and no backup needs, when all makers were dealt with. `go` is told when the survey holds.
    async fn sweep_settled(
        self: &Arc<Self>,
        round: &Round,
        (committed, early, looked): (BTreeSet<BackupId>, Option<Survey>, Option<(Survey, Rewritten)>),
        go: oneshot::Sender<()>,
        guard: &Lease,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Tally, Error> {
        let mut tally = Tally::default();
        // Records are listed after their makers were dealt with.
        let is_known = async {
            match &looked {
                _ if early.is_some() => Ok(true),
                Some((survey, _)) => Ok(bug(Bug::NoSecondLook) || survey.knows(self, &committed).await?),
                None => Ok(false),
            }
        };
        // What stays is described meanwhile: to say it in vain, and once more, harms nobody.
        let described = async {
            match &looked {
                Some((survey, _)) if early.is_none() => {
                    self.describe_anew(survey, &round.packs, cancel).await.map(Some)
                }
                _ => Ok(None),
            }
        };
        let (is_known, described, ()) = try_join!(is_known, described, guard.confirm())?;
        let (first, rewritten) = match looked {
            Some((survey, rewritten)) => (Some(survey), Some(rewritten)),
            None => (None, None),
        };
        tally.added += described.as_ref().map_or(0, |(bytes, _)| *bytes);
        let (survey, superseded) = match early.or(first) {
            // Nothing was committed since: what was found then holds.
            Some(survey) if is_known => (survey, described.map(|(_, superseded)| superseded)),
            _ => (Survey::take(self, &[], &round.packs, cancel).await?, None),
        };
        // Nobody listens where nothing is tidied.
        let _ = go.send(());
        let rewritten: HashSet<PackId> = rewritten.unwrap_or_default().packs.into_iter().collect();
        let going: HashSet<PackId> = match survey.is_second() {
            true => survey
                .decision
                .dead
                .iter()
                .copied()
                .filter(|pack| round.packs.contains(pack))
                .collect(),
            false => round.packs.clone(),
        };
        if survey.is_second() {
            self.require_present(&survey, &survey.decision.relied).await?;
        }
        if bug(Bug::RoundOverEarly) {
            self.close_round(round.number).await?;
        }

        let superseded = match superseded {
            Some(superseded) => superseded,
            None => {
                let describe = self.describe_anew(&survey, &going, cancel);
                let ((described, superseded), ()) = try_join!(describe, guard.confirm())?;
                tally.added += described;
                superseded
            }
        };
        try_join!(
            self.remove_objects(superseded, &mut tally, cancel),
            guard.confirm()
        )?;
        let mut sorted: Vec<PackId> = going.into_iter().collect();
        sorted.sort_unstable();
        let mut keyed = Vec::with_capacity(sorted.len());
        for pack in sorted {
            keyed.push((pack_key(&pack)?, pack));
        }
        let mut removed = std::pin::pin!(self.remove_each(keyed, cancel));
        while let Some(pack) = removed.next().await {
            let pack = pack?;
            tally.deleted(survey.size_of(&pack));
            match rewritten.contains(&pack) {
                true => tally.collected.packs_rewritten += 1,
                false => tally.collected.packs_deleted += 1,
            }
            progress.add_item();
        }
        Ok(tally)
    }

    /// Waits until the round has been open for its grace, by the store's clock where it tells the time, else by ours.
    async fn wait_out(
        &self,
        round: &Round,
        guard: &Lease,
        grace: Duration,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        if grace.is_zero() {
            return Ok(());
        }
        let opened = match round.opened {
            Some(opened) => Some(opened),
            None => self.round_opened(round.number).await?,
        };
        // Our lease's first beat was taken by the same clock, before this.
        let passed = match (opened, guard.taken().await?) {
            (Some(opened), Some(taken)) => {
                Duration::try_from(opened.duration_until(taken)).unwrap_or_default()
            }
            _ => Duration::ZERO,
        };
        let begun = self.clock().monotonic();
        while passed + self.clock().monotonic().saturating_sub(begun) < grace {
            stop_if(cancel)?;
            self.host().sleep(PAUSE.min(grace)).await;
        }
        guard.confirm().await
    }

    /// Finds the packs that are relied on as the only copies to stay, each by itself: a listing may show what is gone.
    async fn require_present(&self, survey: &Survey, packs: &BTreeSet<PackId>) -> Result<(), Error> {
        let sized: Vec<(PackId, u64)> = packs.iter().map(|pack| (*pack, survey.size_of(pack))).collect();
        stream::iter(sized)
            .map(|(pack, size)| async move {
                let key = pack_key(&pack)?;
                match self.store().head(&key).await {
                    Ok(object) if object.size == size => Ok(()),
                    Ok(_) => Err(Error::damaged(&key, "it has not the size that the listing has")),
                    Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::Conflict(format!(
                        "`{key}` is in the listing and is not there, so nothing is freed now"
                    ))),
                    Err(error) => Err(Error::store("look up", &key)(error)),
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await
    }

    async fn bytes_of(&self, packs: &HashSet<PackId>) -> Result<u64, Error> {
        let objects = self.objects("packs/").await?;
        let wanted = objects
            .iter()
            .filter(|object| crate::index::pack_of(&object.key).is_some_and(|pack| packs.contains(&pack)));
        Ok(wanted.map(|object| object.size).sum())
    }
}
