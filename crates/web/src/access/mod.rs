//! Who may come in: tokens, users with passwords, links that work once, sessions of browsers; and which request was made
//! before.

mod credential;
mod password;
mod request;
mod role;
mod scope;
mod secret;
mod taken;
mod throttle;
mod user;

use std::fmt;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ostler_api::audit::{Actor, By};
use ostler_vocabulary::Clock;
use rusqlite::{Connection, Row};

pub use credential::TokenSummary;
use credential::{begin_session, random};
pub use password::new_password;
pub(crate) use request::Begun;
pub use role::Role;
pub use scope::{Reach, Rights, Scope};
pub use secret::new_signing_secret;
pub(crate) use secret::{form_token, same};
pub use taken::{TakenPassword, TakenToken, TakenUser};
pub(crate) use throttle::{Guesser, Throttle};
pub use user::UserSummary;

use crate::Error;

/// The file's name in the state directory.
pub const FILE_NAME: &str = "access.db";
/// What brings the file from each version to the next; what is released is never changed.
const MIGRATIONS: [&str; 2] = [
    include_str!("sql/0001_schema.sql"),
    include_str!("sql/0002_users.sql"),
];
const VERSION: u32 = MIGRATIONS.len() as u32;
/// How long a call waits for another process's write.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name of the token or user, or that of the link.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// About what.
    pub scope: Scope,
    /// How they are known.
    pub(crate) by: By,
    /// Where they ask from, where that is known.
    pub(crate) address: Option<IpAddr>,
    /// What their forms have to send; `None` for programs, which no other site can make send their token.
    pub(crate) form_token: Option<String>,
}

impl Identity {
    /// Whose idempotency keys theirs are: a token and a user may have the same name.
    pub(crate) fn owner(&self) -> String {
        format!("{} {}", self.by.as_str(), self.name)
    }

    /// Them, as changes that they make are told.
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            who: self.name.clone(),
            by: self.by,
            address: self.address,
        }
    }
}

/// Tokens, links and sessions, in a file of the state directory that only its owner may read. Other processes, such as
/// `ostler token add`, may change it at any time.
pub struct Access {
    path: PathBuf,
    db: Mutex<Connection>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Opens, or makes, the file in a state directory.
    ///
    /// # Errors
    /// When it cannot be read and written, or a newer program made it.
    pub fn open(state_directory: &Path, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let path = state_directory.join(FILE_NAME);
        std::fs::create_dir_all(state_directory)
            .and_then(|()| {
                std::fs::OpenOptions::new()
                    .create(true)
                    .append(true)
                    .mode(0o600)
                    .open(&path)
                    .map(drop)
            })
            .map_err(|source| Error::File {
                path: path.clone(),
                source,
            })?;
        let failed = |source| Error::Access {
            attempt: "open",
            path: path.clone(),
            source,
        };
        let mut db = Connection::open(&path).map_err(failed)?;
        db.busy_timeout(PATIENCE).map_err(failed)?;
        let change = db
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(failed)?;
        let version: u32 = change
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(failed)?;
        if version > VERSION {
            return Err(Error::Newer {
                path,
                found: version,
                known: VERSION,
            });
        }
        for migration in MIGRATIONS.iter().skip(version as usize) {
            change.execute_batch(migration).map_err(failed)?;
        }
        change.commit().map_err(failed)?;
        Ok(Self {
            path,
            db: Mutex::new(db),
            clock,
        })
    }

    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Changes several things at once, or none.
    fn change<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        self.call("change", |db| {
            let change = rusqlite::Transaction::new_unchecked(db, rusqlite::TransactionBehavior::Immediate)?;
            let done = work(&change)?;
            change.commit()?;
            Ok(done)
        })
    }

    fn call<T>(
        &self,
        attempt: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let db = self.db.lock().unwrap_or_else(PoisonError::into_inner);
        work(&db).map_err(|source| Error::Access {
            attempt,
            path: self.path.clone(),
            source,
        })
    }
}

/// Who is in a row of name, role, how they are known, and clusters.
fn identity(row: &Row<'_>) -> rusqlite::Result<Identity> {
    let via: Option<String> = row.get(2)?;
    Ok(Identity {
        name: row.get(0)?,
        role: role(row, 1)?,
        scope: Scope::read(row.get(3)?),
        by: match via.as_deref() {
            Some("link") => By::Link,
            Some("user") => By::User,
            _ => By::Token,
        },
        address: None,
        form_token: None,
    })
}

fn role(row: &Row<'_>, column: usize) -> rusqlite::Result<Role> {
    let text: String = row.get(column)?;
    // A role that is not known allows the least.
    Ok(text.parse().unwrap_or(Role::Viewer))
}

fn millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

fn check_name(name: &str) -> Result<(), Error> {
    let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if (1..=64).contains(&name.len()) && name.chars().all(good) {
        return Ok(());
    }
    Err(Error::Name {
        name: name.to_owned(),
    })
}
