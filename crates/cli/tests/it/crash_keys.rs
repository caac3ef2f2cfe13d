//! The real binary is killed while it changes what opens a vault; see `crash`.

use ostler_testkit::tree;
use serde_json::Value;

use crate::crash::{Moment, Scene, kill_at, moments, random_moments, resume_all, timed};

/// Steps with a number are killed by their name alone.
fn by_name(moments: Vec<Moment>) -> Vec<Moment> {
    let plain = |text: String| {
        text.trim_end_matches(|c: char| c.is_ascii_digit())
            .trim_end()
            .to_owned()
    };
    let mut seen = std::collections::BTreeSet::new();
    moments
        .into_iter()
        .map(|moment| match moment {
            Moment::Step(text) => Moment::Step(plain(text)),
            moment => moment,
        })
        .filter(|moment| match moment {
            Moment::Step(text) => seen.insert(text.clone()),
            Moment::After(_) => true,
        })
        .collect()
}

#[test]
fn giving_up_leaked_keys_killed_anywhere_loses_nothing_and_goes_on() {
    let scene = Scene::new(2);
    scene.ostler.ok(["backup", "verify", "b0"]);
    let arguments = ["vault", "key", "rotate", "--compromised", "--yes"];
    let rehearsal = scene.ostler.copy();
    let duration = timed(|| drop(rehearsal.ok(arguments)));
    let mut kills = 0;
    for moment in by_name(moments(&rehearsal, duration, 5)) {
        let context = format!("rotation killed at {moment:?}");
        let ostler = scene.ostler.copy();
        kills += u32::from(kill_at(&ostler, &arguments, &moment));
        let names = scene.check_by_oracle(&ostler, &scene.expected, &context);
        assert_eq!(names, ["b0", "b1"], "{context}");
        resume_all(&ostler, &context);
        let list = ostler.json(["vault", "key", "list"]);
        if list["epochs"][0]["number"] == 1 {
            // It was killed before it was recorded.
            ostler.ok(arguments);
        }
        let list = ostler.json(["vault", "key", "list"]);
        let epochs = list["epochs"].as_array().unwrap();
        assert_eq!(
            (epochs.len(), &list["old_bytes"]),
            (1, &0.into()),
            "{context}: {list}"
        );
        let check = ostler.json(["vault", "check", "--read-data"]);
        assert_eq!(check["problems"], Value::Array(vec![]), "{context}");
        let states = ostler.json(["backup", "list"]);
        let states: Vec<_> = states["backups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|b| &b["state"])
            .collect();
        assert_eq!(states.len(), 2, "{context}: {states:?}");
        assert!(
            states.iter().all(|state| *state != "damaged"),
            "{context}: {states:?}"
        );
    }
    assert!(kills >= 8, "only {kills} runs were killed");
}

#[test]
fn a_rotation_killed_anywhere_is_done_or_not_and_goes_on() {
    let scene = Scene::new(2);
    scene.change_source(50);
    let mut later = scene.expected.clone();
    later.insert("b2".into(), tree::read(scene.source.path()));
    let arguments = ["vault", "key", "rotate"];
    let rehearsal = scene.ostler.copy();
    let duration = timed(|| drop(rehearsal.ok(arguments)));
    let steps = ["before:new epoch", "after:new epoch"].map(|step| Moment::Step(step.to_owned()));
    let mut kills = 0;
    for moment in steps.into_iter().chain(random_moments(duration, 9)) {
        let context = format!("plain rotation killed at {moment:?}");
        let ostler = scene.ostler.copy();
        kills += u32::from(kill_at(&ostler, &arguments, &moment));
        let names = scene.check_by_oracle(&ostler, &scene.expected, &context);
        assert_eq!(names, ["b0", "b1"], "{context}");
        resume_all(&ostler, &context);
        let epochs = || {
            ostler.json(["vault", "key", "list"])["epochs"]
                .as_array()
                .unwrap()
                .len()
        };
        if epochs() == 1 {
            // It was killed before it was recorded.
            ostler.ok(arguments);
        }
        // A rotation that was resumed has begun one epoch, not two; and backups go on.
        assert_eq!(epochs(), 2, "{context}");
        ostler.ok(["backup", "create", scene.source(), "--name", "b2"]);
        let names = scene.check_by_oracle(&ostler, &later, &context);
        assert_eq!(names, ["b0", "b1", "b2"], "{context}");
        let check = ostler.json(["vault", "check", "--read-data"]);
        assert_eq!(
            (&check["orphans"], &check["problems"]),
            (&0.into(), &Value::Array(vec![])),
            "{context}"
        );
    }
    assert!(kills >= 2, "only {kills} runs were killed");
}

#[test]
fn adding_and_removing_a_key_killed_anywhere_is_done_or_not_and_goes_on() {
    let scene = Scene::new(1);
    let add = |ostler: &ostler_testkit::binary::Ostler| {
        let file = ostler.home().join("second.key");
        ["vault", "key", "add", "--key", file.to_str().unwrap()].map(str::to_owned)
    };
    for point in [
        "before:write key file",
        "after:write key file",
        "before:add key",
        "after:add key",
    ] {
        let ostler = scene.ostler.copy();
        let words = add(&ostler);
        let words = words.each_ref().map(String::as_str);
        assert!(
            kill_at(&ostler, &words, &Moment::Step(point.to_owned())),
            "{point}"
        );
        resume_all(&ostler, point);
        let list = ostler.json(["vault", "key", "list"]);
        let keys = list["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 2, "{point}: {list}");
        // The first goes; the second opens everything.
        let first = keys[0]["id"].as_str().unwrap().to_owned();
        let removal = ["vault", "key", "remove", &first, "--yes"];
        let point = match point.starts_with("before") {
            true => "before:remove key",
            false => "after:remove key",
        };
        assert!(kill_at(&ostler, &removal, &Moment::Step(point.to_owned())));
        ostler.configure(&format!(
            "version = 1\n[vault.default]\nlocation = \"{}\"\nkey = {{ file = \"{}\" }}\n",
            ostler.vault().display(),
            words[4]
        ));
        resume_all(&ostler, point);
        let list = ostler.json(["vault", "key", "list"]);
        assert_eq!(list["keys"].as_array().unwrap().len(), 1, "{point}: {list}");
        ostler.ok(["backup", "verify", "b0", "--read-data"]);
    }
}
