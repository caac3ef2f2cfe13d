//! People in the dashboard: signing in with a password, and who changed what.

use ostler_testkit::servers::browser;

use crate::dashboard::{button, link, look_at};
use crate::served::{Served, home};

#[test]
fn somebody_signs_in_with_a_password_and_sees_who_changed_what() {
    let Some(browser) = browser() else {
        return;
    };
    let home = home();
    let added = home.json(["user", "add", "ada", "--role", "admin"]);
    let password = added["password"].as_str().unwrap().to_owned();
    let documents = home.home().join("documents");
    std::fs::create_dir(&documents).unwrap();
    std::fs::write(documents.join("letter"), "Dear reader").unwrap();
    home.ok(["backup", "create", "documents"]);
    home.ok(["backup", "hold", "latest", "--reason", "for the auditor"]);
    let _ = home.run(["schedule", "pause", "nightly"]);
    let served = Served::start(&home, &[]);
    browser.open(&served.url);
    browser.type_into("//input[@name='name']", "ada");
    browser.type_into("//input[@name='password']", "not the password");
    browser.click(&button("Sign in"));
    browser.wait_for("the name or the password is wrong");
    look_at(&browser, "sign-in-wrong");
    // The name that was typed is still there.
    browser.type_into("//input[@name='password']", &password);
    browser.click(&button("Sign in"));
    browser.wait_for("No backup of it was ever read back.");
    browser.click(&link("Audit"));
    browser.wait_for("backup hold");
    for text in [
        "create backup",
        "user add",
        "schedule pause",
        "refused",
        "by command",
        "sign in",
        "the name or the password is wrong",
    ] {
        browser.wait_for(text);
    }
    look_at(&browser, "audit");
    browser.type_into("//input[@name='what']", "hold");
    browser.click(&button("Narrow"));
    browser.wait_until("only one change to be shown", || {
        !browser.text().contains("user add")
    });
    browser.click("//summary");
    browser.wait_for("for the auditor");
    look_at(&browser, "audit-one");
    browser.open(&format!("{}/settings", served.url));
    browser.wait_for("user ada");
    look_at(&browser, "settings-people");
    browser.click(&button("Sign out"));
    browser.wait_for("With a token instead");
    assert_eq!(served.stop(), Some(0));
}
