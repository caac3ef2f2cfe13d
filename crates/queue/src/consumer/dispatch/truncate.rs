//! TRUNCATE of several tables by one statement is applied by one statement: tables that refer to each other are emptied
//! together or not at all.

use std::collections::BTreeSet;

use super::apply::{Dispatch, DispatchError};
use super::route::Destination;
use super::table::RowMode;
use crate::consumer::row::Change;
use crate::consumer::{BatchInfo, Event};
use ostler_postgres::Transaction;

/// How many events are looked through for more tables of the same statement.
const AHEAD: usize = 1_000;

impl Dispatch {
    /// Applies events in order. Gives back those that have to wait for what comes next, unless this is the end.
    pub(super) async fn apply_events(
        &mut self,
        info: &BatchInfo,
        mut events: Vec<Event>,
        is_end: bool,
        target: &Transaction<'_>,
    ) -> Result<Vec<Event>, DispatchError> {
        loop {
            let mut first = events.len();
            for (place, event) in events.iter().enumerate() {
                if self.truncated(event)?.is_some() {
                    first = place;
                    break;
                }
            }
            let rest = events.split_off(first);
            self.piece(info, events, target).await?;
            events = rest;
            let Some(ev_txid) = events.first().map(|event| event.ev_txid) else {
                return Ok(events);
            };
            // Rows of other transactions may lie between, and cannot be of these tables, which are locked.
            let mut tables = BTreeSet::new();
            let mut kept = Vec::new();
            let mut is_over = false;
            for event in &events {
                let table = match is_over || event.ev_txid != ev_txid {
                    true => None,
                    false => self.truncated(event)?,
                };
                is_over |= event.ev_txid == ev_txid && table.is_none();
                kept.push(table.is_none());
                tables.extend(table);
            }
            if !is_over && !is_end && events.len() < AHEAD {
                return Ok(events);
            }
            self.known_tables.truncate(target, tables).await?;
            let mut kept = kept.into_iter();
            events.retain(|_| kept.next().unwrap_or(true));
        }
    }

    /// The table that this event empties.
    fn truncated(&self, event: &Event) -> Result<Option<String>, DispatchError> {
        let kind = event.ev_type.as_deref().unwrap_or_default();
        let looks_so = kind == "R" || kind.starts_with("R:") || kind.contains("TRUNCATE");
        // Tables by time are history, and so is one that keeps all.
        if !looks_so || self.tables.partitioning.is_some() || self.tables.rows == RowMode::KeepAll {
            return Ok(None);
        }
        match self.rules.destination(event)? {
            Destination::Table(table) if event.row()?.change == Change::Truncate => Ok(Some(table)),
            _ => Ok(None),
        }
    }
}
