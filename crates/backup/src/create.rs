//! `backup create`: read, store, look, commit, prove.

mod attempt;
mod begin;
mod commit;
mod hook;
mod parent;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use futures::join;
use ostler_api::document::{BackupCounts, CreateReport, Outcome, Problem, Source};
use ostler_api::node::{HeldFiles, Selection};
use ostler_api::request::{CreateBackup, CreateWork, HookFailure, Plan, Request, Work};
use ostler_operations::{Finished, Operation};
use ostler_vault::{ExternalRecord, NodeRecord, PackId, Record};
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Progress, Timestamp, Unit};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::cluster::Held;
use crate::demand::Counted;
use crate::problems::in_short;
use crate::{Context, Error, digest};
use attempt::Made;
pub(crate) use begin::Place;
pub(crate) use parent::{Start, parent_of};

/// The kind's name in the journal.
pub const KIND: &str = "create_backup";
/// The version of its steps.
pub const VERSION: u32 = 1;
/// Works out what a backup would read.
///
/// # Errors
/// [`Error::Malformed`] for paths, names or tags that cannot be; failures of vault and node.
pub async fn plan(mut request: CreateBackup, context: &Context) -> Result<Plan, Failure> {
    if let Some(cluster) = &context.cluster {
        return crate::cluster::create::plan(request, context, cluster).await;
    }
    request.paths = outermost(&request.paths)?;
    check_words(&request)?;
    refuse_ours(&request.paths, &context.left_out)?;
    let host = context.node.info().await?.host;
    let source = Source {
        host,
        paths: request.paths.clone(),
    };
    let parent = parent_of(&context.backups().await?, &source);
    let counts = if request.dry_run {
        let selection = selection(&request, context);
        context
            .node
            .survey(&selection, &Progress::new(Unit::Files), &CancellationToken::new())
            .await?
    } else {
        BackupCounts::default()
    };
    let id = BackupId::random();
    let request_json = serde_json::to_vec(&request).unwrap_or_default();
    Ok(Plan {
        made: context.now(),
        vault: context.vault_name.clone(),
        subject: crate::select::source_name(&source),
        backups: vec![id],
        digest: digest::of_backups(KIND, &[&request_json], &[(id, "create")]),
        work: Work::CreateBackup(CreateWork {
            files: counts.files,
            bytes: counts.bytes,
            parent,
            left_out: left_out_below(&request.paths, &context.left_out),
            warnings: Vec::new(),
        }),
        request: Request::CreateBackup(request),
    })
}

/// The paths sorted, none twice and none inside another.
fn outermost(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let malformed = |what: String, reason: &str| Error::Malformed {
        what,
        reason: reason.to_owned(),
    };
    if paths.is_empty() {
        return Err(malformed("the list of paths to back up".to_owned(), "is empty"));
    }
    for path in paths {
        if !path.is_absolute() {
            return Err(malformed(
                format!("the path `{}`", path.display()),
                "is not absolute",
            ));
        }
    }
    let mut outer: Vec<PathBuf> = Vec::new();
    for path in paths.iter().collect::<BTreeSet<_>>() {
        if !outer.iter().any(|above| path.starts_with(above)) {
            // Collected again, so that `/a/./b/` and `/a/b` are the same.
            outer.push(path.components().collect());
        }
    }
    Ok(outer)
}

pub(crate) fn check_words(request: &CreateBackup) -> Result<(), Error> {
    let malformed = |what: &str, reason: &str| {
        Err(Error::Malformed {
            what: what.to_owned(),
            reason: reason.to_owned(),
        })
    };
    if request.tags.keys().any(String::is_empty) {
        return malformed("the key of a tag", "is empty");
    }
    if request.delta && (request.cluster.is_none() || request.read_all) {
        return malformed("`delta`", "is for clusters, and not for reading every file");
    }
    match request.name.as_deref() {
        Some("") => malformed("the backup's name", "is empty"),
        Some(name) if name == "latest" || name.starts_with("latest~") => malformed(
            &format!("the name `{name}`"),
            "already means the newest good backup",
        ),
        _ => Ok(()),
    }
}

