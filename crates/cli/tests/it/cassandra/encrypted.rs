//! CQL by TLS, to nodes that want to know who asks.

use std::fs;

use ostler_testkit::binary::said;
use ostler_testkit::certificate::Authority;

use super::loading::unwrapped;
use super::world::World;

/// Files with what the driver needs, and the lines of its table that name them.
pub(super) fn driver(world: &World) -> String {
    let settings = world.ostler.home().join("settings/ostler");
    let shown = world.ring.authority().certify(&["ostler"]).unwrap();
    let stranger = Authority::new().unwrap();
    for (file, text) in [
        ("ring-authority.pem", world.ring.authority().pem()),
        ("ring.pem", &shown.certificate),
        ("ring.key", &shown.key),
        ("stranger.pem", stranger.pem()),
    ] {
        fs::write(settings.join(file), text).unwrap();
    }
    lines()
}

const TLS: &str = "tls = true\n";
const AUTHORITY: &str = "authority = \"ring-authority.pem\"\n";
const SHOWN: &str = "certificate = \"ring.pem\"\nkey = { file = \"ring.key\" }\n";

/// Everything that may be configured wrongly is told with the node's address, and nothing of it reaches the ring.
pub(super) fn what_is_not_configured_is_told(world: &World) {
    let file = world.ostler.home().join("settings/ostler/config.toml");
    let right = fs::read_to_string(&file).unwrap();
    let encrypted = world.ring.encrypted_address(0);
    let told_with = |text: &str| {
        fs::write(&file, text).unwrap();
        unwrapped(&world.ostler.ok(["cluster", "status", "shop"]))
    };
    for (from, to, part) in [
        (lines(), "", "it speaks TLS only"),
        (
            AUTHORITY.to_owned(),
            "authority = \"stranger.pem\"\n",
            "not of an authority that is believed",
        ),
        (SHOWN.to_owned(), "", "it may want a certificate of ours"),
    ] {
        assert!(right.contains(&from), "{right}");
        let told = told_with(&right.replace(&from, to));
        assert!(told.contains(part) && told.contains(&encrypted), "{told}");
    }
    let table = "[cluster.shop.node.a]\n";
    let named = format!("{table}database_certificate_name = \"a.example.net\"\n");
    let told = told_with(&right.replace(table, &named));
    assert!(told.contains("not for `a.example.net`"), "{told}");

    fs::write(&file, right.replace(&lines(), "")).unwrap();
    let refused = world.backup(&[]);
    assert!(!refused.status.success(), "{refused:?}");
    let told = unwrapped(&said(&refused));
    assert!(
        told.contains(&encrypted) && told.contains("write `tls = true`"),
        "{told}"
    );

    // In the clear it is as it always was.
    let mut plain = right.replace(&lines(), "");
    for node in 0..3 {
        plain = plain.replace(&world.ring.encrypted_address(node), &world.ring.address(node));
    }
    let told = told_with(&plain);
    assert!(told.contains("ringtest"), "{told}");
    assert!(!told.contains("cannot reach"), "{told}");
    fs::write(&file, right).unwrap();
}

fn lines() -> String {
    format!("{TLS}{AUTHORITY}{SHOWN}")
}
