//! What is said on the wire. A later version has everything of the one before; what is new is said by [`Ask::since`].

use ostler_api::client::LimitChange;
use ostler_api::node::{Compare, Download, Selection, Upload};
use ostler_vocabulary::{BackupId, ErrorKind, Failure, OperationId, ProgressValue, VaultId};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The body of `POST /vN/ask`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The cluster's name in the configuration of whoever asks.
    pub cluster: String,
    /// The vault that is meant; an agent that has another one configured refuses. Not given where none is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultId>,
    /// The epoch of the cluster's lease; 0 without one, which is enough for what only reads.
    #[serde(default)]
    pub epoch: u64,
    /// The operation it is for, for the node's log. Since version 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
    /// What is asked for.
    pub ask: Ask,
}

impl Envelope {
    /// The oldest version of the protocol that has this request.
    #[must_use]
    pub fn since(&self) -> u32 {
        match self.operation {
            Some(_) => self.ask.since().max(TELLS_OPERATION),
            None => self.ask.since(),
        }
    }
}

/// The version since which a request says for which operation it is.
pub(crate) const TELLS_OPERATION: u32 = 3;

/// The version since which agents hold files still themselves.
const HOLDS: u32 = 4;

/// What an agent can be asked for: the methods of [`ostler_api::Node`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    content = "with",
    rename_all = "snake_case",
    deny_unknown_fields
)]
pub enum Ask {
    /// What the node is.
    Info,
    /// Count files and bytes.
    Survey(Selection),
    /// Read files and store them in the vault.
    Upload(Upload),
    /// Work out what a restore would change.
    Preview(Download),
    /// Restore.
    Download(Download),
    /// Compare a restored tree.
    Compare(Compare),
    /// Run a command of the agent's own configuration, by its name.
    RunCommand {
        /// Its name.
        command: String,
        /// The directory to run it in.
        directory: Option<PathBuf>,
    },
    /// Make a scratch directory.
    MakeScratch {
        /// Where.
        directory: PathBuf,
    },
    /// Remove a scratch directory.
    RemoveScratch {
        /// Where.
        directory: PathBuf,
    },
    /// Say in which of these backups it took no part. Since version 3.
    Recall {
        /// The backups.
        backups: Vec<BackupId>,
    },
    /// Remember these backups. Since version 3.
    Adopt {
        /// The backups.
        backups: Vec<BackupId>,
    },
    /// Keep to these limits for a minute. Since version 3.
    Limit(LimitChange),
}

impl Ask {
    /// Whether something of the node's or the vault's data changes by it. Such a request needs the cluster's lease.
    #[must_use]
    pub fn writes(&self) -> bool {
        match self {
            Self::Info
            | Self::Survey(_)
            | Self::Preview(_)
            | Self::Compare(_)
            | Self::Recall { .. }
            // Nothing that is going on depends on it.
            | Self::Adopt { .. }
            | Self::Limit(_) => false,
            Self::Upload(_)
            | Self::Download(_)
            | Self::RunCommand { .. }
            | Self::MakeScratch { .. }
            | Self::RemoveScratch { .. } => true,
        }
    }

    /// Whether the vault is needed for it.
    #[must_use]
    pub fn needs_vault(&self) -> bool {
        matches!(
            self,
            Self::Upload(_) | Self::Preview(_) | Self::Download(_) | Self::Compare(_)
        )
    }

    /// The oldest version of the protocol that has this request.
    #[must_use]
    pub fn since(&self) -> u32 {
        match self {
            Self::Survey(selection) | Self::Upload(Upload { selection, .. }) => {
                match (&selection.frozen, &selection.hold) {
                    (Some(frozen), _) if frozen.increments.is_some() => 5,
                    (_, Some(_)) => HOLDS,
                    (Some(_), None) => 2,
                    (None, None) => 1,
                }
            }
            Self::Recall { .. } | Self::Adopt { .. } | Self::Limit(_) => 3,
            _ => 1,
        }
    }

    /// The same without what a version does not have and what can be done without: an agent that holds no files still reads them
    /// as they are, and tells which changed.
    pub(crate) fn within(mut self, version: u32) -> Self {
        if let Self::Survey(selection) | Self::Upload(Upload { selection, .. }) = &mut self
            && version < HOLDS
        {
            selection.hold = None;
        }
        self
    }

    /// Its word, for logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Survey(_) => "survey",
            Self::Upload(_) => "upload",
            Self::Preview(_) => "preview",
            Self::Download(_) => "download",
            Self::Compare(_) => "compare",
            Self::RunCommand { .. } => "run_command",
            Self::MakeScratch { .. } => "make_scratch",
            Self::RemoveScratch { .. } => "remove_scratch",
            Self::Recall { .. } => "recall",
            Self::Adopt { .. } => "adopt",
            Self::Limit(_) => "limit",
        }
    }
}

/// One line of an answer. The last one is `done` or `failed`; a line whose word is not known is passed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// The agent lives.
    Beat,
    /// It is further than it was.
    Progress {
        /// How far.
        progress: ProgressValue,
    },
    /// It is done.
    Done {
        /// What the method gives.
        answer: serde_json::Value,
    },
    /// It failed.
    Failed {
        /// How.
        failure: FailureDocument,
    },
    /// What a newer agent says.
    #[serde(other)]
    Unknown,
}

/// A failure as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureDocument {
    /// What it means.
    pub kind: ErrorKind,
    /// The messages, outermost first.
    pub messages: Vec<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl From<&Failure> for FailureDocument {
    fn from(failure: &Failure) -> Self {
        Self {
            kind: failure.kind(),
            messages: failure.messages(),
            hint: failure.hint().map(str::to_owned),
        }
    }
}

impl From<FailureDocument> for Failure {
    fn from(document: FailureDocument) -> Self {
        let mut messages = document.messages.into_iter().rev();
        let innermost = messages.next().unwrap_or_else(|| "it did not say why".to_owned());
        let mut failure = Failure::new(document.kind, innermost);
        for message in messages {
            failure = failure.context(message);
        }
        match document.hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}
