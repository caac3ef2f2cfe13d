//! What the nodes of a cluster said when they were asked, and whether that is enough for a backup.

use std::path::PathBuf;

use ostler_vocabulary::{ErrorKind, Failure};

use super::{Cluster, Root};

/// Nodes that answered, and those that did not.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) nodes: Vec<(String, Vec<Root>)>,
    pub(super) absent: Vec<(String, Failure)>,
}

impl Answers {
    pub(super) fn of(answers: Vec<(String, Result<Vec<Root>, Failure>)>) -> Self {
        let mut all = Self::default();
        for (name, answer) in answers {
            match answer {
                Ok(roots) => all.nodes.push((name, roots)),
                Err(failure) => all.absent.push((name, failure)),
            }
        }
        all
    }

    /// These are not in the backup, as far as they were going to be.
    pub(super) fn lack(&mut self, missing: impl IntoIterator<Item = (String, Failure)>) {
        for (name, failure) in missing {
            self.nodes.retain(|(node, _)| *node != name);
            self.absent.push((name, failure));
        }
    }

    /// Fails when too few answered.
    pub(super) fn enough(&mut self, cluster: &Cluster, least: usize) -> Result<(), Failure> {
        if self.nodes.len() >= least {
            return Ok(());
        }
        let (present, all) = (self.nodes.len(), cluster.members.len());
        Err(too_few(
            cluster,
            std::mem::take(&mut self.absent),
            present,
            all,
            least,
        ))
    }

    /// The roots that are asked for, or all there are.
    pub(super) fn roots(&self, asked: &[PathBuf], cluster: &Cluster) -> Result<Vec<PathBuf>, Failure> {
        let mut roots: Vec<PathBuf> = match asked {
            [] => self
                .nodes
                .iter()
                .flat_map(|(_, roots)| roots.iter().map(|root| PathBuf::from(&root.name)))
                .collect(),
            asked => asked.to_vec(),
        };
        roots.sort();
        roots.dedup();
        for (node, has) in &self.nodes {
            let lacking = roots
                .iter()
                .find(|root| !has.iter().any(|other| root.as_os_str() == other.name.as_str()));
            if let Some(root) = lacking {
                return Err(Failure::new(
                    ErrorKind::Invalid,
                    format!(
                        "node `{node}` of cluster `{}` has no root `{}`",
                        cluster.name,
                        root.display()
                    ),
                )
                .with_hint(
                    "every node needs the same roots; [cluster.NAME] roots says which are backed up",
                ));
            }
        }
        match roots.is_empty() {
            true => Err(Failure::new(
                ErrorKind::Invalid,
                format!("the nodes of cluster `{}` have no roots", cluster.name),
            )),
            false => Ok(roots),
        }
    }
}

pub(super) fn too_few(
    cluster: &Cluster,
    absent: Vec<(String, Failure)>,
    present: usize,
    all: usize,
    least: usize,
) -> Failure {
    let names: Vec<String> = absent.iter().map(|(name, _)| format!("`{name}`")).collect();
    let message = format!(
        "cluster `{}`: {present} of {all} nodes could be backed up, and {least} are needed; not {}",
        cluster.name,
        names.join(", ")
    );
    match absent.into_iter().next() {
        Some((_, failure)) => failure.context(message),
        None => Failure::new(ErrorKind::Invalid, message),
    }
}
