//! A session that names itself in its errors.

use std::sync::Arc;
use std::time::Duration;

use futures::future::poll_fn;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::head;
use crate::{Endpoint, Error, Parameter, Target, TlsMode, Transaction, tls};

/// Notifications that wait for whoever reads them.
const WAITING: usize = 1024;
/// How long asking the server to cancel may take.
const CANCEL: Duration = Duration::from_secs(5);

/// What every session of a program has in common.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What the server shows, unless the connection string says something else.
    pub application_name: Option<String>,
    /// How long a statement may take; it is cancelled then. Kept on our side, so that it works behind a pooler.
    pub statement_timeout: Option<Duration>,
}

/// What somebody said with NOTIFY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The channel.
    pub channel: String,
    /// What was said.
    pub payload: String,
}

/// How to make another connection for cancelling.
#[derive(Clone)]
enum Way {
    Plain,
    Tls(MakeRustlsConnect),
}

/// A session. Dropping it ends it; [`Self::close`] also waits for that.
pub struct Connection {
    pub(crate) client: Client,
    pub(crate) session: Session,
    notifications: mpsc::Receiver<Notification>,
    driver: JoinHandle<()>,
}

/// What statements of a session and its transactions need besides the client.
#[derive(Clone)]
pub(crate) struct Session {
    name: Arc<str>,
    limit: Option<Duration>,
    way: Way,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection({})", self.session.name)
    }
}

impl Connection {
    /// Connects to the first of the target's servers that wants us.
    ///
    /// # Errors
    /// The last server's [`Error::Connect`] or [`Error::ConnectTimeout`]; or what is wrong with files the target names.
    pub async fn open(target: &Target, options: &Options) -> Result<Self, Error> {
        let mut last = None;
        for endpoint in &target.endpoints {
            match Self::open_one(target, endpoint, options).await {
                Err(error @ (Error::Connect { .. } | Error::ConnectTimeout { .. })) => last = Some(error),
                done => return done,
            }
        }
        Err(last.unwrap_or_else(|| crate::dsn::wrong("it names no host", None)))
    }

    async fn open_one(target: &Target, endpoint: &Endpoint, options: &Options) -> Result<Self, Error> {
        let config = config(target, endpoint, options)?;
        let name: Arc<str> = target.name().into();
        let after = target.connect_timeout;
        let connect = |source: tokio_postgres::Error| Error::Connect {
            connection: name.to_string(),
            source: source.into(),
        };
        let late = || Error::ConnectTimeout {
            connection: name.to_string(),
            after,
        };
        let (sender, notifications) = mpsc::channel(WAITING);
        let (client, driver, way) = if config.get_ssl_mode() == SslMode::Disable {
            let connecting = timeout(after, config.connect(NoTls)).await;
            let (client, connection) = connecting.map_err(|_| late())?.map_err(connect)?;
            (client, tokio::spawn(drive(connection, sender)), Way::Plain)
        } else {
            let tls = MakeRustlsConnect::new(tls::configuration(target)?);
            let connecting = timeout(after, config.connect(tls.clone())).await;
            let (client, connection) = connecting.map_err(|_| late())?.map_err(connect)?;
            (client, tokio::spawn(drive(connection, sender)), Way::Tls(tls))
        };
        Ok(Self {
            client,
            session: Session {
                name,
                limit: options.statement_timeout,
                way,
            },
            notifications,
            driver,
        })
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.session.name
    }

