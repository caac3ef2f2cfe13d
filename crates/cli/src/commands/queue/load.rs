//! `ostler queue load`

use clap::{Args, ValueEnum};
use ostler_server::queue::{Columns, Partitioning, Period, RowMode, Rule, TableOptions, TimeOf, Work};
use ostler_vocabulary::{Failure, Span};

use super::work::{PlaceArguments, TargetArguments, carry_out};
use crate::arguments::text;
use crate::error::CommandError;
use crate::session::Session;

/// Apply changes of rows to tables, in bulk and exactly once
///
/// The events are those of the triggers pgq.logutriga and pgq.jsontriga. The tables must be there; tables by time are made.
#[derive(Debug, Args)]
pub(crate) struct Load {
    #[command(flatten)]
    place: PlaceArguments,

    #[command(flatten)]
    target: TargetArguments,

    /// The table's name, with fields of the event in braces
    #[arg(long, value_name = "NAME", default_value = "{ev_extra1}", value_parser = text())]
    table: String,

    #[command(flatten)]
    tables: TableArguments,
}

/// How rows go into tables.
#[derive(Debug, Args)]
pub(crate) struct TableArguments {
    /// What a change means to the table
    #[arg(long, value_enum, default_value_t = RowChoice::Plain, value_name = "MODE")]
    rows: RowChoice,

    /// Put rows into tables by time, each for so much of it, in UTC
    #[arg(long, value_enum, value_name = "PERIOD")]
    partition: Option<PeriodChoice>,

    /// Whose time counts: `batch-time`, `event-time` or `field:COLUMN`
    #[arg(
        long,
        value_name = "TIME",
        default_value = "event-time",
        requires = "partition"
    )]
    by: String,

    /// The name of a table by time
    #[arg(
        long,
        value_name = "NAME",
        default_value = "{table}_{part}",
        requires = "partition"
    )]
    part_name: String,

    /// Drop tables by time so long after their time is over, and leave out rows that would go into them
    #[arg(long, value_name = "TIME", requires = "partition")]
    keep: Option<Span>,

    /// Another name for a column; repeat it
    #[arg(long, value_name = "COLUMN=NAME", value_parser = renamed)]
    rename: Vec<(String, String)>,

    /// Leave a column out; repeat it
    #[arg(long, value_name = "COLUMN", value_parser = text())]
    skip: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RowChoice {
    /// The table becomes what the source's is; every change must find what it changes
    Plain,
    /// The last state of every key, whatever the table had
    KeepLatest,
    /// A row for every insert and update
    KeepAll,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PeriodChoice {
    /// An hour
    Hour,
    /// A day
    Day,
    /// A month
    Month,
    /// A year
    Year,
}

impl TableArguments {
    pub fn options(self) -> Result<TableOptions, Failure> {
        let partitioning = match self.partition {
            None => None,
            Some(period) => Some(Partitioning {
                period: match period {
                    PeriodChoice::Hour => Period::Hour,
                    PeriodChoice::Day => Period::Day,
                    PeriodChoice::Month => Period::Month,
                    PeriodChoice::Year => Period::Year,
                },
                time: time_of(&self.by)?,
                name: part_name(self.part_name)?,
                keep: self.keep.map(|span| span.0),
            }),
        };
        Ok(TableOptions {
            rows: match self.rows {
                RowChoice::Plain => RowMode::Plain,
                RowChoice::KeepLatest => RowMode::KeepLatest,
                RowChoice::KeepAll => RowMode::KeepAll,
            },
            partitioning,
            columns: Columns {
                rename: self.rename,
                skip: self.skip,
            },
        })
    }
}

fn time_of(text: &str) -> Result<TimeOf, Failure> {
    match (text, text.strip_prefix("field:")) {
        ("batch-time", _) => Ok(TimeOf::Batch),
        ("event-time", _) => Ok(TimeOf::Event),
        (_, Some(column)) if !column.is_empty() => Ok(TimeOf::Field(column.to_owned())),
        _ => Err(usage("`--by` takes `batch-time`, `event-time` or `field:COLUMN`")),
    }
}

/// Without `{part}` all parts would be one table, and with none of both names all tables.
fn part_name(name: String) -> Result<String, Failure> {
    if name.contains("{part}") && name.contains("{table}") {
        return Ok(name);
    }
    Err(usage("`--part-name` needs both `{table}` and `{part}` in it"))
}

fn renamed(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => Ok((old.to_owned(), new.to_owned())),
        _ => Err("write COLUMN=NAME".to_owned()),
    }
}

fn usage(message: &str) -> Failure {
    CommandError::Usage {
        message: message.to_owned(),
        hint: None,
    }
    .into()
}

impl Load {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let work = Work::Dispatch {
            rules: vec![Rule::all_to_table(&self.table)?],
            tables: self.tables.options()?,
            create_queues: false,
        };
        carry_out(session, self.place.consume(self.target.choice(), work)).await
    }
}
