//! `ostler agent`

use clap::Args;
use ostler_vocabulary::Failure;
use tokio_util::sync::CancellationToken;

use crate::interrupt::Interrupt;
use crate::session::Session;

/// Run the agent of a node: answers the coordinators of its cluster
///
/// What it may touch, whom it answers and where its vault is are in its configuration, which `cluster init` writes; a
/// coordinator can ask for nothing else. It runs until it is stopped, and may be stopped and started at any time: what was
/// going on goes on.
#[derive(Debug, Args)]
pub(crate) struct Agent {}

impl Agent {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let stop = CancellationToken::new();
        let mut interrupts = session.interrupts.lock().await;
        let ready = |running: &crate::backend::Running| {
            session.output.say(&format!(
                "node {} answers on {}; roots: {}\n",
                running.node,
                running.address,
                running.roots.join(", ")
            ));
        };
        let running = session.backend.run_agent(Box::new(ready), stop.clone());
        tokio::pin!(running);
        let mut deaf = false;
        loop {
            tokio::select! {
                ended = &mut running => return ended,
                interrupt = interrupts.recv(), if !deaf => match interrupt {
                    Some(Interrupt::Keyboard | Interrupt::Terminate) => stop.cancel(),
                    Some(Interrupt::Hangup) => {}
                    None => deaf = true,
                }
            }
        }
    }
}
