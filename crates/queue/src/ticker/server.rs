//! One server: its databases come and go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ostler_postgres::Options;
use ostler_vocabulary::Failure;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::database::Database;
use super::{Board, Databases, Server, TickerOptions, discovery, pace};

/// No statement of a ticker takes longer, apart from maintenance.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Watches the databases of a server until it is cancelled.
pub(super) async fn watch(
    server: Server,
    options: Arc<TickerOptions>,
    board: Arc<Board>,
    cancel: CancellationToken,
) {
    let server = Server {
        target: server.target.for_long_work(),
        ..server
    };
    let sessions = Options {
        application_name: Some("ostler ticker".to_owned()),
        statement_timeout: Some(STATEMENT_TIMEOUT),
    };
    let mut watched: BTreeMap<String, CancellationToken> = BTreeMap::new();
    let mut tasks = JoinSet::new();
    let mut failures = 0;
    while !cancel.is_cancelled() {
        let found = tokio::select! {
            () = cancel.cancelled() => break,
            found = discovery::databases(&server, &sessions) => found,
        };
        let wait = match found {
            Ok(names) => {
                if failures > 0 {
                    board.remove(&server.name);
                    failures = 0;
                }
                watched.retain(|name, token| {
                    let there = names.contains(name);
                    if !there {
                        token.cancel();
                        board.remove(&full_name(&server, name));
                    }
                    there
                });
                for name in names {
                    watched.entry(name).or_insert_with_key(|name| {
                        let token = cancel.child_token();
                        let database = Database {
                            name: full_name(&server, name),
                            target: server
                                .target
                                .clone()
                                .with_database(name)
                                .called(full_name(&server, name)),
                            sessions: sessions.clone(),
                            options: Arc::clone(&options),
                            board: Arc::clone(&board),
                        };
                        tasks.spawn(database.watch(token.clone()));
                        token
                    });
                }
                options.discovery
            }
            Err(error) => {
                // Databases that are known go on: perhaps only the one that is asked is gone.
                let failure = Failure::from(error);
                failures = board.failed(&server.name, &failure);
                let messages = failure.messages().join(": ");
                let wait = pace::pause(failures, options.shortest_pause, options.longest_pause);
                tracing::warn!(
                    server = server.name,
                    "databases cannot be listed, next try in {wait:?}: {messages}"
                );
                wait
            }
        };
        tokio::select! {
            () = cancel.cancelled() => break,
            () = tokio::time::sleep(wait) => {}
        }
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
}

fn full_name(server: &Server, database: &str) -> String {
    match server.databases {
        Databases::One => server.name.clone(),
        Databases::All | Databases::Named(_) => format!("{}/{database}", server.name),
    }
}
