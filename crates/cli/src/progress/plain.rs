//! Progress as lines of text, for logs: one at most every two seconds.

use std::sync::Arc;
use std::time::Duration;

use ostler_api::client::Event;
use ostler_vocabulary::Clock;

use super::pace::Pace;
use crate::output::{about, percent, printable, rate, share};

const EVERY: Duration = Duration::from_secs(2);

pub(super) struct Plain {
    clock: Arc<dyn Clock>,
    pace: Pace,
    step: String,
    last: Duration,
}

impl Plain {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let last = clock.monotonic();
        Self {
            clock,
            pace: Pace::default(),
            step: String::new(),
            last,
        }
    }

    /// The line to print now, if it is time for one.
    pub fn event(&mut self, event: &Event) -> Option<String> {
        let Event::Progress { step, progress } = event else {
            return None;
        };
        if *step != self.step {
            self.step.clone_from(step);
            self.pace = Pace::default();
        }
        let now = self.clock.monotonic();
        let estimate = self.pace.read(now, progress);
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
