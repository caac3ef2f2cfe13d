//! What there is of one backup: shown and marked.

use ostler_api::client::Mark;
use ostler_api::document::{BackupDetail, ClusterPart, ClusterParts, CopiedFrom};
use ostler_api::request::Selector;
use ostler_backup::{evidence, problems, verify};
use ostler_vault::{MarkAction, MarkRecord, Record};
use ostler_vocabulary::{BackupId, Failure};

use super::Runtime;
use crate::Error;

impl Runtime {
    pub(super) async fn show_backup(&self, selector: &Selector) -> Result<BackupDetail, Failure> {
        let (context, backup) = self.meant(selector).await?;
        let id = backup.id();
        let record: Option<Record> = match backup.summary.state {
            ostler_api::document::BackupState::Running | ostler_api::document::BackupState::Incomplete => {
                None
            }
            _ => Some(context.record(id).await?),
        };
        let proofs = match &record {
            Some(_) => context
                .vault
                .proofs(id)
                .await
                .map_err(context.attempting(format_args!("read the proofs of backup {}", id.short())))?,
            None => Vec::new(),
        };
        let lacking = match &record {
            Some(record) => evidence::lacking(&context, record).await?,
            None => Vec::new(),
        };
        Ok(BackupDetail {
            evidence: record.as_ref().and_then(|r| r.evidence.clone()),
            lacking,
            hold_reason: backup.hold.as_ref().and_then(|hold| hold.reason.clone()),
            parent: record.as_ref().and_then(|r| r.parent),
            origin: record
                .as_ref()
                .and_then(|r| r.origin.as_ref())
                .map(|origin| CopiedFrom {
                    vault: origin.vault,
                    backup: origin.backup,
                    at: origin.at,
                }),
            operation: record.as_ref().map(|r| r.operation).or(backup.operation),
            made_by: record.as_ref().map(|r| r.made_by.clone()).unwrap_or_default(),
            problems: record
                .as_ref()
                .map(|r| problems::shown(&r.problems))
                .unwrap_or_default(),
            proofs: proofs.iter().map(verify::proof_document).collect(),
            reading: ostler_backup::rotation::reading(&backup.proofs, context.clock.now()),
            cluster: record.as_ref().and_then(cluster_parts),
            summary: backup.summary,
        })
    }

    pub(super) async fn mark_backup(&self, selector: &Selector, mark: Mark) -> Result<BackupId, Failure> {
        let actions: Vec<MarkAction> = match mark {
            Mark::Hold { reason } => vec![MarkAction::Hold(reason)],
            Mark::Release => vec![MarkAction::Release],
            Mark::Tag { tags } if tags.is_empty() || tags.contains_key("") => {
                return Err(Error::Request {
                    message: "a tag needs a key".to_owned(),
                    kind: ostler_vocabulary::ErrorKind::Invalid,
                    hint: Some("write KEY=VALUE, or KEY= to remove one".to_owned()),
                }
                .into());
            }
            Mark::Tag { tags } => tags
                .into_iter()
                .map(|(key, value)| MarkAction::Tag {
                    key,
                    value: Some(value).filter(|v| !v.is_empty()),
                })
                .collect(),
        };
        let (context, backup) = self.meant(selector).await?;
        verify::committed_for_marks(&backup)?;
        for action in actions {
            let mark = MarkRecord {
                at: self.inner.clock.now(),
                action,
            };
            context
                .vault
                .add_mark(backup.id(), &mark)
                .await
                .map_err(context.attempting(format_args!("mark backup {}", backup.id().short())))?;
        }
        Ok(backup.id())
    }
}

fn cluster_parts(record: &Record) -> Option<ClusterParts> {
    let cluster = record.cluster.as_ref()?;
    let parts = record.nodes.iter().map(|node| ClusterPart {
        node: node.host.clone(),
        root: node.root.clone().unwrap_or_default(),
        path: node.paths.first().cloned().unwrap_or_default(),
        driver: node.driver.clone(),
    });
    Some(ClusterParts {
        name: cluster.name.clone(),
        parts: parts.collect(),
        absent: cluster.absent.clone(),
    })
}
