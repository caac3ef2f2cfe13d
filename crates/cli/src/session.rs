//! What a verb works with.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_api::Client;
use ostler_vocabulary::{Clock, ErrorKind, Failure, Secret, Timestamp};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};

use crate::arguments::{source_path, target_path};
use crate::backend::Backend;
use crate::error::CommandError;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::output::command_line;

/// Bytes of a file with a password at most.
const LONGEST_SECRET: u64 = 64 << 10;

/// One command from its parsed words to its end.
pub(crate) struct Session {
    pub backend: Arc<dyn Backend>,
    pub output: Output,
    pub clock: Arc<dyn Clock>,
    /// The working directory, against which relative paths are read.
    pub directory: PathBuf,
    /// The command line as it was typed, without the program's name.
    pub words: Vec<OsString>,
    pub interrupts: Mutex<mpsc::Receiver<Interrupt>>,
    /// Whether a server does the work, whose paths are not ours.
    pub is_remote: bool,
}

impl Session {
    pub async fn client(&self) -> Result<Arc<dyn Client>, Failure> {
        self.backend.client().await
    }

    /// Makes a change that no client makes, written down before and after.
    pub async fn written_down<T>(
        &self,
        action: &str,
        object: &str,
        before: Option<Value>,
        work: impl FnOnce() -> Result<T, Failure>,
        after: impl FnOnce(&T) -> Option<Value>,
    ) -> Result<T, Failure> {
        match self.backend.audited().await? {
            Some(audited) => {
                let named = (action.to_owned(), object.to_owned());
                audited.change(named, before, async { work() }, after).await
            }
            None => work(),
        }
    }

    /// The absolute path of something to be backed up.
    pub fn source(&self, typed: &Path) -> Result<PathBuf, Failure> {
        match self.is_remote {
            true => elsewhere(typed),
            false => source_path(typed, &self.directory),
        }
    }

    /// The absolute path of something that need not exist.
    pub fn target(&self, typed: &Path) -> Result<PathBuf, Failure> {
        match self.is_remote {
            true => elsewhere(typed),
            false => target_path(typed, &self.directory),
        }
    }

    /// The first line of a file, `-` for standard input.
    pub fn secret_in(&self, file: &Path) -> Result<Secret, Failure> {
        let mut text = String::new();
        let read = match file == Path::new("-") {
            true => std::io::stdin()
                .lock()
                .take(LONGEST_SECRET)
                .read_to_string(&mut text),
            false => std::fs::File::open(self.directory.join(file))
                .and_then(|opened| opened.take(LONGEST_SECRET).read_to_string(&mut text)),
        };
        read.map_err(|error| {
            Failure::new(ErrorKind::Invalid, error.to_string())
                .context(format!("cannot read the password in {}", file.display()))
        })?;
        Ok(Secret::new(text.lines().next().unwrap_or_default()))
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The command line that runs exactly the plan with this digest.
    pub fn command_to_apply(&self, digest: &str, cutoff: Option<String>) -> String {
        let mut words: Vec<OsString> = self
            .words
            .iter()
            .filter(|word| *word != "--dry-run" && *word != "--explain")
            .cloned()
            .collect();
        if let Some(cutoff) = cutoff {
            if let Some(verb) = words.iter_mut().find(|word| word.to_str() == Some("plan")) {
                *verb = "run".into();
            }
            let given = |word: &OsString| word.to_str().is_some_and(|word| word.starts_with("--cutoff"));
            if !words.iter().any(given) {
                words.push("--cutoff".into());
                words.push(cutoff.into());
            }
        }
        words.push("--apply".into());
        words.push(digest.into());
        command_line(&words)
    }
}

/// A path of the server's machine, of which nothing is known here.
fn elsewhere(typed: &Path) -> Result<PathBuf, Failure> {
    if typed.is_absolute() {
        return Ok(typed.to_owned());
    }
    Err(CommandError::RelativeElsewhere {
        path: typed.to_owned(),
    }
    .into())
}
