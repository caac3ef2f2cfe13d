//! From the intent to the record, with another attempt when something was taken away in between.
//!
//! An interrupted backup keeps its place in the vault until somebody frees space: then the collector rules its commit out, for
//! ever, and may free what it stored. Who resumes it goes on at another place: under another id, with a new intent,
//! storing again what is gone. That is decided by what steps record, so that every repetition decides the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ostler_api::node::{Upload, Uploaded};
use ostler_vault::Record;
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Unit};

use super::begin::Place;
use super::commit::Checked;
use super::{Create, Gathered, Sent, Start, selection};
use crate::driver::FILES;
use crate::problems::{bounded, in_short};

/// How often a backup is begun or its files are read again, when its place or what it stored was taken away.
const ROUNDS: u32 = 4;

/// A committed backup.
pub(super) struct Made {
    pub(super) record: Record,
    pub(super) sent: Gathered,
    pub(super) warnings: Vec<String>,
    pub(super) place: Place,
}

impl Create<'_> {
    pub(super) async fn make(&self, start: &Start) -> Result<Made, Failure> {
        let mut place = self.register(start, 1).await?;
        let mut warnings = Vec::new();
        let after_ran = Arc::new(AtomicBool::new(false));
        warnings.extend(self.before_hook(&after_ran).await?);
        let mut sent = self.upload(start, &mut place, 1, false).await?;
        warnings.extend(self.after_hook().await?);
        after_ran.store(true, Ordering::Relaxed);
        let mut committing = false;
        for round in 1..=ROUNDS {
            let checked = self.look(&sent, &place, round).await?;
            let is_complete = checked.missing.is_empty();
            let mut is_lost = checked.lost;
            if is_complete && checked.lacking.is_empty() && !is_lost {
                let record = self.record(start, &sent, &checked, &warnings, place.id);
                if let Some(held) = &self.held {
                    held.confirm(self.context).await?;
                }
                if !committing {
                    self.op.commit().await?;
                    committing = true;
                }
                is_lost = self.write_record(&sent, &record, &checked, &place, round).await?;
                if !is_lost {
                    return Ok(Made {
                        record,
                        sent,
                        warnings,
                        place,
                    });
                }
            }
            if round == ROUNDS || round > 1 && !checked.lacking.is_empty() {
                return Err(self.given_up(&checked));
            }
            if !checked.lacking.is_empty() {
                self.op.message(format!(
                    "the backup lacks what must be in it, and is taken again: {}",
                    in_short(&checked.lacking)
                ));
            }
            if is_lost {
                place = self.register(start, round + 1).await?;
            }
            // What was stored may have been freed; what the parent has is then looked at file by file.
            sent = self.upload(start, &mut place, round + 1, !is_complete).await?;
        }
        Err(Failure::new(ErrorKind::Internal, "no round was made"))
    }

    fn given_up(&self, checked: &Checked) -> Failure {
        if !checked.lacking.is_empty() {
            return Failure::new(
                ErrorKind::Conflict,
                format!(
                    "{} does not contain what must be in it: {}",
                    self.subject(),
                    in_short(&checked.lacking)
                ),
            )
            .with_hint("nothing was committed; make it again when nothing else makes or removes snapshots on the nodes");
        }
        if checked.missing.is_empty() {
            return Failure::new(
                ErrorKind::Conflict,
                format!(
                    "vault `{}`: space was freed there whenever this backup was interrupted",
                    self.context.vault_name
                ),
            )
            .with_hint("make a new backup; this one was never committed");
        }
        Failure::new(
            ErrorKind::Corrupt,
            format!(
                "vault `{}`: what was stored is not there: {}",
                self.context.vault_name,
                in_short(&checked.missing)
            ),
        )
        .with_hint("`ostler vault check` says what else is missing; nothing was committed")
    }

    /// Reads the files; at another place when this one was lost before.
    async fn upload(
        &self,
        start: &Start,
        place: &mut Place,
        round: u32,
        read_all: bool,
    ) -> Result<Gathered, Failure> {
        if let Some(sent) = self.upload_at(start, place, round.to_string(), read_all).await? {
            return Ok(sent);
        }
        *place = self.register(start, round + ROUNDS).await?;
        let again = format!("{round} again");
        match self.upload_at(start, place, again, read_all).await? {
            Some(sent) => Ok(sent),
            None => Err(Failure::new(
                ErrorKind::Conflict,
                format!(
                    "backup {} was taken away as soon as it was begun again",
                    place.id.short()
                ),
            )
            .with_hint("make a new backup; this one was never committed")),
        }
    }

    /// `None` when the place was lost: what would be stored could be freed at any time.
    async fn upload_at(
        &self,
        start: &Start,
        place: &Place,
        key: String,
        read_all: bool,
    ) -> Result<Option<Gathered>, Failure> {
        if let Some(cluster) = &self.context.cluster {
            return self.upload_cluster(cluster, start, place, &key, read_all).await;
        }
        let request = Upload {
            backup: place.id,
            selection: selection(&self.request, self.context),
            parent: start.parent.as_ref().map(|p| p.list.clone()),
            read_all: self.request.read_all || read_all,
        };
        let mut step = self
            .op
            .step("upload")
            .unit(Unit::Bytes)
            .retries(3)
            .leaves("stored chunks, which the next backup uses and `ostler backup prune` frees");
        if key != "1" {
            step = step.key(key);
        }
        let sent: Option<Sent> = step
            .run(|step| {
                let request = &request;
                async move {
                    if place.writer.is_none() {
                        return Ok(None);
                    }
                    let uploaded = self
                        .context
                        .node
                        .upload(request, &step.progress, &step.cancelled)
                        .await
                        .map_err(|failure| failure.context(format!("cannot back up {}", self.subject())))?;
                    Ok(Some(Sent::from(uploaded)))
                }
            })
            .await?;
        Ok(sent.map(|sent| {
            let mut gathered = Gathered::default();
            gathered.add(sent.source.host.clone(), None, FILES, sent);
            gathered
        }))
    }

    /// The id of the backup at its first place, as planned, or at a later one: the same whenever it is asked for.
    pub(super) fn id_at(&self, round: u32) -> BackupId {
        if round == 1 {
            return self.id;
        }
        let mut hasher = blake3::Hasher::new_derive_key("ostler backup id of another attempt");
        hasher.update(self.op.id().as_bytes());
        hasher.update(self.id.as_bytes());
        hasher.update(&round.to_be_bytes());
        let mut id = [0; 16];
        hasher.finalize_xof().fill(&mut id);
        BackupId::from_bytes(id)
    }
}

impl From<Uploaded> for Sent {
    fn from(uploaded: Uploaded) -> Self {
        Self {
            source: uploaded.source,
            list: uploaded.list,
            counts: uploaded.counts,
            problems: bounded(uploaded.problems),
            held: uploaded.held,
            flagged: uploaded.flagged,
        }
    }
}
