//! Retention in the dashboard: keep rules of backups tried and applied, policies of tables added, tried, changed and run.

use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::browser;
use serde_json::json;

use crate::dashboard::{button, fill, link, look_at, marked};
use crate::retention::World;
use crate::served::{Served, home};

#[test]
fn keep_rules_are_tried_and_what_would_go_is_shown_before_it_goes() {
    let Some(browser) = browser() else {
        return;
    };
    let home = home();
    let documents = home.home().join("documents");
    std::fs::create_dir(&documents).unwrap();
    for letter in ["Dear reader", "Dear readers", "Dear all"] {
        std::fs::write(documents.join("letter"), letter).unwrap();
        home.ok(["backup", "create", "documents"]);
    }
    let add = [
        "schedule",
        "add",
        "nightly",
        "--cron",
        "@daily",
        "--keep-daily",
        "7",
    ];
    home.ok(add.iter().chain(&["--", "backup", "create", "documents"]));
    let served = Served::start(&home, &[]);
    browser.open(served.link.as_ref().unwrap());
    browser.click(&button("Sign in"));
    browser.wait_for("No backup of it was ever read back.");
    browser.click(&link("Retention"));
    browser.wait_for("7 daily");
    browser.wait_for("No database is in the configuration");
    browser.click("//summary");
    look_at(&browser, "retention");
    browser.click(&button("Show what would go"));
    browser.wait_for("name at least one rule");
    fill(&browser, "keep_last", "none");
    browser.click(&button("Show what would go"));
    browser.wait_for("is no number from 1 on");
    assert_eq!(marked(&browser), json!(["keep_last"]));
    look_at(&browser, "retention-mistake");
    fill(&browser, "keep_last", "1");
    browser.click(&button("Show what would go"));
    browser.wait_for("Exactly this is done");
    look_at(&browser, "retention-plan");
    assert_eq!(
        home.json(["backup", "list"])["backups"].as_array().unwrap().len(),
        3
    );
    browser.click(&button("Delete 2 backups"));
    browser.wait_until("the deletion to end", || browser.text().contains("✓ succeeded"));
    assert_eq!(
        home.json(["backup", "list"])["backups"].as_array().unwrap().len(),
        1
    );
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn a_policy_is_added_tried_run_changed_and_removed_from_its_page() {
    let Some(browser) = browser() else {
        return;
    };
    let Some(world) = World::new(Release::Eighteen) else {
        return;
    };
    world.sql(
        "CREATE TABLE events (id bigint, at timestamptz NOT NULL, also timestamptz);
         INSERT INTO events SELECT n, now() - n * interval '1 day' - interval '1 hour', now() FROM generate_series(1, 20) n",
    );
    let rows = || world.number("SELECT count(*) FROM events");
    let dsn = world.server.url(&world.database);
    world
        .ostler
        .configure(&format!("version = 1\n[database.shop]\ndsn = \"{dsn}\"\n"));
    let served = Served::start(&world.ostler, &[]);
    browser.open(served.link.as_ref().unwrap());
    browser.click(&button("Sign in"));
    browser.wait_for("Nothing is backed up yet");
    browser.click(&link("Retention"));
    browser.click(&link("shop"));
    browser.wait_for("No policy says how long rows are kept");
    look_at(&browser, "policies-empty");
    browser.click(&link("Add a policy"));
    browser.wait_for("Nothing is removed by that");
    look_at(&browser, "policy-new");

    // What is wrong is said at its field, by the page and by the database.
    fill(&browser, "table", "events");
    fill(&browser, "keep", "ten days");
    browser.click(&button("Add the policy"));
    browser.wait_until("the field to be marked", || marked(&browser) == json!(["keep"]));
    look_at(&browser, "policy-mistake");
    fill(&browser, "keep", "10d");
    fill(&browser, "column", "nowhere");
    browser.click(&button("Add the policy"));
    browser.wait_until("the field to be marked", || marked(&browser) == json!(["column"]));
    look_at(&browser, "policy-wrong-column");
    fill(&browser, "column", "at");
    fill(&browser, "tags", "night");
    browser.click(&button("Add the policy"));
    browser.wait_for("public.events");
    look_at(&browser, "policies");
    assert_eq!(rows(), 20);

    // Tried: nothing goes until somebody agrees to what is shown.
    browser.click(&button("Preview"));
    browser.wait_for("Exactly this is done");
    look_at(&browser, "policy-plan");
    assert_eq!(rows(), 20);
    browser.click(&button("Do it: 1 item"));
    browser.wait_until("the run to end", || browser.text().contains("✓ succeeded"));
    look_at(&browser, "policy-run");
    assert_eq!(rows(), 9);

    // Nothing more goes, and nothing is to be agreed to.
    browser.open(&format!("{}/retention/shop", served.url));
    browser.wait_for("What was done");
    look_at(&browser, "policies-history");
    browser.click(&button("Show what would go by all"));
    browser.wait_for("Nothing.");
    look_at(&browser, "policy-plan-empty");

    browser.open(&format!("{}/retention/shop", served.url));
    world.json(&["add", "events:at delete 3d", "--schema=tenant_a", "--name=of-a"]);
    fill(&browser, "schema", "tenant_a");
    browser.click(&button("Show its policies"));
    browser.wait_for("Policies of shop:tenant_a");
    browser.wait_for("of-a");
    look_at(&browser, "policies-of-a-tenant");
    browser.open(&format!("{}/retention/shop", served.url));

    browser.click("//a[contains(@aria-label, 'Change ')]");
    browser.wait_for("For the table");
    look_at(&browser, "policy-change");
    fill(&browser, "keep", "5d");
    browser.click(&button("Change the policy"));
    browser.wait_for("5d");
    browser.click("//a[contains(@aria-label, 'Remove ')]");
    browser.wait_for("Its rows stay as they are.");
    look_at(&browser, "policy-remove");
    browser.click(&button("Remove the policy"));
    browser.wait_for("No policy says how long rows are kept");
    assert_eq!(served.stop(), Some(0));
    assert_eq!(rows(), 9);
}
