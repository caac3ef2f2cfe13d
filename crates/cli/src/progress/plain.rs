//! Progress as lines of text, for logs: one at most every two seconds.

use std::sync::Arc;
use std::time::Duration;

use ostler_api::client::Event;
use ostler_vocabulary::Clock;

use super::pace::Paces;
use crate::output::{about, percent, printable, rate, share};

const EVERY: Duration = Duration::from_secs(2);

pub(super) struct Plain {
    clock: Arc<dyn Clock>,
    paces: Paces,
    last: Duration,
}

impl Plain {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let last = clock.monotonic();
        Self {
            clock,
            paces: Paces::default(),
            last,
        }
    }

    /// The line to print now, if it is time for one.
    pub fn event(&mut self, event: &Event) -> Option<String> {
        let (step, progress) = match event {
            Event::Progress { step, progress } => (step, progress),
            Event::StepStarted { step } | Event::StepEnded { step, .. } => {
                self.paces.forget(step);
                return None;
            }
            Event::Message { .. } | Event::Ended { .. } => return None,
        };
        let now = self.clock.monotonic();
        let estimate = self.paces.read(step, now, progress);
        if now.saturating_sub(self.last) < EVERY {
            return None;
        }
        self.last = now;
        let mut line = format!("{}: {}", printable(step), share(progress));
        if progress.total > 0 {
            line.push_str(&format!(" ({})", percent(progress.done, progress.total)));
        }
        if let Some(per_second) = estimate.rate {
            line.push_str(&format!(", {}", rate(per_second, progress.unit)));
        }
        if let Some(left) = estimate.left {
            line.push_str(&format!(", about {} left", about(left)));
        }
        line.push('\n');
        Some(line)
    }
}
