//! A network that is cut or goes silent: a proxy for any stream of bytes, over loopback.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use super::listener::Listener;

/// How the network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    /// Bytes go both ways.
    Fair,
    /// Bytes are held back, and nobody is told: a partition.
    Silent,
    /// It was ended.
    Over,
}

#[derive(Debug)]
struct State {
    weather: Weather,
    open: Vec<TcpStream>,
    carried: u64,
    cut: Option<Cut>,
}

/// A cut that comes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// So many pieces of callers still pass; at the one after them every connection is cut.
    pub pieces: u32,
    /// Whether that piece is carried, and only its answer lost.
    pub carried: bool,
    /// So many new connections are refused then.
    pub refused: u32,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until bytes may pass; `false` when they never will again.
    fn may_pass(&self) -> bool {
        let mut state = self.state();
        while state.weather == Weather::Silent {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.weather == Weather::Fair
    }

    fn set(&self, weather: Weather) {
        self.state().weather = weather;
        self.changed.notify_all();
    }

    /// Carries bytes both ways until one of them ends.
    fn join(&self, caller: &TcpStream, called: &TcpStream) -> std::io::Result<()> {
        let known = [caller.try_clone()?, called.try_clone()?];
        {
            let mut state = self.state();
            if state.weather == Weather::Over {
                return Ok(());
            }
            state.open.extend(known);
        }
        std::thread::scope(|scope| {
            scope.spawn(|| self.carry(caller, called, true));
            self.carry(called, caller, false);
        });
        Ok(())
    }

    /// Whether this piece of a caller is the last one, and if so whether it is carried.
    fn is_cut(&self) -> Option<bool> {
        let mut state = self.state();
        let cut = state.cut.as_mut()?;
        match cut.pieces {
            u32::MAX => None,
            0 => {
                cut.pieces = u32::MAX;
                Some(cut.carried)
            }
            _ => {
                cut.pieces -= 1;
                None
            }
        }
    }

    /// Whether a new connection is refused.
    fn refuses(&self) -> bool {
        let mut state = self.state();
        let Some(cut) = state
            .cut
            .as_mut()
            .filter(|cut| cut.pieces == u32::MAX && cut.refused > 0)
        else {
            return false;
        };
        cut.refused -= 1;
        true
    }

    fn cut(&self) {
        for stream in self.state().open.drain(..) {
            // It may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn carry(&self, mut from: &TcpStream, mut to: &TcpStream, asks: bool) {
        let mut piece = [0; 16 << 10];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            if !self.may_pass() {
                break;
            }
            if let Some(carried) = asks.then(|| self.is_cut()).flatten() {
                // The answer goes nowhere.
                let _ = from.shutdown(Shutdown::Both);
                if carried {
                    let _ = to.write_all(&piece[..length]);
                }
                self.cut();
                break;
            }
            self.state().carried += length as u64;
            if to.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        // They may be closed already.
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }
}

/// The proxy. Dropping it ends it and every connection through it.
#[derive(Debug)]
pub struct StreamProxy {
    shared: Arc<Shared>,
    listener: Listener,
}

impl StreamProxy {
    /// Starts it in front of whoever listens on this loopback port, now or later.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn start(upstream: u16) -> Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                weather: Weather::Fair,
                open: Vec::new(),
                carried: 0,
                cut: None,
            }),
            changed: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        let listener = Listener::start(move |caller| {
            // What cannot be served is a connection that ends.
            if serving.refuses() {
                return;
            }
            if let Ok(called) = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream)) {
                let _ = serving.join(&caller, &called);
            }
        })?;
        Ok(Self { shared, listener })
    }

    /// The port on 127.0.0.1, in place of the other one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.listener.address().port()
    }

    /// Cuts every connection there is. New ones may be made.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// Cuts every connection at a piece that comes later; forgets an earlier order.
    pub fn cut_at(&self, cut: Option<Cut>) {
        self.shared.state().cut = cut;
    }

    /// From now on bytes go nowhere, and nobody is told.
    pub fn fall_silent(&self) {
        self.shared.set(Weather::Silent);
    }

    /// From now on bytes go through, those held back first.
    pub fn clear_up(&self) {
        self.shared.set(Weather::Fair);
    }

    /// Bytes carried in both directions.
    #[must_use]
    pub fn carried(&self) -> u64 {
        self.shared.state().carried
    }
}

impl Drop for StreamProxy {
    fn drop(&mut self) {
        // The listener waits for those who carry bytes.
        self.shared.set(Weather::Over);
        self.shared.cut();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::StreamProxy;

    /// Whoever sends a byte gets it back.
    fn echo() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let mut byte = [0];
                    while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
                });
            }
        });
        port
    }

    #[test]
    fn it_carries_is_cut_falls_silent_and_clears_up() {
        let proxy = StreamProxy::start(echo()).unwrap();
        let call = || {
            let stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
            stream
        };
        let mut byte = [0];
        let mut stream = call();
        stream.write_all(b"a").unwrap();
        stream.read_exact(&mut byte).unwrap();
        assert_eq!(proxy.carried(), 2);
        proxy.cut();
        assert_eq!(stream.read(&mut byte).unwrap_or(0), 0, "it is closed");

        let mut stream = call();
        proxy.fall_silent();
        stream.write_all(b"b").unwrap();
        assert!(stream.read_exact(&mut byte).is_err(), "nothing comes");
        proxy.clear_up();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"b");
    }
}
