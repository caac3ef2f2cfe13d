//! What an operation's requests wait for while it runs, and what they came to.
//!
//! Limits are changed from any process by a file of the operation in the state directory, which its owner looks at
//! again and again. It says what is changed and nothing else; whatever cannot be read changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use ostler_api::client::LimitChange;
use ostler_api::document::{Cost, Estimate, OperationState, Traffic};
use ostler_backup::Context;
use ostler_backup::cluster::{Cluster, Member};
use ostler_operations::{Finished, State};
use ostler_store::{Count, Meters, Prices, Rates, Verb};
use ostler_vocabulary::{ErrorKind, Failure, OperationId};
use tokio::sync::watch;

use super::{Runtime, blocking, documents, places};
use crate::Error;
use crate::settings::changed;

/// How often the owner looks whether limits were changed.
const LOOK: Duration = Duration::from_millis(250);
/// How often nodes are told what holds; they forget it after three times as long.
const AGAIN: Duration = Duration::from_secs(20);
/// Restores of fewer bytes say nothing of how fast the store is.
const TELLING: u64 = 64 << 20;

/// What meters one operation.
#[derive(Debug)]
pub(super) struct Metering {
    runtime: Runtime,
    vault: String,
    meters: Meters,
    changes: PathBuf,
    prices: Option<Prices>,
    /// The cluster that is worked on, whose nodes keep to the limits too.
    cluster: Option<Arc<Cluster>>,
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
        self.runtime.keep_to(&self.vault, LimitChange::default());
        let mut finished = done?;
        let traffic = traffic(&self.meters.counters.take(), self.prices.as_ref());
        if let (Some(outcome), Ok(traffic)) =
            (finished.outcome.as_object_mut(), serde_json::to_value(traffic))
        {
            outcome.insert("traffic".to_owned(), traffic);
        }
        Ok(finished)
    }

    async fn obey(&self) -> Infallible {
        let change = watch::Sender::new(LimitChange::default());
        let (told, given) = (change.subscribe(), self.runtime.settings().given_limits());
        let looking = async {
            loop {
                let there = tokio::fs::read(&self.changes).await.ok();
                let there = there.and_then(|json| serde_json::from_slice::<LimitChange>(&json).ok());
                let now = there.unwrap_or_default();
                if change.send_replace(now) != now {
                    self.runtime.keep_to(&self.vault, now);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            never = looking => never,
            never = tell_nodes(self.cluster.as_deref(), told, given) => never,
        }
    }
}

/// Tells the nodes of a cluster what changes, and says it again as long as it holds: who was started anew does not know it.
async fn tell_nodes(
    cluster: Option<&Cluster>,
    mut change: watch::Receiver<LimitChange>,
    given: LimitChange,
) -> Infallible {
    let Some(cluster) = cluster else {
        return std::future::pending().await;
    };
    let mut told = false;
    // Those that do not keep to the limits: each is named once, and when it does again.
    let mut deaf = BTreeSet::new();
    loop {
        let now = change.borrow_and_update().or(given);
        // What was never changed need not be said; what was changed back has to be.
        if told || now != LimitChange::default() {
            told = true;
            let mut telling = Vec::new();
            for member in &cluster.members {
                telling.push(tell(member, now).boxed());
            }
            let all = futures::stream::iter(telling).buffer_unordered(cluster.limit.max(1));
            for (name, told) in all.collect::<Vec<_>>().await {
                match told {
                    Ok(()) if deaf.remove(&name) => {
                        tracing::warn!(node = name, "it keeps to the limits again");
                    }
                    Err(failure) if deaf.insert(name.clone()) => {
                        tracing::warn!(node = name, %failure, "it does not keep to the limits");
                    }
                    _ => {}
                }
            }
        }
        // Cannot fail: the sender lives as long as this.
        let _ = tokio::time::timeout(AGAIN, change.changed()).await;
    }
}

async fn tell(member: &Member, change: LimitChange) -> (String, Result<(), Failure>) {
    (member.name.clone(), member.node.limit(change).await)
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
    pub(super) fn metering(&self, id: OperationId, vault: &str, context: &Context) -> Metering {
        Metering {
            runtime: self.clone(),
            vault: vault.to_owned(),
            meters: self.meters(vault),
            changes: self.changes_of(id),
            prices: self.prices(vault),
            cluster: context.cluster.clone(),
        }
    }

    /// Has this process keep to what is configured, with a change to it, from now on.
    pub(crate) fn keep_to(&self, vault: &str, change: LimitChange) {
        let settings = &self.inner.settings;
        let configured = settings.vault(vault).ok();
        let configured = configured.map_or_else(Rates::default, |vault| settings.limits(&vault));
        self.meters(vault).limits.set(changed(configured, change));
        let agent = &settings.file.agent;
        let parallel = change.parallel.or(agent.parallel).filter(|most| *most > 0);
        self.inner.turns.set(parallel, change.nice.unwrap_or(agent.nice));
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
            let all = change.or(there.unwrap_or_default());
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
