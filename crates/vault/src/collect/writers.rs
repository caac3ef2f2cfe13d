//! Who makes backups at the moment, and may still commit.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream, try_join};
use ostler_store::Object;
use ostler_vocabulary::{BackupId, Classified, ErrorKind};
use tokio_util::sync::CancellationToken;

use super::{Collecting, stop_if};
use crate::catalogue::{AtRecord, INTENTS, backup_of, intent_key};
use crate::host::{Bug, bug};
use crate::lease::{BACKUPS_MADE, Chain, Link, backup_chain};
use crate::{Error, LEASE_TIME, Vault};

/// Requests in flight.
const AT_ONCE: usize = 16;
/// How often makers are looked at while one of them may be dead.
const PAUSE: Duration = Duration::from_secs(2);

/// Which backups cannot be harmed by what is to be done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Exempt {
    /// Those that have seen the marks of this round before they relied on anything.
    Saw(u64),
    /// Those that began with this key epoch or a later one.
    Since(u32),
}

/// What a look at the makers came to.
#[derive(Debug)]
pub(super) enum Settled {
    /// No backup that began before the round can commit any more; these, of which intents are left, did or never will.
    Over { committed: BTreeSet<BackupId> },
    /// These backups are being made.
    Waits(Vec<BackupId>),
}

/// What shows that somebody makes a backup.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Signs {
    pub(super) epoch: u64,
    pub(super) beat: u64,
    pub(super) released: bool,
    saw: BTreeSet<u64>,
}

impl Signs {
    /// Whether the backup cannot rely on what this round marked. Only who has seen the marks before it relied on
    /// anything says so; of a backup that was resumed nobody knows what earlier attempts relied on.
    pub(super) fn exempt(&self, round: u64) -> bool {
        self.epoch <= 1 && self.saw.contains(&round)
    }
}

/// The signs of life of all makers, as they are listed.
pub(super) fn signs_of(made: &[Object]) -> BTreeMap<BackupId, Signs> {
    let mut chains: BTreeMap<BackupId, Vec<Object>> = BTreeMap::new();
    for object in made {
        let rest = object.key.as_str().strip_prefix(BACKUPS_MADE);
        if let Some(id) = rest.and_then(|rest| rest.split_once('/')?.0.parse().ok()) {
            chains.entry(id).or_default().push(object.clone());
        }
    }
    let signs = chains.into_iter().map(|(id, objects)| {
        let prefix = backup_chain(id);
        let chain = Chain::read(&prefix, &objects);
        let saw = objects
            .iter()
            .filter_map(|object| match Link::parse(&prefix, &object.key) {
                Some((_, Link::Saw(round))) => Some(round),
                _ => None,
            });
        let signs = Signs {
            epoch: chain.map_or(1, |chain| chain.epoch),
            beat: chain.map_or(0, |chain| chain.beat),
            released: chain.is_some_and(|chain| chain.released),
            saw: saw.collect(),
        };
        (id, signs)
    });
    signs.collect()
}

impl Vault {
    /// What is at the records' keys of these backups, each asked for by itself: a listing may be late.
    pub(super) async fn at_records(&self, ids: Vec<BackupId>) -> Result<BTreeMap<BackupId, AtRecord>, Error> {
        stream::iter(ids)
            .map(|id| async move { Ok((id, self.at_record(id).await?)) })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Waits until no backup that may rely on what a round marked can commit any more, as long as it takes to tell the
    /// living from the dead. The commits of the dead are ruled out.
    pub(super) async fn settle(
        &self,
        exempt: Exempt,
        how: Collecting<'_>,
        cancel: &CancellationToken,
    ) -> Result<Settled, Error> {
        let mut seen: HashMap<BackupId, (Signs, Duration)> = HashMap::new();
        let mut over = BTreeSet::new();
        let mut told = HashSet::new();
        loop {
            // What a maker has said by the time of either listing is said for ever.
            let (intents, made) = try_join!(self.objects(INTENTS), self.objects(BACKUPS_MADE))?;
            let intents: Vec<BackupId> = intents
                .iter()
                .filter_map(|object| backup_of(INTENTS, &object.key))
                .filter(|id| !over.contains(id))
                .collect();
            if matches!(exempt, Exempt::Saw(_)) && bug(Bug::SweepBesideWriters) {
                return Ok(Settled::Over { committed: over });
            }
            let all_signs = signs_of(&made);
            let mut asked = Vec::new();
            for id in intents {
                stop_if(cancel)?;
                let signs = all_signs.get(&id).cloned().unwrap_or_default();
                let is_exempt = match exempt {
                    Exempt::Saw(round) => signs.exempt(round),
                    Exempt::Since(epoch) => {
                        let begun = self.epoch_at(&intent_key(id)?).await?;
                        begun.is_none_or(|begun| begun >= epoch)
                    }
                };
                if !is_exempt {
                    asked.push((id, signs));
                }
            }
            let at_records = self.at_records(asked.iter().map(|(id, _)| *id).collect()).await?;
            let (mut living, mut unknown) = (Vec::new(), 0);
            for (id, signs) in asked {
                stop_if(cancel)?;
                if at_records.get(&id).is_some_and(|at| *at != AtRecord::Nothing) {
                    over.insert(id);
                    continue;
                }
                let now = self.clock().monotonic();
                let (first, since) = seen.entry(id).or_insert((signs.clone(), now));
                if *first != signs {
                    living.push(id);
                } else if now.saturating_sub(*since) >= LEASE_TIME || self.maker_is_dead(id, &signs).await? {
                    self.revoke(id).await?;
                    over.insert(id);
                } else {
                    unknown += 1;
                    if told.insert(id) {
                        (how.told)(format!(
                            "waiting to see whether backup {} is still being made",
                            id.short()
                        ));
                    }
                }
            }
            if !living.is_empty() {
                return Ok(Settled::Waits(living));
            }
            if unknown == 0 {
                return Ok(Settled::Over { committed: over });
            }
            self.host().sleep(PAUSE).await;
        }
    }

    /// Whether the process that makes a backup is known to be gone.
    pub(super) async fn maker_is_dead(&self, id: BackupId, signs: &Signs) -> Result<bool, Error> {
        let maker = match signs.epoch {
            0 | 1 => match self.intent(id).await {
                Ok(intent) => intent.map(|intent| intent.owner),
                Err(error) if error.kind() == ErrorKind::Corrupt => None,
                Err(error) => return Err(error),
            },
            epoch => {
                let claim = self.claim(&backup_chain(id), epoch).await?;
                claim.map(|claim| claim.holder.process)
            }
        };
        Ok(maker.is_some_and(|maker| self.host().is_dead(&maker)))
    }

    /// Takes a backup's commit away from whoever makes it.
    pub(super) async fn revoke(&self, id: BackupId) -> Result<(), Error> {
        if bug(Bug::NoTombstone) {
            return self.forget(id).await;
        }
        self.rule_out(id).await.map(drop)
    }
}
