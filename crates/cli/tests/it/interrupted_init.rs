//! `vault init`, killed anywhere: the same command goes on, and nothing makes another vault instead.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Output;

use ostler_testkit::binary::{Ostler, said};

fn ostler() -> (Ostler, String) {
    let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    let data = ostler.home().join("data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("a"), "content\n").unwrap();
    fs::write(ostler.home().join("passphrase"), "correct horse\n").unwrap();
    let data = data.display().to_string();
    (ostler, data)
}

fn code(output: &Output, expected: i32) -> String {
    assert_eq!(output.status.code(), Some(expected), "{}", said(output));
    said(output)
}

fn is_there(directory: &Path) -> bool {
    directory.join("vault.json").exists()
}

#[test]
fn the_same_command_goes_on_after_a_kill_at_any_moment() {
    for options in [
        &["vault", "init", "shop", "--key", "shop.key"][..],
        &["vault", "init", "shop", "--passphrase-file", "passphrase"],
        &["vault", "init", "shop", "--unencrypted"],
        &["vault", "init"],
    ] {
        for moment in ["before:configure vault", "before:make vault", "after:make vault"] {
            let context = format!("{options:?} killed {moment}");
            let (ostler, data) = ostler();
            let place = match options.len() {
                2 => ostler.vault(),
                _ => ostler.home().join("shop"),
            };
            let killed = ostler
                .command(options)
                .env("OSTLER_TEST_KILL", moment)
                .output()
                .unwrap();
            let has_key = options.len() == 2 || options.contains(&"--key");
            if moment == "after:make vault" && !has_key {
                code(&killed, 0);
            } else {
                assert_eq!(killed.status.signal(), Some(9), "{context}: {}", said(&killed));
                // Nothing but this vault is the default one, once the command wanted it.
                if moment != "before:configure vault" && options.len() > 2 {
                    let other = ostler.run(["backup", "create", &data]);
                    assert!(!other.status.success(), "{context}: {}", said(&other));
                    assert!(!is_there(&ostler.vault()), "{context}");
                }
                let again = ostler.run(options);
                assert!(again.status.success(), "{context}: {}", said(&again));
            }
            assert!(is_there(&place), "{context}");
            ostler.ok(["backup", "create", &data]);
            assert_eq!(
                fs::read_dir(place.join("backups")).unwrap().count(),
                1,
                "{context}"
            );
            let left = fs::read_dir(ostler.home()).unwrap().flatten();
            let left = left.filter(|entry| entry.file_name().to_string_lossy().ends_with(".new"));
            assert_eq!(left.count(), 0, "{context}");
            // It is complete now, and stays as it is.
            code(&ostler.run(options), 4);
        }
    }
}

#[test]
fn a_vault_that_an_older_version_did_not_configure_goes_on_or_is_added() {
    let (ostler, data) = ostler();
    let init = ["vault", "init", "shop", "--key", "shop.key"];
    ostler.ok(init);
    let config = ostler.home().join("settings/ostler/config.toml");
    fs::remove_file(&config).unwrap();
    ostler.ok(init);
    ostler.ok(["backup", "create", &data]);

    // One with backups is added instead: it may be another machine's.
    fs::remove_file(&config).unwrap();
    let text = code(&ostler.run(init), 4);
    let add = format!(
        "`ostler vault add {} --name default --key {}`",
        ostler.home().join("shop").display(),
        ostler.home().join("shop.key").display()
    );
    assert!(text.replace('\n', " ").contains(&add), "{text}");
    let words: Vec<&str> = add.trim_matches('`').split(' ').skip(1).collect();
    ostler.ok(words);
    assert_eq!(
        ostler.json(["backup", "list"])["backups"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
