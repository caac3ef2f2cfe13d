//! The server: state, router, and the loop that ends when it is told to.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::serve::ListenerExt as _;
use ostler_api::Client;
use ostler_api::audit::Actor;
use ostler_vocabulary::{Clock, ErrorKind, Failure, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::access::{Identity, Throttle};
use crate::door::{Certificate, Door};
use crate::scoped::Scoped;
use crate::{Access, Error, guard, pages, v1};

/// Bytes of a request's body. A plan that decides about ten thousand backups has some of them.
const BODY: usize = 16 << 20;
/// Passwords that are hashed at once.
const PASSWORDS: usize = 2;

/// What is served.
pub struct Site {
    /// Gives the client that does the work for somebody; asked for each request, because the configuration may be read
    /// again.
    pub client: Box<dyn Fn(Actor) -> Arc<dyn Client> + Send + Sync>,
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
            shutdown: shutdown.clone(),
        }),
    };
    let door = Door::new(listener, web.inner.site.certificate.clone());
    let service = router(web).into_make_service_with_connect_info::<SocketAddr>();
    // Only listeners of axum's own tell where a connection came from; a tap on ours is one.
    axum::serve(door.tap_io(|_| ()), service)
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
        .map_err(|source| Error::Serve { source })
}

fn router(web: Web) -> Router {
    v1::router(&web)
        .merge(pages::router(&web))
        .fallback(pages::nothing_here)
        .layer(middleware::from_fn_with_state(web.clone(), guard::every_answer))
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(web)
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

    /// Asks the file of tokens and sessions on a blocking thread.
    pub async fn access<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Access) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Failure> {
        let access = Arc::clone(&self.inner.site.access);
        tokio::task::spawn_blocking(move || ask(&access).map_err(Failure::from))
            .await
            .unwrap_or_else(|_| Err(Failure::new(ErrorKind::Internal, "a worker stopped by a defect")))
    }
}
