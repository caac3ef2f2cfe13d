//! What is loaded, what is run, and which node gets which files for it.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_api::request::{LoadWork, NodeWork, Onto, Overwrite, Plan, Restore, RestoreWork};
use ostler_vault::list::{EntryKind, ListReader};
use ostler_vault::{NodeRecord, Reader, Record};
use ostler_vocabulary::{BackupId, Failure};

use super::spread;
use crate::cluster::past::{blocking, past, reader};
use crate::cluster::restore::{enough_space, no_root};
use crate::cluster::system::is_system;
use crate::cluster::{Cluster, Root};
use crate::driver::LoadAsked;
use crate::evidence::list_address;
use crate::restore::plan_of;
use crate::{Context, Error};

/// What a directory that files are brought to is called; it is made in the root that they are of.
const STAGE: &str = ".ostler-load-";

/// Where files of a part wait on the node that gets them.
fn stage(root: &Root, id: BackupId, from: &str) -> PathBuf {
    root.path.join(format!("{STAGE}{}-{from}", id.short()))
}

/// Refuses what belongs to files that are put back.
fn only_load(request: &Restore, onto: &Onto) -> Result<(), Error> {
    let of_files = [
        ("--include", !request.include.is_empty()),
        ("--overwrite", request.overwrite != Overwrite::Never),
        ("--delete-extra", request.delete_extra),
        ("--nodes", !onto.only.is_empty()),
        ("--into-used", onto.into_used),
    ];
    match of_files.iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((option, _)) => Err(Error::Malformed {
            what: format!("`{option}`"),
            reason: "is for files that are put back, and not for keyspaces and tables that are loaded"
                .to_owned(),
        }),
    }
}

/// Works it out.
pub(crate) async fn plan(
    request: Restore,
    onto: &Onto,
    record: &Record,
    cluster: &Cluster,
    context: &Context,
) -> Result<Plan, Failure> {
    only_load(&request, onto)?;
    let id = record.backup;
    let parts: Vec<&NodeRecord> = record.nodes.iter().filter(|part| !is_system(part)).collect();
    let nodes: BTreeSet<&str> = parts.iter().map(|part| part.host.as_str()).collect();
    let pairs = spread::pairs(&nodes, &cluster.names(), onto)?;
    let asked = LoadAsked {
        nodes: &pairs,
        keyspaces: &onto.keyspaces,
        tables: &onto.tables,
        rename: onto.rename.as_deref(),
        now: context.now(),
        allow_stale: onto.allow_stale,
    };
    let past = past(context, record).await?;
    let (load, advice) = cluster.driver.plan_load(&past, &asked).await?;
    let mut work = RestoreWork {
        advice,
        ..RestoreWork::default()
    };
    let reader = reader(context).await?;
    for (from, to) in &pairs {
        let roots = cluster.named(to)?.roots().await?;
        for part in parts.iter().copied().filter(|part| part.host == *from) {
            let root = roots
                .iter()
                .find(|root| part.root.as_deref() == Some(root.name.as_str()));
            let root = root.ok_or_else(|| no_root(to, part))?;
            add(&mut work, part, (to, root), id, &load, &reader).await?;
        }
    }
    enough_space(&work)?;
    work.load = Some(load);
    Ok(plan_of(request, id, work, context))
}

async fn add(
    work: &mut RestoreWork,
    part: &NodeRecord,
    (node, root): (&str, &Root),
    id: BackupId,
    load: &LoadWork,
    reader: &Arc<Reader>,
) -> Result<(), Failure> {
    let directories: Vec<PathBuf> = load.tables.iter().map(|table| table.from.clone()).collect();
    let found = held(part.clone(), directories, Arc::clone(reader)).await?;
    let (files, bytes) = found.iter().fold((0, 0), |(files, bytes), one| {
        (files + one.files, bytes + one.bytes)
    });
    work.create += files;
    work.bytes += bytes;
    work.nodes.push(NodeWork {
        from: part.host.clone(),
        node: node.to_owned(),
        root: root.name.clone(),
        to: stage(root, id, &part.host),
        create: files,
        bytes,
        free: root.free,
        tables: found.into_iter().map(|one| one.directory).collect(),
        ..NodeWork::default()
    });
    Ok(())
}

/// A directory that a part has files in.
struct Held {
    directory: PathBuf,
    files: u64,
    bytes: u64,
}

/// Which of these directories a part has files in.
async fn held(
    part: NodeRecord,
    directories: Vec<PathBuf>,
    reader: Arc<Reader>,
) -> Result<Vec<Held>, Failure> {
    let list = list_address(&part.list)?;
    blocking(move || {
        let list = ListReader::open(reader, list)?;
        let mut found = Vec::new();
        for directory in directories {
            let mut held = Held {
                files: 0,
                bytes: 0,
                directory,
            };
            for top in &part.paths {
                for entry in list.below(&listed(&top.join(&held.directory))) {
                    if let EntryKind::File { size, .. } = entry?.kind {
                        held.files += 1;
                        held.bytes += size;
                    }
                }
            }
            if held.files > 0 {
                found.push(held);
            }
        }
        Ok(found)
    })
    .await
}

/// A path as file lists have it: without the `/` it begins with.
fn listed(path: &Path) -> Vec<u8> {
    let bytes = path.as_os_str().as_bytes();
    bytes.strip_prefix(b"/").unwrap_or(bytes).to_vec()
}
