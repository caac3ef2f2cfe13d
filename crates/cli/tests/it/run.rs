//! Runs a command line in this process against the fake, and keeps everything it prints.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use ostler::reference::samples;
use ostler::{Interrupt, Surroundings, Terminal, prepare};
use ostler_vocabulary::{Clock, ManualClock};
use tokio::sync::mpsc;

use crate::fake::{Fake, FakeBackend, Script};

/// What a command did.
pub struct Done {
    pub code: u8,
    pub stdout: String,
    pub stderr: String,
    pub asked: Vec<String>,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exit code {}\n--- stdout\n{}--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}

/// A command line and what surrounds it.
pub struct Run {
    words: Vec<String>,
    script: Script,
    terminal: Terminal,
    directory: PathBuf,
    interrupts: Vec<Interrupt>,
    clock: Arc<dyn Clock>,
}

/// The command line, split at blanks.
pub fn run(line: &str) -> Run {
    words(line.split_whitespace())
}

/// The command line by words.
pub fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Run {
    Run {
        words: words.into_iter().map(Into::into).collect(),
        script: Script::default(),
        terminal: Terminal::default(),
        directory: PathBuf::from("/"),
        interrupts: Vec::new(),
        clock: Arc::new(ManualClock::at(samples::now())),
    }
}

impl Run {
    pub fn script(mut self, script: Script) -> Self {
        self.script = script;
        self
    }

    pub fn at_columns(mut self, columns: usize) -> Self {
        self.terminal.output_width = Some(columns);
        self.terminal.no_color = true;
        self
    }

    pub fn terminal(mut self, terminal: Terminal) -> Self {
        self.terminal = terminal;
        self
    }

    pub fn within(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = directory.into();
        self
    }

    pub fn interrupted(mut self, interrupts: &[Interrupt]) -> Self {
        self.interrupts = interrupts.to_vec();
        self
    }

    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    pub fn done(self) -> Done {
        let (stdout, stderr) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let fake = Fake::new(self.script);
        let backend = fake.clone();
        let surroundings = Surroundings {
            words: self.words.iter().map(Into::into).collect(),
            directory: self.directory,
            stdout: stdout.clone(),
            stderr: stderr.clone(),
            terminal: self.terminal,
            clock: self.clock,
            connect: Box::new(move |_| Arc::new(FakeBackend(backend))),
        };
        let code = match prepare(surroundings) {
            Err(code) => code,
            Ok(prepared) => tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(async {
                    let (sender, receiver) = mpsc::channel(4);
                    for interrupt in self.interrupts {
                        sender.send(interrupt).await.unwrap();
                    }
                    let code = prepared.run(receiver).await;
                    drop(sender);
                    code
                }),
        };
        let text = |bytes: Arc<Mutex<Vec<u8>>>| String::from_utf8_lossy(&bytes.lock().unwrap()).into_owned();
        Done {
            code: code.code(),
            stdout: text(stdout),
            stderr: text(stderr),
            asked: fake.asked(),
        }
    }
}
