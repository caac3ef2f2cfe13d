//! The server: state, router, and the loop that ends when it is told to.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::serve::ListenerExt as _;
use ostler_api::Client;
use ostler_api::audit::Actor;
use ostler_vocabulary::{Clock, ErrorKind, Failure, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::access::{Identity, Throttle};
use crate::door::{Certificate, Door};
use crate::scoped::Scoped;
use crate::witness::{Rations, Witness};
use crate::{Access, Error, guard, pages, v1};

/// Bytes of a request's body. A plan that decides about ten thousand backups has some of them.
const BODY: usize = 16 << 20;
/// Passwords that are hashed at once.
const PASSWORDS: usize = 2;
/// How long the record of tokens and sessions may take to answer.
const ACCESS: Duration = Duration::from_secs(10);
/// How long what was begun may take when the server ends.
const GRACE: Duration = Duration::from_secs(5);

/// What is served.
pub struct Site {
    /// Gives the client that does the work for somebody; asked for each request, because the configuration may be read
    /// again.
    pub client: Box<dyn Fn(Actor) -> Arc<dyn Client> + Send + Sync>,
    /// Gives who keeps what was seen of those who come in; asked as the client is.
    pub witness: Box<dyn Fn() -> Arc<dyn Witness> + Send + Sync>,
    /// Who may come in.
    pub access: Arc<Access>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Names, besides `localhost`, by which browsers may call the server. IP addresses always may: a name is what another
    /// site needs to make a browser take us for itself.
    pub names: Vec<String>,
    /// By what it proves who it is; nothing is encrypted without.
    pub certificate: Option<Arc<Certificate>>,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// Answers on this listener until `shutdown`; then event streams end, and answers that are under way are finished.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(listener: TcpListener, site: Site, shutdown: CancellationToken) -> Result<(), Error> {
    let web = Web {
        inner: Arc::new(Inner {
            site,
            throttle: Throttle::default(),
            passwords: Semaphore::new(PASSWORDS),
            rations: Rations::default(),
            tasks: Mutex::default(),
            shutdown: shutdown.clone(),
        }),
    };
    let door = Door::new(listener, web.inner.site.certificate.clone());
    let service = router(web.clone()).into_make_service_with_connect_info::<SocketAddr>();
    // Only listeners of axum's own tell where a connection came from; a tap on ours is one.
    let served = axum::serve(door.tap_io(|connection| connection.hurry()), service)
        .with_graceful_shutdown(shutdown.clone().cancelled_owned())
        .await
        .map_err(|source| Error::Serve { source });
    // What goes on without anybody who waits for it ends with the server.
    shutdown.cancel();
    let mut left = std::mem::take(&mut *web.tasks());
    while left.join_next().await.is_some() {}
    served
}

fn router(web: Web) -> Router {
    v1::router(&web)
        .merge(pages::router(&web))
        .fallback(pages::nothing_here)
        .layer(middleware::from_fn_with_state(web.clone(), guard::every_answer))
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(web)
}

/// Tells that the state cannot be asked now.
pub(crate) fn state_is_away() -> Failure {
    let message = format!(
        "the state's database does not answer within {} s",
        ACCESS.as_secs()
    );
    Failure::new(ErrorKind::Unavailable, message).with_hint("try again; `ostler config check` asks it")
}

/// What every handler has.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    site: Site,
    throttle: Throttle,
    passwords: Semaphore,
    rations: Rations,
    /// What is carried to its end though whoever asked is gone.
    tasks: Mutex<JoinSet<()>>,
    shutdown: CancellationToken,
}

impl Web {
    /// What somebody looks at and changes things by.
    pub fn client(&self, identity: &Identity) -> Arc<dyn Client> {
        let client = (self.inner.site.client)(identity.actor());
        match identity.scope.clusters() {
            Some(clusters) => Arc::new(Scoped::new(client, clusters.clone())),
            None => client,
        }
    }

    /// Waits until a password may be hashed; the next one may when this is dropped.
    pub async fn password_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.inner.passwords.acquire().await.ok()
    }

    /// Carries this to its end, though whoever waits for it goes away: a change that was begun is made, and it is written
    /// down how it went. Nothing when it could not be, or when the server ended over it.
    pub async fn carried<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (tell, told) = oneshot::channel();
        let stop = self.shutdown().clone();
        self.spawn(async move {
            let late = async {
                stop.cancelled().await;
                tokio::time::sleep(GRACE).await;
            };
            tokio::select! {
                done = work => drop(tell.send(done)),
                () = late => {}
            }
        });
        told.await.ok()
    }

    /// Sees to something that nobody waits for, until the server ends.
    pub fn see_to(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.shutdown().clone();
        self.spawn(async move {
            tokio::select! {
                () = work => {}
                () = stop.cancelled() => {}
            }
        });
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn witness(&self) -> Arc<dyn Witness> {
        (self.inner.site.witness)()
    }

    pub fn rations(&self) -> &Rations {
        &self.inner.rations
    }

    pub fn now(&self) -> Timestamp {
        self.inner.site.clock.now()
    }

    pub fn clock(&self) -> &dyn Clock {
        self.inner.site.clock.as_ref()
    }

    pub fn names(&self) -> &[String] {
        &self.inner.site.names
    }

    /// Whether all that is said is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.inner.site.certificate.is_some()
    }

    pub fn throttle(&self) -> &Throttle {
        &self.inner.throttle
    }

    pub fn shutdown(&self) -> &CancellationToken {
        &self.inner.shutdown
    }

    /// Asks the record of tokens and sessions on a blocking thread. Every request asks it first: who waits for a database that
    /// does not answer is told so.
    pub async fn access<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Access) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Failure> {
        let access = Arc::clone(&self.inner.site.access);
        let asked = tokio::task::spawn_blocking(move || ask(&access).map_err(Failure::from));
        match tokio::time::timeout(ACCESS, asked).await {
            // Sessions that wait for a database are busy, or over their time.
            Ok(Ok(Err(failure))) if matches!(failure.kind(), ErrorKind::Busy | ErrorKind::Timeout) => Err(
                Failure::new(ErrorKind::Unavailable, failure.messages().join(": ")),
            ),
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Failure::new(ErrorKind::Internal, "a worker stopped by a defect")),
            Err(_) => Err(state_is_away()),
        }
    }
}
