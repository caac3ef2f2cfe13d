//! One file a verb: words → request → client → print.

mod backup;
mod completions;
mod config;
mod operation;
mod queue;
mod restore;
mod retention;
mod serve;
mod token;
mod vault;

use clap::Subcommand;
use ostler_vocabulary::Failure;

use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make, look at, prove and delete backups
    #[command(subcommand, arg_required_else_help = true)]
    Backup(backup::BackupCommand),

    /// Bring files of a backup back
    Restore(Box<restore::Restore>),

    /// Make and look at the places where backups are kept
    #[command(subcommand, arg_required_else_help = true)]
    Vault(vault::VaultCommand),

    /// Install and look after PgQ queues in PostgreSQL
    #[command(subcommand, arg_required_else_help = true)]
    Queue(Box<queue::QueueCommand>),

    /// Age the data of tables by policy
    #[command(subcommand, arg_required_else_help = true)]
    Retention(Box<retention::RetentionCommand>),

    /// Look at, stop and resume work
    #[command(subcommand, arg_required_else_help = true)]
    Operation(operation::OperationCommand),

    Serve(serve::Serve),

    /// Let people and programs in to the server
    #[command(subcommand, arg_required_else_help = true)]
    Token(token::TokenCommand),

    /// Explain the configuration
    #[command(subcommand, arg_required_else_help = true)]
    Config(config::ConfigCommand),

    /// Print a completion script for a shell
    Completions(completions::Completions),
}

impl Command {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Backup(verb) => verb.run(session).await,
            Self::Restore(verb) => verb.run(session).await,
            Self::Vault(verb) => verb.run(session).await,
            Self::Queue(verb) => verb.run(session).await,
            Self::Retention(verb) => verb.run(session).await,
            Self::Operation(verb) => verb.run(session).await,
            Self::Serve(verb) => verb.run(session).await,
            Self::Token(verb) => verb.run(session),
            Self::Config(verb) => verb.run(session),
            Self::Completions(verb) => verb.run(session),
        }
    }
}
