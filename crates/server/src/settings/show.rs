//! The configuration as it is in force, key by key, each with where it comes from. No secret is in it: the file
//! has only references, and those are shown as they are written.

use super::keys::{all, is_named};
use super::{Settings, environment};

/// One key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The key with its tables, such as `vault.default.location`.
    pub key: String,
    /// Its value as TOML.
    pub value: String,
    /// `default`, `file`, `environment` or `flag`.
    pub source: &'static str,
}

impl Settings {
    /// Every key, in the order of the file that `config init` prints; the directories first.
    #[must_use]
    pub fn show(&self) -> Vec<Shown> {
        let table: toml::Table = self
            .text
            .as_deref()
            .and_then(|text| text.parse().ok())
            .unwrap_or_default();
        let source = |flag: bool, variable: &str| match (flag, self.environment.get(variable)) {
            (true, _) => "flag",
            (false, Some(_)) => "environment",
            (false, None) => "default",
        };
        let quoted = |path: &std::path::Path| toml::Value::String(path.display().to_string()).to_string();
        let mut shown = vec![
            Shown {
                key: "config file".to_owned(),
                value: quoted(&self.config_file),
                source: source(self.flags.config.is_some(), environment::CONFIG),
            },
            Shown {
                key: "state directory".to_owned(),
                value: quoted(&self.state_directory),
                source: source(self.flags.state_directory.is_some(), environment::STATE_DIR),
            },
        ];
        for key in all().filter(|key| !is_named(key.table)) {
            let mut path: Vec<&str> = key.table.split('.').filter(|part| !part.is_empty()).collect();
            path.push(key.name);
            let (value, source) = match lookup(&table, &path) {
                Some(value) => (value.to_string(), "file"),
                None => (key.default.unwrap_or("none").to_owned(), "default"),
            };
            shown.push(Shown {
                key: path.join("."),
                value,
                source,
            });
        }
        if let Some(vault) = self.environment.get(environment::VAULT) {
            for one in shown.iter_mut().filter(|one| one.key == "defaults.vault") {
                one.value = toml::Value::String(vault.to_owned()).to_string();
                one.source = "environment";
            }
        }
        shown.extend(
            self.vault_names()
                .iter()
                .flat_map(|name| self.show_vault(name, &table)),
        );
        let named = |kind| {
            let names = table.get(kind).and_then(toml::Value::as_table);
            names.into_iter().flat_map(|names| names.keys())
        };
        for kind in ["prices", "database", "class", "cluster"] {
            shown.extend(named(kind).flat_map(|name| show_named(kind, name, &table)));
        }
        shown
    }

    fn show_vault(&self, name: &str, table: &toml::Table) -> Vec<Shown> {
        all()
            .filter_map(|key| {
                let below = key.table.strip_prefix("vault.NAME")?;
                let mut path = vec!["vault", name];
                path.extend(below.split('.').filter(|part| !part.is_empty()));
                path.push(key.name);
                let (value, source) = match lookup(table, &path) {
                    Some(value) => (value.to_string(), "file"),
                    None if key.name == "location" => (
                        toml::Value::String(self.implicit_vault().display().to_string()).to_string(),
                        "default",
                    ),
                    None => (key.default?.to_owned(), "default"),
                };
                Some(Shown {
                    key: path.join("."),
                    value,
                    source,
                })
            })
            .collect()
    }
}

fn show_named(kind: &str, name: &str, table: &toml::Table) -> Vec<Shown> {
    all()
        .filter(|key| key.table.strip_suffix(".NAME") == Some(kind))
        .filter_map(|key| {
            let path = [kind, name, key.name];
            let (value, source) = match lookup(table, &path) {
                Some(value) => (value.to_string(), "file"),
                None => (key.default?.to_owned(), "default"),
            };
            Some(Shown {
                key: path.join("."),
                value,
                source,
            })
        })
        .collect()
}

fn lookup<'a>(table: &'a toml::Table, path: &[&str]) -> Option<&'a toml::Value> {
    let (last, tables) = path.split_last()?;
    let mut here = table;
    for name in tables {
        here = here.get(*name)?.as_table()?;
    }
    here.get(*last)
}
