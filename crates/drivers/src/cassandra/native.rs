//! The native protocol of CQL, version 4, which every release speaks: one connection, one question after another.

use std::collections::HashMap;
use std::io;

use ostler_vocabulary::Secret;
use scylla_cql::Consistency;
use scylla_cql::frame::frame_errors::FrameHeaderParseError;
use scylla_cql::frame::protocol_features::ProtocolFeatures;
use scylla_cql::frame::request::SerializableRequest;
use scylla_cql::frame::request::auth_response::AuthResponse;
use scylla_cql::frame::request::query::{Query, QueryParameters};
use scylla_cql::frame::request::startup::Startup;
use scylla_cql::frame::response::error::DbError;
use scylla_cql::frame::response::result::{DeserializedMetadataAndRawRows, Result as Answer};
use scylla_cql::frame::response::{CqlResponseKind, Response};
use scylla_cql::frame::{SerializedRequest, parse_response_body_extensions, read_response_frame};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

/// What can go wrong on a connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// It broke.
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    /// What came is not CQL, or not as it should be.
    #[error("it answers what is no CQL")]
    Garbled(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It refuses, and says why.
    #[error("{kind}: {reason}")]
    Refused {
        /// What kind of refusal it is.
        kind: DbError,
        /// The server's own words.
        reason: String,
    },
    /// Nobody is configured to sign in.
    #[error("it wants somebody to sign in")]
    Nobody,
    /// Something else than what was asked for.
    #[error("it answers {0} where that makes no sense")]
    Odd(CqlResponseKind),
}

impl Fault {
    fn garbled(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Garbled(Box::new(error))
    }

    /// Of the head of an answer.
    fn of_head(error: FrameHeaderParseError) -> Self {
        match error {
            FrameHeaderParseError::HeaderIoError(error)
            | FrameHeaderParseError::BodyChunkIoError(_, error) => Self::Broken(error),
            FrameHeaderParseError::ConnectionClosed(..) => Self::Broken(io::ErrorKind::UnexpectedEof.into()),
            other => Self::garbled(other),
        }
    }
}

/// What a connection runs over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection to one node, which has let us in.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
}

impl Connection {
    /// Begins to speak CQL, and signs in where that is wanted.
    pub(super) async fn open(
        stream: Box<dyn Stream>,
        user: Option<&(String, Secret)>,
    ) -> Result<Self, Fault> {
        let mut connection = Self { stream };
        let options = [("CQL_VERSION", "3.0.0"), ("DRIVER_NAME", "Ostler")];
        let options: HashMap<_, _> = options.map(|(name, value)| (name.into(), value.into())).into();
        match connection.exchange(&Startup { options }).await? {
            Response::Ready => return Ok(connection),
            Response::Authenticate(_) => {}
            other => return Err(Fault::Odd(other.to_response_kind())),
        }
        let (user, password) = user.ok_or(Fault::Nobody)?;
        let response = format!("\0{user}\0{}", password.reveal()).into_bytes();
        let response = AuthResponse {
            response: Some(response),
        };
        match connection.exchange(&response).await? {
            Response::AuthSuccess(_) => Ok(connection),
            other => Err(Fault::Odd(other.to_response_kind())),
        }
    }

    /// Runs a statement that takes no values. `None`: it has no rows for an answer.
    pub(super) async fn query(
        &mut self,
        statement: &str,
    ) -> Result<Option<DeserializedMetadataAndRawRows>, Fault> {
        let query = Query {
            contents: statement.into(),
            parameters: QueryParameters {
                consistency: Consistency::LocalQuorum,
                ..QueryParameters::default()
            },
        };
        match self.exchange(&query).await? {
            Response::Result(Answer::Rows((rows, _))) => {
                Ok(Some(rows.deserialize_metadata().map_err(Fault::garbled)?))
            }
            Response::Result(_) => Ok(None),
            other => Err(Fault::Odd(other.to_response_kind())),
        }
    }

    async fn exchange(&mut self, request: &impl SerializableRequest) -> Result<Response, Fault> {
        let request = SerializedRequest::make(request, None, false).map_err(Fault::garbled)?;
        self.stream
            .write_all(request.get_data())
            .await
            .map_err(Fault::Broken)?;
        self.stream.flush().await.map_err(Fault::Broken)?;
        let (head, code, body) = read_response_frame(&mut self.stream)
            .await
            .map_err(Fault::of_head)?;
        let body = parse_response_body_extensions(head.flags, None, body).map_err(Fault::garbled)?;
        let response = Response::deserialize(&ProtocolFeatures::default(), code, body.body, None);
        match response.map_err(Fault::garbled)? {
            Response::Error(error) => Err(Fault::Refused {
                kind: error.error,
                reason: error.reason,
            }),
            other => Ok(other),
        }
    }
}
