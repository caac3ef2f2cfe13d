//! What somebody wrote to say which database: a URL, or `key=value` pairs.
//!
//! Source: "Connection Strings" of the PostgreSQL manual.

mod pairs;
mod url;

use std::collections::BTreeMap;
use std::fmt;

use ostler_vocabulary::Secret;

use crate::Error;

/// The keys that mean something here, and the environment variable that each is taken from when it is not written.
pub(crate) const KEYS: &[(&str, Option<&str>)] = &[
    ("host", Some("PGHOST")),
    ("hostaddr", Some("PGHOSTADDR")),
    ("port", Some("PGPORT")),
    ("user", Some("PGUSER")),
    ("password", Some("PGPASSWORD")),
    ("dbname", Some("PGDATABASE")),
    ("passfile", Some("PGPASSFILE")),
    ("sslmode", Some("PGSSLMODE")),
    ("sslrootcert", Some("PGSSLROOTCERT")),
    ("sslcert", Some("PGSSLCERT")),
    ("sslkey", Some("PGSSLKEY")),
    ("application_name", Some("PGAPPNAME")),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT")),
    ("options", Some("PGOPTIONS")),
    ("target_session_attrs", Some("PGTARGETSESSIONATTRS")),
    ("channel_binding", Some("PGCHANNELBINDING")),
    ("keepalives_idle", None),
    ("tcp_user_timeout", None),
];

/// Keys of other clients that change nothing here.
const IGNORED: &[&str] = &[
    "client_encoding",
    "fallback_application_name",
    "gssencmode",
    "keepalives",
    "keepalives_count",
    "keepalives_interval",
    "sslcompression",
    "sslsni",
];

/// A connection string. `Display` and `Debug` leave the password out.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Dsn {
    settings: BTreeMap<&'static str, String>,
    password: Option<Secret>,
}

impl Dsn {
    /// Reads `postgresql://user@host:port/db?key=value`, or `host=… dbname=…`; an empty text leaves everything to
    /// environment and defaults.
    ///
    /// # Errors
    /// When it is neither, or has a key that nobody knows. No value is in the message.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let rest = ["postgresql://", "postgres://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme));
        let pairs = match rest {
            Some(rest) => url::read(rest)?,
            None if text.contains("://") => {
                return Err(wrong("it is the address of something else", Some(EXAMPLE)));
            }
            None => pairs::read(text)?,
        };
        let mut dsn = Self::default();
        for (key, value) in pairs {
            dsn.set(&key, value)?;
        }
        Ok(dsn)
    }

    /// Sets a key, as if it had been written.
    ///
    /// # Errors
    /// When nobody knows the key.
    pub fn set(&mut self, key: &str, value: impl Into<String>) -> Result<(), Error> {
        let key = if key == "database" { "dbname" } else { key };
        if key == "password" {
            self.password = Some(Secret::new(value));
        } else if let Some((key, _)) = KEYS.iter().find(|(known, _)| *known == key) {
            self.settings.insert(key, value.into());
        } else if key == "service" || key == "servicefile" {
            return Err(wrong(
                "service files are not read",
                Some("write host, port and dbname"),
            ));
        } else if !IGNORED.contains(&key) {
            let known: Vec<&str> = KEYS.iter().map(|(known, _)| *known).collect();
            return Err(Error::Dsn {
                reason: format!("it has the unknown key `{key}`"),
                cure: Some(format!("there are: {}", known.join(", "))),
            });
        }
        Ok(())
    }

    /// The same with another database of the same server.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.settings.insert("dbname", name.to_owned());
        other
    }

    /// The same with a password.
    #[must_use]
    pub fn with_password(&self, password: Secret) -> Self {
        let mut other = self.clone();
        other.password = Some(password);
        other
    }

    /// What was written for a key other than `password`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(String::as_str)
    }

    /// The password that was written. On a command line everybody can read it: refuse it there.
    #[must_use]
    pub fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }
}

impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (key, value)) in self.settings.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{key}={}", pairs::quote(value))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dsn({self})")
    }
}

const EXAMPLE: &str = "write `postgresql://user@host:port/database`, or `host=… dbname=…`";

pub(crate) fn wrong(reason: impl Into<String>, cure: Option<&str>) -> Error {
    Error::Dsn {
        reason: reason.into(),
        cure: cure.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests;
