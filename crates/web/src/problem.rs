//! Failures on the wire: problem documents (RFC 9457), and the one place where a kind becomes a status.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use ostler_vocabulary::{ErrorKind, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::witness::Why;

/// The media type of problem documents.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Bytes at most of what a part of the server says of a failure.
const SAID: usize = 4 << 10;

/// The status of an answer that tells of this kind of failure.
#[must_use]
pub fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::AlreadyExists | ErrorKind::Conflict | ErrorKind::Cancelled => StatusCode::CONFLICT,
        ErrorKind::Busy => StatusCode::LOCKED,
        ErrorKind::Denied => StatusCode::FORBIDDEN,
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Unsupported => StatusCode::NOT_IMPLEMENTED,
        ErrorKind::Corrupt | ErrorKind::Partial | ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A problem document. Beside the members of RFC 9457 it has those of the error document of the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProblemDocument {
    /// `urn:ostler:error:` and the kind.
    #[serde(rename = "type")]
    pub kind_uri: String,
    /// The kind in words.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// All messages, outermost first, as one sentence.
    pub detail: String,
    /// What it means.
    pub kind: ErrorKind,
    /// The outermost message.
    pub error: String,
    /// The causes, outermost first.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ProblemDocument {
    /// What is told of a failure.
    #[must_use]
    pub fn of(failure: &Failure) -> Self {
        let messages = failure.messages();
        let kind = failure.kind();
        Self {
            kind_uri: format!("urn:ostler:error:{kind}"),
            title: kind.as_str().replace('_', " "),
            status: status(kind).as_u16(),
            detail: messages.join(": "),
            kind,
            error: messages.first().cloned().unwrap_or_default(),
            causes: messages.into_iter().skip(1).collect(),
            hint: failure.hint().map(str::to_owned),
        }
    }

    /// The failure that it tells of.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        let mut messages: Vec<String> = std::iter::once(self.error).chain(self.causes).collect();
        let mut failure = Failure::new(self.kind, messages.pop().unwrap_or_default());
        while let Some(message) = messages.pop() {
            failure = failure.context(message);
        }
        match self.hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

/// A failure as an answer.
#[derive(Debug)]
pub struct Problem {
    failure: Failure,
    /// Instead of the one that follows from the kind.
    status: Option<StatusCode>,
    retry_after: Option<u64>,
}

impl Problem {
    /// Nobody said who asks, or not rightly.
    pub(crate) fn nobody(message: &str) -> Self {
        let failure = Failure::new(ErrorKind::Denied, message).with_hint(
            "send `Authorization: Bearer TOKEN`; `ostler token add NAME` on the server's machine makes a token",
        );
        Self {
            failure,
            status: Some(StatusCode::UNAUTHORIZED),
            retry_after: None,
        }
    }

    /// Too many failed attempts.
    pub(crate) fn too_many(seconds: u64) -> Self {
        Self {
            failure: Failure::new(
                ErrorKind::Busy,
                "too many attempts with wrong secrets came from this address",
            )
            .with_hint(format!("wait {seconds} s")),
            status: Some(StatusCode::TOO_MANY_REQUESTS),
            retry_after: Some(seconds),
        }
    }

    /// What is answered.
    pub(crate) fn status(&self) -> StatusCode {
        self.status.unwrap_or_else(|| status(self.failure.kind()))
    }

    /// The failure itself.
    pub(crate) fn failure(&self) -> &Failure {
        &self.failure
    }

    /// The failure alone.
    pub(crate) fn into_failure(self) -> Failure {
        self.failure
    }
}

/// What is said of failures that the server found before a handler was asked: a method that a path does not take, a request
/// that is too large or no request at all. It is a problem document like any other.
pub(crate) async fn in_full(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_said = kind.starts_with(MEDIA_TYPE) || kind.starts_with("text/html");
    if is_said || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text = axum::body::to_bytes(body, SAID).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let (kind, usual) = match status {
        StatusCode::NOT_FOUND => (ErrorKind::NotFound, "there is nothing here"),
        StatusCode::METHOD_NOT_ALLOWED => (ErrorKind::Unsupported, "this path does not take this method"),
        StatusCode::PAYLOAD_TOO_LARGE => (ErrorKind::Invalid, "the request is too large"),
        status if status.is_server_error() => (ErrorKind::Internal, "the server failed over this"),
        _ => (ErrorKind::Invalid, "the request cannot be read"),
    };
    let failure = match text.is_empty() {
        true => Failure::new(kind, usual),
        false => Failure::new(kind, text).context(usual),
    };
    let problem = Problem {
        failure,
        status: Some(status),
        retry_after: None,
    };
    let mut response = problem.into_response();
    if let Some(allowed) = parts.headers.get(header::ALLOW) {
        response.headers_mut().insert(header::ALLOW, allowed.clone());
    }
    response
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            status: None,
            retry_after: None,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let document = ProblemDocument {
            status: status.as_u16(),
            ..ProblemDocument::of(&self.failure)
        };
        let mut response = (status, Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(why) = Why::of(&self.failure) {
            response.extensions_mut().insert(why);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use ostler_vocabulary::{ErrorKind, Failure};

    use super::{ProblemDocument, status};

    #[test]
    fn a_failure_comes_out_of_its_document_as_it_went_in() {
        for kind in ErrorKind::ALL {
            let failure = Failure::new(kind, "no route to host")
                .context("cannot list objects")
                .context("cannot open vault `a`")
                .with_hint("look at the network");
            let text = serde_json::to_string(&ProblemDocument::of(&failure)).unwrap();
            let document: ProblemDocument = serde_json::from_str(&text).unwrap();
            assert_eq!(document.status, status(kind).as_u16());
            let back = document.into_failure();
            assert_eq!(back.kind(), kind);
            assert_eq!(back.messages(), failure.messages());
            assert_eq!(back.hint(), failure.hint());
        }
    }
}
