//! Progress of an operation on standard error: the same events, shown in one of several ways.

mod bar;
mod json;
mod pace;
mod plain;

use std::sync::Arc;

use ostler_api::client::Event;
use ostler_vocabulary::{Clock, OperationId};

use crate::arguments::GlobalArguments;
use crate::output::{Format, Output};

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Bar,
    Plain,
    Json,
    /// No progress, but what the operation has to say.
    Messages,
    None,
}

impl Style {
    pub fn choose(global: &GlobalArguments, error_is_terminal: bool) -> Self {
        use crate::arguments::ProgressChoice;

        match global.progress {
            ProgressChoice::Bar => Self::Bar,
            ProgressChoice::Plain => Self::Plain,
            ProgressChoice::Json => Self::Json,
            ProgressChoice::None => Self::None,
            ProgressChoice::Auto if global.quiet => Self::None,
            ProgressChoice::Auto if error_is_terminal => Self::Bar,
            ProgressChoice::Auto if global.output == Format::Table => Self::Messages,
            ProgressChoice::Auto => Self::None,
        }
    }
}

/// What shows one operation.
pub(crate) struct View<'a> {
    output: &'a Output,
    shown: Shown,
}

enum Shown {
    Bar(bar::Bar),
    Plain(plain::Plain),
    Json(json::Json),
    Messages,
    Nothing,
}

impl<'a> View<'a> {
    pub fn new(output: &'a Output, clock: Arc<dyn Clock>, operation: OperationId) -> Self {
        let shown = match output.progress {
            Style::Bar => Shown::Bar(bar::Bar::new(clock)),
            Style::Plain => Shown::Plain(plain::Plain::new(clock)),
            Style::Json => Shown::Json(json::Json::new(clock, operation)),
            Style::Messages => Shown::Messages,
            Style::None => Shown::Nothing,
        };
        Self { output, shown }
    }

    /// Something happened.
    pub fn event(&mut self, event: &Event) {
        if let Event::Message { text } = event {
            return self.message(text);
        }
        let said = match &mut self.shown {
            Shown::Bar(bar) => {
                bar.event(event);
                None
            }
            Shown::Plain(plain) => plain.event(event),
            Shown::Json(json) => json.event(event),
            Shown::Messages | Shown::Nothing => None,
        };
        if let Some(line) = said {
            self.output.say(&line);
        }
    }

    /// Time went by.
    pub fn tick(&mut self) {
        if let Shown::Bar(bar) = &mut self.shown {
            bar.tick();
        }
    }

    /// Something is worth saying.
    pub fn message(&mut self, text: &str) {
        let text = crate::output::printable(text);
        match &mut self.shown {
            Shown::Bar(bar) => bar.aside(|| self.output.say(&format!("note: {text}\n"))),
            Shown::Plain(_) | Shown::Messages => self.output.say(&format!("note: {text}\n")),
            Shown::Json(json) => {
                if let Some(line) = json.event(&Event::Message { text }) {
                    self.output.say(&line);
                }
            }
            Shown::Nothing => {}
        }
    }

    /// Nothing more will happen; the terminal is left as it was.
    pub fn finish(&mut self) {
        if let Shown::Bar(bar) = &mut self.shown {
            bar.finish();
        }
    }
}
