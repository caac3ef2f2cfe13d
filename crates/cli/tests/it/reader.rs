//! The stand-alone reader, which knows vaults only from their format's page, brings back every kind of entry.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, UNIX_EPOCH};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::random::Random;
use ostler_testkit::{install, tree};
use rustix::fs::{FileType, Mode, XattrFlags};
use rustix::io::Errno;
use serde_json::Value;
use tempfile::TempDir;

use crate::cluster_world::Cluster;

/// The stand-alone reader with a Python that has its packages.
pub(crate) struct Reader {
    python: PathBuf,
}

impl Reader {
    /// `None`, and a printed line, where no such Python can be had.
    pub(crate) fn get() -> Option<Self> {
        install::or_skip("python", install::python()).map(|python| Self { python })
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/design/read_vault.py");
        Command::new(&self.python)
            .arg(script)
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Runs it and expects success; gives the documents that it printed, one a line.
    fn ok(&self, arguments: &[&OsStr]) -> Vec<Value> {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "the stand-alone reader {arguments:?}\n{}",
            said(&output)
        );
        let printed = String::from_utf8(output.stdout).unwrap();
        printed
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// What all backups of a vault hold, by their names or else ids, oldest first; checks the vault before. `key` is
    /// the option with its file, or nothing.
    pub(crate) fn read_all(&self, vault: &Path, key: &[OsString]) -> Vec<(String, TempDir)> {
        let with_key = |words: &[&OsStr]| {
            let words: Vec<&OsStr> = words
                .iter()
                .copied()
                .chain(key.iter().map(AsRef::as_ref))
                .collect();
            self.ok(&words)
        };
        let listed = with_key(&["list".as_ref(), vault.as_ref()]);
        let checked = with_key(&["check".as_ref(), vault.as_ref()]);
        assert_eq!(checked[0]["backups"], listed.len(), "{checked:?}");
        let restored = listed.iter().map(|backup| {
            let id = backup["backup"].as_str().unwrap();
            let target = TempDir::with_prefix("ostler-reader-").unwrap();
            with_key(&[
                "restore".as_ref(),
                vault.as_ref(),
                id.as_ref(),
                target.path().as_ref(),
            ]);
            (backup["name"].as_str().unwrap_or(id).to_owned(), target)
        });
        restored.collect()
    }
}

/// A tree with every kind of entry that a test may make.
fn everything(top: &Path) {
    let path = |name: &[u8]| top.join(OsStr::from_bytes(name));
    let mut random = Random::new(11);
    let big = path(b"big");
    for (name, content) in [
        (&b"big"[..], random.bytes(5 << 20)),
        (b"empty", Vec::new()),
        (b"odd \xff\xfe\n\"name", b"odd".to_vec()),
        (b"zeros", vec![0; 2_000_000]),
        (b"text", b"all the same\n".repeat(200_000)),
    ] {
        fs::write(path(name), content).unwrap();
    }
    fs::create_dir_all(path(b"deep/er")).unwrap();
    fs::create_dir_all(path(b"empty directory")).unwrap();
    // These are in another order for whoever compares whole paths byte by byte.
    for name in [&b"deep/er/file"[..], b"deep !", b"deep.txt"] {
        fs::write(path(name), name).unwrap();
    }
    let many = path(b"many");
    fs::create_dir(&many).unwrap();
    for number in 0..2500 {
        fs::write(many.join(format!("{number:04}")), number.to_string()).unwrap();
    }
    fs::hard_link(&big, path(b"deep/big again")).unwrap();
    symlink("../not there", path(b"link")).unwrap();
    symlink(OsStr::from_bytes(b"odd \xff"), path(b"odd link")).unwrap();
    let fifo = Mode::from_raw_mode(0o640);
    rustix::fs::mknodat(rustix::fs::CWD, path(b"fifo"), FileType::Fifo, fifo, 0).unwrap();
    let sparse = File::create(path(b"sparse")).unwrap();
    sparse.set_len(40 << 20).unwrap();
    sparse.write_all_at(b"in the middle", 17 << 20).unwrap();
    set_attribute(&big, b"with \0 in it");
    set_attribute(&path(b"empty directory"), b"");
    for (name, mode) in [
        (&b"text"[..], 0o4751),
        (b"empty", 0o400),
        (b"deep", 0o1777),
        (b"empty directory", 0o511),
    ] {
        fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    File::open(&big)
        .unwrap()
        .set_modified(UNIX_EPOCH - Duration::new(86_400 * 365, 123_456_789))
        .unwrap();
}

/// File systems without attributes of users go without.
fn set_attribute(path: &Path, value: &[u8]) {
    let done = rustix::fs::setxattr(path, "user.ostler", value, XattrFlags::empty());
    assert!(matches!(done, Ok(()) | Err(Errno::NOTSUP)), "{done:?}");
}

fn attribute(path: &Path) -> Option<Vec<u8>> {
    let mut value = [0; 100];
    let length = rustix::fs::getxattr(path, "user.ostler", &mut value).ok()?;
    Some(value[..length].to_vec())
}

/// Fails unless both trees are the same, with what [`tree::read`] does not look at.
fn assert_same(source: &Path, restored: &Path) {
    let difference = tree::difference(&tree::read(source), &tree::read(restored));
    assert!(difference.is_empty(), "{difference}");
    for name in ["big", "empty directory"] {
        assert_eq!(
            attribute(&restored.join(name)),
            attribute(&source.join(name)),
            "attribute of {name}"
        );
    }
    let inode = |name: &str| fs::metadata(restored.join(name)).unwrap().ino();
    assert_eq!(inode("big"), inode("deep/big again"), "hard links");
    let sparse = fs::metadata(restored.join("sparse")).unwrap();
    assert!(
        sparse.blocks() * 512 < 4 << 20,
        "holes: {} blocks",
        sparse.blocks()
    );
}

/// Makes a vault with these options, backs everything up and has it restored by the reader.
fn reads_everything(options: &[&str], passphrase: bool, key: impl Fn(&Ostler) -> Vec<OsString>) {
    let Some(reader) = Reader::get() else { return };
    let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    let source = TempDir::with_prefix("ostler-source-").unwrap();
    everything(source.path());
    if passphrase {
        let file = passphrase_file(&ostler);
        fs::write(&file, "correct horse ü\n").unwrap();
        open_with_passphrase(&ostler, &file);
    }
    ostler.ok(["vault", "init"].iter().chain(options));
    ostler.ok([
        "backup",
        "create",
        source.path().to_str().unwrap(),
        "--name",
        "everything",
    ]);
    let restored = reader.read_all(&ostler.vault(), &key(&ostler));
    assert_eq!(restored.len(), 1);
    let (name, target) = &restored[0];
    assert_eq!(name, "everything");
    assert_same(
        source.path(),
        &target.path().join(source.path().strip_prefix("/").unwrap()),
    );
}

fn passphrase_file(ostler: &Ostler) -> PathBuf {
    ostler.home().join("passphrase")
}

/// Configures the usual vault as one that this passphrase opens.
pub(crate) fn open_with_passphrase(ostler: &Ostler, file: &Path) {
    let (vault, file) = (ostler.vault(), file.display());
    ostler.configure(&format!(
        "version = 1\n[vault.default]\nlocation = \"{}\"\npassphrase = {{ file = \"{file}\" }}\n",
        vault.display()
    ));
}

#[test]
fn the_reader_restores_everything_with_a_key_file() {
    reads_everything(&[], false, |ostler| vec!["--key".into(), ostler.key().into()]);
}

#[test]
fn the_reader_restores_everything_with_a_passphrase() {
    let key = |ostler: &Ostler| vec!["--passphrase-file".into(), passphrase_file(ostler).into()];
    let ostler_options = ["--passphrase-file", "passphrase"];
    reads_everything(&ostler_options, true, key);
}

#[test]
fn the_reader_restores_everything_without_encryption() {
    reads_everything(&["--unencrypted"], false, |_| Vec::new());
}

#[test]
fn the_reader_restores_a_cluster_node_by_node() {
    let Some(reader) = Reader::get() else { return };
    let cluster = Cluster::started();
    let before = cluster.trees();
    cluster.ostler.ok(["backup", "create", "--cluster", "shop"]);
    let key = ["--key".into(), cluster.ostler.key().into()];
    let read = reader.read_all(&cluster.ostler.vault(), &key);
    for (node, expected) in &before {
        let root = cluster.root(node).canonicalize().unwrap();
        let below = read[0]
            .1
            .path()
            .join(node)
            .join("data")
            .join(root.strip_prefix("/").unwrap());
        let found = tree::read(&below);
        assert!(
            *expected == found,
            "{node}: {}",
            tree::difference(expected, &found)
        );
    }
}

#[test]
fn the_reader_names_the_damaged_pack_and_fails() {
    let Some(reader) = Reader::get() else { return };
    let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    let source = TempDir::with_prefix("ostler-source-").unwrap();
    fs::write(source.path().join("file"), Random::new(1).bytes(100_000)).unwrap();
    ostler.ok(["backup", "create", source.path().to_str().unwrap()]);
    let packs = tree::read(&ostler.vault().join("packs"));
    let (pack, node) = packs.iter().max_by_key(|(_, node)| node.content.len()).unwrap();
    let (pack, mut bytes) = (ostler.vault().join("packs").join(pack), node.content.clone());
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&pack).unwrap();
    fs::write(&pack, bytes).unwrap();
    let key = ostler.key();
    let output = reader.run([
        "check".as_ref(),
        ostler.vault().as_os_str(),
        "--key".as_ref(),
        key.as_ref(),
    ]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let name = pack.file_name().unwrap().to_str().unwrap();
    assert!(said(&output).contains(name), "{}", said(&output));
}

#[test]
fn the_reader_refuses_a_key_of_another_vault() {
    let Some(reader) = Reader::get() else { return };
    let (ostler, other) = (
        Ostler::new(env!("CARGO_BIN_EXE_ostler")),
        Ostler::new(env!("CARGO_BIN_EXE_ostler")),
    );
    ostler.ok(["vault", "init"]);
    other.ok(["vault", "init"]);
    let key = other.key();
    let output = reader.run([
        "list".as_ref(),
        ostler.vault().as_os_str(),
        "--key".as_ref(),
        key.as_ref(),
    ]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("wrapper.json: is opened by another key file"),
        "{}",
        said(&output)
    );
}
