//! Whether what the configuration names can be reached.

use std::future::Future;

use futures::future::join_all;
use ostler_api::document::{Connection, ConnectionKind, ConnectionList, NodeStatus};
use ostler_api::queue::DatabaseChoice;
use ostler_api::retention::{DEFAULT_SCHEMA, PolicyPlace};
use ostler_vocabulary::Failure;
use ostler_vocabulary::humane::plural;

use super::Runtime;
use super::governed::Governed;

impl Runtime {
    /// Asks everything that the configuration names for an answer, all at once; changes nothing.
    ///
    /// # Errors
    /// When the configuration names a vault that cannot be. What does not answer is in the document.
    pub(super) async fn connect_to_everything(&self) -> Result<ConnectionList, Failure> {
        let databases = self.listed_databases().databases;
        let clusters = self.list_clusters().clusters;
        let vaults = self.listed_vaults()?;
        let (state, vaults, databases, nodes) = futures::join!(
            self.tried(
                ConnectionKind::State,
                String::new(),
                self.state_at(),
                self.try_state()
            ),
            join_all(vaults.into_iter().map(|vault| {
                let work = self.try_vault(vault.name.clone());
                self.tried(ConnectionKind::Vault, vault.name, vault.location, work)
            })),
            join_all(databases.into_iter().map(|database| {
                let work = self.try_database(database.name.clone());
                self.tried(ConnectionKind::Database, database.name, database.address, work)
            })),
            join_all(clusters.iter().map(|cluster| self.try_nodes(&cluster.name))),
        );
        let mut connections = vec![state];
        connections.extend(vaults);
        connections.extend(databases);
        connections.extend(nodes.into_iter().flatten());
        Ok(ConnectionList { connections })
    }

    /// What became of an attempt, with how long it took.
    async fn tried(
        &self,
        kind: ConnectionKind,
        name: String,
        at: String,
        work: impl Future<Output = Result<String, Failure>>,
    ) -> Connection {
        let begun = self.inner.clock.monotonic();
        let answered = work.await;
        let took = self.inner.clock.monotonic().saturating_sub(begun);
        let (ok, said, hint) = match answered {
            Ok(found) => (true, vec![found], None),
            Err(failure) => (false, failure.messages(), failure.hint().map(str::to_owned)),
        };
        Connection {
            kind,
            name,
            at,
            ok,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            said,
            hint,
        }
    }

    fn state_at(&self) -> String {
        let settings = self.settings();
        let dsn = settings.file.state.dsn.clone();
        dsn.unwrap_or_else(|| settings.state_directory.display().to_string())
    }

    async fn try_state(&self) -> Result<String, Failure> {
        let changes = self.journal(|engine| engine.newest_change()).await?;
        Ok(format!("{} in its history", plural(changes, "change")))
    }

    async fn try_vault(&self, name: String) -> Result<String, Failure> {
        if self.makes_default(Some(&name)) {
            return Ok("the first backup makes it".to_owned());
        }
        let opened = self.opened(Some(&name)).await?;
        let info = self.vault_info(&opened, None).await?;
        Ok(format!(
            "opens, {}",
            plural(info.backups.values().sum(), "backup")
        ))
    }

    async fn try_database(&self, name: String) -> Result<String, Failure> {
        let place = PolicyPlace {
            database: DatabaseChoice {
                name: Some(name),
                ..DatabaseChoice::default()
            },
            schema: DEFAULT_SCHEMA.to_owned(),
        };
        let database = Governed::of(self.settings(), &place)?.open().await?;
        let called = database.database().await;
        database.close().await;
        Ok(format!("answers as {}", called?))
    }

    async fn try_nodes(&self, cluster: &str) -> Vec<Connection> {
        let begun = self.inner.clock.monotonic();
        let status = self.ask_cluster(cluster).await;
        let took = self.inner.clock.monotonic().saturating_sub(begun);
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match status {
            Ok(status) => {
                let system = status.system.into_iter();
                let problems: Vec<String> = system.flat_map(|system| system.problems).collect();
                let nodes = status
                    .nodes
                    .into_iter()
                    .map(|node| node_of(cluster, node, took_ms));
                let database = (!problems.is_empty()).then(|| Connection {
                    kind: ConnectionKind::Database,
                    name: cluster.to_owned(),
                    at: cluster.to_owned(),
                    ok: false,
                    took_ms,
                    said: problems,
                    hint: None,
                });
                nodes.chain(database).collect()
            }
            Err(failure) => vec![Connection {
                kind: ConnectionKind::Node,
                name: cluster.to_owned(),
                at: cluster.to_owned(),
                ok: false,
                took_ms,
                said: failure.messages(),
                hint: failure.hint().map(str::to_owned),
            }],
        }
    }
}

fn node_of(cluster: &str, node: NodeStatus, took_ms: u64) -> Connection {
    let version = node.version.map(|version| format!("Ostler {version}"));
    Connection {
        kind: ConnectionKind::Node,
        name: format!("{cluster}/{}", node.name),
        at: node.address,
        ok: node.ok,
        took_ms,
        said: node.problem.into_iter().chain(version).collect(),
        hint: None,
    }
}
