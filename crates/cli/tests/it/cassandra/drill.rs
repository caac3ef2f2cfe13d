//! A ring of a backup started on this machine by a drill, beside the one that lives.

use std::fs;
use std::path::Path;

use super::world::World;

const DRILL: [&str; 4] = ["backup", "drill", "first", "--start"];

/// Processes that have this directory in their words.
fn processes_in(directory: &Path) -> usize {
    let words = directory.to_str().unwrap();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let of = |entry: fs::DirEntry| fs::read(entry.path().join("cmdline")).ok();
    let lines = entries.filter_map(of);
    lines
        .filter(|line| String::from_utf8_lossy(line).contains(words))
        .count()
}

/// Scratch directories.
fn scratch(world: &World) -> usize {
    let state = world.ostler.state().join("scratch");
    fs::read_dir(state).map_or(0, Iterator::count)
}

pub(super) fn a_ring_of_a_backup_is_started_beside_the_live_one(world: &World) {
    // Killed while nodes start: they end too.
    let place = world.ostler.state().join("scratch");
    let mut killed = world.ostler.command(DRILL).spawn().unwrap();
    world.until("a node starts", || processes_in(&place) > 0);
    killed.kill().unwrap();
    killed.wait().unwrap();
    world.until("no node is left", || processes_in(&place) == 0);
    let operations = world.ostler.json(["operation", "list"]);
    let id = operations["operations"][0]["id"].as_str().unwrap();

    let resumed = world.ostler.json(["operation", "resume", id]);
    assert_eq!(resumed["state"], "verified", "{resumed:#}");
    let started = &resumed["started"];
    assert_eq!(
        (&started["nodes"], &started["left_out"]),
        (&3.into(), &serde_json::json!([]))
    );
    let answers = started["answers"].as_array().unwrap();
    for part in [
        "check first words",
        "rows of shop.plain, tokens",
        "rows of shop.wide, tokens",
    ] {
        let about = answers
            .iter()
            .filter(|answer| answer["question"].as_str().unwrap().contains(part));
        let about: Vec<_> = about.collect();
        assert!(!about.is_empty(), "{part}: {resumed:#}");
        assert!(
            about.iter().all(|answer| answer["verdict"] == "same"),
            "{about:#?}"
        );
    }
    assert_eq!((processes_in(&place), scratch(world)), (0, 0));

    // The ring that lives has met nobody.
    for node in 0..3 {
        let cql = world.cql(node);
        let peers = cql
            .rows("SELECT CAST(peer AS text) FROM system.peers_v2")
            .unwrap();
        assert_eq!(peers.len(), 2, "{peers:?}");
    }

    // A question to which the backup has no answer, and one that cannot be asked.
    let own = world.ostler.home().join("settings/ostler/config.toml");
    let text = fs::read_to_string(&own).unwrap();
    let asked = "\"check.first words\" = \"SELECT word FROM shop.plain WHERE k IN (1, 2)\"";
    fs::write(
        &own,
        text.replace(asked, "\"check.gone\" = \"SELECT x FROM shop.gone\""),
    )
    .unwrap();
    let failed = world.ostler.run(DRILL);
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.contains("check gone"), "{said}");
    fs::write(&own, text).unwrap();
}
