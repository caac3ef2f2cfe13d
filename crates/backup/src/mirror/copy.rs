//! Copying one backup: begin, survey, copy stretch by stretch, join, look, record, prove.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ostler_api::document::{Mirrored, Problem};
use ostler_api::request::MirrorItem;
use ostler_operations::Operation;
use ostler_vault::{
    ChunkId, Copied as Stretch, Counts, Intent, Mirror, NodeRecord, Origin, PackId, ProofRecord, Record,
    Writer,
};
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Progress, Timestamp, Unit};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::evidence::{self, list_address};
use crate::problems::{bounded, in_short};
use crate::state::method;
use crate::{Context, select};

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
    item: &'a MirrorItem,
    op: &'a Operation,
    from: &'a Context,
    to: &'a Context,
    /// Shows life while this process copies; a resumed operation begins to again with the first step it runs.
    writer: OnceCell<Writer>,
    /// The packs that the last look found.
    relied_on: Mutex<Vec<PackId>>,
}

/// How the first step ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Begun {
    Begun,
    /// The copy was committed before.
    There,
    Refused(String),
}

/// What the look at the source found.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Survey {
    nodes: Vec<NodeSurvey>,
    /// Why it cannot be copied.
    refused: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct NodeSurvey {
    /// The address of its file list.
    list: String,
    /// Where stretches end.
    ends: Vec<usize>,
    /// The list of an earlier backup that is in both vaults, here and there.
    twins: Option<(String, String)>,
}

/// How copying a stretch ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sent {
    Copied(Stretch),
    /// The source is damaged.
    Damaged(String),
}

/// Lists that were copied, and what that took.
struct Lists {
    addresses: Vec<String>,
    read_bytes: u64,
    new_bytes: u64,
    stored_bytes: u64,
}

/// What the look at the store found, and what makes the record the same on every repetition.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Checked {
    at: Timestamp,
    objects: u64,
    epoch: u64,
    missing: Vec<Problem>,
}

impl<'a> Copy<'a> {
    pub(super) fn new(item: &'a MirrorItem, op: &'a Operation, from: &'a Context, to: &'a Context) -> Self {
        Self {
            item,
            op,
            from,
            to,
            writer: OnceCell::new(),
            relied_on: Mutex::default(),
        }
    }