/// Refuses paths that lead into what no backup holds: by name, through links or through another mount of it. Blocks, for a
/// few look-ups.
fn refuse_ours(paths: &[PathBuf], left_out: &[PathBuf]) -> Result<(), Failure> {
    let identity = |path: &Path| {
        let found = std::fs::metadata(path).ok()?;
        Some((found.dev(), found.ino()))
    };
    for path in paths {
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        let inside = |ours: &&PathBuf| {
            real.starts_with(ours)
                || identity(ours)
                    .is_some_and(|ours| real.ancestors().any(|above| identity(above) == Some(ours)))
        };
        if let Some(ours) = left_out.iter().find(inside) {
            return Err(Failure::new(
                ErrorKind::Invalid,
                format!(
                    "{} is in {}, which no backup holds: it has keys, state or a vault",
                    path.display(),
                    ours.display()
                ),
            )
            .with_hint(
                "`ostler vault mirror` copies backups into another vault; keep key files elsewhere by hand",
            ));
        }
    }
    Ok(())
}

fn left_out_below(paths: &[PathBuf], left_out: &[PathBuf]) -> Vec<PathBuf> {
    left_out
        .iter()
        .filter(|ours| paths.iter().any(|path| ours.starts_with(path)))
        .cloned()
        .collect()
}

fn selection(request: &CreateBackup, context: &Context) -> Selection {
    Selection {
        paths: request.paths.clone(),
        exclude: request.exclude.clone(),
        left_out: context.left_out.clone(),
        one_file_system: request.one_file_system,
        frozen: None,
        hold: None,
    }
}

/// Runs the plan.
///
/// # Errors
/// Whatever stopped it; before the commit everything but stored chunks is taken back.
pub async fn run(plan: Plan, op: Operation, context: Context) -> Result<Finished, Failure> {
    let (Request::CreateBackup(request), [id]) = (plan.request, plan.backups.as_slice()) else {
        return Err(Error::Plan {
            reason: "it is not one of a backup".to_owned(),
        }
        .into());
    };
    let work = match plan.work {
        Work::CreateBackup(work) => work,
        _ => CreateWork::default(),
    };
    let mut create = Create {
        id: *id,
        request,
        work,
        planned: plan.made,
        op: &op,
        context: &context,
        held: Held::take(&op, &context, "a backup").await?,
        relied_on: Mutex::default(),
        read_back: Mutex::default(),
    };
    let done = create.run().await;
    if let Some(held) = create.held.take() {
        held.release().await;
    }
    done
}

/// One run, with what its steps share.
pub(crate) struct Create<'a> {
    pub(crate) id: BackupId,
    pub(crate) request: CreateBackup,
    work: CreateWork,
    /// When the plan was made.
    planned: Timestamp,
    pub(crate) op: &'a Operation,
    pub(crate) context: &'a Context,
    /// The cluster's lease, where it is one.
    held: Option<Held>,
    /// The packs that the last look found.
    relied_on: Mutex<Vec<PackId>>,
    /// The record as it was read back after the commit.
    read_back: Mutex<Option<Record>>,
}

/// What an upload step stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) source: Source,
    pub(crate) list: String,
    pub(crate) counts: BackupCounts,
    pub(crate) problems: Vec<Problem>,
    #[serde(default)]
    pub(crate) held: Option<HeldFiles>,
    #[serde(default)]
    pub(crate) flagged: u64,
}

/// What all upload steps stored.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gathered {
    /// The parts of the nodes.
    pub(crate) parts: Vec<NodeRecord>,
    /// Nodes that are missing.
    pub(crate) absent: Vec<String>,
    /// What the database's engine keeps itself.
    pub(crate) external: Vec<ExternalRecord>,
    /// All of it in numbers.
    pub(crate) counts: BackupCounts,
    /// What went wrong.
    pub(crate) problems: Vec<Problem>,
    /// How files were held still.
    pub(crate) held: Option<HeldFiles>,
    /// The backup to which only what was written since was added.
    pub(crate) added_to: Option<BackupId>,
    /// Entries with flags of `chattr` that are not stored.
    pub(crate) flagged: u64,
    /// Why more was read than was asked for.
    pub(crate) note: Option<String>,
    /// Snapshots as they were counted, by part.
    pub(crate) snapshots: BTreeMap<String, Counted>,
    /// What agents of a cluster stored, by part.
    pub(crate) stored: BTreeMap<String, BackupCounts>,
}

