//! The role `scheduler`.

use std::sync::Arc;

use async_trait::async_trait;
use ostler_vocabulary::{Clock, Failure};
use tokio::sync::watch;

use super::role::{Role, Turn};
use crate::Runtime;

pub(super) struct Scheduler {
    runtime: watch::Receiver<Runtime>,
    clock: Arc<dyn Clock>,
}

impl Scheduler {
    pub fn new(runtime: watch::Receiver<Runtime>, clock: Arc<dyn Clock>) -> Self {
        Self { runtime, clock }
    }
}

#[async_trait]
impl Role for Scheduler {
    fn name(&self) -> &'static str {
        "scheduler"
    }

    async fn run(&self, turn: Turn) -> Result<(), Failure> {
        let _ = (&self.runtime, &self.clock);
        turn.ready();
        turn.stop.cancelled().await;
        Ok(())
    }
}
