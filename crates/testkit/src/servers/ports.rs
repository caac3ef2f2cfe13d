//! Ports that nobody uses, and nobody else takes.
//!
//! A port that the system picked is free for a moment only: until the server that it is meant for listens, which takes
//! `SeaweedFS` seconds, any other program may be given the same one. So each test process keeps a block of ports to
//! itself, below those that systems pick from (32768 and more on Linux).

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;

use anyhow::Result;

/// How often a server is started before the fault is taken for its own.
const ATTEMPTS: usize = 3;

/// The first port of the first block.
const FIRST: u16 = 12_000;
/// How many ports a block has.
const LENGTH: u16 = 100;
/// How many blocks there are.
const BLOCKS: u16 = 200;

/// Starts a server, again when it fails: somebody who does not know our blocks may have taken one of its ports.
pub(super) fn attempts<T>(mut start: impl FnMut() -> Result<T>) -> Result<T> {
    let mut attempt = 1;
    loop {
        match start() {
            Err(_) if attempt < ATTEMPTS => attempt += 1,
            done => return done,
        }
    }
}

/// So many loopback ports that nobody listens on, all different, and not given again before all others were.
///
/// # Errors
/// When there are none.
pub fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    static OURS: Mutex<Option<Block>> = Mutex::new(None);
    let mut ours = OURS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if ours.is_none() {
        *ours = Some(Block::take()?);
    }
    let mut ports = [0; N];
    if let Some(block) = ours.as_mut() {
        for port in &mut ports {
            *port = block.next()?;
        }
    }
    Ok(ports)
}

/// The ports of this process.
struct Block {
    first: u16,
    next: u16,
    /// Locked for as long as the process lives.
    _lock: File,
}

impl Block {
    fn take() -> io::Result<Self> {
        let locks = std::env::temp_dir().join("ostler-test-ports");
        fs::create_dir_all(&locks)?;
        for block in 0..BLOCKS {
            let first = FIRST + block * LENGTH;
            let lock = File::create(locks.join(first.to_string()))?;
            match lock.try_lock() {
                Ok(()) => {
                    return Ok(Self {
                        first,
                        next: 0,
                        _lock: lock,
                    });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::other(format!(
            "all {BLOCKS} blocks of ports are locked in {}",
            locks.display()
        )))
    }

    fn next(&mut self) -> io::Result<u16> {
        for _ in 0..LENGTH {
            let port = self.first + self.next;
            self.next = (self.next + 1) % LENGTH;
            // A server of a process that had this block before us may still be ending.
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(port);
            }
        }
        Err(io::Error::other(format!(
            "the ports from {} on are all in use",
            self.first
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, free_ports};

    #[test]
    fn no_port_is_given_to_two() {
        let [a, b] = free_ports().expect("two ports");
        let [c] = free_ports().expect("another port");
        let other = Block::take().expect("another block");
        assert!(a != b && b != c && a != c);
        assert!(
            ![a, b, c]
                .iter()
                .any(|port| (other.first..other.first + 100).contains(port))
        );
    }
}
