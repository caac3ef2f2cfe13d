//! The words every other crate of Ostler uses: error kinds, ids, sizes, durations, clocks, secrets, progress.
//!
//! Who uses it: everybody; it depends on no other crate of ours.
//!
//! The types to know: [`ErrorKind`] (what a failure means, from which exit code, retry and outcome are derived),
//! [`Failure`] (an error with its kind, ready to cross a crate boundary) and [`Clock`] (the only source of time).
//!
//! Invariants: nothing here does input or output except [`ProcessIdentity`], which asks the operating system
//! who this process is. What is not here: anything that knows of backups, stores or operations.

mod clock;
mod cursor;
mod error;
mod evidence;
mod failure;
pub mod humane;
mod id;
mod period;
mod process;
mod progress;
mod secret;
mod size;
mod span;
mod text;

pub use clock::{Clock, ManualClock, SystemClock};
pub use cursor::{CursorError, OperationCursor};
pub use error::{Classified, ErrorKind, ExitCode};
pub use evidence::{BackupEvidence, MemberEvidence, PartEvidence};
pub use failure::Failure;
pub use id::{BackupId, IdError, OperationId, VaultId};
pub use jiff::Timestamp;
pub use period::{Period, PeriodError};
pub use process::ProcessIdentity;
pub use progress::{Progress, ProgressValue, Unit};
#[doc(hidden)]
pub use schemars;
pub use secret::Secret;
pub use size::ByteSize;
pub use span::{Span, SpanError};
