//! Schedules in the dashboard: added, run, changed, removed; and forms that ask for what their words say.

use ostler_testkit::binary::Ostler;
use ostler_testkit::servers::browser;
use serde_json::{Value, json};

use crate::dashboard::{button, fill, link, look_at, marked};
use crate::people::{form, send, sign_in};
use crate::served::{Served, home};

fn shown(home: &Ostler, name: &str) -> Value {
    home.json(["schedule", "show", name])
}

#[test]
fn a_schedule_is_added_run_changed_and_removed_from_its_page() {
    let Some(browser) = browser() else {
        return;
    };
    let home = home();
    let documents = home.home().join("documents");
    std::fs::create_dir(&documents).unwrap();
    std::fs::write(documents.join("letter"), "Dear reader").unwrap();
    let served = Served::start(&home, &[]);
    browser.open(served.link.as_ref().unwrap());
    browser.click(&button("Sign in"));
    browser.wait_for("Nothing is backed up yet");
    browser.open(&format!("{}/schedules", served.url));
    browser.wait_for("Nothing is scheduled.");
    browser.click(&link("Add a schedule"));
    for kind in [
        "Back up a cluster",
        "Read the newest backup back",
        "Drill a restore",
        "Check a vault",
        "Remove old rows of tables",
        "Back up files",
    ] {
        browser.click(&link(kind));
        browser.wait_until("the form to be shown", || {
            let chosen = "return document.querySelector('.tabs [aria-current]').textContent";
            browser.script(chosen, &[]) == json!(kind)
        });
        look_at(&browser, &format!("schedule-new-{}", kind.replace(' ', "-")));
    }

    // What is wrong is said at its field, and what was typed stays.
    fill(&browser, "name", "nightly");
    fill(&browser, "path", "documents");
    fill(&browser, "time", "61 * * * *");
    fill(&browser, "keep_daily", "many");
    browser.click(&button("Add the schedule"));
    browser.wait_for("does not begin with a slash");
    browser.wait_for("is no number from 1 on");
    assert_eq!(marked(&browser), json!(["path", "keep_daily"]));
    look_at(&browser, "schedule-mistakes");
    fill(&browser, "path", &documents.display().to_string());
    fill(&browser, "keep_daily", "7");
    browser.click(&button("Add the schedule"));
    browser.wait_for("is not a cron expression");
    assert_eq!(marked(&browser), json!(["time"]));
    look_at(&browser, "schedule-wrong-time");
    fill(&browser, "time", "30 2 * * *");
    fill(&browser, "zone", "Europe/Berlin");
    browser.click(&button("Add the schedule"));
    browser.wait_for("It never ran.");
    browser.wait_for("7 daily");
    look_at(&browser, "schedule");

    // It runs now, and what comes after the backup is seen to.
    browser.click(&button("Run now"));
    browser.wait_until("the backup to end", || browser.text().contains("✓ succeeded"));
    browser.wait_until("the run to be over", || {
        shown(&home, "nightly")["firings"][0]["ended"].is_string()
    });
    assert_eq!(shown(&home, "nightly")["firings"][0]["state"], "succeeded");
    assert!(
        shown(&home, "nightly")["firings"][0]["keep_operation"].is_string(),
        "keep rules were not applied: {:#}",
        shown(&home, "nightly")
    );
    browser.open(&format!("{}/schedules", served.url));
    browser.wait_for("succeeded");
    look_at(&browser, "schedules");

    // It is changed, unless somebody else was faster.
    browser.click(&link("nightly"));
    browser.click(&link("Change"));
    browser.wait_for("Change the schedule");
    look_at(&browser, "schedule-change");
    home.ok(["schedule", "edit", "nightly", "--jitter", "5m"]);
    fill(&browser, "keep_daily", "3");
    browser.click(&button("Change the schedule"));
    browser.wait_for("was changed meanwhile");
    look_at(&browser, "schedule-changed-meanwhile");
    browser.open(&format!("{}/schedules/nightly/edit", served.url));
    fill(&browser, "keep_daily", "3");
    browser.click("//summary");
    fill(&browser, "deadline", "2h");
    browser.click(&button("Change the schedule"));
    browser.wait_for("3 daily");
    let now = shown(&home, "nightly");
    assert_eq!(
        (&now["keep"]["keep"]["daily"], &now["deadline"], &now["jitter"]),
        (&json!(3), &json!("2h"), &json!("5m")),
        "{now:#}"
    );

    browser.click(&button("Pause"));
    browser.wait_for("paused");
    look_at(&browser, "schedule-paused");
    browser.click(&button("Resume"));
    browser.wait_for("active");
    browser.click(&link("Remove"));
    browser.wait_for("What they made stays.");
    look_at(&browser, "schedule-remove");
    browser.click(&button("Remove the schedule"));
    browser.wait_for("Nothing is scheduled.");
    assert_eq!(served.stop(), Some(0));
    let actions = home.json(["audit", "list"]);
    let actions: Vec<&str> = actions["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|change| change["action"].as_str())
        .collect();
    for action in ["schedule add", "schedule run", "schedule edit", "schedule remove"] {
        assert!(actions.contains(&action), "no {action} in {actions:?}");
    }
}

/// Everything that a form can ask for: what is sent, and what it is called.
const FORMS: [(&str, &str); 6] = [
    (
        "files",
        "path=HOME%2Fdata%0AHOME%2Fa+b&exclude=*.tmp&backup_name=n&vault=default&trigger=every&time=6h&keep_last=2",
    ),
    (
        "cluster",
        "cluster=shop&backup_name=-n&time=@daily&keep_within=7d",
    ),
    ("verify", "cluster=shop&backup_name=n&vault=default&time=@weekly"),
    ("drill", "trigger=after&time=files"),
    ("check", "vault=default&read_data=true&time=@every+12h"),
    (
        "tables",
        "database=shop&policy=events,old&tags=night&time=@hourly",
    ),
];

#[test]
fn every_form_of_a_schedule_asks_for_what_its_words_say() {
    let home = home();
    let password = home.json(["user", "add", "ada", "--role", "admin"])["password"].clone();
    let served = Served::start(&home, &[]);
    let port = served.port();
    let cookie = sign_in(port, "ada", password.as_str().unwrap()).cookie();
    let token = send(port, "GET", "/schedules", &[("cookie", &cookie)], "").form_token();
    for directory in ["data", "a b"] {
        std::fs::create_dir(home.home().join(directory)).unwrap();
    }
    for (kind, fields) in FORMS {
        let fields = fields.replace("HOME", &home.home().display().to_string());
        let fields = format!("work={kind}&name={kind}&form_token={token}&{fields}");
        let added = form(port, "/schedules", &cookie, &fields);
        assert_eq!(added.status, 303, "{kind}: {}", added.body);
        let by_form = shown(&home, kind);
        let mut add = vec!["schedule", "add", "by-words", "--cron", "@daily", "--"];
        add.extend(
            by_form["words"]
                .as_array()
                .unwrap()
                .iter()
                .map(|word| word.as_str().unwrap()),
        );
        home.ok(add);
        let by_words = shown(&home, "by-words");
        assert_eq!(by_form["request"], by_words["request"], "{kind}");
        home.ok(["schedule", "remove", "by-words"]);
        // What the form of a change shows changes nothing when it is sent back.
        let path = format!("/schedules/{kind}/edit");
        let page = send(port, "GET", &path, &[("cookie", &cookie)], "").body;
        let fields = format!("form_token={token}&{}", filled(&page));
        let sent = form(port, &path, &cookie, &fields);
        assert_eq!(sent.status, 303, "{kind}: {}", sent.body);
        let mut after = shown(&home, kind);
        for moves in ["version", "next", "upcoming"] {
            after[moves] = by_form[moves].clone();
        }
        assert_eq!(after, by_form, "{kind}");
    }
    // Of one of them, others are refused that it would need.
    let refused = form(
        port,
        "/schedules/files/remove",
        &cookie,
        &format!("form_token={token}"),
    );
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("runs after it"), "{}", refused.body);
    assert_eq!(served.stop(), Some(0));
}

/// The fields of the form of a page, as a browser would send them, without those that are ticked.
fn filled(page: &str) -> String {
    let (_, form) = page.split_once("form class=\"narrow wide\"").unwrap();
    let mut fields = Vec::new();
    for input in form.split("<input").skip(1) {
        let tag = input.split('>').next().unwrap();
        let value = |name: &str| {
            let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
            rest.split('"').next().map(str::to_owned)
        };
        let (name, value) = (value("name").unwrap(), value("value").unwrap_or_default());
        if name != "form_token" {
            fields.push(format!("{name}={}", value.replace('+', "%2B").replace(' ', "+")));
        }
    }
    for select in form.split("<select").skip(1) {
        let (_, rest) = select.split_once(" name=\"").unwrap();
        let name = rest.split('"').next().unwrap();
        let options = select.split("</select>").next().unwrap();
        let chosen = options
            .split("<option")
            .find(|option| option.contains(" selected"));
        let (_, rest) = chosen.unwrap_or(options).split_once("value=\"").unwrap();
        fields.push(format!("{name}={}", rest.split('"').next().unwrap()));
    }
    fields.join("&")
}
