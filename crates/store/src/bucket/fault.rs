//! What an object service's answers mean for a store.
//!
//! S3's codes: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>. Azure's:
//! <https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes>.

use std::error::Error as StdError;
use std::fmt;

use object_store::client::{HttpError, HttpErrorKind};

use super::answer::AskedPause;
use crate::{Attempt, Error, Verb};

/// What advice needs to know.
#[derive(Debug)]
pub(super) struct Explain {
    /// Such as "the bucket `name`".
    pub(super) place: String,
    pub(super) endpoint: String,
    /// Which credentials were used; `None`: none were given, so that it is the machine's own.
    pub(super) credentials: Option<&'static str>,
    /// When the service wants to be asked again.
    pub(super) pause: AskedPause,
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

    /// A request of our own was answered by an error, in XML as S3 does it.
    pub(super) fn refused(&self, attempt: Attempt, status: u16, body: &str) -> Error {
        let answer = Answer {
            status,
            code: element(body, "Code"),
            message: element(body, "Message"),
        };
        self.answered(attempt, answer)
    }

    /// A request of our own was answered by an error, in JSON as Google does it:
    /// <https://cloud.google.com/storage/docs/json_api/v1/status-codes>.
    pub(super) fn refused_json(&self, attempt: Attempt, status: u16, body: &[u8]) -> Error {
        let document: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |pointer| {
            let text = document.pointer(pointer).and_then(serde_json::Value::as_str);
            shortened(text.unwrap_or_default())
        };
        let answer = Answer {
            status,
            code: text("/error/errors/0/reason"),
            message: text("/error/message"),
        };
        self.answered(attempt, answer)
    }

    /// The bucket is not there.
    pub(super) fn gone(&self, attempt: Attempt) -> Error {
        Error::Gone {
            attempt,
            hint: format!(
                "make {} at {}, or look whether its name and the settings of the service are right",
                self.place, self.endpoint
            ),
        }
    }

    /// A request of our own was not answered.
    pub(super) fn no_answer(&self, attempt: Attempt, error: HttpError) -> Error {
        let error = object_store::Error::Generic {
            store: "HTTP",
            source: Box::new(error),
        };
        self.unanswered(attempt, &error)
    }

    /// A request of our own could not be made: a defect, or settings nobody can work with.
    pub(super) fn not_sent(&self, attempt: Attempt, error: &dyn fmt::Display) -> Error {
        Error::Io {
            attempt,
            source: Box::new(NoAnswer(error.to_string())),
        }
    }

    /// The body ended before the length that the service had announced.
    pub(super) fn cut_off(&self, attempt: Attempt) -> Error {
        no_answer(attempt, "the answer ended too early")
    }

    /// What was given as an object is none.
    pub(super) fn no_object(&self, attempt: Attempt) -> Error {
        no_answer(attempt, "the answer says success and is no object")
    }

    fn answered(&self, attempt: Attempt, answer: Answer) -> Error {
        let code = answer.code.as_str();
        match answer.status {
            _ if matches!(
                code,
                "NoSuchBucket" | "ContainerNotFound" | "ContainerBeingDeleted"
            ) =>
            {
                self.gone(attempt)
            }
            412 | 304 if attempt.verb == Verb::Create => Error::AlreadyExists(attempt),
            409 if attempt.verb == Verb::Create && says_taken(code) => Error::AlreadyExists(attempt),
            // The winner of a race is not known yet, or a folder is being removed: the next try is told.
            409 if attempt.verb == Verb::Create || code == "ConditionalRequestConflict" => {
                self.unavailable(attempt, answer)
            }
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
            429 | 503 => Error::SlowDown {
                attempt,
                after: self.pause.left(),
                hint: format!(
                    "{} has too much to do: try again later, or limit requests (`limits` of the vault)",
                    self.endpoint
                ),
                source: Box::new(answer),
            },
            500..=599 => self.unavailable(attempt, answer),
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
        let source = self
            .credentials
            .unwrap_or("the machine's own identity, since none was given");
        match code {
            // An agent's failure is told by who coordinates, so "this machine" would be another one.
            "RequestTimeTooSkewed" => {
                "set the clock of the machine that asked: it differs too much from the service's; of a cluster, \
                 `ostler cluster status` tells whose clock is off"
                    .to_owned()
            }
            "ExpiredToken" => format!("the credentials are too old: renew them ({source} were used)"),
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "AuthenticationFailed"
            | "authError"
            | "InvalidAuthenticationInfo" => format!(
                "{} does not accept the credentials: look at them, at the machine's clock and at the region ({source} were used)",
                self.endpoint
            ),
            _ => format!(
                "look whether the credentials may do this in {} ({source} were used)",
                self.place
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
        let hint = if self.credentials.is_none() {
            format!(
                "look whether {} can be reached, and give credentials: none were found in the configuration or the \
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
            // Without a kind it answered something that is no answer, such as a success without what belongs to it.
            _ => Error::Unavailable {
                attempt,
                hint: Some(hint),
                source,
            },
        }
    }
}

/// Whether a conflict is that an object of the name is there: `BlobAlreadyExists`, `FileAlreadyExists`, or one that may
/// not be replaced. S3 says 412 then.
fn says_taken(code: &str) -> bool {
    code.is_empty() || code.ends_with("AlreadyExists") || code == "BlobImmutableDueToPolicy"
}

fn no_answer(attempt: Attempt, what: &str) -> Error {
    Error::Unavailable {
        attempt,
        hint: None,
        source: Box::new(NoAnswer(what.to_owned())),
    }
}

/// Whether the service said that the object has no byte of the range.
pub(super) fn is_outside_of_object(error: &object_store::Error) -> bool {
    let said = error.to_string();
    answer_in(error).is_some_and(|answer| answer.status == 416)
        // The client library looks at the size itself where the answer tells it.
        || said.contains("Wanted range starting at ")
        // Of an object without bytes Azurite says that it gave those from 0 to -1.
        || said.contains("CONTENT_RANGE header: \"bytes 0--1/0")
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
    // Azure deletes by requests of many, which have an answer for each: `…: message (code: 404)`.
    const ONE_OF_MANY: &str = "Bulk delete request failed";
    if let Some((_, one)) = message.split_once(ONE_OF_MANY) {
        let (message, code) = one.rsplit_once("(code: ")?;
        let message = message.rsplit(": ").next().unwrap_or("");
        return Some(Answer {
            status: code.trim_end_matches(')').parse().ok()?,
            code: String::new(),
            message: message.chars().filter(|c| !c.is_control()).take(200).collect(),
        });
    }
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
pub(super) fn element(body: &str, name: &str) -> String {
    let text = body
        .split_once(&format!("<{name}>"))
        .and_then(|(_, rest)| rest.split_once(&format!("</{name}>")))
        .map_or("", |(text, _)| text);
    shortened(text)
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
