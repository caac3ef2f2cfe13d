//! What has to be done so that a ring that runs takes tables of a backup in: pure, from the schema that was recorded and the one
//! that there is.

use std::collections::BTreeSet;
use std::path::PathBuf;

use ostler_api::request::{LoadTable, LoadWay, LoadWork};
use ostler_backup::driver::{LoadAsked, Past};

use super::ring::Ring;
use super::schema::{Definition, Kind, Schema, Table};
use super::statement::{mentions, renamed, repeatable, split, table};
use crate::Error;

/// Rows of this keyspace are added to those that there are: emptying it would lock everybody out.
const ACCOUNTS: &str = "system_auth";
/// All keyspaces of users.
const ALL: &str = "*";

/// The table that a copy is made as.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Copied {
    name: String,
    id: String,
}

/// Which tables of the backup come back.
#[derive(Debug)]
pub(super) struct Chosen<'a> {
    tables: Vec<&'a Table>,
    /// Keyspaces that are asked for as a whole.
    whole: BTreeSet<&'a str>,
    copied: Option<Copied>,
}

fn refused(what: String, reason: String, hint: &'static str) -> Error {
    Error::Load { what, reason, hint }
}

fn halves(name: &str) -> Result<(&str, &str), Error> {
    name.split_once('.').ok_or_else(|| {
        let reason = "has to be KEYSPACE.TABLE".to_owned();
        refused(
            format!("`{name}`"),
            reason,
            "names are as they are stored, without quotes",
        )
    })
}

impl<'a> Chosen<'a> {
    /// The tables that are asked for, of those that were recorded.
    pub(super) fn of(recorded: &'a Schema, asked: &LoadAsked<'_>, past: &Past) -> Result<Self, Error> {
        let mut tables: Vec<&Table> = Vec::new();
        for keyspace in asked.keyspaces {
            let is_users = |name: &str| recorded.definitions.iter().any(|one| one.keyspace == name);
            let known = tables.len();
            tables.extend(recorded.tables.iter().filter(|table| {
                let is_meant = table.keyspace == *keyspace || keyspace == ALL;
                let is_offered = is_users(&table.keyspace) || *keyspace == ACCOUNTS;
                table.base.is_none() && is_meant && is_offered
            }));
            let is_empty = is_users(keyspace) || keyspace == ALL;
            if tables.len() == known && !is_empty {
                let reason = "is not in the backup, or is the system's own".to_owned();
                return Err(refused(format!("keyspace `{keyspace}`"), reason, THERE));
            }
        }
        for name in asked.tables {
            let (keyspace, table) = halves(name)?;
            match recorded.table(keyspace, table) {
                Some(Table { base: Some(base), .. }) => {
                    let reason = format!("is a view: it comes back with its table, `{base}`");
                    return Err(refused(format!("`{name}`"), reason, THERE));
                }
                Some(found)
                    if recorded
                        .definitions
                        .iter()
                        .any(|one| one.keyspace == found.keyspace) =>
                {
                    tables.push(found);
                }
                _ => {
                    return Err(refused(
                        format!("table `{name}`"),
                        "is not in the backup".to_owned(),
                        THERE,
                    ));
                }
            }
        }
        let is_whole = |name: &&str| asked.keyspaces.iter().any(|one| one == name || one == ALL);
        let keyspaces = recorded.definitions.iter().map(|one| one.keyspace.as_str());
        let whole = keyspaces.filter(is_whole).collect();
        let mut known = BTreeSet::new();
        tables.retain(|table| known.insert(table.full_name()));
        let copied = match (asked.rename, tables.as_slice()) {
            (None, _) => None,
            (Some(to), [one]) => {
                let (keyspace, name) = halves(to)?;
                if keyspace != one.keyspace {
                    let reason = format!(
                        "has to be in the keyspace of {}: its types are there",
                        one.full_name()
                    );
                    return Err(refused(format!("`{to}`"), reason, COPY));
                }
                Some(Copied {
                    name: name.to_owned(),
                    id: id_for(past, to),
                })
            }
            (Some(to), _) => {
                let reason = "is a name for one table".to_owned();
                return Err(refused(format!("`{to}`"), reason, COPY));
            }
        };
        Ok(Self {
            tables,
            whole,
            copied,
        })
    }

    pub(super) fn is_copy(&self) -> bool {
        self.copied.is_some()
    }

    pub(super) fn has(&self, table: &Table) -> bool {
        self.tables.iter().any(|one| one.id == table.id)
    }

    fn keyspaces(&self) -> BTreeSet<&str> {
        self.tables.iter().map(|table| table.keyspace.as_str()).collect()
    }
}

