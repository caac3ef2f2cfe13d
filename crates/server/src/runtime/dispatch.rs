//! From a request to a plan, from a plan to an operation, and back to one that was interrupted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_agent::Options as AgentOptions;
use ostler_api::Node;
use ostler_api::request::{CreateBackup, Hooks, Keep, Plan, Prune, Request, RestoreWork, Work};
use ostler_backup::{Context, check, create, drill, keep, keys, mirror, prune, repair, restore, verify};
use ostler_operations::{Finished, Operation, Spec};
use ostler_store::Memory;
use ostler_vault::{InitOptions, Vault};
use ostler_vocabulary::{ErrorKind, Failure, OperationId, ProcessIdentity};

use super::cluster::Configured;
use super::node::VaultNode;
use super::vaults::{Opened, Seen};
use super::{Runtime, first_use, places, queue};
use crate::Error;
use crate::agent::Kept;

/// What is done where another operation works on the same tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It fails soon: who asked for it waits for an answer.
    Now,
    /// It waits for its turn.
    Wait,
}

impl Runtime {
    pub(super) fn context(&self, opened: &Opened, resumed: bool) -> Context {
        let settings = &self.inner.settings;
        let left_out = places::left_out(settings, opened.directory.as_deref());
        Context {
            vault_name: opened.name.clone(),
            vault: Arc::clone(&opened.vault),
            node: Arc::new(self.vault_node(Arc::clone(&opened.vault), left_out.clone(), resumed)),
            cluster: None,
            clusters: Arc::new(Configured {
                runtime: self.clone(),
                vault: opened.vault.id(),
            }),
            clock: Arc::clone(&self.inner.clock),
            scratch: settings.state_directory.join("scratch"),
            left_out,
            process: ProcessIdentity::current(),
            lease_wait: settings.file.defaults.lease_wait.0,
            // Where asking costs next to nothing, every pack is looked for each time.
            presence: settings
                .cache_directory()
                .filter(|_| opened.directory.is_none() && !settings.file.backup.presence_max_age.0.is_zero())
                .map(|directory| directory.join("presence").join(opened.vault.id().to_string())),
            presence_max_age: settings.file.backup.presence_max_age.0,
        }
    }

    /// What answers one request to an agent, over a vault.
    pub(crate) fn node_of_agent(&self, vault: Arc<Vault>, kept: Kept) -> Arc<dyn Node> {
        Arc::new(self.vault_node(vault, self.left_out(), false).with(kept))
    }

    /// Directories of ours that no backup holds and no restore removes.
    pub(crate) fn left_out(&self) -> Vec<PathBuf> {
        places::left_out(&self.inner.settings, None)
    }

    fn vault_node(&self, vault: Arc<Vault>, protected: Vec<PathBuf>, resumed: bool) -> VaultNode {
        let options = AgentOptions {
            protected,
            turns: self.inner.turns.clone(),
            clock: Arc::clone(&self.inner.clock),
            ..AgentOptions::default()
        };
        VaultNode::new(vault, options, resumed)
    }

    pub(super) async fn make_plan(&self, request: Request) -> Result<Plan, Failure> {
        if let Some(place) = request.tables().cloned() {
            return self.plan_of_tables(place, request).await;
        }
        match request {
            Request::CreateBackup(request) => self.plan_create(request).await,
            Request::Restore(mut request) => {
                if let Some(onto) = &request.onto {
                    let cluster = onto.cluster.clone();
                    self.in_vault_of(&mut request.backup, &cluster)?;
                }
                let asked = request.backup.backup.clone();
                let context = self.pinned(&mut request.backup).await?;
                if asked != request.backup.backup {
                    let (context, backup) = self.meant(&request.backup).await?;
                    let meant = (&asked[..], &request.backup.filter);
                    let backups = context.backups().await?;
                    context.refuse_future(&backups, meant, &backup).await?;
                }
                let context = self.with_cluster(context, &Request::Restore(request.clone()))?;
                let mut plan = restore::plan(request, &context).await?;
                if let Work::Restore(RestoreWork {
                    estimate: Some(estimate),
                    ..
                }) = &mut plan.work
                {
                    self.complete_estimate(&context.vault_name, estimate).await;
                }
                Ok(plan)
            }
            Request::Verify(mut request) => {
                let context = self.pinned(&mut request.backup).await?;
                verify::plan(request, &context).await
            }
            Request::Drill(mut request) => {
                let context = self.pinned(&mut request.backup).await?;
                drill::plan(request, &context).await
            }
            Request::Delete(mut request) => {
                request.min_keep = request.min_keep.or(self.inner.settings.file.keep.min_keep);
                let context = self.context_of(request.vault.as_deref()).await?;
                prune::plan_delete(request, &context).await
            }
            Request::Prune(request) => {
                let context = self.context_of(request.vault.as_deref()).await?;
                prune::plan(self.with_rules(request), &context).await
            }
            Request::CheckVault(request) => {
                let context = self.context_of(request.vault.as_deref()).await?;
                check::plan(request, &context).await
            }
            Request::RepairVault(mut request) => {
                request.vault = Some(self.present_vault(request.vault.as_deref()));
                let context = self.context_of(request.vault.as_deref()).await?;
                let from = match &request.from {
                    Some(from) => Some(self.context_of(Some(from)).await?),
                    None => None,
                };
                repair::plan(request, &context, from.as_ref()).await
            }
            Request::Mirror(request) => {
                let from = self.context_of(request.from.as_deref()).await?;
                let to = self.context_of(Some(&request.to)).await?;
                mirror::plan(request, &from, &to).await
            }
            Request::Keys(request) => {
                let context = self.context_of(request.vault.as_deref()).await?;
                keys::plan(request, &context).await
            }
            Request::QueueSchema(request) => self.plan_queue_schema(request).await,
            Request::Retention(_) | Request::Undo(_) | Request::Tables(_) => Err(misled()),
        }
    }

