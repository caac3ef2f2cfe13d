//! When threads that work together have to stop: somebody cancelled, or one of them failed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{SendTimeoutError, Sender};
use tokio_util::sync::CancellationToken;

use crate::Error;

/// Shared by the threads of one request.
#[derive(Debug)]
pub(crate) struct Stop {
    cancel: CancellationToken,
    failed: AtomicBool,
    first: Mutex<Option<Error>>,
}

impl Stop {
    pub(crate) fn new(cancel: CancellationToken) -> Self {
        Self {
            cancel,
            failed: AtomicBool::new(false),
            first: Mutex::new(None),
        }
    }

    #[cfg(test)]
    pub(crate) fn never() -> Self {
        Self::new(CancellationToken::new())
    }

    /// An error when the caller has to stop; which one is told in the end is decided by [`Stop::outcome`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.failed.load(Ordering::Relaxed) || self.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        Ok(())
    }

    /// Makes all others stop; the first error is kept.
    pub(crate) fn fail(&self, error: Error) {
        let mut first = self
            .first
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // Threads that stop because of another's failure say `Cancelled`, maybe before the other has told.
        if first.is_none() || (matches!(*first, Some(Error::Cancelled)) && !matches!(error, Error::Cancelled))
        {
            *first = Some(error);
        }
        self.failed.store(true, Ordering::Relaxed);
    }

    /// Takes note of how a thread ended.
    pub(crate) fn note(&self, result: Result<(), Error>) {
        if let Err(error) = result {
            self.fail(error);
        }
    }

    /// The error everybody stopped for.
    pub(crate) fn outcome(&self) -> Result<(), Error> {
        match self
            .first
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take()
        {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// Makes the others stop when its thread ends without telling how, which only a panic does.
#[derive(Debug)]
pub(crate) struct Guard<'a> {
    stop: &'a Stop,
    told: bool,
}

impl Stop {
    pub(crate) fn guard(&self) -> Guard<'_> {
        Guard {
            stop: self,
            told: false,
        }
    }
}

impl Guard<'_> {
    pub(crate) fn note(mut self, result: Result<(), Error>) {
        self.told = true;
        self.stop.note(result);
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if !self.told {
            self.stop.fail(Error::Worker);
        }
    }
}

/// Sends, but gives up when everybody has to stop.
pub(crate) fn hand<T>(line: &Sender<T>, mut value: T, stop: &Stop) -> Result<(), Error> {
    loop {
        match line.send_timeout(value, Duration::from_millis(100)) {
            Ok(()) => return Ok(()),
            Err(SendTimeoutError::Timeout(back)) => {
                stop.check()?;
                value = back;
            }
            // Whoever hung up has told why.
            Err(SendTimeoutError::Disconnected(_)) => return Err(Error::Cancelled),
        }
    }
}
