//! Progress as a bar on a terminal, for what takes longer than a second.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ostler_api::client::Event;
use ostler_vocabulary::{Clock, ProgressValue};

use super::nodes::Nodes;
use super::pace::{Estimate, Pace};
use crate::output::{about, duration, percent, printable, rate, share};

/// What is over sooner needs no bar.
const AFTER: Duration = Duration::from_secs(1);

pub(super) struct Bar {
    clock: Arc<dyn Clock>,
    begun: Duration,
    pace: Pace,
    step: String,
    value: Option<(ProgressValue, Estimate)>,
    drawn: Option<ProgressBar>,
}

impl Bar {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let begun = clock.monotonic();
        Self {
            clock,
            begun,
            pace: Pace::default(),
            step: String::new(),
            value: None,
            drawn: None,
        }
    }

    pub fn event(&mut self, event: &Event) {
        match event {
            Event::StepStarted { step } => self.enter(step),
            Event::Progress { step, progress } => {
                if *step != self.step {
                    self.enter(step);
                }
                let estimate = self.pace.read(self.clock.monotonic(), progress);
                self.value = Some((*progress, estimate));
            }
            Event::StepEnded { .. } | Event::Message { .. } | Event::Ended { .. } => {}
        }
    }

    /// Draws what is known; of an operation on a cluster the table of its nodes.
    pub fn tick(&mut self, nodes: &Nodes) {
        if self.drawn.is_none() && self.clock.monotonic().saturating_sub(self.begun) >= AFTER {
            self.drawn = Some(ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()));
        }
        let Some(bar) = &self.drawn else { return };
        if !nodes.is_empty() {
            bar.set_style(several_lines());
            bar.set_message(nodes.table());
            bar.tick();
            return;
        }
        let elapsed = duration(self.clock.monotonic().saturating_sub(self.begun));
        match &self.value {
            Some((value, estimate)) => {
                bar.set_style(style(value.total > 0));
                bar.set_length(value.total.max(1));
                bar.set_position(value.done);
                bar.set_message(format!("{} {}", self.step, facts(value, *estimate)));
            }
            None => {
                bar.set_style(style(false));
                bar.set_message(format!("{} {elapsed}", self.step));
            }
        }
        bar.tick();
    }

    /// Prints something without the bar in its way.
    pub fn aside(&mut self, print: impl FnOnce()) {
        match &self.drawn {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    pub fn finish(&mut self) {
        if let Some(bar) = self.drawn.take() {
            bar.finish_and_clear();
        }
    }

    fn enter(&mut self, step: &str) {
        self.step = printable(step);
        self.pace = Pace::default();
        self.value = None;
    }
}

fn facts(value: &ProgressValue, estimate: Estimate) -> String {
    let mut text = share(value);
    if value.total > 0 {
        text.push_str(&format!(" {}", percent(value.done, value.total)));
    }
    if let Some(per_second) = estimate.rate {
        text.push_str(&format!(" {}", rate(per_second, value.unit)));
    }
    if let Some(left) = estimate.left {
        text.push_str(&format!(" ETA {}", about(left)));
    }
    text
}

fn several_lines() -> ProgressStyle {
    ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn style(known: bool) -> ProgressStyle {
    let template = if known {
        "[{bar:20}] {wide_msg}"
    } else {
        "{spinner} {wide_msg}"
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ostler_vocabulary::{ProgressValue, Unit};

    use super::{Estimate, facts};

    #[test]
    fn a_bar_says_how_much_how_fast_and_how_long() {
        let value = ProgressValue {
            done: 1 << 30,
            total: 4 << 30,
            unit: Unit::Bytes,
            items: 7,
        };
        let estimate = Estimate {
            rate: Some(100 << 20),
            left: Some(Duration::from_secs(31)),
        };
        assert_eq!(
            facts(&value, estimate),
            "1.0 GiB of 4.0 GiB 25 % 100.0 MiB/s ETA 31 s"
        );
    }
}
