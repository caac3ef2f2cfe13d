//! An operation on a cluster, node by node: what its steps tell of each, as rows for people and programs.

use std::collections::BTreeMap;
use std::time::Duration;

use ostler_api::client::Event;
use ostler_api::document::OperationDetail;
use ostler_vocabulary::{OperationId, ProgressValue, Unit};
use serde::Serialize;

use super::pace::{Estimate, Pace};
use crate::output::{Column, Page, Table, Tone, about, count, percent, rate, size};

/// Rows beyond this scroll a terminal; those that need nobody are left out first.
const SHOWN: usize = 20;
/// The widest a row gets, in columns.
const WIDTH: usize = 80;

/// Where a node stands. The order is that of rows which are shown first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    Failed,
    Running,
    Waiting,
    Done,
}

/// A node of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    pub node: String,
    /// What it is asked for: `ask node`, `upload`, `restore`.
    pub phase: String,
    pub state: Standing,
    /// Files that are finished.
    pub files: u64,
    /// Bytes that are finished.
    pub bytes: u64,
    /// Bytes there are, as soon as all its parts know.
    pub total_bytes: Option<u64>,
    /// Bytes a second.
    pub rate: Option<u64>,
    /// Seconds left at that rate.
    pub eta_seconds: Option<u64>,
}

/// A document of rows.
#[derive(Debug, Serialize)]
pub(crate) struct Rows {
    pub operation: OperationId,
    pub nodes: Vec<Row>,
}

/// What is known of all nodes.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    nodes: BTreeMap<String, Node>,
}

#[derive(Debug, Default)]
struct Node {
    phase: String,
    /// By the step they are stored or restored by.
    parts: BTreeMap<String, Part>,
    pace: Pace,
    estimate: Estimate,
}

#[derive(Debug)]
struct Part {
    state: Standing,
    value: ProgressValue,
}

/// Of which node a step is, and which of its phases. `None` for a step of no single node.
fn place(step: &str) -> Option<(&str, &str)> {
    if let Some(node) = step.strip_prefix("ask node ") {
        return Some(("ask node", node.split(' ').next()?));
    }
    let (phase, rest) = step.split_once(' ')?;
    let (node, _) = rest.split_once('/')?;
    match phase {
        "upload" => Some((phase, node)),
        // A part of another node: the one that gets it does the work.
        "restore" => Some((phase, rest.rsplit_once(" to ").map_or(node, |(_, to)| to))),
        _ => None,
    }
}

impl Nodes {
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// What happened before anybody watched.
    pub fn seed(&mut self, detail: &OperationDetail) {
        for step in &detail.steps {
            let state = match step.state.as_str() {
                "done" => Standing::Done,
                "failed" => Standing::Failed,
                "running" => Standing::Running,
                _ => continue,
            };
            self.part(&step.name, state, step.progress);
        }
    }

    /// Something happened. `now` is asked for the time where that matters.
    pub fn event(&mut self, event: &Event, now: impl FnOnce() -> Duration) {
        match event {
            Event::StepStarted { step } => {
                // Another attempt counts from the beginning.
                if let Some(node) = self.part(step, Standing::Running, Some(NOTHING)) {
                    node.pace = Pace::default();
                    node.estimate = Estimate::default();
                }
            }
            Event::Progress { step, progress } => {
                if let Some(node) = self.part(step, Standing::Running, Some(*progress)) {
                    let sum = node.sum();
                    node.estimate = node.pace.read(now(), &sum);
                }
            }
            Event::StepEnded { step, ok } => {
                let state = if *ok { Standing::Done } else { Standing::Failed };
                self.part(step, state, None);
            }
            Event::Message { .. } | Event::Ended { .. } => {}
        }
    }

    /// Notes where a part stands, if the step is one of a node.
    fn part(&mut self, step: &str, state: Standing, value: Option<ProgressValue>) -> Option<&mut Node> {
        let (phase, name) = place(step)?;
        let node = self.nodes.entry(name.to_owned()).or_default();
        if node.phase != phase {
            phase.clone_into(&mut node.phase);
            node.parts.clear();
        }
        let part = node.parts.entry(step.to_owned()).or_insert(Part {
            state,
            value: NOTHING,
        });
        part.state = state;
        part.value = value.unwrap_or(part.value);
        Some(node)
    }

    /// All nodes by name.
    pub fn rows(&self) -> Vec<Row> {
        self.nodes.iter().map(|(name, node)| node.row(name)).collect()
    }