impl Gathered {
    /// Adds what a part's step stored.
    pub(crate) fn add(&mut self, host: String, root: Option<String>, driver: &str, sent: Sent) {
        if let Some(held) = sent.held {
            self.held.get_or_insert_default().add(held);
        }
        self.flagged += sent.flagged;
        let part = NodeRecord {
            host,
            driver: driver.to_owned(),
            paths: sent.source.paths,
            list: sent.list,
            root,
        };
        let named = |problem: Problem| match part.root {
            Some(_) => Problem {
                path: format!("{}:{}", part.part(), problem.path),
                ..problem
            },
            None => problem,
        };
        self.problems.extend(sent.problems.into_iter().map(named));
        self.parts.push(part);
        let (sum, of_part) = (&mut self.counts, &sent.counts);
        sum.files += of_part.files;
        sum.entries += of_part.entries;
        sum.bytes += of_part.bytes;
        sum.changed_files += of_part.changed_files;
        sum.new_bytes += of_part.new_bytes;
        sum.stored_bytes += of_part.stored_bytes;
        sum.problems += of_part.problems;
    }
}

impl Create<'_> {
    async fn run(&self) -> Result<Finished, Failure> {
        let start = self.choose_parent().await?;
        let Made {
            record,
            sent,
            warnings,
            place,
        } = self.make(&start).await?;
        let end = async {
            match place.writer {
                Some(writer) => writer.finish().await,
                None => Ok(()),
            }
        };
        let (proved, ended) = join!(self.prove(&record), end);
        if let Err(error) = ended {
            tracing::warn!(vault = %self.context.vault_name, %error, "the end of the backup was not noted; collections of garbage will find out");
        }
        proved?;
        let summary = commit::summary(&record, &self.context.vault_name);
        let mut partial = Vec::new();
        if record.partial {
            partial.push(format!(
                "{} could not be backed up as they should: {}",
                match sent.counts.problems {
                    _ if !sent.absent.is_empty() => format!("nodes {}", sent.absent.join(", ")),
                    0 if commit::problems(&record)
                        .iter()
                        .any(|one| one.path.starts_with("node ")) =>
                    {
                        "the data directories of nodes".to_owned()
                    }
                    0 => "hooks".to_owned(),
                    1 => "1 file".to_owned(),
                    n => format!("{n} files"),
                },
                in_short(&commit::problems(&record))
            ));
        }
        let report = CreateReport {
            problems: commit::problems(&record),
            parent: record.parent,
            objects_found: record.objects_found,
            evidence: record.evidence.map(Box::new),
            held: sent.held,
            added_to: sent.added_to,
            left_out: self.work.left_out.clone(),
            warnings: self
                .work
                .warnings
                .iter()
                .cloned()
                .chain(sent.note)
                .chain(flags_warning(sent.flagged))
                .chain(warnings)
                .collect(),
            backup: summary,
        };
        crate::restore::finished(Outcome::CreateBackup(report), partial)
    }

    fn subject(&self) -> String {
        if let Some(cluster) = &self.context.cluster {
            return format!(
                "cluster `{}` into vault `{}`",
                cluster.name, self.context.vault_name
            );
        }
        let paths: Vec<String> = self
            .request
            .paths
            .iter()
            .map(|p| p.display().to_string())
            .collect();
        format!("{} into vault `{}`", paths.join(", "), self.context.vault_name)
    }

    fn is_partial(&self, sent: &Gathered, warnings: &[String]) -> bool {
        sent.counts.problems > 0
            || (!warnings.is_empty() && self.request.hooks.on_failure == HookFailure::Partial)
    }
}

/// What is not stored although it was there, in one line.
fn flags_warning(entries: u64) -> Option<String> {
    let subject = match entries {
        0 => return None,
        1 => "1 entry has".to_owned(),
        many => format!("{many} entries have"),
    };
    Some(format!(
        "{subject} flags of `chattr`, such as immutable, which are not stored: set them again after a restore"
    ))
}
