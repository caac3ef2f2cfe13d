//! What can go wrong apart from the server's own errors.

use ostler_api::retention::TableName;
use ostler_vocabulary::{Classified, ErrorKind};

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A cutoff that is no moment.
    #[error("`{text}` is no cutoff")]
    Cutoff {
        /// What was written.
        text: String,
    },
    /// A cutoff that is still to come.
    #[error("the cutoff {cutoff} is in the future; now is {now}")]
    Future {
        /// The cutoff.
        cutoff: ostler_vocabulary::Timestamp,
        /// Now.
        now: ostler_vocabulary::Timestamp,
    },
    /// A time zone that is not known here.
    #[error("time zone `{zone}` is not known")]
    Zone {
        /// Its name.
        zone: String,
        /// Why.
        source: jiff::Error,
    },
    /// No policy is chosen.
    #[error("no policy in {database} {choice}")]
    NoPolicy {
        /// The database.
        database: String,
        /// What was looked for.
        choice: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A policy that is there already.
    #[error("there is a policy `{name}` in {database} already")]
    Exists {
        /// Its name.
        name: String,
        /// The database.
        database: String,
    },
    /// A policy that somebody else changed meanwhile.
    #[error("policy `{name}` is of version {found}, not {expected}")]
    Changed {
        /// Its name.
        name: String,
        /// The version it has.
        found: i64,
        /// The version that was expected.
        expected: i64,
    },
    /// A policy that cannot be.
    #[error("policy `{name}` is wrong: {reason}")]
    Policy {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
        /// What to do.
        cure: Option<String>,
    },
    /// A definition that cannot be.
    #[error("{what} `{name}` is wrong: {reason}")]
    Definition {
        /// Its kind.
        what: &'static str,
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// Nothing of that kind and name is defined.
    #[error("there is no {what} `{name}` in {database}")]
    Undefined {
        /// Its kind.
        what: &'static str,
        /// Its name.
        name: String,
        /// The database.
        database: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Something of that kind and name is defined already.
    #[error("there is a {what} `{name}` in {database} already")]
    Defined {
        /// Its kind.
        what: &'static str,
        /// Its name.
        name: String,
        /// The database.
        database: String,
    },
    /// A definition that something else needs.
    #[error("{what} `{name}` is needed by {by}")]
    Needed {
        /// Its kind.
        what: &'static str,
        /// Its name.
        name: String,
        /// By what.
        by: String,
    },
    /// A table that is not there.
    #[error("there is no table {table} in {database}")]
    NoTable {
        /// The table.
        table: TableName,
        /// The database.
        database: String,
    },
    /// A column that is to be guessed and cannot.
    #[error("which column of {table} tells the time? {reason}")]
    WhichColumn {
        /// The table.
        table: TableName,
        /// Why it cannot be told.
        reason: String,
    },
    /// Nothing is archived of what is asked for.
    #[error("nothing of {table} is archived in {from} that is asked for")]
    NothingArchived {
        /// The table.
        table: TableName,
        /// Where it was looked for.
        from: String,
    },
    /// No policy says where a table's archives are, or several do.
    #[error("where are the archives of {table}?")]
    WhichShelf {
        /// The table.
        table: TableName,
        /// What policies say.
        known: Vec<String>,
    },
    /// Policies were made by a newer program.
    #[error("the tables of policies in {database} are of version {found}; this program knows up to {known}")]
    Newer {
        /// The database.
        database: String,
        /// Theirs.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Somebody else runs policies in the same database.
    #[error("somebody else runs policies in {database}")]
    Busy {
        /// The database.
        database: String,
    },
    /// A plan of something else.
    #[error("the plan is not one of retention")]
    ForeignPlan,
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Cutoff { .. }
            | Self::Future { .. }
            | Self::Zone { .. }
            | Self::Policy { .. }
            | Self::Definition { .. }
            | Self::WhichColumn { .. }
            | Self::WhichShelf { .. }
            | Self::ForeignPlan => ErrorKind::Invalid,
            Self::NoPolicy { .. }
            | Self::NoTable { .. }
            | Self::Undefined { .. }
            | Self::NothingArchived { .. } => ErrorKind::NotFound,
            Self::Exists { .. } | Self::Defined { .. } => ErrorKind::AlreadyExists,
            Self::Changed { .. } | Self::Needed { .. } => ErrorKind::Conflict,
            Self::Newer { .. } => ErrorKind::Unsupported,
            Self::Busy { .. } => ErrorKind::Busy,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Cutoff { .. } => Some(
                "write a date, a time with its zone, milliseconds since 1970, `now`, `today`, `yesterday`, or an age such as `4w`"
                    .into(),
            ),
            Self::Future { .. } => Some("a cutoff is a moment from which ages are counted back".into()),
            Self::Zone { .. } => Some("write a name such as UTC or Europe/Berlin".into()),
            Self::NoPolicy { known, .. } if known.is_empty() => {
                Some("`ostler retention add 'TABLE:COLUMN drop 4w'` makes one".into())
            }
            Self::NoPolicy { known, .. } => Some(format!("there are: {}", known.join(", "))),
            Self::Exists { .. } => {
                Some("`ostler retention policy edit` changes it; `--replace` replaces it; `--name` gives another name".into())
            }
            Self::Changed { .. } => Some("look at it with `ostler retention policy show`, and decide again".into()),
            Self::Policy { cure, .. } => cure.clone(),
            Self::WhichColumn { .. } => Some("name it: `TABLE:COLUMN`".into()),
            Self::Newer { .. } => Some("use the newer version of Ostler".into()),
            Self::Busy { .. } => Some("`ostler operation list` shows what runs here; try again later".into()),
            Self::WhichShelf { known, .. } if known.is_empty() => Some("`--from TARGET` names the store".into()),
            Self::WhichShelf { known, .. } => Some(format!("`--from` one of: {}", known.join(", "))),
            Self::NothingArchived { .. } => {
                Some("archives are found by the names that database and table had when they were made".into())
            }
            Self::Undefined { what, known, .. } if known.is_empty() => {
                Some(format!("`ostler {}` makes one", commands(what).0))
            }
            Self::Undefined { known, .. } => Some(format!("there are: {}", known.join(", "))),
            Self::Defined { what, .. } => Some(format!("`ostler {}` takes it back first", commands(what).1)),
            Self::Needed { .. } => Some("remove that first".into()),
            Self::Definition { .. } | Self::NoTable { .. } | Self::ForeignPlan => None,
        }
    }
}

/// The commands that define something of a kind, and take it back.
fn commands(what: &str) -> (&'static str, &'static str) {
    match what {
        "materialized" => ("materialize create", "materialize drop"),
        "query" => ("query add", "query remove"),
        _ => ("rollup add", "rollup remove"),
    }
}
