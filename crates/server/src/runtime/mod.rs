//! The runtime: what answers a front end in its own process.

mod access;
mod across;
mod audit;
mod browse;
mod cluster;
mod connections;
mod dispatch;
mod documents;
mod first_use;
mod forget;
mod governed;
mod keys;
mod metering;
mod metrics;
mod node;
mod places;
mod probing;
mod queries;
mod queue;
mod registration;
mod remembered;
mod retention;
pub(crate) mod schedule;
mod unfinished;
mod unrecorded;
mod vaults;
pub(crate) mod webhook;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use ostler_agent::Turns;
use ostler_api::client::{LimitChange, Mark};
use ostler_api::document::{
    BackupDetail, BackupList, ClusterExploration, ClusterInfo, ClusterList, ClusterStatus, ConnectionList,
    DatabaseList, Diff, FileList, KeyList, OperationDetail, OperationList, VaultInfo, VaultList,
};
use ostler_api::metrics::Metrics;
use ostler_api::queue::{DatabaseChoice, QueueAnswer, QueueCall};
use ostler_api::request::{Filter, Plan, Request, Selector};
use ostler_api::retention::{PolicyPlace, RetentionAnswer, RetentionCall};
use ostler_api::schedule::{ScheduleAnswer, ScheduleCall};
use ostler_api::vault::NewVault;
use ostler_api::webhook::{WebhookAnswer, WebhookCall};
use ostler_api::{Client, Event};
use ostler_operations::Engine;
use ostler_schedule::Timetable;
use ostler_state::Place;
use ostler_store::Meters;
use ostler_vocabulary::{BackupId, Clock, ErrorKind, Failure, OperationCursor, OperationId};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

use crate::audit::Log;
use crate::metrics::record::Record;
use crate::settings::Settings;
use crate::webhook::outbox::Outbox;
pub use cluster::{ClusterInit, NodeAddress};
use dispatch::Turn;
pub use keys::KeySheet;
pub(crate) use places::make_private;
pub(crate) use queue::{configured as configured_database, target as database_target};
pub use registration::{AddVault, InitVault, TypedKey};
pub use vaults::Opened;

/// The whole of Ostler in this process: settings, journal, vaults and the agent. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    clock: Arc<dyn Clock>,
    engine: Engine,
    /// Where the state is; the engine's journal is there, or in memory where the state has no space left.
    place: Place,
    /// Whether nothing of what is done is recorded.
    is_unrecorded: bool,
    /// Open vaults by name. Locked only to look and to put; two tasks may open the same one, and the first stays.
    vaults: Mutex<HashMap<String, Arc<Opened>>>,
    /// What counts and limits the requests of each vault, by its name.
    meters: Mutex<HashMap<String, Meters>>,
    /// How many threads read and hash at a time.
    turns: Turns,
    /// Schedules and their runs; opened when somebody asks for them.
    timetable: OnceLock<Arc<dyn Timetable>>,
    /// What is to be told to whom; opened when somebody asks for it.
    outbox: OnceLock<Arc<Outbox>>,
    /// What was seen of vaults, and totals of operations; opened when somebody asks for them.
    metrics: OnceLock<Arc<Record>>,
    /// Held by who adds operations to the totals.
    counting: AsyncMutex<()>,
    /// Who changed what; opened at the first change.
    audit: OnceLock<Arc<Log>>,
    /// Who reads the configuration again when it was changed here; `None` where the process ends soon.
    reader: Option<Reader>,
}

/// Reads the configuration again, and says when what it says is in force.
pub(crate) type Reader = mpsc::Sender<oneshot::Sender<Result<(), Failure>>>;

impl Runtime {
    /// Opens the journal in the state directory, which is made where there is none. Vaults are opened as they are
    /// asked for. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// When state directory or journal cannot be made or opened.
    pub fn open(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        places::make_private(&settings.state_directory)?;
        let place = settings.state_place()?;
        let engine = Engine::open_at(&place, Arc::clone(&clock))?;
        Ok(Self::over(settings, engine, place, clock, None))
    }

