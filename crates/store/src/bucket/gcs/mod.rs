//! Google Cloud Storage by its JSON interface: <https://cloud.google.com/storage/docs/json_api/v1/objects>.
//!
//! The client library speaks the XML interface only, which no stand-in of the service takes uploads by. It finds the
//! credentials; the requests are ours. An object is created by one upload with `ifGenerationMatch=0` and with its
//! checksum, which the service compares; what is read whole is compared here.

mod options;

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use http::Method;
use object_store::PutPayload;
use object_store::client::HttpRequestBody;
use object_store::gcp::GcpCredentialProvider;
use ostler_vocabulary::Timestamp;
use serde::Deserialize;

pub use options::GcsOptions;

use super::wire::{Answered, Wire, escaped, range_header, request};
use crate::key::check_prefix;
use crate::{Attempt, Error, Key, Object, PAGE, Page, Store, Verb};

/// Objects in a bucket of Google Cloud Storage, below a prefix.
///
/// Opening one sends no request, and each call sends one only once: put [`Retry`](crate::Retry) around it.
pub struct Gcs {
    wire: Wire,
    /// `None`: requests are sent without.
    credentials: Option<GcpCredentialProvider>,
    /// The service's address without `/` at its end.
    service: String,
    bucket: String,
    location: String,
    /// Empty, or with a `/` at its end.
    prefix: String,
}

impl fmt::Debug for Gcs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gcs({})", self.location)
    }
}

/// What the service says of an object.
#[derive(Debug, Deserialize)]
struct Resource {
    #[serde(default)]
    name: String,
    /// A number, as text.
    size: String,
    updated: Option<Timestamp>,
}

/// A page of a listing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listing {
    #[serde(default)]
    items: Vec<Resource>,
    next_page_token: Option<String>,
}

impl Gcs {
    fn attempt(&self, verb: Verb, subject: &str) -> Attempt {
        Attempt::new(verb, subject, self.location.as_str())
    }

    /// The bucket's objects, or one of them.
    fn url(&self, key: Option<&Key>) -> String {
        let mut url = format!("{}/storage/v1/b/{}/o", self.service, escaped(&self.bucket));
        if let Some(key) = key {
            url.push('/');
            url.push_str(&escaped(&format!("{}{key}", self.prefix)));
        }
        url
    }

    async fn send(
        &self,
        attempt: &Attempt,
        method: Method,
        url: &str,
        mut headers: Vec<(&'static str, String)>,
        body: impl Into<HttpRequestBody>,
    ) -> Result<Answered, Error> {
        let explain = &self.wire.explain;
        if let Some(credentials) = &self.credentials {
            let credential = credentials.get_credential().await;
            let credential = credential.map_err(|error| explain.error(attempt.clone(), error))?;
            headers.push(("authorization", format!("Bearer {}", credential.bearer)));
        }
        let request = request(method, url, &headers, body)
            .map_err(|error| explain.not_sent(attempt.clone(), &error))?;
        self.wire.send(attempt, request).await
    }

    /// The error of an answer. A missing object and a missing bucket have the same status, so the bucket is asked for.
    async fn refused(&self, attempt: Attempt, answer: &Answered) -> Error {
        if answer.status == 404 {
            let url = format!("{}?maxResults=1&fields=nextPageToken", self.url(None));
            let asked = self
                .send(&attempt, Method::GET, &url, Vec::new(), Bytes::new())
                .await;
            if !asked.is_ok_and(|asked| asked.status != 404) {
                return self.wire.explain.gone(attempt);
            }
        }
        self.wire
            .explain
            .refused_json(attempt, answer.status, &answer.body)
    }

    /// Sends an upload that says it has this checksum.
    async fn upload(&self, key: &Key, body: Bytes, checksum: u32) -> Result<Answered, Error> {
        let attempt = self.attempt(Verb::Create, key.as_str());
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| self.wire.explain.not_sent(attempt.clone(), &error))?;
        // No body has it in it.
        let boundary = HEXLOWER.encode(&random);
        let name = format!("{}{key}", self.prefix);
        let facts = serde_json::json!({"name": name, "crc32c": BASE64.encode(&checksum.to_be_bytes())});
        let before = format!(
            "--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{facts}\r\n--{boundary}\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let behind = format!("\r\n--{boundary}--\r\n");
        let body: PutPayload = [Bytes::from(before), body, Bytes::from(behind)]
            .into_iter()
            .collect();
        let url = format!(
            "{}/upload/storage/v1/b/{}/o?uploadType=multipart&ifGenerationMatch=0&fields=size",
            self.service,
            escaped(&self.bucket)
        );
        let headers = vec![
            ("content-length", body.content_length().to_string()),
            ("content-type", format!("multipart/related; boundary={boundary}")),
        ];
        self.send(&attempt, Method::POST, &url, headers, body).await
    }

    fn document<'a, T: Deserialize<'a>>(&self, attempt: &Attempt, answer: &'a Answered) -> Result<T, Error> {
        // What arrives is an answer or is cut off; another may be whole.
        serde_json::from_slice(&answer.body).map_err(|_| self.wire.explain.cut_off(attempt.clone()))
    }

    fn object(&self, resource: &Resource) -> Option<Object> {
        let name = resource.name.strip_prefix(&self.prefix)?;
        Some(Object {
            key: Key::new(name).ok()?,
            size: resource.size.parse().ok()?,
            modified: resource.updated,
        })
    }

    async fn read(&self, attempt: Attempt, key: &Key, range: Option<Range<u64>>) -> Result<Bytes, Error> {
        let mut headers = Vec::new();
        if let Some(range) = &range {
            headers.push(("range", range_header(range)));
        }
        let url = format!("{}?alt=media", self.url(Some(key)));
        let answer = self
            .send(&attempt, Method::GET, &url, headers, Bytes::new())
            .await?;
        let is_whole = range.is_none();
        match self.wire.bytes(&attempt, &answer, range)? {
            Some(bytes) if is_whole && is_damaged(&answer, &bytes) => Err(self.wire.explain.cut_off(attempt)),
            Some(bytes) => Ok(bytes),
            None => Err(self.refused(attempt, &answer).await),
        }
    }
}

/// Whether the bytes are not those that the service has the checksum of: `crc32c=…,md5=…`, in base64.
fn is_damaged(answer: &Answered, bytes: &[u8]) -> bool {
    let all = answer.headers.get_all("x-goog-hash").iter();
    let mut sums = all
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let wanted = sums.find_map(|sum| sum.trim().strip_prefix("crc32c="));
    wanted.is_some_and(|wanted| wanted != BASE64.encode(&crc32c::crc32c(bytes).to_be_bytes()))
}

#[async_trait]
impl Store for Gcs {
    fn location(&self) -> &str {
        &self.location
    }

