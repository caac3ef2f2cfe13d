//! What a backup to be copied is made of, and what is in both vaults already.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use ostler_vault::{Mirror, Reader, Record};
use ostler_vocabulary::{BackupId, ErrorKind, Failure};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use super::copy::Copy;
use crate::evidence::list_address;
use crate::state::Backup;
use crate::{Context, select};

/// What all copies of one run share. None of it is journaled: it only saves looking again.
#[derive(Default)]
pub(super) struct Ledger {
    here: OnceCell<Vec<Backup>>,
    there: OnceCell<BTreeSet<BackupId>>,
    copied: Mutex<BTreeSet<BackupId>>,
    reader: Mutex<Option<Arc<Reader>>>,
}

impl Ledger {
    /// The backups of the vault that is read.
    pub(super) async fn here(&self, from: &Context) -> Result<&[Backup], Failure> {
        self.here
            .get_or_try_init(|| from.backups())
            .await
            .map(Vec::as_slice)
    }

    /// A copy was committed.
    pub(super) fn add(&self, copy: BackupId) {
        let mut copied = self.copied.lock().unwrap_or_else(PoisonError::into_inner);
        copied.insert(copy);
    }

    async fn is_there(&self, id: BackupId, to: &Context) -> Result<bool, Failure> {
        let copied = self
            .copied
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&id);
        let listed = || async {
            let backups = to.backups().await?;
            let good = backups.iter().filter(|backup| backup.state().is_good());
            Ok::<_, Failure>(good.map(Backup::id).collect())
        };
        Ok(copied || self.there.get_or_try_init(listed).await?.contains(&id))
    }
}

/// What the look at the source found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Survey {
    pub(super) nodes: Vec<NodeSurvey>,
    /// Why it cannot be copied.
    pub(super) refused: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct NodeSurvey {
    /// The address of its file list.
    pub(super) list: String,
    /// Where stretches end.
    pub(super) ends: Vec<usize>,
    /// The list of an earlier backup that is in both vaults, here and there.
    pub(super) twins: Option<(String, String)>,
}

impl Copy<'_> {
    /// Divides the lists into stretches, and looks for a backup that is in both vaults.
    pub(super) async fn survey(&self) -> Result<Survey, Failure> {
        self.op
            .step("survey")
            .key(self.key())
            .retries(3)
            .run(|_| async {
                self.writer().await?;
                let surveyed = self.survey_now().await;
                match surveyed {
                    Err(failure) if is_damage(&failure) => Ok(Survey {
                        nodes: Vec::new(),
                        refused: Some(failure.messages().join(": ")),
                    }),
                    other => other,
                }
            })
            .await
    }

    async fn survey_now(&self) -> Result<Survey, Failure> {
        let record = self.from.record(self.item.backup).await?;
        let twin = self.twin(&record).await?;
        let mirror = self.mirror(false, false).await?;
        let mut nodes = Vec::new();
        for node in &record.nodes {
            let ends = mirror
                .stretches(list_address(&node.list)?)
                .await
                .map_err(self.reading())?;
            let twins = twin.as_ref().and_then(|(here, there)| {
                let of = |record: &Record| {
                    let found = record.nodes.iter().find(|other| other.part() == node.part());
                    found.map(|found| found.list.clone())
                };
                Some((of(here)?, of(there)?))
            });
            nodes.push(NodeSurvey {
                list: node.list.clone(),
                ends,
                twins,
            });
        }
        Ok(Survey { nodes, refused: None })
    }

    /// The backup of the same source that is in both vaults: the parent, or else the newest.
    async fn twin(&self, record: &Record) -> Result<Option<(Record, Record)>, Failure> {
        let here = self.ledger.here(self.from).await?;
        let group = |backup: &Backup| select::group(&backup.summary, &[]);
        let Some(own) = here.iter().find(|backup| backup.id() == self.item.backup) else {
            return Ok(None);
        };
        let own = group(own);
        let mut candidates: Vec<BackupId> = here
            .iter()
            .filter(|backup| backup.state().is_good() && group(backup) == own)
            .map(Backup::id)
            .collect();
        candidates.sort_by_key(|id| Some(*id) != record.parent);
        for id in candidates {
            if self.ledger.is_there(id, self.to).await?
                && let (Ok(here), Ok(there)) =
                    (self.from.vault.record(id).await, self.to.vault.record(id).await)
            {
                return Ok(Some((here, there)));
            }
        }
        Ok(None)
    }

    /// What copies, with an index of the target that is read now. `adopt` finds what an interrupted run stored; `fresh` reads
    /// the index of the source again, where a collection may have moved what is looked for.
    pub(super) async fn mirror(&self, adopt: bool, fresh: bool) -> Result<Mirror, Failure> {
        let there = self.to.vault.index(adopt).await;
        let there = there.map_err(self.to.attempting("read its index"))?;
        Ok(Mirror::new(
            self.source(fresh).await?,
            Arc::clone(&self.to.vault),
            there,
        ))
    }

    async fn source(&self, fresh: bool) -> Result<Arc<Reader>, Failure> {
        let kept = || self.ledger.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if let (false, Some(reader)) = (fresh, kept().clone()) {
            return Ok(reader);
        }
        let index = self.from.vault.index(false).await;
        let reader = Arc::new(self.from.vault.reader(index.map_err(self.reading())?));
        *kept() = Some(Arc::clone(&reader));
        Ok(reader)
    }

    pub(super) fn reading<E: Into<Failure>>(&self) -> impl FnOnce(E) -> Failure {
        self.from
            .attempting(format!("read backup {}", self.item.backup.short()))
    }
}

/// Damage of the source, for which other backups need not fail.
pub(super) fn is_damage(failure: &Failure) -> bool {
    matches!(failure.kind(), ErrorKind::Corrupt | ErrorKind::NotFound)
}
