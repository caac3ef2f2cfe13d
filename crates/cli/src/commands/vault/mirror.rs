//! `ostler vault mirror`

use clap::Args;
use ostler_api::request::{Filter, Mirror as MirrorRequest, Request};
use ostler_vocabulary::Failure;
use std::path::PathBuf;

use crate::arguments::ApprovalArguments;
use crate::arguments::{Tag, backup, path, tag, tag_map, text};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Copy backups to another vault
///
/// What the other vault has already is neither read nor sent again. Each copy is committed by itself, after everything it
/// needs was found there; it keeps its id, name, tags and times, and says where it comes from.
#[derive(Debug, Args)]
pub(crate) struct Mirror {
    /// Ids, unique prefixes, names, `latest` or `latest~N`
    #[arg(value_name = "BACKUP", value_parser = backup())]
    backups: Vec<String>,

    /// The vault to read from; the default vault if not given
    #[arg(long, value_name = "VAULT", value_parser = text())]
    from: Option<String>,

    /// The vault to copy to
    #[arg(long, value_name = "VAULT", value_parser = text())]
    to: String,

    /// The newest N good backups of each source
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with_all = ["all", "backups"])]
    latest: Option<u32>,

    /// All backups that can be restored
    #[arg(long, conflicts_with = "backups")]
    all: bool,

    /// Only backups made on this host
    #[arg(long, value_name = "HOST", value_parser = text())]
    host: Option<String>,

    /// Only backups whose source has this path
    #[arg(long, value_name = "PATH", value_parser = path())]
    path: Option<PathBuf>,

    /// Only backups with this name
    #[arg(long, value_name = "NAME", value_parser = text())]
    name: Option<String>,

    /// Only backups with this tag; may be repeated, and all must match
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<Tag>,

    /// Print what would be copied, and copy nothing
    #[arg(long)]
    dry_run: bool,
}

impl Mirror {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let (request, approval) = self.wish()?;
        carry_out(session, request, approval).await
    }

    /// What the words ask for.
    pub fn wish(self) -> Result<(Request, Approval), Failure> {
        let request = Request::Mirror(MirrorRequest {
            from: self.from,
            to: self.to,
            backups: self.backups,
            filter: Filter {
                host: self.host,
                path: self.path,
                name: self.name,
                tags: tag_map(&self.tags)?,
            },
            latest: self.latest,
            all: self.all,
        });
        let offered = ApprovalArguments {
            dry_run: self.dry_run,
            ..ApprovalArguments::default()
        };
        Ok((request, Approval::offered(offered)))
    }
}
