//! Vaults made in the dashboard and through a server, by which the server knows them at once.

use std::fs;

use ostler_testkit::servers::browser;

use crate::dashboard::{button, fill, link, look_at, marked};
use crate::served::{Served, home};
use serde_json::json;

#[test]
fn a_vault_is_made_by_a_form_and_takes_a_backup_at_once() {
    let Some(browser) = browser() else {
        return;
    };
    let home = home();
    home.configure("version = 1\n# by hand\n");
    let served = Served::start(&home, &[]);
    browser.open(served.link.as_ref().unwrap());
    browser.click(&button("Sign in"));
    browser.wait_for("Nothing is backed up yet");
    browser.open(&format!("{}/vaults", served.url));
    browser.click(&link("Make a vault"));
    browser.wait_for("Make the vault");

    // What is wrong is said at its field, and nothing is made.
    fill(&browser, "name", "disk");
    fill(&browser, "location", "relative/place");
    look_at(&browser, "vault-new");
    browser.click(&button("Make the vault"));
    browser.wait_for("is no place for a vault");
    assert_eq!(marked(&browser), json!(["location"]));
    look_at(&browser, "vault-refused");
    let place = home.home().join("disk");
    fill(&browser, "location", &place.display().to_string());
    browser.click(&button("Make the vault"));
    browser.wait_for("copy it to a safe place");
    look_at(&browser, "vault-made");
    let text = fs::read_to_string(home.home().join("settings/ostler/config.toml")).unwrap();
    assert!(
        text.contains("# by hand") && text.contains("[vault.disk]"),
        "{text}"
    );
    assert!(home.state().join("keys/disk.key").exists());

    // The server knows it without being told.
    let data = home.home().join("documents");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("letter"), "Dear reader").unwrap();
    browser.click(&link("All vaults"));
    browser.wait_for("opens");
    look_at(&browser, "vaults");
    let token = home.ok(["token", "add", "laptop", "--role", "admin"]);
    let asked = |words: &[&str]| {
        let output = home
            .command([words, &["--server", served.url.as_str()]].concat())
            .env("OSTLER_TOKEN", token.trim())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let data = data.display().to_string();
    asked(&["backup", "create", data.as_str(), "--vault", "disk"]);

    // The same through the command line; and what is there is never replaced.
    let other = home.home().join("other").display().to_string();
    let made = asked(&[
        "vault",
        "init",
        other.as_str(),
        "--name",
        "other",
        "--output",
        "json",
    ]);
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    assert_ne!(made["encryption"], "none", "{made}");
    asked(&["backup", "create", data.as_str(), "--vault", "other"]);
    browser.open(&format!("{}/vaults/new", served.url));
    fill(&browser, "name", "other");
    fill(&browser, "location", &place.display().to_string());
    browser.click(&button("Make the vault"));
    browser.wait_for("a vault of this name is configured elsewhere");
    let log = home.ok(["audit", "list"]);
    assert!(log.contains("vault init"), "{log}");
}
