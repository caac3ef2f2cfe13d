//! Choices and what follows from them, over schemas that are written down here.
#![allow(clippy::unwrap_used, reason = "a test's way to fail")]

use std::collections::{BTreeMap, BTreeSet};

use ostler_api::request::{LoadWay, LoadWork};
use ostler_backup::driver::{LoadAsked, Past};
use ostler_vocabulary::{BackupId, Timestamp};

use super::{Chosen, arrange, why_not_in_place};
use crate::Error;
use crate::cassandra::ring::{Node, Ring};
use crate::cassandra::schema::{Definition, Kind, Schema, Table};

fn table(keyspace: &str, name: &str, id: &str, base: Option<&str>) -> Table {
    Table {
        keyspace: keyspace.to_owned(),
        name: name.to_owned(),
        id: id.to_owned(),
        gc_grace_seconds: 864_000,
        base: base.map(str::to_owned),
    }
}

fn recorded() -> Schema {
    let definition = |kind, name: &str, of: Option<&str>, text: &str| Definition {
        keyspace: "shop".to_owned(),
        kind,
        name: name.to_owned(),
        of: of.map(str::to_owned),
        text: text.to_owned(),
    };
    Schema {
        keyspaces: [("shop", "two"), ("system_auth", "one"), ("system", "local")]
            .map(|(name, replication)| (name.to_owned(), replication.to_owned()))
            .into(),
        tables: vec![
            table("shop", "plain", "a-1", None),
            table("shop", "wide", "a-2", None),
            table("shop", "by_word", "a-3", Some("plain")),
            table("system", "local", "s-1", None),
            table("system_auth", "roles", "s-2", None),
        ],
        definitions: vec![
            definition(Kind::Keyspace, "shop", None, "CREATE KEYSPACE shop WITH two;"),
            definition(Kind::Type, "street", None, "CREATE TYPE shop.street (name text);"),
            definition(
                Kind::Type,
                "place",
                None,
                "CREATE TYPE shop.place (street frozen<street>);",
            ),
            definition(Kind::Type, "alone", None, "CREATE TYPE shop.alone (name text);"),
            definition(
                Kind::Function,
                "plus(int)",
                None,
                "CREATE FUNCTION shop.plus(a int) AS $$;$$;",
            ),
            definition(
                Kind::Table,
                "plain",
                None,
                "CREATE TABLE shop.plain (k int PRIMARY KEY, at frozen<place>) WITH ID = a-1 AND x = 1;\n\
                 ALTER TABLE shop.plain DROP gone USING TIMESTAMP 5;",
            ),
            definition(
                Kind::Table,
                "wide",
                None,
                "CREATE TABLE shop.wide (k int) WITH ID = a-2;",
            ),
            definition(
                Kind::Index,
                "by_v",
                Some("wide"),
                "CREATE INDEX by_v ON shop.wide (v);",
            ),
            definition(
                Kind::MaterializedView,
                "by_word",
                Some("plain"),
                "CREATE MATERIALIZED VIEW shop.by_word AS x;",
            ),
        ],
    }
}