    async fn create(&self, key: &Key, body: Bytes) -> Result<(), Error> {
        let checksum = crc32c::crc32c(&body);
        let answer = self.upload(key, body, checksum).await?;
        if answer.is_success() {
            return Ok(());
        }
        Err(self
            .refused(self.attempt(Verb::Create, key.as_str()), &answer)
            .await)
    }

    async fn get(&self, key: &Key) -> Result<Bytes, Error> {
        self.read(self.attempt(Verb::Get, key.as_str()), key, None).await
    }

    async fn get_range(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Error> {
        let attempt = self.attempt(Verb::GetRange, key.as_str());
        let Range { start, end } = range;
        if start > end {
            return Err(Error::Range { attempt, start, end });
        }
        self.read(attempt, key, Some(range)).await
    }

    async fn head(&self, key: &Key) -> Result<Object, Error> {
        let attempt = self.attempt(Verb::Head, key.as_str());
        let url = format!("{}?fields=name,size,updated", self.url(Some(key)));
        let answer = self
            .send(&attempt, Method::GET, &url, Vec::new(), Bytes::new())
            .await?;
        if !answer.is_success() {
            return Err(self.refused(attempt, &answer).await);
        }
        let resource: Resource = self.document(&attempt, &answer)?;
        self.object(&resource)
            .ok_or_else(|| self.wire.explain.cut_off(attempt))
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<Page, Error> {
        check_prefix(prefix)?;
        let attempt = self.attempt(Verb::List, prefix);
        let mut first = format!(
            "{}?maxResults={PAGE}&fields=items(name,size,updated),nextPageToken&prefix={}",
            self.url(None),
            escaped(&format!("{}{prefix}", self.prefix))
        );
        if let Some(after) = after {
            // It begins with this name, which is left out below.
            let start = format!("{}{after}", self.prefix);
            first.push_str(&format!("&startOffset={}", escaped(&start)));
        }
        let mut url = first.clone();
        loop {
            let answer = self
                .send(&attempt, Method::GET, &url, Vec::new(), Bytes::new())
                .await?;
            if !answer.is_success() {
                return Err(match answer.status {
                    404 => self.wire.explain.gone(attempt),
                    _ => self
                        .wire
                        .explain
                        .refused_json(attempt, answer.status, &answer.body),
                });
            }
            let listing: Listing = self.document(&attempt, &answer)?;
            let objects: Vec<Object> = listing
                .items
                .iter()
                // What is not named by our rules is not ours.
                .filter_map(|resource| self.object(resource))
                .filter(|object| after.is_none_or(|after| object.key > *after))
                .collect();
            if let Some(pair) = objects.windows(2).find(|pair| pair[0].key >= pair[1].key) {
                return Err(Error::Unsupported {
                    attempt,
                    reason: format!(
                        "the service lists `{}` out of order, so that a listing in pages would miss objects",
                        pair[1].key
                    ),
                });
            }
            match (listing.next_page_token, objects.last()) {
                (None, _) => return Ok(Page { objects, next: None }),
                (Some(_), Some(last)) => {
                    let next = Some(last.key.clone());
                    return Ok(Page { objects, next });
                }
                // A page of nothing but strange names.
                (Some(token), None) => url = format!("{first}&pageToken={}", escaped(&token)),
            }
        }
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        let attempt = self.attempt(Verb::Delete, key.as_str());
        let answer = self
            .send(
                &attempt,
                Method::DELETE,
                &self.url(Some(key)),
                Vec::new(),
                Bytes::new(),
            )
            .await?;
        if answer.is_success() {
            return Ok(());
        }
        match self.refused(attempt, &answer).await {
            Error::NotFound(_) => Ok(()),
            error => Err(error),
        }
    }

    async fn refuses_damage(&self, key: &Key) -> Result<Option<bool>, Error> {
        let answer = self
            .upload(
                key,
                Bytes::from_static(b"what arrived"),
                crc32c::crc32c(b"what was meant"),
            )
            .await?;
        match answer.status {
            200..=299 => Ok(Some(false)),
            400 => Ok(Some(true)),
            _ => Err(self
                .refused(self.attempt(Verb::Create, key.as_str()), &answer)
                .await),
        }
    }
}
