//! The dashboard in a real browser: what somebody does in the morning.

use std::fs;
use std::path::{Path, PathBuf};

use ostler_testkit::servers::{Browser, browser};
use serde_json::json;

use crate::served::{Served, home, noise};

const CHECK: &str = include_str!("page_check.js");

/// Looks at the page narrow and wide, light and dark, and expects nothing wrong with it. With `OSTLER_TEST_PICTURES` the
/// pictures are kept in that directory.
pub fn look_at(browser: &Browser, name: &str) {
    for (width, dark) in [(360, true), (360, false), (1600, true), (1600, false)] {
        browser.look(width, dark);
        let found = browser.script(CHECK, &[]);
        let look = format!("{name}-{width}-{}", if dark { "dark" } else { "light" });
        keep(browser, &look);
        assert_eq!(found, json!([]), "{look} at {}: {found:#}", browser.address());
    }
}

fn keep(browser: &Browser, look: &str) {
    let Some(directory) = std::env::var_os("OSTLER_TEST_PICTURES") else {
        return;
    };
    fs::create_dir_all(&directory).unwrap();
    fs::write(
        Path::new(&directory).join(format!("{look}.png")),
        browser.picture(),
    )
    .unwrap();
}

pub fn button(text: &str) -> String {
    format!("//button[normalize-space()='{text}']")
}

pub fn link(text: &str) -> String {
    format!("//a[contains(normalize-space(), '{text}')]")
}

/// Puts this into a field, whatever stands in it.
pub fn fill(browser: &Browser, id: &str, text: &str) {
    let field = format!("//*[@id='{id}']");
    let clear = "document.getElementById(arguments[0]).value = ''";
    browser.wait_until("the field to be there", || {
        browser.script(
            "return document.getElementById(arguments[0]) !== null",
            &[json!(id)],
        ) == json!(true)
    });
    browser.script(clear, &[json!(id)]);
    browser.type_into(&field, text);
}

/// The fields that are marked as wrong.
pub fn marked(browser: &Browser) -> serde_json::Value {
    browser.script(
        "return [...document.querySelectorAll('[aria-invalid=true]')].map(field => field.name)",
        &[],
    )
}

/// The bytes of a file that the browser saves, once they are all there.
fn saved(browser: &Browser, name: &str) -> Vec<u8> {
    let file: PathBuf = browser.downloads().join(name);
    browser.wait_until("the file to be saved", || file.exists());
    fs::read(file).unwrap()
}

