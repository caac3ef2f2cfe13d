//! Any byte flipped, any object deleted, truncated or swapped is found, and harms only the files it holds.

use std::fs;
use std::path::{Path, PathBuf};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::random::Random;
use ostler_testkit::tree;
use tempfile::TempDir;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    Flip,
    Truncate,
    Delete,
    Swap,
}

/// All objects of the vault that backups need, by their path below it.
fn objects(vault: &Path) -> Vec<PathBuf> {
    let needed = ["packs", "index", "backups", "vault.json", "keys"];
    let mut all: Vec<PathBuf> = tree::read(vault)
        .into_iter()
        .filter(|(path, node)| node.kind == 'f' && needed.iter().any(|part| path.starts_with(part)))
        .map(|(path, _)| path)
        .collect();
    all.sort();
    all
}

fn top(path: &Path) -> PathBuf {
    path.components().take(1).collect()
}

/// Does the harm; `false` when it makes no sense for this object.
fn harm(vault: &Path, object: &Path, harm: Harm, random: &mut Random) -> bool {
    let path = vault.join(object);
    let mut bytes = fs::read(&path).unwrap();
    match harm {
        Harm::Flip => {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << random.below(8);
            fs::write(path, bytes).unwrap();
        }
        Harm::Truncate => {
            bytes.truncate(random.below(bytes.len() as u64) as usize);
            fs::write(path, bytes).unwrap();
        }
        Harm::Delete => fs::remove_file(path).unwrap(),
        Harm::Swap => {
            let Some(other) = objects(vault)
                .into_iter()
                .find(|o| o != object && top(o) == top(object))
            else {
                return false;
            };
            let other = vault.join(other);
            let third = fs::read(&other).unwrap();
            fs::write(&other, &bytes).unwrap();
            fs::write(&path, third).unwrap();
        }
    }
    true
}

#[test]
fn every_kind_of_damage_is_found_and_unaffected_files_still_restore() {
    let source = TempDir::with_prefix("ostler-source-").unwrap();
    let mut random = Random::new(11);
    for number in 0..30 {
        let length = if number % 10 == 0 {
            2_500_000
        } else {
            5 + random.below(9_000) as usize
        };
        fs::write(
            source.path().join(format!("file{number:02}")),
            random.bytes(length),
        )
        .unwrap();
    }
    let whole = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    for name in ["b0", "b1"] {
        whole.ok([
            "backup",
            "create",
            source.path().to_str().unwrap(),
            "--name",
            name,
        ]);
        fs::write(source.path().join("file05"), random.bytes(7_000)).unwrap();
    }
    let mut expected = tree::read(source.path());
    expected.remove(Path::new("file05"));

    let mut partial_restores = 0;
    for object in objects(&whole.vault()) {
        for kind in [Harm::Flip, Harm::Flip, Harm::Truncate, Harm::Delete, Harm::Swap] {
            let context = format!("{kind:?} of {}", object.display());
            let ostler = whole.copy();
            if !harm(&ostler.vault(), &object, kind, &mut random) {
                continue;
            }
            let check = ostler.run(["vault", "check", "--read-data"]);
            let verify: Vec<_> = ["b0", "b1"]
                .map(|name| ostler.run(["backup", "verify", name, "--read-data"]))
                .into();
            let found = !check.status.success() || verify.iter().any(|v| !v.status.success());
            assert!(found, "{context}: not found\n{}", said(&check));
            let about_the_vault = ["vault.json", "keys"].iter().any(|part| object.starts_with(part));
            if !about_the_vault {
                assert_eq!(
                    check.status.code(),
                    Some(6),
                    "{context}: vault check\n{}",
                    said(&check)
                );
            }

            let target = ostler.home().join("target");
            let to = target.to_str().unwrap();
            let restore = ostler.run([
                "restore",
                "b1",
                "--to",
                to,
                "--allow-incomplete",
                "--output",
                "json",
            ]);
            let restored = if target.exists() {
                tree::read(&target)
            } else {
                Default::default()
            };
            for (path, node) in expected.iter().filter(|(_, node)| node.kind == 'f') {
                match restored.get(path) {
                    Some(found) => assert_eq!(
                        found.content,
                        node.content,
                        "{context}: {} is wrong",
                        path.display()
                    ),
                    None => {
                        assert!(
                            !restore.status.success(),
                            "{context}: {} is missing",
                            path.display()
                        );
                        let named = said(&restore).contains(path.to_str().unwrap()) || restored.is_empty();
                        assert!(
                            named,
                            "{context}: {} is not named\n{}",
                            path.display(),
                            said(&restore)
                        );
                    }
                }
            }
            partial_restores += u32::from(!restore.status.success() && restored.len() > 5);
        }
    }
    assert!(partial_restores > 0, "no damage left other files restorable");
}
