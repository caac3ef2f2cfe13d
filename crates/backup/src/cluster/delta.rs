//! Whether a backup takes only what was written since the last one.

use ostler_api::request::CreateBackup;
use ostler_vault::{NodeRecord, Record};
use ostler_vocabulary::{BackupId, ErrorKind, Failure};
use serde::{Deserialize, Serialize};

use super::create::Part;
use super::{Cluster, Member, past};
use crate::create::{Create, Start};
use crate::driver::Take;
use crate::evidence;

/// How many reasons are written down: a step's result is small.
const REASONS: usize = 3;

/// Refuses to look for increments where there never are any.
pub(super) fn possible(request: &CreateBackup, cluster: &Cluster, id: BackupId) -> Result<(), Failure> {
    if !request.delta || cluster.driver.increments(id).is_some() {
        return Ok(());
    }
    let told = format!(
        "the driver `{}` knows of no files that hold only what was written since the last backup",
        cluster.driver.name()
    );
    let hint = "leave out --delta: what did not change since the last backup is not read again anyway";
    Err(Failure::new(ErrorKind::Unsupported, told).with_hint(hint))
}

/// What is taken.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Chosen {
    /// The backup to which what was written since is added; `None` takes all of it.
    pub(super) base: Option<BackupId>,
    /// Why all of it is taken although less was asked for.
    pub(super) why: Vec<String>,
}

impl Chosen {
    /// Which files that are.
    pub(super) fn take(&self, cluster: &Cluster) -> Take {
        let increments = self.base.and_then(|base| cluster.driver.increments(base));
        increments.unwrap_or_else(|| cluster.driver.take())
    }

    /// What whoever asked for less is told.
    pub(super) fn note(&self) -> Option<String> {
        let why = (!self.why.is_empty()).then(|| self.why.join("; "));
        let told =
            |why| format!("all of it was taken, not only what was written since the last backup: {why}");
        why.map(told)
    }

    fn all(why: &str) -> Self {
        Self {
            base: None,
            why: vec![why.to_owned()],
        }
    }
}

impl Create<'_> {
    /// Decides what is taken, once for all repetitions.
    pub(super) async fn choose_files(
        &self,
        cluster: &Cluster,
        (nodes, parts): (&[Member], &[Part]),
        (start, read_all): (&Start, bool),
        suffix: &str,
    ) -> Result<Chosen, Failure> {
        if !self.request.delta {
            return Ok(Chosen::default());
        }
        self.keyed("choose what to take", suffix)
            .retries(3)
            .run(|_| async move {
                let Some(base) = start.parent() else {
                    return Ok(Chosen::all("there is none"));
                };
                if read_all {
                    return Ok(Chosen::all("something of it is not in the vault any more"));
                }
                let record = self.context.record(base).await?;
                let mut why = lacks(&record, parts);
                if why.is_empty() {
                    let lacking = evidence::lacking(self.context, &record).await?;
                    let of = record.backup.short();
                    why.extend(
                        lacking
                            .iter()
                            .map(|one| format!("backup {of} is damaged: {}: {}", one.path, one.reason)),
                    );
                }
                if why.is_empty() {
                    why = self.gaps(cluster, &record, nodes).await?;
                }
                let base = why.is_empty().then_some(base);
                let more = why.len().saturating_sub(REASONS);
                why.truncate(REASONS);
                if more > 0 {
                    why.push(format!("and {more} more"));
                }
                Ok(Chosen { base, why })
            })
            .await
    }

    async fn gaps(
        &self,
        cluster: &Cluster,
        record: &Record,
        nodes: &[Member],
    ) -> Result<Vec<String>, Failure> {
        let past = past::past(self.context, record).await?;
        cluster.driver.gaps(&past, nodes).await
    }
}

/// What a backup lacks to be added to.
fn lacks(record: &Record, parts: &[Part]) -> Vec<String> {
    let id = record.backup.short();
    if record.partial {
        return vec![format!("backup {id} is partial")];
    }
    let has: Vec<String> = record.nodes.iter().map(NodeRecord::part).collect();
    let parts = parts.iter().map(Part::name);
    let missing = parts.filter(|part| !has.contains(part));
    missing
        .map(|part| format!("backup {id} has nothing of {part}"))
        .collect()
}
