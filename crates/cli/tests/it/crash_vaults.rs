//! Mirror and repair, killed with SIGKILL at every step and at random moments; the oracle is the stand-alone reader.

use std::fs;
use std::path::{Path, PathBuf};

use ostler_testkit::binary::Ostler;
use serde_json::Value;

use crate::crash::{Scene, kill_at, moments, resume_all, timed};

/// A vault of another name, below the home.
fn second(ostler: &Ostler) -> (PathBuf, PathBuf) {
    (ostler.home().join("second"), ostler.home().join("second.key"))
}

fn add_second(ostler: &Ostler) {
    let (vault, key) = second(ostler);
    let (vault, key) = (vault.to_str().unwrap(), key.to_str().unwrap());
    ostler.ok([
        "vault",
        "init",
        vault,
        "--name",
        "second",
        "--key",
        key,
        "--cipher",
        "chacha20-poly1305",
    ]);
}

/// A copy of everything, whose configuration names its own places.
fn copy(ostler: &Ostler) -> Ostler {
    let copy = ostler.copy();
    let text = fs::read_to_string(ostler.home().join("settings/ostler/config.toml")).unwrap();
    let (old, new) = (ostler.home().to_str().unwrap(), copy.home().to_str().unwrap());
    copy.configure(&text.replace(old, new));
    copy
}

/// Packs, the largest first.
fn packs(vault: &Path) -> Vec<PathBuf> {
    let mut packs: Vec<PathBuf> = fs::read_dir(vault.join("packs"))
        .unwrap()
        .flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    packs.sort_by_key(|pack| std::cmp::Reverse(fs::metadata(pack).unwrap().len()));
    packs
}

#[test]
fn a_mirror_killed_anywhere_leaves_only_whole_copies_and_goes_on() {
    let scene = Scene::new(2);
    add_second(&scene.ostler);
    let arguments = ["vault", "mirror", "--all", "--to", "second"];
    let rehearsal = copy(&scene.ostler);
    let duration = timed(|| drop(rehearsal.ok(arguments)));
    let mut kills = 0;
    for moment in moments(&rehearsal, duration, 5) {
        let context = format!("mirror killed at {moment:?}");
        let ostler = copy(&scene.ostler);
        let (vault, key) = second(&ostler);
        kills += u32::from(kill_at(&ostler, &arguments, &moment));
        scene.check_vault(&vault, &key, &scene.expected, &context);
        resume_all(&ostler, &context);
        ostler.ok(arguments);
        let names = scene.check_vault(&vault, &key, &scene.expected, &context);
        assert_eq!(names, ["b0", "b1"], "{context}");
        let check = ostler.json(["vault", "check", "second", "--read-data"]);
        assert_eq!(check["problems"], Value::Array(vec![]), "{context}");
        let again = ostler.json(["vault", "mirror", "--all", "--to", "second", "--dry-run"]);
        assert_eq!(again["work"]["there"], 2, "{context}: {again}");
    }
    assert!(kills >= 10, "only {kills} runs were killed");
}

#[test]
fn a_repair_killed_anywhere_goes_on_and_heals() {
    let scene = Scene::new(2);
    add_second(&scene.ostler);
    scene.ostler.ok(["vault", "mirror", "--all", "--to", "second"]);
    // One pack is lost, one has a flipped byte, and a part of the index is gone.
    let vault = scene.ostler.vault();
    let packs = packs(&vault);
    fs::remove_file(&packs[0]).unwrap();
    let mut bytes = fs::read(&packs[1]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::remove_file(&packs[1]).unwrap();
    fs::write(&packs[1], bytes).unwrap();
    let segment = fs::read_dir(vault.join("index"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    fs::remove_file(segment.path()).unwrap();
    assert_eq!(
        scene.ostler.run(["vault", "check", "--read-data"]).status.code(),
        Some(6)
    );

    let arguments = [
        "vault",
        "check",
        "--repair",
        "--read-data",
        "--from",
        "second",
        "--yes",
    ];
    let rehearsal = copy(&scene.ostler);
    let duration = timed(|| drop(rehearsal.ok(arguments)));
    let mut kills = 0;
    for moment in moments(&rehearsal, duration, 6) {
        let context = format!("repair killed at {moment:?}");
        let ostler = copy(&scene.ostler);
        kills += u32::from(kill_at(&ostler, &arguments, &moment));
        resume_all(&ostler, &context);
        ostler.ok(arguments);
        let names = scene.check_vault(&ostler.vault(), &ostler.key(), &scene.expected, &context);
        assert_eq!(names, ["b0", "b1"], "{context}");
        let check = ostler.json(["vault", "check", "--read-data"]);
        assert_eq!(
            (&check["orphans"], &check["problems"]),
            (&0.into(), &Value::Array(vec![])),
            "{context}"
        );
        for name in &names {
            let shown = ostler.json(["backup", "show", name, "--vault", "default"]);
            assert_ne!(shown["state"], "damaged", "{context}");
        }
    }
    assert!(kills >= 10, "only {kills} runs were killed");
}
