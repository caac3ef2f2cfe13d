//! Faults planted into the lists of a backup: none is accepted.

use super::*;

fn table(name: &str) -> String {
    format!("system/{name}-0a")
}

fn list(node: &str, root: &str) -> FileList {
    FileList {
        node: node.into(),
        root: root.into(),
        files: 7,
        bytes: 700,
        tables: [("local", u64::from(root == "one")), ("paxos", 0)]
            .map(|(name, files)| (table(name), files))
            .into(),
    }
}

fn right() -> (Demands, Vec<FileList>) {
    let members = ["a", "b", "c"];
    let roots = ["one", "two"];
    let lists: Vec<FileList> = members
        .iter()
        .flat_map(|node| roots.map(|root| list(node, root)))
        .collect();
    let demand = Demand {
        directories: Some(vec!["/srv/one".into(), "/srv/two".into()]),
        source: "system_views.settings",
        tables: ["local", "paxos"].map(table).into(),
        filled: ["local"].map(table).into(),
    };
    let counted = Counted {
        at: Timestamp::UNIX_EPOCH,
        files: 7,
        bytes: 700,
        excluded: 0,
    };
    let stored = BackupCounts {
        files: 7,
        bytes: 700,
        ..BackupCounts::default()
    };
    let demands = Demands {
        members: members.map(str::to_owned).into(),
        roots: roots.map(str::to_owned).into(),
        nodes: members.map(|node| (node.to_owned(), demand.clone())).into(),
        snapshots: lists.iter().map(|list| (list.part(), counted)).collect(),
        stored: lists.iter().map(|list| (list.part(), stored)).collect(),
    };
    (demands, lists)
}

fn planted(plant: impl FnOnce(&mut Demands, &mut Vec<FileList>)) -> Vec<Problem> {
    let (mut demands, mut lists) = right();
    plant(&mut demands, &mut lists);
    demands.reasons(&lists)
}

/// Only what the system itself lists, as for backups without counts.
fn without_counts(demands: &mut Demands) {
    demands.snapshots.clear();
    demands.stored.clear();
    demands.members.clear();
}

#[test]
fn whole_lists_are_accepted() {
    assert_eq!(planted(|_, _| {}), []);
    assert_eq!(planted(|demands, _| without_counts(demands)), []);
}

#[test]
fn every_missing_member_root_and_file_is_a_reason() {
    let (_, lists) = right();
    for at in 0..lists.len() {
        let part = lists[at].part();
        let told = |reasons: Vec<Problem>, what: &str| {
            let named = |one: &Problem| one.path == part || one.path == format!("node {}", lists[at].node);
            assert!(reasons.iter().any(named), "{what} of {part}: {reasons:?}");
        };
        told(planted(|_, lists| drop(lists.remove(at))), "a missing root");
        told(
            planted(|_, lists| lists.retain(|list| list.node != part.split('/').next().unwrap())),
            "a missing member",
        );
        let emptied = |lists: &mut Vec<FileList>| {
            (lists[at].files, lists[at].bytes) = (0, 0);
            lists[at].tables.values_mut().for_each(|files| *files = 0);
        };
        told(planted(|_, lists| emptied(lists)), "an emptied list");
        // The agent found nothing either: the snapshot was gone when it was read.
        told(
            planted(|demands, lists| {
                emptied(lists);
                demands.stored.get_mut(&part).unwrap().files = 0;
            }),
            "a lost snapshot",
        );
        told(planted(|_, lists| lists[at].files -= 1), "a missing file");
        told(planted(|_, lists| lists[at].bytes += 1), "other bytes");
        told(
            planted(|demands, lists| {
                without_counts(demands);
                lists.retain(|list| list.node != lists_node(&part) || list.part() == part);
            }),
            "one of two directories",
        );
    }
}

fn lists_node(part: &str) -> &str {
    part.split('/').next().unwrap()
}

#[test]
fn what_every_node_has_is_demanded_without_any_count() {
    for (plant, told) in [
        (
            (|list: &mut FileList| list.tables.clear()) as fn(&mut FileList),
            "no directory",
        ),
        (
            |list| list.tables.values_mut().for_each(|files| *files = 0),
            "no files of",
        ),
    ] {
        let reasons = planted(|demands, lists| {
            without_counts(demands);
            lists.iter_mut().filter(|list| list.node == "b").for_each(plant);
        });
        assert!(
            reasons.iter().all(|one| one.path == "node b")
                && reasons.iter().any(|one| one.reason.contains(told)),
            "{reasons:?}"
        );
    }
}

#[test]
fn files_that_were_excluded_or_not_readable_are_no_reason() {
    let excluded = planted(|demands, lists| {
        let at = lists.iter().position(|list| list.part() == "a/one").unwrap();
        lists[at].tables.clear();
        demands.snapshots.get_mut("a/one").unwrap().excluded = 1;
    });
    assert_eq!(excluded, []);
    let unread = planted(|demands, lists| {
        let list = lists.iter_mut().find(|list| list.part() == "a/one").unwrap();
        (list.files, list.bytes) = (6, 600);
        let stored = demands.stored.get_mut("a/one").unwrap();
        (stored.files, stored.problems) = (6, 1);
    });
    assert_eq!(unread, []);
}

#[test]
fn roots_cover_every_directory_or_are_refused() {
    let (demands, _) = right();
    let refused = |roots: &[&[&str]]| {
        let names = |names: &&[&str]| names.iter().map(PathBuf::from).collect();
        let roots = [("a".to_owned(), roots.iter().map(names).collect())].into();
        covered(&demands.nodes, &roots).err()
    };
    assert!(refused(&[&["/srv/one"], &["/srv/two/"], &["/srv/log"]]).is_none());
    // A link that leads there is the same root.
    assert!(refused(&[&["/mnt/1", "/srv/one"], &["/srv/two"]]).is_none());
    for roots in [
        &[&["/srv/one"] as &[&str]] as &[&[&str]],
        &[&["/srv"]],
        &[&["/elsewhere"]],
        &[],
    ] {
        let failure = refused(roots).unwrap();
        assert_eq!(failure.kind(), ErrorKind::Refused);
        assert!(failure.to_string().contains("/srv/two"), "{failure}");
    }
}
