//! What a backup of a cluster does in its own way: whom it asks, what it plans, how parts are stored.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ostler_api::document::{BackupCounts, Problem, Source};
use ostler_api::node::{Selection, Upload};
use ostler_api::request::{CreateBackup, CreateWork, Plan, Request, Work};
use ostler_operations::Policy;
use ostler_vault::ClusterRecord;
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Progress, Unit};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::answers::{Answers, too_few};
use super::frozen::Frozen;
use super::{Cluster, Member, Root, delta, identity, system};
use crate::create::{self, Create, Gathered, KIND, Place, Sent, Start};
use crate::driver::Take;
use crate::problems::bounded;
use crate::{Context, Error, digest};

/// How often a node is tried again while it is being stored: half a minute, so that an agent may be restarted.
const RETRIES: u32 = 6;

/// How much is written down of why a node is missing, in characters.
pub(super) const REASON: usize = 500;

/// Works out what a backup of the cluster would read.
pub(crate) async fn plan(
    mut request: CreateBackup,
    context: &Context,
    cluster: &Cluster,
) -> Result<Plan, Failure> {
    create::check_words(&request)?;
    let id = BackupId::random();
    delta::possible(&request, cluster, id)?;
    let least = cluster.least(request.quorum);
    if least == 0 || least > cluster.members.len() {
        return Err(Error::Malformed {
            what: "the quorum".to_owned(),
            reason: format!(
                "is 0, or more than the {} nodes of the cluster",
                cluster.members.len()
            ),
        }
        .into());
    }
    let backups = context.backups().await?;
    let made = identity::newest(&backups, &cluster.name);
    let mut answers = Answers::of(cluster.ask_all(&made, context).await);
    answers.enough(cluster, least)?;
    request.paths = answers.roots(&request.paths, cluster)?;
    let source = Source {
        host: ClusterRecord::host_of(&cluster.name),
        paths: request.paths.clone(),
    };
    let parent = create::parent_of(&backups, &source);
    let mut counts = BackupCounts::default();
    if request.dry_run {
        for (node, roots) in &answers.nodes {
            let Some(member) = cluster.members.iter().find(|member| member.name == *node) else {
                continue;
            };
            for root in wanted(roots, &request.paths) {
                // Nothing is frozen yet: the files as they are now tell how many there will be.
                let mut selection = selection(&request, root, &cluster.driver.take());
                selection.frozen = None;
                let counted = member
                    .node
                    .survey(&selection, &Progress::new(Unit::Files), &CancellationToken::new())
                    .await?;
                counts.files += counted.files;
                counts.bytes += counted.bytes;
            }
        }
    }
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
            left_out: Vec::new(),
            warnings: answers
                .absent
                .iter()
                .map(|(name, failure)| format!("node `{name}` is missing: {}", failure.messages().join(": ")))
                .collect(),
        }),
        request: Request::CreateBackup(request),
    })
}

fn wanted<'a>(roots: &'a [Root], names: &'a [PathBuf]) -> impl Iterator<Item = &'a Root> {
    roots
        .iter()
        .filter(move |root| names.iter().any(|name| name.as_os_str() == root.name.as_str()))
}

pub(super) fn selection(request: &CreateBackup, root: &Root, take: &Take) -> Selection {
    Selection {
        paths: vec![root.path.clone()],
        exclude: request.exclude.iter().chain(&take.exclude).cloned().collect(),
        left_out: Vec::new(),
        one_file_system: request.one_file_system,
        frozen: take.frozen.clone(),
        hold: take.hold.clone(),
    }
}

/// What a part's step stored; `None` when the backup's place was lost.
type Stored = Option<Sent>;

/// A part to be stored.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) node: String,
    pub(super) root: Root,
}

impl Part {
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.node, self.root.name)
    }
}

/// What a node said of itself, as its step records it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Asked {
    roots: Vec<Root>,
}

