//! The dead man's push: somebody is told of each good run, and misses it when there is none.

use std::time::Duration;

use ostler_api::schedule::{Definition, Push};
use ostler_schedule::timetable::{Advance, Run};
use ostler_vocabulary::{ErrorKind, Failure};
use tokio_util::sync::CancellationToken;

use super::super::{Runtime, blocking};
use super::drive::over;
use crate::outgoing;

/// Pauses before it is tried again.
const PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];

impl Runtime {
    /// That nobody could be told makes no run worse; it is only said.
    pub(super) async fn push_stage(
        &self,
        run: &Run,
        definition: &Definition,
        stop: &CancellationToken,
    ) -> Advance {
        let mut reasons = Vec::new();
        if let Some(push) = &definition.push {
            let told = tokio::select! {
                told = self.push(run, push) => told,
                () = stop.cancelled() => Err(Failure::new(ErrorKind::Cancelled, "the server was stopped")),
            };
            if let Err(failure) = told {
                let reason = format!("the good run could not be told: {failure}");
                tracing::warn!("schedule `{}`: {reason}", run.firing.schedule);
                reasons.push(reason);
            }
        }
        over(run.firing.state, reasons)
    }

    async fn push(&self, run: &Run, push: &Push) -> Result<(), Failure> {
        let url = self.push_url(push).await?;
        let target = outgoing::allowed(&url, &self.inner.settings.file.outgoing.allow).await?;
        let body = serde_json::json!({
            "schedule": run.firing.schedule,
            "state": run.firing.state,
            "due": run.firing.due,
            "operation": run.firing.operation,
        });
        for pause in PAUSES {
            match target.call(&body).await {
                Ok(()) => return Ok(()),
                Err(failure) => tracing::info!("schedule `{}`: {failure}", run.firing.schedule),
            }
            tokio::time::sleep(pause).await;
        }
        target.call(&body).await
    }

    /// The URL that is meant.
    pub(in crate::runtime) async fn push_url(&self, push: &Push) -> Result<String, Failure> {
        match push {
            Push::Url(url) => Ok(url.clone()),
            Push::Env(name) => self
                .inner
                .settings
                .environment
                .get(name)
                .map(str::to_owned)
                .ok_or_else(|| Failure::new(ErrorKind::NotFound, format!("the variable {name} is not set"))),
            Push::File(path) => {
                let path = path.clone();
                let text = blocking(move || {
                    std::fs::read_to_string(&path).map_err(|source| {
                        crate::Error::Read {
                            what: "the URL in",
                            path,
                            source,
                        }
                        .into()
                    })
                });
                Ok(text.await?.trim().to_owned())
            }
        }
    }
}
