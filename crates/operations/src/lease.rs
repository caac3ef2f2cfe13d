//! Named leases: one holder at a time over every process of a state directory, fenced by an epoch.

use std::sync::Arc;

use ostler_vocabulary::Failure;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, Inner};
use crate::error::Error;
use crate::journal::LeaseHolder;

/// The right to do something that only one may do at a time.
///
/// Contract: at most one holder has the newest epoch. A holder that was silent for too long, or whose process is dead,
/// is replaced; it learns of it by [`Lease::lost`] or [`Lease::confirm`], so whoever writes on the strength of a lease
/// confirms it before each write, or gives the epoch along to where the write is checked. Epochs never go back, not
/// even over releases. Dropping a lease gives it up soon; [`Lease::release`] waits for that.
#[derive(Debug)]
pub struct Lease {
    engine: Arc<Inner>,
    holder: LeaseHolder,
    stop: CancellationToken,
    lost: CancellationToken,
    beating: JoinHandle<Result<(), Error>>,
}

impl Engine {
    /// Takes the named lease. The holder of a dead process is replaced at once.
    ///
    /// # Errors
    /// `Busy`, naming who holds it and for what.
    pub async fn lease(&self, name: &str, purpose: &str) -> Result<Lease, Failure> {
        let engine = Arc::clone(&self.inner);
        let (name, purpose) = (name.to_owned(), purpose.to_owned());
        let (owner, now, silence) = (
            engine.identity.clone(),
            engine.clock.now(),
            engine.settings.silence,
        );
        let holder = engine
            .blocking(move |journal| journal.acquire(&name, &purpose, &owner, silence, now))
            .await?;
        let (stop, lost) = (CancellationToken::new(), CancellationToken::new());
        let beating = tokio::spawn(beat(
            Arc::clone(&engine),
            holder.clone(),
            stop.clone(),
            lost.clone(),
        ));
        Ok(Lease {
            engine,
            holder,
            stop,
            lost,
            beating,
        })
    }
}

impl Lease {
    /// One above the last holder's.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.holder.epoch
    }

    /// Becomes cancelled when the lease is known to be lost.
    #[must_use]
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Checks in the journal that the lease is still held.
    ///
    /// # Errors
    /// `Conflict` when it is lost.
    pub async fn confirm(&self) -> Result<(), Failure> {
        let (holder, now) = (self.holder.clone(), self.engine.clock.now());
        let answer = self
            .engine
            .blocking(move |journal| journal.confirm(&holder, now))
            .await;
        if let Err(Error::LeaseLost { .. }) = answer {
            self.lost.cancel();
        }
        Ok(answer?)
    }

    /// Gives the lease up, and waits until that is recorded.
    ///
    /// # Errors
    /// `Conflict` when it was lost before.
    pub async fn release(mut self) -> Result<(), Failure> {
        self.stop.cancel();
        match (&mut self.beating).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Error::ShuttingDown.into()),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Says that the holder is alive until told to stop; then gives the lease up.
async fn beat(
    engine: Arc<Inner>,
    holder: LeaseHolder,
    stop: CancellationToken,
    lost: CancellationToken,
) -> Result<(), Error> {
    loop {
        tokio::select! {
            () = stop.cancelled() => {
                return engine.blocking(move |journal| journal.surrender(&holder)).await;
            }
            () = tokio::time::sleep(engine.settings.heartbeat) => {}
        }
        let (held, now) = (holder.clone(), engine.clock.now());
        match engine.blocking(move |journal| journal.confirm(&held, now)).await {
            Err(error @ Error::LeaseLost { .. }) => {
                lost.cancel();
                return Err(error);
            }
            Err(error) => tracing::warn!(lease = holder.name, ?error, "cannot reach the journal"),
            Ok(()) => {}
        }
    }
}
