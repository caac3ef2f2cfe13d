//! Addresses of stores.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;
use crate::key::fault;

/// Where a store is: a directory, `file:///directory`, `s3://bucket/prefix`, or `memory:`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// A directory.
    Local(PathBuf),
    /// A bucket of an S3 service, and the start of all keys in it, without `/` at its ends; empty for none.
    S3 {
        /// The bucket.
        bucket: String,
        /// The start of all keys.
        prefix: String,
    },
    /// The memory of this process.
    Memory,
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
                Some(("file" | "s3" | "memory", _)) => Err(wrong("`//` is missing, or too much is there")),
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
            "s3" => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.contains('@') {
                    return Err(wrong("credentials do not belong into an address"));
                }
                let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
                if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(letters) {
                    return Err(wrong(
                        "a bucket's name has 3 to 63 letters, digits, `-`, `.` or `_`",
                    ));
                }
                let prefix = prefix.trim_end_matches('/');
                if let (false, Some(reason)) = (prefix.is_empty(), fault(prefix)) {
                    return Err(wrong(&format!("the prefix cannot be used: {reason}")));
                }
                Ok(Self::S3 {
                    bucket: bucket.to_owned(),
                    prefix: prefix.to_owned(),
                })
            }
            _ => Err(wrong("no kind of store is known by that name")),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

impl Serialize for Location {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
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
    use super::Location;

    fn s3(bucket: &str, prefix: &str) -> Location {
        Location::S3 {
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
            "sftp://host/a",
            "memory:x",
        ] {
            assert!(text.parse::<Location>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_shown() {
        for text in ["s3://key:hunter2@bucket/a", "https://me:hunter2@host/bucket"] {
            let error = text.parse::<Location>().expect_err(text);
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
