//! `ostler rollup add`

use std::collections::BTreeMap;

use clap::Args;
use ostler_api::retention::{RetentionCall, TableColumn};
use ostler_api::tables::{Definition, Rollup, RollupLevel, RollupValue, ValueKind};
use ostler_vocabulary::{ErrorKind, Failure, Period};

use super::ask;
use crate::arguments::{PlaceArguments, UnitWord, period, text};
use crate::session::Session;

/// Define a rollup: the sums of a table by time, in levels that are made from each other
///
/// Makes a table for each level and a view that joins them, all in the schema of the raw table; the view bears the rollup's name. Nothing is
/// summed up yet: `ostler rollup refresh NAME` does that, again and again. A policy with the strategy `downsample:NAME` removes what is summed up.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Its name
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    /// The table of the raw rows, and its column that tells the time
    #[arg(value_name = "TABLE:COLUMN", value_parser = subject)]
    subject: TableColumn,

    /// A column by which rows are told apart; may be repeated
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', value_parser = text())]
    by: Vec<String>,

    /// A column of numbers that stand for themselves: count, sum, min, max, avg, first, last; may be repeated
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', value_parser = text())]
    gauge: Vec<String>,

    /// A gauge of which percentiles are wanted too; may be repeated
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', value_parser = text())]
    percentiles: Vec<String>,

    /// A column of numbers that count on and may begin again at zero: first, last, increase, resets; may be repeated
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', value_parser = text())]
    counter: Vec<String>,

    /// A level: how long a bucket is, and for how long buckets are kept (for ever if not given); may be repeated, the finest first
    #[arg(long = "level", value_name = "EVERY[:KEEP]", required = true, value_parser = level)]
    levels: Vec<RollupLevel>,

    /// How late rows may come: each refresh makes the buckets of that time anew
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = period)]
    late: Period,

    /// How far back each refresh looks for rows that came later still, to make their buckets anew; a day if not given
    #[arg(long, value_name = "DURATION", value_parser = period)]
    look_back: Option<Period>,

    /// Count nothing between two readings of a counter that are further apart
    #[arg(long, value_name = "DURATION", value_parser = period)]
    gap: Option<Period>,

    /// How the column tells a time, where its type does not say
    #[arg(long, value_enum, value_name = "UNIT")]
    unit: Option<UnitWord>,

    #[command(flatten)]
    place: PlaceArguments,
}

fn subject(text: &str) -> Result<TableColumn, String> {
    text.parse::<TableColumn>().map_err(|error| error.to_string())
}

fn level(text: &str) -> Result<RollupLevel, String> {
    let (every, keep) = text.split_once(':').unwrap_or((text, "INF"));
    Ok(RollupLevel {
        every: period(every)?,
        keep: period(keep)?,
    })
}

impl Add {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let Some(column) = self.subject.column else {
            let message = format!(
                "`{}` does not say which column tells the time",
                self.subject.table
            );
            return Err(Failure::new(ErrorKind::Invalid, message).with_hint("name it: `TABLE:COLUMN`"));
        };
        let value = |kind, percentiles| {
            move |column| RollupValue {
                column,
                kind,
                percentiles,
            }
        };
        // A column of which percentiles are wanted need not be named twice.
        let plain = self
            .gauge
            .into_iter()
            .filter(|column| !self.percentiles.contains(column))
            .map(value(ValueKind::Gauge, false))
            .collect::<Vec<_>>();
        let values = plain
            .into_iter()
            .chain(
                self.percentiles
                    .iter()
                    .cloned()
                    .map(value(ValueKind::Gauge, true)),
            )
            .chain(self.counter.into_iter().map(value(ValueKind::Counter, false)))
            .collect();
        let rollup = Rollup {
            table: self.subject.table,
            column,
            unit: self.unit.map(UnitWord::unit),
            by: self.by,
            values,
            levels: self.levels,
            late: self.late,
            look_back: self.look_back,
            gap: self.gap,
            types: BTreeMap::new(),
        };
        let call = RetentionCall::Define {
            name: self.name,
            definition: Definition::Rollup(rollup),
        };
        ask(session, self.place, call).await
    }
}
