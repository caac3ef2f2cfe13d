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
