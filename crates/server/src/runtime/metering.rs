//! What an operation's requests wait for while it runs, and what they came to.
//!
//! Limits are changed from any process by a file of the operation in the state directory, which its owner looks at
//! again and again. It says what is changed and nothing else; whatever cannot be read changes nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use ostler_api::client::LimitChange;
use ostler_api::document::{Cost, Estimate, OperationState, Traffic};
use ostler_operations::{Finished, State};
use ostler_store::{Count, Meters, Prices, Rates, Verb};
use ostler_vocabulary::{ErrorKind, Failure, OperationId};

use super::{Runtime, blocking, documents, places};
use crate::Error;
use crate::settings::changed;

/// How often the owner looks whether limits were changed.
const LOOK: Duration = Duration::from_millis(250);
/// Restores of fewer bytes say nothing of how fast the store is.
const TELLING: u64 = 64 << 20;

/// What meters one operation.
#[derive(Debug)]
pub(super) struct Metering {
    meters: Meters,
    /// The limits when nobody changes them.
    configured: Rates,
    changes: PathBuf,
    prices: Option<Prices>,
}

impl Metering {
    /// Runs what the operation does, under limits that can be changed, and notes what it asked of the store.
    pub(super) async fn run(
        self,
        work: impl Future<Output = Result<Finished, Failure>> + Send,
    ) -> Result<Finished, Failure> {
        let done = tokio::select! {
            done = work => done,
            never = self.obey() => match never {},
        };
        // Gone already where nobody changed anything.
        let _ = tokio::fs::remove_file(&self.changes).await;
        self.meters.limits.set(self.configured);
        let mut finished = done?;
        let traffic = traffic(&self.meters.counters.take(), self.prices.as_ref());
        if let (Some(outcome), Ok(traffic)) =
            (finished.outcome.as_object_mut(), serde_json::to_value(traffic))
        {
            outcome.insert("traffic".to_owned(), traffic);
        }
        Ok(finished)
    }

