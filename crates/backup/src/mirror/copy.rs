//! Copying one backup: begin, survey, copy stretch by stretch, join, look, record, prove.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use ostler_api::document::{Mirrored, Problem};
use ostler_api::request::MirrorItem;
use ostler_operations::Operation;
use ostler_vault::{Intent, PackId, Writer};
use ostler_vocabulary::{BackupId, ErrorKind, Failure};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use super::survey::Ledger;
use crate::Context;
use crate::problems::in_short;

/// How often a backup is copied again when something that was stored is not found afterwards.
const ROUNDS: u32 = 2;

/// What became of a backup.
pub(super) enum Copied {
    Done(Mirrored),
    There,
    Refused(Problem),
}

/// The copy of one backup in the making.
pub(super) struct Copy<'a> {
    pub(super) item: &'a MirrorItem,
    pub(super) op: &'a Operation,
    pub(super) from: &'a Context,
    pub(super) to: &'a Context,
    pub(super) ledger: &'a Ledger,
    /// Shows life while this process copies; a resumed operation begins to again with the first step it runs.
    writer: OnceCell<Writer>,
    /// The packs that the last look found.
    pub(super) relied_on: Mutex<Vec<PackId>>,
}

/// How the first step ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Begun {
    Started,
    /// The copy was committed before.
    There,
    Refused(String),
}

impl<'a> Copy<'a> {
    pub(super) fn new(
        item: &'a MirrorItem,
        op: &'a Operation,
        (from, to): (&'a Context, &'a Context),
        ledger: &'a Ledger,
    ) -> Self {
        Self {
            item,
            op,
            from,
            to,
            ledger,
            writer: OnceCell::new(),
            relied_on: Mutex::default(),
        }
    }

    /// Copies it, unless it is there or cannot be read whole.
    pub(super) async fn run(self) -> Result<Copied, Failure> {
        match self.begin().await? {
            Begun::Started => {}
            Begun::There => return Ok(Copied::There),
            Begun::Refused(reason) => return Ok(self.refused(reason)),
        }
        match self.copy_all().await? {
            Ok(mirrored) => {
                self.ledger.add(self.item.copy);
                self.finish().await;
                Ok(Copied::Done(mirrored))
            }
            Err(reason) => self.take_back(reason).await,
        }
    }

    /// The reason when the source is damaged.
    async fn copy_all(&self) -> Result<Result<Mirrored, String>, Failure> {
        let survey = self.survey().await?;
        if let Some(reason) = survey.refused {
            return Ok(Err(reason));
        }
        for round in 1..=ROUNDS {
            let lists = match self.send(&survey, round).await? {
                Ok(lists) => lists,
                Err(reason) => return Ok(Err(reason)),
            };
            let checked = self.look(&lists, round).await?;
            if checked.missing.is_empty() {
                return self.commit(&lists, &checked).await.map(Ok);
            }
            if round == ROUNDS {
                return Err(Failure::new(
                    ErrorKind::Corrupt,
                    format!(
                        "vault `{}`: what was stored is not there: {}",
                        self.to.vault_name,
                        in_short(&checked.missing)
                    ),
                )
                .with_hint(format!(
                    "`ostler vault check {}` says what else is missing; the copy was not committed",
                    self.to.vault_name
                )));
            }
        }
        Err(Failure::new(ErrorKind::Internal, "no round was made"))
    }

    fn refused(&self, reason: String) -> Copied {
        Copied::Refused(Problem {
            path: self.item.backup.short(),
            reason,
        })
    }

    /// A step of this backup.
    pub(super) fn key(&self) -> String {
        self.item.backup.to_string()
    }

    fn intent(&self) -> Intent {
        let source = self.item.source.clone();
        let (host, paths) = source.map_or((String::new(), Vec::new()), |source| (source.host, source.paths));
        Intent {
            backup: self.item.copy,
            operation: self.op.id(),
            started: self.op.started(),
            host,
            paths,
            name: self.item.name.clone(),
            owner: self.to.process.clone(),
            attempt: Some(self.op.epoch()),
        }
    }

    pub(super) async fn writer(&self) -> Result<&Writer, Failure> {
        let begun = self
            .writer
            .get_or_try_init(|| async { self.to.vault.begin_copy(&self.intent()).await })
            .await;
        begun.map_err(|error| {
            let what = format!("begin backup {}", self.item.copy.short());
            let failure: Failure = self.to.attempting(what)(error);
            match failure.kind() {
                ErrorKind::Conflict => failure.with_hint("mirror it again: its copy then gets another id"),
                _ => failure,
            }
        })
    }

    /// Says what will be, before the index is read.
    async fn begin(&self) -> Result<Begun, Failure> {
        let (to, id, operation) = (self.to.clone(), self.item.copy, self.op.id());
        let (sole, begun) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (is_sole, has_begun) = (Arc::clone(&sole), Arc::clone(&begun));
        self.op
            .step("register intent")
            .key(self.key())
            .retries(3)
            .run_with_undo(
                |_| async {
                    if is_committed(self.to, id).await? {
                        return Ok(Begun::There);
                    }
                    match self.writer().await {
                        Ok(writer) => {
                            sole.store(writer.is_sole(), Ordering::Relaxed);
                            begun.store(true, Ordering::Relaxed);
                            Ok(Begun::Started)
                        }
                        // Another copies it, or it was given up: the others can be copied all the same.
                        Err(failure) if matches!(failure.kind(), ErrorKind::Busy | ErrorKind::Conflict) => {
                            Ok(Begun::Refused(failure.messages().join(": ")))
                        }
                        Err(failure) => Err(failure),
                    }
                },
                move |result| {
                    let (to, sole) = (to.clone(), is_sole.load(Ordering::Relaxed));
                    let begun = has_begun.load(Ordering::Relaxed);
                    async move {
                        if matches!(result, Some(Begun::There | Begun::Refused(_)))
                            || is_committed(&to, id).await?
                        {
                            return Ok(());
                        }
                        let what = format!("take back backup {}", id.short());
                        let intent = to.vault.intent(id).await.map_err(to.attempting(&what))?;
                        // Another may copy the same backup: that is his.
                        if !begun && intent.is_some_and(|intent| intent.operation != operation) {
                            return Ok(());
                        }
                        let removed = to.vault.abandon(id, sole).await;
                        removed.map_err(to.attempting(&what))
                    }
                },
            )
            .await
    }

    /// Takes back what was begun of a backup that cannot be copied.
    async fn take_back(mut self, reason: String) -> Result<Copied, Failure> {
        let (id, to) = (self.item.copy, self.to);
        let writer = self.writer.take();
        let sole = writer.as_ref().is_some_and(Writer::is_sole);
        // It shows no life any more.
        drop(writer);
        self.op
            .step("take back")
            .key(self.key())
            .retries(3)
            .run(|_| async move {
                let removed = to.vault.abandon(id, sole).await;
                removed.map_err(to.attempting(format_args!("take back backup {}", id.short())))
            })
            .await?;
        Ok(self.refused(reason))
    }

    /// Ends: nobody waits for this copy any more.
    async fn finish(self) {
        if let Some(writer) = self.writer.into_inner()
            && let Err(error) = writer.finish().await
        {
            tracing::warn!(vault = %self.to.vault_name, %error, "the end of the copy was not noted; collections of garbage will find out");
        }
    }
}

async fn is_committed(context: &Context, id: BackupId) -> Result<bool, Failure> {
    let place = context.vault.place(id).await;
    let place = place.map_err(context.attempting(format_args!("look for backup {}", id.short())))?;
    Ok(place == ostler_vault::Place::Taken)
}
