//! A node that works only in the directories it was given, and runs only the commands it was given: what an agent
//! lets others ask it for.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use ostler_api::Node;
use ostler_api::client::LimitChange;
use ostler_api::document::{BackupCounts, CheckCommand};
use ostler_api::node::{
    Compare, Compared, Download, Downloaded, NodeInfo, NodeRoot, Recalled, Selection, Upload, Uploaded,
};
use ostler_api::request::RestoreWork;
use ostler_vocabulary::{BackupId, Failure, Progress};
use tokio_util::sync::CancellationToken;

use crate::path::shown;
use crate::{Error, snapshot};

/// What a node may touch.
#[derive(Debug, Clone, Default)]
pub struct Bounds {
    /// Its name in its cluster.
    pub node: String,
    /// The directories it works in, by name.
    roots: BTreeMap<String, PathBuf>,
    /// How the configuration spells those that links lead to.
    spelled: BTreeMap<String, PathBuf>,
    /// The commands it runs, by name.
    pub commands: BTreeMap<String, String>,
    /// What is always left out of backups.
    pub left_out: Vec<PathBuf>,
}

impl Bounds {
    /// These directories, by name. Links in what leads to them are followed now, once. Blocks.
    ///
    /// # Errors
    /// When one is not there, or is no directory.
    pub fn new(node: &str, roots: &BTreeMap<String, PathBuf>) -> Result<Self, Error> {
        let (mut real, mut spelled) = (BTreeMap::new(), BTreeMap::new());
        for (name, root) in roots {
            let found = root.canonicalize().and_then(|path| match path.is_dir() {
                true => Ok(path),
                false => Err(io::ErrorKind::NotADirectory.into()),
            });
            let found = found.map_err(|error| Error::io("use", root, error))?;
            if found != *root {
                spelled.insert(name.clone(), root.clone());
            }
            real.insert(name.clone(), found);
        }
        Ok(Self {
            node: node.to_owned(),
            roots: real,
            spelled,
            commands: BTreeMap::new(),
            left_out: Vec::new(),
        })
    }

    /// Removes what a backup that was killed held still below the roots. Blocks.
    pub fn clear_snapshots(&self) {
        self.roots.values().for_each(|root| snapshot::clear(root));
    }

    /// Refuses a path that is not in a root, or leads out of it by `..` or by a link. What is not there yet is judged by
    /// what leads to it. Blocks.
    fn check(&self, path: &Path) -> Result<(), Error> {
        let outside = || Error::Outside {
            path: shown_path(path),
            roots: self.roots.values().map(|root| shown_path(root)).collect(),
        };
        let plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
        if !path.is_absolute() || !path.components().all(plain) {
            return Err(outside());
        }
        let mut there = path;
        let real = loop {
            match there.canonicalize() {
                Ok(real) => break real,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    // A link that leads nowhere leads out all the same once something is there.
                    if there.symlink_metadata().is_ok() {
                        return Err(outside());
                    }
                    there = there.parent().ok_or_else(outside)?;
                }
                Err(error) => return Err(Error::io("look up", path, error)),
            }
        };
        match self.roots.values().any(|root| real.starts_with(root)) {
            true => Ok(()),
            false => Err(outside()),
        }
    }

    fn check_all<'a>(&self, paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<(), Error> {
        paths.into_iter().try_for_each(|path| self.check(path))
    }

    fn check_selection(&self, selection: &Selection) -> Result<(), Error> {
        self.check_all(&selection.paths)
    }

    fn check_download(&self, request: &Download) -> Result<(), Error> {
        match &request.to {
            Some(to) => self.check(to)?,
            None => self.check_all(&request.roots)?,
        }
        self.check_all(request.approved_deletes.iter().flatten())
    }

    fn command(&self, name: &str) -> Result<&str, Error> {
        let command = self.commands.get(name);
        command.map(String::as_str).ok_or_else(|| Error::NoCommand {
            name: name.to_owned(),
        })
    }
}

fn shown_path(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    shown(path.as_os_str().as_bytes())
}

/// A node within its [`Bounds`].
#[derive(Debug)]
pub struct Confined {
    inner: Arc<dyn Node>,
    bounds: Arc<Bounds>,
    vault_problem: Option<String>,
}

impl Confined {
    /// The node, within these bounds.
    #[must_use]
    pub fn new(inner: Arc<dyn Node>, bounds: Arc<Bounds>) -> Self {
        Self {
            inner,
            bounds,
            vault_problem: None,
        }
    }

    /// The same node, which reports why its vault cannot be opened.
    #[must_use]
    pub fn with_vault_problem(self, vault_problem: Option<String>) -> Self {
        Self {
            vault_problem,
            ..self
        }
    }

