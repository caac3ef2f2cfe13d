//! Users and tokens as they are taken to another server: with what is kept of their secrets, and never a secret.

use std::collections::BTreeSet;
use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use ostler_state::{Row, values};
use ostler_vocabulary::Timestamp;
use serde::{Deserialize, Serialize};

use super::password::Kept;
use super::{Access, Role, Scope, check_name, role};
use crate::Error;

/// Bytes of a BLAKE3 hash.
const TOKEN: usize = 32;

/// A user with what is kept of their password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakenUser {
    /// Their name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The clusters that they may do it with; everything when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<BTreeSet<String>>,
    /// What is kept of their password.
    pub password: TakenPassword,
    /// When they were added.
    pub created: Timestamp,
    /// When their password was last changed.
    pub password_changed: Timestamp,
}

/// What Argon2id made of a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakenPassword {
    /// Base 64.
    pub salt: String,
    /// Base 64.
    pub hash: String,
    /// Memory that it takes, in KiB.
    pub memory_kib: u32,
    /// How often it passes over that.
    pub passes: u32,
    /// How many lanes it has.
    pub lanes: u32,
}

impl fmt::Debug for TakenPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A token with the hash of its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakenToken {
    /// Its name.
    pub name: String,
    /// What its owner may do.
    pub role: Role,
    /// The clusters that they may do it with; everything when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<BTreeSet<String>>,
    /// BLAKE3 of its 256 random bits, in hexadecimal.
    pub hash: String,
    /// When it was made.
    pub created: Timestamp,
}

impl fmt::Debug for TakenToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakenToken")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl TakenPassword {
    fn of(kept: &Kept) -> Self {
        Self {
            salt: BASE64.encode(&kept.salt),
            hash: BASE64.encode(&kept.hash),
            memory_kib: kept.memory_kib,
            passes: kept.passes,
            lanes: kept.lanes,
        }
    }

    /// The same as it is kept. What would take a server's memory or time away is none.
    fn kept(&self, user: &str) -> Result<Kept, Error> {
        let bytes = |text: &str| BASE64.decode(text.as_bytes()).ok();
        let (salt, hash) = (bytes(&self.salt), bytes(&self.hash));
        let is_usual = (8..=1 << 18).contains(&self.memory_kib)
            && (1..=32).contains(&self.passes)
            && (1..=8).contains(&self.lanes);
        match (salt, hash) {
            (Some(salt), Some(hash)) if is_usual && (8..=64).contains(&salt.len()) && hash.len() == 32 => {
                Ok(Kept {
                    salt,
                    hash,
                    memory_kib: self.memory_kib,
                    passes: self.passes,
                    lanes: self.lanes,
                })
            }
            _ => Err(Error::Taken {
                what: "user",
                name: user.to_owned(),
                reason: "what is said of the password is nothing that Argon2id makes here",
            }),
        }
    }
}

impl Access {
    /// All users with what is kept of their passwords, by name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn taken_users(&self) -> Result<Vec<TakenUser>, Error> {
        self.read(|db| {
            let time = |millis| Timestamp::from_millisecond(millis).unwrap_or_default();
            let user = |row: &Row| {
                let kept = Kept {
                    salt: row.get(3)?,
                    hash: row.get(4)?,
                    memory_kib: row.get(5)?,
                    passes: row.get(6)?,
                    lanes: row.get(7)?,
                };
                Ok(TakenUser {
                    name: row.get(0)?,
                    role: role(row, 1)?,
                    clusters: Scope::read(row.get(2)?).clusters().cloned(),
                    password: TakenPassword::of(&kept),
                    created: time(row.get(8)?),
                    password_changed: time(row.get(9)?),
                })
            };
            let rows = db.query(include_str!("sql/taken_users.sql"), &[])?;
            rows.iter().map(user).collect()
        })
    }

    /// Adds a user who signs in with the password that they had elsewhere.
    ///
    /// # Errors
    /// When there is one of that name, or they cannot be.
    pub fn take_user(&self, user: &TakenUser) -> Result<(), Error> {
        check_name(&user.name)?;
        if self.users()?.iter().any(|known| known.name == user.name) {
            return Err(Error::UserExists {
                name: user.name.clone(),
            });
        }
        let kept = user.password.kept(&user.name)?;
        self.change(|db| {
            db.execute(
                include_str!("sql/take_user.sql"),
                &values![
                    user.name,
                    user.role.as_str(),
                    stored(user.clusters.as_ref()),
                    kept.salt,
                    kept.hash,
                    kept.memory_kib,
                    kept.passes,
                    kept.lanes,
                    user.created.as_millisecond(),
                    user.password_changed.as_millisecond(),
                ],
            )
        })?;
        Ok(())
    }

    /// All tokens with the hashes of their secrets, by name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn taken_tokens(&self) -> Result<Vec<TakenToken>, Error> {
        self.read(|db| {
            let token = |row: &Row| {
                let hash: Vec<u8> = row.get(4)?;
                Ok(TakenToken {
                    name: row.get(0)?,
                    role: role(row, 1)?,
                    clusters: Scope::read(row.get(3)?).clusters().cloned(),
                    hash: HEXLOWER.encode(&hash),
                    created: Timestamp::from_millisecond(row.get(2)?).unwrap_or_default(),
                })
            };
            let rows = db.query(include_str!("sql/taken_tokens.sql"), &[])?;
            rows.iter().map(token).collect()
        })
    }

    /// Adds a token whose secret is what it was elsewhere.
    ///
    /// # Errors
    /// When there is one of that name, or it cannot be.
    pub fn take_token(&self, token: &TakenToken) -> Result<(), Error> {
        check_name(&token.name)?;
        if self.tokens()?.iter().any(|known| known.name == token.name) {
            return Err(Error::TokenExists {
                name: token.name.clone(),
            });
        }
        let hash = HEXLOWER.decode(token.hash.as_bytes()).ok();
        let Some(hash) = hash.filter(|hash| hash.len() == TOKEN) else {
            return Err(Error::Taken {
                what: "token",
                name: token.name.clone(),
                reason: "its hash is none of BLAKE3",
            });
        };
        self.change(|db| {
            let values = values![
                hash,
                "token",
                token.name,
                token.role.as_str(),
                token.created.as_millisecond(),
                None::<i64>,
                None::<String>,
                stored(token.clusters.as_ref()),
            ];
            db.execute(include_str!("sql/add.sql"), &values)
        })?;
        Ok(())
    }
}

fn stored(clusters: Option<&BTreeSet<String>>) -> Option<String> {
    clusters.map(|clusters| serde_json::to_string(clusters).unwrap_or_else(|_| "[]".to_owned()))
}
