//! What a role is.

use async_trait::async_trait;
use ostler_vocabulary::Failure;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A part of the control plane that runs for as long as the process does.
///
/// Contract: `run` returns `Ok` only after `turn.stop` was cancelled, soon after, with everything that it began ended or
/// left to be gone on with. An error, a panic or an early `Ok` ends one attempt: `run` is called again after a pause,
/// and finds nothing of the attempt before but what is in the state directory. Calls do not overlap.
#[async_trait]
pub trait Role: Send + Sync + 'static {
    /// The word on the command line and in reports.
    fn name(&self) -> &'static str;

    /// One attempt.
    async fn run(&self, turn: Turn) -> Result<(), Failure>;
}

/// One attempt of a role.
#[derive(Debug)]
pub struct Turn {
    /// Cancelled when the role is to end.
    pub stop: CancellationToken,
    begun: watch::Sender<bool>,
}

impl Turn {
    pub(super) fn new(stop: CancellationToken, begun: watch::Sender<bool>) -> Self {
        Self { stop, begun }
    }

    /// Says that the role does now what it is for. The service manager is told when all roles have said so or failed.
    pub fn ready(&self) {
        self.begun.send_replace(true);
    }
}
