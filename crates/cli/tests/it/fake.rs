//! A client and a backend without anything behind them: they answer with the samples, and can be told to answer
//! otherwise.

mod answers;
mod backend;
mod script;

use std::path::Path;
use std::sync::{Arc, Mutex};

use ostler::reference::samples;
use ostler_api::audit::{AuditList, AuditQuery};
use ostler_api::client::{Event, LimitChange, Mark};
use ostler_api::document::*;
use ostler_api::metrics::Metrics;
use ostler_api::queue::{DatabaseChoice, QueueAnswer, QueueCall};
use ostler_api::request::{Filter, Selector};
use ostler_api::retention::{PolicyPlace, RetentionAnswer, RetentionCall};
use ostler_api::schedule::{ScheduleAnswer, ScheduleCall};
use ostler_api::webhook::{WebhookAnswer, WebhookCall};
use ostler_api::{Client, Plan, Request};
use ostler_vocabulary::{BackupId, ErrorKind, Failure, OperationCursor, OperationId};
use tokio::sync::mpsc;

pub use backend::FakeBackend;
pub use script::Script;

#[derive(Debug, Default)]
pub struct Fake {
    pub script: Script,
    /// Everything that was asked for, in the words of the request.
    pub asked: Mutex<Vec<String>>,
    /// Where a watcher listens while the operation runs for ever.
    watcher: Mutex<Option<mpsc::Sender<Event>>>,
    started: Mutex<Option<Plan>>,
    cancelled: Mutex<Option<bool>>,
}

impl Fake {
    pub fn new(script: Script) -> Arc<Self> {
        Arc::new(Self {
            script,
            ..Self::default()
        })
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn ask(&self, what: impl std::fmt::Debug) -> Result<(), Failure> {
        self.asked.lock().unwrap().push(format!("{what:?}"));
        let Some((kind, messages, hint)) = &self.script.fails else {
            return Ok(());
        };
        let mut messages = messages.iter().rev();
        let mut failure = Failure::new(*kind, *messages.next().unwrap());
        for message in messages {
            failure = failure.context(*message);
        }
        Err(match hint {
            Some(hint) => failure.with_hint(*hint),
            None => failure,
        })
    }

    fn ended(&self) -> OperationDetail {
        if let Some(left) = *self.cancelled.lock().unwrap() {
            let state = if left {
                OperationState::Interrupted
            } else {
                OperationState::Cancelled
            };
            return samples::operation("create_backup", state);
        }
        if let Some(ends) = &self.script.ends {
            return ends.clone();
        }
        let started = self.started.lock().unwrap();
        let (kind, outcome) = match started.as_ref().map(|plan| &plan.request) {
            Some(Request::Restore(_)) => ("restore", Outcome::Restore(samples::restore_report())),
            Some(Request::Verify(_)) => ("verify", Outcome::Verify(samples::verify_report(true))),
            Some(Request::Drill(_)) => ("drill", Outcome::Drill(samples::drill_report())),
            Some(Request::Delete(_) | Request::Prune(_)) => {
                ("prune", Outcome::Prune(samples::prune_report()))
            }
            Some(Request::CheckVault(_)) => ("check_vault", Outcome::CheckVault(samples::check_report(true))),
            Some(Request::RepairVault(_)) => {
                ("repair_vault", Outcome::RepairVault(samples::repair_report(true)))
            }
            Some(Request::Mirror(_)) => ("mirror", Outcome::Mirror(samples::mirror_report())),
            Some(Request::Keys(_)) => ("key_rotate", Outcome::Keys(samples::key_report())),
            Some(Request::QueueSchema(_)) => (
                "queue_schema",
                Outcome::QueueSchema(samples::queue_schema_report()),
            ),
            Some(Request::Retention(_)) => ("retention", Outcome::Retention(samples::retention_report())),
            Some(Request::Tables(request)) => {
                (request.task.kind(), Outcome::Tables(samples::tables_report()))
            }
            Some(Request::Undo(_)) => ("retention-undo", Outcome::Undo(samples::undo_report())),
            Some(Request::CreateBackup(_)) | None => {
                let mut report = samples::create_report(BackupState::Complete);
                report.parent = report.parent.filter(|_| !self.script.first);
                ("create_backup", Outcome::CreateBackup(report))
            }
        };
        samples::operation_with(kind, outcome)
    }
}

#[async_trait::async_trait]
impl Client for Fake {
    async fn plan(&self, request: Request) -> Result<Plan, Failure> {
        self.ask(&request)?;
        let mut plan = samples::plan(request);
        if self.script.nothing_to_prune
            && let ostler_api::request::Work::Prune(work) = &mut plan.work
        {
            work.decisions.retain(|decision| decision.keep);
            work.incomplete.clear();
            (
                work.free_packs,
                work.free_bytes,
                work.repack_packs,
                work.repack_bytes,
            ) = (0, 0, 0, 0);
            (work.small_objects, work.small_bytes) = (0, 0);
        }
        Ok(plan)
    }

