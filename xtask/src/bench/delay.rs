//! A proxy that lets every request wait, as a store that is far away does.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// Passes connections on to `to` until the process ends.
pub struct Delay {
    port: u16,
    requests: Arc<AtomicU64>,
}

impl Delay {
    /// Listens on a free port of loopback.
    pub fn start(to: SocketAddr, delay: Duration) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening")?;
        let port = listener.local_addr()?.port();
        let requests = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&requests);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let counted = Arc::clone(&counted);
                thread::spawn(move || {
                    if let Ok(server) = TcpStream::connect(to) {
                        let _ = pass(&client, &server, delay, &counted);
                    }
                    let _ = client.shutdown(Shutdown::Both);
                });
            }
        });
        Ok(Self { port, requests })
    }

    /// Its address as S3 clients take it.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many requests have gone through since this was last asked.
    pub fn requests(&self) -> u64 {
        self.requests.swap(0, Ordering::Relaxed)
    }
}

/// What comes after an answer is a new request: it waits once, with its first bytes.
fn pass(
    client: &TcpStream,
    server: &TcpStream,
    delay: Duration,
    requests: &AtomicU64,
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let answered = AtomicBool::new(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut from, mut to, mut bytes) = (server, client, vec![0; 1 << 18]);
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                answered.store(true, Ordering::SeqCst);
                if to.write_all(&bytes[..count]).is_err() {
                    break;
                }
            }
            let _ = client.shutdown(Shutdown::Both);
        });
        let (mut from, mut to, mut bytes) = (client, server, vec![0; 1 << 18]);
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            if answered.swap(false, Ordering::SeqCst) {
                requests.fetch_add(1, Ordering::Relaxed);
                thread::sleep(delay);
            }
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = server.shutdown(Shutdown::Both);
    });
    Ok(())
}
