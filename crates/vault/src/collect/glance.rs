//! What there is, as it was listed at one moment: by it a run knows whether what its plan found still holds.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::try_join;
use ostler_store::Object;
use ostler_vocabulary::BackupId;

use super::Looked;
use super::survey::Survey;
use crate::catalogue::{BACKUPS, INTENTS};
use crate::rounds::ROUNDS;
use crate::{Error, Vault};

/// The names of all objects that tell what is committed, what that needs, and what is stored. Where two glances are the same, nothing
/// of it changed between them: no object is ever written twice, and what was freed meanwhile has left a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    pub(super) intents: Vec<Object>,
    pub(super) rounds: Vec<Object>,
    pub(super) records: Vec<Object>,
    pub(super) segments: Vec<Object>,
    pub(super) packs: Vec<Object>,
}

/// What the last plan found, until it is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Remembered(Arc<Mutex<Option<Found>>>);

#[derive(Debug)]
struct Found {
    glance: Glance,
    gone: BTreeSet<BackupId>,
    /// The newest key epoch, and the first that is not to be given up.
    epochs: (u32, Option<u32>),
    survey: Survey,
}

impl Vault {
    /// Lists what there is, all at once.
    ///
    /// # Errors
    /// Only where the store fails.
    pub async fn glance(&self) -> Result<Glance, Error> {
        let (intents, rounds, records, segments, packs) = try_join!(
            self.objects(INTENTS),
            self.objects(ROUNDS),
            self.objects(BACKUPS),
            self.objects("index/"),
            self.objects("packs/"),
        )?;
        Ok(Glance {
            intents,
            rounds,
            records,
            segments,
            packs,
        })
    }

    /// Keeps what a plan found for the run that may follow, in place of what an earlier one did.
    pub(super) fn remember(&self, glance: Glance, gone: &[BackupId], survey: Survey) {
        // Locks are made longer without a trace in names.
        if self.lock_span().is_some() || survey.rounds.open.is_some() {
            return;
        }
        let found = Found {
            glance,
            gone: gone.iter().copied().collect(),
            epochs: self.known_epochs(),
            survey,
        };
        *self.remembered().lock() = Some(found);
    }

    /// What the last plan found out about the vault without these backups, if the vault is as it was. To be asked under the
    /// lease that the collection has, before anything is deleted under it.
    #[must_use]
    pub fn recall(&self, gone: &[BackupId], glance: &Glance) -> Option<Looked> {
        let found = self.remembered().lock().take()?;
        let holds = found.glance == *glance
            && found.gone == gone.iter().copied().collect()
            && found.epochs == self.known_epochs();
        holds.then_some(Looked(found.survey))
    }

    fn known_epochs(&self) -> (u32, Option<u32>) {
        (self.keys().current(), self.giving_up())
    }
}

impl Remembered {
    fn lock(&self) -> MutexGuard<'_, Option<Found>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
