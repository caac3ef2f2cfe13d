//! What every backup of a node must contain, by the documents that are kept with it. Pure.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ostler_backup::demand::Demand;

use super::ring::{Ring, settings_of};
use super::schema::Schema;

/// The settings that name directories of SSTables.
const DIRECTORIES: &str = "data_file_directories";
const LOCAL_DIRECTORY: &str = "local_system_data_file_directory";
/// Tables that have rows on every node that has run once.
const FILLED: &[(&str, &str)] = &[
    ("system", "local"),
    ("system_schema", "columns"),
    ("system_schema", "keyspaces"),
    ("system_schema", "tables"),
];

/// The demands of every node that answered.
pub(super) fn of(documents: &BTreeMap<String, String>) -> BTreeMap<String, Demand> {
    let Some(ring) = Ring::recorded(documents) else {
        return BTreeMap::new();
    };
    let schema = Schema::recorded(documents).unwrap_or_default();
    let own = schema.tables.iter().filter(|table| table.keyspace == "system");
    let tables = own.map(super::schema::Table::directory);
    let filled = FILLED
        .iter()
        .filter_map(|(keyspace, name)| schema.table(keyspace, name));
    let demand = Demand {
        directories: None,
        source: "system_views.settings",
        tables: tables.collect(),
        filled: filled.map(super::schema::Table::directory).collect(),
    };
    let of_node = |node: &String| {
        let settings = documents.get(&settings_of(node)).map(String::as_str);
        let demand = Demand {
            directories: settings.and_then(directories),
            ..demand.clone()
        };
        (node.clone(), demand)
    };
    ring.nodes.keys().map(of_node).collect()
}

/// The data directories that a node's settings list: `[/one, /two]`.
fn directories(settings: &str) -> Option<Vec<PathBuf>> {
    let value = |name: &str| {
        let mut lines = settings.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='))?;
        Some(value.trim()).filter(|value| !value.is_empty() && *value != "null")
    };
    let list = value(DIRECTORIES)?;
    let list = list.trim_start_matches('[').trim_end_matches(']');
    let all = list.split(',').map(str::trim).chain(value(LOCAL_DIRECTORY));
    let all: Vec<PathBuf> = all
        .filter(|path| path.starts_with('/'))
        .map(PathBuf::from)
        .collect();
    Some(all).filter(|all| !all.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's way to fail")]
mod tests {
    use super::*;

    #[test]
    fn a_node_lists_the_directories_that_it_keeps_tables_in() {
        let paths = |text: &str| {
            directories(text).map(|all| {
                all.iter()
                    .map(|one| one.display().to_string())
                    .collect::<Vec<_>>()
            })
        };
        for (text, expected) in [
            ("data_file_directories = [/srv/a]\n", Some(vec!["/srv/a"])),
            (
                "a = 1\ndata_file_directories = [/srv/a, /srv/b]\nlocal_system_data_file_directory = \nz = 2\n",
                Some(vec!["/srv/a", "/srv/b"]),
            ),
            (
                "data_file_directories = [/srv/a]\nlocal_system_data_file_directory = /srv/own\n",
                Some(vec!["/srv/a", "/srv/own"]),
            ),
            ("data_file_directories = null\n", None),
            ("data_file_directories = \n", None),
            ("other = [/srv/a]\n", None),
        ] {
            let expected = expected.map(|all| all.into_iter().map(str::to_owned).collect());
            assert_eq!(paths(text), expected, "{text}");
        }
    }

    #[test]
    fn every_node_of_the_ring_has_demands() {
        let ring = r#"{"cluster_name":"t","partitioner":"p","nodes":{
            "a":{"host_id":"1","address":"x","datacenter":"d","rack":"r","version":"5.0","tokens":["1"]},
            "b":{"host_id":"2","address":"y","datacenter":"d","rack":"r","version":"5.0","tokens":["2"]}}}"#;
        let table = |keyspace: &str, name: &str, id: &str| super::super::schema::Table {
            keyspace: keyspace.into(),
            name: name.into(),
            id: id.into(),
            gc_grace_seconds: 0,
            base: None,
        };
        let schema = Schema {
            tables: vec![
                table("system", "local", "7ad54392-bcdd-35a6-8417-4e047860b377"),
                table("system", "paxos", "b7b7f0c2-fd0a-3410-8c05-3ef614bb7c2d"),
                table("system_schema", "tables", "afddfb9d-bc1e-3068-8056-eed6c302ba09"),
                table("shop", "plain", "3c4b1600-e697-11f1-80d4-698ebae596e6"),
            ],
            ..Schema::default()
        };
        let documents = [
            ("ring.json", ring.to_owned()),
            ("schema.json", schema.document()),
            ("settings-a.txt", "data_file_directories = [/srv/a]\n".to_owned()),
        ];
        let documents = documents.map(|(name, text)| (name.to_owned(), text)).into();
        let demands = of(&documents);
        let (a, b) = (&demands["a"], &demands["b"]);
        assert_eq!(a.directories, Some(vec!["/srv/a".into()]));
        assert_eq!(b.directories, None);
        assert_eq!(
            a.tables,
            [
                "system/local-7ad54392bcdd35a684174e047860b377",
                "system/paxos-b7b7f0c2fd0a34108c053ef614bb7c2d"
            ]
            .map(str::to_owned)
            .into()
        );
        assert_eq!(
            a.filled,
            [
                "system/local-7ad54392bcdd35a684174e047860b377",
                "system_schema/tables-afddfb9dbc1e30688056eed6c302ba09"
            ]
            .map(str::to_owned)
            .into()
        );
        assert!(of(&BTreeMap::new()).is_empty());
    }
}
