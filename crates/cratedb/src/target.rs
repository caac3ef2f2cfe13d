//! What an address means here: with the environment and defaults.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use ostler_vocabulary::Secret;

use crate::address::wrong;
use crate::{Address, Error};

const PORT: u16 = 4200;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Variables that have an address; the first is CrateDB Toolkit's of today, the second that of its retention program.
const ADDRESSES: [&str; 2] = ["CRATEDB_CLUSTER_URL", "CRATEDB_URI"];

/// One server that may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// A name or an address.
    pub name: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

/// How much the server has to prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Nothing is encrypted.
    Disable,
    /// Encrypted; nothing is proven.
    Require,
    /// Encrypted; the certificate is from an authority we trust, and for the host we asked for.
    Verify,
}

/// Everything that is needed to ask.
#[derive(Debug, Clone)]
pub struct Target {
    /// The servers; any of them will do.
    pub hosts: Vec<Host>,
    /// Whether and how it is encrypted.
    pub tls: TlsMode,
    /// The user.
    pub user: String,
    /// The schema of names without one.
    pub schema: String,
    /// How long one server is waited for.
    pub connect_timeout: Duration,
    pub(crate) password: Option<Secret>,
    pub(crate) root: Option<PathBuf>,
    alias: Option<String>,
}

impl Target {
    /// The address that the environment names, as CrateDB Toolkit's variables say it.
    ///
    /// # Errors
    /// [`Error::Address`]
    pub fn named_by(environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<Address>, Error> {
        ADDRESSES
            .iter()
            .find_map(|name| environment(name).filter(|value| !value.is_empty()))
            .map(|text| Address::parse(&text))
            .transpose()
    }

    /// Completes an address by some environment: `CRATEDB_USERNAME`, `CRATEDB_PASSWORD`, `CRATEDB_SCHEMA`.
    ///
    /// # Errors
    /// When a value is none of its key.
    pub fn resolve(address: &Address, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let lookup = |name: &str| environment(name).filter(|value| !value.is_empty());
        let get = |key: &str| address.settings.get(key).map(String::as_str);
        let mut hosts: Vec<Host> = address
            .hosts
            .iter()
            .map(|(name, port)| Host {
                name: name.clone(),
                port: port.unwrap_or(PORT),
            })
            .collect();
        if hosts.is_empty() {
            hosts.push(Host {
                name: "localhost".to_owned(),
                port: PORT,
            });
        }
        let connect_timeout = match get("connect_timeout") {
            None => CONNECT_TIMEOUT,
            Some(text) => match text.parse() {
                Ok(seconds @ 1..=3600) => Duration::from_secs(seconds),
                _ => return Err(wrong("connect_timeout is no number of seconds", None)),
            },
        };
        Ok(Self {
            hosts,
            tls: tls(address.secure, get("ssl"), get("sslmode"))?,
            user: address
                .user
                .clone()
                .or_else(|| lookup("CRATEDB_USERNAME"))
                .unwrap_or_else(|| "crate".to_owned()),
            schema: get("schema")
                .map(str::to_owned)
                .or_else(|| lookup("CRATEDB_SCHEMA"))
                .unwrap_or_else(|| "doc".to_owned()),
            connect_timeout,
            password: address
                .password
                .clone()
                .or_else(|| lookup("CRATEDB_PASSWORD").map(Secret::new)),
            root: get("sslrootcert").map(PathBuf::from),
            alias: None,
        })
    }

    /// The same under a name of the configuration.
    #[must_use]
    pub fn called(mut self, name: &str) -> Self {
        self.alias = Some(name.to_owned());
        self
    }

    /// Its name in messages and documents.
    #[must_use]
    pub fn name(&self) -> String {
        match (&self.alias, self.hosts.as_slice()) {
            (Some(alias), _) => alias.clone(),
            (None, hosts) => hosts.iter().map(Host::to_string).collect::<Vec<_>>().join(","),
        }
    }

    /// The name with the host that was asked.
    pub(crate) fn at(&self, host: &Host) -> String {
        match &self.alias {
            Some(alias) => format!("{alias} ({host})"),
            None => host.to_string(),
        }
    }
}

/// `disable` and `require` are encrypted and prove nothing where `ssl` says that it is encrypted, as in CrateDB Toolkit.
fn tls(secure: bool, ssl: Option<&str>, mode: Option<&str>) -> Result<TlsMode, Error> {
    let ssl = match ssl {
        None => None,
        Some("true" | "1" | "yes" | "on") => Some(true),
        Some("false" | "0" | "no" | "off") => Some(false),
        Some(_) => return Err(wrong("ssl means nothing", Some("write true or false"))),
    };
    match (mode, ssl) {
        (None, Some(true)) => Ok(TlsMode::Verify),
        (None, None) if secure => Ok(TlsMode::Verify),
        (None, None | Some(false)) => Ok(TlsMode::Disable),
        (Some("disable"), Some(true)) => Ok(TlsMode::Require),
        (Some("disable"), _) if secure => Ok(TlsMode::Require),
        (Some("disable"), _) => Ok(TlsMode::Disable),
        (Some("require"), _) => Ok(TlsMode::Require),
        (Some("allow" | "prefer" | "verify-ca" | "verify-full"), _) => Ok(TlsMode::Verify),
        (Some(_), _) => Err(wrong(
            "sslmode means nothing",
            Some("write disable, require or verify-full"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{Target, TlsMode};
    use crate::Address;

    fn target(text: &str, environment: &[(&str, &str)]) -> Target {
        let lookup = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Target::resolve(&Address::parse(text).unwrap(), &lookup).unwrap()
    }

    #[test]
    fn what_is_written_wins_over_the_environment_and_that_over_defaults() {
        let plain = target("crate://", &[]);
        assert_eq!(
            (plain.name().as_str(), plain.user.as_str(), plain.schema.as_str()),
            ("localhost:4200", "crate", "doc")
        );
        let variables = [
            ("CRATEDB_USERNAME", "maint"),
            ("CRATEDB_PASSWORD", "hunter2"),
            ("CRATEDB_SCHEMA", "data"),
        ];
        let named = target("crate://a,b:5200", &variables);
        assert_eq!(
            (named.name().as_str(), named.user.as_str(), named.schema.as_str()),
            ("a:4200,b:5200", "maint", "data")
        );
        assert!(!format!("{named:?}").contains("hunter2"));
        let written = target("crate://me@a/mine", &variables);
        assert_eq!((written.user.as_str(), written.schema.as_str()), ("me", "mine"));
    }

    #[test]
    fn the_words_for_tls_mean_what_they_mean_to_cratedb_toolkit() {
        for (text, mode) in [
            ("crate://h", TlsMode::Disable),
            ("crate://h?ssl=true", TlsMode::Verify),
            ("https://h", TlsMode::Verify),
            ("https://h?sslmode=disable", TlsMode::Require),
            ("crate://h?sslmode=require", TlsMode::Require),
            ("crate://h?sslmode=verify-full", TlsMode::Verify),
        ] {
            assert_eq!(target(text, &[]).tls, mode, "{text}");
        }
    }
}
