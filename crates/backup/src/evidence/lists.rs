//! What the file lists of a backup have to contain: as it is demanded while it is made, or by the documents kept with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_api::document::Problem;
use ostler_vault::{Reader, Record};
use ostler_vocabulary::{Classified as _, ErrorKind, Failure};

use super::needed::{Scope, gather};
use super::{Look, blocking, list_address};
use crate::Context;
use crate::cluster::past::read_documents;
use crate::cluster::system::is_system;
use crate::demand::{Demand, Demands};

/// What is demanded of a backup. `None` where its lists were compared before its commit, or nothing is known of it.
pub(super) async fn demands(
    context: &Context,
    reader: &Arc<Reader>,
    record: &Record,
    look: &Look,
) -> Result<Option<Demands>, Failure> {
    let mut demands = match &look.demands {
        Some(demands) => demands.clone(),
        None if look.include.is_empty() && !was_compared(record) => Demands::default(),
        None => return Ok(None),
    };
    demands.nodes = recorded(context, reader, record).await?;
    Ok(Some(demands))
}

/// Whether the lists of a backup were compared with demands before its commit. Backups of earlier versions were not.
fn was_compared(record: &Record) -> bool {
    let evidence = record.evidence.as_ref();
    evidence.is_some_and(|evidence| !evidence.members.is_empty())
}

/// What the driver of a backup demands by the documents that were kept with it.
async fn recorded(
    context: &Context,
    reader: &Arc<Reader>,
    record: &Record,
) -> Result<BTreeMap<String, Demand>, Failure> {
    let Some(part) = record.nodes.iter().find(|part| is_system(part)) else {
        return Ok(BTreeMap::new());
    };
    let (reader, list) = (Arc::clone(reader), list_address(&part.list)?);
    let documents = blocking(context, move |_| match read_documents(&reader, list) {
        Ok(documents) => Ok(documents),
        // Whatever is wrong with the list itself is found where all lists are read.
        Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotFound) => Ok(BTreeMap::new()),
        Err(error) => Err(error.into()),
    })
    .await?;
    Ok(match &context.cluster {
        Some(cluster) if cluster.driver.name() == part.driver => cluster.driver.demands(&documents),
        _ => context.clusters.demands(&part.driver, &documents),
    })
}

/// What the lists of a committed backup lack of what it must contain. Reads the lists only, of backups that were made without
/// comparing them.
///
/// # Errors
/// When the vault cannot be read. Damage of the lists is no error here.
pub async fn lacking(context: &Context, record: &Record) -> Result<Vec<Problem>, Failure> {
    if was_compared(record) || !record.nodes.iter().any(is_system) {
        return Ok(Vec::new());
    }
    let index = context.vault.index(false).await;
    let index = index.map_err(context.attempting("read its index"))?;
    let reader = Arc::new(context.vault.reader(index));
    let Some(demands) = demands(context, &reader, record, &Look::default()).await? else {
        return Ok(Vec::new());
    };
    let scope = Scope::new(&record.nodes, &[])?;
    blocking(context, move |context| {
        let needed = gather(context, &reader, &scope, Some(&demands))?;
        Ok(demands.reasons(&needed.lists))
    })
    .await
}
