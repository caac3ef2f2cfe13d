//! What a command prints: documents for programs, pages for people, errors for both.

mod failure;
mod page;
pub(crate) mod schema;
mod table;
mod usage;

use std::io;
use std::sync::PoisonError;

use clap::ValueEnum;
use ostler_vocabulary::Failure;
use serde::Serialize;
use serde_json::Value;

pub(crate) use ostler_vocabulary::humane::{
    about, ago, command_line, count, duration, moment, percent, plural, printable, rate, share, size,
};
pub(crate) use page::{Page, Tone};
pub(crate) use schema::Schema;
pub(crate) use table::{Column, Table};
pub(crate) use usage::ParseFailure;

use crate::arguments::GlobalArguments;
use crate::error::CommandError;
use crate::progress::Style;
use crate::start::{Sink, Surroundings};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables and sentences for people
    Table,
    /// One JSON document
    Json,
    /// A JSON document a line; a line for each row of a list
    #[value(alias = "ndjson", alias = "json_row")]
    Jsonl,
}

/// Where and how a command prints.
pub(crate) struct Output {
    pub format: Format,
    pub quiet: bool,
    pub progress: Style,
    /// Columns of the terminal; `None` when standard output is none, and then nothing is cut or wrapped.
    pub width: Option<usize>,
    colour: bool,
    error_colour: bool,
    stdout: Sink,
    stderr: Sink,
}

impl Output {
    pub fn new(global: &GlobalArguments, surroundings: &Surroundings) -> Self {
        use crate::arguments::ColorChoice;

        let terminal = surroundings.terminal;
        let coloured = |is_terminal: bool| match global.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && !terminal.no_color,
        };
        Self {
            format: global.output,
            quiet: global.quiet,
            progress: Style::choose(global, terminal.error_is_terminal),
            width: terminal.output_width,
            colour: coloured(terminal.output_width.is_some()),
            error_colour: coloured(terminal.error_is_terminal),
            stdout: surroundings.stdout.clone(),
            stderr: surroundings.stderr.clone(),
        }
    }

    /// For when the words could not be parsed: what can be told from looking at them.
    pub fn before_parsing(surroundings: &Surroundings) -> Self {
        Self {
            format: usage::format_asked_for(&surroundings.words),
            quiet: false,
            progress: Style::None,
            width: surroundings.terminal.output_width,
            colour: false,
            error_colour: false,
            stdout: surroundings.stdout.clone(),
            stderr: surroundings.stderr.clone(),
        }
    }

    /// Whether results are read on a terminal.
    pub fn is_terminal(&self) -> bool {
        self.width.is_some()
    }

    /// Prints a result; nothing when asked to be quiet.
    pub fn document<T: Serialize>(
        &self,
        schema: Schema,
        document: &T,
        people: impl FnOnce(&mut Page),
    ) -> Result<(), Failure> {
        if self.quiet {
            return Ok(());
        }
        match self.format {
            Format::Table => {
                let mut page = Page::new(self.width, self.colour);
                people(&mut page);
                self.write(page.as_str().as_bytes())
            }
            Format::Json => {
                let mut text = serde_json::to_string_pretty(&schema.wrap(document)?)
                    .map_err(|source| CommandError::Json { source })?;
                text.push('\n');
                self.write(text.as_bytes())
            }
            Format::Jsonl => self.write_lines(&schema.rows(document)?),
        }
    }

    /// Prints values as JSON lines, whatever the format.
    pub fn lines(&self, values: &[Value]) -> Result<(), Failure> {
        if self.quiet {
            Ok(())
        } else {
            self.write_lines(values)
        }
    }

    /// Prints text as it is, also when asked to be quiet: it is all that was asked for.
    pub fn text(&self, text: &str) -> Result<(), Failure> {
        self.write(text.as_bytes())
    }

    /// Prints bytes as they are.
    pub fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        self.write(bytes)
    }

    /// Hands everything printed so far to the operating system.
    pub fn flush(&self) -> Result<(), Failure> {
        let flushed = self.stdout.lock().unwrap_or_else(PoisonError::into_inner).flush();
        written(flushed)
    }

    /// Says something beside the result, to people only.
    pub fn note(&self, text: &str) {
        if !self.quiet && self.format == Format::Table {
            self.say(&format!("hint: {text}\n"));
        }
    }

    /// Prints an error.
    pub fn failure(&self, failure: &Failure) {
        let text = match self.format {
            Format::Table => failure::for_people(failure, self.error_colour),
            Format::Json | Format::Jsonl => failure::for_programs(failure),
        };
        self.say(&text);
    }

    /// Standard error, for what is said while a verb works.
    pub fn stderr(&self) -> Sink {
        self.stderr.clone()
    }

    /// Writes to standard error. That nobody reads it is no reason to stop.
    pub fn say(&self, text: &str) {
        let mut stderr = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let said = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
        drop(said);
    }

    fn write_lines(&self, values: &[Value]) -> Result<(), Failure> {
        let mut text = String::new();
        for value in values {
            text.push_str(&value.to_string());
            text.push('\n');
        }
        self.write(text.as_bytes())
    }

    fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        written(stdout.write_all(bytes).and_then(|()| stdout.flush()))
    }
}

/// A reader that has seen enough, such as `head`, is no error.
fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(CommandError::Output { source }.into())
        }
        _ => Ok(()),
    }
}
