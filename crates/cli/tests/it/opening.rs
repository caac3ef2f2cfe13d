//! How vaults are encrypted and opened: ciphers, age, the system's key stores.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::key_stores::{KeyStores, key_stores};

/// An age identity, from 32 bytes of 1, and its recipient.
const IDENTITY: &str = "AGE-SECRET-KEY-1QYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZ9K4CN";
const RECIPIENT: &str = "age15nsf9y4k28p83wth93tf7hafhvfajp45d2mge80ems45gz0c5gys3me64l";
/// The recipient of another one.
const OTHER_RECIPIENT: &str = "age1e6xn45wvkce7c7msc9upffw8dmxs9959q5xng369hgzcwrjc04vszex59m";

pub(crate) fn ostler() -> Ostler {
    Ostler::new(env!("CARGO_BIN_EXE_ostler"))
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn code(output: &Output, expected: i32) -> String {
    assert_eq!(output.status.code(), Some(expected), "{}", said(output));
    said(output)
}

pub(crate) fn with_data(ostler: &Ostler) -> PathBuf {
    let data = ostler.home().join("data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("a"), "content\n").unwrap();
    data
}

fn with_identity(ostler: &Ostler) -> PathBuf {
    let file = ostler.home().join("identity.txt");
    fs::write(&file, format!("# a test's\n{IDENTITY}\n")).unwrap();
    file
}

#[test]
fn the_cipher_is_chosen_once_and_every_machine_reads_both() {
    let ostler = ostler();
    let data = with_data(&ostler);
    for cipher in ["aes-256-gcm", "chacha20-poly1305"] {
        let place = ostler.home().join(format!("vault-{cipher}"));
        let made = ostler.json([
            "vault",
            "init",
            text(&place),
            "--name",
            cipher,
            "--cipher",
            cipher,
        ]);
        assert_eq!(made["encryption"], cipher, "{made}");
        ostler.ok(["backup", "create", text(&data), "--vault", cipher]);
        ostler.ok(["backup", "drill", "latest", "--vault", cipher]);
        let config = fs::read_to_string(place.join("vault.json")).unwrap();
        assert!(config.contains(cipher), "{config}");
    }
    let refused = ostler.run([
        "vault",
        "init",
        "x",
        "--cipher",
        "chacha20-poly1305",
        "--unencrypted",
    ]);
    code(&refused, 2);
    code(&ostler.run(["vault", "init", "x", "--cipher", "rot13"]), 2);
}

#[test]
fn a_vault_for_an_age_identity_needs_no_editor() {
    let ostler = ostler();
    let (data, identity) = (with_data(&ostler), with_identity(&ostler));
    let place = ostler.home().join("aged");
    let init = [
        "vault",
        "init",
        text(&place),
        "--name",
        "aged",
        "--age",
        RECIPIENT,
    ];
    let made = ostler.ok(init.into_iter().chain(["--age-identity", text(&identity)]));
    assert!(made.contains("age"), "{made}");
    ostler.ok(["backup", "create", text(&data), "--vault", "aged"]);
    ostler.ok(["backup", "verify", "latest", "--vault", "aged", "--read-data"]);
    let config = fs::read_to_string(ostler.home().join("settings/ostler/config.toml")).unwrap();
    assert!(config.contains("age_identity = { file = "), "{config}");
    assert!(!config.contains("AGE-SECRET-KEY"), "{config}");

    // Another machine gets the identity and the address.
    let other = self::ostler();
    let identity = with_identity(&other);
    other.ok(["vault", "add", text(&place), "--age-identity", text(&identity)]);
    other.ok(["restore", "latest", "--to", text(&other.home().join("restored"))]);
    assert_eq!(
        fs::read_to_string(other.home().join("restored/a")).unwrap(),
        "content\n"
    );
}

#[test]
fn an_identity_alone_is_enough_also_for_the_default_vault() {
    let ostler = ostler();
    let (data, identity) = (with_data(&ostler), with_identity(&ostler));
    ostler.ok(["vault", "init", "--age-identity", text(&identity)]);
    ostler.ok(["backup", "create", text(&data)]);
    assert!(!ostler.key().exists(), "no key file was asked for");
    assert_eq!(ostler.json(["vault", "info"])["keys"][0]["kind"], "age");
}

#[test]
fn the_only_vault_needs_no_name_where_it_is_there_already() {
    let ostler = ostler();
    let data = with_data(&ostler);
    let place = ostler.home().join("shop");
    ostler.ok(["vault", "init", text(&place), "--name", "shop"]);
    for number in ["1", "2", "3"] {
        fs::write(data.join("a"), number).unwrap();
        let create = ["backup", "create", text(&data), "--vault", "shop", "--name"];
        ostler.ok(create.into_iter().chain([number]));
    }
    ostler.ok(["backup", "delete", "1", "--yes"]);
    ostler.ok(["backup", "prune", "--keep-last", "1", "--yes"]);
    assert_eq!(ostler.json(["vault", "check"])["backups"], 1);
    assert!(ostler.ok(["vault", "info"]).contains("shop"));
    let list = ostler.json(["backup", "list"]);
    assert_eq!(list["backups"].as_array().unwrap().len(), 1, "{list}");
    assert!(!ostler.vault().exists(), "no default vault is made");
}

#[test]
fn a_vault_that_lost_its_vault_json_is_not_made_again() {
    let ostler = ostler();
    let data = with_data(&ostler);
    ostler.ok(["backup", "create", text(&data)]);
    let file = ostler.vault().join("vault.json");
    let original = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let keys = || fs::read_dir(ostler.state().join("keys")).unwrap().count();
    let before = keys();
    for words in [
        &["backup", "create", text(&data)][..],
        &["backup", "list"],
        &["vault", "init"],
        &["vault", "init", text(&ostler.vault()), "--name", "again"],
    ] {
        let said = code(&ostler.run(words), 6);
        assert!(said.contains("`vault.json` of their vault is missing"), "{said}");
    }
    assert_eq!(keys(), before);
    fs::write(&file, original).unwrap();
    ostler.ok(["backup", "verify", "latest", "--read-data"]);
}

#[test]
fn a_path_in_the_state_directory_is_refused() {
    let ostler = ostler();
    let data = with_data(&ostler);
    ostler.ok(["backup", "create", text(&data)]);
    let link = ostler.home().join("link");
    std::os::unix::fs::symlink(ostler.state(), &link).unwrap();
    for path in [
        ostler.state(),
        ostler.state().join("keys"),
        ostler.key(),
        link.join("keys"),
    ] {
        let said = code(&ostler.run(["backup", "create", text(&path)]), 2);
        assert!(said.contains("which no backup holds"), "{said}");
    }
}

#[test]
fn an_identity_that_opens_nothing_is_refused_before_a_vault_is_made() {
    let ostler = ostler();
    let identity = with_identity(&ostler);
    let place = ostler.home().join("aged");
    let init = |recipient: &str| {
        ostler.run([
            "vault",
            "init",
            text(&place),
            "--name",
            "aged",
            "--age",
            recipient,
            "--age-identity",
            text(&identity),
        ])
    };
    let said = code(&init(OTHER_RECIPIENT), 2);
    assert!(said.contains(RECIPIENT), "the hint names what is missing: {said}");
    assert!(!place.join("vault.json").exists());
    code(&init(RECIPIENT), 0);
}

#[test]
fn a_vault_made_for_others_says_that_nothing_here_opens_it_and_is_opened_later() {
    let ostler = ostler();
    let (data, identity) = (with_data(&ostler), with_identity(&ostler));
    let place = ostler.home().join("aged");
    let made = ostler.ok([
        "vault",
        "init",
        text(&place),
        "--name",
        "aged",
        "--age",
        RECIPIENT,
    ]);
    assert!(
        made.contains("warning: nothing here opens this vault again"),
        "{made}"
    );
    code(
        &ostler.run(["backup", "create", text(&data), "--vault", "aged"]),
        9,
    );
    ostler.ok([
        "vault",
        "add",
        text(&place),
        "--name",
        "aged",
        "--age-identity",
        text(&identity),
    ]);
    ostler.ok(["backup", "create", text(&data), "--vault", "aged"]);
}

/// A command in the home and environment of this `ostler`, with the key stores' programs on its path.
fn beside(ostler: &Ostler, stores: &KeyStores, program: &str) -> Command {
    let model = ostler.command([] as [&str; 0]);
    let mut command = Command::new("env");
    command.env_clear().current_dir(ostler.home());
    for (name, value) in model.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    stores.surround(&mut command);
    command.env("OSTLER", model.get_program()).arg(program);
    command
}

/// The name of the key in the key store; the kernel still shows those of sessions that are over.
fn entry() -> String {
    format!("test-{}", std::process::id())
}

/// A vault whose key is in the key store only.
fn with_key_in_store(ostler: &Ostler) {
    ostler.ok(["vault", "init", "vault", "--name", "kept", "--key", "kept.key"]);
    let vault = ostler.home().join("vault");
    ostler.configure(&format!(
        "version = 1\n[defaults]\nvault = \"kept\"\n[vault.kept]\nlocation = \"{}\"\nkey = {{ keyring = \"{}\" }}\n",
        vault.display(),
        entry()
    ));
}

const USE: &str = r#"
"$OSTLER" backup create data && "$OSTLER" vault info && "$OSTLER" config show
"#;

#[test]
fn the_kernels_key_store_opens_a_vault() {
    let Some(stores) = key_stores() else { return };
    let ostler = ostler();
    with_data(&ostler);
    with_key_in_store(&ostler);
    let mut session = beside(&ostler, &stores, "keyctl");
    let done = session
        .args(["session", "-", "sh", "-c", "exec \"$OSTLER\" vault info"])
        .output()
        .unwrap();
    assert_ne!(done.status.code(), Some(0));
    let said = said_of(&done);
    assert!(said.contains("keyctl has no such entry"), "{said}");
    assert!(said.contains("hint: put it there:"), "{said}");

    // A session keyring of its own, which ends with the session.
    let script = format!(
        "keyctl padd user ostler:{} @s < kept.key && rm kept.key\n{USE}",
        entry()
    );
    let mut session = beside(&ostler, &stores, "keyctl");
    let done = session
        .args(["session", "-", "sh", "-ec", &script])
        .output()
        .unwrap();
    let said = code(&done, 0);
    assert!(said.contains(&entry()), "{said}");
    assert!(!said.contains("OSTLER-KEY-1"), "{said}");
}

fn said_of(output: &Output) -> String {
    said(output).replace('\n', " ")
}

#[test]
fn the_desktops_key_store_opens_a_vault() {
    let Some(stores) = key_stores() else { return };
    let ostler = ostler();
    with_data(&ostler);
    with_key_in_store(&ostler);
    let script = format!(
        r#"
printf password | gnome-keyring-daemon --unlock --foreground --components=secrets >daemon.log 2>&1 &
daemon=$!
trap 'kill $daemon' EXIT
tries=0
until secret-tool store --label ostler service ostler account {} <kept.key; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || exit 99
    sleep 0.1
done
rm kept.key
{USE}
"#,
        entry()
    );
    let mut session = beside(&ostler, &stores, "dbus-run-session");
    let done = session.args(["--", "sh", "-ec", &script]).output().unwrap();
    let said = code(&done, 0);
    assert!(said.contains(&entry()), "{said}");
    assert!(!said.contains("OSTLER-KEY-1"), "{said}");
}
