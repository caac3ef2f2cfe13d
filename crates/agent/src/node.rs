//! The agent in this process.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use ostler_api::Node;
use ostler_api::document::{BackupCounts, CheckCommand, Source};
use ostler_api::node::{Compare, Compared, Download, Downloaded, NodeInfo, Selection, Upload, Uploaded};
use ostler_api::request::RestoreWork;
use ostler_vault::{Index, Vault};
use ostler_vocabulary::{Clock, Failure, Progress, SystemClock};
use tokio_util::sync::CancellationToken;

use crate::download::source::{address, address_text};
use crate::download::{self, Context};
use crate::problems::Problems;
use crate::stop::Stop;
use crate::turns::Turns;
use crate::{Error, command, compare, scratch, upload};

/// How the agent works.
#[derive(Debug, Clone)]
pub struct Options {
    /// Threads that hash, compress and encrypt; as many as there are cores unless given.
    pub workers: usize,
    /// How many of them work at a time; shared by all nodes of a process.
    pub turns: Turns,
    /// Bytes of a chunk of a large file; a multiple of the page size.
    pub chunk_size: usize,
    /// Paths that a restore never removes, whatever it was approved to: the state and vault directories.
    pub protected: Vec<PathBuf>,
    /// Tells when files are opened, for the rule about racy times.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(2, NonZeroUsize::get),
            turns: Turns::default(),
            chunk_size: 1 << 20,
            protected: Vec::new(),
            clock: Arc::new(SystemClock::default()),
        }
    }
}

/// The agent in this process, for one vault. The index must know the chunks of the backups it is asked about.
#[derive(Debug)]
pub struct LocalNode {
    vault: Arc<Vault>,
    index: Arc<Index>,
    options: Arc<Options>,
}

impl LocalNode {
    /// An agent that stores into and reads from this vault.
    #[must_use]
    pub fn new(vault: Arc<Vault>, index: Arc<Index>, options: Options) -> Self {
        Self {
            vault,
            index,
            options: Arc::new(options),
        }
    }

    /// Runs a request that only reads the vault on a thread that may block.
    async fn reading<T: Send + 'static>(
        &self,
        progress: &Progress,
        cancel: &CancellationToken,
        work: impl FnOnce(&Context<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Failure> {
        let reader = Arc::new(self.vault.reader(Arc::clone(&self.index)));
        let (options, progress) = (Arc::clone(&self.options), progress.clone());
        let token = cancel.child_token();
        // Dropping the future must stop the thread.
        let _guard = token.clone().drop_guard();
        blocking(move || {
            work(&Context {
                reader: &reader,
                options: &options,
                progress: &progress,
                problems: &Problems::default(),
                stop: &Stop::new(token),
            })
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(Failure::from),
        Err(_) => Err(Error::Worker.into()),
    }
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[async_trait]
impl Node for LocalNode {
    async fn info(&self) -> Result<NodeInfo, Failure> {
        Ok(NodeInfo {
            host: host(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            node: None,
            roots: Vec::new(),
            clock: Some(self.options.clock.now()),
            vault_problem: None,
        })
    }

    async fn survey(
        &self,
        selection: &Selection,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<BackupCounts, Failure> {
        let (selection, progress) = (selection.clone(), progress.clone());
        let token = cancel.child_token();
        let _guard = token.clone().drop_guard();
        blocking(move || upload::survey(&selection, &progress, &Stop::new(token))).await
    }

    async fn upload(
        &self,
        request: &Upload,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Uploaded, Failure> {
        let started = self.options.clock.now();
        let session = self.vault.upload(Arc::clone(&self.index));
        let parent = match &request.parent {
            Some(list) => {
                let reader = Arc::new(self.vault.reader(Arc::clone(&self.index)));
                Some((reader, address(list)?))
            }
            None => None,
        };
        let (options, thread_progress) = (Arc::clone(&self.options), progress.clone());
        let token = cancel.child_token();
        let _guard = token.clone().drop_guard();
        let thread_request = request.clone();
        let (session, read, problems) = blocking(move || {
            let (problems, stop) = (Problems::default(), Stop::new(token));
            let read = upload::run(
                &thread_request,
                &upload::Context {
                    session: &session,
                    parent,
                    options: &options,
                    clock: &*options.clock,
                    progress: &thread_progress,
                    problems: &problems,
                    stop: &stop,
                },
            )?;
            Ok((session, read, problems.list()))
        })
        .await?;
        let totals = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Error::Cancelled.into()),
            totals = session.finish() => totals.map_err(Error::vault("store the last packs"))?,
        };
        tracing::debug!(
            opened = read.opened,
            entries = read.counts.entries,
            "files were read"
        );
        Ok(Uploaded {
            source: Source {
                host: host(),
                paths: request.selection.paths.clone(),
            },
            list: address_text(&read.list),
            counts: BackupCounts {
                new_bytes: totals.new_bytes,
                stored_bytes: totals.stored_bytes,
                ..read.counts
            },
            problems,
            started,
            held: read.held,
            flagged: read.flagged,
        })
    }

    async fn preview(
        &self,
        request: &Download,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<RestoreWork, Failure> {
        let request = request.clone();
        self.reading(progress, cancel, move |context| {
            download::preview::run(&request, context)
        })
        .await
    }

    async fn download(
        &self,
        request: &Download,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Downloaded, Failure> {
        let request = request.clone();
        self.reading(progress, cancel, move |context| download::run(&request, context))
            .await
    }

    async fn compare(
        &self,
        request: &Compare,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Compared, Failure> {
        let request = request.clone();
        self.reading(progress, cancel, move |context| compare::run(&request, context))
            .await
    }

    async fn run_command(
        &self,
        command: &str,
        directory: Option<PathBuf>,
        cancel: &CancellationToken,
    ) -> Result<CheckCommand, Failure> {
        Ok(command::run(command, directory.as_deref(), cancel).await?)
    }

    async fn make_scratch(&self, directory: PathBuf) -> Result<(), Failure> {
        blocking(move || scratch::make(&directory)).await
    }

    async fn remove_scratch(&self, directory: PathBuf) -> Result<(), Failure> {
        blocking(move || scratch::remove(&directory)).await
    }
}
