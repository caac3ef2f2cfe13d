//! Many agents in one process, for `cargo xtask bench agents`: `agents DIRECTORY`, where each directory below has the
//! `agent.toml` of a node, as `ostler cluster init` writes it. It says `ready` when all of them answer.
#![allow(
    clippy::print_stdout,
    reason = "it tells who started it that all agents answer"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_server::settings::environment::Environment;
use ostler_server::settings::{Flags, Settings};
use ostler_server::{Runtime, agent};
use ostler_vocabulary::{ErrorKind, Failure, SystemClock};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let nodes = std::env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .ok_or_else(|| wrong("which directory?"))?;
    ostler_store::provide_tls();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let entries = std::fs::read_dir(&nodes).map_err(wrong)?;
    let (ready, mut answering) = mpsc::unbounded_channel();
    let mut agents = JoinSet::new();
    for entry in entries {
        let home = entry.map_err(wrong)?.path();
        let (runtime, ready) = (open(&home)?, ready.clone());
        agents.spawn(async move {
            let told = move |_: &agent::Running| {
                let _ = ready.send(());
            };
            agent::run(runtime, told, CancellationToken::new()).await
        });
    }
    for _ in 0..agents.len() {
        tokio::select! {
            _ = answering.recv() => {}
            Some(ended) = agents.join_next() => return ended.map_err(wrong)?,
        }
    }
    println!("ready");
    while let Some(ended) = agents.join_next().await {
        ended.map_err(wrong)??;
    }
    Ok(())
}

/// What one of them works with. Nothing of it is another's.
fn open(home: &Path) -> Result<Runtime, Failure> {
    let flags = Flags {
        config: Some(home.join("agent.toml")),
        state_directory: Some(home.join("state")),
        ..Flags::default()
    };
    let settings = Settings::resolve(&flags, Environment::of_process(home)?)?;
    Runtime::open(settings, Arc::new(SystemClock::default()))
}

fn wrong(reason: impl ToString) -> Failure {
    Failure::new(ErrorKind::Internal, reason.to_string())
}
