//! Progress of an operation on standard error: the same events, shown in one of several ways.

mod bar;
mod json;
mod nodes;
mod pace;
mod plain;
mod rows;

use std::sync::Arc;

use ostler_api::client::Event;
use ostler_api::document::OperationDetail;
use ostler_vocabulary::{Clock, OperationId};

use crate::arguments::GlobalArguments;
use crate::output::{Format, Output};
use nodes::Nodes;
pub(crate) use nodes::{Row, Rows, Standing};

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Bar,
    Plain,
    Json,
    /// Nodes of clusters as JSON lines among the results, for who watches; nothing for others.
    Rows,
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
            ProgressChoice::Auto if global.output == Format::Jsonl => Self::Rows,
            ProgressChoice::Auto if error_is_terminal => Self::Bar,
            ProgressChoice::Auto if global.output == Format::Table => Self::Messages,
            ProgressChoice::Auto => Self::None,
        }
    }
}

/// What shows one operation.
pub(crate) struct View<'a> {
    output: &'a Output,
    clock: Arc<dyn Clock>,
    nodes: Nodes,
    shown: Shown,
}

enum Shown {
    Bar(bar::Bar),
    Plain(plain::Plain),
    Json(json::Json),
    Rows(rows::Told),
    Messages,
    Nothing,
}

impl<'a> View<'a> {
    /// Of an operation that is our own.
    pub fn new(output: &'a Output, clock: Arc<dyn Clock>, operation: OperationId) -> Self {
        let shown = match output.progress {
            Style::Bar => Shown::Bar(bar::Bar::new(Arc::clone(&clock))),
            Style::Plain => Shown::Plain(plain::Plain::new(Arc::clone(&clock))),
            Style::Json => Shown::Json(json::Json::new(Arc::clone(&clock), operation)),
            Style::Messages => Shown::Messages,
            Style::Rows | Style::None => Shown::Nothing,
        };
        Self {
            output,
            clock,
            nodes: Nodes::default(),
            shown,
        }
    }

    /// Of an operation that somebody watches, of which this is known so far.
    pub fn watching(output: &'a Output, clock: Arc<dyn Clock>, detail: &OperationDetail) -> Self {
        let mut view = Self::new(output, clock, detail.summary.id);
        view.nodes.seed(detail);
        if output.progress == Style::Rows {
            view.shown = Shown::Rows(rows::Told::of(detail.summary.id));
        }
        view
    }

    /// Something happened.
    pub fn event(&mut self, event: &Event) {
        if let Event::Message { text } = event {
            return self.message(text);
        }
        let clock = &self.clock;
        self.nodes.event(event, || clock.monotonic());
        let said = match &mut self.shown {
            Shown::Bar(bar) => {
                bar.event(event);
                bar.tick(&self.nodes);
                None
            }
            Shown::Plain(plain) => plain.event(event),
            Shown::Json(json) => json.event(event),
            Shown::Rows(_) | Shown::Messages | Shown::Nothing => None,
        };
        if let Some(line) = said {
            self.output.say(&line);
        }
    }

    /// Time went by.
    pub fn tick(&mut self) {
        match &mut self.shown {
            Shown::Bar(bar) => bar.tick(&self.nodes),
            Shown::Rows(told) => told.tell(&self.nodes, Some(self.clock.monotonic()), self.output),
            Shown::Plain(_) | Shown::Json(_) | Shown::Messages | Shown::Nothing => {}
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
            Shown::Rows(_) | Shown::Nothing => {}
        }
    }

    /// Nothing more will happen; the terminal is left as it was.
    pub fn finish(&mut self) {
        match &mut self.shown {
            Shown::Bar(bar) => bar.finish(),
            Shown::Rows(told) => told.tell(&self.nodes, None, self.output),
            Shown::Plain(_) | Shown::Json(_) | Shown::Messages | Shown::Nothing => {}
        }
    }
}
