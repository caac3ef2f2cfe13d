//! Versions and locks in S3, by requests of our own: the client library has none for them.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use data_encoding::BASE64;
use http::Method;
use object_store::aws::{AwsAuthorizer, AwsCredentialProvider};
use ostler_vocabulary::Timestamp;
use ring::digest::{SHA256, digest};

use super::super::fault::element;
use super::super::wire::{Answered, Wire, escaped, range_header, request};
use super::listing::parse;
use crate::key::check_prefix;
use crate::{Attempt, Error, Kept, Key, Verb, Version, VersionId, VersionPage, Versions};

/// The most that one page of a listing has.
const MOST: &str = "1000";

/// A bucket whose requests are signed by us.
#[derive(Debug, Clone)]
pub(in super::super) struct SignedBucket {
    pub(super) wire: Wire,
    pub(super) credentials: AwsCredentialProvider,
    pub(super) region: String,
    /// The bucket's URL without `/` at its end.
    pub(super) url: String,
    /// Empty, or with a `/` at its end.
    pub(super) prefix: String,
    pub(super) location: String,
}

type Headers = Vec<(&'static str, String)>;

impl SignedBucket {
    fn attempt(&self, verb: Verb, key: &Key) -> Attempt {
        Attempt::new(verb, key.as_str(), self.location.as_str())
    }

    /// The answer to a signed request of the bucket (`path` empty) or of an object.
    async fn send(
        &self,
        attempt: &Attempt,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        headers: Headers,
        body: Bytes,
    ) -> Result<Answered, Error> {
        let not_sent = |error: &dyn std::fmt::Display| self.wire.explain.not_sent(attempt.clone(), error);
        let mut url = format!(
            "{}/{}",
            self.url,
            path.split('/').map(escaped).collect::<Vec<_>>().join("/")
        );
        for (number, (name, value)) in query.iter().enumerate() {
            url.push(if number == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            url.push_str(&escaped(value));
        }
        let mut request = request(method, &url, &headers, body).map_err(|error| not_sent(&error))?;
        let credential = self.credentials.get_credential().await;
        let credential = credential.map_err(|error| self.wire.explain.error(attempt.clone(), error))?;
        AwsAuthorizer::new(&credential, "s3", &self.region)
            .try_authorize(&mut request, None)
            .map_err(|error| not_sent(&error))?;
        self.wire.send(attempt, request).await
    }

    fn refused(&self, attempt: Attempt, answer: &Answered) -> Error {
        self.wire.explain.refused(attempt, answer.status, &answer.text())
    }

    fn path(&self, key: &Key) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Creates an object with these further headers.
    async fn put(&self, key: &Key, body: Bytes, mut headers: Headers) -> Result<(), Error> {
        let attempt = self.attempt(Verb::Create, key);
        headers.push(("if-none-match", "*".to_owned()));
        headers.push(("x-amz-checksum-sha256", checksum(&body)));
        let answer = self
            .send(&attempt, Method::PUT, &self.path(key), &[], headers, body)
            .await?;
        if answer.is_success() {
            return Ok(());
        }
        Err(self.refused(attempt, &answer))
    }

    /// Whether an upload with another body's checksum is refused.
    pub(in super::super) async fn refuses_damage(&self, key: &Key) -> Result<bool, Error> {
        let attempt = self.attempt(Verb::Create, key);
        let headers = vec![("x-amz-checksum-sha256", checksum(b"what was meant"))];
        let body = Bytes::from_static(b"what arrived");
        let answer = self
            .send(&attempt, Method::PUT, &self.path(key), &[], headers, body)
            .await?;
        match answer.status {
            200..=299 => Ok(false),
            400 => Ok(true),
            _ => Err(self.refused(attempt, &answer)),
        }
    }

    /// Listed names with their versions, oldest first; the last name is whole only when the listing ends with it.
    async fn page(
        &self,
        attempt: &Attempt,
        prefix: &str,
        (after, version): (&str, &str),
    ) -> Result<super::listing::Listing, Error> {
        let full = format!("{}{prefix}", self.prefix);
        // In alphabetical order, though the signature sorts them anyway.
        let mut query = Vec::new();
        if !after.is_empty() {
            query.push(("key-marker", after));
        }
        query.extend([("max-keys", MOST), ("prefix", full.as_str())]);
        if !version.is_empty() {
            query.push(("version-id-marker", version));
        }
        query.push(("versions", ""));
        let answer = self
            .send(attempt, Method::GET, "", &query, Vec::new(), Bytes::new())
            .await?;
        if answer.is_success() {
            return Ok(parse(&answer.text()));
        }
        Err(self.refused(attempt.clone(), &answer))
    }

    /// The key of a listed name, when it is one of ours.
    fn key(&self, name: &str) -> Option<Key> {
        Key::new(name.strip_prefix(&self.prefix)?).ok()
    }

    fn locking(&self, key: &Key, error: Error) -> Error {
        Error::Lock {
            subject: key.to_string(),
            store: self.location.clone(),
            source: Box::new(error),
        }
    }

    async fn is_set(&self, name: &'static str, wanted: (&str, &str)) -> Result<bool, Error> {
        let attempt = Attempt::new(Verb::List, "", self.location.as_str());
        let answer = self
            .send(&attempt, Method::GET, "", &[(name, "")], Vec::new(), Bytes::new())
            .await?;
        match answer.status {
            200..=299 => Ok(element(&answer.text(), wanted.0) == wanted.1),
            // `ObjectLockConfigurationNotFoundError`, and services that have never heard of it.
            404 | 405 | 501 if element(&answer.text(), "Code") != "NoSuchBucket" => Ok(false),
            _ => Err(self.refused(attempt, &answer)),
        }
    }
}

fn checksum(body: &[u8]) -> String {
    BASE64.encode(digest(&SHA256, body).as_ref())
}

/// As S3 wants it: whole seconds, and not one less than asked for.
fn shown(until: Timestamp) -> String {
    let seconds = until.as_second() + i64::from(until.subsec_nanosecond() > 0);
    Timestamp::from_second(seconds).unwrap_or(until).to_string()
}

#[async_trait]
impl Versions for SignedBucket {
    async fn kept(&self) -> Result<Kept, Error> {
        let versions = self.is_set("versioning", ("Status", "Enabled")).await?;
        let locks = versions
            && self
                .is_set("object-lock", ("ObjectLockEnabled", "Enabled"))
                .await?;
        Ok(Kept { versions, locks })
    }

    async fn of(&self, key: &Key) -> Result<Vec<Version>, Error> {
        let attempt = self.attempt(Verb::List, key);
        let path = self.path(key);
        let mut versions = Vec::new();
        let mut from = (String::new(), String::new());
        loop {
            let listing = self.page(&attempt, key.as_str(), (&from.0, &from.1)).await?;
            // A name that goes on behind this one comes after it.
            let is_past = listing.entries.iter().any(|(name, _)| *name > path);
            let ours = listing.entries.into_iter().filter(|(name, _)| *name == path);
            versions.extend(ours.map(|(_, version)| version));
            if is_past || !listing.is_truncated || listing.next_key.is_empty() {
                versions.reverse();
                return Ok(versions);
            }
            from = (listing.next_key, listing.next_version);
        }
    }

    async fn list(&self, prefix: &str, after: Option<&Key>) -> Result<VersionPage, Error> {
        check_prefix(prefix)?;
        let attempt = Attempt::new(Verb::List, prefix, self.location.as_str());
        let mut from = (
            after.map_or(String::new(), |after| self.path(after)),
            String::new(),
        );
        let mut entries: Vec<(String, Version)> = Vec::new();
        // Until one name at least is whole: the last one of a page may go on in the next.
        let is_truncated = loop {
            let listing = self.page(&attempt, prefix, (&from.0, &from.1)).await?;
            entries.extend(listing.entries);
            let whole = entries.first().map(|(name, _)| name) != entries.last().map(|(name, _)| name);
            if !listing.is_truncated || listing.next_key.is_empty() || whole {
                break listing.is_truncated && whole;
            }
            from = (listing.next_key, listing.next_version);
        };
        let mut groups: Vec<(String, Vec<Version>)> = Vec::new();
        for (name, version) in entries {
            match groups.last_mut() {
                Some((last, versions)) if *last == name => versions.push(version),
                _ => groups.push((name, vec![version])),
            }
        }
        if is_truncated {
            groups.pop();
        }
        let keys: Vec<(Key, Vec<Version>)> = groups
            .into_iter()
            .filter_map(|(name, mut versions)| {
                versions.reverse();
                Some((self.key(&name)?, versions))
            })
            .filter(|(key, _)| after.is_none_or(|after| key > after))
            .collect();
        let next = keys.last().map(|(key, _)| key.clone()).filter(|_| is_truncated);
        Ok(VersionPage { keys, next })
    }

    async fn get(&self, key: &Key, id: &VersionId, range: Option<Range<u64>>) -> Result<Bytes, Error> {
        let mut headers = Headers::new();
        let attempt = match &range {
            None => self.attempt(Verb::Get, key),
            Some(range) => {
                let (attempt, start, end) = (self.attempt(Verb::GetRange, key), range.start, range.end);
                if start > end {
                    return Err(Error::Range { attempt, start, end });
                }
                headers.push(("range", range_header(range)));
                attempt
            }
        };
        let query = [("versionId", id.0.as_str())];
        let answer = self
            .send(
                &attempt,
                Method::GET,
                &self.path(key),
                &query,
                headers,
                Bytes::new(),
            )
            .await?;
        match self.wire.bytes(&attempt, &answer, range)? {
            Some(bytes) => Ok(bytes),
            // So are delete markers answered for.
            None if answer.status == 405 => Err(Error::NotFound(attempt)),
            None => Err(self.refused(attempt, &answer)),
        }
    }

    async fn delete_version(&self, key: &Key, id: &VersionId) -> Result<(), Error> {
        let attempt = self.attempt(Verb::Delete, key);
        let query = [("versionId", id.0.as_str())];
        let answer = self
            .send(
                &attempt,
                Method::DELETE,
                &self.path(key),
                &query,
                Vec::new(),
                Bytes::new(),
            )
            .await?;
        if answer.is_success() {
            return Ok(());
        }
        match self.refused(attempt, &answer) {
            Error::NotFound(_) => Ok(()),
            error => Err(error),
        }
    }

    async fn create_locked(&self, key: &Key, body: Bytes, until: Timestamp) -> Result<(), Error> {
        let headers = vec![
            ("x-amz-object-lock-mode", "COMPLIANCE".to_owned()),
            ("x-amz-object-lock-retain-until-date", shown(until)),
        ];
        self.put(key, body, headers).await
    }

    async fn locked_until(&self, key: &Key, id: &VersionId) -> Result<Option<Timestamp>, Error> {
        let attempt = self.attempt(Verb::Head, key);
        // Not by HEAD: some services leave the header out.
        let query = [("retention", ""), ("versionId", id.0.as_str())];
        let answer = self
            .send(
                &attempt,
                Method::GET,
                &self.path(key),
                &query,
                Vec::new(),
                Bytes::new(),
            )
            .await;
        let answer = answer.map_err(|error| self.locking(key, error))?;
        let text = answer.text();
        if answer.is_success() {
            return Ok(element(&text, "RetainUntilDate").parse().ok());
        }
        if element(&text, "Code") == "NoSuchObjectLockConfiguration" {
            return Ok(None);
        }
        Err(self.locking(key, self.refused(attempt, &answer)))
    }

    async fn lock(&self, key: &Key, id: &VersionId, until: Timestamp) -> Result<(), Error> {
        let attempt = self.attempt(Verb::Head, key);
        let query = [("retention", ""), ("versionId", id.0.as_str())];
        let body = format!(
            "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>COMPLIANCE</Mode>\
             <RetainUntilDate>{}</RetainUntilDate></Retention>",
            shown(until)
        );
        let body = Bytes::from(body);
        let headers = vec![("x-amz-checksum-sha256", checksum(&body))];
        let answer = self
            .send(&attempt, Method::PUT, &self.path(key), &query, headers, body)
            .await;
        let answer = answer.map_err(|error| self.locking(key, error))?;
        if answer.is_success() {
            return Ok(());
        }
        Err(self.locking(key, self.refused(attempt, &answer)))
    }
}
