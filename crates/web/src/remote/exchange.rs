//! Requests, and what is said when nobody answers them.

use http::{Method, header};
use ostler_vocabulary::{ErrorKind, Failure};
use reqwest::{RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Query, Remote, answers, json};

impl Remote {
    /// A request of a path below `v1`, given in parts that may hold anything.
    pub(super) fn request(&self, method: Method, path: &[&str], query: &Query) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().push("v1").extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.http
            .request(method, url)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.reveal()))
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &Query) -> Result<T, Failure> {
        let response = self.send(self.request(Method::GET, path, query)).await?;
        answers::document(response).await
    }

    pub(super) async fn post(
        &self,
        path: &[&str],
        query: &Query,
        body: &impl Serialize,
    ) -> Result<Response, Failure> {
        let body = json(body)?;
        self.send(self.request(Method::POST, path, query).body(body))
            .await
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        answers::checked(response).await
    }

    fn unreachable(&self, error: reqwest::Error) -> Failure {
        let kind = match error.is_timeout() {
            true => ErrorKind::Timeout,
            false => ErrorKind::Unavailable,
        };
        let error = error.without_url();
        let mut message = format!("no answer: {error}");
        let mut cause = std::error::Error::source(&error);
        // What is wrong with a certificate is said by the innermost only.
        while let Some(inner) = cause {
            cause = inner.source();
            if cause.is_none() {
                message.push_str(&format!(": {inner}"));
            }
        }
        let hint = match self.base.scheme() {
            "https" => {
                "`ostler serve` has to run there; `--server-ca FILE` names the authority of its certificate"
            }
            _ => "`ostler serve` has to run there; look at the address too",
        };
        Failure::new(kind, message)
            .context(format!("cannot ask the server at {}", self.base))
            .with_hint(hint)
    }
}
