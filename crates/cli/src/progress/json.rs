//! Progress as JSON lines, for programs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ostler_api::client::Event;
use ostler_vocabulary::{Clock, OperationId};
use serde::Serialize;

use super::pace::Paces;
use crate::output::schema;

/// A step's progress is told at most this often; everything else always.
const EVERY: Duration = Duration::from_millis(500);

pub(super) struct Json {
    clock: Arc<dyn Clock>,
    operation: OperationId,
    paces: Paces,
    /// When the progress of each step was told last.
    last: BTreeMap<String, Duration>,
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
            paces: Paces::default(),
            last: BTreeMap::new(),
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
        match event {
            Event::Progress { step, progress } => {
                let now = self.clock.monotonic();
                let estimate = self.paces.read(step, now, progress);
                let last = self.last.get(step);
                if last.is_some_and(|last| now.saturating_sub(*last) < EVERY) {
                    return None;
                }
                self.last.insert(step.clone(), now);
                line.rate = estimate.rate;
                line.eta_seconds = estimate.left.map(|left| left.as_secs());
            }
            Event::StepStarted { step } | Event::StepEnded { step, .. } => {
                self.paces.forget(step);
                self.last.remove(step);
            }
            Event::Message { .. } | Event::Ended { .. } => {}
        }
        schema::EVENT.wrap(&line).ok().map(|value| format!("{value}\n"))
    }
}
