//! A node without a disk: files in memory, stored in and restored from a real vault.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::evidence::list_address;
use async_trait::async_trait;
use ostler_api::Node;
use ostler_api::document::{BackupCounts, CheckCommand, Problem, Source};
use ostler_api::node::{
    Compare, Compared, Download, Downloaded, NodeInfo, NodeRoot, Recalled, Selection, Upload, Uploaded,
};
use ostler_api::request::RestoreWork;
use ostler_vault::list::{Entry, EntryKind, Extent, ListReader, ListWriter, Metadata, path_order};
use ostler_vault::{ChunkKind, Vault};
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Progress, Timestamp};
use tokio_util::sync::CancellationToken;

type Files = BTreeMap<String, Vec<u8>>;

/// A node without a disk. Reads `files`, whose names are absolute paths, and writes to `disk`.
#[derive(Debug)]
pub struct MemoryNode {
    /// The vault it stores into.
    pub vault: Arc<Vault>,
    /// Its name in a cluster, and the root it has there; none for the node of this machine.
    pub name: Option<String>,
    /// What it has.
    pub files: Mutex<Files>,
    /// What was written since the last backup, where its database keeps that apart.
    pub increments: Mutex<Files>,
    /// What restores wrote: the path in the backup, with its content.
    pub disk: Mutex<Files>,
    /// Names of files that cannot be read.
    pub unreadable: Mutex<Vec<String>>,
    /// How many of the next uploads find nothing, as where somebody removed a snapshot.
    pub lost: Mutex<u32>,
    /// Commands that were run. One named `fail` fails.
    pub commands: Mutex<Vec<String>>,
    /// Scratch directories that were made and not removed.
    pub scratch: Mutex<BTreeSet<PathBuf>>,
    /// Backups that it took part in.
    pub remembered: Mutex<BTreeSet<BackupId>>,
}

impl MemoryNode {
    /// Where something is on the disk. What is restored into a scratch directory meets nothing of another part there.
    fn place(&self, directory: Option<&Path>, name: &str) -> String {
        let scratch = self.scratch.lock().unwrap();
        let is_scratch = |directory: &&Path| scratch.iter().any(|made| directory.starts_with(made));
        match directory.filter(is_scratch) {
            Some(directory) => format!("{}:{name}", directory.display()),
            None => name.to_owned(),
        }
    }

    /// An empty one.
    #[must_use]
    pub fn new(vault: Arc<Vault>) -> Self {
        Self {
            vault,
            name: None,
            files: Mutex::default(),
            increments: Mutex::default(),
            disk: Mutex::default(),
            unreadable: Mutex::default(),
            lost: Mutex::default(),
            commands: Mutex::default(),
            scratch: Mutex::default(),
            remembered: Mutex::default(),
        }
    }

    /// The same as a node of a cluster, with the root `data` at `/data`.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..self
        }
    }

    /// Directories that hold files are no scratch.
    fn not_foreign(&self, directory: &Path) -> Result<(), Failure> {
        let files = self.files.lock().unwrap();
        match files.keys().any(|name| Path::new(name).starts_with(directory)) {
            true => Err(Failure::new(ErrorKind::Refused, "not a scratch directory")),
            false => Ok(()),
        }
    }

    /// What a list says: names, and contents or what is wrong with them.
    pub(super) async fn read(&self, list: &str) -> Result<Vec<(String, Result<Vec<u8>, Failure>)>, Failure> {
        let index = self.vault.index(false).await?;
        let reader = Arc::new(self.vault.reader(index));
        let list = list_address(list)?;
        tokio::task::spawn_blocking(move || {
            let mut all = Vec::new();
            for entry in ListReader::open(Arc::clone(&reader), list)?.entries() {
                let entry = entry?;
                let EntryKind::File { content, .. } = entry.kind else {
                    continue;
                };
                let name = format!("/{}", String::from_utf8(entry.path).unwrap());
                let mut bytes = Ok(Vec::new());
                for extent in content {
                    let Extent::Chunk { id, .. } = extent else {
                        continue;
                    };
                    match (reader.chunk(&id), &mut bytes) {
                        (Ok(chunk), Ok(bytes)) => bytes.extend(chunk),
                        (Ok(_), Err(_)) => {}
                        (Err(error), _) => bytes = Err(Failure::from(error)),
                    }
                }
                all.push((name, bytes));
            }
            Ok(all)
        })
        .await
        .unwrap()
    }
}

#[async_trait]
impl Node for MemoryNode {
    async fn info(&self) -> Result<NodeInfo, Failure> {
        Ok(NodeInfo {
            host: "alpha".into(),
            version: "0".into(),
            node: self.name.clone(),
            roots: match self.name {
                Some(_) => vec![NodeRoot {
                    name: "data".into(),
                    path: "/data".into(),
                    free: 1 << 40,
                    configured: None,
                }],
                None => Vec::new(),
            },
            clock: None,
            vault_problem: None,
        })
    }

    async fn survey(
        &self,
        _: &Selection,
        _: &Progress,
        _: &CancellationToken,
    ) -> Result<BackupCounts, Failure> {
        let files = self.files.lock().unwrap();
        Ok(BackupCounts {
            files: files.len() as u64,
            bytes: files.values().map(|content| content.len() as u64).sum(),
            ..BackupCounts::default()
        })
    }

