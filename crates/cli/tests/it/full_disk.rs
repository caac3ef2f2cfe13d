//! Vaults whose file system is full: what can be freed, what is said, what is refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::random::Random;
use serde_json::Value;
use tempfile::TempDir;

/// A file system in memory, as long as it is kept.
struct Disk(TempDir);

impl Disk {
    fn new(size: &str) -> Option<Self> {
        let at = TempDir::with_prefix("ostler-disk-").unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at.path())
            .output();
        let mounted = match mounted {
            Ok(done) if done.status.success() => Ok(()),
            Ok(done) => Err(std::io::Error::other(said(&done))),
            Err(error) => Err(error),
        };
        ostler_testkit::install::or_skip("mount", mounted.map_err(Into::into))?;
        Some(Self(at))
    }

    fn vault(&self) -> PathBuf {
        self.0.path().join("vault")
    }

    fn fill(&self) {
        let file = fs::File::create(self.0.path().join("filling")).unwrap();
        let mut writer = &file;
        for size in [1 << 20, 4096, 1] {
            let bytes = vec![7; size];
            while std::io::Write::write_all(&mut writer, &bytes).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.0.path().join("filling")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// A vault on a disk of this size, with two backups that share nothing, of which each takes more than 4 MiB.
fn scene(size: &str) -> Option<(Ostler, Disk, TempDir)> {
    let disk = Disk::new(size)?;
    let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    ostler.ok(["vault", "init", disk.vault().to_str().unwrap()]);
    let source = TempDir::with_prefix("ostler-source-").unwrap();
    for (seed, name) in [(1, "old"), (2, "new")] {
        fs::write(source.path().join("file"), Random::new(seed).bytes(8 << 20)).unwrap();
        backup(&ostler, source.path(), name);
    }
    Some((ostler, disk, source))
}

fn backup(ostler: &Ostler, source: &Path, name: &str) {
    ostler.ok(["backup", "create", source.to_str().unwrap(), "--name", name]);
}

fn names(ostler: &Ostler) -> Vec<String> {
    let list = ostler.json(["backup", "list"]);
    let backups = list["backups"].as_array().unwrap().iter();
    backups.map(|b| b["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn space_is_freed_in_a_full_file_system_by_the_reserve_of_the_vault() {
    let Some((ostler, disk, source)) = scene("40m") else {
        return;
    };
    let reserve = disk.vault().join("scratch/reserve");
    assert_eq!(fs::metadata(&reserve).unwrap().len(), 4 << 20);
    disk.fill();
    let full = ostler.run(["backup", "create", source.path().to_str().unwrap(), "--read-all"]);
    assert_eq!(full.status.code(), Some(1), "{}", said(&full));
    assert!(said(&full).contains("no space is left"), "{}", said(&full));
    assert!(reserve.exists(), "a backup uses no reserve");

    // What is found is said, though nothing of it can be stored.
    for words in [&["verify", "old", "--read-data"][..], &["drill", "old"]] {
        let proven = ostler.run(["backup"].iter().chain(words));
        assert_eq!(proven.status.code(), Some(3), "{}", said(&proven));
        assert!(said(&proven).contains("could not be stored"), "{}", said(&proven));
    }

    let deleted = ostler.json(["backup", "delete", "old", "--yes"]);
    assert!(deleted["bytes_freed"].as_u64().unwrap() > 4 << 20, "{deleted:#}");
    assert_eq!(names(&ostler), ["new"]);
    ostler.ok(["backup", "verify", "new", "--read-data"]);
    assert!(reserve.exists(), "the next collection keeps it again");
    ostler.ok(["vault", "check", "--read-data"]);
}

#[test]
fn a_full_file_system_without_a_reserve_keeps_everything_and_says_what_to_free() {
    let Some((ostler, disk, _source)) = scene("40m") else {
        return;
    };
    fs::remove_file(disk.vault().join("scratch/reserve")).unwrap();
    disk.fill();
    for words in [
        &["delete", "old", "--yes"][..],
        &["prune", "--keep-last", "1", "--yes"],
    ] {
        let failed = ostler.run(["backup"].iter().chain(words));
        assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
        assert!(said(&failed).contains("free 4 MiB"), "{}", said(&failed));
        assert_eq!(names(&ostler), ["new", "old"]);
    }
    disk.make_room();
    ostler.ok(["backup", "prune", "--keep-last", "1", "--yes"]);
    assert_eq!(names(&ostler), ["new"]);
    assert!(disk.vault().join("scratch/reserve").exists());
}

#[test]
fn a_rotation_looks_at_the_room_first_and_never_fills_the_file_system() {
    let Some((ostler, disk, _source)) = scene("30m") else {
        return;
    };
    let epoch = |ostler: &Ostler| -> Value { ostler.json(["vault", "key", "list"])["epochs"].clone() };
    let before = epoch(&ostler);
    let rotate = ["vault", "key", "rotate", "--compromised", "--yes"];
    let refused = ostler.run(rotate);
    assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
    assert!(
        said(&refused).contains("MiB in the file system of"),
        "{}",
        said(&refused)
    );
    assert_eq!(epoch(&ostler), before);
    let remounted = Command::new("mount")
        .args(["-o", "remount,size=40m"])
        .arg(disk.0.path())
        .status();
    assert!(remounted.unwrap().success());
    ostler.ok(rotate);
    assert_ne!(epoch(&ostler), before);
    ostler.ok(["vault", "check", "--read-data"]);
}
