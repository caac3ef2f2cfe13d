//! A vault in memory, an agent, and pictures of trees.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_agent::{LocalNode, Options};
use ostler_api::Node;
use ostler_api::node::{Compare, Compared, Download, Downloaded, Selection, Upload, Uploaded};
use ostler_api::request::Overwrite;
use ostler_store::Memory;
use ostler_vault::list::{Entry, ListWriter};
use ostler_vault::{InitOptions, Vault};
use ostler_vocabulary::{BackupId, Failure, Progress, SystemClock, Unit};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub struct World {
    pub vault: Arc<Vault>,
    pub store: Arc<Memory>,
    pub home: TempDir,
    pub backup: BackupId,
    pub options: Options,
}

pub fn progress() -> Progress {
    Progress::new(Unit::Bytes)
}

impl World {
    pub async fn new() -> Self {
        let store = Arc::new(Memory::new());
        let options = InitOptions {
            protect: Vec::new(),
            clock: Arc::new(SystemClock::default()),
        };
        let made = Vault::init(store.clone(), options).await.unwrap();
        Self {
            vault: Arc::new(made.vault),
            store,
            home: tempfile::tempdir().unwrap(),
            backup: BackupId::random(),
            options: Options {
                workers: 3,
                ..Options::default()
            },
        }
    }

