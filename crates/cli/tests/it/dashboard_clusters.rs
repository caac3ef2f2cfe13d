//! A cluster in the dashboard and through a server: looked at, backed up, lost, and restored onto its nodes by a plan.

use ostler_testkit::servers::browser;

use crate::cluster_world::{Cluster, ended, same};
use crate::dashboard::{button, link, look_at};
use crate::served::Served;

#[test]
fn a_cluster_is_looked_at_backed_up_and_restored_onto_its_nodes() {
    let Some(browser) = browser() else {
        return;
    };
    let mut cluster = Cluster::started();
    let before = cluster.trees();
    let served = Served::start(&cluster.ostler, &[]);
    browser.open(served.link.as_ref().unwrap());
    browser.click(&button("Sign in"));
    browser.wait_for("Overview");
    browser.open(&format!("{}/clusters", served.url));
    look_at(&browser, "clusters");
    browser.click(&link("shop"));
    browser.wait_for("Every node answers.");
    look_at(&browser, "cluster");
    browser.click(&link("What there is of it, and where that was found"));
    browser.wait_for("Every node is configured, and the nodes agree.");
    look_at(&browser, "cluster-exploration");
    browser.click(&link("How it is now"));
    browser.click(&button("Back it up now"));
    browser.wait_for("Exactly this is done");
    browser.click(&button("Start the backup"));
    browser.wait_for("succeeded");

    // All is lost. Its files come back onto nodes that somebody chooses, and nowhere before they agreed.
    cluster.wreck();
    browser.open(&format!("{}/clusters/shop", served.url));
    browser.click("//section[@aria-labelledby='backups']//a");
    browser.wait_for("Restore onto the nodes of shop");
    look_at(&browser, "backup-of-cluster");
    assert!(!browser.text().contains("Start the database"), "there is none");
    let backup = browser.address().replace(&served.url, "");
    let choose = "document.getElementById('node-' + arguments[0]).value = arguments[1]";
    for (from, to) in [("a", "b"), ("b", "a"), ("c", "")] {
        browser.script(choose, &[from.into(), to.into()]);
    }
    browser.click(&button("Plan the restore onto nodes"));
    browser.wait_for("Exactly this is done");
    assert!(browser.text().contains("a/data"), "{}", browser.text());
    look_at(&browser, "plan-onto-nodes");
    browser.click(&button("Restore"));
    browser.wait_for("succeeded");
    same(&before, &cluster.trees(), &[("a", "b"), ("b", "a")]);
    assert!(std::fs::read_dir(cluster.root("c")).unwrap().next().is_none());

    // A node that is gone is seen, by everybody who asks.
    cluster.kill("b");
    browser.open(&format!("{}/clusters/shop", served.url));
    browser.wait_for("1 node of 3 cannot be used.");
    look_at(&browser, "cluster-with-a-node-down");
    browser.open(&format!("{}/settings", served.url));
    browser.click(&button("Ask all of it for an answer"));
    browser.wait_for("node shop/b");
    assert!(browser.text().contains("Something does not work."));
    look_at(&browser, "settings-connections");
    let token = cluster
        .ostler
        .ok(["token", "add", "laptop", "--role", "operator"]);
    let asked = |words: &[&str]| {
        let server = ["--server", served.url.as_str()];
        let mut command = cluster.ostler.command(words.iter().chain(&server));
        command.env("OSTLER_TOKEN", token.trim()).output().unwrap()
    };
    let told = ended(&asked(&["cluster", "status", "shop"]), 8);
    assert!(told.contains("not as it should be: b"), "{told}");
    let told = ended(&asked(&["config", "check", "--connect"]), 8);
    assert!(
        told.contains("node shop/b") && !told.contains("vault default,"),
        "{told}"
    );
    let list = ended(&asked(&["cluster", "list"]), 0);
    assert!(list.contains("shop"), "{list}");
    let found = ended(&asked(&["cluster", "explore", "shop"]), 0);
    assert!(
        found.contains("a, c") && found.contains("node `b`: cannot"),
        "{found}"
    );
    let here = cluster.ostler.ok(["cluster", "show", "shop"]);
    assert_eq!(ended(&asked(&["cluster", "show", "shop"]), 0).trim(), here.trim());

    // Where drills can start the database, that is a button, and the plan says so.
    assert_eq!(served.stop(), Some(0));
    cluster.drive("name = \"cassandra\"");
    let served = Served::start(&cluster.ostler, &[]);
    browser.open(&format!("{}{backup}", served.url));
    browser.click(&button("Start the database in a drill"));
    browser.wait_for("Then its database is started on them");
    look_at(&browser, "plan-drill-that-starts");
}