    /// Copies it, unless it is there or cannot be read whole.
    pub(super) async fn run(self) -> Result<Copied, Failure> {
        match self.begin().await? {
            Begun::Begun => {}
            Begun::There => return Ok(Copied::There),
            Begun::Refused(reason) => return Ok(self.refused(reason)),
        }
        match self.copy_all().await? {
            Ok(mirrored) => {
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
            let lists = match self.copy(&survey, round).await? {
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
    fn key(&self) -> String {
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
        }
    }

    async fn writer(&self) -> Result<&Writer, Failure> {
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
        let (to, id) = (self.to.clone(), self.item.copy);
        let sole = Arc::new(AtomicBool::new(false));
        let is_sole = Arc::clone(&sole);
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
                            Ok(Begun::Begun)
                        }
                        // Another copies it, or it was given up: the others can be copied all the same.
                        Err(failure) if matches!(failure.kind(), ErrorKind::Busy | ErrorKind::Conflict) => {
                            Ok(Begun::Refused(failure.messages().join(": ")))
                        }
                        Err(failure) => Err(failure),
                    }
                },
                move |begun| {
                    let (to, sole) = (to.clone(), is_sole.load(Ordering::Relaxed));
                    async move {
                        if matches!(begun, Some(Begun::There | Begun::Refused(_)))
                            || is_committed(&to, id).await?
                        {
                            return Ok(());
                        }
                        let removed = to.vault.abandon(id, sole).await;
                        removed.map_err(to.attempting(format_args!("take back backup {}", id.short())))
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

    /// Divides the lists into stretches, and looks for a backup that is in both vaults.
    async fn survey(&self) -> Result<Survey, Failure> {
        self.op
            .step("survey")
            .key(self.key())
            .retries(3)
            .run(|_| async {
                self.writer().await?;
                let surveyed = self.survey_now().await;
                match surveyed {
                    Err(failure) if is_damage(&failure) => Ok(Survey {
                        nodes: Vec::new(),
                        refused: Some(failure.messages().join(": ")),
                    }),
                    other => other,
                }
            })
            .await
    }

    async fn survey_now(&self) -> Result<Survey, Failure> {
        let record = self.from.record(self.item.backup).await?;
        let twin = self.twin(&record).await?;
        let mirror = self.mirror(false).await?;
        let mut nodes = Vec::new();
        for node in &record.nodes {
            let ends = mirror
                .stretches(list_address(&node.list)?)
                .await
                .map_err(self.reading())?;
            let twins = twin.as_ref().and_then(|(here, there)| {
                let of = |record: &Record| {
                    let found = record.nodes.iter().find(|other| other.host == node.host);
                    found.map(|found| found.list.clone())
                };
                Some((of(here)?, of(there)?))
            });
            nodes.push(NodeSurvey {
                list: node.list.clone(),
                ends,
                twins,
            });
        }
        Ok(Survey { nodes, refused: None })
    }

    /// The backup of the same source that is in both vaults: the parent, or else the newest.
    async fn twin(&self, record: &Record) -> Result<Option<(Record, Record)>, Failure> {
        let (here, there) = (self.from.backups().await?, self.to.backups().await?);
        let group = |backup: &crate::state::Backup| select::group(&backup.summary, &[]);
        let Some(own) = here.iter().find(|backup| backup.id() == self.item.backup) else {
            return Ok(None);
        };
        let own = group(own);
        let mut candidates: Vec<BackupId> = here
            .iter()
            .filter(|backup| backup.state().is_good() && group(backup) == own)
            .map(crate::state::Backup::id)
            .filter(|id| {
                there
                    .iter()
                    .any(|backup| backup.id() == *id && backup.state().is_good())
            })
            .collect();
        candidates.sort_by_key(|id| Some(*id) != record.parent);
        for id in candidates.into_iter().take(3) {
            if let (Ok(here), Ok(there)) = (self.from.vault.record(id).await, self.to.vault.record(id).await)
            {
                return Ok(Some((here, there)));
            }
        }
        Ok(None)
    }

    /// What copies, with an index of the target that is read now. `adopt` finds what an interrupted run stored.
    async fn mirror(&self, adopt: bool) -> Result<Mirror, Failure> {
        let here = self.from.vault.index(false).await.map_err(self.reading())?;
        let there = self.to.vault.index(adopt).await;
        let there = there.map_err(self.to.attempting("read its index"))?;
        let reader = Arc::new(self.from.vault.reader(here));
        Ok(Mirror::new(reader, Arc::clone(&self.to.vault), there))
    }

    fn reading<E: Into<Failure>>(&self) -> impl FnOnce(E) -> Failure {
        self.from
            .attempting(format!("read backup {}", self.item.backup.short()))
    }

    /// Copies every list; the reason when the source is damaged.
    async fn copy(&self, survey: &Survey, round: u32) -> Result<Result<Lists, String>, Failure> {
        let mut lists = Lists {
            addresses: Vec::new(),
            read_bytes: 0,
            new_bytes: 0,
            stored_bytes: 0,
        };
        for (number, node) in survey.nodes.iter().enumerate() {
            let mut stretches = Vec::new();
            let mut start = 0;
            for (stretch, end) in node.ends.iter().enumerate() {
                let key = format!("{} {round}.{number}.{stretch}", self.key());
                let sent = match self.stretch(node, start..*end, key, round).await? {
                    Sent::Copied(sent) => sent,
                    Sent::Damaged(reason) => return Ok(Err(reason)),
                };
                lists.read_bytes += sent.read_bytes;
                lists.new_bytes += sent.new_bytes;
                lists.stored_bytes += sent.stored_bytes;
                stretches.push(sent.list);
                start = *end;
            }
            let (address, stored) = match stretches.as_slice() {
                [only] => (only.clone(), 0),
                _ => {
                    self.join(stretches, format!("{} {round}.{number}", self.key()))
                        .await?
                }
            };
            lists.addresses.push(address);
            lists.stored_bytes += stored;
        }
        Ok(Ok(lists))
    }

    async fn stretch(
        &self,
        node: &NodeSurvey,
        blocks: std::ops::Range<usize>,
        key: String,
        round: u32,
    ) -> Result<Sent, Failure> {
        let address = |text: &str| -> Result<ChunkId, Failure> { list_address(text) };
        // What the earlier copy has may be what is missing.
        let twins = match node.twins.as_ref().filter(|_| round == 1) {
            Some((here, there)) => Some((address(here)?, address(there)?)),
            None => None,
        };
        let list = address(&node.list)?;
        self.op
            .step("copy")
            .key(key)
            .unit(Unit::Bytes)
            .retries(3)
            .leaves("stored chunks, which the next mirror uses and `ostler backup prune` frees")
            .run(|step| {
                let blocks = blocks.clone();
                async move {
                    let adopt = !self.writer().await?.is_sole() || round > 1;
                    let mirror = self.mirror(adopt).await?;
                    let copied = mirror
                        .copy(list, blocks, twins, &step.progress, &step.cancelled)
                        .await;
                    match copied.map_err(self.reading()) {
                        Ok(copied) => Ok(Sent::Copied(copied)),
                        Err(failure) if is_damage(&failure) => {
                            Ok(Sent::Damaged(failure.messages().join(": ")))
                        }
                        Err(failure) => Err(failure),
                    }
                }
            })
            .await
    }

    /// Puts the stretches of a list together.
    async fn join(&self, stretches: Vec<String>, key: String) -> Result<(String, u64), Failure> {
        self.op
            .step("join list")
            .key(key)
            .retries(3)
            .run(|_| async {
                self.writer().await?;
                let stretches = stretches
                    .iter()
                    .map(|text| list_address(text))
                    .collect::<Result<_, _>>()?;
                let joined = self.mirror(true).await?.join(stretches).await;
                let (address, stored) = joined.map_err(
                    self.to
                        .attempting(format_args!("store backup {}", self.item.copy.short())),
                )?;
                Ok((address.to_string(), stored))
            })
            .await
    }

    /// Reads the copied lists back and finds every object they need in the store, with its size.
    async fn look(&self, lists: &Lists, round: u32) -> Result<Checked, Failure> {
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
                    objects: found.0.len() as u64,
                    epoch,
                    missing: bounded(found.1),
                })
            })
            .await
    }

    async fn look_now(
        &self,
        record: &Record,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<(Vec<PackId>, Vec<Problem>), Failure> {
        let found = evidence::examine(self.to, record, false, progress, cancel).await?;
        self.relied_on
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&found.packs);
        Ok((found.packs, found.problems))
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
            origin: Some(origin),
            ..source
        })
    }

    async fn commit(&self, lists: &Lists, checked: &Checked) -> Result<Mirrored, Failure> {
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
                        let missing = self.look_now(&record, &step.progress, &step.cancelled).await?.1;
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
                    };
                    let proved = self.to.vault.add_proof(id, &proof).await;
                    proved.map_err(self.to.attempting(committing))
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

/// Damage of the source, for which other backups need not fail.
fn is_damage(failure: &Failure) -> bool {
    matches!(failure.kind(), ErrorKind::Corrupt | ErrorKind::NotFound)
}
