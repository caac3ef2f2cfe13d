//! The role `webhooks`: tells whoever wants to know what changed, until they say that they know.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use ostler_vocabulary::Failure;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::outage::Outage;
use super::role::{Role, Turn};
use crate::Runtime;
use crate::webhook::outbox::Receiver;

/// How often it looks for changes, which any process may make.
const LOOK: Duration = Duration::from_secs(1);
/// How often it looks for what no process recorded.
const SILENT: Duration = Duration::from_secs(15);
/// How long it sleeps when the state cannot be read or written.
const TROUBLE: Duration = Duration::from_secs(5);
/// So many receivers are told at once; each one thing at a time.
const AT_ONCE: usize = 16;

pub(super) struct Webhooks {
    runtime: watch::Receiver<Runtime>,
}

/// Messages on their way.
#[derive(Default)]
struct Work {
    tasks: JoinSet<(Receiver, Result<(), Failure>)>,
    busy: Vec<Receiver>,
    silent: Option<Instant>,
}

impl Webhooks {
    pub fn new(runtime: watch::Receiver<Runtime>) -> Self {
        Self { runtime }
    }

    async fn look(&self, work: &mut Work) -> Result<(), Failure> {
        let runtime = self.runtime.borrow().clone();
        runtime.fill_outbox().await?;
        if work.silent.is_none_or(|at| at.elapsed() >= SILENT) {
            runtime.tell_the_silent().await?;
            work.silent = Some(Instant::now());
        }
        let room = AT_ONCE.saturating_sub(work.tasks.len());
        for message in runtime.claim_messages(work.busy.clone(), room).await? {
            let (runtime, to) = (runtime.clone(), message.to.clone());
            work.busy.push(to.clone());
            work.tasks
                .spawn(async move { (to, runtime.send_message(message).await) });
        }
        Ok(())
    }
}

impl Work {
    fn ended(&mut self, ended: Result<(Receiver, Result<(), Failure>), tokio::task::JoinError>) {
        match ended {
            Ok((to, sent)) => {
                self.busy.retain(|busy| *busy != to);
                if let Err(failure) = sent {
                    tracing::error!("how a message went cannot be recorded; it is sent again: {failure:?}");
                }
            }
            // Whom it was for is not known any more: nobody is busy who has no task.
            Err(error) => {
                tracing::error!("sending a message stopped by a defect: {error}");
                if self.tasks.is_empty() {
                    self.busy.clear();
                }
            }
        }
    }
}

#[async_trait]
impl Role for Webhooks {
    fn name(&self) -> &'static str {
        "webhooks"
    }

    async fn run(&self, turn: Turn) -> Result<(), Failure> {
        let mut work = Work::default();
        let mut outage = Outage::new("webhooks cannot be looked at");
        while !turn.stop.is_cancelled() {
            let sleep = match self.look(&mut work).await {
                Ok(()) => {
                    turn.ready();
                    outage.over();
                    LOOK
                }
                Err(failure) => {
                    outage.failed(&failure);
                    TROUBLE
                }
            };
            tokio::select! {
                () = turn.stop.cancelled() => {}
                Some(ended) = work.tasks.join_next(), if !work.tasks.is_empty() => work.ended(ended),
                () = tokio::time::sleep(sleep) => {}
            }
        }
        // What is on its way is sent again after the next start.
        work.tasks.shutdown().await;
        Ok(())
    }
}