    async fn start(&self, plan: Plan) -> Result<OperationId, Failure> {
        self.asked.lock().unwrap().push("start".into());
        *self.started.lock().unwrap() = Some(plan);
        Ok(samples::operation_id(1))
    }

    async fn watch(&self, _: OperationId) -> Result<mpsc::Receiver<Event>, Failure> {
        let (sender, receiver) = mpsc::channel(16);
        for event in samples::events() {
            if self.script.runs_for_ever && matches!(event, Event::Ended { .. }) {
                *self.watcher.lock().unwrap() = Some(sender);
                return Ok(receiver);
            }
            sender.send(event).await.unwrap();
        }
        Ok(receiver)
    }

    async fn cancel(&self, _: OperationId, leave: bool) -> Result<(), Failure> {
        self.asked.lock().unwrap().push(format!("cancel, leave: {leave}"));
        let script_waits_for_leave = self.script.ends.is_none() && self.script.runs_for_ever;
        if leave || !script_waits_for_leave || self.script.empty {
            *self.cancelled.lock().unwrap() = Some(leave);
            *self.watcher.lock().unwrap() = None;
        }
        Ok(())
    }

    async fn limit(&self, id: OperationId, change: LimitChange) -> Result<LimitChange, Failure> {
        self.ask(format!("limit {}: {change:?}", id.short()))?;
        Ok(change)
    }

    async fn resume(&self, id: OperationId) -> Result<(), Failure> {
        self.ask(format!("resume {}", id.short()))
    }

    async fn operation(&self, id: &str) -> Result<OperationDetail, Failure> {
        self.ask(format!("operation {id}"))?;
        Ok(self.ended())
    }

    async fn operations(
        &self,
        limit: usize,
        after: Option<OperationCursor>,
    ) -> Result<OperationList, Failure> {
        let after = after.map_or_else(String::new, |after| format!(" after {}", after.id.short()));
        self.ask(format!("operations {limit}{after}"))?;
        let mut list = samples::operation_list();
        list.operations.retain(|_| !self.script.empty);
        Ok(list)
    }

    async fn clusters(&self) -> Result<ClusterList, Failure> {
        self.ask("clusters")?;
        Ok(samples::cluster_list())
    }

    async fn cluster(&self, name: &str) -> Result<ClusterInfo, Failure> {
        self.ask(format!("cluster {name}"))?;
        Ok(samples::cluster_info())
    }

    async fn cluster_status(&self, name: &str) -> Result<ClusterStatus, Failure> {
        self.ask(format!("status of {name}"))?;
        Ok(samples::cluster_status())
    }

    async fn cluster_exploration(&self, name: &str) -> Result<ClusterExploration, Failure> {
        self.ask(format!("exploration of {name}"))?;
        Ok(samples::cluster_exploration())
    }

    async fn connections(&self) -> Result<ConnectionList, Failure> {
        self.ask("connections")?;
        Ok(samples::connections())
    }

    async fn export_operations(&self) -> Result<Vec<serde_json::Value>, Failure> {
        self.ask("export")?;
        Ok(vec![
            serde_json::json!({"operation": samples::operation_id(1)}),
            serde_json::json!({"step": 1}),
        ])
    }

    async fn backups(&self, vault: Option<&str>, filter: &Filter) -> Result<BackupList, Failure> {
        self.ask((vault, filter))?;
        let mut list = samples::backup_list();
        list.backups.retain(|_| !self.script.empty);
        Ok(list)
    }

    async fn backup(&self, selector: &Selector) -> Result<BackupDetail, Failure> {
        self.ask(selector)?;
        Ok(if selector.backup == "partial" {
            samples::partial_detail()
        } else {
            samples::backup_detail()
        })
    }

