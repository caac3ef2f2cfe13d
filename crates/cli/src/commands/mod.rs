//! One file a verb: words → request → client → print.

mod agent;
mod audit;
mod backup;
mod cassandra;
mod cluster;
mod completions;
mod config;
mod definition;
mod materialize;
mod metrics;
mod operation;
mod query;
mod queue;
mod restore;
mod retention;
mod rollup;
mod schedule;
mod serve;
mod state;
mod token;
mod user;
mod vault;
mod webhook;

use clap::Subcommand;
use ostler_api::Request;
use ostler_vocabulary::{ErrorKind, Failure};

use crate::operate::Approval;
use crate::session::Session;

/// Why a verb cannot be scheduled.
fn not_scheduled() -> Failure {
    Failure::new(ErrorKind::Invalid, "this command is not run by schedules")
        .with_hint("what is: backup create, verify, drill and prune; vault check and mirror; retention run; rollup and materialize refresh; query run")
}

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

    /// Make and look at clusters, whose nodes are backed up together
    #[command(subcommand, arg_required_else_help = true)]
    Cluster(Box<cluster::ClusterCommand>),

    Agent(agent::Agent),

    /// Have the Cassandra of this node do something, without `nodetool`
    #[command(subcommand, arg_required_else_help = true)]
    Cassandra(cassandra::CassandraCommand),

    /// Install and look after PgQ queues in PostgreSQL
    #[command(subcommand, arg_required_else_help = true)]
    Queue(Box<queue::QueueCommand>),

    /// Age the data of tables by policy
    #[command(subcommand, arg_required_else_help = true)]
    Retention(Box<retention::RetentionCommand>),

    /// Sum up tables by time, in levels
    #[command(subcommand, arg_required_else_help = true)]
    Rollup(Box<rollup::RollupCommand>),

    /// Keep the rows of a query as a table
    #[command(subcommand, arg_required_else_help = true)]
    Materialize(Box<materialize::MaterializeCommand>),

    /// Run statements as operations
    #[command(subcommand, arg_required_else_help = true)]
    Query(Box<query::QueryCommand>),

    /// Look at, stop and resume work
    #[command(subcommand, arg_required_else_help = true)]
    Operation(operation::OperationCommand),

    /// Do things again and again, at their times
    #[command(subcommand, arg_required_else_help = true)]
    Schedule(Box<schedule::ScheduleCommand>),

    Serve(serve::Serve),

    /// Tell others when something changes
    #[command(subcommand, arg_required_else_help = true)]
    Webhook(webhook::WebhookCommand),

    Metrics(metrics::Metrics),

    /// See who changed what
    #[command(subcommand, arg_required_else_help = true)]
    Audit(audit::AuditCommand),

    /// Let people and programs in to the server
    #[command(subcommand, arg_required_else_help = true)]
    Token(token::TokenCommand),

    /// Let people in to the server's dashboard
    #[command(subcommand, arg_required_else_help = true)]
    User(user::UserCommand),

    /// Take what a server knows to another one
    #[command(subcommand, arg_required_else_help = true)]
    State(state::StateCommand),

    /// Explain the configuration
    #[command(subcommand, arg_required_else_help = true)]
    Config(config::ConfigCommand),

    /// Print a completion script for a shell
    Completions(completions::Completions),
}

impl Command {
    /// What the words ask for, where it is something that can be done again and again.
    pub fn wish(self, session: &Session) -> Result<(Request, Approval), Failure> {
        match self {
            Self::Backup(verb) => verb.wish(session),
            Self::Vault(verb) => verb.wish(session),
            Self::Retention(verb) => verb.wish(),
            Self::Rollup(verb) => verb.wish(),
            Self::Materialize(verb) => verb.wish(),
            Self::Query(verb) => verb.wish(),
            _ => Err(not_scheduled()),
        }
    }

    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        match self {
            Self::Backup(verb) => verb.run(session).await,
            Self::Restore(verb) => verb.run(session).await,
            Self::Vault(verb) => verb.run(session).await,
            Self::Cluster(verb) => verb.run(session).await,
            Self::Agent(verb) => verb.run(session).await,
            Self::Cassandra(verb) => verb.run(session).await,
            Self::Queue(verb) => verb.run(session).await,
            Self::Retention(verb) => verb.run(session).await,
            Self::Rollup(verb) => verb.run(session).await,
            Self::Materialize(verb) => verb.run(session).await,
            Self::Query(verb) => verb.run(session).await,
            Self::Operation(verb) => verb.run(session).await,
            Self::Schedule(verb) => verb.run(session).await,
            Self::Serve(verb) => verb.run(session).await,
            Self::Webhook(verb) => verb.run(session).await,
            Self::Metrics(verb) => verb.run(session).await,
            Self::Audit(verb) => verb.run(session).await,
            Self::Token(verb) => verb.run(session).await,
            Self::User(verb) => verb.run(session).await,
            Self::State(verb) => verb.run(session).await,
            Self::Config(verb) => verb.run(session).await,
            Self::Completions(verb) => verb.run(session),
        }
    }
}
