//! What somebody wrote to say which CrateDB: `crate://user@host:4200,other:4200/schema?ssl=true`.
//!
//! The grammar is that of CrateDB's clients and of CrateDB Toolkit; `http://` and `https://` are taken too.

use std::collections::BTreeMap;
use std::fmt;

use ostler_vocabulary::Secret;

use crate::Error;

/// Keys of the query, all of which other clients know.
const KEYS: &[&str] = &["ssl", "sslmode", "sslrootcert", "schema", "connect_timeout"];
const EXAMPLE: &str = "write `crate://user@host:4200/schema?ssl=true`";
const SCHEMES: &[(&str, bool)] = &[
    ("crate://", false),
    ("cratedb://", false),
    ("http://", false),
    ("https://", true),
];

/// An address. `Display` and `Debug` leave the password out.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Address {
    pub(crate) secure: bool,
    pub(crate) hosts: Vec<(String, Option<u16>)>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) settings: BTreeMap<String, String>,
}

impl Address {
    /// Whether a text begins as an address of CrateDB does. Those of the web are not unmistakable and not meant.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        let text = text.trim_start();
        text.starts_with("crate://") || text.starts_with("cratedb://")
    }

    /// Reads an address.
    ///
    /// # Errors
    /// [`Error::Address`]; no value is in the message.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let found = SCHEMES.iter().find_map(|(scheme, secure)| {
            let rest = text.strip_prefix(scheme)?;
            Some((rest, *secure))
        });
        let Some((rest, secure)) = found else {
            return Err(wrong("it is the address of something else", Some(EXAMPLE)));
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mut address = Self {
            secure,
            ..Self::default()
        };
        let hosts = match authority.rsplit_once('@') {
            None => authority,
            Some((user, hosts)) => {
                let (user, password) = match user.split_once(':') {
                    Some((user, password)) => (user, Some(password)),
                    None => (user, None),
                };
                address.user = Some(decoded(user, "the user")?).filter(|user| !user.is_empty());
                address.password = password
                    .map(|password| decoded(password, "the password"))
                    .transpose()?
                    .filter(|password| !password.is_empty())
                    .map(Secret::new);
                hosts
            }
        };
        for host in hosts.split(',').filter(|host| !host.is_empty()) {
            address.hosts.push(host_and_port(host)?);
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, "true"));
            if !KEYS.contains(&key) {
                return Err(wrong(
                    "it has a key that is not known",
                    Some(&format!("there are: {}", KEYS.join(", "))),
                ));
            }
            address
                .settings
                .insert(key.to_owned(), decoded(value, "a value")?);
        }
        let path = path.trim_end_matches('/');
        if path.contains('/') {
            return Err(wrong("it names a table", Some("leave it at the schema")));
        }
        if !path.is_empty() {
            let schema = decoded(path, "the schema")?;
            address.settings.entry("schema".to_owned()).or_insert(schema);
        }
        Ok(address)
    }

    /// The password that was written. On a command line everybody can read it: refuse it there.
    #[must_use]
    pub fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }

    /// The same with a password.
    #[must_use]
    pub fn with_password(mut self, password: Secret) -> Self {
        self.password = Some(password);
        self
    }
}

pub(crate) fn wrong(reason: impl Into<String>, cure: Option<&str>) -> Error {
    Error::Address {
        reason: reason.into(),
        cure: cure.map(str::to_owned),
    }
}

fn host_and_port(text: &str) -> Result<(String, Option<u16>), Error> {
    let no_port = || wrong("a port is none", Some("ports are numbers from 1 to 65535"));
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest
                .split_once(']')
                .ok_or_else(|| wrong("a bracket is not closed", None))?;
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(wrong("there is no IPv6 address in the brackets", None));
            }
            (
                host,
                rest.strip_prefix(':')
                    .or_else(|| (!rest.is_empty()).then_some("")),
            )
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(name) {
        return Err(wrong("a host is none", Some(EXAMPLE)));
    }
    let port = match port {
        None => None,
        Some(port) => Some(port.parse().ok().filter(|port| *port > 0).ok_or_else(no_port)?),
    };
    Ok((host.to_owned(), port))
}

/// `%41` is `A`.
fn decoded(text: &str, what: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let pair = rest.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let byte = byte.ok_or_else(|| {
            wrong(
                format!("{what} has a % that is followed by no number"),
                Some("write % as %25"),
            )
        })?;
        bytes.push(byte);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| wrong(format!("{what} is no text"), None))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("crate://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        for (at, (host, port)) in self.hosts.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let host = if host.contains(':') {
                format!("[{host}]")
            } else {
                host.clone()
            };
            match port {
                Some(port) => write!(f, "{comma}{host}:{port}")?,
                None => write!(f, "{comma}{host}")?,
            }
        }
        for (at, (key, value)) in self.settings.iter().enumerate() {
            let mark = if at > 0 { '&' } else { '?' };
            write!(f, "{mark}{key}={value}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::Address;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_read_as_other_clients_read_them() {
        for (text, shown, password) in [
            ("crate://", "crate://", None),
            ("crate://localhost", "crate://localhost", None),
            (
                "crate://u:p%40ss@a:4200,b/doc?ssl=true",
                "crate://u@a:4200,b?schema=doc&ssl=true",
                Some("p@ss"),
            ),
            ("http://[::1]:4200/", "crate://[::1]:4200", None),
            ("https://u@host?schema=x", "crate://u@host?schema=x", None),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.to_string(), shown, "{text}");
            assert_eq!(
                address.password().map(ostler_vocabulary::Secret::reveal),
                password,
                "{text}"
            );
            assert!(!format!("{address:?}").contains("p@ss"));
        }
        for text in [
            "",
            "postgresql://h",
            "crate://h:0",
            "crate://h:x",
            "crate://[::1",
            "crate://[::1]x",
            "crate://a b",
            "crate://h?what=1",
            "crate://h/schema/table",
            "crate://u:%zz@h",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,40}") {
            let _ = Address::parse(&text);
            let _ = Address::parse(&format!("crate://{text}"));
        }
    }
}
