//! `ostler backup create`

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use ostler_api::request::{CreateBackup, HookFailure, Hooks, Request};
use ostler_vocabulary::Failure;

use crate::arguments::{ApprovalArguments, Tag, command, path, pattern, tag, tag_map, text};
use crate::error::CommandError;
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Back up directories and files
///
/// The backup counts as complete only after everything it needs was found in the store. The state directory and the
/// vault itself are always left out. Files that cannot be read make the backup partial (exit code 3), with their list.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Directories and files
    #[arg(value_name = "PATH", required_unless_present = "cluster", value_parser = path())]
    paths: Vec<PathBuf>,

    /// Back up this cluster instead, all nodes together; PATHs are then names of its roots
    #[arg(long, value_name = "CLUSTER", value_parser = text(), conflicts_with_all = ["before", "after"])]
    cluster: Option<String>,

    /// How many nodes the backup has to hold; with fewer than all it is partial
    #[arg(long, value_name = "N", requires = "cluster", value_parser = clap::value_parser!(u32).range(1..))]
    quorum: Option<u32>,

    /// Take only what the database wrote since the last backup, where it keeps that and nothing would be missing
    #[arg(long, requires = "cluster", conflicts_with = "read_all")]
    delta: bool,

    /// The vault's name; the default vault if not given
    #[arg(long, value_name = "VAULT", value_parser = text())]
    vault: Option<String>,

    /// A name that can be used instead of the backup's id
    #[arg(long, value_name = "NAME", value_parser = text())]
    name: Option<String>,

    /// A tag; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<Tag>,

    /// Leave out what matches this pattern; may be repeated
    #[arg(long, value_name = "GLOB", value_parser = pattern)]
    exclude: Vec<String>,

    /// Leave out what matches the patterns in this file, one a line; `#` begins a comment
    #[arg(long = "exclude-file", value_name = "FILE", value_parser = path())]
    exclude_files: Vec<PathBuf>,

    /// Stay on the file system each path is on
    #[arg(long)]
    one_file_system: bool,

    /// Read every file, even those that look unchanged
    #[arg(long)]
    read_all: bool,

    /// A command run before the first file is read, for instance to quiesce a service
    #[arg(long, value_name = "COMMAND", value_parser = command())]
    before: Option<String>,

    /// A command run after the last file was read, also when reading failed
    #[arg(long, value_name = "COMMAND", value_parser = command())]
    after: Option<String>,

    /// What a failing command means
    #[arg(long, value_enum, default_value_t = OnHookFailure::Fail, value_name = "POLICY")]
    on_hook_failure: OnHookFailure,

    /// Print the plan with its digest and change nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OnHookFailure {
    /// The backup fails; nothing is committed
    Fail,
    /// The backup is committed as partial
    Partial,
    /// The failure is only reported
    Ignore,
}

impl Create {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let (request, approval) = self.wish(session)?;
        carry_out(session, request, approval).await
    }

    /// What the words ask for.
    pub fn wish(self, session: &Session) -> Result<(Request, Approval), Failure> {
        let mut paths = Vec::new();
        for typed in &self.paths {
            paths.push(match self.cluster {
                Some(_) => typed.clone(),
                None => session.source(typed)?,
            });
        }
        paths.sort();
        paths.dedup();
        let mut exclude = self.exclude;
        for file in &self.exclude_files {
            exclude.extend(patterns_of(&session.directory.join(file))?);
        }
        let request = Request::CreateBackup(CreateBackup {
            vault: self.vault,
            paths,
            name: self.name,
            tags: tag_map(&self.tags)?,
            exclude,
            one_file_system: self.one_file_system,
            read_all: self.read_all,
            delta: self.delta,
            dry_run: self.dry_run,
            cluster: self.cluster,
            quorum: self.quorum,
            hooks: Hooks {
                before: self.before,
                after: self.after,
                on_failure: match self.on_hook_failure {
                    OnHookFailure::Fail => HookFailure::Fail,
                    OnHookFailure::Partial => HookFailure::Partial,
                    OnHookFailure::Ignore => HookFailure::Ignore,
                },
            },
        });
        let approval = ApprovalArguments {
            dry_run: self.dry_run,
            ..ApprovalArguments::default()
        };
        Ok((request, Approval::offered(approval)))
    }
}

fn patterns_of(file: &Path) -> Result<Vec<String>, Failure> {
    let text = fs::read_to_string(file).map_err(|source| CommandError::ReadPatterns {
        path: file.to_owned(),
        source,
    })?;
    let mut patterns = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        patterns.push(pattern(line).map_err(|reason| CommandError::PatternLine {
            path: file.to_owned(),
            line: index + 1,
            reason,
        })?);
    }
    Ok(patterns)
}
