//! Nodes of a cluster as JSON lines among the results, for programs that watch.

use std::time::Duration;

use ostler_vocabulary::OperationId;

use super::nodes::{Nodes, Row, Rows};
use crate::output::{Output, schema};

/// How often rows are told that changed.
const EVERY: Duration = Duration::from_secs(1);

/// What was told.
#[derive(Debug)]
pub(super) struct Told {
    operation: OperationId,
    rows: Vec<Row>,
    at: Option<Duration>,
}

impl Told {
    pub fn of(operation: OperationId) -> Self {
        Self {
            operation,
            rows: Vec::new(),
            at: None,
        }
    }

    /// Tells the rows that are others than before, if it is time; without a time it is.
    pub fn tell(&mut self, nodes: &Nodes, now: Option<Duration>, output: &Output) {
        if let (Some(now), Some(at)) = (now, self.at)
            && now.saturating_sub(at) < EVERY
        {
            return;
        }
        self.at = now;
        let rows = nodes.rows();
        let is_new = |row: &&Row| !self.rows.contains(row);
        let new = Rows {
            operation: self.operation,
            nodes: rows.iter().filter(is_new).cloned().collect(),
        };
        self.rows = rows;
        // That nobody reads any more is told by the result.
        let _ = schema::OPERATION_NODES
            .rows(&new)
            .and_then(|lines| output.lines(&lines));
    }
}
