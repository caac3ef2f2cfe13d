//! A ring of a backup started on this machine, asked, and ended.

use std::collections::BTreeSet;
use std::time::Duration;

use ostler_api::document::Problem;
use ostler_backup::driver::{Past, Rehearsal, Stage};
use ostler_vocabulary::{ErrorKind, Failure};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Cassandra;
use super::cql::{Cql, Native};
use super::facts::{self, Answers};
use super::ring::{PEERS, Ring, settings_of};
use super::scratch::{self, ScratchNode};
use crate::Error;

/// How long a node may take to start: what was not flushed is read, and indexes may be built.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it is looked whether it has.
const BETWEEN: Duration = Duration::from_millis(200);

/// How often all is asked as long as something is not answered.
const TRIES: u32 = 5;
const AGAIN: Duration = Duration::from_secs(5);

impl Cassandra {
    /// Starts as many nodes as the backup has, on addresses of the loopback network, asks them, and ends them.
    pub(super) async fn rehearsed(
        &self,
        past: &Past,
        stage: &Stage<'_>,
        cancel: &CancellationToken,
    ) -> Result<Rehearsal, Failure> {
        let lacks = Error::Unrecorded {
            document: "ring.json",
        };
        let ring = Ring::recorded(&past.documents).ok_or(lacks)?;
        let mut nodes = scratch::nodes(stage.nodes, stage.aside).map_err(|error| Error::Scratch {
            node: "all".to_owned(),
            reason: error.to_string(),
        })?;
        let said = tokio::select! {
            said = self.asked(&ring, past, &mut nodes) => said.map_err(Failure::from),
            () = cancel.cancelled() => Err(Failure::new(ErrorKind::Cancelled, "the drill was cancelled")),
        };
        for node in &mut nodes {
            node.end().await;
        }
        said
    }

    async fn asked(&self, ring: &Ring, past: &Past, nodes: &mut [ScratchNode]) -> Result<Rehearsal, Error> {
        let cql = Native {
            user: self.settings.user.clone(),
            tls: None,
        };
        let begun = Instant::now();
        self.start(ring, past, nodes, &cql).await?;
        let mut rehearsal = Rehearsal {
            nodes: u32::try_from(nodes.len()).unwrap_or(u32::MAX),
            start_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..Rehearsal::default()
        };
        for node in nodes.iter() {
            let wrong = node.verify(&self.settings.scratch).await?;
            rehearsal.problems.extend(wrong.map(|reason| Problem {
                path: node.name.clone(),
                reason,
            }));
        }
        for missing in ring.nodes.keys().filter(|name| !past.nodes.contains(*name)) {
            rehearsal.left_out.push(format!(
                "node {missing}: it is not in the backup, so rows were not counted and checks not run"
            ));
        }
        if let (true, Some(first)) = (rehearsal.left_out.is_empty(), nodes.first()) {
            let (facts, failed) = self.patiently_asked(&cql, &first.cql(), ring).await;
            rehearsal.facts = facts;
            rehearsal
                .problems
                .extend(failed.into_iter().map(|(path, error)| Problem {
                    path,
                    reason: Failure::from(error).messages().join(": "),
                }));
        }
        Ok(rehearsal)
    }

    /// Nodes that know each other may not have heard of each other for a moment.
    async fn patiently_asked(&self, cql: &Native, address: &str, ring: &Ring) -> Answers {
        let mut tries = TRIES;
        loop {
            let answers = facts::answers(cql, address, ring, &self.settings.questions).await;
            tries -= 1;
            if answers.1.is_empty() || tries == 0 {
                return answers;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn start(
        &self,
        ring: &Ring,
        past: &Past,
        nodes: &mut [ScratchNode],
        cql: &Native,
    ) -> Result<(), Error> {
        let seed = nodes.first().map(ScratchNode::storage).unwrap_or_default();
        let addresses: BTreeSet<String> = nodes.iter().map(|node| node.address.clone()).collect();
        for (index, node) in nodes.iter_mut().enumerate() {
            let was = ring.nodes.get(&node.name).ok_or_else(|| Error::Scratch {
                node: node.name.clone(),
                reason: "the backup does not say which tokens it has".to_owned(),
            })?;
            let document = past.documents.get(&settings_of(&node.name));
            let lines = document.map_or("", String::as_str).lines();
            let settings = lines.filter_map(|line| line.split_once(" = ")).collect();
            node.start(&self.settings.scratch, ring, was, &settings, &seed)?;
            if index == 0 {
                // The others ask it for the ring.
                until(node, cql, None).await?;
            }
        }
        for node in nodes.iter_mut() {
            until(node, cql, Some(&addresses)).await?;
        }
        Ok(())
    }
}

/// Waits until a node, as long as it runs, listens to others; or answers, and knows all that are at these addresses.
async fn until(node: &mut ScratchNode, cql: &Native, all: Option<&BTreeSet<String>>) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        let is_so = match all {
            None => cql.answers(&node.storage()).await,
            Some(all) => knows(node, cql, all).await,
        };
        if is_so {
            return Ok(());
        }
        node.still_runs()?;
        if begun.elapsed() > PATIENCE {
            return Err(node.late());
        }
        tokio::time::sleep(BETWEEN).await;
    }
}

async fn knows(node: &ScratchNode, cql: &Native, all: &BTreeSet<String>) -> bool {
    // Nodes of the ring that was backed up are among its peers too.
    let Ok(peers) = cql.ask(&node.cql(), PEERS).await else {
        return false;
    };
    let known: BTreeSet<&String> = peers.iter().filter_map(|peer| peer.get("peer")).collect();
    let mut others = all.iter().filter(|address| **address != node.address);
    others.all(|other| known.contains(other))
}
