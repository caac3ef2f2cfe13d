//! Policies: where they are, which are meant, what they say.

use std::collections::BTreeSet;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
use clap::{Args, ValueEnum};
use ostler_api::retention::{
    DEFAULT_SCHEMA, Floors, PartitionRule, PolicyChange, PolicyChoice, PolicyPlace, Strategy, TimeUnit,
};
use ostler_vocabulary::Period;

use super::{DatabaseArguments, ratio, text};

#[derive(Debug, Args)]
pub(crate) struct PlaceArguments {
    #[command(flatten)]
    pub database: DatabaseArguments,

    /// The schema of the policies' tables
    #[arg(long, value_name = "SCHEMA", env = "CRATEDB_EXT_SCHEMA", hide_env = true, default_value = DEFAULT_SCHEMA, value_parser = text())]
    pub schema: String,
}

impl PlaceArguments {
    pub fn place(self) -> PolicyPlace {
        PolicyPlace {
            database: self.database.choice(),
            schema: self.schema,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ChoiceArguments {
    /// Only this policy; may be repeated
    #[arg(long = "policy", value_name = "NAME", value_parser = text())]
    pub policies: Vec<String>,

    /// Only policies with all these tags
    #[arg(long, value_name = "TAG", value_delimiter = ',', value_parser = text())]
    pub tags: Vec<String>,
}

impl ChoiceArguments {
    pub fn choice(self) -> PolicyChoice {
        PolicyChoice {
            names: self.policies,
            tags: self.tags.into_iter().collect(),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct FloorArguments {
    /// Floor: refuse to remove more rows than this
    #[arg(long, value_name = "N")]
    pub max_rows: Option<u64>,

    /// Floor: refuse to remove more than this share (0 to 1) of a table's rows
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    pub max_delete_ratio: Option<f64>,

    /// Floor: so many of the newest partitions always stay (1 if not given); of rows, refuse to leave fewer
    #[arg(long, value_name = "N")]
    pub min_keep: Option<u64>,
}

impl FloorArguments {
    pub fn floors(&self) -> Floors {
        Floors {
            max_rows: self.max_rows,
            max_delete_ratio: self.max_delete_ratio,
            min_keep: self.min_keep,
        }
    }
}

/// What is said of a policy besides table, column, strategy and duration.
#[derive(Debug, Args)]
pub(crate) struct PolicyArguments {
    /// By which policies are chosen; may be repeated
    #[arg(long, value_name = "TAG", value_delimiter = ',', value_parser = text())]
    pub tags: Vec<String>,

    /// The zone in which days and months are counted, and of times that name none; UTC if not given
    #[arg(long, value_name = "ZONE", value_parser = text())]
    pub time_zone: Option<String>,

    /// How the column tells a time, where its type does not say
    #[arg(long, value_enum, value_name = "UNIT")]
    pub unit: Option<UnitWord>,

    /// Which end of a partition has to be old enough; `end` if not given
    #[arg(long, value_enum, value_name = "RULE")]
    pub partition_rule: Option<RuleWord>,

    /// archive: where rows are kept, an address such as s3://bucket/prefix or a [class.NAME] of the configuration; downsample: the rollup;
    /// reallocate: a [class.NAME], a tablespace, or ATTRIBUTE=VALUE of CrateDB's nodes; snapshot: a repository, or a [class.NAME]
    #[arg(long, value_name = "TARGET", value_parser = text())]
    pub target: Option<String>,

    /// ahead: how long a partition is; as long as the newest one if not given
    #[arg(long, value_name = "DURATION", value_parser = period)]
    pub step: Option<Period>,

    /// keep-last: rows to keep of each key
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub last: Option<u32>,

    /// keep-last: columns of the key; may be repeated
    #[arg(long, value_name = "COLUMN", value_parser = text())]
    pub by: Vec<String>,

    #[command(flatten)]
    pub floors: FloorArguments,
}

impl PolicyArguments {
    pub fn change(self) -> PolicyChange {
        PolicyChange {
            tags: self.tags.into_iter().collect::<BTreeSet<_>>(),
            time_zone: self.time_zone,
            unit: self.unit.map(UnitWord::unit),
            partition_rule: self.partition_rule.map(RuleWord::rule),
            target: self.target,
            step: self.step,
            last: self.last,
            by: self.by,
            floors: self.floors.floors(),
            ..PolicyChange::default()
        }
    }
}

/// Reads a strategy's word, in letters of any case.
pub(crate) fn strategy() -> impl clap::builder::TypedValueParser<Value = Strategy> {
    let words = Strategy::ALL.map(|strategy| PossibleValue::new(strategy.as_str()).help(strategy.about()));
    PossibleValuesParser::new(words)
        .try_map(|word| Strategy::named(&word).ok_or_else(|| format!("`{word}` is no strategy")))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuleWord {
    /// Its end: no row in it is too young
    End,
    /// Its start, as CrateDB Toolkit does
    Start,
}

impl RuleWord {
    pub fn rule(self) -> PartitionRule {
        match self {
            Self::End => PartitionRule::End,
            Self::Start => PartitionRule::Start,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UnitWord {
    /// Seconds since 1970
    S,
    /// Milliseconds since 1970
    Ms,
    /// Microseconds since 1970
    Us,
    /// Nanoseconds since 1970
    Ns,
    /// The time in a UUID of version 7
    Uuidv7,
    /// The time in a ULID
    Ulid,
}

impl UnitWord {
    pub fn unit(self) -> TimeUnit {
        match self {
            Self::S => TimeUnit::S,
            Self::Ms => TimeUnit::Ms,
            Self::Us => TimeUnit::Us,
            Self::Ns => TimeUnit::Ns,
            Self::Uuidv7 => TimeUnit::Uuidv7,
            Self::Ulid => TimeUnit::Ulid,
        }
    }
}

/// A length of time on a calendar.
pub(crate) fn period(text: &str) -> Result<Period, String> {
    text.parse::<Period>().map_err(|error| error.to_string())
}
