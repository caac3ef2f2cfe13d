//! What nodes are asked over JMX, by hand.

use ostler_testkit::binary::said;

use crate::cluster_world::ended;

use super::world::World;

/// The last node wants to know who asks. What cannot be done is told with what the node says, and nothing is left behind.
pub(super) fn who_may_not_is_told(world: &World) {
    let ask = |words: &[&str]| {
        let mut all = vec!["cassandra"];
        all.extend(words);
        world.ostler.run(all)
    };
    let guarded = world.ring.jmx(2);
    let unknown = ask(&["flush", "--jmx", &guarded]);
    ended(&unknown, 9);
    assert!(said(&unknown).contains("Credentials required"), "{unknown:?}");
    let wrong = world.marker("wrong-password");
    std::fs::write(&wrong, "wrong\n").unwrap();
    let signs_in = [
        "--jmx-user",
        "ostler",
        "--jmx-password-file",
        wrong.to_str().unwrap(),
    ];
    let mistaken = ask(&[&["snapshot", "--jmx", &guarded][..], &signs_in].concat());
    ended(&mistaken, 9);
    assert!(!said(&mistaken).contains("wrong\n"), "{mistaken:?}");

    let open = world.ring.jmx(0);
    let mine = ["-t", "mine", "--jmx", &open];
    ended(&ask(&[&["snapshot"][..], &mine].concat()), 0);
    let again = ask(&[&["snapshot"][..], &mine].concat());
    ended(&again, 1);
    assert!(said(&again).contains("Snapshot mine already exists"), "{again:?}");
    ended(&ask(&[&["clearsnapshot"][..], &mine].concat()), 0);
    world.no_snapshots();
    let nothing = ask(&["import", "/nowhere/no_such/table", "--jmx", &open]);
    ended(&nothing, 1);
    assert!(
        said(&nothing).contains("keyspace=no_such,table=table"),
        "{nothing:?}"
    );
}
