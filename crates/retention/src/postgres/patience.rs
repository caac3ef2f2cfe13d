//! Waiting for locks so that nobody waits for us: each try is short (`lock_timeout`), and between tries others go first.

use std::time::Duration;

use ostler_vocabulary::{ErrorKind, Failure};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How long to go on trying.
#[derive(Debug)]
pub(super) struct Patience {
    until: Instant,
    pause: Duration,
}

impl Patience {
    pub fn new(wait_ms: u64) -> Self {
        Self {
            until: Instant::now() + Duration::from_millis(wait_ms),
            pause: FIRST_PAUSE,
        }
    }

    /// Returns when it is time for another try.
    ///
    /// # Errors
    /// The error itself when it is not about a lock; `Busy` when patience is at its end; `Cancelled`.
    pub async fn after(
        &mut self,
        error: ostler_postgres::Error,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        if !is_lock(&error) && error.sqlstate() != Some("40001") {
            return Err(error.into());
        }
        if Instant::now() + self.pause > self.until {
            return Err(Failure::new(
                ErrorKind::Busy,
                format!(
                    "a lock could not be got in time: {}",
                    error.message().unwrap_or_default()
                ),
            ));
        }
        rest(self.pause, stop).await?;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

/// Whether it is about a lock that was not got in time, or a deadlock of which we were the victim.
pub(super) fn is_lock(error: &ostler_postgres::Error) -> bool {
    matches!(error.sqlstate(), Some("55P03" | "40P01"))
}

/// Waits, unless the operation is to stop.
///
/// # Errors
/// `Cancelled`
pub(super) async fn rest(pause: Duration, stop: &CancellationToken) -> Result<(), Failure> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(Failure::new(ErrorKind::Cancelled, "somebody asked for it to stop")),
        () = tokio::time::sleep(pause) => Ok(()),
    }
}
