//! Addresses of stores.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::Error;
use crate::key::fault;

/// An object service, named by the scheme of its addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// `s3://`: Amazon S3 and all that speak its protocol.
    S3,
    /// `azure://`: Azure Blob Storage.
    Azure,
    /// `gs://`: Google Cloud Storage.
    Gcs,
}

impl Service {
    fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Azure => "azure",
            Self::Gcs => "gs",
        }
    }
}

/// Where a store is: a directory, `file:///directory`, `s3://bucket/prefix`, `azure://container/prefix`,
/// `gs://bucket/prefix`, `sftp://user@host:port/directory`, or `memory:`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// A directory.
    Local(PathBuf),
    /// A bucket of an object service, and the start of all keys in it, without `/` at its ends; empty for none.
    Bucket {
        /// The service.
        service: Service,
        /// The bucket, which Azure calls container.
        bucket: String,
        /// The start of all keys.
        prefix: String,
    },
    /// A directory of a host that is reached by SSH.
    Sftp(Remote),
    /// The memory of this process.
    Memory,
}

/// A directory of another host: `sftp://[user@]host[:port]/directory`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Remote {
    /// Who logs in; what the SSH client's configuration says when `None`.
    pub user: Option<String>,
    /// The host, or a name that the SSH client's configuration knows.
    pub host: String,
    /// Its port; what the SSH client's configuration says when `None`.
    pub port: Option<u16>,
    /// The directory, absolute; one that begins with `/~/` is in the user's home.
    pub directory: String,
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sftp://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.directory)
    }
}

impl FromStr for Location {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::Location {
            text: without_credentials(text),
            reason: reason.to_owned(),
        };
        if text.is_empty() {
            return Err(wrong("it is empty"));
        }
        if text == "memory:" {
            return Ok(Self::Memory);
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return match text.split_once(':') {
                Some(("file" | "s3" | "azure" | "gs" | "sftp" | "memory", _)) => {
                    Err(wrong("`//` is missing, or too much is there"))
                }
                _ => Ok(Self::Local(text.into())),
            };
        };
        match scheme {
            "file" => {
                let path = rest.strip_prefix("localhost").unwrap_or(rest);
                if !path.starts_with('/') {
                    return Err(wrong("the directory must begin with `/`"));
                }
                let decoded =
                    percent_decoded(path).ok_or_else(|| wrong("a `%` is not followed by two hex digits"))?;
                Ok(Self::Local(path_of(decoded)))
            }
            "s3" => bucket(Service::S3, rest).map_err(|reason| wrong(&reason)),
            "azure" => bucket(Service::Azure, rest).map_err(|reason| wrong(&reason)),
            "gs" => bucket(Service::Gcs, rest).map_err(|reason| wrong(&reason)),
            "sftp" => remote(rest).map(Self::Sftp).map_err(wrong),
            _ => Err(wrong("no kind of store is known by that name")),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
            Self::Bucket {
                service,
                bucket,
                prefix,
            } => {
                write!(f, "{}://{bucket}", service.scheme())?;
                if prefix.is_empty() {
                    return Ok(());
                }
                write!(f, "/{prefix}")
            }
            Self::Sftp(remote) => remote.fmt(f),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

ostler_vocabulary::serde_as_text!(Location);

fn bucket(service: Service, rest: &str) -> Result<Location, String> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.contains('@') {
        return Err("credentials do not belong into an address".to_owned());
    }
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(letters) {
        return Err("a bucket's name has 3 to 63 letters, digits, `-`, `.` or `_`".to_owned());
    }
    let prefix = prefix.trim_end_matches('/');
    if let (false, Some(reason)) = (prefix.is_empty(), fault(prefix)) {
        return Err(format!("the prefix cannot be used: {reason}"));
    }
    Ok(Location::Bucket {
        service,
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
    })
}

fn remote(rest: &str) -> Result<Remote, &'static str> {
    let (login, directory) = rest.split_once('/').ok_or("the directory must begin with `/`")?;
    let (user, host) = match login.rsplit_once('@') {
        Some((user, _)) if user.contains(':') => return Err("a password does not belong into an address"),
        Some((user, host)) => (Some(user.to_owned()), host),
        None => (None, login),
    };
    let (host, port) = match host.rsplit_once(':') {
        // The colons of an address of IP version 6 are in brackets.
        Some((host, port)) if !port.ends_with(']') => {
            let port = port
                .parse()
                .map_err(|_| "the port is not a number from 1 to 65535")?;
            (host, Some(port).filter(|port| *port != 0))
        }
        _ => (host, None),
    };
    let is_word = |text: &str| {
        // What begins with `-` would be an option of the SSH client.
        !text.is_empty() && !text.starts_with('-') && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !is_word(host) || user.as_deref().is_some_and(|user| !is_word(user)) {
        return Err("the host or the user is not a name");
    }
    let directory = directory.trim_end_matches('/');
    if directory.is_empty() || directory == "~" {
        return Err("the directory must not be the root or the home itself");
    }
    if directory.split('/').any(|part| part.is_empty() || part == "..") || directory.contains('\0') {
        return Err("the directory has an empty part or `..` in it");
    }
    Ok(Remote {
        user,
        host: host.to_owned(),
        port,
        directory: format!("/{directory}"),
    })
}

/// The address as it may be shown: what stands before an `@` in its host may be a password.
fn without_credentials(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}"),
        None => text.to_owned(),
    }
}

fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            let value = digit()? * 16 + digit()?;
            decoded.push(u8::try_from(value).ok().filter(|byte| *byte != 0)?);
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::{Location, Remote, Service};

    fn s3(bucket: &str, prefix: &str) -> Location {
        Location::Bucket {
            service: Service::S3,
            bucket: bucket.into(),
            prefix: prefix.into(),
        }
    }

    #[test]
    fn addresses_of_stores_are_read() {
        for (text, location) in [
            ("/srv/vault", Location::Local("/srv/vault".into())),
            ("vault", Location::Local("vault".into())),
            ("./a:b", Location::Local("./a:b".into())),
            ("file:///srv/my%20vault", Location::Local("/srv/my vault".into())),
            ("s3://bucket", s3("bucket", "")),
            ("s3://bucket/", s3("bucket", "")),
            ("s3://bucket/a/b/", s3("bucket", "a/b")),
            (
                "gs://bucket/a",
                Location::Bucket {
                    service: Service::Gcs,
                    bucket: "bucket".into(),
                    prefix: "a".into(),
                },
            ),
            (
                "sftp://me@host:2222/srv/vault/",
                Location::Sftp(Remote {
                    user: Some("me".into()),
                    host: "host".into(),
                    port: Some(2222),
                    directory: "/srv/vault".into(),
                }),
            ),
            (
                "sftp://[::1]/~/vault",
                Location::Sftp(Remote {
                    user: None,
                    host: "[::1]".into(),
                    port: None,
                    directory: "/~/vault".into(),
                }),
            ),
            ("memory:", Location::Memory),
        ] {
            let read: Location = text.parse().expect(text);
            assert_eq!(read, location, "{text}");
            assert_eq!(
                read.to_string().parse::<Location>().expect(text),
                location,
                "{text}"
            );
        }
        for text in [
            "",
            "s3://",
            "s3://b",
            "s3:bucket",
            "s3://bucket//a",
            "s3://bucket/../a",
            "file://host/a",
            "file:///%zz",
            "file:///%00",
            "sftp://host",
            "sftp://host/",
            "sftp://host/~",
            "sftp://host/a/../b",
            "sftp://host:port/a",
            "sftp://-oProxyCommand=x/a",
            "sftp://me@/a",
            "gs://b",
            "azure:box",
            "memory:x",
        ] {
            assert!(text.parse::<Location>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_shown() {
        for text in [
            "s3://key:hunter2@bucket/a",
            "https://me:hunter2@host/bucket",
            "sftp://me:hunter2@host/a",
        ] {
            let error = text.parse::<Location>().expect_err(text);
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
