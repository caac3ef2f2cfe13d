//! People who sign in with a password.

use ostler_state::{Row, values};
use ostler_vocabulary::{Secret, Timestamp};

use super::password::Kept;
use super::{Access, Rights, Scope, begin_session, check_name, identity, random, role};
use crate::Error;

/// A user as they are listed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct UserSummary {
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: super::Role,
    /// The clusters that they may do it with; everything when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clusters: Option<std::collections::BTreeSet<String>>,
    /// When they were added.
    pub created: Timestamp,
    /// When their password was last changed.
    pub password_changed: Timestamp,
}

impl Access {
    /// Adds a user with a password.
    ///
    /// # Errors
    /// When there is one of that name, the password will not do, or the file cannot be changed.
    pub fn add_user(&self, name: &str, rights: impl Into<Rights>, password: &Secret) -> Result<(), Error> {
        check_name(name)?;
        let Rights { role, scope } = rights.into();
        let kept = Kept::of(password)?;
        let now = self.now();
        let added = self.change(|db| {
            db.execute(
                include_str!("sql/add_user.sql"),
                &values![
                    name,
                    role.as_str(),
                    scope.stored(),
                    kept.salt,
                    kept.hash,
                    kept.memory_kib,
                    kept.passes,
                    kept.lanes,
                    now
                ],
            )
        });
        match added {
            Err(Error::State(error)) if error.is_duplicate() => Err(Error::UserExists {
                name: name.to_owned(),
            }),
            other => other.map(drop),
        }
    }

    /// All users, by name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn users(&self) -> Result<Vec<UserSummary>, Error> {
        self.read(|db| {
            let time = |millis| Timestamp::from_millisecond(millis).unwrap_or_default();
            let summary = |row: &Row| {
                Ok(UserSummary {
                    name: row.get(0)?,
                    role: role(row, 1)?,
                    created: time(row.get(2)?),
                    clusters: Scope::read(row.get(3)?).clusters().cloned(),
                    password_changed: time(row.get(4)?),
                })
            };
            let rows = db.query(include_str!("sql/users.sql"), &[])?;
            rows.iter().map(summary).collect()
        })
    }

    /// Removes a user and ends their sessions.
    ///
    /// # Errors
    /// When there is none of that name, or the file cannot be changed.
    pub fn remove_user(&self, name: &str) -> Result<(), Error> {
        let removed = self.change(|db| {
            db.execute(include_str!("sql/forget_plans_of_user.sql"), &values![name])?;
            db.execute(include_str!("sql/end_sessions_of_user.sql"), &values![name])?;
            db.execute(include_str!("sql/remove_user.sql"), &values![name])
        })?;
        known(name, removed)
    }

    /// Gives a user another password and ends their sessions.
    ///
    /// # Errors
    /// When there is none of that name, the password will not do, or the file cannot be changed.
    pub fn change_password(&self, name: &str, password: &Secret) -> Result<(), Error> {
        let kept = Kept::of(password)?;
        let now = self.now();
        let changed = self.change(|db| {
            db.execute(include_str!("sql/end_sessions_of_user.sql"), &values![name])?;
            db.execute(
                include_str!("sql/change_password.sql"),
                &values![
                    name,
                    kept.salt,
                    kept.hash,
                    kept.memory_kib,
                    kept.passes,
                    kept.lanes,
                    now
                ],
            )
        })?;
        known(name, changed)
    }

    /// A session for who has this name and password. A name that nobody has takes as long.
    pub(crate) fn sign_in(&self, name: &str, password: &Secret) -> Result<Option<Secret>, Error> {
        let found = self.read(|db| {
            db.optional(include_str!("sql/user.sql"), &values![name])?
                .map(|row| Ok((identity(&row)?, kept(&row)?)))
                .transpose()
        })?;
        let Some((identity, known)) = found else {
            Kept::of_nobody().is(password)?;
            return Ok(None);
        };
        if !known.is(password)? {
            return Ok(None);
        }
        let secret = random()?;
        let now = self.now();
        let begun = self.change(|db| {
            // They may have been removed, or got another password, while this one was looked at.
            let still = db
                .optional(include_str!("sql/user.sql"), &values![name])?
                .as_ref()
                .map(kept)
                .transpose()?;
            match still.as_ref() == Some(&known) {
                true => begin_session(db, &identity, &secret, now),
                false => Ok(0),
            }
        })?;
        Ok(Some(secret).filter(|_| begun > 0))
    }
}

fn kept(row: &Row) -> Result<Kept, ostler_state::Error> {
    Ok(Kept {
        salt: row.get(4)?,
        hash: row.get(5)?,
        memory_kib: row.get(6)?,
        passes: row.get(7)?,
        lanes: row.get(8)?,
    })
}

fn known(name: &str, rows: usize) -> Result<(), Error> {
    match rows {
        0 => Err(Error::NoUser {
            name: name.to_owned(),
        }),
        _ => Ok(()),
    }
}
