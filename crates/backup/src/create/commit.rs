//! From stored chunks to a backup: look, record, read back.

use ostler_api::document::{BackupState, BackupSummary, Problem, Source};
use ostler_api::request::HookFailure;
use ostler_vault::{ClusterRecord, Counts, Error as VaultError, Facts, ProofRecord, Record};
use ostler_vocabulary::{BackupEvidence, BackupId, ErrorKind, Failure, Progress, Timestamp, Unit};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::PoisonError;
use tokio_util::sync::CancellationToken;

use super::begin::{Lost, Place};
use super::{Create, Gathered, Start};
use crate::cluster::system;
use crate::demand::Demands;
use crate::evidence::{self, Evidence, Look};
use crate::problems::{bounded, in_short, shown, stored};
use crate::state::{self, method};

/// What the look at the store found, and what makes the record the same on every repetition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Checked {
    at: Timestamp,
    made_by: String,
    objects: u64,
    /// The attempt that saw it: what was there in an earlier one may have been collected since.
    epoch: u64,
    pub(super) missing: Vec<Problem>,
    /// What the file lists lack of what must be in the backup.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) lacking: Vec<Problem>,
    /// Nodes that do not list the directories that they keep data in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) unlisted: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evidence: Option<BackupEvidence>,
    /// Nothing can be committed at this place any more.
    #[serde(default)]
    pub(super) lost: bool,
}