#[test]
fn a_morning_with_the_dashboard() {
    let Some(browser) = browser() else {
        return;
    };
    let home = home();
    let data = home.home().join("documents");
    noise(&data.join("pictures/large.bin"), 48);
    fs::write(data.join("letter <b>&.txt"), "Dear reader").unwrap();

    // Somebody comes in by the link that the first start printed.
    // So slowly that the page is there before the end, however busy the machine is.
    let served = Served::start(&home, &["--limit-upload", "1MiB"]);
    browser.open(&format!("{}/backups", served.url));
    browser.wait_for("Sign in");
    look_at(&browser, "sign-in");
    browser.open(served.link.as_ref().unwrap());
    browser.wait_for("signs this browser in, once");
    look_at(&browser, "welcome");
    browser.click(&button("Sign in"));
    browser.wait_for("Nothing is backed up yet");
    look_at(&browser, "overview-empty");
    for page in [
        "backups",
        "clusters",
        "operations",
        "schedules",
        "retention",
        "webhooks",
        "audit",
        "vaults",
        "settings",
    ] {
        browser.open(&format!("{}/{page}", served.url));
        look_at(&browser, &format!("{page}-empty"));
    }

    // A mistake is explained, and what was typed is still there.
    browser.open(&served.url);
    browser.click(&link("Make the first backup"));
    browser.type_into("//textarea[@name='path']", "documents");
    browser.click(&button("Show the plan"));
    browser.wait_for("does not begin with a slash");
    look_at(&browser, "mistake");
    browser.script("document.querySelector('[name=path]').value = ''", &[]);
    browser.type_into("//textarea[@name='path']", &data.display().to_string());
    browser.type_into("//input[@name='name']", "nightly");
    browser.click(&button("Show the plan"));
    browser.wait_for("Exactly this is done");
    look_at(&browser, "plan");

    // The backup is watched while it runs: the numbers move without the page being loaded again.
    browser.click(&button("Start the backup"));
    browser.wait_for("Live: this page follows the work.");
    browser.script("window.isTheSamePage = true", &[]);
    let amount = || {
        let script = "return [...document.querySelectorAll('.amount')].map(e => e.textContent).join()";
        browser
            .script(script, &[])
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let mut seen = std::collections::BTreeSet::new();
    browser.wait_until("progress to move", || {
        seen.insert(amount());
        seen.len() > 1
    });
    assert_eq!(browser.script("return window.isTheSamePage", &[]), json!(true));
    keep(&browser, "operation-running-1600-light");
    let running = home.json(["operation", "list"])["operations"][0]["id"].clone();
    home.ok([
        "operation",
        "limit",
        running.as_str().unwrap(),
        "--upload",
        "none",
    ]);
    browser.wait_until("the end to be shown", || browser.text().contains("✓ succeeded"));
    look_at(&browser, "operation-succeeded");

    // It is looked into, down to a file, which is saved.
    browser.click("//div[contains(@class, 'note')]//a");
    browser.wait_for("Everything it needs was found in the store");
    look_at(&browser, "backup");
    browser.click(&link("Browse its files"));
    browser.wait_for("documents/");
    browser.click("//th/a");
    browser.wait_for("letter <b>&.txt");
    look_at(&browser, "files");
    browser.click("//a[@aria-label='Download letter <b>&.txt']");
    // Browsers write what file systems dislike in another way.
    browser.wait_until("the file to be saved", || {
        fs::read_dir(browser.downloads()).is_ok_and(|mut files| {
            files.any(|file| fs::read(file.unwrap().path()).is_ok_and(|text| text == b"Dear reader"))
        })
    });
    browser.click(&link("pictures/"));
    browser.click("//a[@aria-label='Download large.bin']");
    assert!(saved(&browser, "large.bin") == fs::read(data.join("pictures/large.bin")).unwrap());

    // The overview says what is still missing, and the cure runs.
    browser.open(&served.url);
    browser.wait_for("No backup of it was ever read back.");
    look_at(&browser, "overview-doubtful");
    browser.click(&button("Run a drill"));
    browser.click(&button("Run the drill"));
    browser.wait_until("the drill to end", || browser.text().contains("✓ succeeded"));
    browser.open(&served.url);
    browser.wait_for("all looked after");
    look_at(&browser, "overview-good");

    // A restore over something else is refused, and the page says why and what to do.
    let target = home.home().join("occupied");
    fs::create_dir_all(target.join("documents")).unwrap();
    for place in [target.clone(), target.join("documents")] {
        fs::write(place.join("letter <b>&.txt"), "mine").unwrap();
    }
    browser.open(&format!("{}/backups", served.url));
    look_at(&browser, "backups");
    browser.click("//tbody//th/a");
    browser.type_into("//input[@name='to']", &target.display().to_string());
    browser.click(&button("Plan the restore"));
    browser.wait_for("There already and different");
    look_at(&browser, "plan-restore");
    browser.click(&button("Restore"));
    browser.wait_for("What to do:");
    look_at(&browser, "restore-refused");

    for page in [
        "vaults",
        "vaults/default",
        "audit",
        "settings",
        "operations",
        "no-such-page",
    ] {
        browser.open(&format!("{}/{page}", served.url));
        look_at(&browser, &page.replace('/', "-"));
    }
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn a_server_that_is_killed_in_mid_view_goes_on_where_it_was() {
    let Some(browser) = browser() else {
        return;
    };
    let home = home();
    let data = home.home().join("documents");
    noise(&data.join("large.bin"), 24);
    let limits = ["--limit-upload", "1MiB"];
    let served = Served::start(&home, &limits);
    let port = served.port();
    browser.look(1600, false);
    browser.open(served.link.as_ref().unwrap());
    browser.click(&button("Sign in"));
    browser.click(&link("Make the first backup"));
    browser.type_into("//textarea[@name='path']", &data.display().to_string());
    browser.click(&button("Show the plan"));
    browser.click(&button("Start the backup"));
    browser.wait_for("Live: this page follows the work.");
    browser.wait_until("something to be stored", || {
        let script = "return document.querySelector('progress')?.value ?? 0";
        browser.script(script, &[]).as_f64().unwrap_or_default() > 0.0
    });
    served.kill();
    browser.wait_for("The server cannot be reached; trying again.");
    look_at(&browser, "server-gone");

    // The session, the operation and the page are still there.
    let served = Served::start_at(&home, port, &[]);
    assert_eq!(served.link, None, "somebody came in before");
    browser.wait_for("interrupted");
    look_at(&browser, "operation-interrupted");
    browser.click(&button("Go on with it"));
    browser.wait_until("the backup to end", || browser.text().contains("✓ succeeded"));
    assert_eq!(served.stop(), Some(0));
    home.ok(["backup", "verify", "latest", "--read-data"]);
}