    /// Whether the session is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// All rows. Nothing stays prepared, so this works behind a transaction pooler.
    ///
    /// # Errors
    /// [`Error::Statement`], [`Error::Deadline`].
    pub async fn query(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Error> {
        let work = self.client.query_typed(statement, parameters);
        self.session.run(&self.client, statement, work).await
    }

    /// The one row.
    ///
    /// # Errors
    /// Also [`Error::Row`] when there is not exactly one.
    pub async fn one(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Row, Error> {
        let rows = self.query(statement, parameters).await?;
        self.session.only(statement, rows)
    }

    /// How many rows were changed.
    ///
    /// # Errors
    /// [`Error::Statement`], [`Error::Deadline`].
    pub async fn execute(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<u64, Error> {
        let work = self.client.execute_typed(statement, parameters);
        self.session.run(&self.client, statement, work).await
    }

    /// Any number of statements, without parameters and results.
    ///
    /// # Errors
    /// [`Error::Statement`], [`Error::Deadline`].
    pub async fn batch(&self, statements: &str) -> Result<(), Error> {
        let work = self.client.batch_execute(statements);
        self.session.run(&self.client, statements, work).await
    }

    /// A transaction, rolled back when it is dropped.
    ///
    /// # Errors
    /// [`Error::Statement`], [`Error::Deadline`].
    pub async fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
        let session = self.session.clone();
        // Not under the statement's deadline: the borrow of the client would have to end for cancelling.
        let inner = self.client.transaction().await;
        let inner = inner.map_err(|source| session.statement("BEGIN", source))?;
        Ok(Transaction::new(inner, session))
    }

    /// The next notification; `None` when the session is gone. Some may be missing when nobody read for long: take one
    /// as a reason to look, never as the news itself.
    pub async fn notification(&mut self) -> Option<Notification> {
        self.notifications.recv().await
    }

    /// The client itself, for what has no method here. Errors are to be named by [`Self::failed`].
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A library's error with the name of this connection and the head of the statement.
    #[must_use]
    pub fn failed(&self, statement: &str, source: tokio_postgres::Error) -> Error {
        self.session.statement(statement, source)
    }

    /// A row that is not what the statement promises.
    #[must_use]
    pub fn unexpected(&self, statement: &str, reason: impl Into<String>) -> Error {
        self.session.unexpected(statement, reason)
    }

    /// Ends the session and waits for its end.
    pub async fn close(self) {
        drop(self.client);
        // It ends when the server hangs up; a panic would have been seen by the statement it served.
        let _ = self.driver.await;
    }
}

impl Session {
    /// Runs a statement under its deadline.
    pub(crate) async fn run<T>(
        &self,
        client: &Client,
        statement: &str,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Error> {
        let Some(after) = self.limit else {
            return work.await.map_err(|source| self.statement(statement, source));
        };
        match timeout(after, work).await {
            Ok(done) => done.map_err(|source| self.statement(statement, source)),
            Err(_) => {
                let token = client.cancel_token();
                // The server may be gone, which is why nothing came; the deadline is what is reported.
                let _ = match &self.way {
                    Way::Plain => timeout(CANCEL, token.cancel_query(NoTls)).await,
                    Way::Tls(tls) => timeout(CANCEL, token.cancel_query(tls.clone())).await,
                };
                Err(Error::Deadline {
                    connection: self.name.to_string(),
                    statement: head(statement),
                    after,
                })
            }
        }
    }

    pub(crate) fn only(&self, statement: &str, rows: Vec<Row>) -> Result<Row, Error> {
        let count = rows.len();
        let mut rows = rows.into_iter();
        match (rows.next(), rows.next()) {
            (Some(row), None) => Ok(row),
            _ => Err(self.unexpected(statement, format!("{count} rows instead of one"))),
        }
    }

    pub(crate) fn statement(&self, statement: &str, source: tokio_postgres::Error) -> Error {
        Error::Statement {
            connection: self.name.to_string(),
            statement: head(statement),
            source: source.into(),
        }
    }

    pub(crate) fn unexpected(&self, statement: &str, reason: impl Into<String>) -> Error {
        Error::Row {
            connection: self.name.to_string(),
            statement: head(statement),
            reason: reason.into(),
        }
    }
}

fn config(target: &Target, endpoint: &Endpoint, options: &Options) -> Result<Config, Error> {
    let mut config = Config::new();
    config
        .host(&endpoint.host)
        .port(endpoint.port)
        .user(&target.user)
        .dbname(&target.database)
        .target_session_attrs(target.session)
        .channel_binding(target.binding)
        .ssl_mode(match target.tls {
            // A socket is as private as the machine.
            _ if endpoint.is_socket() => SslMode::Disable,
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        });
    if let Some(address) = endpoint.address {
        config.hostaddr(address);
    }
    if let Some(name) = target
        .application_name
        .as_ref()
        .or(options.application_name.as_ref())
    {
        config.application_name(name);
    }
    if let Some(options) = &target.options {
        config.options(options);
    }
    if let Some(idle) = target.keepalives_idle {
        config.keepalives_idle(idle);
    }
    if let Some(limit) = target.tcp_user_timeout {
        config.tcp_user_timeout(limit);
    }
    if let Some(password) = target.password_for(endpoint)? {
        config.password(password.reveal());
    }
    Ok(config)
}

/// Moves bytes until the session ends; hands on what nobody asked for.
async fn drive<S, T>(
    mut connection: tokio_postgres::Connection<S, T>,
    notifications: mpsc::Sender<Notification>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notification(it)) => {
                // A full channel has enough reasons to look already.
                let _ = notifications.try_send(Notification {
                    channel: it.channel().to_owned(),
                    payload: it.payload().to_owned(),
                });
            }
            // Statements that wait are told by the library.
            Err(_) => break,
            Ok(_) => {}
        }
    }
}
