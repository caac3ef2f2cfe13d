//! `ostler completions`

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;
use ostler_vocabulary::Failure;

use crate::arguments::Arguments;
use crate::session::Session;

/// Print a completion script for a shell
///
/// For instance: `ostler completions bash > ~/.local/share/bash-completion/completions/ostler`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: ShellName,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ShellName {
    Bash,
    Zsh,
    Fish,
}

impl Completions {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let shell = match self.shell {
            ShellName::Bash => Shell::Bash,
            ShellName::Zsh => Shell::Zsh,
            ShellName::Fish => Shell::Fish,
        };
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "ostler", &mut script);
        session.output.text(&String::from_utf8_lossy(&script))
    }
}
