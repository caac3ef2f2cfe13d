//! Which of several servers does what only one is to do.
//!
//! What is done is fenced besides: a moment of a schedule is decided on once, a run has one owner. A lease only keeps servers
//! from doing the same work to no end; one that sleeps with it and wakes up loses it, and can change nothing that another did.

use std::time::Duration;

use jiff::SignedDuration;
use ostler_operations::Lease;
use ostler_vocabulary::{ErrorKind, Failure, Span};

use crate::Runtime;

/// A server whose clock differs by more from that of the state does not lead.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(30);

/// Half of a second, for rounding.
const HALF: Duration = Duration::from_millis(500);

/// The right to do one kind of work, as far as this server has it.
pub(super) struct Leader {
    /// The lease's name, which is the role's.
    name: &'static str,
    purpose: &'static str,
    lease: Option<Lease>,
    /// Whether the clock of this server was off when it was last looked at.
    is_off: bool,
}

impl Leader {
    pub fn new(name: &'static str, purpose: &'static str) -> Self {
        Self {
            name,
            purpose,
            lease: None,
            is_off: false,
        }
    }

    /// Whether this server is the one. Takes the lease where nobody has it, or who had it is gone; gives it up where the clock of
    /// this server is off. Where nobody shares the state there is only one.
    ///
    /// # Errors
    /// When the state cannot be read or written. It is not the one then.
    pub async fn leads(&mut self, runtime: &Runtime) -> Result<bool, Failure> {
        if !runtime.place().is_shared() {
            return Ok(true);
        }
        if let Some(lease) = &self.lease {
            match lease.confirm().await {
                Ok(()) if self.is_on_time(runtime) => return Ok(true),
                Ok(()) => {
                    self.give_up().await;
                    return Ok(false);
                }
                Err(failure) if failure.kind() == ErrorKind::Conflict => {
                    tracing::warn!("another server has become the {}", self.name);
                    self.lease = None;
                }
                Err(failure) => return Err(failure),
            }
        }
        if self.is_off {
            runtime.read_clock().await?;
        }
        if !self.is_on_time(runtime) {
            return Ok(false);
        }
        match runtime.engine().lease(self.name, self.purpose).await {
            Ok(lease) => {
                tracing::info!("this server is the {} (epoch {})", self.name, lease.epoch());
                self.lease = Some(lease);
                Ok(true)
            }
            Err(failure) if failure.kind() == ErrorKind::Busy => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Whether the clock of this server agrees with that of the state. A change is told once.
    fn is_on_time(&mut self, runtime: &Runtime) -> bool {
        let difference = runtime.place().clock_difference();
        let is_off = difference.abs() > TOLERANCE;
        if is_off && !self.is_off {
            let by = Span(Duration::from_secs((difference.unsigned_abs() + HALF).as_secs()));
            let way = if difference.is_positive() {
                "ahead of"
            } else {
                "behind"
            };
            tracing::error!(
                "the clock of this server is {by} {way} that of the state's database: it is not the {} until they agree; \
                 hint: `timedatectl set-ntp true`",
                self.name
            );
        } else if !is_off && self.is_off {
            tracing::info!("the clock of this server agrees with that of the state's database again");
        }
        self.is_off = is_off;
        !is_off
    }

    /// Lets another one be it.
    pub async fn resign(mut self) {
        self.give_up().await;
    }

    async fn give_up(&mut self) {
        if let Some(lease) = self.lease.take() {
            // One that was lost needs no giving up.
            if let Err(failure) = lease.release().await {
                tracing::debug!("{failure:?}");
            }
        }
    }
}
