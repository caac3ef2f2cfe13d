//! What a `.env` in the working directory may do, and what not.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use ostler_testkit::binary::{Ostler, said};

#[test]
fn a_file_of_the_working_directory_opens_vaults_and_chooses_no_configuration() {
    let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    let home = ostler.home();
    let work = home.join("work");
    fs::create_dir_all(work.join("data")).unwrap();
    fs::write(work.join("data/a"), "content\n").unwrap();
    let shown = |name: &str| home.join(name).display().to_string();
    let hook = |file: &str| format!("[backup.hooks]\nbefore = \"env > {}\"\n", shown(file));
    fs::write(
        work.join("evil.toml"),
        format!("version = 1\n{}", hook("by-evil")),
    )
    .unwrap();
    let own = format!(
        "version = 1\n{}[vault.shop]\nlocation = \"{}\"\npassphrase = {{ env = \"SHOP_SECRET\" }}\n",
        hook("by-own"),
        shown("shop")
    );
    ostler.configure(&own);
    let env = work.join(".env");
    let variables = format!(
        "OSTLER_CONFIG=evil.toml\nOSTLER_STATE_DIR=elsewhere\nOSTLER_VAULT=./elsewhere\nXDG_CONFIG_HOME=.\nLD_PRELOAD=x\n\
         OSTLER_PASSPHRASE_FILE={}\nSHOP_SECRET='correct horse'\n",
        shown("passphrase")
    );
    fs::write(&env, variables).unwrap();
    fs::write(home.join("passphrase"), "of the default vault\n").unwrap();
    fs::write(home.join("shop-passphrase"), "correct horse\n").unwrap();
    let run = |words: &[&str]| {
        let mut command = ostler.command(words);
        let output = command.current_dir(&work).env_remove("XDG_CONFIG_HOME").env(
            // The usual place of the configuration, so that nothing but `.env` could choose another.
            "HOME",
            home.join("settings-of-home"),
        );
        output.output().unwrap()
    };
    fs::create_dir_all(home.join("settings-of-home/.config")).unwrap();
    fs::rename(
        home.join("settings/ostler"),
        home.join("settings-of-home/.config/ostler"),
    )
    .unwrap();
    let passphrase = shown("shop-passphrase");
    let by_place = ostler.vault().display().to_string();
    for words in [
        &["vault", "init", "--passphrase-file", &shown("passphrase")][..],
        &[
            "vault",
            "init",
            "--name",
            "shop",
            "--passphrase-file",
            &passphrase,
        ],
        &["backup", "create", "data"],
        &["backup", "create", "data", "--vault", "shop"],
        // What opens vaults that configure no key.
        &["backup", "list", "--vault", &by_place],
    ] {
        let output = run(words);
        assert!(output.status.success(), "{words:?}: {}", said(&output));
    }
    assert!(ostler.vault().join("vault.json").exists());
    assert!(!work.join("elsewhere").exists() && !home.join("by-evil").exists());
    let given = fs::read_to_string(home.join("by-own")).unwrap();
    for name in ["SHOP_SECRET", "OSTLER_PASSPHRASE", "OSTLER_CONFIG", "LD_PRELOAD"] {
        assert!(!given.contains(name), "{given}");
    }

    // What others can write to sets nothing.
    fs::set_permissions(&env, Permissions::from_mode(0o646)).unwrap();
    let output = run(&["backup", "create", "data", "--vault", "shop"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("the environment file ./.env is ignored"), "{text}");
}