    async fn obey(&self) -> std::convert::Infallible {
        loop {
            let change = tokio::fs::read(&self.changes).await.ok();
            let change = change.and_then(|json| serde_json::from_slice(&json).ok());
            let rates = changed(self.configured, change.unwrap_or_default());
            self.meters.limits.set(rates);
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// What was counted, as a document.
fn traffic(counts: &BTreeMap<Verb, Count>, prices: Option<&Prices>) -> Traffic {
    let of = |verb| counts.get(&verb).copied().unwrap_or_default();
    let read = of(Verb::Get).and(of(Verb::GetRange));
    let all = counts
        .values()
        .fold(Count::default(), |sum, count| sum.and(*count));
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Traffic {
        created: of(Verb::Create).requests,
        read: read.requests,
        looked_up: of(Verb::Head).requests,
        listed: of(Verb::List).requests,
        deleted: of(Verb::Delete).requests,
        failed: all.failed,
        sent_bytes: of(Verb::Create).bytes,
        received_bytes: read.bytes,
        average_ms: milliseconds(all.time) / all.requests.max(1),
        slowest_ms: milliseconds(all.slowest),
        cost: prices.map(|prices| cost(prices, counts)),
    }
}

fn cost(prices: &Prices, counts: &BTreeMap<Verb, Count>) -> Cost {
    Cost {
        amount: prices.cost(counts),
        currency: prices.currency.clone(),
    }
}

impl Runtime {
    /// What meters an operation on this vault.
    pub(super) fn metering(&self, id: OperationId, vault: &str) -> Metering {
        let settings = &self.inner.settings;
        let configured = settings.vault(vault).ok();
        Metering {
            meters: self.meters(vault),
            configured: configured.map_or_else(Rates::default, |vault| settings.limits(&vault)),
            changes: self.changes_of(id),
            prices: self.prices(vault),
        }
    }

    fn prices(&self, vault: &str) -> Option<Prices> {
        let settings = &self.inner.settings;
        let list = settings.vault(vault).ok()?.prices?;
        settings.file.prices.get(&list).cloned()
    }

    /// What a month of storing so many bytes costs, where that has a price.
    pub(super) fn monthly(&self, vault: &str, bytes: u64) -> Option<Cost> {
        let prices = self.prices(vault).filter(|prices| prices.storage > 0.0)?;
        Some(Cost {
            amount: prices.month(bytes),
            currency: prices.currency,
        })
    }

    fn changes_of(&self, id: OperationId) -> PathBuf {
        let limits = self.inner.settings.state_directory.join("limits");
        limits.join(format!("{id}.json"))
    }

    /// Changes the limits of an operation that runs, in whichever process.
    pub(super) async fn limit_operation(
        &self,
        id: OperationId,
        change: LimitChange,
    ) -> Result<LimitChange, Failure> {
        let record = self.journal(move |engine| engine.get(id)).await?;
        if !matches!(record.state, State::Running | State::Cancelling) {
            let state: OperationState = documents::state(record.state);
            return Err(Error::Request {
                message: format!("operation {} does not run: it is {}", id.short(), state.as_str()),
                kind: ErrorKind::Refused,
                hint: Some("`--limit-upload` and the like limit one that is started or resumed".to_owned()),
            }
            .into());
        }
        let path = self.changes_of(id);
        blocking(move || {
            let cannot_write = |source| Error::Write {
                what: "the limits of the operation",
                path: path.clone(),
                source,
            };
            if let Some(directory) = path.parent() {
                places::make_private(directory)?;
            }
            let there: Option<LimitChange> = std::fs::read(&path)
                .ok()
                .and_then(|json| serde_json::from_slice(&json).ok());
            let there = there.unwrap_or_default();
            let all = LimitChange {
                upload: change.upload.or(there.upload),
                download: change.download.or(there.download),
                requests: change.requests.or(there.requests),
            };
            // Renamed, so that nobody reads half of it.
            let new = path.with_extension(format!("{}.new", std::process::id()));
            let json = serde_json::to_vec(&all).map_err(|error| {
                Failure::new(ErrorKind::Internal, format!("cannot write limits: {error}"))
            })?;
            std::fs::write(&new, json).map_err(cannot_write)?;
            std::fs::rename(&new, &path).map_err(cannot_write)?;
            Ok(all)
        })
        .await
    }

    /// Adds to what a restore has to read how long that takes and what it costs, as far as that is known.
    pub(super) async fn complete_estimate(&self, vault: &str, estimate: &mut Estimate) {
        let counts = BTreeMap::from([(
            Verb::GetRange,
            Count {
                requests: estimate.requests,
                bytes: estimate.bytes,
                ..Count::default()
            },
        )]);
        estimate.cost = self.prices(vault).map(|prices| cost(&prices, &counts));
        let rates = self.meters(vault).limits.rates();
        let limited = [
            rates
                .download
                .map(|rate| estimate.bytes.saturating_mul(1000) / rate.0.max(1)),
            rates
                .requests
                .map(|rate| estimate.requests.saturating_mul(1000) / u64::from(rate.max(1))),
        ];
        let name = vault.to_owned();
        let last = self.journal(move |engine| {
            let told = engine.list(200, None)?.into_iter().find(|record| {
                record.kind == ostler_backup::restore::KIND
                    && record.state == State::Succeeded
                    && record.bytes >= TELLING
                    && record.plan.get("vault").and_then(|vault| vault.as_str()) == Some(&name)
            });
            Ok(told.map(|record| (record.bytes, record.worked_ms)))
        });
        // Without the history nothing is known, which is no reason to refuse a plan.
        let usual = last.await.ok().flatten().map(|(bytes, milliseconds)| {
            let took = u128::from(estimate.bytes) * u128::from(milliseconds) / u128::from(bytes.max(1));
            u64::try_from(took).unwrap_or(u64::MAX)
        });
        estimate.duration_ms = limited.into_iter().flatten().chain(usual).max();
    }
}