const THERE: &str = "`ostler restore BACKUP --stdout cluster:NAME/cassandra/schema.cql` shows what there is";
const COPY: &str = "say --table KEYSPACE.TABLE --as KEYSPACE.OTHER; nothing was changed";

/// The id of a copy: the same whenever it is made of the same backup under the same name, so that what an interrupted restore has
/// made is known again, and what somebody else has made is not taken for it.
fn id_for(past: &Past, name: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(past.backup.as_bytes());
    hasher.update(name.as_bytes());
    let hash = hasher.finalize().to_hex();
    let part = |from, to| hash.get(from..to).unwrap_or_default();
    // Version 8: made as its maker likes.
    format!(
        "{}-{}-8{}-a{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 15),
        part(15, 18),
        part(18, 30)
    )
}

/// Why files of the backup's nodes cannot be given to the nodes they are mapped to as they are. `None` where they can: every
/// node has the tokens of the one whose files it gets, there is no other, and rows are kept as often as they were.
pub(super) fn why_not_in_place(
    recorded: (&Schema, &Ring),
    live: (&Schema, &Ring),
    chosen: &Chosen<'_>,
    pairs: &[(String, String)],
) -> Option<String> {
    let (was, is) = (recorded.1, live.1);
    if pairs.len() != is.nodes.len() || was.nodes.len() != is.nodes.len() {
        return Some(format!(
            "the backup has {} nodes, the ring {}",
            pairs.len(),
            is.nodes.len()
        ));
    }
    let mut taken = BTreeSet::new();
    for (from, to) in pairs {
        let (Some(from_node), Some(to_node)) = (was.nodes.get(from), is.nodes.get(to)) else {
            return Some(format!(
                "node `{from}` of the backup, or `{to}`, is not known to the ring"
            ));
        };
        if !taken.insert(to) || !from_node.owns_as(to_node) {
            return Some(format!(
                "node `{to}` does not own what `{from}` of the backup did"
            ));
        }
    }
    let other = |keyspace: &&&str| {
        let now = live.0.keyspaces.get(**keyspace);
        now.is_some() && now != recorded.0.keyspaces.get(**keyspace)
    };
    let keyspaces = chosen.keyspaces();
    keyspaces
        .iter()
        .find(other)
        .map(|keyspace| format!("keyspace `{keyspace}` is replicated in another way than it was"))
}

/// Works out what is run and loaded, and refuses what would not go well.
pub(super) fn arrange(
    recorded: &Schema,
    live: &Schema,
    chosen: &Chosen<'_>,
    way: LoadWay,
) -> Result<LoadWork, Error> {
    let mut work = LoadWork {
        way,
        ..LoadWork::default()
    };
    let mut made = Names::new();
    for one in &chosen.tables {
        if let Some(copied) = &chosen.copied {
            work.tables.push(copy(live, one, copied)?);
            made.insert((&one.keyspace, &one.name));
            continue;
        }
        match live.table(&one.keyspace, &one.name) {
            None => {
                made.insert((&one.keyspace, &one.name));
            }
            Some(there) if there.id == one.id => {
                if way == LoadWay::Stream {
                    no_attached_index(live, one)?;
                }
                if one.keyspace != ACCOUNTS {
                    work.empties.push(table(&one.keyspace, &one.name));
                }
                if way == LoadWay::Import {
                    views(recorded, live, one, &mut work.tables)?;
                }
            }
            Some(there) => {
                let reason = format!(
                    "is another table than the one in the backup: its id is {}, that of the backup's {}",
                    there.id, one.id
                );
                let hint = "restore it beside with --as, or drop the one that there is; nothing was changed";
                return Err(refused(format!("`{}`", one.full_name()), reason, hint));
            }
        }
        work.tables.push(loaded(one));
    }
    let types = types(recorded, &made);
    for one in &recorded.definitions {
        let is_made = |name: &str| made.contains(&(one.keyspace.as_str(), name));
        let of = one.of.as_deref().is_some_and(is_made);
        match one.kind {
            Kind::Keyspace if live.keyspaces.contains_key(&one.keyspace) => {}
            // Of a copy: their names are taken.
            Kind::Index | Kind::MaterializedView | Kind::Trigger if chosen.is_copy() || !of => {}
            Kind::Index | Kind::MaterializedView | Kind::Trigger => work.after.extend(statements(one, None)?),
            _ if is_needed(one, chosen, &made, &types) => {
                work.before.extend(statements(one, chosen.copied.as_ref())?);
            }
            _ => {}
        }
    }
    Ok(work)
}

/// Names with those of their keyspaces.
type Names<'a> = BTreeSet<(&'a str, &'a str)>;

