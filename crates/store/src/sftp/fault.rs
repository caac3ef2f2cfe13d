//! What an SFTP server's and an SSH client's complaints mean for a store.

use std::io;

use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{Status, StatusCode};

use crate::{Attempt, Error, Remote};

fn status(error: &SftpError) -> Option<StatusCode> {
    match error {
        SftpError::Status(status) => Some(status.status_code),
        _ => None,
    }
}

/// Whether it is the server's answer about a file, and not a fault of the connection.
pub(super) fn is_status(error: &SftpError) -> bool {
    status(error).is_some()
}

pub(super) fn is_not_found(error: &SftpError) -> bool {
    status(error) == Some(StatusCode::NoSuchFile)
}

/// The protocol's word for everything that it has no word for.
pub(super) fn is_failure(error: &SftpError) -> bool {
    status(error) == Some(StatusCode::Failure)
}

pub(super) fn not_found() -> SftpError {
    SftpError::Status(Status {
        id: 0,
        status_code: StatusCode::NoSuchFile,
        error_message: "it is not a file".to_owned(),
        language_tag: String::new(),
    })
}

pub(super) fn explain(attempt: Attempt, error: SftpError, remote: &Remote) -> Error {
    let host = &remote.host;
    match status(&error) {
        Some(StatusCode::NoSuchFile) => Error::NotFound(attempt),
        Some(StatusCode::PermissionDenied) => Error::Denied {
            hint: Some(format!(
                "{} must be readable and writable for the user that logs in at {host}",
                remote.directory
            )),
            attempt,
            source: Box::new(error),
        },
        Some(StatusCode::OpUnsupported) => Error::Unsupported {
            attempt,
            reason: error.to_string(),
        },
        Some(_) => Error::Io {
            attempt,
            source: Box::new(error),
        },
        None if matches!(error, SftpError::Timeout) => Error::Timeout {
            attempt,
            hint: Some(format!(
                "{host} did not answer in time: look whether it is overloaded"
            )),
            source: Box::new(error),
        },
        None => Error::Unavailable {
            attempt,
            hint: Some(format!("look whether {host} can be reached")),
            source: Box::new(error),
        },
    }
}

/// There is no SSH client to be started.
pub(super) fn no_client(attempt: Attempt, error: io::Error) -> Error {
    Error::Unsupported {
        attempt,
        reason: format!("cannot start the command `ssh`, OpenSSH's client: {error}"),
    }
}

/// The SSH client ended or kept silent before the SFTP server answered.
pub(super) fn no_connection(attempt: Attempt, said: &str, remote: &Remote) -> Error {
    let said = if said.is_empty() {
        "the SSH client said nothing"
    } else {
        said
    };
    let by_hand = format!("try `ssh {}` by hand", remote.host);
    let source = Box::new(io::Error::other(said.to_owned()));
    let is = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if is(&[
        "Host key verification failed",
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
    ]) {
        return Error::Denied {
            attempt,
            hint: Some(format!(
                "the key of {} is not among the known hosts, or another one is: {by_hand} and compare its fingerprint",
                remote.host
            )),
            source,
        };
    }
    if is(&[
        "Permission denied",
        "Too many authentication failures",
        "no such identity",
        "Load key",
    ]) {
        return Error::Denied {
            attempt,
            hint: Some(format!(
                "log in with a key that needs no question to be answered (an agent, or `identity_file`): {by_hand}"
            )),
            source,
        };
    }
    if is(&["subsystem request failed"]) {
        return Error::Unsupported {
            attempt,
            reason: format!("{} has no SFTP server: {said}", remote.host),
        };
    }
    Error::Unavailable {
        attempt,
        hint: Some(by_hand),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::no_connection;
    use crate::{Attempt, Error, Remote, Verb};

    #[test]
    fn what_the_ssh_client_says_decides_whether_to_try_again() {
        let remote = Remote {
            user: None,
            host: "host".into(),
            port: None,
            directory: "/d".into(),
        };
        let explain = |said| no_connection(Attempt::new(Verb::Get, "a", "sftp://host/d"), said, &remote);
        assert!(matches!(
            explain("me@host: Permission denied (publickey)."),
            Error::Denied { .. }
        ));
        assert!(matches!(
            explain("Host key verification failed."),
            Error::Denied { .. }
        ));
        assert!(matches!(
            explain("subsystem request failed on channel 0"),
            Error::Unsupported { .. }
        ));
        for said in ["ssh: connect to host h port 22: Connection refused", ""] {
            assert!(explain(said).is_transient(), "{said}");
        }
    }
}
