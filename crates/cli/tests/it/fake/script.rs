//! What the fake is told to answer.

use ostler_api::document::OperationDetail;
use ostler_vocabulary::ErrorKind;

/// What the fake answers where a test wants something special.
#[derive(Debug, Default, Clone)]
pub struct Script {
    /// How the operation ends, instead of well.
    pub ends: Option<OperationDetail>,
    /// The list of backups is empty.
    pub empty: bool,
    /// The failure of every query and plan: its kind, messages outermost first, hint.
    pub fails: Option<(ErrorKind, Vec<&'static str>, Option<&'static str>)>,
    /// The operation goes on until it is cancelled (once), or left (twice).
    pub runs_for_ever: bool,
    /// The vault has just its first backup.
    pub first: bool,
    /// The plan of a prune has nothing to do.
    pub nothing_to_prune: bool,
}
