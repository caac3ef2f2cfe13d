//! The file system of the state is full: what reads and what restores works, and the rest says why not.

use std::fs;
use std::process::{Command, Output};

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::install;

/// Runs a command whose state directory is on a file system of its own without a free byte.
fn on_a_full_disk(ostler: &Ostler, words: &[&str]) -> Output {
    let inner = ostler.command(words);
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-ec"])
        .arg(
            r#"cp -a "$1" "$1.copy"; mount -t tmpfs -o size=64m tmpfs "$1"; cp -a "$1.copy/." "$1"; rm -r "$1.copy"
               dd if=/dev/zero of="$1/fill" bs=4k 2> /dev/null || true
               shift; exec "$@""#,
        )
        .arg("sh")
        .arg(ostler.state())
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(ostler.home());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.output().unwrap()
}

#[test]
fn with_a_full_state_what_reads_and_what_restores_works_and_the_rest_names_the_disk() {
    let may = Command::new("unshare")
        .args(["--mount", "true"])
        .output()
        .unwrap();
    let may = match may.status.success() {
        true => Ok(()),
        false => Err(std::io::Error::other("this process may not mount")),
    };
    if install::or_skip("mount", may.map_err(Into::into)).is_none() {
        return;
    }
    let ostler = Ostler::new(env!("CARGO_BIN_EXE_ostler"));
    fs::create_dir(ostler.home().join("documents")).unwrap();
    fs::write(ostler.home().join("documents/letter"), "Dear reader,\n").unwrap();
    ostler.ok(["backup", "create", "documents"]);
    let state = ostler.state().display().to_string();
    let full = format!("no space left on the file system of {state}");
    for words in [
        &["backup", "list"][..],
        &["backup", "show", "latest"],
        &["vault", "info"],
        &["vault", "check"],
        &["restore", "latest", "--to", "there"],
    ] {
        let done = on_a_full_disk(&ostler, words);
        assert_eq!(done.status.code(), Some(0), "{words:?}\n{}", said(&done));
        assert!(said(&done).contains(&full), "{words:?}\n{}", said(&done));
    }
    let mut found = Vec::new();
    let mut left = vec![ostler.home().join("there")];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).unwrap().flatten() {
            match entry.path().is_dir() {
                true => left.push(entry.path()),
                false => found.push(fs::read_to_string(entry.path()).unwrap()),
            }
        }
    }
    assert_eq!(found, ["Dear reader,\n"]);
    for words in [
        &["backup", "create", "documents"][..],
        &["operation", "list"],
        &["backup", "hold", "latest"],
        &["schedule", "list"],
    ] {
        let refused = on_a_full_disk(&ostler, words);
        assert_eq!(refused.status.code(), Some(1), "{words:?}\n{}", said(&refused));
        assert!(said(&refused).contains(&full), "{words:?}\n{}", said(&refused));
        assert!(
            said(&refused).contains("hint: free"),
            "{words:?}\n{}",
            said(&refused)
        );
    }
    assert_eq!(
        ostler.json(["backup", "list"])["backups"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
