//! Words that say which backups are meant. They mean the same in every verb.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use ostler_api::request::{Filter, Selector};
use ostler_vocabulary::Failure;

use super::{Tag, backup, path, tag, tag_map, text};

/// The vault, and what narrows a set of backups.
#[derive(Debug, Args)]
pub(crate) struct FilterArguments {
    /// The vault's name; if not given, any that is configured, or the default vault where something is deleted
    #[arg(long, value_name = "VAULT", value_parser = text())]
    pub vault: Option<String>,

    /// Only backups made on this host
    #[arg(long, value_name = "HOST", value_parser = text())]
    pub host: Option<String>,

    /// Only backups whose source has this path
    #[arg(long, value_name = "PATH", value_parser = path())]
    pub path: Option<PathBuf>,

    /// Only backups with this name
    #[arg(long, value_name = "NAME", value_parser = text())]
    pub name: Option<String>,

    /// Only backups with this tag; may be repeated, and all must match
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    pub tags: Vec<Tag>,
}

impl FilterArguments {
    pub fn filter(&self) -> Result<Filter, Failure> {
        Ok(Filter {
            host: self.host.clone(),
            path: self.path.clone(),
            name: self.name.clone(),
            tags: tag_map(&self.tags)?,
        })
    }

    pub fn selector(&self, backup: &str) -> Result<Selector, Failure> {
        Ok(Selector {
            vault: self.vault.clone(),
            backup: backup.to_owned(),
            filter: self.filter()?,
        })
    }
}

/// One backup.
#[derive(Debug, Args)]
pub(crate) struct SelectorArguments {
    /// An id, a unique prefix of one, a name, `latest` or `latest~N`
    #[arg(value_name = "BACKUP", value_parser = backup())]
    pub backup: String,

    #[command(flatten)]
    pub narrowed: FilterArguments,
}

impl SelectorArguments {
    pub fn selector(&self) -> Result<Selector, Failure> {
        self.narrowed.selector(&self.backup)
    }
}

/// The filter in words, for messages.
pub(crate) fn describe(filter: &Filter) -> String {
    let mut parts = Vec::new();
    parts.extend(filter.host.iter().map(|host| format!("host `{host}`")));
    parts.extend(
        filter
            .path
            .iter()
            .map(|path| format!("path `{}`", path.display())),
    );
    parts.extend(filter.name.iter().map(|name| format!("name `{name}`")));
    parts.extend(tags(&filter.tags).map(|tag| format!("tag `{tag}`")));
    parts.join(" and ")
}

fn tags(tags: &BTreeMap<String, String>) -> impl Iterator<Item = String> + '_ {
    tags.iter().map(|(key, value)| format!("{key}={value}"))
}