    /// The table for a terminal: a line for each node, and one for all of them.
    pub fn table(&self) -> String {
        let mut rows = self.rows();
        let all = sum_of(&rows);
        rows.sort_by(|a, b| (a.state, &a.node).cmp(&(b.state, &b.node)));
        let left_out = rows.len().saturating_sub(SHOWN);
        rows.truncate(SHOWN);
        let mut table = Table::new([
            Column::flexible("NODE"),
            Column::left("PHASE"),
            Column::right("FILES"),
            Column::right("BYTES"),
            Column::right(""),
            Column::right("RATE"),
            Column::right("ETA"),
            Column::left("STATE"),
        ]);
        for row in rows.iter().chain([&all]) {
            table.row(cells(row));
        }
        let mut page = Page::new(Some(WIDTH), false);
        page.table(&table);
        if left_out > 0 {
            page.line(format!(
                "and {} more, which are counted in `all`",
                count(left_out as u64)
            ));
        }
        page.as_str().trim_end().to_owned()
    }
}

const NOTHING: ProgressValue = ProgressValue {
    done: 0,
    total: 0,
    unit: Unit::Bytes,
    items: 0,
};

impl Node {
    fn sum(&self) -> ProgressValue {
        let mut sum = NOTHING;
        let is_known = |part: &&Part| part.value.total > 0 || part.state == Standing::Done;
        let all_known = self.parts.values().all(|part| is_known(&part));
        for part in self.parts.values().filter(|part| part.value.unit == Unit::Bytes) {
            sum.done += part.value.done;
            sum.items += part.value.items;
            // What is done had as much as was done.
            sum.total += match part.state {
                Standing::Done => part.value.done,
                _ => part.value.total,
            };
        }
        if !all_known {
            sum.total = 0;
        }
        sum
    }

    fn row(&self, name: &str) -> Row {
        let sum = self.sum();
        let state = self.parts.values().map(|part| part.state).min();
        let state = match state.unwrap_or(Standing::Waiting) {
            // It answered, and nothing else was asked for yet.
            Standing::Done if self.phase == "ask node" => Standing::Waiting,
            state => state,
        };
        let is_running = state == Standing::Running;
        Row {
            node: name.to_owned(),
            phase: self.phase.clone(),
            state,
            files: sum.items,
            bytes: sum.done,
            total_bytes: (sum.total > 0).then_some(sum.total),
            rate: self.estimate.rate.filter(|_| is_running),
            eta_seconds: self
                .estimate
                .left
                .filter(|_| is_running)
                .map(|left| left.as_secs()),
        }
    }
}

/// What all nodes come to. They are done when the slowest is.
fn sum_of(rows: &[Row]) -> Row {
    let rates = rows.iter().filter_map(|row| row.rate);
    let totals: Option<u64> = rows.iter().map(|row| row.total_bytes).sum();
    let running = rows.iter().filter(|row| row.state == Standing::Running);
    let left: Option<Vec<u64>> = running.map(|row| row.eta_seconds).collect();
    Row {
        node: "all".to_owned(),
        phase: String::new(),
        state: rows
            .iter()
            .map(|row| row.state)
            .min()
            .unwrap_or(Standing::Waiting),
        files: rows.iter().map(|row| row.files).sum(),
        bytes: rows.iter().map(|row| row.bytes).sum(),
        total_bytes: totals,
        rate: rates.reduce(|a, b| a + b),
        eta_seconds: left.and_then(|left| left.into_iter().max()),
    }
}

fn cells(row: &Row) -> [(String, Tone); 8] {
    let (state, tone) = match row.state {
        Standing::Failed => ("failed", Tone::Bad),
        Standing::Running => ("running", Tone::Plain),
        Standing::Waiting => ("waiting", Tone::Faint),
        Standing::Done => ("done", Tone::Good),
    };
    let plain = |text: String| (text, Tone::Plain);
    [
        plain(row.node.clone()),
        plain(row.phase.clone()),
        plain(count(row.files)),
        plain(size(row.bytes)),
        plain(
            row.total_bytes
                .map_or_else(String::new, |total| percent(row.bytes, total)),
        ),
        plain(
            row.rate
                .map_or_else(String::new, |per_second| rate(per_second, Unit::Bytes)),
        ),
        plain(
            row.eta_seconds
                .map_or_else(String::new, |left| about(Duration::from_secs(left))),
        ),
        (state.to_owned(), tone),
    ]
}

#[cfg(test)]
mod tests;
