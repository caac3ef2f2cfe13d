//! Retention: calls about policies, and plans and runs as operations.

use ostler_api::request::{Plan, Request, Retention};
use ostler_api::retention::{PolicyPlace, RetentionAnswer, RetentionCall};
use ostler_operations::{Finished, Operation, Spec};
use ostler_postgres::Target;
use ostler_retention::postgres::Postgres;
use ostler_vocabulary::{ErrorKind, Failure, OperationId};

use super::Runtime;
use super::queue::target;

pub(super) use ostler_retention::{KIND, VERSION};

impl Runtime {
    /// Answers a call, over a session of its own.
    pub(super) async fn retention_call(
        &self,
        place: &PolicyPlace,
        call: RetentionCall,
    ) -> Result<RetentionAnswer, Failure> {
        let target = target(self.settings(), &place.database)?;
        let database = Postgres::open(&target, &place.schema).await?;
        let answered = ostler_retention::answer(&database, call, self.inner.clock.now()).await;
        database.close().await;
        answered
    }

    pub(super) async fn plan_retention(&self, request: Retention) -> Result<Plan, Failure> {
        let target = target(self.settings(), &request.place.database)?;
        let database = Postgres::open(&target, &request.place.schema).await?;
        let plan = ostler_retention::plan(&database, request, self.inner.clock.now()).await;
        database.close().await;
        plan
    }

    pub(super) async fn start_retention(&self, id: OperationId, plan: Plan) -> Result<(), Failure> {
        let spec = Spec {
            kind: KIND,
            version: VERSION,
            subject: plan.subject.clone(),
            plan: serde_json::to_value(&plan)
                .map_err(|e| Failure::new(ErrorKind::Internal, format!("cannot write the plan: {e}")))?,
        };
        let (target, schema) = self.retention_target(&plan)?;
        self.inner
            .engine
            .start_as(id, spec, move |op| run(plan, op, target, schema))
            .await
    }

    pub(super) async fn resume_retention(&self, id: OperationId, plan: Plan) -> Result<(), Failure> {
        let (target, schema) = self.retention_target(&plan)?;
        self.inner
            .engine
            .resume(id, KIND, VERSION, move |op| run(plan, op, target, schema))
            .await
    }

    fn retention_target(&self, plan: &Plan) -> Result<(Target, String), Failure> {
        let Request::Retention(request) = &plan.request else {
            return Err(ostler_retention::Error::ForeignPlan.into());
        };
        let target = target(self.settings(), &request.place.database)?;
        Ok((target, request.place.schema.clone()))
    }
}

async fn run(plan: Plan, op: Operation, target: Target, schema: String) -> Result<Finished, Failure> {
    let database = Postgres::open(&target, &schema).await?;
    let finished = ostler_retention::run(plan, op, &database).await;
    database.close().await;
    finished
}
