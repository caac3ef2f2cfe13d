//! The role `metrics`: looks at vaults and databases again and again, so that whoever asks for metrics waits for no store.

use std::time::Duration;

use async_trait::async_trait;
use ostler_vocabulary::Failure;
use tokio::sync::watch;

use super::leader::Leader;
use super::outage::Outage;
use super::role::{Role, Turn};
use crate::Runtime;

/// How long it sleeps when nothing can be recorded.
const TROUBLE: Duration = Duration::from_secs(30);
/// How often it asks whether the server that looks is still there.
const OTHERS: Duration = Duration::from_secs(10);

pub(super) struct Metrics {
    runtime: watch::Receiver<Runtime>,
}

impl Metrics {
    pub fn new(runtime: watch::Receiver<Runtime>) -> Self {
        Self { runtime }
    }
}

#[async_trait]
impl Role for Metrics {
    fn name(&self) -> &'static str {
        "metrics"
    }

    async fn run(&self, turn: Turn) -> Result<(), Failure> {
        let mut changed = self.runtime.clone();
        // What was seen before is there to be asked for.
        turn.ready();
        let mut outage = Outage::new("metrics cannot be recorded");
        let mut leader = Leader::new("metrics", "to look at vaults and databases");
        loop {
            let runtime = changed.borrow_and_update().clone();
            let looked = tokio::select! {
                () = turn.stop.cancelled() => break,
                looked = look(&mut leader, &runtime) => looked,
            };
            if looked.is_ok() {
                outage.over();
            }
            let pause = match looked {
                Ok(false) => OTHERS,
                Ok(true) => runtime.settings().file.metrics.refresh.0,
                Err(failure) => {
                    outage.failed(&failure);
                    TROUBLE
                }
            };
            tokio::select! {
                () = turn.stop.cancelled() => break,
                // Another configuration may name other vaults.
                told = changed.changed() => if told.is_err() { break; },
                () = tokio::time::sleep(pause) => {}
            }
        }
        leader.resign().await;
        Ok(())
    }
}

/// Looks, where this is the server that does; whether it is.
async fn look(leader: &mut Leader, runtime: &Runtime) -> Result<bool, Failure> {
    if !leader.leads(runtime).await? {
        return Ok(false);
    }
    runtime.look_at_everything().await?;
    Ok(true)
}
