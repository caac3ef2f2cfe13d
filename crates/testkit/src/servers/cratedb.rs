//! CrateDB for tests: the server that `OSTLER_TEST_CRATEDB` names, or what was recorded of one.
//!
//! CrateDB is in no package registry. With `OSTLER_TEST_CRATEDB=host:4200` a test runs on that server; with
//! `OSTLER_TEST_RECORD=1` too, each statement and its answer are written into the test's file. Without an address a strict stand-in
//! reads that file: it answers the recorded statements, in their order, and refuses every other one. Statements hold no clock and
//! no random name; ids of operations are the only thing that differs, and are told apart by the order in which they come.

mod script;

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::proxy::listener::Listener;
use crate::proxy::message::{self, Request, Response};
use script::Script;

/// Names the server.
const ADDRESS: &str = "OSTLER_TEST_CRATEDB";
/// Whether its answers are written down.
const RECORD: &str = "OSTLER_TEST_RECORD";

/// CrateDB, for one test.
#[derive(Debug)]
pub struct CrateDb {
    listener: Listener,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    upstream: Option<String>,
    script: Mutex<Script>,
    /// Requests so far.
    asked: AtomicU64,
    /// So many statements are still taken; of the one after them the answer is lost, and nothing else is taken.
    left: Mutex<Option<Left>>,
}

#[derive(Debug, Clone, Copy)]
struct Left {
    statements: u32,
    /// Whether the last one is carried out, and only its answer lost.
    carried_out: bool,
}

/// The address of a real server, where there is one.
#[must_use]
pub fn address() -> Option<String> {
    std::env::var(ADDRESS).ok().filter(|address| !address.is_empty())
}

impl CrateDb {
    /// Begins. `folder` has the recordings, `test` is the name of the one.
    ///
    /// # Panics
    /// When it cannot listen, or nothing is recorded and no server is named.
    #[must_use]
    pub fn new(folder: impl AsRef<Path>, test: &str) -> Self {
        let file: PathBuf = folder.as_ref().join(format!("{test}.jsonl"));
        let upstream = address();
        let script = match (&upstream, std::env::var_os(RECORD)) {
            (None, _) => Script::read(&file),
            (Some(_), Some(_)) => Script::record(&file),
            (Some(_), None) => Script::none(),
        };
        let shared = Arc::new(Shared {
            upstream,
            script: Mutex::new(script),
            asked: AtomicU64::new(0),
            left: Mutex::new(None),
        });
        let serving = Arc::clone(&shared);
        let listener = Listener::start(move |client| {
            // What cannot be served is a connection that ends.
            let _ = serving.serve(client);
        });
        Self {
            listener: listener.expect("a port"),
            shared,
        }
    }

    /// Whether it is a real server.
    #[must_use]
    pub fn is_real(&self) -> bool {
        self.shared.upstream.is_some()
    }

    /// Where it is, as Ostler writes it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("crate://{}", self.listener.address())
    }

    /// Host and port.
    #[must_use]
    pub fn host(&self) -> String {
        self.listener.address().to_string()
    }

    /// How many statements it was asked so far, those of the test included.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.shared.asked.load(Ordering::Relaxed)
    }

    /// Runs a statement of the test's own; gives the rows.
    ///
    /// # Panics
    /// When it fails.
    pub fn sql(&self, statement: &str) -> Vec<Vec<Value>> {
        let (status, answer) = self.try_sql(statement);
        assert_eq!(status, 200, "{statement}: {answer}");
        let rows = answer["rows"].as_array().cloned().unwrap_or_default();
        rows.into_iter()
            .map(|row| row.as_array().cloned().unwrap_or_default())
            .collect()
    }

    /// The only number that a statement gives.
    ///
    /// # Panics
    /// When it fails, or gives none.
    pub fn number(&self, statement: &str) -> i64 {
        self.sql(statement)[0][0].as_i64().expect("a number")
    }

    /// Runs a statement; gives status and answer.
    pub fn try_sql(&self, statement: &str) -> (u16, Value) {
        self.shared.answer(&json!({ "stmt": statement }))
    }

    /// From now on takes so many statements more, and then nothing, as if the client had been killed: the last one is carried out
    /// or not, and its answer is lost.
    pub fn stop_after(&self, statements: u32, carried_out: bool) {
        *self.shared.left() = Some(Left {
            statements,
            carried_out,
        });
    }

    /// Takes everything again; whether it had stopped.
    pub fn go_on(&self) -> bool {
        let left = self.shared.left().take();
        left.is_some_and(|left| left.statements == 0)
    }

    /// Ends the test: the recording is written, or it was followed to its end.
    ///
    /// # Panics
    /// When something was asked that is not in the recording, or not all that is in it was asked.
    pub fn finish(self) {
        let fault = self.shared.script().finish();
        assert!(fault.is_none(), "{}", fault.unwrap_or_default());
    }
}

impl Shared {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn left(&self) -> MutexGuard<'_, Option<Left>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, mut client: TcpStream) -> Option<()> {
        let request = Request::read(&mut client)?;
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        if let Some(carried_out) = self.stopping() {
            if carried_out {
                self.ask(&request, &body);
            }
            return None;
        }
        let (status, answer) = self.ask(&request, &body)?;
        client.write_all(&Response::json(status, &answer).bytes()).ok()?;
        client.shutdown(Shutdown::Both).ok()
    }

    /// Whether this statement is the last, or comes after it: then whether it is carried out.
    fn stopping(&self) -> Option<bool> {
        let mut left = self.left();
        let state = left.as_mut()?;
        match state.statements {
            0 => Some(false),
            1 => {
                state.statements = 0;
                Some(state.carried_out)
            }
            _ => {
                state.statements -= 1;
                None
            }
        }
    }

    fn ask(&self, request: &Request, body: &Value) -> Option<(u16, Value)> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let Some(upstream) = &self.upstream else {
            return Some(self.script().answer(body));
        };
        let response = message::ask(upstream.as_str(), request)?;
        let mut answer: Value = serde_json::from_slice(&response.body)
            .unwrap_or_else(|_| String::from_utf8_lossy(&response.body).into_owned().into());
        if let Some(answer) = answer.as_object_mut() {
            // How long it took.
            answer.remove("duration");
        }
        let status = response.status()?;
        self.script().note(body, status, &answer);
        Some((status, answer))
    }

    /// The test's own statements go the same way.
    fn answer(&self, body: &Value) -> (u16, Value) {
        let text = body.to_string();
        let request = Request::post("/_sql?types", text.into_bytes());
        let answered = self.ask(&request, body);
        answered.unwrap_or_else(|| panic!("no answer to {body}"))
    }
}