impl Create<'_> {
    /// Reads the file list back from the store and finds every object it needs there, with its size.
    pub(super) async fn look(&self, sent: &Gathered, place: &Place, round: u32) -> Result<Checked, Failure> {
        let mut step = self.op.step("check presence").retries(3);
        if round > 1 {
            step = step.key(round.to_string());
        }
        step.run(|step| async move {
            let Some(writer) = &place.writer else {
                return Ok(Checked {
                    at: self.context.now(),
                    made_by: String::new(),
                    objects: 0,
                    epoch: 0,
                    missing: Vec::new(),
                    lacking: Vec::new(),
                    unlisted: Vec::new(),
                    evidence: None,
                    lost: true,
                });
            };
            let draft = self.draft(sent, place.id);
            let found = self
                .look_now(sent, &draft, &step.progress, &step.cancelled)
                .await?;
            Ok(Checked {
                at: self.context.now(),
                made_by: format!("ostler {}", env!("CARGO_PKG_VERSION")),
                objects: found.packs.len() as u64,
                epoch: writer.epoch(),
                missing: bounded(found.problems),
                lacking: bounded(found.lacking),
                unlisted: found.unlisted,
                evidence: Some(BackupEvidence {
                    excluded: self.request.exclude.clone(),
                    ..found.looked
                }),
                lost: false,
            })
        })
        .await
    }

    async fn look_now(
        &self,
        sent: &Gathered,
        draft: &Record,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Evidence, Failure> {
        let look = Look {
            demands: self.demands(sent),
            ..Look::new()
        };
        let found = evidence::examine(self.context, draft, &look, progress, cancel).await?;
        // What the store took in damaged is stored again by the next round, in another pack.
        evidence::set_aside(self.context, &found.wrong_packs).await;
        *self.relied_on.lock().unwrap_or_else(PoisonError::into_inner) = found.packs.clone();
        let outside = system::check(self.context, draft).await?;
        Ok(Evidence {
            problems: [found.problems, outside].concat(),
            ..found
        })
    }

    fn draft(&self, sent: &Gathered, id: BackupId) -> Record {
        Record {
            version: 1,
            backup: id,
            operation: self.op.id(),
            name: self.request.name.clone(),
            tags: self.request.tags.clone(),
            started: self.op.started(),
            ended: self.op.started(),
            made_by: String::new(),
            parent: None,
            nodes: sent.parts.clone(),
            partial: false,
            counts: Counts::default(),
            problems: Vec::new(),
            objects_found: 0,
            origin: None,
            cluster: self.context.cluster.as_ref().map(|cluster| ClusterRecord {
                name: cluster.name.clone(),
                roots: self.roots(),
                absent: sent.absent.clone(),
                external: sent.external.clone(),
                places: cluster.places.clone(),
            }),
            evidence: None,
        }
    }

    /// The requested paths as records and demands have them.
    fn roots(&self) -> Vec<String> {
        let paths = self.request.paths.iter();
        paths.map(|root| root.to_string_lossy().into_owned()).collect()
    }

    /// What its lists have to contain. `None` where it is of no cluster.
    fn demands(&self, sent: &Gathered) -> Option<Demands> {
        let cluster = self.context.cluster.as_ref()?;
        let names = cluster.names().into_iter().map(str::to_owned);
        Some(Demands {
            members: names.filter(|name| !sent.absent.contains(name)).collect(),
            roots: self.roots(),
            nodes: BTreeMap::new(),
            snapshots: sent.snapshots.clone(),
            stored: sent.stored.clone(),
        })
    }

    /// The commit record: made of journaled values only, so that every repetition writes the same bytes.
    pub(super) fn record(
        &self,
        start: &Start,
        sent: &Gathered,
        checked: &Checked,
        warnings: &[String],
        id: BackupId,
    ) -> Record {
        let mut problems = sent.problems.clone();
        problems.extend(checked.unlisted.iter().map(|node| Problem {
            path: format!("node {node}"),
            reason: "its database does not list its data directories, so a root may be missing; let the user of \
                     [cluster.NAME.driver] read `system_views.settings`"
                .to_owned(),
        }));
        if self.request.hooks.on_failure == HookFailure::Partial {
            problems.extend(warnings.iter().map(|warning| Problem {
                path: "hook".to_owned(),
                reason: warning.clone(),
            }));
        }
        let counts = &sent.counts;
        Record {
            ended: checked.at,
            made_by: checked.made_by.clone(),
            parent: start.parent.as_ref().map(|p| p.id),
            partial: self.is_partial(sent, warnings) || !checked.unlisted.is_empty(),
            counts: Counts {
                files: counts.files,
                entries: counts.entries,
                bytes: counts.bytes,
                changed_files: counts.changed_files,
                new_bytes: counts.new_bytes,
                stored_bytes: counts.stored_bytes,
                problems: counts.problems,
            },
            problems: stored(&problems),
            objects_found: checked.objects,
            evidence: checked.evidence.clone(),
            ..self.draft(sent, id)
        }
    }

    /// Commits. `true` when the place was lost.
    pub(super) async fn write_record(
        &self,
        sent: &Gathered,
        record: &Record,
        checked: &Checked,
        place: &Place,
        round: u32,
    ) -> Result<bool, Failure> {
        let mut step = self.op.step("write record").retries(3);
        if round > 1 {
            step = step.key(round.to_string());
        }
        let lost: Option<Lost> = step
            .run(|step| async move {
                let Some(writer) = &place.writer else {
                    return Ok(Some(Lost {}));
                };
                if checked.epoch != writer.epoch() {
                    let draft = Record {
                        partial: false,
                        ..record.clone()
                    };
                    let found = self
                        .look_now(sent, &draft, &step.progress, &step.cancelled)
                        .await?;
                    if !found.problems.is_empty() {
                        return Err(Failure::new(
                            ErrorKind::Conflict,
                            format!(
                                "what this backup stored was removed while it was interrupted: {}",
                                in_short(&found.problems)
                            ),
                        )
                        .with_hint("make a new backup; this one was never committed"));
                    }
                }
                let packs = self
                    .relied_on
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone();
                match writer.commit_and_read(record, &packs).await {
                    Err(VaultError::Revoked(_)) => Ok(Some(Lost {})),
                    committed => {
                        let read = committed.map_err(self.attempting_commit(record.backup))?;
                        *self.read_back.lock().unwrap_or_else(PoisonError::into_inner) = read;
                        Ok(None)
                    }
                }
            })
            .await?;
        Ok(lost.is_some())
    }

    fn attempting_commit<E: Into<Failure>>(&self, id: BackupId) -> impl FnOnce(E) -> Failure {
        let what = format!("commit backup {}", id.short());
        self.context.attempting(what)
    }

    /// Reads the record back and stores the proof of that.
    pub(super) async fn prove(&self, record: &Record) -> Result<(), Failure> {
        self.op
            .step("prove")
            .retries(3)
            .unit(Unit::Objects)
            .run(|_| async {
                let read = self
                    .read_back
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take();
                let read = match read {
                    Some(read) => read,
                    None => self.context.record(record.backup).await?,
                };
                if read != *record {
                    return Err(Failure::new(
                        ErrorKind::Corrupt,
                        format!(
                            "vault `{}`: the commit record of backup {} is not what was written",
                            self.context.vault_name,
                            record.backup.short()
                        ),
                    ));
                }
                let proof = ProofRecord {
                    method: method::COMMIT.to_owned(),
                    at: self.context.now(),
                    ok: true,
                    files: record.counts.files,
                    bytes: record.counts.bytes,
                    problems: Vec::new(),
                    operation: Some(self.op.id()),
                    part: None,
                };
                self.context
                    .vault
                    .add_proof_to(&read, &proof)
                    .await
                    .map_err(self.attempting_commit(record.backup))
            })
            .await
    }
}

/// What lists show of a backup that was just committed.
pub(super) fn summary(record: &Record, vault: &str) -> BackupSummary {
    let facts = Facts::from(record);
    BackupSummary {
        id: record.backup,
        vault: vault.to_owned(),
        name: record.name.clone(),
        state: if record.partial {
            BackupState::Partial
        } else {
            BackupState::Complete
        },
        source: Some(Source {
            host: facts.host,
            paths: facts.paths,
        }),
        started: record.started,
        duration_ms: u64::try_from(record.ended.duration_since(record.started).as_millis()).unwrap_or(0),
        counts: state::counts(&record.counts),
        tags: record.tags.clone(),
        held: false,
        verified: None,
    }
}

pub(super) fn problems(record: &Record) -> Vec<Problem> {
    shown(&record.problems)
}
