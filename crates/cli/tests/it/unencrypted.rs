//! Vaults that are not encrypted, on purpose or because a store says so.

use std::fs;
use std::path::Path;
use std::process::Command;

use ostler_testkit::tree;

use crate::opening::{code, ostler, text, with_data};

/// What a store does that replaces a vault by one that is not encrypted.
fn replace(vault: &Path, plain: &Path) {
    fs::copy(plain.join("vault.json"), vault.join("vault.json")).unwrap();
}

fn packs(vault: &Path) -> usize {
    tree::read(&vault.join("packs")).len()
}

#[test]
fn a_vault_that_says_it_is_not_encrypted_is_refused_where_a_key_for_it_is_known() {
    let ostler = ostler();
    let data = with_data(&ostler);
    let [plain, named] = ["plain", "named"].map(|name| ostler.home().join(name));
    ostler.ok(["vault", "init", text(&plain), "--name", "plain", "--unencrypted"]);
    let key = ostler.home().join("named.key");
    let init = ["vault", "init", text(&named), "--name", "named", "--key"];
    ostler.ok(init.into_iter().chain([text(&key)]));
    ostler.ok(["vault", "init"]);
    let create = |vault: &str| ostler.command(["backup", "create", text(&data), "--vault", vault]);
    let config = ostler.home().join("settings/ostler/config.toml");

    // A key that the configuration names, and a key file of first use.
    for (name, place, hint) in [
        ("named", &named, "take the key out of [vault.named]".to_owned()),
        (
            "default",
            &ostler.vault(),
            format!("move {} away", ostler.key().display()),
        ),
    ] {
        code(&create(name).output().unwrap(), 0);
        let stored = packs(place);
        let original = fs::read(place.join("vault.json")).unwrap();
        replace(place, &plain);
        let said = code(&create(name).output().unwrap(), 4);
        assert!(said.contains("says that it is not encrypted"), "{said}");
        assert!(said.contains(&hint), "{said}");
        for words in [
            vec!["backup", "list", "--vault", name],
            vec!["vault", "check", name],
        ] {
            code(&ostler.run(words), 4);
        }
        assert_eq!(packs(place), stored);
        fs::write(place.join("vault.json"), original).unwrap();
        code(&create(name).output().unwrap(), 0);
    }
    let location = text(&plain);
    let key = text(&key);
    let by_key = ["vault", "add", location, "--name", "added", "--key", key];
    code(&ostler.run(by_key), 4);

    // A key that the environment alone has opens whatever configures no key, but what is unencrypted on purpose.
    let with_key = |mut command: Command| code(&command.env("OSTLER_KEY_FILE", key).output().unwrap(), 0);
    with_key(create("plain"));
    let text_of = fs::read_to_string(&config).unwrap();
    assert!(text_of.contains("\n[vault.plain]\nlocation = "), "{text_of}");
    assert!(text_of.contains("encryption = \"none\"\n"), "{text_of}");
    let by_place = ostler
        .command(["backup", "list", "--vault", location])
        .env("OSTLER_KEY_FILE", key)
        .output()
        .unwrap();
    let said = code(&by_place, 4);
    assert!(
        said.contains("`encryption = \"none\"` in [vault.NAME] of "),
        "{said}"
    );
    code(&ostler.run(["backup", "list", "--vault", location]), 0);

    // Nothing is made that would be refused later.
    let again = ostler.home().join("again");
    let unencrypted = ["vault", "init", text(&again), "--unencrypted", "--name"];
    fs::write(ostler.state().join("keys/again.key"), "a key\n").unwrap();
    let said = code(&ostler.run(unencrypted.into_iter().chain(["again"])), 2);
    assert!(said.contains("again.key"), "{said}");
    let encrypted = ["vault", "init", "--name", "plain"];
    code(&ostler.run(encrypted), 2);
    assert!(!again.join("vault.json").exists());
}

#[test]
fn an_unencrypted_vault_of_before_opens_beside_an_encrypted_one() {
    let ostler = ostler();
    let data = with_data(&ostler);
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vault/samples/v1/unencrypted-named");
    let place = ostler.home().join("plain");
    let copied = Command::new("cp")
        .arg("-r")
        .args([&sample.join("vault"), &place])
        .status();
    assert!(copied.unwrap().success());
    let config = fs::read_to_string(sample.join("config.toml")).unwrap();
    ostler.configure(&config.replace("/tmp/ostler-sample-vault", text(&place)));
    let backup = |vault: &'static str, key: Option<&Path>| {
        let mut command = ostler.command(["backup", "create", text(&data), "--vault", vault]);
        command.envs(key.map(|key| ("OSTLER_KEY_FILE", key)));
        command.output().unwrap()
    };
    code(&backup("default", None), 0);
    ostler.ok(["backup", "verify", "first", "--vault", "plain", "--read-data"]);
    code(&backup("plain", None), 0);
    let latest = [
        "backup",
        "verify",
        "latest",
        "--path",
        text(&data),
        "--read-data",
        "--vault",
    ];
    ostler.ok(latest.into_iter().chain(["plain"]));
    ostler.ok(["backup", "verify", "latest", "--vault", "default", "--read-data"]);

    // With a key in the environment it may be one that was replaced, unless the configuration says that it is not.
    let key = ostler.home().join("elsewhere.key");
    fs::rename(ostler.key(), &key).unwrap();
    code(&backup("default", Some(&key)), 0);
    let said = code(&backup("plain", Some(&key)), 4);
    assert!(
        said.contains("write `encryption = \"none\"` in [vault.plain] of "),
        "{said}"
    );
    let config = ostler.home().join("settings/ostler/config.toml");
    let written = fs::read_to_string(&config).unwrap();
    let added = written.replace("[vault.plain]\n", "[vault.plain]\nencryption = \"none\"\n");
    fs::write(&config, added).unwrap();
    code(&backup("plain", Some(&key)), 0);
    code(&backup("default", Some(&key)), 0);
    // What is configured as unencrypted and is not says what to change.
    let encrypted = ["vault.json", "keys"].map(|name| ostler.vault().join(name));
    let copied = Command::new("cp").arg("-r").args(encrypted).arg(&place).status();
    assert!(copied.unwrap().success());
    let said = code(&backup("plain", None), 9);
    assert!(said.contains("take `encryption = \"none\"` out"), "{said}");
}
