//! Sample vaults of every released format stay readable. How they were made: `crates/vault/samples/v1/README.md`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use ostler_testkit::binary::Ostler;
use ostler_testkit::tree::{self, Node};
use tempfile::TempDir;

use crate::reader::{Reader, open_with_passphrase};

/// Where the source was when the samples were made.
const SOURCE: &str = "/tmp/ostler-sample";
const BACKUPS: [&str; 2] = ["first", "second"];

/// A sample: its directory, and the file that opens it, as the reader is told of it.
struct Sample {
    name: &'static str,
    key: Option<(&'static str, &'static str)>,
}

const SAMPLES: [Sample; 6] = [
    Sample {
        name: "key-file",
        key: Some(("--key", "sample.key")),
    },
    Sample {
        name: "passphrase",
        key: Some(("--passphrase-file", "passphrase")),
    },
    Sample {
        name: "unencrypted",
        key: None,
    },
    Sample {
        name: "rotated",
        key: Some(("--key", "sample.key")),
    },
    Sample {
        name: "given-up",
        key: Some(("--key", "sample.key")),
    },
    Sample {
        name: "collected",
        key: Some(("--key", "sample.key")),
    },
];

impl Sample {
    fn directory(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../vault/samples/v1")
            .join(self.name)
    }

    fn key_file(&self) -> Option<PathBuf> {
        self.key.map(|(_, file)| self.directory().join(file))
    }

    /// A home whose usual vault is a copy of the sample.
    fn home(&self) -> Ostler {
        let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
        fs::create_dir_all(ostler.key().parent().unwrap()).unwrap();
        copy(&self.directory().join("vault"), &ostler.vault());
        match self.key_file() {
            Some(file) if self.name == "passphrase" => open_with_passphrase(&ostler, &file),
            Some(file) => copy(&file, &ostler.key()),
            None => {}
        }
        ostler
    }

    fn make(&self) {
        let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
        let directory = self.directory();
        fs::create_dir(&directory).expect("a sample is made once");
        match (self.name, self.key_file()) {
            ("passphrase", Some(file)) => {
                fs::write(&file, "passphrase of a sample\n").unwrap();
                open_with_passphrase(&ostler, &file);
                ostler.ok(["vault", "init", "--passphrase-file", file.to_str().unwrap()]);
            }
            ("unencrypted", _) => drop(ostler.ok(["vault", "init", "--unencrypted"])),
            (_, Some(file)) => {
                ostler.ok(["vault", "init"]);
                let key = fs::read_to_string(ostler.key()).unwrap();
                fs::write(
                    file,
                    format!("# A SAMPLE, for tests: it is published and protects nothing.\n{key}"),
                )
                .unwrap();
            }
            (name, None) => panic!("{name}"),
        }
        for backup in BACKUPS {
            make_source(Path::new(SOURCE), backup);
            ostler.ok(["backup", "create", SOURCE, "--name", backup]);
            fs::remove_dir_all(SOURCE).unwrap();
            if self.name == "rotated" {
                ostler.ok(["vault", "key", "rotate", "--yes"]);
            }
        }
        match self.name {
            "rotated" => {
                let file = directory.join("passphrase");
                fs::write(&file, "passphrase of a sample\n").unwrap();
                let added = ["vault", "key", "add", "--passphrase-file", file.to_str().unwrap()];
                ostler.ok(added);
            }
            "given-up" => {
                ostler.ok(["backup", "verify", "first"]);
                ostler.ok(["backup", "hold", "first", "--reason", "a sample"]);
                ostler.ok(["vault", "key", "rotate", "--compromised", "--yes"]);
            }
            "collected" => {
                let file = directory.join("passphrase");
                fs::write(&file, "passphrase of a sample\n").unwrap();
                let added = ["vault", "key", "add", "--passphrase-file", file.to_str().unwrap()];
                ostler.ok(added);
                let spare = TempDir::with_prefix("ostler-spare-").unwrap();
                fs::write(spare.path().join("spare"), "nobody needs this for long\n").unwrap();
                ostler.ok([
                    "backup",
                    "create",
                    spare.path().to_str().unwrap(),
                    "--name",
                    "spare",
                ]);
                ostler.ok(["backup", "delete", "spare", "--below-floors", "--yes"]);
            }
            _ => {}
        }
        copy(&ostler.vault(), &directory.join("vault"));
    }
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-r").args([from, to]).status().unwrap();
    assert!(status.success(), "copying {}", from.display());
}