    /// The same over any engine, in a process that reads its configuration again.
    pub(crate) fn over(
        settings: Settings,
        engine: Engine,
        place: Place,
        clock: Arc<dyn Clock>,
        reader: Option<Reader>,
    ) -> Self {
        Self::made(settings, engine, place, clock, reader, false)
    }

    fn made(
        settings: Settings,
        engine: Engine,
        place: Place,
        clock: Arc<dyn Clock>,
        reader: Option<Reader>,
        is_unrecorded: bool,
    ) -> Self {
        let turns = Turns::default();
        let agent = &settings.file.agent;
        turns.set(agent.parallel, agent.nice);
        Self {
            inner: Arc::new(Inner {
                settings,
                clock,
                engine,
                place,
                is_unrecorded,
                vaults: Mutex::default(),
                meters: Mutex::default(),
                turns,
                timetable: OnceLock::new(),
                outbox: OnceLock::new(),
                metrics: OnceLock::new(),
                counting: AsyncMutex::new(()),
                audit: OnceLock::new(),
                reader,
            }),
        }
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Where the state is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.inner.place
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Makes a vault and its key, and names it in the configuration where that does not yet. Replaces nothing.
    ///
    /// # Errors
    /// When there is a vault, a key file or a configured vault of that name already, or any of them cannot be made.
    pub async fn init_vault(&self, request: InitVault) -> Result<VaultInfo, Failure> {
        self.init(request).await
    }

    /// Opens a vault that exists and names it in the configuration.
    ///
    /// # Errors
    /// When it cannot be opened with that key, or the name is taken.
    pub async fn add_vault(&self, request: AddVault) -> Result<VaultInfo, Failure> {
        self.add(request).await
    }

    /// Has the configuration read again, after it was changed here.
    async fn read_again(&self) -> Result<(), Failure> {
        let Some(reader) = &self.inner.reader else {
            return Ok(());
        };
        let (done, read) = oneshot::channel();
        let stops = || Failure::new(ErrorKind::Unavailable, "the server stops");
        reader.send(done).await.map_err(|_| stops())?;
        read.await.map_err(|_| stops())?
    }

    /// Calls the journal on a blocking thread.
    async fn journal<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Engine) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let engine = self.inner.engine.clone();
        blocking(move || call(&engine)).await
    }
}

/// Work that waits, on a thread for that.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Failure::new(ErrorKind::Internal, "a worker stopped by a defect")))
}

#[async_trait]
impl Client for Runtime {
    async fn plan(&self, request: Request) -> Result<Plan, Failure> {
        self.make_plan(request).await
    }

    async fn start(&self, plan: Plan) -> Result<OperationId, Failure> {
        let id = OperationId::random();
        self.start_plan(id, plan, Turn::Now).await?;
        Ok(id)
    }

    async fn watch(&self, operation: OperationId) -> Result<mpsc::Receiver<Event>, Failure> {
        let events = self.inner.engine.watch(operation).await?;
        Ok(documents::events(events))
    }

    async fn cancel(&self, operation: OperationId, leave: bool) -> Result<(), Failure> {
        self.inner.engine.cancel(operation, leave).await?;
        let record = self.journal(move |engine| engine.get(operation)).await?;
        if record.state == ostler_operations::State::Interrupted && !leave {
            // Nobody works on it who could undo it: we do, and the caller may go away only then.
            self.resume_operation(operation, Turn::Now).await?;
            self.inner.engine.wait(operation).await?;
        }
        Ok(())
    }

    async fn limit(&self, operation: OperationId, change: LimitChange) -> Result<LimitChange, Failure> {
        self.limit_operation(operation, change).await
    }

    async fn resume(&self, operation: OperationId) -> Result<(), Failure> {
        self.resume_operation(operation, Turn::Now).await
    }

