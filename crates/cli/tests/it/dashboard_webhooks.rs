//! Webhooks in the dashboard: who is told, and the button that tries it.

use std::sync::atomic::Ordering;

use ostler_testkit::servers::browser;

use crate::dashboard::{button, fill, link, look_at};
use crate::receiver::Receiver;
use crate::served::{Served, home};

#[test]
fn a_webhook_is_tested_by_its_button_and_a_failure_is_explained() {
    let Some(browser) = browser() else {
        return;
    };
    let home = home();
    home.configure("version = 1\n[outgoing]\nallow = [\"127.0.0.1\"]\n");
    let receiver = Receiver::new();
    let served = Served::start(&home, &[]);
    browser.open(served.link.as_ref().unwrap());
    browser.click(&button("Sign in"));
    browser.wait_for("Nothing is backed up yet");
    browser.open(&format!("{}/webhooks", served.url));
    browser.wait_for("Nobody is told when something fails");

    // It is added by a form that says what is wrong at its field, and its secret is shown once.
    fill(&browser, "name", "pager");
    fill(&browser, "url", "http://169.254.169.254/secret");
    browser.click(&button("Add the webhook"));
    browser.wait_for("nothing is sent to");
    look_at(&browser, "webhook-refused");
    fill(&browser, "url", &receiver.url());
    browser.click(&button("Add the webhook"));
    browser.wait_for("whsec_");
    look_at(&browser, "webhook-added");
    browser.click(&link("I have kept it"));
    browser.wait_for("none yet");
    assert!(!browser.text().contains("whsec_"));
    browser.click(&button("Test"));
    browser.wait_for("taken");
    assert_eq!(receiver.received()[0].json()["type"], "test");
    look_at(&browser, "webhooks-taken");
    receiver.refuses.store(1, Ordering::SeqCst);
    browser.click(&button("Test"));
    browser.wait_for("the answer was 503");
    look_at(&browser, "webhooks-refused");
    browser.click(&button("Remove"));
    browser.wait_for("Nobody is told when something fails");
}
