//! `--server`: the same command line, done by a server.

use std::fs;

use ostler_testkit::binary::{Ostler, said};
use ostler_testkit::tree;
use serde_json::Value;

use crate::served::{Served, home, noise};

/// A home that asks the server of another.
struct Asking {
    home: Ostler,
    url: String,
    token: String,
}

impl Asking {
    fn run(&self, words: &[&str]) -> std::process::Output {
        let server = ["--server", self.url.as_str()];
        let words = words.iter().chain(&server);
        self.home
            .command(words)
            .env("OSTLER_TOKEN", &self.token)
            .output()
            .unwrap()
    }

    fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Without what passes while it is asked.
fn timeless(text: &str) -> String {
    text.lines()
        .filter(|line| {
            !["ago", "just now", "TRAFFIC"]
                .iter()
                .any(|word| line.contains(word))
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_server_does_what_the_command_line_does_with_the_same_output() {
    let (there, here) = (home(), home());
    let served = Served::start(&there, &[]);
    let token = there
        .ok(["token", "add", "laptop", "--role", "operator"])
        .trim()
        .to_owned();
    let asking = Asking {
        home: here,
        url: served.url.clone(),
        token,
    };
    let data = there.home().join("data");
    noise(&data.join("deep/noise.bin"), 5);
    fs::write(data.join("a.txt"), "a").unwrap();
    let path = data.display().to_string();

    let made: Value =
        serde_json::from_str(&asking.ok(&["backup", "create", &path, "--output", "json"])).unwrap();
    assert_eq!(made["backup"]["state"], "complete", "{made}");
    assert!(!asking.home.state().join("vault").exists(), "it was made here");
    for verb in [
        &["backup", "list", "--output", "json"][..],
        &["backup", "list"],
        &["backup", "show", "latest", "--output", "json"],
        &["backup", "show", "latest", "--files"],
        &["backup", "diff", "latest", "latest", "--output", "json"],
        &["vault", "list"],
        &["vault", "info", "--output", "json"],
        &["vault", "key", "list", "--output", "json"],
        &["operation", "list", "--output", "json"],
        &["operation", "export"],
    ] {
        assert_eq!(timeless(&asking.ok(verb)), timeless(&there.ok(verb)), "{verb:?}");
    }
    asking.ok(&["backup", "verify", "latest", "--read-data"]);
    let target = there.home().join("restored").display().to_string();
    asking.ok(&["restore", "latest", "--to", &target]);
    let restored = there.home().join("restored/data");
    let restored = if restored.exists() {
        restored
    } else {
        target.clone().into()
    };
    assert_eq!(tree::read(&restored), tree::read(&data));
    let printed = asking.run(&["restore", "latest", "--stdout", &format!("{path}/deep/noise.bin")]);
    assert!(
        printed.stdout == fs::read(data.join("deep/noise.bin")).unwrap(),
        "{}",
        said(&printed).len()
    );

    // Exit codes and explanations come through.
    for (words, code) in [
        (&["backup", "show", "ffffffff"][..], 7),
        (&["backup", "create", "relative/path"], 2),
        (&["vault", "init", "/tmp/elsewhere"], 9),
        (&["vault", "probe"], 1),
        (&["backup", "drill", "latest", "--check", "true"], 9),
        (&["backup", "delete", "latest"], 4),
    ] {
        let output = asking.run(words);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", said(&output));
        assert!(said(&output).contains("hint: "), "{words:?}: {}", said(&output));
    }
    assert_eq!(served.stop(), Some(0));
    let output = asking.run(&["backup", "list"]);
    assert_eq!(output.status.code(), Some(8), "{}", said(&output));
}

#[test]
fn without_a_right_token_nothing_is_told() {
    let there = home();
    let served = Served::start(&there, &[]);
    let asking = Asking {
        home: home(),
        url: served.url.clone(),
        token: "ostler_wrong".to_owned(),
    };
    let output = asking.run(&["backup", "list"]);
    assert_eq!(output.status.code(), Some(9), "{}", said(&output));
    let asking = Asking {
        token: String::new(),
        ..asking
    };
    let output = asking.run(&["backup", "list"]);
    assert!(said(&output).contains("ostler token add"), "{}", said(&output));
    // What is kept of a token does not let anybody in.
    let token = there.ok(["token", "add", "viewer"]).trim().to_owned();
    let kept = fs::read(there.state().join("access.db")).unwrap();
    assert!(!String::from_utf8_lossy(&kept).contains(&token));
    assert_eq!(served.stop(), Some(0));
}
