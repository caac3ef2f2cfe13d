//! Tokens, links that work once, and sessions of browsers: secrets that were made here.

use std::collections::BTreeSet;
use std::time::Duration;

use ostler_api::audit::By;
use ostler_state::{Row, Transaction, values};
use ostler_vocabulary::{Secret, Timestamp};

use super::{Access, Identity, Rights, Role, Scope, check_name, form_token, identity, millis, role, secret};
use crate::Error;

/// How long a link works that nobody uses.
const LINK: Duration = Duration::from_secs(60 * 60);
/// How long a browser stays signed in.
const SESSION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A token as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TokenSummary {
    /// Its name.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// The clusters that it allows it with; everything when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clusters: Option<BTreeSet<String>>,
    /// When it was made.
    pub created: Timestamp,
}

impl Access {
    /// The secret of a link by which an admin comes in once; `None` when somebody came in before or a token was made.
    /// The links of earlier starts stop working.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn first_link(&self) -> Result<Option<Secret>, Error> {
        let known: bool = self.read(|db| db.one(include_str!("sql/anybody.sql"), &[])?.get(0))?;
        if known {
            return Ok(None);
        }
        self.change(|db| db.execute(include_str!("sql/forget_links.sql"), &values![]))?;
        self.new_credential("link", "admin", &Role::Admin.into(), Some(LINK))
            .map(Some)
    }

    /// The secret of a link by which somebody comes in once, within the hour.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn add_link(&self, name: &str, rights: impl Into<Rights>) -> Result<Secret, Error> {
        check_name(name)?;
        self.new_credential("link", name, &rights.into(), Some(LINK))
    }

    /// A new token. Its secret is shown now and never again.
    ///
    /// # Errors
    /// When there is one of that name, or the file cannot be changed.
    pub fn add_token(&self, name: &str, rights: impl Into<Rights>) -> Result<Secret, Error> {
        check_name(name)?;
        if self.tokens()?.iter().any(|token| token.name == name) {
            return Err(Error::TokenExists {
                name: name.to_owned(),
            });
        }
        self.new_credential("token", name, &rights.into(), None)
    }

    /// All tokens, by name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn tokens(&self) -> Result<Vec<TokenSummary>, Error> {
        self.read(|db| {
            let summary = |row: &Row| {
                Ok(TokenSummary {
                    name: row.get(0)?,
                    role: role(row, 1)?,
                    created: Timestamp::from_millisecond(row.get(2)?).unwrap_or_default(),
                    clusters: Scope::read(row.get(3)?).clusters().cloned(),
                })
            };
            let rows = db.query(include_str!("sql/tokens.sql"), &[])?;
            rows.iter().map(summary).collect()
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
        self.change(|db| {
            db.execute(include_str!("sql/forget_plans_of_token.sql"), &values![name])?;
            db.execute(include_str!("sql/remove_token.sql"), &values![name])
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
        let found = self.change(|db| {
            db.optional(include_str!("sql/use_link.sql"), &values![hash.as_bytes(), now])?
                .as_ref()
                .map(identity)
                .transpose()
        })?;
        found.map(|identity| self.new_session(&identity)).transpose()
    }

    /// A session for whoever is known by other means.
    pub(crate) fn new_session(&self, identity: &Identity) -> Result<Secret, Error> {
        let secret = random()?;
        let now = self.now();
        self.change(|db| begin_session(db, identity, &secret, now))?;
        Ok(secret)
    }

    pub(crate) fn end_session(&self, session: &str) -> Result<(), Error> {
        let hash = secret::hash(session);
        self.change(|db| db.execute(include_str!("sql/end_session.sql"), &values![hash.as_bytes()]))?;
        Ok(())
    }

    fn find(&self, kind: &str, secret: &str) -> Result<Option<Identity>, Error> {
        let hash = secret::hash(secret);
        let now = self.now();
        self.read(|db| {
            db.optional(include_str!("sql/find.sql"), &values![hash.as_bytes(), kind, now])?
                .as_ref()
                .map(identity)
                .transpose()
        })
    }

    fn new_credential(
        &self,
        kind: &str,
        name: &str,
        rights: &Rights,
        lives: Option<Duration>,
    ) -> Result<Secret, Error> {
        let secret = random()?;
        let now = self.now();
        let credential = Credential {
            kind,
            name,
            role: rights.role,
            scope: &rights.scope,
            via: None,
            lives,
        };
        self.change(|db| credential.add(db, &secret, now))?;
        Ok(secret)
    }
}

/// Something by which somebody may come in, as it is recorded.
struct Credential<'a> {
    kind: &'a str,
    name: &'a str,
    role: Role,
    scope: &'a Scope,
    via: Option<By>,
    lives: Option<Duration>,
}

impl Credential<'_> {
    fn add(&self, db: &Transaction<'_>, secret: &Secret, now: i64) -> Result<usize, ostler_state::Error> {
        let hash = secret::hash(secret.reveal());
        let values = values![
            hash.as_bytes(),
            self.kind,
            self.name,
            self.role.as_str(),
            now,
            self.lives.map(|lives| now.saturating_add(millis(lives))),
            self.via.map(By::as_str),
            self.scope.stored(),
        ];
        db.execute(include_str!("sql/add.sql"), &values)
    }
}

/// Records that this browser has signed in.
pub(super) fn begin_session(
    db: &Transaction<'_>,
    identity: &Identity,
    secret: &Secret,
    now: i64,
) -> Result<usize, ostler_state::Error> {
    db.execute(include_str!("sql/forget_expired.sql"), &values![now])?;
    let session = Credential {
        kind: "session",
        name: &identity.name,
        role: identity.role,
        scope: &identity.scope,
        via: Some(identity.by),
        lives: Some(SESSION),
    };
    session.add(db, secret, now)
}

pub(super) fn random() -> Result<Secret, Error> {
    secret::random().map_err(|source| Error::File {
        path: "/dev/urandom".into(),
        source: std::io::Error::other(source.to_string()),
    })
}