    async fn operation(&self, id: &str) -> Result<OperationDetail, Failure> {
        let id = id.to_owned();
        let record = self
            .journal(move |engine| engine.find(&id).and_then(|id| engine.get(id)))
            .await?;
        Ok(documents::detail(record))
    }

    async fn operations(
        &self,
        limit: usize,
        after: Option<OperationCursor>,
    ) -> Result<OperationList, Failure> {
        self.needs_record()?;
        let records = self
            .journal(move |engine| engine.list(limit, after.as_ref()))
            .await?;
        Ok(OperationList {
            operations: records.iter().map(documents::summary).collect(),
        })
    }

    async fn export_operations(&self) -> Result<Vec<serde_json::Value>, Failure> {
        self.needs_record()?;
        self.journal(Engine::export).await
    }

    async fn backups(&self, vault: Option<&str>, filter: &Filter) -> Result<BackupList, Failure> {
        self.list_backups(vault, filter).await
    }

    async fn backup(&self, selector: &Selector) -> Result<BackupDetail, Failure> {
        self.show_backup(selector).await
    }

    async fn files(&self, selector: &Selector, path: Option<&Path>) -> Result<FileList, Failure> {
        self.list_files(selector, path).await
    }

    async fn diff(&self, from: &Selector, to: &Selector) -> Result<Diff, Failure> {
        self.diff_backups(from, to).await
    }

    async fn read_file(
        &self,
        selector: &Selector,
        path: &Path,
        allow_incomplete: bool,
    ) -> Result<mpsc::Receiver<Result<Vec<u8>, Failure>>, Failure> {
        self.send_file(selector, path, allow_incomplete).await
    }

    async fn mark(&self, selector: &Selector, mark: Mark) -> Result<BackupId, Failure> {
        self.mark_backup(selector, mark).await
    }

    async fn vaults(&self) -> Result<VaultList, Failure> {
        Ok(VaultList {
            vaults: self.listed_vaults()?,
        })
    }

    async fn vault(&self, name: Option<&str>) -> Result<VaultInfo, Failure> {
        let opened = self.opened(name).await?;
        self.vault_info(&opened, None).await
    }

    async fn make_vault(&self, vault: NewVault) -> Result<VaultInfo, Failure> {
        self.make(vault).await
    }

    async fn keys(&self, vault: Option<&str>) -> Result<KeyList, Failure> {
        self.key_list(vault).await
    }

    async fn clusters(&self) -> Result<ClusterList, Failure> {
        Ok(self.list_clusters())
    }

    async fn cluster(&self, name: &str) -> Result<ClusterInfo, Failure> {
        self.cluster_info(name)
    }

    async fn cluster_status(&self, name: &str) -> Result<ClusterStatus, Failure> {
        self.ask_cluster(name).await
    }

    async fn cluster_exploration(&self, name: &str) -> Result<ClusterExploration, Failure> {
        self.explore_cluster(name).await
    }

    async fn connections(&self) -> Result<ConnectionList, Failure> {
        self.connect_to_everything().await
    }

    async fn databases(&self) -> Result<DatabaseList, Failure> {
        Ok(self.listed_databases())
    }

    async fn queue(&self, database: &DatabaseChoice, call: QueueCall) -> Result<QueueAnswer, Failure> {
        self.queue_call(database, call).await
    }

    async fn retention(&self, place: &PolicyPlace, call: RetentionCall) -> Result<RetentionAnswer, Failure> {
        self.retention_call(place, call).await
    }

    async fn schedule(&self, call: ScheduleCall) -> Result<ScheduleAnswer, Failure> {
        self.schedule_call(call).await
    }

    async fn webhook(&self, call: WebhookCall) -> Result<WebhookAnswer, Failure> {
        self.webhook_call(call).await
    }

    async fn metrics(&self, refresh: bool) -> Result<Metrics, Failure> {
        self.gather_metrics(refresh).await
    }

    async fn start_with_callback(&self, plan: Plan, result_url: String) -> Result<OperationId, Failure> {
        self.start_telling(plan, result_url).await
    }
}
