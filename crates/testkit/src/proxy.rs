//! A proxy in front of a real HTTP service that does harm to some of its requests. One thread a connection, one
//! request a connection, plain HTTP/1.1 over loopback.

pub(crate) mod listener;
pub(crate) mod message;
mod stream;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;

use crate::random::Random;
use listener::Listener;
use message::{Request, Response};

pub use stream::{Cut, StreamProxy};

/// What is done to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// It is answered by 500 and not carried out.
    Reject,
    /// It is never answered, and not carried out.
    Hang,
    /// It is carried out; its answer ends in the middle.
    Truncate,
    /// It is answered by 200 with the text of an error, and not carried out.
    ErrorBody,
    /// It is carried out; its answer is lost.
    LoseReply,
    /// Where it is a listing, it is answered as it was the last time.
    ListLate,
    /// It waits, so that others made later are carried out sooner.
    Reorder,
    /// It is answered by 503 `SlowDown` with `Retry-After`, and not carried out.
    SlowDown,
    /// From here on every request is answered by `ExpiredToken`.
    Expire,
    /// Where it reads an object, one bit of that is another.
    FlipBit,
}

impl Harm {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Reject,
        Self::Hang,
        Self::Truncate,
        Self::ErrorBody,
        Self::LoseReply,
        Self::ListLate,
        Self::Reorder,
        Self::SlowDown,
        Self::Expire,
        Self::FlipBit,
    ];
}

/// The proxy. Dropping it ends it, and whatever hangs in it.
#[derive(Debug)]
pub struct HttpProxy {
    shared: Arc<Shared>,
    listener: Listener,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    stopped: AtomicBool,
    harmed: AtomicU64,
    plan: Mutex<Plan>,
    listings: Mutex<HashMap<String, Response>>,
}

#[derive(Debug)]
struct Plan {
    harm: Option<Harm>,
    /// One request of so many.
    odds: u64,
    random: Random,
    expired: bool,
}

impl HttpProxy {
    /// Starts it in front of the service that listens on this loopback port. It does no harm yet.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn start(upstream: u16) -> Result<Self> {
        let shared = Arc::new(Shared {
            upstream: (Ipv4Addr::LOCALHOST, upstream).into(),
            stopped: AtomicBool::new(false),
            harmed: AtomicU64::new(0),
            plan: Mutex::new(Plan {
                harm: None,
                odds: 1,
                random: Random::new(0),
                expired: false,
            }),
            listings: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let listener = Listener::start(move |client| {
            // What cannot be served is a connection that ends.
            let _ = serving.serve(client);
        })?;
        Ok(Self { shared, listener })
    }

    /// Its address, in place of the service's.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.listener.address())
    }

    /// From now on does this harm to one request of `odds`, which ones by the seed.
    pub fn harm(&self, harm: Harm, odds: u64, seed: u64) {
        *self.shared.plan() = Plan {
            harm: Some(harm),
            odds,
            random: Random::new(seed),
            expired: false,
        };
    }

    /// From now on does no harm.
    pub fn calm(&self) {
        let mut plan = self.shared.plan();
        plan.harm = None;
        plan.expired = false;
    }

    /// How many requests were harmed.
    #[must_use]
    pub fn harmed(&self) -> u64 {
        self.shared.harmed.load(Ordering::Relaxed)
    }
}

impl Drop for HttpProxy {
    fn drop(&mut self) {
        // The listener, which is dropped next, waits for what hangs here.
        self.shared.stopped.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens to the next request, and a random number for where.
    fn next(&self) -> (Option<Harm>, u64) {
        let mut plan = self.plan();
        let Some(harm) = plan.harm else {
            return (None, 0);
        };
        let odds = plan.odds;
        let struck = plan.random.below(odds) == 0 || plan.expired;
        plan.expired |= struck && harm == Harm::Expire;
        (struck.then_some(harm), plan.random.below(1 << 40))
    }

    fn listings(&self) -> MutexGuard<'_, HashMap<String, Response>> {
        self.listings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, request: &Request) -> Option<Response> {
        message::ask(self.upstream, request)
    }

    fn serve(&self, mut client: TcpStream) -> Option<()> {
        let request = Request::read(&mut client)?;
        let (harm, random) = self.next();
        let counts = match harm {
            None => false,
            Some(Harm::ListLate) => request.is_listing(),
            Some(Harm::FlipBit) => request.reads_an_object(),
            Some(_) => true,
        };
        self.harmed.fetch_add(u64::from(counts), Ordering::Relaxed);
        let answer = match harm.filter(|_| counts) {
            Some(Harm::Reject) => Response::error("500 Internal Server Error", "InternalError", ""),
            Some(Harm::ErrorBody) => Response::error("200 OK", "InternalError", ""),
            Some(Harm::SlowDown) => Response::error("503 Slow Down", "SlowDown", "Retry-After: 1\r\n"),
            Some(Harm::Expire) => Response::error("400 Bad Request", "ExpiredToken", ""),
            Some(Harm::Hang) => {
                self.hang(&mut client);
                return None;
            }
            Some(Harm::LoseReply) => {
                self.ask(&request)?;
                return None;
            }
            Some(Harm::ListLate) => match self.listings().get(&request.target) {
                Some(earlier) => earlier.clone(),
                None => self.ask(&request)?,
            },
            Some(Harm::Reorder) => {
                std::thread::sleep(Duration::from_millis(random % 40));
                self.ask(&request)?
            }
            Some(Harm::Truncate) => self.ask(&request)?.cut_off(),
            Some(Harm::FlipBit) => self.ask(&request)?.with_bit_flipped(random),
            None => self.ask(&request)?,
        };
        if request.is_listing() && harm != Some(Harm::ListLate) && answer.is_ok() {
            self.listings().insert(request.target.clone(), answer.clone());
        }
        client.write_all(&answer.bytes()).ok()?;
        client.shutdown(Shutdown::Both).ok()
    }

    /// Waits until the client has had enough.
    fn hang(&self, client: &mut TcpStream) {
        let _ = client.set_read_timeout(Some(Duration::from_millis(50)));
        let mut byte = [0];
        while !self.stopped.load(Ordering::Relaxed) {
            match client.read(&mut byte) {
                Ok(0) => return,
                Err(error)
                    if !matches!(
                        error.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) =>
                {
                    return;
                }
                _ => {}
            }
        }
    }
}
