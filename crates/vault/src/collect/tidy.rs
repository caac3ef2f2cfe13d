//! Small objects that have done their service.

use std::collections::HashSet;
use std::time::Duration;

use futures::{StreamExt, stream, try_join};
use ostler_store::Object;
use ostler_vocabulary::{BackupId, Classified, ErrorKind};
use tokio_util::sync::CancellationToken;

use super::writers::signs_of;
use super::{Tally, stop_if};
use crate::catalogue::{AtRecord, BACKUPS, INTENTS, NOTES, backup_of, record_of};
use crate::lease::{BACKUPS_MADE, backup_chain};
use crate::{Error, Lease, Vault};

/// Backups that are dealt with at the same time.
const AT_ONCE: usize = 16;
/// For so long a backup that was interrupted can be resumed without storing again what it had stored.
const RESUMABLE: Duration = Duration::from_secs(24 * 3600);

/// What has done its service.
#[derive(Debug, Default)]
pub(super) struct Stale {
    /// Backups that are over, with their intents and signs of life.
    over: Vec<(BackupId, AtRecord, Object, Vec<Object>)>,
    /// Notes of what is gone, and signs of life without an intent.
    others: Vec<Object>,
    /// Commit records.
    records: Vec<Object>,
}

impl Stale {
    pub(super) fn objects(self) -> Vec<Object> {
        let of_over = self.over.into_iter();
        let of_over = of_over.flat_map(|(_, _, intent, signs)| signs.into_iter().chain([intent]));
        of_over.chain(self.others).collect()
    }

    /// The records of these backups.
    pub(super) fn records_of(&self, backups: &[BackupId]) -> Vec<Object> {
        let is_of = |object: &&Object| record_of(&object.key).is_some_and(|(id, _)| backups.contains(&id));
        self.records.iter().filter(is_of).cloned().collect()
    }
}

impl Vault {
    /// What has done its service, while the lease is ours.
    pub(super) async fn stale_now(&self, guard: &Lease) -> Result<Stale, Error> {
        let past = async {
            match self.keys().lowest() {
                1 => Ok(Vec::new()),
                lowest => self.probes_before(lowest).await,
            }
        };
        let (mut stale, needless, past, ()) =
            try_join!(self.stale(&[]), self.needless_quarantine(), past, guard.confirm())?;
        stale.others.extend(needless);
        stale.others.extend(past);
        Ok(stale)
    }

    /// Deletes intents and signs of life of what is over or was given up, and notes of what is gone.
    pub(super) async fn tidy(&self, stale: Stale, cancel: &CancellationToken) -> Result<Tally, Error> {
        let mut tally = Tally::default();
        let over = stream::iter(stale.over).map(|(id, at_record, intent, signs)| async move {
            stop_if(cancel)?;
            if at_record == AtRecord::Nothing && !self.rule_out(id).await? {
                return Ok(Vec::new());
            }
            // Whoever begins says so first: signs of life without an intent are nobody's.
            self.remove_if_allowed(&intent.key).await?;
            let keys = signs.iter().map(|sign| sign.key.clone()).collect();
            self.remove_all_if_allowed(keys).await?;
            Ok(signs.into_iter().chain([intent]).collect())
        });
        let forget = async {
            let mut over = std::pin::pin!(over.buffer_unordered(AT_ONCE));
            let mut forgotten: Vec<Object> = Vec::new();
            while let Some(objects) = over.next().await {
                forgotten.extend(objects?);
            }
            Ok(forgotten)
        };
        let mut others = Tally::default();
        let (forgotten, ()): (Vec<Object>, ()) =
            try_join!(forget, self.remove_objects(stale.others, &mut others, cancel))?;
        forgotten.iter().for_each(|object| tally.deleted(object.size));
        tally.add(&others);
        Ok(tally)
    }

    /// Those objects, as they would be without the backups in `gone`.
    pub(super) async fn stale(&self, gone: &[BackupId]) -> Result<Stale, Error> {
        // Signs before intents: whoever begins says so first.
        let (notes, made) = try_join!(self.objects(NOTES), self.objects(BACKUPS_MADE))?;
        let signs = signs_of(&made);
        let intents = self.objects(INTENTS).await?;
        // After the notes: a backup that is committed in between is not taken for one that is gone.
        let begun = intents
            .iter()
            .filter_map(|intent| backup_of(INTENTS, &intent.key));
        let (records, at_records) = try_join!(self.objects(BACKUPS), self.at_records(begun.collect()))?;
        let committed: HashSet<BackupId> = records
            .iter()
            .filter_map(|object| Some(record_of(&object.key)?.0))
            .filter(|id| !gone.contains(id))
            .collect();
        let mut stale = Stale::default();
        let mut begun = HashSet::new();
        for intent in intents {
            let Some(id) = backup_of(INTENTS, &intent.key) else {
                continue;
            };
            if !gone.contains(&id) {
                begun.insert(id);
            }
            let signs = signs.get(&id).cloned().unwrap_or_default();
            let Some(at_record) = at_records.get(&id).copied() else {
                continue;
            };
            let is_over = match at_record {
                _ if gone.contains(&id) => true,
                AtRecord::Tombstone => true,
                // The key of its record is its maker's until the maker says that it is done with it. The intent makes up
                // for a listing that does not show the record yet.
                AtRecord::Record => signs.released && committed.contains(&id),
                AtRecord::Nothing => !self.is_young(id).await? && self.maker_is_dead(id, &signs).await?,
            };
            if is_over {
                let chain = backup_chain(id);
                let signs = made.iter().filter(|sign| sign.key.as_str().starts_with(&chain));
                stale.over.push((id, at_record, intent, signs.cloned().collect()));
            }
        }
        let of_backup = |name: &str, end: char| name.split_once(end)?.0.parse::<BackupId>().ok();
        stale.others.extend(notes.into_iter().filter(|note| {
            let name = note.key.as_str().strip_prefix(NOTES).unwrap_or_default();
            of_backup(name, '.').is_some_and(|id| !committed.contains(&id) && !begun.contains(&id))
        }));
        stale.others.extend(made.into_iter().filter(|sign| {
            let name = sign.key.as_str().strip_prefix(BACKUPS_MADE).unwrap_or_default();
            of_backup(name, '/').is_some_and(|id| !begun.contains(&id) && !gone.contains(&id))
        }));
        stale.records = records;
        Ok(stale)
    }

    /// Whether a backup began a short time ago. One whose intent cannot be read counts as young.
    pub(super) async fn is_young(&self, id: BackupId) -> Result<bool, Error> {
        let intent = match self.intent(id).await {
            Ok(None) => return Ok(false),
            Ok(Some(intent)) => intent,
            Err(error) if error.kind() == ErrorKind::Corrupt => return Ok(true),
            Err(error) => return Err(error),
        };
        let age = intent.started.duration_until(self.clock().now());
        Ok(age.unsigned_abs() < RESUMABLE)
    }
}