    /// Looks at paths on a thread that may block.
    async fn within(
        &self,
        check: impl FnOnce(&Bounds) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Failure> {
        let bounds = Arc::clone(&self.bounds);
        match tokio::task::spawn_blocking(move || check(&bounds)).await {
            Ok(checked) => Ok(checked?),
            Err(_) => Err(Error::Worker.into()),
        }
    }

    fn without_ours(&self, selection: &Selection) -> Selection {
        let mut selection = selection.clone();
        selection.left_out.extend(self.bounds.left_out.iter().cloned());
        selection
    }
}

#[async_trait]
impl Node for Confined {
    async fn info(&self) -> Result<NodeInfo, Failure> {
        let info = self.inner.info().await?;
        let mut roots = Vec::new();
        for (name, path) in &self.bounds.roots {
            let space = rustix::fs::statvfs(path).map_err(|error| Error::io("look at", path, error))?;
            roots.push(NodeRoot {
                name: name.clone(),
                path: path.clone(),
                free: space.f_bavail.saturating_mul(space.f_frsize),
                configured: self.bounds.spelled.get(name).cloned(),
            });
        }
        Ok(NodeInfo {
            node: Some(self.bounds.node.clone()),
            roots,
            vault_problem: self.vault_problem.clone(),
            ..info
        })
    }

    async fn survey(
        &self,
        selection: &Selection,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<BackupCounts, Failure> {
        let selection = self.without_ours(selection);
        let asked = selection.clone();
        self.within(move |bounds| bounds.check_selection(&asked)).await?;
        self.inner.survey(&selection, progress, cancel).await
    }

    async fn upload(
        &self,
        request: &Upload,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Uploaded, Failure> {
        let request = Upload {
            selection: self.without_ours(&request.selection),
            ..request.clone()
        };
        let asked = request.selection.clone();
        self.within(move |bounds| bounds.check_selection(&asked)).await?;
        self.inner.upload(&request, progress, cancel).await
    }

    async fn preview(
        &self,
        request: &Download,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<RestoreWork, Failure> {
        let asked = request.clone();
        self.within(move |bounds| bounds.check_download(&asked)).await?;
        self.inner.preview(request, progress, cancel).await
    }

    async fn download(
        &self,
        request: &Download,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Downloaded, Failure> {
        let asked = request.clone();
        self.within(move |bounds| bounds.check_download(&asked)).await?;
        self.inner.download(request, progress, cancel).await
    }

    async fn compare(
        &self,
        request: &Compare,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Compared, Failure> {
        let asked = request.clone();
        // What was backed up is looked at too, where it was.
        self.within(move |bounds| bounds.check_all(asked.roots.iter().chain([&asked.restored])))
            .await?;
        self.inner.compare(request, progress, cancel).await
    }

    async fn run_command(
        &self,
        command: &str,
        directory: Option<PathBuf>,
        cancel: &CancellationToken,
    ) -> Result<CheckCommand, Failure> {
        let own = self.bounds.command(command)?;
        let asked = directory.clone();
        self.within(move |bounds| bounds.check_all(&asked)).await?;
        let ended = self.inner.run_command(own, directory, cancel).await?;
        // The command itself may hold what is nobody's business.
        Ok(CheckCommand {
            command: command.to_owned(),
            ..ended
        })
    }

    async fn make_scratch(&self, directory: PathBuf) -> Result<(), Failure> {
        let asked = directory.clone();
        self.within(move |bounds| bounds.check(&asked)).await?;
        self.inner.make_scratch(directory).await
    }

    async fn remove_scratch(&self, directory: PathBuf) -> Result<(), Failure> {
        let asked = directory.clone();
        self.within(move |bounds| bounds.check(&asked)).await?;
        self.inner.remove_scratch(directory).await
    }

    async fn recall(&self, backups: &[BackupId]) -> Result<Recalled, Failure> {
        self.inner.recall(backups).await
    }

    async fn limit(&self, change: LimitChange) -> Result<(), Failure> {
        self.inner.limit(change).await
    }

    async fn adopt(&self, backups: &[BackupId]) -> Result<(), Failure> {
        self.inner.adopt(backups).await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's way to fail")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::Bounds;

    #[test]
    fn nothing_leads_out_of_a_root() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let (root, other) = (home.join("root"), home.join("other"));
        for directory in [&root, &other, &root.join("in"), &home.join("root-2")] {
            std::fs::create_dir_all(directory).unwrap();
        }
        symlink(&other, root.join("out")).unwrap();
        symlink(home.join("nowhere"), root.join("dangling")).unwrap();
        symlink(root.join("in"), root.join("inner")).unwrap();
        symlink(&root, home.join("way")).unwrap();
        let bounds = Bounds::new("a", &[("data".to_owned(), home.join("way"))].into()).unwrap();
        for inside in [
            root.clone(),
            root.join("in"),
            root.join("new/and/deep"),
            root.join("inner/x"),
            home.join("way/in"),
        ] {
            bounds
                .check(&inside)
                .unwrap_or_else(|error| panic!("{}: {error}", inside.display()));
        }
        for outside in [
            home.clone(),
            other.clone(),
            home.join("root-2"),
            root.join(".."),
            root.join("in/../../other"),
            root.join("out"),
            root.join("out/new"),
            root.join("dangling"),
            root.join("dangling/x"),
            "/".into(),
            "/etc/passwd".into(),
            "root/in".into(),
            "".into(),
        ] {
            assert!(bounds.check(&outside).is_err(), "{}", outside.display());
        }
    }

    #[test]
    fn a_root_has_to_be_a_directory() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("file"), "").unwrap();
        for wrong in ["file", "missing"] {
            let roots = [("data".to_owned(), home.path().join(wrong))].into();
            assert!(Bounds::new("a", &roots).is_err(), "{wrong}");
        }
    }
}
