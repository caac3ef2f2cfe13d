//! Progress as JSON lines, for programs.

use std::sync::Arc;
use std::time::Duration;

use ostler_api::client::Event;
use ostler_vocabulary::{Clock, OperationId};
use serde::Serialize;

use super::pace::Pace;
use crate::output::schema;

/// A step's progress is told at most this often; everything else always.
const EVERY: Duration = Duration::from_millis(500);

pub(super) struct Json {
    clock: Arc<dyn Clock>,
    operation: OperationId,
    pace: Pace,
    step: String,
    last: Option<Duration>,
}

#[derive(Serialize)]
pub(crate) struct Line<'a> {
    pub operation: OperationId,
    #[serde(flatten)]
    pub event: &'a Event,
    /// Units a second, with progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u64>,
    /// Seconds left at that rate, with progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta_seconds: Option<u64>,
}

impl Json {
    pub fn new(clock: Arc<dyn Clock>, operation: OperationId) -> Self {
        Self {
            clock,
            operation,
            pace: Pace::default(),
            step: String::new(),
            last: None,
        }
    }

    /// The line to print now, if there is one.
    pub fn event(&mut self, event: &Event) -> Option<String> {
        let mut line = Line {
            operation: self.operation,
            event,
            rate: None,
            eta_seconds: None,
        };
        if let Event::Progress { step, progress } = event {
            if *step != self.step {
                self.step.clone_from(step);
                self.pace = Pace::default();
                self.last = None;
            }
            let now = self.clock.monotonic();
            let estimate = self.pace.read(now, progress);
            if self.last.is_some_and(|last| now.saturating_sub(last) < EVERY) {
                return None;
            }
            self.last = Some(now);
            line.rate = estimate.rate;
            line.eta_seconds = estimate.left.map(|left| left.as_secs());
        }
        schema::EVENT.wrap(&line).ok().map(|value| format!("{value}\n"))
    }
}
