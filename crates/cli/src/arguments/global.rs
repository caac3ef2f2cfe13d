//! Flags that every verb takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use ostler_api::client::LimitChange;
use ostler_vocabulary::ByteSize;

use super::{byte_rate, path, request_rate};
use crate::backend::Options;
use crate::output::Format;

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArguments {
    /// How results are printed
    ///
    /// `json` is one document, `jsonl` one document a line (a line for each row of a list). Errors follow suit on
    /// standard error.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,

    /// Print nothing on success; the exit code tells
    #[arg(long, short, global = true)]
    pub quiet: bool,

    /// How progress is shown on standard error
    #[arg(long, global = true, value_enum, default_value_t = ProgressChoice::Auto, value_name = "STYLE")]
    pub progress: ProgressChoice,

    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,

    /// The directory of operations, the default vault and keys
    #[arg(long, global = true, value_name = "DIR", value_parser = path())]
    pub state_dir: Option<PathBuf>,

    /// The server that does the work, such as `http://127.0.0.1:7070`, in place of this process
    ///
    /// OSTLER_TOKEN or OSTLER_TOKEN_FILE says who asks. Paths are those of the server's machine.
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,

    /// A file with the certificate of the only authority that the server is believed by; the system's if not given
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    pub server_ca: Option<PathBuf>,

    /// Whether output is coloured
    ///
    /// `auto` colours on a terminal unless NO_COLOR is set. Colours repeat what words say.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,

    /// Send at most so many bytes a second to a vault, such as `10MiB`; `none` for no limit
    ///
    /// Overrules `limits` of the vault in the configuration. `ostler operation limit` changes it for an operation that
    /// runs.
    #[arg(long, global = true, value_name = "RATE", value_parser = byte_rate)]
    pub limit_upload: Option<ByteSize>,

    /// Receive at most so many bytes a second from a vault; `none` for no limit
    #[arg(long, global = true, value_name = "RATE", value_parser = byte_rate)]
    pub limit_download: Option<ByteSize>,

    /// Make at most so many requests a second to a vault's store; `none` for no limit
    #[arg(long, global = true, value_name = "NUMBER", value_parser = request_rate)]
    pub limit_requests: Option<u32>,

    /// Log to standard error: -v what is done, -vv how, -vvv everything
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl GlobalArguments {
    pub fn options(&self) -> Options {
        Options {
            config: self.config.clone(),
            state_directory: self.state_dir.clone(),
            server: self.server.clone(),
            server_ca: self.server_ca.clone(),
            limits: LimitChange {
                upload: self.limit_upload,
                download: self.limit_download,
                requests: self.limit_requests,
                ..LimitChange::default()
            },
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressChoice {
    /// A bar on a terminal, messages only elsewhere
    Auto,
    /// A bar with rate and time left
    Bar,
    /// A line at most every two seconds
    Plain,
    /// JSON lines
    Json,
    /// Nothing
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}