    async fn files(&self, selector: &Selector, path: Option<&Path>) -> Result<FileList, Failure> {
        self.ask((selector, path))?;
        Ok(samples::file_list())
    }

    async fn diff(&self, from: &Selector, to: &Selector) -> Result<Diff, Failure> {
        self.ask((from, to))?;
        Ok(samples::diff())
    }

    async fn read_file(
        &self,
        selector: &Selector,
        path: &Path,
        allow_incomplete: bool,
    ) -> Result<mpsc::Receiver<Result<Vec<u8>, Failure>>, Failure> {
        self.ask((selector, path, allow_incomplete))?;
        let (sender, receiver) = mpsc::channel(4);
        sender.send(Ok(b"the first chunk, ".to_vec())).await.unwrap();
        sender.send(Ok(vec![0xff, 0xfe, b'\n'])).await.unwrap();
        if path.ends_with("damaged") {
            sender
                .send(Err(Failure::new(
                    ErrorKind::Corrupt,
                    "chunk 3 of /damaged is damaged",
                )))
                .await
                .unwrap();
        }
        Ok(receiver)
    }

    async fn mark(&self, selector: &Selector, mark: Mark) -> Result<BackupId, Failure> {
        self.ask((selector, mark))?;
        Ok(samples::backup_id(3))
    }

    async fn vaults(&self) -> Result<VaultList, Failure> {
        self.ask("vaults")?;
        Ok(samples::vault_list())
    }

    async fn vault(&self, name: Option<&str>) -> Result<VaultInfo, Failure> {
        self.ask(format!("vault {name:?}"))?;
        let mut info = samples::vault_info();
        if self.script.first {
            info.backups = [("complete".to_owned(), 1)].into();
        }
        Ok(info)
    }

    async fn keys(&self, vault: Option<&str>) -> Result<KeyList, Failure> {
        self.ask(format!("keys {vault:?}"))?;
        Ok(samples::key_list())
    }

    async fn queue(&self, database: &DatabaseChoice, call: QueueCall) -> Result<QueueAnswer, Failure> {
        self.ask((database, &call))?;
        Ok(match call {
            QueueCall::List { .. } => QueueAnswer::Queues(samples::queue_list()),
            QueueCall::Show { .. } => QueueAnswer::Queue(Box::new(samples::queue_detail())),
            QueueCall::Status => QueueAnswer::Status(Box::new(samples::queue_status())),
            QueueCall::Consumers { .. } => QueueAnswer::Consumers(samples::consumer_list()),
            QueueCall::Peek { .. } | QueueCall::Retries { .. } => QueueAnswer::Events(samples::event_list()),
            QueueCall::DeadLetters { .. } => QueueAnswer::DeadLetters(samples::dead_letter_list()),
            _ => QueueAnswer::Changes(samples::queue_changes()),
        })
    }

    async fn webhook(&self, call: WebhookCall) -> Result<WebhookAnswer, Failure> {
        self.ask(&call)?;
        Ok(answers::webhook(&call))
    }

    async fn audit(&self, query: &AuditQuery) -> Result<AuditList, Failure> {
        self.ask((query.limit, &query.who, &query.what))?;
        Ok(samples::audit_list())
    }

    async fn metrics(&self, refresh: bool) -> Result<Metrics, Failure> {
        self.ask(refresh)?;
        Ok(samples::metrics())
    }

    async fn schedule(&self, call: ScheduleCall) -> Result<ScheduleAnswer, Failure> {
        self.ask(&call)?;
        Ok(answers::schedule(&call))
    }

    async fn retention(&self, place: &PolicyPlace, call: RetentionCall) -> Result<RetentionAnswer, Failure> {
        self.ask((place, &call))?;
        Ok(match call {
            RetentionCall::List { .. } => RetentionAnswer::Policies(samples::policy_list()),
            RetentionCall::Tags => RetentionAnswer::Tags(samples::policy_tags()),
            RetentionCall::Check { .. } => RetentionAnswer::Checked(samples::policy_check()),
            RetentionCall::History { .. } => RetentionAnswer::History(samples::retention_history()),
            RetentionCall::Definitions { .. } => RetentionAnswer::Definitions(samples::definition_list()),
            RetentionCall::Define { .. } | RetentionCall::Undefine { .. } => {
                RetentionAnswer::Defined(samples::definition_change())
            }
            _ => RetentionAnswer::Changes(samples::policy_changes()),
        })
    }
}
