//! Requests that the client library does not make: plain HTTP by its own client, one answer for each.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Method, Request};
use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector, HttpRequest, HttpRequestBody, ReqwestConnector};

use super::fault::Explain;
use crate::{Attempt, Error};

/// A request's client, and what its errors need to know.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    client: HttpClient,
    pub(super) explain: Arc<Explain>,
}

/// What a service answered.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answered {
    /// A header's text; empty when it is not there.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as text, with what is no text replaced.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// A request without its credentials.
pub(super) fn request(
    method: Method,
    url: &str,
    headers: &[(&'static str, String)],
    body: impl Into<HttpRequestBody>,
) -> Result<HttpRequest, http::Error> {
    let mut request = Request::builder().method(method).uri(url).body(body.into())?;
    for (name, value) in headers {
        request
            .headers_mut()
            .insert(HeaderName::from_static(name), HeaderValue::from_str(value)?);
    }
    Ok(request)
}

impl Wire {
    pub(super) fn new(options: &ClientOptions, explain: Arc<Explain>) -> Result<Self, object_store::Error> {
        Ok(Self {
            client: ReqwestConnector::default().connect(options)?,
            explain,
        })
    }

    /// The answer, whatever it says.
    pub(super) async fn send(&self, attempt: &Attempt, request: HttpRequest) -> Result<Answered, Error> {
        let failed = |error| self.explain.no_answer(attempt.clone(), error);
        let answer = self.client.execute(request).await.map_err(failed)?;
        let (parts, body) = answer.into_parts();
        Ok(Answered {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.bytes().await.map_err(failed)?,
        })
    }

    /// The bytes that were asked for by a header from [`range_header`], or all; `None` for another error's answer.
    pub(super) fn bytes(
        &self,
        attempt: &Attempt,
        answer: &Answered,
        range: Option<Range<u64>>,
    ) -> Result<Option<Bytes>, Error> {
        let cut_off = || self.explain.cut_off(attempt.clone());
        let short = |needed, size| Error::Short {
            attempt: attempt.clone(),
            needed,
            size,
        };
        let body = &answer.body;
        match (answer.status, range) {
            (416, Some(range)) if range.end == 0 => Ok(Some(Bytes::new())),
            (416, Some(range)) => Err(short(range.end, None)),
            (200, range) => {
                let announced = answer.header("content-length").parse::<u64>();
                if announced.is_ok_and(|length| length != body.len() as u64) {
                    return Err(cut_off());
                }
                // The whole object, where a part was asked for.
                let size = body.len() as u64;
                let range = range.unwrap_or(0..size);
                match (usize::try_from(range.start), usize::try_from(range.end)) {
                    (Ok(start), Ok(end)) if end <= body.len() => Ok(Some(body.slice(start..end))),
                    _ => Err(short(range.end, Some(size))),
                }
            }
            (206, Some(range)) => {
                let size = answer.header("content-range").rsplit('/').next();
                let size = size.and_then(|size| size.parse::<u64>().ok());
                if size.is_some_and(|size| size < range.end) {
                    return Err(short(range.end, size));
                }
                if range.is_empty() {
                    return Ok(Some(Bytes::new()));
                }
                if body.len() as u64 != range.end - range.start {
                    return Err(cut_off());
                }
                Ok(Some(body.clone()))
            }
            _ => Ok(None),
        }
    }
}

/// The header that asks for a part of an object, of which the start is not behind the end.
pub(super) fn range_header(range: &Range<u64>) -> String {
    // The protocol has no empty range; the byte before it tells whether it is within the object.
    let first = if range.is_empty() {
        range.start.saturating_sub(1)
    } else {
        range.start
    };
    let last = range.end.max(1) - 1;
    format!("bytes={first}-{}", last.min(i64::MAX.unsigned_abs()))
}

/// Text as a part of a path or as a value of a query: all but letters, digits and `-_.~` escaped.
pub(super) fn escaped(text: &str) -> String {
    use std::fmt::Write;
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut escaped, byte| {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                escaped.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "%{byte:02X}");
            }
            escaped
        })
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_means_something_in_an_address_is_escaped() {
        assert_eq!(escaped("a/b=c-d_e.f~"), "a%2Fb%3Dc-d_e.f~");
        assert_eq!(escaped("+ &é"), "%2B%20%26%C3%A9");
    }
}
