//! `ostler restore`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ostler_api::request::{self, Request};
use ostler_vocabulary::Failure;

use crate::arguments::{ApprovalArguments, SelectorArguments, Tag, path, tag, text};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Bring files of a backup back
///
/// Without `--to`, files go back to their original place. Below `--to DIR`, one backed-up directory's contents lie
/// directly in DIR, one backed-up file is DIR/NAME, and several sources lie at DIR/ABSOLUTE/PATH. Every byte is
/// verified, and a file gets its name only when it is whole. A restore that was interrupted can be resumed or simply
/// run again: what is right already is left alone.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    which: SelectorArguments,

    /// The directory to restore to; the original place if not given
    #[arg(long, value_name = "DIR", value_parser = path())]
    to: Option<PathBuf>,

    /// Restore only this path and what is below it; may be repeated
    #[arg(long, value_name = "PATH", value_parser = path())]
    include: Vec<PathBuf>,

    /// What to do with files that exist
    #[arg(long, value_enum, default_value_t = Overwrite::Never, value_name = "WHEN")]
    overwrite: Overwrite,

    /// Remove files below the restored directories that are not in the backup
    #[arg(long)]
    delete_extra: bool,

    /// Restore from a partial or damaged backup what can be restored
    #[arg(long)]
    allow_incomplete: bool,

    /// Write the content of this one file to standard output instead
    #[arg(long, value_name = "FILE", value_parser = path(), conflicts_with_all = [
        "to", "include", "overwrite", "delete_extra", "dry_run", "yes", "apply"
    ])]
    stdout: Option<PathBuf>,

    /// Restore to the nodes of this cluster
    #[arg(long, value_name = "CLUSTER", value_parser = text(), conflicts_with_all = ["to", "stdout"])]
    cluster: Option<String>,

    /// Where a node of the backup goes; the others go to the node of their name; may be repeated
    #[arg(long = "node", value_name = "FROM=TO", requires = "cluster", value_parser = tag)]
    node: Vec<Tag>,

    /// Restore only these nodes of the backup
    #[arg(long, value_name = "NODE", requires = "cluster", value_delimiter = ',', value_parser = text())]
    nodes: Vec<String>,

    /// Restore into roots that hold what is not in the backup, and leave that
    #[arg(long, requires = "cluster")]
    into_used: bool,

    /// Have the cluster's database, which runs, load this keyspace; `*` for all of the users; may be repeated
    #[arg(long, value_name = "KEYSPACE", requires = "cluster", value_parser = text(), conflicts_with_all = [
        "include", "delete_extra", "nodes", "into_used"
    ])]
    keyspace: Vec<String>,

    /// Have the cluster's database, which runs, load this table; may be repeated
    #[arg(long, value_name = "KEYSPACE.TABLE", requires = "cluster", value_parser = text(), conflicts_with_all = [
        "include", "delete_extra", "nodes", "into_used"
    ])]
    table: Vec<String>,

    /// Load the table as this one, beside it, instead of in its place
    #[arg(long = "as", value_name = "KEYSPACE.TABLE", requires = "table", value_parser = text())]
    rename: Option<String>,

    /// Restore also what is older than the database remembers deletions: deleted rows may return
    #[arg(long, requires = "cluster")]
    allow_stale: bool,

    #[command(flatten)]
    approval: ApprovalArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Overwrite {
    /// A file that exists and differs stops the restore before anything is written
    Never,
    /// Files that differ are replaced
    Different,
    /// All files are written anew
    Always,
}

impl Restore {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let selector = self.which.selector()?;
        if let Some(file) = self.stdout {
            let client = session.client().await?;
            let mut chunks = client.read_file(&selector, &file, self.allow_incomplete).await?;
            while let Some(chunk) = chunks.recv().await {
                session.output.bytes(&chunk?)?;
            }
            return session.output.flush();
        }
        let in_place = self.rename.is_none() && !(self.keyspace.is_empty() && self.table.is_empty());
        let request = Request::Restore(request::Restore {
            backup: selector,
            to: self.to.map(|to| session.target(&to)).transpose()?,
            include: self.include,
            overwrite: match self.overwrite {
                Overwrite::Never => request::Overwrite::Never,
                Overwrite::Different => request::Overwrite::Different,
                Overwrite::Always => request::Overwrite::Always,
            },
            delete_extra: self.delete_extra,
            allow_incomplete: self.allow_incomplete,
            onto: self.cluster.map(|cluster| request::Onto {
                cluster,
                nodes: self.node.into_iter().map(|tag| (tag.key, tag.value)).collect(),
                only: self.nodes,
                into_used: self.into_used,
                keyspaces: self.keyspace,
                tables: self.table,
                rename: self.rename,
                allow_stale: self.allow_stale,
            }),
        });
        let approval = match (self.delete_extra, in_place) {
            (true, _) => Approval::needed("restore --delete-extra", self.approval),
            (false, true) => Approval::needed("restore in place", self.approval),
            (false, false) => Approval::offered(self.approval),
        };
        carry_out(session, request, approval).await
    }
}
