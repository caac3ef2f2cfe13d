//! Transactions for which others wait no longer than they are said to: `--move-time`.

use std::time::Duration;

use ostler_api::retention::Pace;
use ostler_postgres::Connection;
use ostler_vocabulary::{ErrorKind, Failure};
use tokio_util::sync::CancellationToken;

use super::patience::{Patience, rest};
use super::statement::fill;

/// How long others go first after a try that took too long.
const REST: Duration = Duration::from_millis(500);
/// The longest that a try waits for a lock, in milliseconds.
const LOCK_MS: u64 = 300;

/// Tries to run statements as one such transaction.
#[derive(Debug)]
pub(super) struct Brief<'a> {
    session: &'a Connection,
    patience: Patience,
    move_ms: u64,
    tries: u32,
    /// What cannot be done when every one of them took too long.
    what: String,
}

impl<'a> Brief<'a> {
    pub fn new(session: &'a Connection, pace: Pace, tries: u32, what: String) -> Self {
        Self {
            session,
            patience: Patience::new(pace.lock_wait_ms),
            move_ms: pace.move_ms.clamp(2, 86_400_000),
            tries,
            what,
        }
    }

    /// One try: whether it was done. If not, it is time for another one.
    ///
    /// # Errors
    /// `Refused` when it takes longer than others may wait; `Busy` when locks are not to be had; what else the server says.
    pub async fn attempt(&mut self, statements: &str, stop: &CancellationToken) -> Result<bool, Failure> {
        let budget = fill(
            include_str!("queries/budget.sql"),
            &[
                ("milliseconds", &self.move_ms.to_string()),
                // Less than the whole, so that waiting is told from working.
                ("wait", &(self.move_ms / 2).min(LOCK_MS).to_string()),
            ],
        );
        // Sent together, they are one transaction.
        let whole = format!("{budget}; {statements}");
        let Err(error) = self.session.batch(&whole).await else {
            return Ok(true);
        };
        if error.sqlstate() != Some("57014") {
            self.patience.after(error, stop).await?;
            return Ok(false);
        }
        self.tries = self.tries.saturating_sub(1);
        if self.tries == 0 {
            let reason = format!("{} within {} ms (`--move-time`)", self.what, self.move_ms);
            return Err(Failure::new(ErrorKind::Refused, reason));
        }
        rest(REST, stop).await?;
        Ok(false)
    }
}
