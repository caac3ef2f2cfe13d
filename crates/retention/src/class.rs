//! Classes of storage: names such as hot, warm and cold, of which the configuration says what they are to each system. Pure.

use ostler_api::document::RetentionProblem;
use ostler_api::retention::{Policy, Strategy};
use ostler_vocabulary::ErrorKind;

use crate::Database;
use crate::archive::Shelves;
use crate::strategy::problem;

/// What a class of storage is, apart from the store that archives of it are in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Class {
    /// PostgreSQL's tablespace.
    pub tablespace: Option<String>,
    /// What CrateDB's nodes have to have: `ATTRIBUTE=VALUE`.
    pub attribute: Option<String>,
    /// CrateDB's repository of snapshots.
    pub repository: Option<String>,
}

/// Which of them a strategy is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassKey {
    /// `tablespace`
    Tablespace,
    /// `attribute`
    Attribute,
    /// `repository`
    Repository,
}

impl ClassKey {
    /// Its name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tablespace => "tablespace",
            Self::Attribute => "attribute",
            Self::Repository => "repository",
        }
    }

    fn of(self, class: Class) -> Option<String> {
        match self {
            Self::Tablespace => class.tablespace,
            Self::Attribute => class.attribute,
            Self::Repository => class.repository,
        }
    }
}

/// A policy with its target as the database calls it. What is no class is taken as it is: the database's own name.
///
/// # Errors
/// A class that says nothing for this database and strategy.
pub(crate) fn resolved(
    database: &dyn Database,
    shelves: &dyn Shelves,
    policy: &Policy,
) -> Result<Policy, RetentionProblem> {
    let mut policy = policy.clone();
    if !matches!(policy.strategy, Strategy::Reallocate | Strategy::Snapshot) {
        return Ok(policy);
    }
    let (Some(key), Some(name)) = (database.class_key(policy.strategy), policy.target.clone()) else {
        return Ok(policy);
    };
    if let Some(class) = shelves.class(&name) {
        let Some(target) = key.of(class) else {
            let key = key.as_str();
            return Err(problem(
                ErrorKind::Invalid,
                format!(
                    "class of storage `{name}` has no `{key}`: [class.{name}] of the configuration may say it"
                ),
            ));
        };
        policy.target = Some(target);
    }
    Ok(policy)
}
