//! Which of several servers does what only one is to do.
//!
//! What is done is fenced besides: a moment of a schedule is decided on once, a run has one owner. A lease only keeps servers
//! from doing the same work to no end; one that sleeps with it and wakes up loses it, and can change nothing that another did.

use ostler_operations::Lease;
use ostler_vocabulary::{ErrorKind, Failure};

use crate::Runtime;

/// The right to do one kind of work, as far as this server has it.
pub(super) struct Leader {
    /// The lease's name, which is the role's.
    name: &'static str,
    purpose: &'static str,
    lease: Option<Lease>,
}

impl Leader {
    pub fn new(name: &'static str, purpose: &'static str) -> Self {
        Self {
            name,
            purpose,
            lease: None,
        }
    }

    /// Whether this server is the one. Takes the lease where nobody has it, or who had it is gone. Where nobody shares the
    /// state there is only one.
    ///
    /// # Errors
    /// When the state cannot be read or written. It is not the one then.
    pub async fn leads(&mut self, runtime: &Runtime) -> Result<bool, Failure> {
        if !runtime.place().is_shared() {
            return Ok(true);
        }
        if let Some(lease) = &self.lease {
            match lease.confirm().await {
                Ok(()) => return Ok(true),
                Err(failure) if failure.kind() == ErrorKind::Conflict => {
                    tracing::warn!("another server has become the {}", self.name);
                    self.lease = None;
                }
                Err(failure) => return Err(failure),
            }
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

    /// Lets another one be it.
    pub async fn resign(mut self) {
        if let Some(lease) = self.lease.take() {
            // One that was lost needs no giving up.
            if let Err(failure) = lease.release().await {
                tracing::debug!("{failure:?}");
            }
        }
    }
}
