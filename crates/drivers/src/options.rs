//! What the configuration says of a driver that only this driver knows.

use std::collections::BTreeMap;

use globset::GlobBuilder;
use serde::Deserialize;

use crate::{Error, Wanted};

/// What is said of an option.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a text, `true` or `false`, or a list of texts"
)]
pub enum Said {
    /// A text.
    Text(String),
    /// Yes or no.
    Switch(bool),
    /// Several texts.
    List(Vec<String>),
}

impl From<&str> for Said {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The options of a driver, for whoever understands them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options<'a> {
    driver: &'static str,
    wanted: &'a Wanted,
}

impl<'a> Options<'a> {
    /// Refuses options that the driver does not know. What ends with a dot is what names begin with.
    pub(crate) fn of(driver: &'static str, wanted: &'a Wanted, known: &[&str]) -> Result<Self, Error> {
        let options = Self { driver, wanted };
        let knows = |key: &str| {
            let begins =
                |known: &&str| known.ends_with('.') && key.len() > known.len() && key.starts_with(*known);
            known.contains(&key) || known.iter().any(begins)
        };
        match wanted.options.keys().find(|key| !knows(key)) {
            None => Ok(options),
            Some(key) => Err(options.wrong(key, format!("it has {}", known.join(", ")))),
        }
    }

    /// An option cannot be used.
    pub(crate) fn wrong(self, key: &str, reason: String) -> Error {
        Error::Option {
            driver: self.driver,
            cluster: self.wanted.cluster.clone(),
            key: key.to_owned(),
            reason,
        }
    }

    pub(crate) fn text(self, key: &str) -> Result<Option<String>, Error> {
        match self.wanted.options.get(key) {
            None => Ok(None),
            Some(Said::Text(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.wrong(key, format!("write a text: {key} = \"…\""))),
        }
    }

    /// Texts of all options that begin so, by the rest of their names.
    pub(crate) fn texts(self, beginning: &str) -> Result<BTreeMap<String, String>, Error> {
        let names = self.wanted.options.keys();
        let texts = names.filter_map(|key| {
            let name = key.strip_prefix(beginning)?;
            Some((name.to_owned(), self.text(key)))
        });
        texts
            .map(|(name, text)| Ok((name, text?.unwrap_or_default())))
            .collect()
    }

    pub(crate) fn switch(self, key: &str) -> Result<Option<bool>, Error> {
        match self.wanted.options.get(key) {
            None => Ok(None),
            Some(Said::Switch(on)) => Ok(Some(*on)),
            Some(_) => Err(self.wrong(key, format!("write {key} = true or {key} = false"))),
        }
    }

    /// Patterns of files, as agents understand them.
    pub(crate) fn globs(self, key: &str) -> Result<Vec<String>, Error> {
        let globs = match self.wanted.options.get(key) {
            None => return Ok(Vec::new()),
            Some(Said::List(globs)) => globs,
            Some(_) => return Err(self.wrong(key, format!("write a list: {key} = [\"*.sst\"]"))),
        };
        for glob in globs {
            if glob.is_empty() || glob.ends_with('/') {
                return Err(self.wrong(key, format!("`{glob}` matches no file")));
            }
            let parsed = GlobBuilder::new(glob)
                .literal_separator(true)
                .backslash_escape(true)
                .build();
            if let Err(error) = parsed {
                return Err(self.wrong(key, format!("`{glob}` is no pattern: {}", error.kind())));
            }
        }
        Ok(globs.clone())
    }
}
