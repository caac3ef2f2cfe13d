//! What an S3 service's answers mean for a store.

use std::error::Error as StdError;
use std::fmt;

use object_store::client::{HttpError, HttpErrorKind};

use crate::{Attempt, Error, Verb};

/// Where the credentials are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Credentials {
    Configuration,
    Environment,
    Machine,
}

/// What advice needs to know.
#[derive(Debug)]
pub(super) struct Explain {
    pub(super) bucket: String,
    pub(super) endpoint: String,
    pub(super) credentials: Credentials,
}

/// An error answer: what may be shown of it. The rest of the body can hold what was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    status: u16,
    code: String,
    message: String,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the service answered {}", self.status)?;
        if !self.code.is_empty() {
            write!(f, " {}", self.code)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}

impl StdError for Answer {}

/// What happened to a request that got no answer.
#[derive(Debug)]
struct NoAnswer(String);

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for NoAnswer {}

impl Explain {
    pub(super) fn error(&self, attempt: Attempt, error: object_store::Error) -> Error {
        if let Some(answer) = answer_in(&error) {
            return self.answered(attempt, answer);
        }
        match error {
            object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. } => {
                Error::Unsupported {
                    attempt,
                    reason: "the client library cannot do this".to_owned(),
                }
            }
            error => self.unanswered(attempt, &error),
        }
    }

    /// The body ended before the length that the service had announced.
    pub(super) fn cut_off(&self, attempt: Attempt) -> Error {
        Error::Unavailable {
            attempt,
            hint: None,
            source: Box::new(NoAnswer("the answer ended too early".to_owned())),
        }
    }

    fn answered(&self, attempt: Attempt, answer: Answer) -> Error {
        let code = answer.code.as_str();
        match answer.status {
            _ if code == "NoSuchBucket" => Error::Gone {
                attempt,
                hint: format!(
                    "make the bucket `{}` at {}, or look whether its name, the endpoint and the style are right",
                    self.bucket, self.endpoint
                ),
            },
            // The winner of a race is not known yet; the next try is told.
            409 if code == "ConditionalRequestConflict" => self.unavailable(attempt, answer),
            409 | 412 | 304 if attempt.verb == Verb::Create => Error::AlreadyExists(attempt),
            404 if attempt.verb != Verb::Create && attempt.verb != Verb::List => Error::NotFound(attempt),
            401 | 403 => Error::Denied {
                attempt,
                hint: Some(self.denied_hint(code)),
                source: Box::new(answer),
            },
            _ if matches!(
                code,
                "RequestTimeTooSkewed" | "ExpiredToken" | "InvalidAccessKeyId"
            ) =>
            {
                Error::Denied {
                    attempt,
                    hint: Some(self.denied_hint(code)),
                    source: Box::new(answer),
                }
            }
            408 => Error::Timeout {
                attempt,
                hint: None,
                source: Box::new(answer),
            },
            507 => Error::NoSpace {
                attempt,
                source: Box::new(answer),
            },
            501 | 405 => Error::Unsupported {
                attempt,
                reason: answer.to_string(),
            },
            // A damaged upload is refused before it is stored, and the next may arrive whole.
            400 if matches!(
                code,
                "BadDigest" | "XAmzContentSHA256Mismatch" | "RequestTimeout" | "IncompleteBody"
            ) =>
            {
                self.unavailable(attempt, answer)
            }
            429 | 500..=599 => self.unavailable(attempt, answer),
            // An error in the body of a 200: `SlowDown`, `InternalError`.
            200..=299 => self.unavailable(attempt, answer),
            _ => Error::Io {
                attempt,
                source: Box::new(answer),
            },
        }
    }

    fn unavailable(&self, attempt: Attempt, answer: Answer) -> Error {
        Error::Unavailable {
            attempt,
            hint: Some(format!(
                "{} has a problem of its own or too much to do: try again later",
                self.endpoint
            )),
            source: Box::new(answer),
        }
    }

    fn denied_hint(&self, code: &str) -> String {
        let source = match self.credentials {
            Credentials::Configuration => "the access key and the secret key of the configuration",
            Credentials::Environment => "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            Credentials::Machine => "the machine's role, since no access key was given",
        };
        match code {
            "RequestTimeTooSkewed" => {
                "set this machine's clock: it differs too much from the service's".to_owned()
            }
            "ExpiredToken" => format!("the credentials are too old: renew them ({source} were used)"),
            "InvalidAccessKeyId" | "SignatureDoesNotMatch" => format!(
                "{} does not accept the credentials: look at them, and at the region ({source} were used)",
                self.endpoint
            ),
            _ => format!(
                "look whether the credentials may do this in the bucket `{}` ({source} were used)",
                self.bucket
            ),
        }
    }

    fn unanswered(&self, attempt: Attempt, error: &object_store::Error) -> Error {
        let mut innermost: &(dyn StdError + 'static) = error;
        let mut kind = None;
        loop {
            if let Some(http) = innermost.downcast_ref::<HttpError>() {
                kind = Some(http.kind());
            }
            match innermost.source() {
                Some(next) => innermost = next,
                None => break,
            }
        }
        let source = Box::new(NoAnswer(innermost.to_string()));
        let hint = if self.credentials == Credentials::Machine {
            format!(
                "look whether {} can be reached, and give an access key: none was found in the configuration or the \
                 environment",
                self.endpoint
            )
        } else {
            format!(
                "look whether the endpoint {} is right and can be reached",
                self.endpoint
            )
        };
        match kind {
            Some(HttpErrorKind::Timeout) => Error::Timeout {
                attempt,
                hint: Some(hint),
                source,
            },
            Some(HttpErrorKind::Connect) => Error::Unreachable {
                attempt,
                hint,
                source,
            },
            Some(_) => Error::Unavailable {
                attempt,
                hint: Some(hint),
                source,
            },
            None if self.credentials == Credentials::Machine => Error::Unavailable {
                attempt,
                hint: Some(hint),
                source,
            },
            None => Error::Io { attempt, source },
        }
    }
}

/// Whether the service said that the object has no byte of the range.
pub(super) fn is_outside_of_object(error: &object_store::Error) -> bool {
    answer_in(error).is_some_and(|answer| answer.status == 416)
}

/// Finds the service's answer in an error. The library keeps status and body in a type of its own that cannot be
/// named, so they are read from its message.
fn answer_in(error: &object_store::Error) -> Option<Answer> {
    let mut current: &(dyn StdError + 'static) = error;
    let mut found = None;
    loop {
        // The innermost one is the plainest.
        found = answer_of(&current.to_string()).or(found);
        match current.source() {
            Some(next) => current = next,
            None => return found,
        }
    }
}

fn answer_of(message: &str) -> Option<Answer> {
    const STATUS: &str = "Server returned non-2xx status code: ";
    const BODY: &str = "Server returned error response: ";
    let (status, body) = if let Some((_, rest)) = message.split_once(STATUS) {
        (rest.get(..3)?.parse().ok()?, rest.get(3..)?)
    } else {
        (200, message.split_once(BODY)?.1)
    };
    Some(Answer {
        status,
        code: element(body, "Code"),
        message: element(body, "Message"),
    })
}

/// The text of the first element of this name, shortened; empty when there is none.
fn element(body: &str, name: &str) -> String {
    let text = body
        .split_once(&format!("<{name}>"))
        .and_then(|(_, rest)| rest.split_once(&format!("</{name}>")))
        .map_or("", |(text, _)| text);
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