    /// A directory below the world's own.
    pub fn dir(&self, name: &str) -> PathBuf {
        let path = self.home.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    pub async fn node(&self) -> LocalNode {
        let index = self.vault.index(true).await.unwrap();
        LocalNode::new(Arc::clone(&self.vault), index, self.options.clone())
    }

    pub fn selection(paths: &[&Path]) -> Selection {
        Selection {
            paths: paths.iter().map(|path| path.to_path_buf()).collect(),
            exclude: Vec::new(),
            left_out: Vec::new(),
            one_file_system: false,
            frozen: None,
            hold: None,
        }
    }

    pub async fn try_upload(&self, selection: Selection, parent: Option<&str>) -> Result<Uploaded, Failure> {
        let request = Upload {
            backup: self.backup,
            selection,
            parent: parent.map(str::to_owned),
            read_all: false,
        };
        let never = CancellationToken::new();
        self.node().await.upload(&request, &progress(), &never).await
    }

    pub async fn upload(&self, paths: &[&Path], parent: Option<&str>) -> Uploaded {
        self.try_upload(Self::selection(paths), parent).await.unwrap()
    }

    pub fn request(&self, uploaded: &Uploaded, to: Option<&Path>) -> Download {
        Download {
            backup: self.backup,
            list: uploaded.list.clone(),
            roots: uploaded.source.paths.clone(),
            to: to.map(Path::to_owned),
            include: Vec::new(),
            overwrite: Overwrite::Never,
            delete_extra: false,
            approved_deletes: None,
        }
    }

    pub async fn download(&self, request: &Download) -> Result<Downloaded, Failure> {
        let never = CancellationToken::new();
        self.node().await.download(request, &progress(), &never).await
    }

    pub async fn compare(&self, uploaded: &Uploaded, restored: &Path) -> Compared {
        let request = Compare {
            list: uploaded.list.clone(),
            roots: uploaded.source.paths.clone(),
            restored: restored.to_owned(),
        };
        let never = CancellationToken::new();
        self.node()
            .await
            .compare(&request, &progress(), &never)
            .await
            .unwrap()
    }

    /// A list made by hand, with the chunks its maker stores.
    pub async fn list(&self, entries: Vec<Entry>, content: Vec<Vec<u8>>) -> String {
        let index = self.vault.index(true).await.unwrap();
        let session = self.vault.upload(index);
        let (session, id) = tokio::task::spawn_blocking(move || {
            let mut sink = session.sink();
            for chunk in &content {
                sink.put(ostler_vault::ChunkKind::Data, chunk).unwrap();
            }
            sink.finish().unwrap();
            let mut list = ListWriter::new(session.sink());
            for entry in &entries {
                list.push(entry).unwrap();
            }
            let id = list.finish().unwrap();
            (session, id)
        })
        .await
        .unwrap();
        session.finish().await.unwrap();
        id.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Everything about an entry that a restore has to bring back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    kind: String,
    mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    content: Vec<u8>,
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// The first path with the same inode.
    same_as: Option<PathBuf>,
}

/// A picture of a tree, by relative path.
pub fn picture(top: &Path) -> BTreeMap<PathBuf, Picture> {
    let mut all = BTreeMap::new();
    let mut inodes = BTreeMap::new();
    let mut todo = vec![PathBuf::new()];
    while let Some(relative) = todo.pop() {
        let path = if relative.as_os_str().is_empty() {
            top.to_owned()
        } else {
            top.join(&relative)
        };
        let stat = fs::symlink_metadata(&path).unwrap();
        let kind = stat.file_type();
        let (kind, content) = if kind.is_dir() {
            let mut names: Vec<_> = fs::read_dir(&path)
                .unwrap()
                .map(|entry| entry.unwrap().file_name())
                .collect();
            names.sort();
            todo.extend(names.iter().rev().map(|name| relative.join(name)));
            ("directory", Vec::new())
        } else if kind.is_symlink() {
            ("link", fs::read_link(&path).unwrap().into_os_string().into_vec())
        } else if kind.is_fifo() {
            ("fifo", Vec::new())
        } else if kind.is_file() {
            ("file", fs::read(&path).unwrap())
        } else {
            ("special", stat.rdev().to_le_bytes().to_vec())
        };
        let same_as = (stat.nlink() > 1 && kind == "file").then(|| {
            let first = inodes
                .entry((stat.dev(), stat.ino()))
                .or_insert_with(|| relative.clone());
            first.clone()
        });
        all.insert(
            relative,
            Picture {
                kind: kind.to_owned(),
                mode: stat.mode(),
                owner: (stat.uid(), stat.gid()),
                modified: (stat.mtime(), stat.mtime_nsec()),
                content,
                xattrs: xattrs(&path),
                same_as,
            },
        );
    }
    all
}

pub fn xattrs(path: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut names = vec![0; 65536];
    let Ok(length) = rustix::fs::llistxattr(path, &mut names[..]) else {
        return Vec::new();
    };
    let mut all: Vec<_> = names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| {
            let mut value = vec![0; 65536];
            let length = rustix::fs::lgetxattr(path, name, &mut value[..]).unwrap();
            value.truncate(length);
            (name.to_vec(), value)
        })
        .collect();
    all.sort();
    all
}

/// Panics with the first difference rather than with two whole trees.
pub fn assert_same(expected: &Path, found: &Path) {
    assert_pictures(&picture(expected), &picture(found));
}

pub fn assert_pictures(expected: &BTreeMap<PathBuf, Picture>, found: &BTreeMap<PathBuf, Picture>) {
    let names = |tree: &BTreeMap<PathBuf, Picture>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(expected), names(found));
    for (path, picture) in expected {
        let other = &found[path];
        assert_eq!(
            picture.content.len(),
            other.content.len(),
            "size of {}",
            path.display()
        );
        assert!(picture.content == other.content, "content of {}", path.display());
        let bare = |picture: &Picture| Picture {
            content: Vec::new(),
            ..picture.clone()
        };
        assert_eq!(bare(picture), bare(other), "{}", path.display());
    }
}

pub fn bytes_path(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

/// Bytes that do not compress and differ by seed.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Runs a test of this program again as another user than root, with a variable that tells it so. Skipped where this is not
/// root.
#[expect(clippy::print_stderr, reason = "what was not tested must be seen")]
pub fn as_another_user(test: &str, variable: (&str, &Path)) {
    if !rustix::process::geteuid().is_root() {
        eprintln!("NOT TESTED without root: {test}");
        return;
    }
    let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    open(directory.path(), 0o755);
    let scratch = directory.path().join("tmp");
    fs::create_dir(&scratch).unwrap();
    open(&scratch, 0o777);
    let program = directory.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let status = std::process::Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["--exact", test])
        .env(variable.0, variable.1)
        .env("TMPDIR", &scratch)
        .current_dir("/")
        .status();
    match status {
        Ok(status) => assert!(status.success()),
        Err(error) => eprintln!("NOT TESTED: setpriv: {error}"),
    }
}
