//! Commands before and after files are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ostler_api::document::CheckCommand;
use ostler_api::request::HookFailure;
use ostler_vocabulary::{ErrorKind, Failure};
use tokio_util::sync::CancellationToken;

use super::Create;

impl Create<'_> {
    /// Runs the command before. Whatever comes of the backup, the command after is run once this was begun: by its
    /// own step, or when this one is taken back. Gives the warning of a failure that is not fatal.
    pub(super) async fn before_hook(&self, after_ran: &Arc<AtomicBool>) -> Result<Option<String>, Failure> {
        let hooks = &self.request.hooks;
        if hooks.before.is_none() && hooks.after.is_none() {
            return Ok(None);
        }
        let (node, after, ran) = (
            Arc::clone(&self.context.node),
            hooks.after.clone(),
            Arc::clone(after_ran),
        );
        self.op
            .step("before hook")
            .run_with_undo(
                |step| async move {
                    self.hook("before", hooks.before.as_deref(), &step.cancelled)
                        .await
                },
                move |_| {
                    let (node, after, ran) = (Arc::clone(&node), after.clone(), Arc::clone(&ran));
                    async move {
                        match after {
                            Some(after) if !ran.load(Ordering::Relaxed) => {
                                let ended = node.run_command(&after, None, &CancellationToken::new()).await?;
                                failed("after", &ended).map_or(Ok(()), Err)
                            }
                            _ => Ok(()),
                        }
                    }
                },
            )
            .await
    }

    /// Runs the command after.
    pub(super) async fn after_hook(&self) -> Result<Option<String>, Failure> {
        let hooks = &self.request.hooks;
        if hooks.after.is_none() {
            return Ok(None);
        }
        self.op
            .step("after hook")
            .run(|step| async move { self.hook("after", hooks.after.as_deref(), &step.cancelled).await })
            .await
    }

    async fn hook(
        &self,
        which: &str,
        command: Option<&str>,
        cancel: &CancellationToken,
    ) -> Result<Option<String>, Failure> {
        let Some(command) = command else {
            return Ok(None);
        };
        let failure = match self.context.node.run_command(command, None, cancel).await {
            Ok(ended) => match failed(which, &ended) {
                Some(failure) => failure,
                None => return Ok(None),
            },
            Err(failure) if failure.kind() == ErrorKind::Cancelled => return Err(failure),
            Err(failure) => failure.context(format!("the {which} hook could not be run")),
        };
        match self.request.hooks.on_failure {
            HookFailure::Fail => Err(failure),
            HookFailure::Partial | HookFailure::Ignore => Ok(Some(failure.messages().join(": "))),
        }
    }
}

fn failed(which: &str, ended: &CheckCommand) -> Option<Failure> {
    let how = match ended.exit_code {
        Some(0) => return None,
        Some(code) => format!("exit code {code}"),
        None => "a signal".to_owned(),
    };
    let last = ended.output.lines().rev().find(|line| !line.trim().is_empty());
    let said = last.map(|line| format!(": {}", line.trim())).unwrap_or_default();
    Some(Failure::new(
        ErrorKind::Internal,
        format!("the {which} hook `{}` ended with {how}{said}", ended.command),
    ))
}
