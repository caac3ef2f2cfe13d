//! The ticker: makes batches of events, gives back those whose time has come, and runs maintenance, for many databases
//! of many servers in one process.
//!
//! A database has one task and, while there is something to do, one session: what fails there stops no other. Of several
//! tickers one leads in each database, by an advisory lock; the others stand by.
//!
//! While events come, a database is looked at every `wakeup_lag`. When none come it is looked at ever more rarely, and
//! producers are told that the ticker sleeps: the first that commits wakes it. What is to be done when is decided in
//! [`pace`] and [`crate::maintenance`], which are pure.

mod board;
mod database;
mod discovery;
mod metrics;
mod options;
pub mod pace;
mod server;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use board::{Board, DatabaseReport, Standing};
pub use metrics::prometheus;
pub use options::{Databases, Server, TickerOptions};

/// Runs until it is cancelled. New options take the place of the old ones at once, which ends all sessions and begins new
/// ones.
pub async fn run(mut options: watch::Receiver<TickerOptions>, board: Arc<Board>, cancel: CancellationToken) {
    loop {
        let current = Arc::new(options.borrow_and_update().clone());
        let round = cancel.child_token();
        let mut servers = JoinSet::new();
        for server in current.servers.clone() {
            servers.spawn(server::watch(
                server,
                Arc::clone(&current),
                Arc::clone(&board),
                round.clone(),
            ));
        }
        let again = tokio::select! {
            () = cancel.cancelled() => false,
            changed = options.changed() => changed.is_ok(),
        };
        if !again {
            // Whoever could send new options is gone; that is no reason to stop.
            cancel.cancelled().await;
        }
        round.cancel();
        while servers.join_next().await.is_some() {}
        if cancel.is_cancelled() {
            return;
        }
        board.clear();
    }
}
