//! What is done to tables of a database by policy: calls about policies, and plans and runs as operations.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ostler_api::document::{PolicyFinding, RetentionProblem};
use ostler_api::request::{Plan, Request, Work};
use ostler_api::retention::{PolicyPlace, RetentionAnswer, RetentionCall, TableName};
use ostler_operations::{Finished, Operation, Spec};
use ostler_retention::archive::Shelves;
use ostler_retention::{Class, Database, leftover};
use ostler_store::Store;
use ostler_vocabulary::{ErrorKind, Failure, OperationId};

use super::Runtime;
use super::dispatch::Turn;
use super::governed::Governed;

/// How often an operation that waits for its turn looks again.
const TURN: Duration = Duration::from_millis(500);

/// Of the journal, so many of the newest operations are looked at for partitions that are left.
const LOOKED_AT: usize = 1_000;

/// Where data are kept: classes of storage of the configuration, and addresses.
#[async_trait]
impl Shelves for Runtime {
    async fn shelf(&self, name: &str) -> Result<Arc<dyn Store>, Failure> {
        let vault = self.settings().class(name)?;
        self.store(name, &vault).await
    }

    fn class(&self, name: &str) -> Option<Class> {
        let class = self.settings().file.class.get(name)?.clone();
        Some(Class {
            tablespace: class.tablespace,
            attribute: class.attribute,
            repository: class.repository,
        })
    }
}

impl Runtime {
    /// Answers a call, over a session of its own.
    pub(super) async fn retention_call(
        &self,
        place: &PolicyPlace,
        call: RetentionCall,
    ) -> Result<RetentionAnswer, Failure> {
        let database = Governed::of(self.settings(), place)?.open().await?;
        let checks = matches!(call, RetentionCall::Check { .. });
        let answered = async {
            let now = self.inner.clock.now();
            let mut answer = ostler_retention::answer(database.as_ref(), self, call, now).await?;
            if let (true, RetentionAnswer::Checked(list)) = (checks, &mut answer) {
                let left = self.left_over(database.as_ref(), place).await?;
                list.findings.extend(left.into_iter().map(|(_, finding)| finding));
            }
            Ok(answer)
        }
        .await;
        database.close().await;
        answered
    }

    /// What operations that did not end have left detached or blocked in a database, by the newest of the journal.
    async fn left_over(
        &self,
        database: &dyn Database,
        place: &PolicyPlace,
    ) -> Result<Vec<(TableName, PolicyFinding)>, Failure> {
        let of = place.clone();
        let suspects = self
            .journal(move |engine| {
                let mut suspects = Vec::new();
                let listed = engine.list(LOOKED_AT, None)?;
                for listed in listed.iter().filter(|listed| leftover::may_leave(listed)) {
                    match engine.get(listed.id) {
                        Err(failure) if failure.kind() == ErrorKind::NotFound => {}
                        record => suspects.extend(leftover::suspects(&record?, &of)),
                    }
                }
                Ok(suspects)
            })
            .await?;
        leftover::left(database, &suspects).await
    }

    /// The plan of a request about tables.
    pub(super) async fn plan_of_tables(&self, place: PolicyPlace, request: Request) -> Result<Plan, Failure> {
        let database = Governed::of(self.settings(), &place)?.open().await?;
        let plan = async {
            let now = self.inner.clock.now();
            let mut plan = ostler_retention::plan_of(database.as_ref(), self, request, now).await?;
            if let Work::Retention(work) = &mut plan.work {
                for (table, finding) in self.left_over(database.as_ref(), &place).await? {
                    // What this plan ends anyway needs nothing else.
                    let is_planned = work.items.iter().any(|item| item.table == table);
                    let mut policies = work.policies.iter_mut();
                    let Some(verdict) = policies.find(|verdict| verdict.policy == finding.policy) else {
                        continue;
                    };
                    if is_planned {
                        verdict.notes.push(finding.text);
                    } else {
                        // Rows that are out of their table: no run of the policy is all right before they are back.
                        verdict.problem.get_or_insert(RetentionProblem {
                            kind: ErrorKind::Conflict,
                            reason: finding.text,
                        });
                    }
                }
            }
            Ok(plan)
        }
        .await;
        database.close().await;
        plan
    }

    pub(super) async fn start_of_tables(
        &self,
        id: OperationId,
        place: PolicyPlace,
        plan: Plan,
        turn: Turn,
    ) -> Result<(), Failure> {
        let (kind, version) = ostler_retention::kind_of(&plan.request);
        let spec = Spec {
            kind,
            version,
            subject: plan.subject.clone(),
            plan: serde_json::to_value(&plan)
                .map_err(|e| Failure::new(ErrorKind::Internal, format!("cannot write the plan: {e}")))?,
        };
        let (governed, runtime) = (Governed::of(self.settings(), &place)?, self.clone());
        self.inner
            .engine
            .start_as(id, spec, move |op| async move {
                let done = run(plan, op, governed, &runtime, turn).await;
                runtime.forget_the_old().await;
                done
            })
            .await
    }

    pub(super) async fn resume_of_tables(
        &self,
        id: OperationId,
        place: PolicyPlace,
        plan: Plan,
        turn: Turn,
    ) -> Result<(), Failure> {
        let (kind, version) = ostler_retention::kind_of(&plan.request);
        let (governed, runtime) = (Governed::of(self.settings(), &place)?, self.clone());
        self.inner
            .engine
            .resume(id, kind, version, move |op| async move {
                run(plan, op, governed, &runtime, turn).await
            })
            .await
    }
}

async fn run(
    plan: Plan,
    op: Operation,
    governed: Governed,
    runtime: &Runtime,
    turn: Turn,
) -> Result<Finished, Failure> {
    let database = governed.open().await?;
    if turn == Turn::Wait {
        wait_for_turn(database.as_ref(), &op).await?;
    }
    let finished = ostler_retention::run_plan(plan, op, database.as_ref(), runtime).await;
    database.close().await;
    finished
}

/// Waits until nothing else works on the tables of this database: operations of schedules that are due together run one after
/// the other.
async fn wait_for_turn(database: &dyn Database, op: &Operation) -> Result<(), Failure> {
    let mut has_told = false;
    loop {
        match database.exclude_others(op).await {
            Err(failure) if failure.kind() == ErrorKind::Busy => {
                if !has_told {
                    op.message(format!("waits for its turn: {failure}"));
                    has_told = true;
                }
            }
            other => return other,
        }
        tokio::select! {
            () = op.cancelled().cancelled() => {
                return Err(Failure::new(ErrorKind::Cancelled, "it was stopped while it waited for its turn"));
            }
            () = tokio::time::sleep(TURN) => {}
        }
    }
}
