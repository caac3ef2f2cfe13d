//! Keep rules as words.

use clap::{Args, ValueEnum};
use ostler_api::request::{self, Keep, Prune};
use ostler_vocabulary::{Failure, Span};

use super::{Tag, ratio, span, tag, tag_map};

#[derive(Debug, Args)]
pub(crate) struct KeepArguments {
    /// Keep the newest N
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_last: Option<u32>,

    /// Keep the newest of each of the newest N hours that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_hourly: Option<u32>,

    /// Keep the newest of each of the newest N days that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_daily: Option<u32>,

    /// Keep the newest of each of the newest N weeks that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_weekly: Option<u32>,

    /// Keep the newest of each of the newest N months that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_monthly: Option<u32>,

    /// Keep the newest of each of the newest N years that have one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep_yearly: Option<u32>,

    /// Keep all that are younger than this, counted from the newest, such as 7d or 1y6mo
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub keep_within: Option<Span>,

    /// Keep all with this tag; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    pub keep_tag: Vec<Tag>,

    /// What makes a group to which rules are applied; host and paths if not given
    #[arg(long, value_enum, value_delimiter = ',', value_name = "BY")]
    pub group_by: Vec<GroupBy>,

    /// Floor: never leave fewer good backups than this in a group
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub min_keep: Option<u32>,

    /// Floor: refuse a plan that deletes more than this share (0 to 1) of the good backups
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    pub max_delete_ratio: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GroupBy {
    /// The host they were made on
    Host,
    /// The paths they hold
    Paths,
    /// Their name
    Name,
    /// Their tags
    Tags,
}

impl KeepArguments {
    /// The rules, for all backups of any vault.
    pub fn prune(self) -> Result<Prune, Failure> {
        let mut group_by: Vec<request::GroupBy> = self.group_by.iter().map(|by| by.word()).collect();
        group_by.sort_unstable();
        group_by.dedup();
        Ok(Prune {
            group_by,
            keep: Keep {
                last: self.keep_last,
                hourly: self.keep_hourly,
                daily: self.keep_daily,
                weekly: self.keep_weekly,
                monthly: self.keep_monthly,
                yearly: self.keep_yearly,
                within: self.keep_within,
                tags: tag_map(&self.keep_tag)?,
                min_keep: self.min_keep,
                max_delete_ratio: self.max_delete_ratio,
            },
            ..Prune::default()
        })
    }
}

impl GroupBy {
    fn word(self) -> request::GroupBy {
        match self {
            Self::Host => request::GroupBy::Host,
            Self::Paths => request::GroupBy::Paths,
            Self::Name => request::GroupBy::Name,
            Self::Tags => request::GroupBy::Tags,
        }
    }
}
