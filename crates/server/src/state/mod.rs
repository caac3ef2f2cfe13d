//! What a server knows that nobody can work out again, as a document that another server takes over: schedules with their keep
//! rules, users, tokens, webhooks. `docs/design/state-format.md` is normative.
//!
//! No secret is in it: of passwords and tokens there is what is kept of them, of webhooks no secret that messages are signed
//! with, and none whose URL itself may be one. What is in vaults, databases and the configuration is not here either.

mod export;
mod import;
mod plan;

use ostler_api::schedule::{Definition, Pause};
use ostler_api::webhook::HookDefinition;
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};
use ostler_web::{TakenToken, TakenUser};
use serde::{Deserialize, Serialize};

pub use export::export;
pub use import::{Imported, import};
pub use plan::{Action, Item, Kind, plan};

/// What the document calls itself.
const FORMAT: &str = "ostler-state";
/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;
/// Bytes of a document at most.
pub const LONGEST: usize = 64 << 20;

/// What a server knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// `ostler-state`
    pub format: String,
    /// Its version.
    pub version: u32,
    /// When it was written.
    pub exported: Timestamp,
    /// By which version of the program.
    pub program: String,
    /// By name.
    pub schedules: Vec<TakenSchedule>,
    /// By name.
    pub users: Vec<TakenUser>,
    /// By name.
    pub tokens: Vec<TakenToken>,
    /// By name.
    pub webhooks: Vec<TakenWebhook>,
    /// What could not be taken along, and why.
    pub left_out: Vec<String>,
    /// BLAKE3 over the document without this field, as compact JSON, in hexadecimal.
    pub digest: String,
}

/// A schedule. Its runs are not taken along: on another server it is due from then on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TakenSchedule {
    /// Its name.
    pub name: String,
    /// Whether it stands still, and why.
    pub pause: Option<Pause>,
    /// What it does, and when.
    #[serde(flatten)]
    pub definition: Definition,
}

/// A webhook. It gets another secret to sign with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakenWebhook {
    /// Its name.
    pub name: String,
    /// Who is told what.
    pub definition: HookDefinition,
}

impl State {
    /// The document with its digest.
    fn sealed(mut self) -> Self {
        self.digest = self.worked_out();
        self
    }

    /// The digest that it should have.
    fn worked_out(&self) -> String {
        let mut document = serde_json::to_value(self).unwrap_or_default();
        if let Some(fields) = document.as_object_mut() {
            fields.shift_remove("digest");
        }
        blake3::hash(document.to_string().as_bytes()).to_hex().to_string()
    }

    /// The document as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads a document.
    ///
    /// # Errors
    /// `Invalid` when it is none, `Unsupported` when a newer program wrote it, `Corrupt` when it was changed since.
    pub fn read(text: &str) -> Result<Self, Failure> {
        let invalid = |error: serde_json::Error| {
            Failure::new(ErrorKind::Invalid, error.to_string()).context("this is no state of a server")
        };
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let head: Head = serde_json::from_str(text).map_err(invalid)?;
        if head.format != FORMAT {
            let message = format!("this is `{}`, and no state of a server", head.format);
            return Err(Failure::new(ErrorKind::Invalid, message));
        }
        if head.version > VERSION {
            let message = format!(
                "this state is of version {}, and this program knows {VERSION}",
                head.version
            );
            return Err(Failure::new(ErrorKind::Unsupported, message)
                .with_hint("use the newer program to take it over"));
        }
        let state: Self = serde_json::from_str(text).map_err(invalid)?;
        match state.digest == state.worked_out() {
            true => Ok(state),
            false => Err(Failure::new(
                ErrorKind::Corrupt,
                "this state is not what was exported: its digest is another one",
            )
            .with_hint("export it again; what is to be different is changed where it is taken over")),
        }
    }
}

#[cfg(test)]
mod tests {
    use ostler_vocabulary::ErrorKind;

    use super::State;

    const SAMPLE: &str = include_str!("../../samples/v1/state.json");

    #[test]
    fn the_sample_of_each_version_is_read_and_written_as_it_was() {
        let state = State::read(SAMPLE).unwrap();
        assert_eq!(state.text(), SAMPLE);
        assert_eq!((state.schedules.len(), state.users.len()), (2, 2));
    }

    #[test]
    fn what_was_changed_since_or_is_newer_is_refused() {
        for (from, to, kind) in [
            ("\"admin\"", "\"viewer\"", ErrorKind::Corrupt),
            ("\"version\": 1,", "\"version\": 2,", ErrorKind::Unsupported),
            ("ostler-state", "other-state", ErrorKind::Invalid),
            ("\"left_out\"", "\"left\"", ErrorKind::Invalid),
        ] {
            assert!(SAMPLE.contains(from), "{from}");
            let failure = State::read(&SAMPLE.replacen(from, to, 1)).unwrap_err();
            assert_eq!(failure.kind(), kind, "{from}: {failure:?}");
        }
    }
}
