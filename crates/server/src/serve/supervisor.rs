//! Runs roles: each in a task of its own, begun again after a failure.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ostler_vocabulary::{ErrorKind, Failure};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::role::{Role, Turn};

/// How often how it stands is written down.
pub(super) const REPORT: Duration = Duration::from_secs(2);

/// The first pause after a failure; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Who ran for so long before it failed begins with the first pause again.
const STEADY: Duration = Duration::from_secs(120);
/// How long a role may take to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a role stands.
#[derive(Debug, Clone, Default)]
struct Standing {
    ready: bool,
    failures: u64,
    last_failure: Option<String>,
}

struct Supervised {
    name: &'static str,
    stop: CancellationToken,
    begun: watch::Receiver<bool>,
    standing: Arc<Mutex<Standing>>,
    task: JoinHandle<()>,
}

/// The roles of a process.
pub(super) struct Supervisor {
    roles: Vec<Supervised>,
    file: PathBuf,
    told: bool,
}

impl Supervisor {
    /// Starts them in this order.
    pub fn start(roles: Vec<Arc<dyn Role>>, state_directory: &Path) -> Self {
        let roles = roles.into_iter().map(supervise).collect();
        Self {
            roles,
            file: state_directory.join("serve.json"),
            told: false,
        }
    }

    /// Returns once, when every role is ready or has failed for the first time.
    pub async fn all_have_begun(&mut self) {
        if self.told {
            std::future::pending::<()>().await;
        }
        for role in &mut self.roles {
            // A sender that is gone has failed.
            let _ = role.begun.wait_for(|begun| *begun).await;
        }
        self.told = true;
    }

    /// Stops them the other way round, each before the next is told. Gives how many did not stop.
    pub async fn stop(&mut self) -> usize {
        let mut stubborn = 0;
        while let Some(mut role) = self.roles.pop() {
            role.stop.cancel();
            if tokio::time::timeout(PATIENCE, &mut role.task).await.is_err() {
                tracing::error!("the role {} does not stop", role.name);
                role.task.abort();
                stubborn += 1;
            }
        }
        let _ = std::fs::remove_file(&self.file);
        stubborn
    }

    /// Writes down how the roles stand, for whoever looks.
    pub fn report(&self) {
        let roles: serde_json::Map<String, serde_json::Value> = self
            .roles
            .iter()
            .map(|role| {
                let standing = role
                    .standing
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone();
                let value = serde_json::json!({
                    "ready": standing.ready,
                    "failures": standing.failures,
                    "last_failure": standing.last_failure,
                });
                (role.name.to_owned(), value)
            })
            .collect();
        let document = serde_json::json!({ "process": std::process::id(), "roles": roles });
        let partial = self.file.with_extension("json.partial");
        let written = std::fs::write(&partial, document.to_string())
            .and_then(|()| std::fs::rename(&partial, &self.file));
        if let Err(error) = written {
            tracing::debug!(%error, "{} cannot be written", self.file.display());
        }
    }
}

fn supervise(role: Arc<dyn Role>) -> Supervised {
    let stop = CancellationToken::new();
    let (sender, begun) = watch::channel(false);
    let standing = Arc::new(Mutex::new(Standing::default()));
    Supervised {
        name: role.name(),
        task: tokio::spawn(attempts(role, stop.clone(), sender, Arc::clone(&standing))),
        stop,
        begun,
        standing,
    }
}

/// Attempt after attempt, until told to stop.
async fn attempts(
    role: Arc<dyn Role>,
    stop: CancellationToken,
    begun: watch::Sender<bool>,
    standing: Arc<Mutex<Standing>>,
) {
    let mut pause = FIRST_PAUSE;
    loop {
        let since = Instant::now();
        // Each attempt has its own readiness; that of the process is told once.
        let (ready, mut is_ready) = watch::channel(false);
        let turn = Turn::new(stop.clone(), ready);
        let attempt = tokio::spawn({
            let role = Arc::clone(&role);
            async move { role.run(turn).await }
        });
        tokio::pin!(attempt);
        let ended = loop {
            tokio::select! {
                ended = &mut attempt => break ended,
                Ok(()) = is_ready.changed() => {
                    standing.lock().unwrap_or_else(PoisonError::into_inner).ready = true;
                    begun.send_replace(true);
                }
            }
        };
        if stop.is_cancelled() {
            return;
        }
        let failure = match ended {
            Ok(Ok(())) => Failure::new(ErrorKind::Internal, "it ended by itself"),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::new(ErrorKind::Internal, "it stopped by a defect"),
        };
        if since.elapsed() > STEADY {
            pause = FIRST_PAUSE;
        }
        tracing::error!(
            "the role {} failed and is begun again in {} s: {failure:?}",
            role.name(),
            pause.as_secs()
        );
        {
            let mut standing = standing.lock().unwrap_or_else(PoisonError::into_inner);
            standing.ready = false;
            standing.failures += 1;
            standing.last_failure = Some(failure.to_string());
        }
        begun.send_replace(true);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;
    use ostler_vocabulary::{ErrorKind, Failure};

    use super::super::role::{Role, Turn};
    use super::Supervisor;

    /// Fails or panics so often before it runs.
    struct Fails(AtomicU32, bool);

    #[async_trait]
    impl Role for Fails {
        fn name(&self) -> &'static str {
            "fails"
        }

        async fn run(&self, turn: Turn) -> Result<(), Failure> {
            if self.0.fetch_sub(1, Ordering::SeqCst) > 1 {
                assert!(!self.1, "a defect");
                return Err(Failure::new(ErrorKind::Unavailable, "not yet"));
            }
            turn.ready();
            turn.stop.cancelled().await;
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_role_that_fails_is_begun_again_and_stops_no_other() {
        let state = tempfile::tempdir().unwrap();
        let well = Arc::new(Fails(AtomicU32::new(1), false));
        let fails = Arc::new(Fails(AtomicU32::new(3), false));
        let panics = Arc::new(Fails(AtomicU32::new(3), true));
        let mut supervisor = Supervisor::start(vec![well, fails, panics], state.path());
        supervisor.all_have_begun().await;
        let ready = |supervisor: &Supervisor| -> Vec<bool> {
            let standing = |role: &super::Supervised| role.standing.lock().unwrap().ready;
            supervisor.roles.iter().map(standing).collect()
        };
        while ready(&supervisor) != [true; 3] {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        supervisor.report();
        let text = std::fs::read_to_string(state.path().join("serve.json")).unwrap();
        assert!(
            text.contains("it stopped by a defect") || text.contains("not yet"),
            "{text}"
        );
        assert_eq!(supervisor.stop().await, 0);
    }
}