    /// The vault that a plan reads from, where that is not the one it is for.
    async fn other(&self, request: &Request) -> Result<Option<Context>, Failure> {
        match request {
            Request::Mirror(request) => self.context_of(request.from.as_deref()).await.map(Some),
            Request::RepairVault(request) if request.from.is_some() => {
                self.context_of(request.from.as_deref()).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    pub(super) async fn context_of(&self, vault: Option<&str>) -> Result<Context, Failure> {
        let opened = self.opened(vault).await?;
        Ok(self.context(&opened, false))
    }

    async fn plan_create(&self, mut request: CreateBackup) -> Result<Plan, Failure> {
        let settings = &self.inner.settings;
        request
            .exclude
            .extend(settings.file.backup.exclude.iter().cloned());
        request.one_file_system |= settings.file.backup.one_file_system;
        if request.cluster.is_some() {
            return self.plan_create_cluster(request).await;
        }
        if request.hooks == Hooks::default() {
            request.hooks = settings.file.backup.hooks.clone();
        }
        for path in &request.paths {
            exists(path).await?;
        }
        let mut warnings = Vec::new();
        let mut plan = if self.makes_default(request.vault.as_deref()) {
            // Planning changes nothing: it works with an empty vault in memory.
            let options = InitOptions {
                protect: Vec::new(),
                clock: Arc::clone(&self.inner.clock),
            };
            let vault = Vault::init(Arc::new(Memory::new()), options).await?.vault;
            let place = settings.implicit_vault();
            let opened = Opened {
                name: "default".to_owned(),
                location: place.to_string_lossy().into_owned(),
                directory: Some(place.clone()),
                vault: Arc::new(vault),
                new_key: None,
                seen: Seen::default(),
            };
            warnings.extend(places::same_disk(&request.paths, Some(&place)));
            create::plan(request, &self.context(&opened, false)).await?
        } else {
            let opened = self.opened(request.vault.as_deref()).await?;
            warnings.extend(places::same_disk(&request.paths, opened.directory.as_deref()));
            create::plan(request, &self.context(&opened, false)).await?
        };
        if let Work::CreateBackup(work) = &mut plan.work {
            work.warnings.extend(warnings);
        }
        Ok(plan)
    }

    async fn plan_create_cluster(&self, mut request: CreateBackup) -> Result<Plan, Failure> {
        let configured = self.configured_cluster(request.cluster.as_deref().unwrap_or_default())?;
        if request.vault.is_none() {
            request.vault.clone_from(&configured.vault);
        }
        request.exclude.extend(configured.exclude.iter().cloned());
        if request.paths.is_empty() {
            request.paths = configured.roots.iter().map(PathBuf::from).collect();
        }
        let context = self.context_of(request.vault.as_deref()).await?;
        let context = self.with_cluster(context, &Request::CreateBackup(request.clone()))?;
        create::plan(request, &context).await
    }

    /// The request's rules, or those of the configuration where it has none; floors one by one.
    fn with_rules(&self, mut request: Prune) -> Prune {
        let configured = &self.inner.settings.file.keep;
        if request.keep == Keep::default() {
            request.keep = configured.clone();
        } else if keep::has_rule(&request.keep) {
            request.keep.min_keep = request.keep.min_keep.or(configured.min_keep);
            request.keep.max_delete_ratio = request.keep.max_delete_ratio.or(configured.max_delete_ratio);
        }
        request
    }

    /// Starts it under an id that the caller has recorded, or makes up. However often it is asked for, one operation is
    /// started: the others are told `AlreadyExists`.
    pub(super) async fn start_plan(
        &self,
        id: OperationId,
        mut plan: Plan,
        turn: Turn,
    ) -> Result<(), Failure> {
        if !matches!(
            plan.request,
            Request::Restore(_) | Request::Verify(_) | Request::CheckVault(_)
        ) {
            self.needs_record()?;
        }
        if matches!(plan.request, Request::QueueSchema(_)) {
            return self.start_queue_schema(id, plan).await;
        }
        if let Some(place) = plan.request.tables().cloned() {
            return self.start_of_tables(id, place, plan, turn).await;
        }
        let opened = match &plan.request {
            Request::CreateBackup(request)
                if request.cluster.is_none() && self.makes_default(request.vault.as_deref()) =>
            {
                self.make_default().await?
            }
            _ => self.opened(Some(&plan.vault)).await?,
        };
        if let (Some(key), Work::CreateBackup(work)) = (&opened.new_key, &mut plan.work) {
            work.warnings.insert(0, first_use::copy_away(key));
        }
        let (kind, version) = kind_of(&plan.request);
        let spec = Spec {
            kind,
            version,
            subject: plan.subject.clone(),
            plan: serde_json::to_value(&plan)
                .map_err(|e| Failure::new(ErrorKind::Internal, format!("cannot write the plan: {e}")))?,
        };
        let context = self.with_cluster(self.context(&opened, false), &plan.request)?;
        let other = self.other(&plan.request).await?;
        let material = self.material(&plan).await?;
        let new_key = opened.new_key.clone();
        let (runtime, vault) = (self.clone(), opened.name.clone());
        self.inner
            .engine
            .start_as(id, spec, move |op| async move {
                if let Some(key) = &new_key {
                    op.message(first_use::key_made(key));
                }
                let metering = runtime.metering(op.id(), &vault, &context);
                let done = metering.run(run(plan, op, context, other, material)).await;
                runtime.forget_the_old().await;
                done
            })
            .await
    }

    pub(super) async fn resume_operation(&self, id: OperationId, turn: Turn) -> Result<(), Failure> {
        let record = self.journal(move |engine| engine.get(id)).await?;
        let plan: Plan = serde_json::from_value(record.plan).map_err(|error| {
            Failure::new(
                ErrorKind::Unsupported,
                format!("the plan of operation {} cannot be read: {error}", id.short()),
            )
            .with_hint("resume it with the version of Ostler that started it")
        })?;
        if matches!(plan.request, Request::QueueSchema(_)) {
            return self.resume_queue_schema(id, plan).await;
        }
        if let Some(place) = plan.request.tables().cloned() {
            return self.resume_of_tables(id, place, plan, turn).await;
        }
        let opened = self.opened(Some(&plan.vault)).await?;
        let context = self.with_cluster(self.context(&opened, true), &plan.request)?;
        let other = self.other(&plan.request).await?;
        let material = self.material(&plan).await?;
        let (kind, version) = kind_of(&plan.request);
        let metering = self.metering(id, &opened.name, &context);
        self.inner
            .engine
            .resume(id, kind, version, move |op| {
                metering.run(run(plan, op, context, other, material))
            })
            .await
    }
}

async fn exists(path: &Path) -> Result<(), Failure> {
    match tokio::fs::symlink_metadata(path).await {
        Ok(_) => Ok(()),
        Err(source) => Err(Error::Read {
            what: "what is to be backed up,",
            path: path.to_owned(),
            source,
        }
        .into()),
    }
}

/// The name and version of an operation's kind.
fn kind_of(request: &Request) -> (&'static str, u32) {
    match request {
        Request::CreateBackup(_) => (create::KIND, create::VERSION),
        Request::Restore(_) => (restore::KIND, restore::VERSION),
        Request::Verify(_) => (verify::KIND, verify::VERSION),
        Request::Drill(_) => (drill::KIND, drill::VERSION),
        Request::Delete(_) => (prune::DELETE_KIND, prune::VERSION),
        Request::Prune(_) => (prune::KIND, prune::VERSION),
        Request::CheckVault(_) => (check::KIND, check::VERSION),
        Request::RepairVault(_) => (repair::KIND, repair::VERSION),
        Request::Mirror(_) => (mirror::KIND, mirror::VERSION),
        Request::Keys(change) => (keys::kind_of(&change.action), keys::VERSION),
        Request::QueueSchema(_) => (queue::KIND, queue::VERSION),
        Request::Retention(_) | Request::Undo(_) | Request::Tables(_) => ostler_retention::kind_of(request),
    }
}

async fn run(
    plan: Plan,
    op: Operation,
    context: Context,
    other: Option<Context>,
    material: keys::Material,
) -> Result<Finished, Failure> {
    match &plan.request {
        Request::CreateBackup(_) => create::run(plan, op, context).await,
        Request::Restore(_) => restore::run(plan, op, context).await,
        Request::Verify(_) => verify::run(plan, op, context).await,
        Request::Drill(_) => drill::run(plan, op, context).await,
        Request::Delete(_) | Request::Prune(_) => prune::run(plan, op, context).await,
        Request::CheckVault(_) => check::run(plan, op, context).await,
        Request::RepairVault(_) => repair::run(plan, op, context, other).await,
        Request::Mirror(_) => match other {
            Some(from) => mirror::run(plan, op, context, from).await,
            None => Err(Failure::new(ErrorKind::Internal, "a mirror has one vault only")),
        },
        Request::Keys(_) => keys::run(plan, op, context, material).await,
        Request::QueueSchema(_) | Request::Retention(_) | Request::Undo(_) | Request::Tables(_) => {
            Err(misled())
        }
    }
}

fn misled() -> Failure {
    Failure::new(ErrorKind::Internal, "a plan for a database was given to a vault")
}
