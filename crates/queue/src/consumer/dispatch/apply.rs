//! The handler that sends events where the rules say.

use std::collections::BTreeSet;

use async_trait::async_trait;
use ostler_postgres::{Parameter, Transaction, Type};
use ostler_vocabulary::{Classified, ErrorKind};

use super::columns::Columns;
use super::fold::NoKey;
use super::partition::{NoTime, TimeOf, in_utc, read_time};
use super::route::{Destination, RouteError, Rules};
use super::statement::NoColumn;
use super::table::{Partitioning, RowMode, Tables};
use crate::consumer::row::{Change, Row, RowError};
use crate::consumer::{Batch, BatchInfo, Event, HandlerError, TransactionHandler};

const INSERT_EVENTS: &str = include_str!("../sql/insert_events.sql");
const PREPARE_TARGET: &str = include_str!("../sql/prepare_target.sql");

/// How rows go into tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableOptions {
    /// What a change means.
    pub rows: RowMode,
    /// Into tables by time; else into the table that the rule names.
    pub partitioning: Option<Partitioning>,
    /// Which columns.
    pub columns: Columns,
}

/// Sends events to queues and tables of the target database.
#[derive(Debug)]
pub struct Dispatch {
    pub(super) rules: Rules,
    pub(super) tables: TableOptions,
    create_queues: bool,
    known_queues: BTreeSet<String>,
    pub(super) known_tables: Tables,
}

/// Why events cannot go where the rules say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DispatchError {
    /// No destination.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// It is to go into a table and is no row.
    #[error(transparent)]
    Row(#[from] RowError),
    /// A row without its key.
    #[error(transparent)]
    NoKey(#[from] NoKey),
    /// A column that the target's table does not have.
    #[error(transparent)]
    NoColumn(#[from] NoColumn),
    /// A row without a time, for a table by time.
    #[error(transparent)]
    NoTime(#[from] NoTime),
    /// A row does not have the column by whose time it goes.
    #[error(
        "a row of `{table}` does not have the column `{column}`, by which it is put into a table by time"
    )]
    NoTimeColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The target does not have the table.
    #[error("the target has no table `{table}`")]
    NoTable {
        /// The table.
        table: String,
    },
    /// Updates and deletes need a key.
    #[error("table `{table}` has no primary key, so only new rows can go into it")]
    NoKeyAtAll {
        /// The table.
        table: String,
    },
    /// The target's table was not what the source's was.
    #[error("{verb} of {wanted} rows of `{table}` found {found}: the table is not what it is at the source")]
    Rows {
        /// The table.
        table: String,
        /// What was done.
        verb: &'static str,
        /// Rows of the events.
        wanted: u64,
        /// Rows in the table.
        found: u64,
    },
    /// The target refused it.
    #[error(transparent)]
    Database(#[from] ostler_postgres::Error),
}

impl Classified for DispatchError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoTable { .. } | Self::NoColumn(_) => ErrorKind::NotFound,
            Self::Rows { .. } => ErrorKind::Conflict,
            Self::Database(source) => source.kind(),
            _ => ErrorKind::Invalid,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Database(source) => source.hint(),
            Self::Route(source) => source.hint(),
            Self::Row(RowError::Type { .. }) => {
                Some("a rule `FIELD=PATTERN -> drop` leaves out events that are no rows".to_owned())
            }
            Self::Rows { .. } => Some("`--rows keep-latest` takes rows whatever the table holds".to_owned()),
            _ => None,
        }
    }
}

