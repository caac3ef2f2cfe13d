//! Who may come in: tokens, links that work once, sessions of browsers; and which request was made before.

mod role;
mod secret;
mod throttle;

use std::fmt;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ostler_api::Plan;
use ostler_vocabulary::{Clock, OperationId, Secret, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

pub use role::Role;
pub(crate) use secret::{form_token, same};
pub(crate) use throttle::Throttle;

use crate::Error;

/// The file's name in the state directory.
pub const FILE_NAME: &str = "access.db";
const VERSION: u32 = 1;
/// How long a call waits for another process's write.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a link works that nobody uses.
const LINK: Duration = Duration::from_secs(60 * 60);
/// How long a browser stays signed in.
const SESSION: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long it is remembered which request was made, and which plan.
const STARTED: Duration = Duration::from_secs(24 * 60 * 60);

/// Who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The token's name, or `admin` for who came by the first link.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// What their forms have to send; `None` for programs, which no other site can make send their token.
    pub(crate) form_token: Option<String>,
}

/// A token as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TokenSummary {
    /// Its name.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// When it was made.
    pub created: Timestamp,
}

/// What is known of a request that names itself by a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It is new, and ours to carry out.
    New,
    /// It was carried out.
    Done(OperationId),
    /// Somebody carries it out now, or died over it.
    Pending,
    /// The key stands for another request.
    Other,
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
        if version == 0 {
            change
                .execute_batch(include_str!("sql/0001_schema.sql"))
                .map_err(failed)?;
        }
        change.commit().map_err(failed)?;
        Ok(Self {
            path,
            db: Mutex::new(db),
            clock,
        })
    }

    /// The secret of a link by which an admin comes in once; `None` when somebody came in before or a token was made.
    /// The links of earlier starts stop working.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn first_link(&self) -> Result<Option<Secret>, Error> {
        let known: bool = self.call("read", |db| {
            db.query_row(include_str!("sql/anybody.sql"), [], |row| row.get(0))
        })?;
        if known {
            return Ok(None);
        }
        self.call("change", |db| {
            db.execute(include_str!("sql/forget_links.sql"), [])
        })?;
        self.add("link", "admin", Role::Admin, Some(LINK)).map(Some)
    }

    /// The secret of a link by which somebody comes in once, within the hour.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn add_link(&self, name: &str, role: Role) -> Result<Secret, Error> {
        check_name(name)?;
        self.add("link", name, role, Some(LINK))
    }

    /// A new token. Its secret is shown now and never again.
    ///
    /// # Errors
    /// When there is one of that name, or the file cannot be changed.
    pub fn add_token(&self, name: &str, role: Role) -> Result<Secret, Error> {
        check_name(name)?;
        if self.tokens()?.iter().any(|token| token.name == name) {
            return Err(Error::TokenExists {
                name: name.to_owned(),
            });
        }
        self.add("token", name, role, None)
    }

    /// All tokens, by name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn tokens(&self) -> Result<Vec<TokenSummary>, Error> {
        self.call("read", |db| {
            let mut statement = db.prepare_cached(include_str!("sql/tokens.sql"))?;
            let rows = statement.query_map([], |row| {
                Ok(TokenSummary {
                    name: row.get(0)?,
                    role: role(row, 1)?,
                    created: Timestamp::from_millisecond(row.get(2)?).unwrap_or_default(),
                })
            })?;
            rows.collect()
        })
    }

    /// Revokes a token, and ends the sessions of who signed in with it.
    ///
    /// # Errors
    /// When there is none of that name, or the file cannot be changed.
    pub fn remove_token(&self, name: &str) -> Result<(), Error> {
        if !self.tokens()?.iter().any(|token| token.name == name) {
            return Err(Error::NoToken {
                name: name.to_owned(),
            });
        }
        self.call("change", |db| {
            db.execute(include_str!("sql/remove_token.sql"), [name])
        })?;
        Ok(())
    }

    /// Whose token this is.
    pub(crate) fn by_token(&self, token: &str) -> Result<Option<Identity>, Error> {
        self.find("token", token)
    }

    /// Whose session this is.
    pub(crate) fn by_session(&self, session: &str) -> Result<Option<Identity>, Error> {
        Ok(self.find("session", session)?.map(|identity| Identity {
            form_token: Some(form_token(session)),
            ..identity
        }))
    }

    /// A session for who has this link, which works no more.
    pub(crate) fn enter(&self, link: &str) -> Result<Option<Secret>, Error> {
        let hash = secret::hash(link);
        let now = self.now();
        let found = self.call("change", |db| {
            db.query_row(
                include_str!("sql/use_link.sql"),
                params![hash.as_bytes(), now],
                |row| Ok((row.get::<_, String>(0)?, role(row, 1)?)),
            )
            .optional()
        })?;
        found
            .map(|(name, role)| self.new_session(&name, role))
            .transpose()
    }

    /// A session for whoever is known by other means.
    pub(crate) fn new_session(&self, name: &str, role: Role) -> Result<Secret, Error> {
        let now = self.now();
        self.call("change", |db| {
            db.execute(include_str!("sql/forget_expired.sql"), [now])
        })?;
        self.add("session", name, role, Some(SESSION))
    }

    pub(crate) fn end_session(&self, session: &str) -> Result<(), Error> {
        let hash = secret::hash(session);
        self.call("change", |db| {
            db.execute(include_str!("sql/end_session.sql"), [hash.as_bytes()])
        })?;
        Ok(())
    }

    /// What is known of this request of this caller. A new one is recorded as begun.
    pub(crate) fn begin(&self, owner: &str, key: &str, request: &[u8]) -> Result<Begun, Error> {
        let hash = blake3::hash(request);
        let now = self.now();
        self.call("change", |db| {
            let oldest = now.saturating_sub(millis(STARTED));
            db.execute(include_str!("sql/forget_started.sql"), [oldest])?;
            if db.execute(
                include_str!("sql/begin.sql"),
                params![owner, key, hash.as_bytes(), now],
            )? == 1
            {
                return Ok(Begun::New);
            }
            let (known, operation): (Vec<u8>, Option<String>) =
                db.query_row(include_str!("sql/begun.sql"), [owner, key], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            Ok(match operation.and_then(|id| OperationId::from_str(&id).ok()) {
                _ if known != hash.as_bytes() => Begun::Other,
                Some(id) => Begun::Done(id),
                None => Begun::Pending,
            })
        })
    }

    /// The request came to this operation; without one it failed, and may be made again.
    pub(crate) fn conclude(
        &self,
        owner: &str,
        key: &str,
        operation: Option<OperationId>,
    ) -> Result<(), Error> {
        self.call("change", |db| match operation {
            Some(id) => db.execute(
                include_str!("sql/record.sql"),
                params![owner, key, id.to_string()],
            ),
            None => db.execute(include_str!("sql/withdraw.sql"), params![owner, key]),
        })?;
        Ok(())
    }

    /// Keeps a plan for a day.
    pub(crate) fn keep_plan(&self, plan: &Plan) -> Result<(), Error> {
        let now = self.now();
        let json = serde_json::to_string(plan).unwrap_or_default();
        self.call("change", |db| {
            db.execute(
                include_str!("sql/forget_plans.sql"),
                [now.saturating_sub(millis(STARTED))],
            )?;
            db.execute(include_str!("sql/keep_plan.sql"), params![plan.digest, json, now])
        })?;
        Ok(())
    }

    /// The plan whose digest begins so; `None` when there is none, or more than one.
    pub(crate) fn plan(&self, digest: &str) -> Result<Option<Plan>, Error> {
        let found: Vec<String> = self.call("read", |db| {
            let mut statement = db.prepare_cached(include_str!("sql/plan.sql"))?;
            statement.query_map([digest], |row| row.get(0))?.collect()
        })?;
        Ok(match found.as_slice() {
            [one] => serde_json::from_str(one).ok(),
            _ => None,
        })
    }

    fn find(&self, kind: &str, secret: &str) -> Result<Option<Identity>, Error> {
        let hash = secret::hash(secret);
        let now = self.now();
        self.call("read", |db| {
            db.prepare_cached(include_str!("sql/find.sql"))?
                .query_row(params![hash.as_bytes(), kind, now], |row| {
                    Ok(Identity {
                        name: row.get(0)?,
                        role: role(row, 1)?,
                        form_token: None,
                    })
                })
                .optional()
        })
    }

    fn add(&self, kind: &str, name: &str, role: Role, lives: Option<Duration>) -> Result<Secret, Error> {
        let secret = secret::random().map_err(|source| Error::File {
            path: "/dev/urandom".into(),
            source: std::io::Error::other(source.to_string()),
        })?;
        let hash = secret::hash(secret.reveal());
        let now = self.now();
        let expires = lives.map(|lives| now.saturating_add(millis(lives)));
        self.call("change", |db| {
            db.execute(
                include_str!("sql/add.sql"),
                params![hash.as_bytes(), kind, name, role.as_str(), now, expires],
            )
        })?;
        Ok(secret)
    }

    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
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

fn role(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Role> {
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
    Err(Error::TokenName {
        name: name.to_owned(),
    })
}
