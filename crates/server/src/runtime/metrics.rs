//! Metrics: vaults and databases looked at, and numbers of what was recorded.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use ostler_api::metrics::Metrics;
use ostler_api::queue::{DatabaseChoice, QueueAnswer, QueueCall};
use ostler_api::request::Filter;
use ostler_api::schedule::{ScheduleAnswer, ScheduleCall};
use ostler_vocabulary::{ErrorKind, Failure};

use super::{Runtime, blocking};
use crate::metrics::families::{self, Facts};
use crate::metrics::observation::{self, Kind, Observation, Seen};
use crate::metrics::record::Record;
use crate::metrics::totals;

/// Changes that are counted in one go.
const CHANGES: usize = 500;
/// Operations among which those are looked for that are not over.
const OPERATIONS: usize = 200;

impl Runtime {
    async fn record<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Record) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let runtime = self.clone();
        blocking(move || {
            let slot = &runtime.inner.metrics;
            if let Some(record) = slot.get() {
                return call(record);
            }
            let opened = Record::open(&runtime.inner.place)?;
            // Two may open it at once, and the first stays.
            call(slot.get_or_init(|| Arc::new(opened)))
        })
        .await
    }

    pub(super) async fn gather_metrics(&self, refresh: bool) -> Result<Metrics, Failure> {
        if refresh {
            self.look_at_everything().await?;
        }
        self.count_operations().await?;
        let (observations, totals) = self
            .record(|record| Ok((record.observations()?, record.totals()?)))
            .await?;
        let schedules = match self.schedule_call(ScheduleCall::List).await? {
            ScheduleAnswer::List(list) => Some(list),
            _ => None,
        };
        let mut unfinished: BTreeMap<(String, String), u64> = BTreeMap::new();
        for record in self.journal(|engine| engine.list(OPERATIONS, None)).await? {
            if !record.state.is_over() {
                *unfinished
                    .entry((record.kind, record.state.as_str().to_owned()))
                    .or_default() += 1;
            }
        }
        Ok(families::metrics(&Facts {
            now: self.inner.clock.now(),
            observations: self.still_configured(observations)?,
            totals,
            schedules,
            unfinished,
            webhooks: self.outbox(|outbox| Ok(outbox.counts()?)).await?,
        }))
    }

    /// Nothing is said of what is not in the configuration any more.
    fn still_configured(&self, observations: Vec<Observation>) -> Result<Vec<Observation>, Failure> {
        let vaults = self.listed_vaults()?;
        let databases = &self.inner.settings.file.database;
        let kept = observations.into_iter().filter(|one| match one.kind {
            Kind::Vault => vaults.iter().any(|vault| vault.name == one.name),
            Kind::Database => databases.contains_key(&one.name),
        });
        Ok(kept.collect())
    }

    /// Looks at every vault and every database of the configuration, and records what was seen, and of what nothing was.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub(crate) async fn look_at_everything(&self) -> Result<(), Failure> {
        let before = self.record(|record| Ok(record.observations()?)).await?;
        for vault in self.listed_vaults()? {
            let begun = Instant::now();
            let looked = self.look_at_vault(&vault.name).await;
            // The default vault is made by the first backup; before that there is nothing to look at. One that was there is
            // lost.
            let was_seen = before
                .iter()
                .any(|one| one.kind == Kind::Vault && one.name == vault.name);
            let is_missing = matches!(&looked, Err(failure) if failure.kind() == ErrorKind::NotFound);
            if was_seen || !is_missing || !self.makes_default(Some(&vault.name)) {
                self.note(Kind::Vault, vault.name, begun, looked).await?;
            }
        }
        let databases = self.inner.settings.file.database.iter();
        // CrateDB has no queues.
        let databases: Vec<String> = databases
            .filter(|(_, it)| !it.is_cratedb())
            .map(|(name, _)| name.clone())
            .collect();
        for name in databases {
            let begun = Instant::now();
            let looked = self.look_at_database(&name).await;
            // A database without queues is not ours to watch.
            if !matches!(&looked, Err(failure) if failure.kind() == ErrorKind::NotFound) {
                self.note(Kind::Database, name, begun, looked).await?;
            }
        }
        self.count_operations().await?;
        let now = self.inner.clock.now();
        let keep = self.inner.settings.file.history.keep.0;
        self.record(move |record| {
            if let Ok(before) = now.checked_sub(keep) {
                record.forget(before, now)?;
            }
            Ok(())
        })
        .await
    }

    async fn note(
        &self,
        kind: Kind,
        name: String,
        begun: Instant,
        looked: Result<Seen, Failure>,
    ) -> Result<(), Failure> {
        let at = self.inner.clock.now();
        let (seen, failure) = match looked {
            Ok(seen) => (Some(seen), None),
            Err(failure) => {
                tracing::warn!("the {} `{name}` could not be looked at: {failure}", kind.as_str());
                (None, Some(failure.to_string()))
            }
        };
        let observation = Observation {
            kind,
            name,
            at,
            took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            failure,
            seen_at: seen.as_ref().map(|_| at),
            seen,
        };
        self.record(move |record| Ok(record.add(&observation)?)).await
    }

    async fn look_at_vault(&self, name: &str) -> Result<Seen, Failure> {
        let list = self.list_backups(Some(name), &Filter::default()).await?;
        let opened = self.opened(Some(name)).await?;
        let info = self.vault_info(&opened, None).await?;
        Ok(Seen::Vault(observation::of_vault(&list.backups, &info)))
    }

    async fn look_at_database(&self, name: &str) -> Result<Seen, Failure> {
        let choice = DatabaseChoice {
            name: Some(name.to_owned()),
            ..DatabaseChoice::default()
        };
        let status = self.queue_call(&choice, QueueCall::Status).await?;
        let all = QueueCall::Consumers {
            queue_pattern: None,
            pattern: None,
        };
        match (status, self.queue_call(&choice, all).await?) {
            (QueueAnswer::Status(status), QueueAnswer::Consumers(list)) => {
                Ok(Seen::Database(observation::of_database(&status, &list.consumers)))
            }
            _ => Err(Failure::new(
                ErrorKind::Internal,
                "a database answered something else than it was asked",
            )),
        }
    }

    /// Adds operations that ended since the last time to the totals. Asks the journal only.
    async fn count_operations(&self) -> Result<(), Failure> {
        loop {
            let after = self.record(|record| Ok(record.cursor()?)).await?;
            let counted = self
                .journal(move |engine| {
                    let changes = engine.changes(after, CHANGES)?;
                    let mut additions = Vec::new();
                    for change in changes.iter().filter(|change| change.state.is_over()) {
                        match engine.get(change.operation) {
                            Ok(record) => additions.extend(totals::of(&record, change.state)),
                            Err(failure) if failure.kind() == ErrorKind::NotFound => {}
                            Err(failure) => return Err(failure),
                        }
                    }
                    Ok(changes.last().map(|last| (last.number, additions)))
                })
                .await?;
            let Some((up_to, additions)) = counted else {
                return Ok(());
            };
            self.record(move |record| Ok(record.count(after, up_to, &additions)?))
                .await?;
        }
    }
}
