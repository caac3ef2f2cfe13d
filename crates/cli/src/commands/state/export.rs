//! `ostler state export`

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use clap::Args;
use ostler_server::state;
use ostler_vocabulary::humane::plural;
use ostler_vocabulary::{ErrorKind, Failure};
use serde::Serialize;

use crate::arguments::path;
use crate::output::schema;
use crate::session::Session;

/// Write down what this server knows, for another one: schedules with their keep rules, users, tokens, webhooks
///
/// No secret is in it: passwords and tokens work on the other server because what is kept of them is taken along. Webhooks that
/// were given a URL are left out, because the URL may be a secret. History, the audit log, vaults, databases and the configuration are not in it.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The new file, which only its owner may read
    #[arg(value_name = "FILE", value_parser = path())]
    file: PathBuf,
}

#[derive(Debug, Serialize)]
pub(crate) struct Exported {
    pub file: PathBuf,
    pub schedules: usize,
    pub users: usize,
    pub tokens: usize,
    pub webhooks: usize,
    pub left_out: Vec<String>,
    pub digest: String,
}

impl Export {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let access = session.backend.access()?;
        let client = session.client().await?;
        let state = state::export(client.as_ref(), &access, session.now()).await?;
        let file = session.directory.join(&self.file);
        let text = state.text();
        let write = || {
            let mut opened = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&file)?;
            opened.write_all(text.as_bytes())?;
            opened.sync_all()
        };
        write().map_err(|error| {
            let kind = match error.kind() {
                std::io::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
                std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                _ => ErrorKind::Internal,
            };
            Failure::new(kind, error.to_string()).context(format!("cannot write {}", file.display()))
        })?;
        let exported = Exported {
            file,
            schedules: state.schedules.len(),
            users: state.users.len(),
            tokens: state.tokens.len(),
            webhooks: state.webhooks.len(),
            left_out: state.left_out,
            digest: state.digest,
        };
        for why in &exported.left_out {
            session.output.note(&format!("left out: {why}"));
        }
        session.output.document(schema::STATE_EXPORT, &exported, |page| {
            page.line(format!(
                "{} has {}, {}, {}, {}",
                exported.file.display(),
                plural(exported.schedules as u64, "schedule"),
                plural(exported.users as u64, "user"),
                plural(exported.tokens as u64, "token"),
                plural(exported.webhooks as u64, "webhook")
            ));
        })
    }
}
