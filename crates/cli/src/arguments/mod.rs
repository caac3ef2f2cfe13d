//! The words of a command line that are not one verb's own.

mod approval;
mod database;
mod global;
mod keep;
mod paths;
mod retention;
mod schedule;
mod values;
mod which;

pub(crate) use approval::ApprovalArguments;
pub(crate) use database::DatabaseArguments;
pub(crate) use global::{ColorChoice, GlobalArguments, ProgressChoice};
pub(crate) use keep::KeepArguments;
pub(crate) use paths::{source_path, target_path};
pub(crate) use retention::{
    ChoiceArguments, FloorArguments, PlaceArguments, PolicyArguments, RuleWord, UnitWord, period, strategy,
};
pub(crate) use schedule::{TimesArguments, time};
pub(crate) use values::{
    Tag, backup, byte_rate, command, digest, path, pattern, ratio, request_rate, span, tag, tag_map,
    tag_or_removal, text,
};
pub(crate) use which::{FilterArguments, SelectorArguments, describe};

use clap::Parser;

use crate::commands::Command;

/// Backs up, proves that the backup is right, restores, and says OK only when it is OK.
///
/// Without any configuration, backups go to a vault in the user's data directory. Everything that takes time is an
/// operation: it has a plan, survives a crash, and can be resumed. The exit code says how a command ended; see
/// docs/reference/exit-codes.md.
#[derive(Debug, Parser)]
#[command(
    name = "ostler",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub global: GlobalArguments,

    #[command(subcommand)]
    pub command: Command,
}
