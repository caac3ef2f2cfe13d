//! The schema, and queues that go, as operations: a plan, a run, and what is read back.

use ostler_api::document::{Outcome, QueueSchemaReport};
use ostler_api::queue::DatabaseChoice;
use ostler_api::request::{Plan, QueueAction, QueueSchema, QueueSchemaWork, Request, Work};
use ostler_backup::digest::digest;
use ostler_operations::{Finished, Operation, Spec};
use ostler_postgres::{Connection, Target, Type};
use ostler_queue::schema::{self, Wish};
use ostler_vocabulary::{ErrorKind, Failure, OperationId};
use serde::{Deserialize, Serialize};

use super::answer::names;
use super::place::{open, target};
use super::rows::number;
use super::{Runtime, glob};

/// The kind's name in the journal.
pub(crate) const KIND: &str = "queue_schema";
/// The version of its steps.
pub(crate) const VERSION: u32 = 1;

/// What would be done there now.
struct Intent {
    schema: Option<schema::Plan>,
    drops: Vec<String>,
    nothing: bool,
}

impl Runtime {
    pub(in crate::runtime) async fn plan_queue_schema(&self, request: QueueSchema) -> Result<Plan, Failure> {
        let target = target(self.settings(), &request.database)?;
        let session = open(&target).await?;
        let intent = intent(&session, &request.action).await?;
        session.close().await;
        let verb = match &request.action {
            QueueAction::Install { upgrade: false, .. } => "install the queue in",
            QueueAction::Install { upgrade: true, .. } => "upgrade the queue in",
            QueueAction::Uninstall { .. } => "remove the queue from",
            QueueAction::Drop { .. } => "drop queues of",
        };
        Ok(Plan {
            made: self.inner.clock.now(),
            vault: String::new(),
            subject: format!("{verb} {}", target.name()),
            backups: Vec::new(),
            digest: intent.digest(&target),
            work: Work::QueueSchema(intent.work(&target)),
            request: Request::QueueSchema(request),
        })
    }

    pub(in crate::runtime) async fn start_queue_schema(
        &self,
        id: OperationId,
        plan: Plan,
    ) -> Result<(), Failure> {
        let spec = Spec {
            kind: KIND,
            version: VERSION,
            subject: plan.subject.clone(),
            plan: serde_json::to_value(&plan)
                .map_err(|e| Failure::new(ErrorKind::Internal, format!("cannot write the plan: {e}")))?,
        };
        let (target, runtime) = (self.queue_target(&plan)?, self.clone());
        self.inner
            .engine
            .start_as(id, spec, move |op| async move {
                let done = run(plan, op, target).await;
                runtime.forget_the_old().await;
                done
            })
            .await
    }

    pub(in crate::runtime) async fn resume_queue_schema(
        &self,
        id: OperationId,
        plan: Plan,
    ) -> Result<(), Failure> {
        let target = self.queue_target(&plan)?;
        self.inner
            .engine
            .resume(id, KIND, VERSION, move |op| run(plan, op, target))
            .await
    }

    fn queue_target(&self, plan: &Plan) -> Result<Target, Failure> {
        let database: DatabaseChoice = match &plan.request {
            Request::QueueSchema(request) => request.database.clone(),
            _ => DatabaseChoice::default(),
        };
        target(self.settings(), &database)
    }
}

async fn intent(session: &Connection, action: &QueueAction) -> Result<Intent, Failure> {
    match action {
        QueueAction::Install { roles, upgrade } => {
            let installed = schema::inspect(session).await?;
            if *upgrade && installed.schemas.is_empty() {
                return Err(Failure::from(schema::Error::Absent).with_hint("`ostler queue install`"));
            }
            let wish = Wish {
                roles: *roles,
                ..Wish::default()
            };
            let plan = schema::plan_install(&installed, &wish)?;
            Ok(Intent {
                nothing: plan.steps.is_empty(),
                schema: Some(plan),
                drops: Vec::new(),
            })
        }
        QueueAction::Uninstall { force } => {
            let installed = schema::inspect(session).await?;
            let wish = Wish {
                force: *force,
                ..Wish::default()
            };
            let drops = if installed.queues.is_some() {
                names(session).await?
            } else {
                Vec::new()
            };
            Ok(Intent {
                schema: Some(schema::plan_uninstall(&installed, &wish)?),
                drops,
                nothing: false,
            })
        }
        QueueAction::Drop { patterns, .. } => {
            let known = names(session).await?;
            let mut drops = Vec::new();
            for pattern in patterns {
                drops.extend(glob::select("queue", pattern, known.iter().cloned())?);
            }
            drops.sort();
            drops.dedup();
            Ok(Intent {
                schema: None,
                drops,
                nothing: false,
            })
        }
    }
}

impl Intent {
    fn work(&self, target: &Target) -> QueueSchemaWork {
        let plan = self.schema.as_ref();
        QueueSchemaWork {
            database: target.name(),
            steps: plan
                .map(|plan| plan.steps.iter().map(|step| step.reason.clone()).collect())
                .unwrap_or_default(),
            drops: self.drops.clone(),
            notes: plan.map(|plan| plan.notes.clone()).unwrap_or_default(),
        }
    }

    /// Over where, every statement and every queue.
    fn digest(&self, target: &Target) -> String {
        let place = target.name();
        let steps = self
            .schema
            .iter()
            .flat_map(|plan| &plan.steps)
            .map(|step| (step.sql.as_bytes(), "run"));
        let drops = self.drops.iter().map(|queue| (queue.as_bytes(), "drop"));
        digest(
            KIND,
            &[place.as_bytes(), &[u8::from(self.nothing)]],
            steps.chain(drops),
        )
    }
}

