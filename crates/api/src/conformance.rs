//! The suite that every [`Client`](crate::Client) passes is in [`client`]. Here is the one that every [`Node`] passes, for what can be asked of any: the agent in this process, the one behind a wire,
//! the one without a disk that tests of operations use. What files are is tested where they are, in the agent.

pub mod client;

use std::path::Path;

use ostler_vocabulary::ErrorKind;
use tokio_util::sync::CancellationToken;

use crate::Node;
use crate::node::SCRATCH_TREE;

/// Runs every check and returns what was found wrong. `above` is a directory of the node's in which scratch directories
/// may be made; `foreign` is one that has something in it and is nobody's scratch.
pub async fn check(node: &dyn Node, above: &Path, foreign: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |name: &str, finding: Result<(), String>| {
        if let Err(what) = finding {
            found.push(format!("{name}: {what}"));
        }
    };
    note("info", info(node).await);
    note("scratch", scratch(node, above).await);
    note("foreign directory", foreign_directory(node, foreign).await);
    found
}

async fn info(node: &dyn Node) -> Result<(), String> {
    let info = node.info().await.map_err(|failure| failure.to_string())?;
    ensure(
        !info.host.is_empty() && !info.version.is_empty(),
        "it does not say what it is",
    )
}

/// A scratch directory is made and removed, each any number of times, and made again after it was removed.
async fn scratch(node: &dyn Node, above: &Path) -> Result<(), String> {
    let directory = above.join("of/a-drill");
    for round in ["first", "second"] {
        for time in ["first", "second"] {
            node.make_scratch(directory.clone()).await.map_err(|failure| {
                format!("making it for the {time} time in the {round} round: {failure}")
            })?;
        }
        // A command runs in it only where it is.
        let tree = directory.join(SCRATCH_TREE);
        let ran = node
            .run_command("true", Some(tree), &CancellationToken::new())
            .await
            .map_err(|failure| format!("running a command in it in the {round} round: {failure}"))?;
        ensure(ran.exit_code == Some(0), "a command that succeeds failed in it")?;
        for time in ["first", "second"] {
            node.remove_scratch(directory.clone()).await.map_err(|failure| {
                format!("removing it for the {time} time in the {round} round: {failure}")
            })?;
        }
    }
    Ok(())
}

/// What a user has is neither made a scratch directory nor removed, however often it is asked for.
async fn foreign_directory(node: &dyn Node, foreign: &Path) -> Result<(), String> {
    for _ in 0..2 {
        let asked = [
            node.make_scratch(foreign.to_owned()).await,
            node.remove_scratch(foreign.to_owned()).await,
        ];
        for answer in asked {
            match answer {
                Err(failure) if failure.kind() == ErrorKind::Refused => {}
                Err(failure) => return Err(format!("refused as {:?}: {failure}", failure.kind())),
                Ok(()) => return Err("it was not refused".to_owned()),
            }
        }
    }
    Ok(())
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
