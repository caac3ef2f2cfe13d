//! `ostler token`

mod add;
mod link;
mod list;
mod remove;

use std::collections::BTreeSet;

use clap::{Args, Subcommand, ValueEnum};
use ostler_vocabulary::Failure;
use ostler_web::{Rights, Role, Scope};
use serde_json::{Value, json};

use crate::arguments::text;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    Add(add::Add),
    List(list::List),
    Remove(remove::Remove),
    Link(link::Link),
}

impl TokenCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Add(verb) => verb.run(session).await,
            Self::List(verb) => verb.run(session),
            Self::Remove(verb) => verb.run(session).await,
            Self::Link(verb) => verb.run(session).await,
        }
    }
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleWord {
    /// Look at everything but the contents of files
    Viewer,
    /// Read contents, plan, start, stop and mark
    Operator,
    /// Everything, also keys, repairs and commands that run on the server
    Admin,
}

impl RoleWord {
    pub fn role(self) -> Role {
        match self {
            Self::Viewer => Role::Viewer,
            Self::Operator => Role::Operator,
            Self::Admin => Role::Admin,
        }
    }
}

/// About what they may do it.
#[derive(Debug, Args)]
pub(crate) struct ScopeArguments {
    /// Only with what is about this cluster, by its name in the configuration; may be repeated; everything if not given
    #[arg(long = "cluster", value_name = "CLUSTER", value_parser = text())]
    clusters: Vec<String>,
}

impl ScopeArguments {
    pub fn with(self, role: RoleWord) -> Rights {
        Rights {
            role: role.role(),
            scope: Scope::of(self.clusters),
        }
    }
}

/// Rights in a table: `operator`, or `operator of shop`.
pub(crate) fn shown(role: Role, clusters: Option<&BTreeSet<String>>) -> String {
    match clusters {
        None => role.to_string(),
        Some(clusters) => {
            let names: Vec<&str> = clusters.iter().map(String::as_str).collect();
            format!("{role} of {}", names.join(", "))
        }
    }
}

/// What the audit log says of rights.
pub(crate) fn told(rights: &Rights) -> Value {
    json!({ "role": rights.role, "clusters": rights.scope.clusters() })
}
