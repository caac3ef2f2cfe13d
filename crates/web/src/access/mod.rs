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
use std::sync::Arc;
use std::time::Duration;

use ostler_api::audit::{Actor, By};
use ostler_state::{Database, Kind, Place, Row, Transaction};
use ostler_vocabulary::Clock;

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

const KIND: Kind = Kind {
    file_name: "access.db",
    schema: "access",
    what: "record of who may come in",
    // The first files had no mark.
    application: 0,
    sqlite: &[
        include_str!("sql/0001_schema.sql"),
        include_str!("sql/0002_users.sql"),
        include_str!("sql/0003_history.sql"),
        include_str!("sql/0004_plan_makers.sql"),
    ],
    postgres: &[
        include_str!("sql/postgres/0001_access.sql"),
        include_str!("sql/postgres/0002_plan_makers.sql"),
    ],
    program: env!("CARGO_PKG_VERSION"),
};

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
    /// Whose idempotency keys and plans theirs are: a token and a user may have the same name.
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

/// Tokens, links and sessions, in a database of the state. Other processes, such as `ostler token add`, and other servers may
/// change it at any time.
pub struct Access {
    db: Database,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("db", &self.db)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Opens, or makes, it where the state is.
    ///
    /// # Errors
    /// When it cannot be read and written, or a newer program made it.
    pub fn open(place: &Place, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let db = Database::open(&KIND, place)?;
        Ok(Self { db, clock })
    }

    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Changes several things at once, or none.
    fn change<T>(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<T, ostler_state::Error>,
    ) -> Result<T, Error> {
        Ok(self.db.write(work)?)
    }

    fn read<T>(&self, work: impl Fn(&Transaction<'_>) -> Result<T, ostler_state::Error>) -> Result<T, Error> {
        Ok(self.db.read(work)?)
    }
}

/// Who is in a row of name, role, how they are known, and clusters.
fn identity(row: &Row) -> Result<Identity, ostler_state::Error> {
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

fn role(row: &Row, column: usize) -> Result<Role, ostler_state::Error> {
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

#[cfg(test)]
mod tests;