/// What a step did.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Done {
    done: Vec<String>,
    notes: Vec<String>,
}

async fn run(plan: Plan, op: Operation, target: Target) -> Result<Finished, Failure> {
    let Request::QueueSchema(request) = plan.request else {
        return Err(Failure::new(
            ErrorKind::Invalid,
            "the plan is not one of a queue's schema",
        ));
    };
    let Work::QueueSchema(work) = plan.work else {
        return Err(Failure::new(
            ErrorKind::Invalid,
            "the plan is not one of a queue's schema",
        ));
    };
    let mut report = QueueSchemaReport {
        database: target.name(),
        ..QueueSchemaReport::default()
    };
    if let QueueAction::Drop { force, .. } = &request.action {
        for queue in &work.drops {
            drop_queue(&op, &target, queue, *force).await?;
            report.done.push(format!("queue {queue} is dropped"));
        }
    } else {
        for queue in &work.drops {
            op.audit(
                "drop queue",
                &format!("{}/{queue}", target.name()),
                0,
                "uninstall --force",
            )
            .await?;
        }
        let digest = plan.digest.clone();
        let (action, place) = (&request.action, &target);
        let done = op
            .step("apply")
            .run(|step| {
                let digest = digest.clone();
                async move { apply(place, action, &digest, step.attempt).await }
            })
            .await?;
        report.done = done.done;
        report.notes = done.notes;
    }
    let place = &target;
    let drops = &work.drops;
    let action = &request.action;
    let (version, queues) = op
        .step("read back")
        .retries(3)
        .run(|_| async move { read_back(place, action, drops).await })
        .await?;
    report.version = version;
    report.queues = queues;
    Ok(Finished {
        outcome: serde_json::to_value(Outcome::QueueSchema(report))
            .map_err(|e| Failure::new(ErrorKind::Internal, format!("cannot write the report: {e}")))?,
        partial: Vec::new(),
    })
}

/// Plans again and does it when it is still what was approved. A later attempt that finds nothing left to remove is one
/// whose former attempt was cut off after its commit.
async fn apply(target: &Target, action: &QueueAction, approved: &str, attempt: u32) -> Result<Done, Failure> {
    let mut session = open(target).await?;
    let intent = match intent(&session, action).await {
        Err(failure) if attempt > 1 && failure.kind() == ErrorKind::NotFound => {
            return Ok(Done {
                done: vec!["it was done before this attempt".to_owned()],
                notes: Vec::new(),
            });
        }
        found => found?,
    };
    if attempt == 1 && intent.digest(target) != approved {
        return Err(Failure::new(
            ErrorKind::Conflict,
            format!("{} has changed since the plan was made", target.name()),
        )
        .with_hint("look at the new plan with `--dry-run`"));
    }
    let Some(plan) = intent.schema else {
        return Err(Failure::new(ErrorKind::Internal, "there is no plan of a schema"));
    };
    schema::apply(&mut session, &plan).await?;
    session.close().await;
    Ok(Done {
        done: plan.steps.into_iter().map(|step| step.reason).collect(),
        notes: plan.notes,
    })
}

async fn drop_queue(op: &Operation, target: &Target, queue: &str, force: bool) -> Result<(), Failure> {
    op.audit(
        "drop queue",
        &format!("{}/{queue}", target.name()),
        0,
        "queue drop",
    )
    .await?;
    op.step("drop")
        .key(queue)
        .run(|_| async move {
            let session = open(target).await?;
            if names(&session).await?.iter().any(|name| name == queue) {
                let parameters = [(&queue as _, Type::TEXT), (&force as _, Type::BOOL)];
                let dropped = number(&session, include_str!("queries/drop.sql"), &parameters).await;
                dropped.map_err(|failure| {
                    let attached = failure
                        .messages()
                        .iter()
                        .any(|text| text.contains("still attached"));
                    if attached {
                        Failure::new(ErrorKind::Refused, format!("queue {queue} still has consumers"))
                            .with_hint("`ostler queue consumer list` shows them; `--force` unregisters them")
                    } else {
                        failure
                    }
                })?;
            }
            session.close().await;
            Ok(())
        })
        .await
}

/// What is there now; an error when it is not what it should be.
async fn read_back(
    target: &Target,
    action: &QueueAction,
    drops: &[String],
) -> Result<(Option<u32>, i64), Failure> {
    let session = open(target).await?;
    let installed = schema::inspect(&session).await?;
    let left = match action {
        QueueAction::Drop { .. } => names(&session).await?,
        _ => Vec::new(),
    };
    session.close().await;
    let wrong = match action {
        QueueAction::Install { .. } if installed.version.is_none() => {
            Some("the schema is not there".to_owned())
        }
        QueueAction::Uninstall { .. } if !installed.schemas.is_empty() => {
            Some("schemas are still there".to_owned())
        }
        QueueAction::Drop { .. } => drops
            .iter()
            .find(|queue| left.contains(queue))
            .map(|queue| format!("queue {queue} is still there")),
        _ => None,
    };
    match wrong {
        Some(reason) => Err(Failure::new(
            ErrorKind::Internal,
            format!("{}: {reason}", target.name()),
        )),
        None => Ok((installed.version, installed.queues.unwrap_or_default())),
    }
}
