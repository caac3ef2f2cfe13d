//! Ports that nobody uses.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::Result;

/// How often a server is started before the fault is taken for its own.
const ATTEMPTS: usize = 3;

/// Starts a server, again when it fails: somebody may have taken one of its ports meanwhile.
pub(super) fn attempts<T>(mut start: impl FnMut() -> Result<T>) -> Result<T> {
    let mut attempt = 1;
    loop {
        match start() {
            Err(_) if attempt < ATTEMPTS => attempt += 1,
            done => return done,
        }
    }
}

/// So many loopback ports that nobody listens on, all different.
///
/// Between this call and the server's start somebody else may take one: start again then.
///
/// # Errors
/// When there are none.
pub fn free_ports<const N: usize>() -> std::io::Result<[u16; N]> {
    // All are held until the last is found, or the same one would be found twice.
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}
