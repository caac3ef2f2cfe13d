//! Verbs that run until they are told to stop.

use std::future::Future;

use ostler_vocabulary::Failure;
use tokio::sync::mpsc;

use crate::backend::Control;
use crate::interrupt::Interrupt;
use crate::session::Session;

/// Runs it, and tells it what signals ask for.
pub(crate) async fn run<F>(
    session: &Session,
    start: impl FnOnce(mpsc::Receiver<Control>) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let (sender, receiver) = mpsc::channel(4);
    let mut interrupts = session.interrupts.lock().await;
    let running = start(receiver);
    tokio::pin!(running);
    let mut deaf = false;
    loop {
        tokio::select! {
            ended = &mut running => return ended,
            interrupt = interrupts.recv(), if !deaf => {
                let told = match interrupt {
                    Some(Interrupt::Hangup) => Control::Reload,
                    Some(Interrupt::Keyboard | Interrupt::Terminate) => Control::Stop,
                    None => {
                        deaf = true;
                        continue;
                    }
                };
                // It ended by itself when it does not listen any more.
                let _ = sender.send(told).await;
            }
        }
    }
}