    async fn upload(
        &self,
        request: &Upload,
        progress: &Progress,
        _: &CancellationToken,
    ) -> Result<Uploaded, Failure> {
        self.remembered.lock().unwrap().insert(request.backup);
        let index = self.vault.index(true).await?;
        let session = self.vault.upload(index);
        let frozen = request.selection.frozen.as_ref();
        let files = match frozen.and_then(|frozen| frozen.increments.as_ref()) {
            Some(_) => {
                let mut files = self.increments.lock().unwrap().clone();
                for (name, content) in self.read(request.parent.as_deref().unwrap()).await? {
                    files.insert(name, content?);
                }
                files
            }
            None => {
                let mut lost = self.lost.lock().unwrap();
                let is_lost = *lost > 0;
                *lost = lost.saturating_sub(1);
                match is_lost {
                    true => Files::new(),
                    false => self.files.lock().unwrap().clone(),
                }
            }
        };
        let unreadable = self.unreadable.lock().unwrap().clone();
        let progress = progress.clone();
        let (session, list, counts, problems) = tokio::task::spawn_blocking(move || {
            let (mut counts, mut problems) = (BackupCounts::default(), Vec::new());
            let mut sink = session.sink();
            let mut list = ListWriter::new(session.sink());
            let mut names: Vec<&String> = files.keys().collect();
            names.sort_by(|a, b| path_order(&a.as_bytes()[1..], &b.as_bytes()[1..]));
            for name in names {
                if unreadable.contains(name) {
                    counts.problems += 1;
                    problems.push(Problem {
                        path: name.clone(),
                        reason: "permission denied".into(),
                    });
                    continue;
                }
                let content = &files[name];
                let stored = sink.put(ChunkKind::Data, content)?;
                progress.add_done(content.len() as u64);
                counts.files += 1;
                counts.bytes += content.len() as u64;
                list.push(&Entry {
                    path: name.as_bytes()[1..].to_vec(),
                    kind: EntryKind::File {
                        size: content.len() as u64,
                        content: vec![Extent::Chunk {
                            id: stored.id,
                            length: content.len() as u32,
                        }],
                        sparse: false,
                        racy: false,
                    },
                    metadata: Metadata::default(),
                })?;
            }
            sink.finish()?;
            let list = list.finish()?;
            Ok::<_, ostler_vault::Error>((session, list, counts, problems))
        })
        .await
        .unwrap()?;
        let totals = session.finish().await?;
        Ok(Uploaded {
            source: Source {
                host: "alpha".into(),
                paths: request.selection.paths.clone(),
            },
            list: list.0.iter().map(|byte| format!("{byte:02x}")).collect(),
            counts: BackupCounts {
                new_bytes: totals.new_bytes,
                stored_bytes: totals.stored_bytes,
                ..counts
            },
            problems,
            started: Timestamp::UNIX_EPOCH,
            held: None,
            flagged: 0,
        })
    }

    async fn preview(
        &self,
        request: &Download,
        _: &Progress,
        _: &CancellationToken,
    ) -> Result<RestoreWork, Failure> {
        Ok(RestoreWork {
            create: self.read(&request.list).await?.len() as u64,
            to: request.to.clone(),
            ..RestoreWork::default()
        })
    }

    async fn download(
        &self,
        request: &Download,
        _: &Progress,
        _: &CancellationToken,
    ) -> Result<Downloaded, Failure> {
        let mut done = Downloaded::default();
        for (name, content) in self.read(&request.list).await? {
            match content {
                Ok(content) => {
                    done.files_written += 1;
                    done.bytes_written += content.len() as u64;
                    let place = self.place(request.to.as_deref(), &name);
                    self.disk.lock().unwrap().insert(place, content);
                }
                Err(failure) if matches!(failure.kind(), ErrorKind::Corrupt | ErrorKind::NotFound) => {
                    done.damaged = true;
                    done.problems.push(Problem {
                        path: name,
                        reason: failure.to_string(),
                    });
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(done)
    }

    async fn compare(
        &self,
        request: &Compare,
        _: &Progress,
        _: &CancellationToken,
    ) -> Result<Compared, Failure> {
        let mut compared = Compared::default();
        for (name, content) in self.read(&request.list).await? {
            let place = self.place(Some(&request.restored), &name);
            let restored = self.disk.lock().unwrap().get(&place).cloned();
            compared.files += 1;
            if content.ok() != restored {
                compared.problems.push(Problem {
                    path: name,
                    reason: "differs".into(),
                });
            }
        }
        Ok(compared)
    }

    async fn run_command(
        &self,
        command: &str,
        _: Option<PathBuf>,
        _: &CancellationToken,
    ) -> Result<CheckCommand, Failure> {
        self.commands.lock().unwrap().push(command.to_owned());
        Ok(CheckCommand {
            command: command.to_owned(),
            exit_code: Some(i32::from(command == "fail")),
            output: "said so\n".into(),
        })
    }

    async fn make_scratch(&self, directory: PathBuf) -> Result<(), Failure> {
        self.not_foreign(&directory)?;
        self.scratch.lock().unwrap().insert(directory);
        Ok(())
    }

    async fn remove_scratch(&self, directory: PathBuf) -> Result<(), Failure> {
        self.not_foreign(&directory)?;
        self.scratch.lock().unwrap().remove(&directory);
        Ok(())
    }

    async fn recall(&self, backups: &[BackupId]) -> Result<Recalled, Failure> {
        let remembered = self.remembered.lock().unwrap();
        let unknown = backups.iter().filter(|id| !remembered.contains(id));
        Ok(Recalled {
            unknown: unknown.copied().collect(),
            moved: false,
        })
    }

    async fn adopt(&self, backups: &[BackupId]) -> Result<(), Failure> {
        self.remembered.lock().unwrap().extend(backups);
        Ok(())
    }
}
