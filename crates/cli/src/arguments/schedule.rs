//! When a schedule runs, and what else is said of it.

use clap::builder::TypedValueParser;
use clap::{Args, ValueEnum};
use ostler_api::request::Prune;
use ostler_api::schedule::{DefinitionChange, Missed, Overlap, Push, Trigger};
use ostler_vocabulary::{Failure, Span, Timestamp};

use super::{KeepArguments, span, text};

#[derive(Debug, Args)]
pub(crate) struct TimesArguments {
    /// When, in five fields: minute, hour, day of the month, month, day of the week; or @hourly, @daily, @weekly, @monthly, `@every 6h`
    #[arg(long, value_name = "EXPRESSION", value_parser = text(), conflicts_with_all = ["every", "after"])]
    cron: Option<String>,

    /// Again and again after this long, such as 6h; counted from --start, or from when it was added
    #[arg(long, value_name = "SPAN", value_parser = span, conflicts_with = "after")]
    every: Option<Span>,

    /// After each good run of this schedule, such as a drill after a backup
    #[arg(long, value_name = "SCHEDULE", value_parser = text())]
    after: Option<String>,

    /// The time zone in which --cron is read, such as Europe/Berlin; UTC if not given
    #[arg(long, value_name = "ZONE", value_parser = text())]
    zone: Option<String>,

    /// Move all runs by up to this, each schedule by its own share; `none` for no jitter
    #[arg(long, value_name = "SPAN", value_parser = span_or_none())]
    jitter: Option<Span>,

    /// What becomes of runs that nobody began when they were due; `once` if not given
    #[arg(long, value_enum, value_name = "RULE")]
    missed: Option<MissedWord>,

    /// What becomes of a run that is due while the one before still runs; `skip` if not given
    #[arg(long, value_enum, value_name = "RULE")]
    overlap: Option<OverlapWord>,

    /// How late a run may begin; `none` for however late
    #[arg(long, value_name = "SPAN", value_parser = span_or_none())]
    deadline: Option<Span>,

    /// Nothing is due before this time, such as 2026-12-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    start: Option<Timestamp>,

    /// Nothing is due at or after this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    end: Option<Timestamp>,

    /// Tell this URL of each good run: a URL, `env:NAME` or `file:PATH`
    #[arg(long, value_name = "URL", value_parser = text())]
    push: Option<String>,

    /// Keep rules for the backups of this schedule, applied after each complete one
    #[command(flatten, next_help_heading = "Keep rules, applied after each complete backup")]
    rules: KeepArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MissedWord {
    /// They are left out
    Skip,
    /// One run makes up for all of them
    Once,
    /// Each is made up for, the oldest first
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OverlapWord {
    /// It is left out
    Skip,
    /// It begins when that one is over
    Wait,
}

impl TimesArguments {
    /// What is said, as a change of a definition.
    pub fn change(self) -> Result<DefinitionChange, Failure> {
        let trigger = match (self.cron, self.every, self.after) {
            (Some(cron), _, _) => Some(trigger(cron)?),
            (None, Some(every), _) => Some(Trigger::Every(every)),
            (None, None, after) => after.map(Trigger::After),
        };
        let keep = self.rules.prune()?;
        Ok(DefinitionChange {
            trigger,
            zone: self.zone,
            jitter: self.jitter,
            missed: self.missed.map(MissedWord::missed),
            overlap: self.overlap.map(OverlapWord::overlap),
            deadline: self.deadline,
            start: self.start,
            end: self.end,
            command: None,
            keep: (keep != Prune::default()).then_some(keep),
            push: self.push.map(Push::of),
            no_push: false,
        })
    }
}

/// `@every 6h` is an interval, whatever it is written as.
fn trigger(cron: String) -> Result<Trigger, Failure> {
    match cron.trim().strip_prefix("@every") {
        Some(every) => match span(every.trim()) {
            Ok(every) => Ok(Trigger::Every(every)),
            Err(reason) => Err(Failure::new(ostler_vocabulary::ErrorKind::Invalid, reason)),
        },
        None => Ok(Trigger::Cron(cron)),
    }
}

/// A length of time; `none` is 0.
fn span_or_none() -> impl TypedValueParser<Value = Span> {
    text().try_map(|text| match text.as_str() {
        "none" => Ok(Span::default()),
        text => span(text),
    })
}

/// A moment, with its zone.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| "expected a date and time with its zone, such as 2026-12-01T00:00:00Z".to_owned())
}

impl MissedWord {
    fn missed(self) -> Missed {
        match self {
            Self::Skip => Missed::Skip,
            Self::Once => Missed::Once,
            Self::All => Missed::All,
        }
    }
}

impl OverlapWord {
    fn overlap(self) -> Overlap {
        match self {
            Self::Skip => Overlap::Skip,
            Self::Wait => Overlap::Wait,
        }
    }
}
