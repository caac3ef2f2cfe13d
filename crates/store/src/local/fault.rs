//! What the file system's errors mean for a store.

use std::io::{self, ErrorKind};

use rustix::io::Errno;

use crate::{Attempt, Error};

/// Turns an error of the operating system into ours.
pub(super) fn explain(attempt: &Attempt, error: io::Error) -> Error {
    let attempt = attempt.clone();
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    match errno {
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => {
            return Error::NoSpace {
                attempt,
                source: Box::new(error),
            };
        }
        // The file system is away: a network share, a disk that was pulled out.
        Some(
            Errno::STALE
            | Errno::NOTCONN
            | Errno::HOSTDOWN
            | Errno::HOSTUNREACH
            | Errno::NODEV
            | Errno::NXIO
            | Errno::CONNRESET
            | Errno::SHUTDOWN,
        ) => {
            return Error::Unavailable {
                hint: Some(format!(
                    "look whether the disk or share of {} is mounted",
                    attempt.store
                )),
                attempt,
                source: Box::new(error),
            };
        }
        _ => {}
    }
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory => Error::NotFound(attempt),
        ErrorKind::AlreadyExists => Error::AlreadyExists(attempt),
        ErrorKind::PermissionDenied => Error::Denied {
            hint: Some(format!(
                "{} must be readable and writable for the user that runs this",
                attempt.store
            )),
            attempt,
            source: Box::new(error),
        },
        ErrorKind::ReadOnlyFilesystem => Error::Denied {
            hint: Some(format!(
                "the file system of {} is mounted read-only",
                attempt.store
            )),
            attempt,
            source: Box::new(error),
        },
        ErrorKind::TimedOut => Error::Timeout {
            hint: None,
            attempt,
            source: Box::new(error),
        },
        _ => Error::Io {
            attempt,
            source: Box::new(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use ostler_vocabulary::{Classified, ErrorKind};
    use rustix::io::Errno;

    use super::explain;
    use crate::{Attempt, Error, Verb};

    #[test]
    fn what_the_system_says_has_one_meaning_and_a_hint_where_something_can_be_done() {
        let cases = [
            (Errno::NOSPC, ErrorKind::Internal, "free some space"),
            (Errno::DQUOT, ErrorKind::Internal, "free some space"),
            (Errno::STALE, ErrorKind::Unavailable, "is mounted"),
            (Errno::NODEV, ErrorKind::Unavailable, "is mounted"),
            (Errno::NOENT, ErrorKind::NotFound, ""),
            (Errno::NOTDIR, ErrorKind::NotFound, ""),
            (Errno::EXIST, ErrorKind::AlreadyExists, ""),
            (Errno::ACCESS, ErrorKind::Denied, "readable and writable"),
            (Errno::ROFS, ErrorKind::Denied, "mounted read-only"),
            (Errno::TIMEDOUT, ErrorKind::Timeout, ""),
            (Errno::IO, ErrorKind::Internal, ""),
        ];
        for (errno, kind, hint) in cases {
            let attempt = Attempt::new(Verb::Create, "a", "/srv/vault");
            let error: Error = explain(&attempt, io::Error::from(errno));
            assert_eq!(error.kind(), kind, "{errno:?}");
            assert!(error.to_string().contains("`a`"), "{error}");
            assert!(error.hint().unwrap_or_default().contains(hint), "{error:?}");
            assert_eq!(error.hint().is_some(), !hint.is_empty(), "{error:?}");
        }
    }
}
