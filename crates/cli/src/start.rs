//! From words to exit code: first arguments and logging, then the runtime and the verb.

use std::ffi::OsString;
use std::fmt;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::Parser;
use clap::error::ErrorKind as ParseErrorKind;
use ostler_vocabulary::{Clock, ExitCode, Failure, SystemClock};
use tokio::sync::mpsc;

use crate::arguments::Arguments;
use crate::backend::{Backend, Options};
use crate::error::CommandError;
use crate::interrupt::{self, Interrupt};
use crate::output::{Format, Output, ParseFailure};
use crate::session::Session;
use crate::wiring;

/// Somewhere to print to.
pub type Sink = Arc<Mutex<dyn Write + Send>>;

/// What is known about the terminal, where there is one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Columns of standard output; `None` when it is no terminal.
    pub output_width: Option<usize>,
    /// Whether standard error is a terminal.
    pub error_is_terminal: bool,
    /// Whether `NO_COLOR` is set.
    pub no_color: bool,
}

/// Everything of the outside world that a command sees before it talks to a backend.
pub struct Surroundings {
    /// The command line without the program's name.
    pub words: Vec<OsString>,
    /// The working directory.
    pub directory: PathBuf,
    /// Standard output.
    pub stdout: Sink,
    /// Standard error.
    pub stderr: Sink,
    /// What these two are.
    pub terminal: Terminal,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Gives the backend for these options; it must do nothing yet.
    pub connect: Box<dyn FnOnce(Options) -> Arc<dyn Backend> + Send>,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("words", &self.words)
            .finish_non_exhaustive()
    }
}

/// A command whose words were understood.
pub struct Prepared {
    arguments: Arguments,
    surroundings: Surroundings,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}

/// Runs this process's command line to its end.
#[must_use]
pub fn start() -> std::process::ExitCode {
    let surroundings = Surroundings {
        words: std::env::args_os().skip(1).collect(),
        directory: std::env::current_dir().unwrap_or_default(),
        stdout: Arc::new(Mutex::new(std::io::stdout())),
        stderr: Arc::new(Mutex::new(std::io::stderr())),
        terminal: Terminal::of_this_process(),
        clock: Arc::new(SystemClock::default()),
        connect: Box::new(wiring::connect),
    };
    let code = match prepare(surroundings) {
        Ok(prepared) => {
            prepared.start_logging();
            prepared.run_on_a_runtime()
        }
        Err(code) => code,
    };
    std::process::ExitCode::from(code.code())
}

/// Parses the words. Help, versions and usage errors are printed here; their exit code is then the `Err`.
pub fn prepare(surroundings: Surroundings) -> Result<Prepared, ExitCode> {
    // Requests are kept as JSON. What is only printed may have any name.
    let is_printed = surroundings.words.iter().any(|word| word == "--stdout");
    let wrong = surroundings.words.iter().find(|word| word.to_str().is_none());
    if let (Some(word), false) = (wrong, is_printed) {
        let output = Output::before_parsing(&surroundings);
        let message = format!("`{}` is not UTF-8", word.display());
        let hint = Some("name a directory above it: what is below may have any name".to_owned());
        return Err(report(&output, Err(CommandError::Usage { message, hint }.into())));
    }
    let words = std::iter::once(OsString::from("ostler")).chain(surroundings.words.iter().cloned());
    match Arguments::try_parse_from(words) {
        Ok(arguments) => Ok(Prepared {
            arguments,
            surroundings,
        }),
        Err(error) => {
            let output = Output::before_parsing(&surroundings);
            if matches!(
                error.kind(),
                ParseErrorKind::DisplayHelp | ParseErrorKind::DisplayVersion
            ) {
                return Err(report(&output, output.text(&error.render().to_string())));
            }
            let ParseFailure { message, hint } = ParseFailure::of(&error);
            Err(report(&output, Err(CommandError::Usage { message, hint }.into())))
        }
    }
}

impl Prepared {
    /// Runs the command to its end, prints its error, and gives its exit code.
    pub async fn run(self, interrupts: mpsc::Receiver<Interrupt>) -> ExitCode {
        let Self {
            arguments,
            surroundings,
        } = self;
        let output = Output::new(&arguments.global, &surroundings);
        let session = Session {
            backend: (surroundings.connect)(arguments.global.options()),
            output,
            clock: surroundings.clock,
            directory: surroundings.directory,
            words: surroundings.words,
            interrupts: tokio::sync::Mutex::new(interrupts),
            is_remote: arguments.global.server.is_some(),
        };
        let result = arguments.command.run(&session).await;
        report(&session.output, result)
    }

    fn run_on_a_runtime(self) -> ExitCode {
        let output = Output::new(&self.arguments.global, &self.surroundings);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        match runtime {
            Ok(runtime) => {
                let code = runtime.block_on(async {
                    match interrupt::of_this_process() {
                        Ok(interrupts) => self.run(interrupts).await,
                        Err(source) => report(&output, Err(CommandError::Runtime { source }.into())),
                    }
                });
                // What still runs was left on purpose by a second Ctrl-C and is resumable at any moment.
                runtime.shutdown_background();
                code
            }
            Err(source) => report(&output, Err(CommandError::Runtime { source }.into())),
        }
    }

    fn start_logging(&self) {
        use tracing_subscriber::filter::{LevelFilter, Targets};
        use tracing_subscriber::layer::SubscriberExt;
        use tracing_subscriber::util::SubscriberInitExt;

        let global = &self.arguments.global;
        // What libraries complain of is in our errors; who wants to hear it from themselves asks for more.
        let (ours, others) = match (global.verbose, global.quiet) {
            (0, true) => (LevelFilter::ERROR, LevelFilter::OFF),
            (0, false) => (LevelFilter::WARN, LevelFilter::OFF),
            (1, _) => (LevelFilter::INFO, LevelFilter::WARN),
            (2, _) => (LevelFilter::DEBUG, LevelFilter::INFO),
            (_, _) => (LevelFilter::TRACE, LevelFilter::TRACE),
        };
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let registry = tracing_subscriber::registry()
            .with(Targets::new().with_target("ostler", ours).with_default(others));
        let started = match global.output {
            Format::Table => registry.with(lines.with_ansi(false)).try_init(),
            Format::Json | Format::Jsonl => registry.with(lines.json()).try_init(),
        };
        drop(started);
    }
}

/// The only place where an error becomes an exit code.
fn report(output: &Output, result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::Done,
        Err(failure) => {
            output.failure(&failure);
            failure.kind().exit_code()
        }
    }
}

impl Terminal {
    fn of_this_process() -> Self {
        let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        let measured = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let is_terminal = std::io::stdout().is_terminal();
        Self {
            output_width: is_terminal.then(|| measured().or(columns).unwrap_or(80).max(40)),
            error_is_terminal: std::io::stderr().is_terminal(),
            no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
        }
    }
}