impl Dispatch {
    /// By these rules.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            tables: TableOptions::default(),
            create_queues: false,
            known_queues: BTreeSet::new(),
            known_tables: Tables::default(),
        }
    }

    /// With other options for tables.
    #[must_use]
    pub fn with_tables(mut self, tables: TableOptions) -> Self {
        self.tables = tables;
        self
    }

    /// Makes queues that the target does not have.
    #[must_use]
    pub fn creating_queues(mut self) -> Self {
        self.create_queues = true;
        self
    }

    pub(super) async fn piece(
        &mut self,
        info: &BatchInfo,
        events: Vec<Event>,
        target: &Transaction<'_>,
    ) -> Result<(), DispatchError> {
        // In the order in which destinations first appear: rows that others refer to usually come first.
        let mut groups: Vec<(Destination, Vec<Event>)> = Vec::new();
        for event in events {
            let to = self.rules.destination(&event)?;
            match groups.iter_mut().find(|(known, _)| *known == to) {
                Some((_, events)) => events.push(event),
                None => groups.push((to, vec![event])),
            }
        }
        for (to, events) in groups {
            match to {
                Destination::Drop => {}
                Destination::Queue(queue) => self.send_to_queue(target, &queue, &events).await?,
                Destination::Table(table) => self.apply_to_table(target, info, &table, &events).await?,
            }
        }
        Ok(())
    }

    async fn send_to_queue(
        &mut self,
        target: &Transaction<'_>,
        queue: &String,
        events: &[Event],
    ) -> Result<(), DispatchError> {
        if self.create_queues && !self.known_queues.contains(queue) {
            target
                .query("select pgq.create_queue($1)", &[(queue, Type::TEXT)])
                .await?;
        }
        let columns: Vec<Vec<Option<&str>>> = [
            "ev_type",
            "ev_data",
            "ev_extra1",
            "ev_extra2",
            "ev_extra3",
            "ev_extra4",
        ]
        .iter()
        .map(|field| events.iter().map(|event| event.field(field)).collect())
        .collect();
        let mut parameters: Vec<Parameter<'_>> = vec![(queue, Type::TEXT)];
        for column in &columns {
            parameters.push((column, Type::TEXT_ARRAY));
        }
        target.query(INSERT_EVENTS, &parameters).await?;
        self.known_queues.insert(queue.clone());
        Ok(())
    }

    async fn apply_to_table(
        &mut self,
        target: &Transaction<'_>,
        info: &BatchInfo,
        table: &str,
        events: &[Event],
    ) -> Result<(), DispatchError> {
        let mut rows = Vec::with_capacity(events.len());
        for event in events {
            rows.push((event, event.row()?));
        }
        let Some(partitioning) = self.tables.partitioning.clone() else {
            let rows = rows
                .into_iter()
                .map(|(_, row)| self.tables.columns.apply(row))
                .collect();
            return self
                .known_tables
                .apply(target, table, self.tables.rows, rows)
                .await;
        };
        let now = in_utc(info.tick_time);
        let mut parts: Vec<(super::Part, Vec<Row>)> = Vec::new();
        for (event, row) in rows {
            if row.change == Change::Truncate {
                // It empties the table of now; those by time are its history.
                continue;
            }
            let moment = match &partitioning.time {
                TimeOf::Batch => in_utc(info.tick_time),
                TimeOf::Event => in_utc(event.ev_time),
                TimeOf::Field(column) => {
                    let text = row
                        .value(column)
                        .flatten()
                        .ok_or_else(|| DispatchError::NoTimeColumn {
                            table: table.to_owned(),
                            column: column.clone(),
                        })?;
                    read_time(column, text)?
                }
            };
            let part = partitioning.period.part(&partitioning.name, table, moment);
            if partitioning.is_over(&part, now) {
                continue;
            }
            let row = self.tables.columns.apply(row);
            match parts.iter_mut().find(|(known, _)| *known == part) {
                Some((_, rows)) => rows.push(row),
                None => parts.push((part, vec![row])),
            }
        }
        for (part, rows) in parts {
            self.known_tables
                .make(target, table, &part, &partitioning, now)
                .await?;
            self.known_tables
                .apply(target, &part.table, self.tables.rows, rows)
                .await?;
        }
        Ok(())
    }

    async fn all(&mut self, batch: &mut Batch<'_>, target: &Transaction<'_>) -> Result<(), HandlerError> {
        target.batch(PREPARE_TARGET).await?;
        let info = batch.info().clone();
        let mut waiting = Vec::new();
        while let Some(events) = batch.next().await? {
            waiting.extend(events);
            waiting = self.apply_events(&info, waiting, false, target).await?;
        }
        self.apply_events(&info, waiting, true, target).await?;
        Ok(())
    }
}

#[async_trait]
impl TransactionHandler for Dispatch {
    async fn handle(&mut self, batch: &mut Batch<'_>, target: &Transaction<'_>) -> Result<(), HandlerError> {
        let done = self.all(batch, target).await;
        if done.is_err() {
            // What was made in the transaction is gone with it.
            self.known_queues.clear();
            self.known_tables.forget();
        }
        done
    }
}
