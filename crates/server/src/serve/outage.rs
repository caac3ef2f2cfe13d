//! A failure that lasts, told once and when it is over.

use std::time::{Duration, Instant};

use ostler_vocabulary::{Failure, Span};

/// What fails again and again, as far as it is told.
pub(super) struct Outage {
    /// What cannot be done, as the beginning of a sentence.
    what: &'static str,
    since: Option<Instant>,
}

impl Outage {
    pub fn new(what: &'static str) -> Self {
        Self { what, since: None }
    }

    /// Tells the first of several failures.
    pub fn failed(&mut self, failure: &Failure) {
        if self.since.is_some() {
            tracing::debug!("{}: {failure:?}", self.what);
            return;
        }
        self.since = Some(Instant::now());
        tracing::error!(
            "{}: {failure:?}; it is tried again, and told when it works",
            self.what
        );
    }

    /// Tells that it works again.
    pub fn over(&mut self) {
        if let Some(since) = self.since.take() {
            let lasted = Span(Duration::from_secs(since.elapsed().as_secs()));
            tracing::warn!("{}: it works again after {lasted}", self.what);
        }
    }
}
