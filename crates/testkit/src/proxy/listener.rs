//! A thread that listens, and one for each connection.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context, Result};

/// Listens on a free loopback port until it is dropped, which waits for connections to end.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl Listener {
    /// # Errors
    /// When it cannot listen.
    pub(crate) fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen")?;
        let address = listener.local_addr()?;
        let stopped = Arc::new(AtomicBool::new(false));
        let listening = std::thread::spawn({
            let (stopped, serve) = (Arc::clone(&stopped), Arc::new(serve));
            move || {
                let mut serving: Vec<JoinHandle<()>> = Vec::new();
                for client in listener.incoming() {
                    if stopped.load(Ordering::Relaxed) {
                        break;
                    }
                    let Ok(client) = client else { continue };
                    let serve = Arc::clone(&serve);
                    serving.retain(|thread| !thread.is_finished());
                    serving.push(std::thread::spawn(move || serve(client)));
                }
                for thread in serving {
                    let _ = thread.join();
                }
            }
        });
        Ok(Self {
            address,
            stopped,
            listening: Some(listening),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread.
        let _ = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}
