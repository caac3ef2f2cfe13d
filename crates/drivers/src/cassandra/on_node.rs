//! What agents' commands have a node do, over its JMX: what `nodetool` does by the same names.

use std::path::{Path, PathBuf};

use super::jmx::{Argument, Beans, Error, Jmx};

const STORAGE: &str = "org.apache.cassandra.db:type=StorageService";

/// Something that a node does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Writes memtables to SSTables, and gives all SSTables of all keyspaces a second name.
    Snapshot {
        /// What the snapshot is called.
        tag: String,
    },
    /// Removes the snapshots of that name.
    ClearSnapshot {
        /// What they are called.
        tag: String,
    },
    /// Writes memtables of all keyspaces to SSTables.
    Flush,
    /// Takes SSTables over.
    Import {
        /// A directory of SSTables, named by table in one named by keyspace.
        directory: PathBuf,
    },
}

/// Has a node do something, and waits until it is done.
///
/// # Errors
/// All of [`Error`]; [`Error::Failed`] where the node says that it could not, with what it says.
pub fn run(jmx: &Jmx, work: &Work) -> Result<(), Error> {
    let mut beans = Beans::connect(jmx)?;
    match work {
        Work::Snapshot { tag } => {
            let all = [Argument::Text(tag.clone()), Argument::Texts(Vec::new())];
            beans.invoke(STORAGE, "takeSnapshot", &all)?;
        }
        Work::ClearSnapshot { tag } => {
            let all = [Argument::Text(tag.clone()), Argument::Texts(Vec::new())];
            beans.invoke(STORAGE, "clearSnapshot", &all)?;
        }
        Work::Flush => {
            for keyspace in beans.attribute(STORAGE, "Keyspaces")? {
                let all = [Argument::Text(keyspace), Argument::Texts(Vec::new())];
                beans.invoke(STORAGE, "forceKeyspaceFlush", &all)?;
            }
        }
        Work::Import { directory } => import(&mut beans, jmx, directory)?,
    }
    Ok(())
}

/// As `nodetool import --no-tokens` does: everything else is checked, and SSTables begin at level 0, unrepaired. Whoever has moved
/// tokens without a cleanup has rows in SSTables that are no longer the node's; they do no harm.
fn import(beans: &mut Beans, jmx: &Jmx, directory: &Path) -> Result<(), Error> {
    let name = |path: Option<&Path>| {
        let name = path.and_then(Path::file_name);
        name.map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let (keyspace, table) = (name(directory.parent()), name(Some(directory)));
    let bean = format!("org.apache.cassandra.db:type=Tables,keyspace={keyspace},table={table}");
    let [reset_level, clear_repaired, verify, invalidate_caches] = [true; 4].map(Argument::Flag);
    let [verify_tokens, verify_all_of_it, copy] = [false; 3].map(Argument::Flag);
    let arguments = [
        Argument::Only(directory.to_string_lossy().into_owned()),
        reset_level,
        clear_repaired,
        verify,
        verify_tokens,
        invalidate_caches,
        verify_all_of_it,
        copy,
    ];
    let operation = "importNewSSTables";
    let failed = beans.invoke(&bean, operation, &arguments)?;
    if failed.is_empty() {
        return Ok(());
    }
    Err(Error::Failed {
        address: format!("{}:{}", jmx.host, jmx.port),
        asked: operation.to_owned(),
        said: format!("it did not take {}; its log says why", failed.join(", ")),
    })
}
