//! The agent of this process, with an index as fresh as each request needs it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use ostler_agent::{LocalNode, Options};
use ostler_api::Node;
use ostler_api::client::LimitChange;
use ostler_api::document::{BackupCounts, CheckCommand};
use ostler_api::node::{
    Compare, Compared, Download, Downloaded, NodeInfo, Recalled, Selection, Upload, Uploaded,
};
use ostler_api::request::RestoreWork;
use ostler_vault::{Index, Vault};
use ostler_vocabulary::{BackupId, Failure, ProcessIdentity, Progress};
use tokio_util::sync::CancellationToken;

use crate::agent::Kept;
use crate::agent::unfinished::Begun;

/// Makes a [`LocalNode`] for each request. The index is loaded then and not before: an upload begins after the
/// backup's intent was registered, and what is marked as going by then must be known. A restore also looks into packs
/// that no index segment names: it brings back whatever is there.
#[derive(Debug)]
pub(super) struct VaultNode {
    vault: Arc<Vault>,
    options: Options,
    /// Whether packs that an interrupted run left are to be used: from the second attempt on, and when resumed.
    adopt: AtomicBool,
    /// Of an agent: whether there may be such packs, in which backups it took part, and the limits it was told.
    kept: Option<Kept>,
}

impl VaultNode {
    pub(super) fn new(vault: Arc<Vault>, options: Options, resumed: bool) -> Self {
        Self {
            vault,
            options,
            adopt: AtomicBool::new(resumed),
            kept: None,
        }
    }

    /// The same for one request to an agent, which does not know whether it is the first of its kind.
    pub(super) fn with(self, kept: Kept) -> Self {
        Self {
            kept: Some(kept),
            ..self
        }
    }

    /// A node that knows what the vault holds now.
    async fn local(&self, adopt: bool) -> Result<LocalNode, Failure> {
        self.over_loaded(self.vault.index_to_read(adopt).await)
    }

    /// A node for making a backup that was begun.
    async fn making(&self, backup: BackupId, adopt: bool) -> Result<LocalNode, Failure> {
        self.over_loaded(self.vault.index_of(backup, adopt).await)
    }

    fn over_loaded(&self, loaded: Result<Arc<Index>, ostler_vault::Error>) -> Result<LocalNode, Failure> {
        let index = loaded.map_err(|error| Failure::from(error).context("cannot read the vault's index"))?;
        Ok(self.over(index))
    }

    /// A node for what has nothing to do with the vault's contents.
    fn apart(&self) -> LocalNode {
        self.over(Arc::new(Index::empty()))
    }

    fn over(&self, index: Arc<Index>) -> LocalNode {
        LocalNode::new(Arc::clone(&self.vault), index, self.options.clone())
    }
}

#[async_trait]
impl Node for VaultNode {
    async fn info(&self) -> Result<NodeInfo, Failure> {
        Ok(NodeInfo {
            host: ProcessIdentity::current().host,
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
        self.apart().survey(selection, progress, cancel).await
    }

    async fn upload(
        &self,
        request: &Upload,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Uploaded, Failure> {
        let begun = match &self.kept {
            Some(kept) => {
                let frozen = request.selection.frozen.as_ref();
                if let Some(increments) = frozen.and_then(|frozen| frozen.increments.as_ref()) {
                    kept.memory.add_to(increments.base)?;
                }
                kept.memory.note(request.backup)?;
                Some(kept.unfinished.begin()?)
            }
            None => None,
        };
        let left = begun.as_ref().is_some_and(Begun::has_left);
        // Where everything is read, a chunk counts as stored only where its pack is in the store: a listing is cheap beside that,
        // and a coordinator asks this way after it found that a pack is missing.
        let adopt = self.adopt.swap(true, Ordering::Relaxed) || left || request.read_all;
        let node = self.making(request.backup, adopt).await?;
        let uploaded = node.upload(request, progress, cancel).await?;
        if let Some(begun) = begun {
            begun.end();
        }
        Ok(uploaded)
    }

    async fn preview(
        &self,
        request: &Download,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<RestoreWork, Failure> {
        self.local(true).await?.preview(request, progress, cancel).await
    }

    async fn download(
        &self,
        request: &Download,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Downloaded, Failure> {
        self.local(true).await?.download(request, progress, cancel).await
    }

    async fn compare(
        &self,
        request: &Compare,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Compared, Failure> {
        self.local(true).await?.compare(request, progress, cancel).await
    }

    async fn run_command(
        &self,
        command: &str,
        directory: Option<PathBuf>,
        cancel: &CancellationToken,
    ) -> Result<CheckCommand, Failure> {
        self.apart().run_command(command, directory, cancel).await
    }

    async fn make_scratch(&self, directory: PathBuf) -> Result<(), Failure> {
        self.apart().make_scratch(directory).await
    }

    async fn remove_scratch(&self, directory: PathBuf) -> Result<(), Failure> {
        self.apart().remove_scratch(directory).await
    }

    async fn recall(&self, backups: &[BackupId]) -> Result<Recalled, Failure> {
        match &self.kept {
            Some(kept) => Ok(kept.memory.recall(backups)),
            None => self.apart().recall(backups).await,
        }
    }

    async fn limit(&self, change: LimitChange) -> Result<(), Failure> {
        match &self.kept {
            Some(kept) => {
                kept.told.tell(change);
                Ok(())
            }
            None => self.apart().limit(change).await,
        }
    }

    async fn adopt(&self, backups: &[BackupId]) -> Result<(), Failure> {
        match &self.kept {
            Some(kept) => Ok(kept.memory.adopt(backups)?),
            None => self.apart().adopt(backups).await,
        }
    }
}
