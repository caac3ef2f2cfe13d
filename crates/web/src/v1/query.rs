//! Parameters of queries.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ostler_api::request::{Filter, Selector};
use ostler_vocabulary::{ErrorKind, Failure};

/// Names and values as they were sent.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Pairs(pub Vec<(String, String)>);

impl Pairs {
    /// The value of a parameter that may be given once.
    pub fn one<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, Failure> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(invalid(name, "is given twice"));
        }
        Ok(first.filter(|value| !value.is_empty()))
    }

    /// The values of one that may be repeated.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A switch; off when it is not given.
    pub fn is_on(&self, name: &str) -> Result<bool, Failure> {
        match self.one(name)? {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1" | "on") => Ok(true),
            Some(other) => Err(invalid(name, &format!("`{other}` is neither true nor false"))),
        }
    }

    pub fn path(&self, name: &str) -> Result<Option<PathBuf>, Failure> {
        Ok(self.one(name)?.map(PathBuf::from))
    }

    pub fn filter(&self) -> Result<Filter, Failure> {
        let mut tags = BTreeMap::new();
        for tag in self.all("tag") {
            let (key, value) = tag
                .split_once('=')
                .ok_or_else(|| invalid("tag", "is written KEY=VALUE"))?;
            tags.insert(key.to_owned(), value.to_owned());
        }
        Ok(Filter {
            host: self.one("host")?.map(str::to_owned),
            path: self.path("source")?,
            name: self.one("name")?.map(str::to_owned),
            tags,
        })
    }

    pub fn selector(&self, backup: String) -> Result<Selector, Failure> {
        Ok(Selector {
            vault: self.one("vault")?.map(str::to_owned),
            backup,
            filter: self.filter()?,
        })
    }
}

fn invalid(name: &str, what: &str) -> Failure {
    Failure::new(ErrorKind::Invalid, format!("parameter `{name}` {what}"))
}
