//! From copied lists to a committed copy: look, record, proof.

use std::sync::PoisonError;

use ostler_api::document::{Mirrored, Problem};
use ostler_vault::{Counts, NodeRecord, Origin, ProofRecord, Record};
use ostler_vocabulary::{BackupEvidence, ErrorKind, Failure, Progress, Timestamp};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::copy::Copy;
use super::send::Lists;
use crate::evidence::{self, Evidence};
use crate::problems::{bounded, in_short};
use crate::state::method;

/// What the look at the store found, and what makes the record the same on every repetition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Checked {
    at: Timestamp,
    objects: u64,
    epoch: u64,
    pub(super) missing: Vec<Problem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    looked: Option<BackupEvidence>,
}

impl Copy<'_> {
    /// Reads the copied lists back and finds every object they need in the store, with its size.
    pub(super) async fn look(&self, lists: &Lists, round: u32) -> Result<Checked, Failure> {
        self.op
            .step("check presence")
            .key(format!("{} {round}", self.key()))
            .retries(3)
            .run(|step| async move {
                let epoch = self.writer().await?.epoch();
                let record = self.record(lists, None).await?;
                let found = self.look_now(&record, &step.progress, &step.cancelled).await?;
                Ok(Checked {
                    at: self.to.now(),
                    objects: found.packs.len() as u64,
                    epoch,
                    missing: bounded(found.problems),
                    looked: Some(found.looked),
                })
            })
            .await
    }

    async fn look_now(
        &self,
        record: &Record,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Evidence, Failure> {
        let found = evidence::examine(self.to, record, &evidence::Look::default(), progress, cancel).await?;
        evidence::set_aside(self.to, &found.wrong_packs).await;
        self.relied_on
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&found.packs);
        Ok(found)
    }

    /// The copy's record: the source's, with other lists, and where it comes from.
    async fn record(&self, lists: &Lists, checked: Option<&Checked>) -> Result<Record, Failure> {
        let source = self.from.record(self.item.backup).await?;
        let origin = Origin {
            vault: self.from.vault.id(),
            backup: self.item.backup,
            at: checked.map_or(source.ended, |checked| checked.at),
            lists: source.nodes.iter().map(|node| node.list.clone()).collect(),
        };
        let nodes = source.nodes.iter().zip(&lists.addresses);
        Ok(Record {
            backup: self.item.copy,
            operation: self.op.id(),
            nodes: nodes
                .map(|(node, list)| NodeRecord {
                    list: list.clone(),
                    ..node.clone()
                })
                .collect(),
            counts: Counts {
                new_bytes: lists.new_bytes,
                stored_bytes: lists.stored_bytes,
                ..source.counts
            },
            objects_found: checked.map_or(0, |checked| checked.objects),
            // What was demanded, of the backup; what was looked up, of this copy.
            evidence: match checked.and_then(|checked| checked.looked.clone()) {
                Some(looked) => {
                    let of_source = source.evidence.clone().unwrap_or_default();
                    Some(BackupEvidence {
                        excluded: of_source.excluded,
                        members: of_source.members,
                        ..looked
                    })
                }
                None => source.evidence.clone(),
            },
            origin: Some(origin),
            ..source
        })
    }

    pub(super) async fn commit(&self, lists: &Lists, checked: &Checked) -> Result<Mirrored, Failure> {
        let id = self.item.copy;
        let committing = format!("commit backup {}", id.short());
        let counts = self
            .op
            .step("write record")
            .key(self.key())
            .retries(3)
            .run(|step| {
                let committing = committing.clone();
                async move {
                    let writer = self.writer().await?;
                    let record = self.record(lists, Some(checked)).await?;
                    if checked.epoch != writer.epoch() {
                        let missing = self
                            .look_now(&record, &step.progress, &step.cancelled)
                            .await?
                            .problems;
                        if !missing.is_empty() {
                            return Err(Failure::new(
                                ErrorKind::Conflict,
                                format!("what was copied was removed meanwhile: {}", in_short(&missing)),
                            )
                            .with_hint("mirror it again; this copy was never committed"));
                        }
                    }
                    let packs = self
                        .relied_on
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .clone();
                    let committed = writer.commit(&record, &packs).await;
                    committed.map_err(self.to.attempting(committing))?;
                    Ok((record.counts.files, record.counts.bytes))
                }
            })
            .await?;
        let (files, bytes) = counts;
        self.op
            .step("prove")
            .key(self.key())
            .retries(3)
            .run(|_| {
                let committing = committing.clone();
                async move {
                    let read = self.to.record(id).await?;
                    let read_lists = read.nodes.iter().map(|node| &node.list);
                    if read.operation != self.op.id() || !read_lists.eq(&lists.addresses) {
                        return Err(Failure::new(
                            ErrorKind::Corrupt,
                            format!(
                                "vault `{}`: the commit record of backup {} is not what was written",
                                self.to.vault_name,
                                id.short()
                            ),
                        ));
                    }
                    let proof = ProofRecord {
                        method: method::MIRROR.to_owned(),
                        at: checked.at,
                        ok: true,
                        files,
                        bytes: lists.read_bytes,
                        problems: Vec::new(),
                        operation: Some(self.op.id()),
                        part: None,
                    };
                    let proved = self.to.vault.add_proof(id, &proof).await;
                    proved.map_err(self.to.attempting(committing))?;
                    self.follow_marks().await
                }
            })
            .await?;
        Ok(Mirrored {
            backup: self.item.backup,
            copy: id,
            bytes,
            read_bytes: lists.read_bytes,
            new_bytes: lists.new_bytes,
            stored_bytes: lists.stored_bytes,
            objects_found: checked.objects,
        })
    }
}
