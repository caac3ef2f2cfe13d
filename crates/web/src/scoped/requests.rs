//! Which requests may be made about some clusters only.

use ostler_api::Request;
use ostler_api::request::Hooks;
use ostler_vocabulary::Failure;

use super::Scoped;

impl Scoped {
    /// The request with every backup that it names found, or why it may not be made.
    pub(super) async fn request(&self, mut request: Request) -> Result<Request, Failure> {
        self.shape(&request)?;
        match &mut request {
            Request::Verify(verify) => verify.backup = self.meant(&verify.backup).await?.0,
            Request::Drill(drill) => drill.backup = self.meant(&drill.backup).await?.0,
            Request::Restore(restore) => restore.backup = self.meant(&restore.backup).await?.0,
            Request::Delete(delete) => {
                for backup in &mut delete.backups {
                    let named = ostler_api::request::Selector {
                        vault: delete.vault.clone(),
                        backup: backup.clone(),
                        filter: delete.filter.clone(),
                    };
                    let (pinned, _) = self.meant(&named).await?;
                    delete.vault = pinned.vault;
                    *backup = pinned.backup;
                }
                // Each is named by its id.
                delete.filter = ostler_api::request::Filter::default();
            }
            _ => {}
        }
        Ok(request)
    }

    /// Refuses what reaches beyond the clusters, whichever backups are meant: commands and directories of the server, whole
    /// vaults, databases.
    pub(super) fn shape(&self, request: &Request) -> Result<(), Failure> {
        let what = match request {
            Request::CreateBackup(create) => match &create.cluster {
                Some(cluster) if !self.clusters.contains(cluster) => "another cluster",
                Some(_) if create.hooks != Hooks::default() => "a command on the server",
                Some(_) => return self.vault_named(create.vault.as_deref()),
                None => "a backup of the server's files",
            },
            Request::Restore(restore) => match &restore.onto {
                Some(onto) if !self.clusters.contains(&onto.cluster) => "another cluster",
                Some(_) if restore.to.is_none() => return Ok(()),
                _ => "a directory of the server",
            },
            Request::Drill(drill) if drill.check.is_some() => "a command on the server",
            Request::Drill(drill) if drill.scratch.is_some() => "a directory of the server",
            Request::Verify(_) | Request::Drill(_) | Request::Delete(_) => return Ok(()),
            // What is not known here yet is about more than a cluster.
            _ => "this request",
        };
        self.outside(what)
    }
}