fn past() -> Past {
    Past {
        backup: BackupId::from_bytes([7; 16]),
        taken: Timestamp::UNIX_EPOCH,
        documents: BTreeMap::new(),
        nodes: BTreeSet::new(),
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn planned(
    live: &Schema,
    way: LoadWay,
    (keyspaces, tables, rename): (&str, &str, Option<&str>),
) -> Result<LoadWork, Error> {
    let (keyspaces, tables, recorded) = (words(keyspaces), words(tables), recorded());
    let asked = LoadAsked {
        nodes: &[],
        keyspaces: &keyspaces,
        tables: &tables,
        rename,
        now: Timestamp::UNIX_EPOCH,
        allow_stale: false,
    };
    arrange(&recorded, live, &Chosen::of(&recorded, &asked, &past())?, way)
}

fn names(work: &LoadWork) -> Vec<String> {
    let names = work.tables.iter();
    names
        .map(|one| format!("{} {}.{}", one.from.display(), one.keyspace, one.table))
        .collect()
}

#[test]
fn a_copy_gets_its_types_and_its_own_id_and_nothing_is_emptied() {
    let asked = ("", "shop.plain", Some("shop.back"));
    let work = planned(&recorded(), LoadWay::Import, asked).unwrap();
    let id = &work.tables[0].id;
    assert_eq!(
        work.before,
        [
            "CREATE TYPE IF NOT EXISTS shop.street (name text)".to_owned(),
            "CREATE TYPE IF NOT EXISTS shop.place (street frozen<street>)".to_owned(),
            format!(
                "CREATE TABLE IF NOT EXISTS \"shop\".\"back\" (k int PRIMARY KEY, at frozen<place>) WITH ID = {id} AND x = 1"
            ),
            "ALTER TABLE \"shop\".\"back\" DROP IF EXISTS gone USING TIMESTAMP 5".to_owned(),
        ]
    );
    assert_eq!(names(&work), ["shop/plain-a1 shop.back"]);
    assert!(work.empties.is_empty() && work.after.is_empty());
    assert_eq!(id.len(), 36);

    // The same restore knows its own table again, and nobody else's.
    let mut live = recorded();
    live.tables.push(table("shop", "back", id, None));
    assert_eq!(planned(&live, LoadWay::Import, asked).unwrap(), work);
    live.tables.last_mut().unwrap().id = "a-9".into();
    let error = planned(&live, LoadWay::Import, asked).unwrap_err();
    assert!(
        error.to_string().contains("`shop.back` is there already"),
        "{error}"
    );
}

#[test]
fn a_table_that_is_there_is_emptied_and_loaded_with_its_views() {
    let work = planned(&recorded(), LoadWay::Import, ("", "shop.plain", None)).unwrap();
    assert_eq!(work.empties, ["\"shop\".\"plain\""]);
    assert_eq!(
        names(&work),
        ["shop/by_word-a3 shop.by_word", "shop/plain-a1 shop.plain"]
    );
    assert!(work.before.is_empty() && work.after.is_empty());
    // What is sent by rows comes to views by itself.
    let work = planned(&recorded(), LoadWay::Stream, ("", "shop.plain", None)).unwrap();
    assert_eq!(names(&work), ["shop/plain-a1 shop.plain"]);
}

#[test]
fn what_is_gone_is_made_as_it_was_in_the_order_it_needs() {
    let mut live = recorded();
    live.tables.retain(|table| table.name != "wide");
    let work = planned(&live, LoadWay::Import, ("", "shop.wide", None)).unwrap();
    assert_eq!(
        work.before,
        ["CREATE TABLE IF NOT EXISTS shop.wide (k int) WITH ID = a-2"]
    );
    assert_eq!(work.after, ["CREATE INDEX IF NOT EXISTS by_v ON shop.wide (v)"]);
    assert!(work.empties.is_empty());

    let work = planned(&Schema::default(), LoadWay::Import, ("shop", "", None)).unwrap();
    let heads = |texts: &[String]| -> Vec<String> {
        let head = |text: &String| text.replace("IF NOT EXISTS ", "").chars().take(22).collect();
        texts.iter().map(head).collect()
    };
    assert_eq!(
        heads(&work.before),
        [
            "CREATE KEYSPACE shop W",
            "CREATE TYPE shop.stree",
            "CREATE TYPE shop.place",
            "CREATE FUNCTION shop.p",
            "CREATE TABLE shop.plai",
            "ALTER TABLE shop.plain",
            "CREATE TABLE shop.wide",
        ]
    );
    assert_eq!(
        heads(&work.after),
        ["CREATE INDEX by_v ON s", "CREATE MATERIALIZED VI"]
    );
    assert_eq!(
        names(&work),
        ["shop/plain-a1 shop.plain", "shop/wide-a2 shop.wide"]
    );
}

#[test]
fn accounts_come_back_only_by_name_and_are_added() {
    let work = planned(&recorded(), LoadWay::Import, ("system_auth", "", None)).unwrap();
    assert_eq!(names(&work), ["system_auth/roles-s2 system_auth.roles"]);
    assert!(work.empties.is_empty());
    let work = planned(&recorded(), LoadWay::Import, ("*", "shop.wide", None)).unwrap();
    assert_eq!(work.tables.len(), 3, "{:?}", names(&work));
    assert!(work.tables.iter().all(|table| table.keyspace == "shop"));
}

#[test]
fn what_would_not_go_well_is_refused() {
    let mut other = recorded();
    other.tables[0].id = "a-8".into();
    let mut viewed = recorded();
    viewed.tables.push(table("shop", "later", "a-7", Some("wide")));
    for (live, asked, part) in [
        (
            &other,
            ("", "shop.plain", None),
            "its id is a-8, that of the backup's a-1",
        ),
        (
            &viewed,
            ("", "shop.wide", None),
            "the view `shop.later` of `shop.wide` was made after",
        ),
        (
            &other,
            ("", "shop.by_word", None),
            "is a view: it comes back with its table, `plain`",
        ),
        (
            &other,
            ("", "shop.nothing", None),
            "table `shop.nothing` is not in the backup",
        ),
        (
            &other,
            ("", "system.local", None),
            "table `system.local` is not in the backup",
        ),
        (&other, ("", "plain", None), "has to be KEYSPACE.TABLE"),
        (
            &other,
            ("system", "", None),
            "keyspace `system` is not in the backup, or is the system's own",
        ),
        (
            &other,
            ("", "shop.plain", Some("x.back")),
            "has to be in the keyspace of shop.plain",
        ),
        (
            &other,
            ("", "shop.plain shop.wide", Some("shop.back")),
            "is a name for one table",
        ),
    ] {
        let error = planned(live, LoadWay::Import, asked).expect_err(part);
        assert!(error.to_string().contains(part), "{error}");
    }
    // Beside, another table of its name does not matter; and rows that are sent come to views.
    assert!(planned(&other, LoadWay::Import, ("", "shop.plain", Some("shop.back"))).is_ok());
    assert!(planned(&viewed, LoadWay::Stream, ("", "shop.wide", None)).is_ok());
}

fn ring(nodes: &[(&str, &str)]) -> Ring {
    let node = |tokens: &str| Node {
        rack: "r1".to_owned(),
        tokens: words(tokens),
        ..Node::default()
    };
    let nodes = nodes
        .iter()
        .map(|(name, tokens)| ((*name).to_owned(), node(tokens)));
    Ring {
        nodes: nodes.collect(),
        ..Ring::default()
    }
}

#[test]
fn files_go_as_they_are_only_where_they_belong() {
    let was = ring(&[("a", "1 5"), ("b", "3 7")]);
    let pairs = |text: &str| -> Vec<(String, String)> {
        let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.map(|(from, to)| (from.to_owned(), to.to_owned())).collect()
    };
    let mut spread = recorded();
    spread.keyspaces.insert("shop".into(), "three".into());
    let same = recorded();
    for (is, live, mapped, part) in [
        (ring(&[("a", "5 1"), ("b", "3 7")]), &same, "a=a b=b", None),
        (ring(&[("a", "3 7"), ("b", "1 5")]), &same, "a=b b=a", None),
        (
            ring(&[("a", "3 7"), ("b", "1 5")]),
            &same,
            "a=a b=b",
            Some("`a` does not own"),
        ),
        (
            ring(&[("a", "1 5"), ("b", "3 8")]),
            &same,
            "a=a b=b",
            Some("`b` does not own"),
        ),
        (
            ring(&[("a", "1 5")]),
            &same,
            "a=a b=a",
            Some("the backup has 2 nodes, the ring 1"),
        ),
        (
            ring(&[("a", "1 5"), ("b", "3 7"), ("c", "9")]),
            &same,
            "a=a b=b",
            Some("2 nodes, the ring 3"),
        ),
        (
            ring(&[("a", "1 5"), ("b", "3 7")]),
            &same,
            "a=a b=a",
            Some("`a` does not own"),
        ),
        (
            ring(&[("a", "5 1"), ("b", "3 7")]),
            &spread,
            "a=a b=b",
            Some("replicated in another way"),
        ),
        (
            ring(&[("a", "5 1"), ("b", "3 7")]),
            &Schema::default(),
            "a=a b=b",
            None,
        ),
    ] {
        let (recorded, tables) = (recorded(), words("shop.plain"));
        let asked = LoadAsked {
            nodes: &[],
            keyspaces: &[],
            tables: &tables,
            rename: None,
            now: Timestamp::UNIX_EPOCH,
            allow_stale: false,
        };
        let chosen = Chosen::of(&recorded, &asked, &past()).unwrap();
        let reason = why_not_in_place((&recorded, &was), (live, &is), &chosen, &pairs(mapped));
        match (&reason, part) {
            (None, None) => {}
            (Some(reason), Some(part)) if reason.contains(part) => {}
            _ => panic!("{mapped}: {reason:?}, not {part:?}"),
        }
    }
}

#[test]
fn rows_are_not_streamed_into_a_table_with_a_storage_attached_index() {
    for (text, is_attached) in [
        (
            "CREATE CUSTOM INDEX by_v ON shop.wide (v) USING 'StorageAttachedIndex';",
            true,
        ),
        ("CREATE INDEX by_v ON shop.wide (v) USING 'sai';", true),
        ("CREATE INDEX by_v ON shop.wide (v);", false),
    ] {
        let mut live = recorded();
        for one in live.definitions.iter_mut().filter(|one| one.name == "by_v") {
            one.text = text.to_owned();
        }
        let refused = planned(&live, LoadWay::Stream, ("", "shop.wide", None)).is_err();
        assert_eq!(refused, is_attached, "{text}");
        // Files that are imported come with their index, and a copy and other tables have none.
        for (way, asked) in [
            (LoadWay::Import, ("", "shop.wide", None)),
            (LoadWay::Stream, ("", "shop.wide", Some("shop.again"))),
            (LoadWay::Stream, ("", "shop.plain", None)),
        ] {
            assert!(planned(&live, way, asked).is_ok(), "{text} {way:?} {asked:?}");
        }
    }
}
