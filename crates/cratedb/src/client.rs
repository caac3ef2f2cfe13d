//! Statements over HTTP, to whichever of several hosts answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::{Bulk, Refusal};
use crate::error::head;
use crate::{Answer, Error, Fault, Host, Outcome, Target, TlsMode, tls};

/// After what silence it is asked whether the other side is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Characters that are shown of an answer that is none.
const SHOWN: usize = 200;

/// A way to a cluster. Clones share connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    target: Target,
    /// The host that answered last, by its place.
    last: Arc<AtomicUsize>,
}

impl Client {
    /// Prepares; connects to nobody yet.
    ///
    /// # Errors
    /// [`Error::Tls`], [`Error::File`]
    pub fn new(target: &Target) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::configuration(target)?)
            .connect_timeout(target.connect_timeout)
            .tcp_keepalive(KEEP_ALIVE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Error::Tls {
                connection: target.name(),
                reason: error.to_string(),
            })?;
        Ok(Self {
            http,
            target: target.clone(),
            last: Arc::new(AtomicUsize::new(0)),
        })
    }

    /// Its name in messages and documents.
    #[must_use]
    pub fn name(&self) -> String {
        self.target.name()
    }

    /// Runs a statement with parameters for its `?`.
    ///
    /// # Errors
    /// [`Error`]; after [`Error::Lost`] it is not known whether it was run.
    pub async fn execute(&self, statement: &str, args: &[Value]) -> Result<Answer, Error> {
        let body = match args {
            [] => json!({ "stmt": statement }),
            args => json!({ "stmt": statement, "args": args }),
        };
        self.ask(statement, &body).await
    }

    /// Runs a statement once for each list of parameters.
    ///
    /// # Errors
    /// As for [`Client::execute`]; what is wrong with one list alone is in its outcome.
    pub async fn bulk(&self, statement: &str, lists: &[Vec<Value>]) -> Result<Vec<Outcome>, Error> {
        let body = json!({ "stmt": statement, "bulk_args": lists });
        let answer: Bulk = self.ask(statement, &body).await?;
        if answer.results.len() != lists.len() {
            let reason = format!("{} outcomes for {} lists", answer.results.len(), lists.len());
            return Err(self.unexpected(statement, reason));
        }
        Ok(answer.results)
    }

    /// The error for an answer that is not what the statement promises.
    #[must_use]
    pub fn unexpected(&self, statement: &str, reason: impl Into<String>) -> Error {
        Error::Answer {
            connection: self.name(),
            statement: head(statement),
            reason: reason.into(),
        }
    }

    async fn ask<T: DeserializeOwned>(&self, statement: &str, body: &Value) -> Result<T, Error> {
        let (host, response) = self.send(statement, body).await?;
        let connection = self.target.at(&host);
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| Error::Lost {
            connection: connection.clone(),
            statement: head(statement),
            reason: cause(&error),
        })?;
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|error| Error::Answer {
                connection,
                statement: head(statement),
                reason: format!("JSON that is not as promised: {error}"),
            });
        }
        let source = match serde_json::from_slice::<Refusal>(&bytes) {
            Ok(refusal) => Fault::new(Some(refusal.error.code), &refusal.error.message, status.as_u16()),
            Err(_) => {
                let text: String = String::from_utf8_lossy(&bytes).chars().take(SHOWN).collect();
                Fault::new(None, &text, status.as_u16())
            }
        };
        Err(Error::Statement {
            connection,
            statement: head(statement),
            source,
        })
    }

    /// Sends it to the first host that can be reached. Who was reached and did not answer may have run it.
    async fn send(&self, statement: &str, body: &Value) -> Result<(Host, reqwest::Response), Error> {
        let count = self.target.hosts.len();
        let first = self.last.load(Ordering::Relaxed);
        let (mut reasons, mut untrusted) = (Vec::new(), false);
        for place in (first..first + count).map(|place| place % count) {
            let host = &self.target.hosts[place];
            let mut request = self
                .http
                .post(self.url(host))
                .header("default-schema", &self.target.schema)
                .header("content-type", "application/json")
                .body(body.to_string());
            let password = self.target.password.as_ref();
            request = request.basic_auth(&self.target.user, password.map(|it| it.reveal()));
            match request.send().await {
                Ok(response) => {
                    self.last.store(place, Ordering::Relaxed);
                    return Ok((host.clone(), response));
                }
                Err(error) if error.is_connect() => {
                    untrusted |= is_of_tls(&error);
                    reasons.push(format!("{host}: {}", cause(&error)));
                }
                Err(error) => {
                    return Err(Error::Lost {
                        connection: self.target.at(host),
                        statement: head(statement),
                        reason: cause(&error),
                    });
                }
            }
        }
        Err(Error::Connect {
            connection: self.name(),
            reason: reasons.join("; "),
            untrusted,
        })
    }

    fn url(&self, host: &Host) -> String {
        let scheme = match self.target.tls {
            TlsMode::Disable => "http",
            TlsMode::Require | TlsMode::Verify => "https",
        };
        format!("{scheme}://{host}/_sql?types")
    }
}

/// The innermost cause, which says what happened.
fn cause(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

/// Whether it is about who the other side is. Such a failure may be inside of failures of input and output, which do not call it
/// their source.
fn is_of_tls(error: &reqwest::Error) -> bool {
    let mut outer: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = outer {
        if error.is::<rustls::Error>() {
            return true;
        }
        let mut within = inside(error.downcast_ref::<std::io::Error>());
        while let Some(inner) = within {
            if inner.is::<rustls::Error>() {
                return true;
            }
            within = inside(inner.downcast_ref::<std::io::Error>());
        }
        outer = error.source();
    }
    false
}

fn inside(error: Option<&std::io::Error>) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
    error.and_then(std::io::Error::get_ref)
}