/// What the backup of this name was made from.
fn make_source(top: &Path, backup: &str) {
    let second = backup == "second";
    fs::create_dir_all(top.join("directory/empty")).unwrap();
    let mut long: String = (0..110_000)
        .map(|line| format!("line {:04}\n", line % 1000))
        .collect();
    let mut files = vec![("directory/same", "the same in both\n"), ("nothing", "")];
    if second {
        long.push_str("and one more\n");
        files.extend([("changed", "after\n"), ("new", "new\n")]);
    } else {
        files.extend([("changed", "before\n"), ("removed", "removed\n")]);
    }
    files.push(("long", &long));
    for (name, content) in &files {
        fs::write(top.join(name), content).unwrap();
    }
    std::os::unix::fs::symlink("directory/same", top.join("link")).unwrap();
    let directories = ["directory/empty", "directory", ""];
    for name in files.iter().map(|(name, _)| *name).chain(directories) {
        let time = UNIX_EPOCH + Duration::new(1_790_000_000 + u64::from(second), 123_456_789);
        let path = top.join(name);
        let mode = if path.is_dir() { 0o750 } else { 0o640 };
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        File::open(path).unwrap().set_modified(time).unwrap();
    }
}

/// Fails unless the directory holds what that backup was made from; owners were those of whoever made it.
fn assert_restored(directory: &Path, backup: &str, context: &str) {
    let source = TempDir::with_prefix("ostler-source-").unwrap();
    make_source(source.path(), backup);
    let [expected, found] = [source.path(), directory].map(|top| {
        let nodes = tree::read(top).into_iter();
        nodes
            .map(|(path, node)| {
                (
                    path,
                    Node {
                        owner: (0, 0),
                        ..node
                    },
                )
            })
            .collect()
    });
    let difference = tree::difference(&expected, &found);
    assert!(difference.is_empty(), "{context}: {backup}\n{difference}");
}

#[test]
fn this_program_reads_sample_vaults() {
    for sample in &SAMPLES {
        let ostler = sample.home();
        let listed = ostler.json(["backup", "list"]);
        let names: Vec<_> = listed["backups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|b| b["name"].clone())
            .collect();
        assert_eq!(names, ["second", "first"], "{}", sample.name);
        for backup in BACKUPS {
            ostler.ok(["backup", "verify", backup, "--read-data"]);
            let target = TempDir::with_prefix("ostler-target-").unwrap();
            ostler.ok([
                "restore",
                backup,
                "--to",
                target.path().to_str().unwrap(),
                "--yes",
            ]);
            assert_restored(target.path(), backup, sample.name);
        }
    }
}

#[test]
fn the_stand_alone_reader_reads_sample_vaults() {
    let Some(reader) = Reader::get() else { return };
    for sample in &SAMPLES {
        let key: Vec<OsString> = match (sample.key, sample.key_file()) {
            (Some((option, _)), Some(file)) => vec![option.into(), file.into()],
            _ => Vec::new(),
        };
        let restored = reader.read_all(&sample.directory().join("vault"), &key);
        let names: Vec<_> = restored.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, BACKUPS, "{}", sample.name);
        for (name, target) in &restored {
            let below = target.path().join(SOURCE.strip_prefix('/').unwrap());
            assert_restored(&below, name, sample.name);
        }
    }
}

/// The bytes of the files below a directory that have this name.
fn named(directory: &Path, name: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(named(&path, name));
        } else if path.file_name().is_some_and(|file| file == name) {
            found.push(fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_sample_has_vouchers_and_a_round_whose_end_is_sealed() {
    let sample = SAMPLES.iter().find(|sample| sample.name == "collected").unwrap();
    let vault = sample.directory().join("vault");
    let wrappers = named(&vault, "wrapper.json");
    assert_eq!(wrappers.len(), 2);
    for wrapper in wrappers {
        let wrapper: serde_json::Value = serde_json::from_slice(&wrapper).unwrap();
        assert_eq!(wrapper["voucher"].as_str().unwrap().len(), 64);
    }
    let (marked, done) = (named(&vault, "marked"), named(&vault, "done"));
    assert_eq!((marked.len(), done.len()), (1, 1));
    assert!(!done[0].is_empty());
    assert_eq!(named(&vault, "released").len(), 1, "of whoever collected");
}

#[test]
#[ignore = "makes the samples that are missing; only before a format's first release"]
fn make_samples() {
    for sample in SAMPLES.iter().filter(|sample| !sample.directory().exists()) {
        sample.make();
    }
}