/// The types that these tables are made of. A column that is called like a type counts as one: a type more does no harm.
fn types<'a>(recorded: &'a Schema, made: &Names<'_>) -> Names<'a> {
    let mut types = Names::new();
    loop {
        let known = types.len();
        for one in recorded.definitions.iter().filter(|one| one.kind == Kind::Type) {
            let uses = |other: &Definition| {
                let name = (other.keyspace.as_str(), other.name.as_str());
                let is_made = match other.kind {
                    Kind::Table => made.contains(&name),
                    Kind::Type => types.contains(&name),
                    _ => false,
                };
                is_made && other.keyspace == one.keyspace && mentions(&other.text, &one.name)
            };
            if recorded.definitions.iter().any(uses) {
                types.insert((&one.keyspace, &one.name));
            }
        }
        if types.len() == known {
            return types;
        }
    }
}

/// Whether something has to be there before these tables have rows.
fn is_needed(one: &Definition, chosen: &Chosen<'_>, made: &Names<'_>, types: &Names<'_>) -> bool {
    let name = (one.keyspace.as_str(), one.name.as_str());
    let is_of = made.iter().any(|(keyspace, _)| *keyspace == one.keyspace);
    match one.kind {
        Kind::Keyspace => is_of,
        Kind::Function | Kind::Aggregate => is_of && chosen.whole.contains(one.keyspace.as_str()),
        Kind::Table => made.contains(&name),
        Kind::Type => types.contains(&name),
        Kind::Index | Kind::MaterializedView | Kind::Trigger => false,
    }
}

/// What makes it, each to be run alone and as often as need be; a table as the copy that is wanted.
fn statements(one: &Definition, copied: Option<&Copied>) -> Result<Vec<String>, Error> {
    let mut statements = Vec::new();
    for text in split(&one.text) {
        let text = match copied.filter(|_| one.kind == Kind::Table) {
            None => text,
            Some(copied) => {
                let name = table(&one.keyspace, &copied.name);
                renamed(&text, &name, &copied.id).ok_or_else(|| {
                    let name = format!("table `{}.{}`", one.keyspace, one.name);
                    let reason = "was recorded in a form that cannot be given another name".to_owned();
                    refused(name, reason, "restore it in place")
                })?
            }
        };
        statements.push(repeatable(&text));
    }
    Ok(statements)
}

fn loaded(one: &Table) -> LoadTable {
    LoadTable {
        from: PathBuf::from(one.directory()),
        keyspace: one.keyspace.clone(),
        table: one.name.clone(),
        id: one.id.clone(),
    }
}

/// A table beside the one it was.
fn copy(live: &Schema, one: &Table, copied: &Copied) -> Result<LoadTable, Error> {
    let there = live.table(&one.keyspace, &copied.name);
    if there.is_some_and(|there| there.id != copied.id) {
        let name = format!("`{}.{}`", one.keyspace, copied.name);
        let reason = "is there already, and was not made by a restore of this backup".to_owned();
        return Err(refused(name, reason, "choose another name; nothing was changed"));
    }
    Ok(LoadTable {
        table: copied.name.clone(),
        id: copied.id.clone(),
        ..loaded(one)
    })
}

/// Refuses a table whose storage-attached index has no file for what is streamed: it takes such files never.
fn no_attached_index(live: &Schema, of: &Table) -> Result<(), Error> {
    let is_attached = |one: &&Definition| {
        let text = one.text.to_ascii_lowercase();
        let is_of = one.keyspace == of.keyspace && one.of.as_deref() == Some(of.name.as_str());
        one.kind == Kind::Index && is_of && (text.contains("storageattachedindex") || text.contains("'sai'"))
    };
    match live.definitions.iter().find(is_attached) {
        None => Ok(()),
        Some(index) => Err(refused(
            format!("`{}`", of.full_name()),
            format!(
                "has the storage-attached index `{}`, which takes no rows that are sent to other nodes than they were on",
                index.name
            ),
            "drop the index, restore, and make it again; or restore beside with --as; nothing was changed",
        )),
    }
}

/// Views are emptied with their table, and files that are given to a table do not come to its views: they have files of their own.
fn views(recorded: &Schema, live: &Schema, of: &Table, tables: &mut Vec<LoadTable>) -> Result<(), Error> {
    let is_view =
        |table: &&Table| table.keyspace == of.keyspace && table.base.as_deref() == Some(of.name.as_str());
    for view in live.tables.iter().filter(is_view) {
        let was = recorded.table(&view.keyspace, &view.name);
        if was.is_none_or(|was| was.id != view.id) {
            let reason = format!(
                "of `{}` was made after the backup, and would be empty",
                of.full_name()
            );
            let hint = "drop it, and make it again after the restore; nothing was changed";
            return Err(refused(format!("the view `{}`", view.full_name()), reason, hint));
        }
        tables.push(loaded(view));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
