//! What the guide on keys promises: a lost key, a leaked key, a sheet on paper.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::tree;
use tempfile::TempDir;

use crate::reader::Reader;

fn home() -> (Ostler, TempDir) {
    let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    let source = TempDir::with_prefix("ostler-source-").unwrap();
    for number in 0..20_u8 {
        fs::write(source.path().join(format!("f{number}")), vec![number; 30_000]).unwrap();
    }
    ostler.ok([
        "backup",
        "create",
        source.path().to_str().unwrap(),
        "--name",
        "first",
    ]);
    (ostler, source)
}

fn use_key(ostler: &Ostler, key: &Path) {
    ostler.configure(&format!(
        "version = 1\n[vault.default]\nlocation = \"{}\"\nkey = {{ file = \"{}\" }}\n",
        ostler.vault().display(),
        key.display()
    ));
}

fn restores(ostler: &Ostler, source: &TempDir) {
    let target = TempDir::with_prefix("ostler-target-").unwrap();
    ostler.ok(["restore", "first", "--to", target.path().to_str().unwrap()]);
    let difference = tree::difference(&tree::read(source.path()), &tree::read(target.path()));
    assert!(difference.is_empty(), "{difference}");
}

fn id_of(ostler: &Ostler, place: usize) -> String {
    let list = ostler.json(["vault", "key", "list"]);
    list["keys"][place]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_lost_key_is_replaced_by_another() {
    let (ostler, source) = home();
    let second = ostler.home().join("second.key");
    let added = ostler.json(["vault", "key", "add", "--key", second.to_str().unwrap()]);
    assert_eq!(added["done"], "added");
    assert_eq!(fs::metadata(&second).unwrap().permissions().mode() & 0o777, 0o600);
    let again = ostler.run(["vault", "key", "add", "--key", second.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(4), "{}", said(&again));
    fs::remove_file(ostler.key()).unwrap();
    assert_eq!(ostler.run(["backup", "list"]).status.code(), Some(9));
    use_key(&ostler, &second);
    restores(&ostler, &source);
    let lost = id_of(&ostler, 0);
    let refused = ostler.run(["vault", "key", "remove", &lost]);
    assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
    ostler.ok(["vault", "key", "remove", &lost[..6], "--yes"]);
    let last = ostler.run(["vault", "key", "remove", &id_of(&ostler, 0), "--yes"]);
    assert_eq!(last.status.code(), Some(4), "{}", said(&last));
    assert!(said(&last).contains("last"), "{}", said(&last));
    let unknown = ostler.run(["vault", "key", "remove", "ffffffffffff", "--yes"]);
    assert_eq!(unknown.status.code(), Some(7), "{}", said(&unknown));
    let phrase = ostler.home().join("phrase");
    fs::write(&phrase, "correct horse\n").unwrap();
    ostler.ok([
        "vault",
        "key",
        "add",
        "--passphrase-file",
        phrase.to_str().unwrap(),
    ]);
    restores(&ostler, &source);
}

#[test]
fn a_leaked_key_opens_nothing_afterwards_even_with_a_copy_of_the_wrappers() {
    let (ostler, source) = home();
    let leaked = ostler.home().join("leaked.key");
    fs::copy(ostler.key(), &leaked).unwrap();
    // Whoever has the key has copied the folder of wrappers too.
    let thief = ostler.home().join("thief");
    fs::create_dir(&thief).unwrap();
    copy(&ostler.vault().join("keys"), &thief);
    copy(&ostler.vault().join("vault.json"), &thief);

    let new = ostler.home().join("new.key");
    ostler.ok(["vault", "key", "add", "--key", new.to_str().unwrap()]);
    use_key(&ostler, &new);
    ostler.ok(["vault", "key", "remove", &id_of(&ostler, 0), "--yes"]);
    let rotate = ["vault", "key", "rotate", "--compromised"];
    let planned = ostler.run(rotate);
    assert_eq!(planned.status.code(), Some(4), "{}", said(&planned));
    let plan = ostler.json(["vault", "key", "rotate", "--compromised", "--dry-run"]);
    let digest = plan["digest"].as_str().unwrap();
    let report = ostler.json(["vault", "key", "rotate", "--compromised", "--apply", digest]);
    assert_eq!(
        (&report["done"], &report["old_bytes"]),
        (&"given up".into(), &0.into())
    );
    let stale = ostler.run(["vault", "key", "rotate", "--compromised", "--apply", digest]);
    assert_eq!(stale.status.code(), Some(4), "{}", said(&stale));
    let list = ostler.json(["vault", "key", "list"]);
    assert_eq!(list["epochs"].as_array().unwrap().len(), 1, "{list}");
    restores(&ostler, &source);
    ostler.ok(["vault", "check", "--read-data"]);
    let again = ostler.json(["backup", "create", source.path().to_str().unwrap()]);
    assert_eq!(
        again["backup"]["counts"]["new_bytes"], 0,
        "deduplication goes on: {again}"
    );

    let Some(reader) = Reader::get() else { return };
    let key = ["--key".into(), new.clone().into_os_string()];
    assert_eq!(reader.read_all(&ostler.vault(), &key).len(), 2);
    for name in [
        "packs", "index", "backups", "notes", "intents", "leases", "rounds",
    ] {
        if ostler.vault().join(name).exists() {
            copy(&ostler.vault().join(name), &thief);
        }
    }
    let words = ["list", thief.to_str().unwrap(), "--key", leaked.to_str().unwrap()];
    let stolen = reader.run(words);
    assert!(
        !stolen.status.success() && stolen.stdout.is_empty(),
        "{}",
        said(&stolen)
    );
    let opened = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    let vault = ostler.vault();
    let words = [
        "vault",
        "add",
        vault.to_str().unwrap(),
        "--key",
        leaked.to_str().unwrap(),
    ];
    assert_eq!(opened.run(words).status.code(), Some(9));
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(status.success(), "copying {}", from.display());
}

#[test]
fn a_rotation_encrypts_nothing_anew_and_all_is_read() {
    let (ostler, source) = home();
    let before = ostler.json(["vault", "info"])["bytes"].clone();
    ostler.ok(["vault", "key", "rotate", "--yes"]);
    assert_eq!(ostler.json(["vault", "info"])["bytes"], before);
    fs::write(source.path().join("new"), "new").unwrap();
    ostler.ok([
        "backup",
        "create",
        source.path().to_str().unwrap(),
        "--name",
        "second",
    ]);
    let list = ostler.json(["vault", "key", "list"]);
    assert_eq!(list["epoch"], 2);
    assert!(
        list["epochs"]
            .as_array()
            .unwrap()
            .iter()
            .all(|epoch| epoch["bytes"] != 0),
        "{list}"
    );
    assert_eq!(
        ostler.json(["vault", "check", "--read-data"])["problems"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    let Some(reader) = Reader::get() else { return };
    let restored = reader.read_all(&ostler.vault(), &["--key".into(), ostler.key().into_os_string()]);
    assert_eq!(restored.len(), 2);
}

/// What a QR code says that is drawn in half blocks.
fn scanned(sheet: &str, ink_is_dark: bool) -> String {
    let is_drawing = |line: &&str| line.chars().count() > 20 && line.chars().all(|c| " █▀▄".contains(c));
    let mut rows: Vec<Vec<bool>> = Vec::new();
    for line in sheet.lines().filter(is_drawing) {
        rows.push(line.chars().map(|c| "█▀".contains(c) == ink_is_dark).collect());
        rows.push(line.chars().map(|c| "█▄".contains(c) == ink_is_dark).collect());
    }
    let scale = 4;
    let (width, height) = (rows[0].len() * scale, rows.len() * scale);
    let shade = |x: usize, y: usize| if rows[y / scale][x / scale] { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, shade);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code is found in\n{sheet}");
    grids[0].decode().unwrap().1
}

#[test]
fn a_recovery_sheet_is_all_that_a_new_machine_needs() {
    let (ostler, source) = home();
    let paper = ostler.home().join("sheet.txt");
    ostler.ok(["vault", "key", "sheet", "--to", paper.to_str().unwrap()]);
    assert_eq!(fs::metadata(&paper).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&paper).unwrap();
    assert!(
        text.contains("SECRET") && text.contains(ostler.vault().to_str().unwrap()),
        "{text}"
    );
    for line in text.lines().filter(|line| !line.contains('/')) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let again = ostler.run(["vault", "key", "sheet", "--to", paper.to_str().unwrap()]);
    assert!(!again.status.success(), "{}", said(&again));
    let picture = ostler.home().join("sheet.svg");
    ostler.ok(["vault", "key", "sheet", "--to", picture.to_str().unwrap()]);
    assert!(fs::read_to_string(&picture).unwrap().starts_with("<svg"));

    // Scanned: the code is a key file.
    let id = ostler.json(["vault", "info"])["id"].as_str().unwrap().to_owned();
    let code = scanned(&text, true);
    assert!(code.contains(&id), "{code}");
    let printed = ostler.ok(["vault", "key", "sheet"]);
    assert_eq!(scanned(&printed, true), code);
    let scanned = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    let file = scanned.home().join("scanned.key");
    fs::write(&file, &code).unwrap();
    let (vault, file) = (ostler.vault(), file.to_str().unwrap());
    scanned.ok(["vault", "add", vault.to_str().unwrap(), "--key", file]);
    restores(&scanned, &source);

    // Typed: in small letters, with other blanks.
    let key = text
        .lines()
        .find(|line| line.starts_with("OSTLER-KEY-1:"))
        .unwrap();
    let letters = key.split_once(':').unwrap().1.to_lowercase().replace('-', " ");
    for typed in [
        letters.clone(),
        format!("ostler-key-1: {}", letters.replace(' ', "- ")),
    ] {
        let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
        let mut command = ostler.command(["vault", "add", vault.to_str().unwrap(), "--key", "-"]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(format!("{typed}\n").as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        assert!(!said(&output).contains(&typed), "the key is not repeated");
        assert_eq!(
            fs::metadata(ostler.key()).unwrap().permissions().mode() & 0o777,
            0o600
        );
        restores(&ostler, &source);
    }
    // Mistyped.
    let mistyped = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    let file = mistyped.home().join("typed.key");
    let (first, rest) = letters.split_at(1);
    let other = if first == "a" { "b" } else { "a" };
    fs::write(&file, format!("OSTLER-KEY-1:{other}{rest}")).unwrap();
    let words = [
        "vault",
        "add",
        vault.to_str().unwrap(),
        "--key",
        file.to_str().unwrap(),
    ];
    let refused = mistyped.run(words);
    assert!(!refused.status.success(), "{}", said(&refused));
    assert!(said(&refused).contains("mistyped"), "{}", said(&refused));
}