impl Create<'_> {
    /// Lets every node store its parts. `None` when the place was lost.
    pub(crate) async fn upload_cluster(
        &self,
        cluster: &Arc<Cluster>,
        start: &Start,
        place: &Place,
        key: &str,
        read_all: bool,
    ) -> Result<Option<Gathered>, Failure> {
        let least = cluster.least(self.request.quorum);
        let suffix = match key {
            "1" => String::new(),
            key => format!(" {key}"),
        };
        let mut answers = self.ask_nodes(cluster, least, &suffix).await?;
        let before = self.look_before(cluster, &answers, &suffix).await?;
        answers.lack(unavailable(before.down.clone()));
        answers.enough(cluster, least)?;
        let nodes = cluster.of(&answers);
        let parts = self.parts(&answers);
        let chosen = self
            .choose_files(cluster, (&nodes, &parts), (start, read_all), &suffix)
            .await?;
        let frozen = match chosen.base {
            Some(_) => Frozen::not_counted(self.flush(cluster, &nodes, least, &suffix).await?),
            None => self.freeze(cluster, &parts, least, &suffix).await?,
        };
        answers.lack(unavailable(frozen.failed));
        let snapshots = frozen.counted;
        let frozen = cluster.of(&answers);
        let described = self.describe(cluster, &frozen, &before, &suffix).await?;
        let external = self.store_external(cluster, &suffix).await?;
        let take = chosen.take(cluster);
        let parts = self.parts(&answers);
        let keyed = |part: &Part| (format!("{}{suffix}", part.name()), part.clone());
        let items = parts.iter().map(keyed).collect();
        let policy = self.policy(least, cluster).retries(RETRIES).unit(Unit::Bytes);
        let lists = start.lists(self.context).await;
        let stored = self
            .op
            .fan_out("upload", items, cluster.limit, policy, |part, step| {
                let (take, lists) = (&take, &lists);
                async move {
                    if place.writer.is_none() {
                        return Ok(Stored::None);
                    }
                    let uploaded = cluster
                        .member(&part.node)?
                        .upload(
                            &Upload {
                                backup: place.id,
                                selection: selection(&self.request, &part.root, take),
                                parent: lists.get(&part.name()).cloned(),
                                read_all: self.request.read_all || read_all,
                            },
                            &step.progress,
                            &step.cancelled,
                        )
                        .await
                        .map_err(|failure| failure.context(format!("cannot back up {}", part.name())))?;
                    Ok(Some(Sent::from(uploaded)))
                }
            })
            .await?;
        let failed: Vec<&str> = stored
            .iter()
            .zip(&parts)
            .filter(|((_, result), _)| result.is_err())
            .map(|(_, part)| part.node.as_str())
            .collect();
        if chosen.base.is_none() {
            self.release(cluster, &frozen, &failed, &suffix).await?;
        }
        let mut gathered = Gathered {
            external,
            added_to: chosen.base,
            note: chosen.note(),
            snapshots,
            ..Gathered::default()
        };
        let mut of_node: BTreeMap<&str, Vec<(&Part, Sent)>> = BTreeMap::new();
        for (part, (_, result)) in parts.iter().zip(stored) {
            match result {
                Ok(Some(sent)) => of_node.entry(&part.node).or_default().push((part, sent)),
                Ok(None) => return Ok(None),
                // A node of which a root is missing is not in the backup.
                Err(failure) => answers.absent.push((part.node.clone(), failure)),
            }
        }
        answers.absent.dedup_by(|a, b| a.0 == b.0);
        for (name, _) in &answers.absent {
            of_node.remove(name.as_str());
        }
        if of_node.len() < least {
            let present = of_node.len();
            return Err(too_few(
                cluster,
                answers.absent,
                present,
                cluster.members.len(),
                least,
            ));
        }
        let absent = self.settle("settle nodes", &suffix, &answers.absent).await?;
        of_node.retain(|node, _| !absent.contains_key(*node));
        gathered.snapshots.retain(|part, _| {
            let node = part.split_once('/').map_or(part.as_str(), |(node, _)| node);
            !absent.contains_key(node)
        });
        for (part, sent) in of_node.into_values().flatten() {
            let driver = cluster.driver.name();
            gathered.stored.insert(part.name(), sent.counts);
            gathered.add(part.node.clone(), Some(part.root.name.clone()), driver, sent);
        }
        if let Some(sent) = described {
            let (host, root) = system::place(cluster);
            gathered.add(host, Some(root), cluster.driver.name(), sent);
        }
        for (name, reason) in absent {
            gathered.counts.problems += 1;
            gathered.problems.insert(
                0,
                Problem {
                    path: format!("node {name}"),
                    reason: format!("it is not in the backup: {reason}"),
                },
            );
            gathered.absent.push(name);
        }
        gathered.problems = bounded(gathered.problems);
        Ok(Some(gathered))
    }

    /// What is to be stored of these nodes.
    pub(super) fn parts(&self, answers: &Answers) -> Vec<Part> {
        let nodes = answers.nodes.iter();
        let of_nodes = nodes.flat_map(|(node, roots)| {
            let part = |root: &Root| Part {
                node: node.clone(),
                root: root.clone(),
            };
            wanted(roots, &self.request.paths).map(part)
        });
        of_nodes.collect()
    }

    /// What every node says of itself. Those that do not answer are absent, as far as that is allowed.
    async fn ask_nodes(&self, cluster: &Cluster, least: usize, suffix: &str) -> Result<Answers, Failure> {
        // Under the lease: nobody else makes one now.
        let made = &self
            .keyed("see whose backups there are", suffix)
            .retries(3)
            .run(|_| async {
                let backups = self.context.backups().await?;
                Ok(identity::newest(&backups, &cluster.name))
            })
            .await?;
        let names = cluster.names().into_iter();
        let items = names
            .map(|name| (format!("{name}{suffix}"), name.to_owned()))
            .collect();
        let policy = Policy::collect().retries(2);
        let asked = self
            .op
            .fan_out(
                "ask node",
                items,
                cluster.limit,
                policy,
                |name: String, _| async move {
                    let member = cluster.named(&name)?;
                    let roots = member.roots_of_ours(&cluster.name, made, self.context).await?;
                    Ok(Asked { roots })
                },
            )
            .await?;
        let names = cluster.names().into_iter().map(str::to_owned);
        let answers = asked.into_iter().map(|(_, asked)| asked.map(|asked| asked.roots));
        let mut answers = Answers::of(names.zip(answers).collect());
        answers.enough(cluster, least)?;
        answers.roots(&self.request.paths, cluster)?;
        let absent = self.settle("choose nodes", suffix, &answers.absent).await?;
        answers.nodes.retain(|(name, _)| !absent.contains_key(name));
        answers.absent = absent
            .into_iter()
            .map(|(name, reason)| (name, Failure::new(ErrorKind::Unavailable, reason)))
            .collect();
        Ok(answers)
    }

    /// Writes down which nodes are missing, and why. A node that is back when the operation is resumed stays missing: what
    /// was looked at before and what is committed then are the same.
    async fn settle(
        &self,
        name: &str,
        suffix: &str,
        absent: &[(String, Failure)],
    ) -> Result<BTreeMap<String, String>, Failure> {
        self.keyed(name, suffix)
            .run(|_| async {
                let told = absent.iter().map(|(name, failure)| {
                    let reason = failure.messages().join(": ");
                    (name.clone(), reason.chars().take(REASON).collect())
                });
                Ok(told.collect())
            })
            .await
    }

    /// Where all nodes are needed, the first that fails stops the others.
    fn policy(&self, least: usize, cluster: &Cluster) -> Policy {
        match least == cluster.members.len() {
            true => Policy::cancel(),
            false => Policy::collect(),
        }
    }
}

/// Why nodes are missing, as a step has recorded it.
fn unavailable(reasons: BTreeMap<String, String>) -> impl Iterator<Item = (String, Failure)> {
    let failure = |reason| Failure::new(ErrorKind::Unavailable, reason);
    reasons
        .into_iter()
        .map(move |(name, reason)| (name, failure(reason)))
}

impl Cluster {
    /// The nodes that answered.
    pub(super) fn of(&self, answers: &Answers) -> Vec<Member> {
        let is_there = |member: &&Member| answers.nodes.iter().any(|(node, _)| *node == member.name);
        self.members.iter().filter(is_there).cloned().collect()
    }
}
