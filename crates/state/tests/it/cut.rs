//! A connection that is cut in a COMMIT, before the server hears of it or before we hear of its answer.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use ostler_state::{Database, Error};
use ostler_testkit::install::postgres::Release;
use ostler_testkit::servers::shared_postgres;

use crate::{NUMBERS, add, all, server};

/// Nothing is done to connections.
const FAIR: u8 = 0;
/// The next COMMIT does not reach the server.
const UNHEARD: u8 = 1;
/// The answer to the next COMMIT does not reach us.
const UNANSWERED: u8 = 2;

/// Passes bytes on, and cuts one connection in its COMMIT.
struct Cutter {
    port: u16,
    weather: Arc<AtomicU8>,
}

impl Cutter {
    fn start(upstream: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let weather = Arc::new(AtomicU8::new(FAIR));
        let now = Arc::clone(&weather);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                let called = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream)).unwrap();
                let now = Arc::clone(&now);
                std::thread::spawn(move || carry(&caller, &called, &now));
            }
        });
        Self { port, weather }
    }
}

fn carry(caller: &TcpStream, called: &TcpStream, weather: &AtomicU8) {
    let is_silent = Mutex::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pass(called, caller, |_| *is_silent.lock().unwrap());
        });
        pass(caller, called, |piece| {
            if !piece.windows(7).any(|some| some == b"COMMIT\0") {
                return false;
            }
            match weather.swap(FAIR, Ordering::SeqCst) {
                UNHEARD => true,
                UNANSWERED => {
                    *is_silent.lock().unwrap() = true;
                    false
                }
                _ => false,
            }
        });
    });
}

/// Passes pieces on until one is to be the last, which is not passed on.
fn pass(mut from: &TcpStream, mut to: &TcpStream, is_last: impl Fn(&[u8]) -> bool) {
    let mut piece = [0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        if is_last(&piece[..length]) || to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

#[test]
fn a_commit_whose_answer_is_lost_is_done_once_and_one_that_was_not_heard_too() {
    for release in Release::SUPPORTED {
        let Some(postgres) = shared_postgres(release) else {
            continue;
        };
        let cutter = Cutter::start(postgres.port());
        let database = postgres.database();
        let dsn = postgres
            .url(&database)
            .replace(&format!(":{}", postgres.port()), &format!(":{}", cutter.port));
        let db = Database::open(&NUMBERS, &server(&dsn)).unwrap();
        for (weather, value, tries) in [(FAIR, 1, 1), (UNHEARD, 2, 2), (UNANSWERED, 3, 1), (UNHEARD, 4, 2)] {
            let tried = std::cell::Cell::new(0);
            cutter.weather.store(weather, Ordering::SeqCst);
            // The key would refuse the same one twice.
            db.write(|db| -> Result<(), Error> {
                tried.set(tried.get() + 1);
                add(db, value)?;
                Ok(())
            })
            .unwrap();
            assert_eq!(cutter.weather.load(Ordering::SeqCst), FAIR, "nothing was cut");
            assert_eq!(tried.get(), tries, "{value}");
        }
        assert_eq!(all(&db), [1, 2, 3, 4]);
        assert_eq!(
            all(&Database::open(&NUMBERS, &server(&postgres.url(&database))).unwrap()),
            [1, 2, 3, 4]
        );
    }
}
