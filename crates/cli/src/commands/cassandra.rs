//! `ostler cassandra`: what the commands of an agent have the Cassandra beside it do.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ostler_drivers::cassandra::Jmx;
use ostler_drivers::cassandra::on_node::{self, Work};
use ostler_vocabulary::{ErrorKind, Failure};

use crate::arguments::{path, text};
use crate::output::schema;
use crate::session::Session;

/// Where the node's JMX is.
#[derive(Debug, Args)]
struct JmxArguments {
    /// Where Cassandra's JMX answers, without TLS
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7199", value_parser = text())]
    jmx: String,

    /// Who signs in to it
    #[arg(long, value_name = "NAME", value_parser = text(), requires = "jmx_password_file")]
    jmx_user: Option<String>,

    /// A file whose first line is the password, `-` for standard input
    #[arg(long, value_name = "FILE", value_parser = path(), requires = "jmx_user")]
    jmx_password_file: Option<PathBuf>,
}

impl JmxArguments {
    fn jmx(self, session: &Session) -> Result<Jmx, Failure> {
        let parts = self.jmx.rsplit_once(':');
        let Some((host, Ok(port))) = parts.map(|(host, port)| (host, port.parse())) else {
            let message = format!("--jmx: `{}` is not a host and a port", self.jmx);
            return Err(Failure::new(ErrorKind::Invalid, message).with_hint("such as 127.0.0.1:7199"));
        };
        let user = match (self.jmx_user, self.jmx_password_file) {
            (Some(name), Some(file)) => Some((name, session.secret_in(&file)?)),
            _ => None,
        };
        Ok(Jmx {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port,
            user,
        })
    }
}

#[derive(Debug, Args)]
pub(crate) struct Snapshot {
    /// What the snapshot is called
    #[arg(short, long, value_name = "TAG", default_value = "ostler", value_parser = text())]
    tag: String,
    #[command(flatten)]
    jmx: JmxArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Flush {
    #[command(flatten)]
    jmx: JmxArguments,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// SSTables, in a directory named by table, in one named by keyspace
    #[arg(value_name = "DIRECTORY", value_parser = path())]
    directory: PathBuf,
    #[command(flatten)]
    jmx: JmxArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CassandraCommand {
    /// Take a snapshot of all keyspaces, as `nodetool snapshot` does
    Snapshot(Snapshot),

    /// Remove snapshots by name, as `nodetool clearsnapshot` does
    Clearsnapshot(Snapshot),

    /// Write what is in memory to SSTables, as `nodetool flush` does
    Flush(Flush),

    /// Have SSTables taken over, as `nodetool import` does
    Import(Import),
}

impl CassandraCommand {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let (verb, jmx, work) = match self {
            Self::Snapshot(Snapshot { tag, jmx }) => ("snapshot", jmx, Work::Snapshot { tag }),
            Self::Clearsnapshot(Snapshot { tag, jmx }) => ("clearsnapshot", jmx, Work::ClearSnapshot { tag }),
            Self::Flush(Flush { jmx }) => ("flush", jmx, Work::Flush),
            Self::Import(Import { directory, jmx }) => {
                let directory = session.directory.join(directory);
                ("import", jmx, Work::Import { directory })
            }
        };
        let at = jmx.jmx.clone();
        let jmx = jmx.jmx(session)?;
        let work = tokio::task::spawn_blocking(move || on_node::run(&jmx, &work));
        match work.await {
            Ok(done) => done?,
            Err(error) => return Err(Failure::new(ErrorKind::Internal, error.to_string())),
        }
        let done = serde_json::json!({ "done": verb, "jmx": at });
        session.output.document(schema::CASSANDRA_NODE, &done, |page| {
            page.line(format!("{verb}: done by the Cassandra at {at}"));
        })
    }
}
