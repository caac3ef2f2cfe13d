//! Answers as they come, before the client library makes something of them: it takes any listing whose text it does
//! not know for an empty one, does not look into the answer to a PUT, and forgets when a service wants to be asked again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
    ReqwestConnector,
};

/// The beginning of a body is looked at so far for what it is.
const HEAD: usize = 512;

/// When the service wants to be asked again: the last that it said. Requests at the same time share it, which only
/// makes one of them wait for what another was told.
#[derive(Debug, Clone, Default)]
pub(super) struct AskedPause(Arc<Mutex<Option<(Instant, Duration)>>>);

impl AskedPause {
    /// How long from now; `None` when it did not tell.
    pub(super) fn left(&self) -> Option<Duration> {
        let said = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, pause) = said?;
        Some(pause.saturating_sub(at.elapsed())).filter(|left| !left.is_zero())
    }

    fn note(&self, answer: &HttpResponse) {
        let seconds = answer
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        if let Some(seconds) = seconds {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
                Some((Instant::now(), Duration::from_secs(seconds)));
        }
    }
}

/// Makes clients whose answers are looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers {
    pause: AskedPause,
}

impl Answers {
    pub(super) fn pause(&self) -> AskedPause {
        self.pause.clone()
    }
}

impl HttpConnector for Answers {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Looking {
            inner: ReqwestConnector::default().connect(options)?,
            pause: self.pause.clone(),
        }))
    }
}

#[derive(Debug)]
struct Looking {
    inner: HttpClient,
    pause: AskedPause,
}

/// What a successful answer must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// A listing: its text has to be one.
    Listing,
    /// A PUT: its answer has to be empty, or at least no error.
    Put,
    Other,
}

impl Asked {
    fn of(method: &str, query: &str) -> Self {
        let is_listing = query
            .split('&')
            .any(|part| part.starts_with("list-type=") || part == "comp=list");
        match method {
            "GET" if is_listing => Self::Listing,
            "PUT" => Self::Put,
            _ => Self::Other,
        }
    }

    /// Whether this is no answer to it.
    fn contradicts(self, body: &[u8]) -> bool {
        let head = String::from_utf8_lossy(&body[..body.len().min(HEAD)]).into_owned();
        match self {
            Self::Listing => !head.contains("<ListBucketResult") && !head.contains("<EnumerationResults"),
            Self::Put => head.contains("<Error"),
            Self::Other => false,
        }
    }
}

#[async_trait]
impl HttpService for Looking {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let asked = Asked::of(
            request.method().as_str(),
            request.uri().query().unwrap_or_default(),
        );
        let answer = self.inner.execute(request).await?;
        self.pause.note(&answer);
        if !answer.status().is_success() || asked == Asked::Other {
            return Ok(answer);
        }
        let (mut parts, body) = answer.into_parts();
        let body = body.bytes().await?;
        if asked.contradicts(&body) {
            // As the service should have said; the body has its code.
            if let Ok(status) = 503_u16.try_into() {
                parts.status = status;
            }
        }
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(body)))
    }
}

#[cfg(test)]
mod tests {
    use super::Asked;

    #[test]
    fn an_error_in_place_of_a_listing_is_no_empty_listing() {
        let listing = Asked::of("GET", "list-type=2&prefix=a");
        let error = b"<?xml version=\"1.0\"?><Error><Code>SlowDown</Code></Error>";
        assert!(listing.contradicts(error) && listing.contradicts(b"") && listing.contradicts(b"<html>"));
        assert!(!listing.contradicts(b"<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"x\">"));
        assert_eq!(Asked::of("GET", "restype=container&comp=list"), Asked::Listing);
        let put = Asked::of("PUT", "");
        assert!(put.contradicts(error) && !put.contradicts(b""));
        assert_eq!(Asked::of("GET", ""), Asked::Other);
        assert_eq!(Asked::of("HEAD", "list-type=2"), Asked::Other);
    }
}
