//! What is defined by name besides policies: looked at, defined, taken back.

use ostler_api::retention::{Policy, RetentionAnswer, RetentionCall};
use ostler_api::tables::{Defined, DefinitionChange, DefinitionKind, DefinitionList};
use ostler_vocabulary::Failure;

use crate::{Database, Error};

/// Answers a call about definitions.
///
/// # Errors
/// [`Error`]; failures of the database.
pub(crate) async fn answer(
    database: &dyn Database,
    policies: &[Policy],
    call: RetentionCall,
) -> Result<RetentionAnswer, Failure> {
    let name = database.name();
    match call {
        RetentionCall::Definitions { kind, name: only } => Ok(RetentionAnswer::Definitions(DefinitionList {
            definitions: match only {
                Some(only) => vec![find(database, kind, &only).await?],
                None => database.definitions(kind).await?,
            },
            database: name,
        })),
        RetentionCall::Define {
            name: wanted,
            definition,
        } => {
            let kind = definition.kind();
            if database
                .definitions(kind)
                .await?
                .iter()
                .any(|known| known.name == wanted)
            {
                return Err(Error::Defined {
                    what: kind.as_str(),
                    name: wanted,
                    database: name,
                }
                .into());
            }
            let defined = Defined {
                name: wanted,
                definition,
                levels: Vec::new(),
            };
            Ok(RetentionAnswer::Defined(DefinitionChange {
                objects: database.define(&defined).await?,
                database: name,
                kind,
                name: defined.name,
                action: "added".to_owned(),
            }))
        }
        RetentionCall::Undefine {
            kind,
            name: wanted,
            with_data,
        } => {
            let defined = find(database, kind, &wanted).await?;
            if let Some(policy) = policies
                .iter()
                .find(|policy| kind == DefinitionKind::Rollup && policy.rollup() == Some(&wanted))
            {
                return Err(Error::Needed {
                    what: kind.as_str(),
                    name: wanted,
                    by: format!("policy {}", policy.name),
                }
                .into());
            }
            Ok(RetentionAnswer::Defined(DefinitionChange {
                objects: database.undefine(&defined, with_data).await?,
                database: name,
                kind,
                name: defined.name,
                action: "removed".to_owned(),
            }))
        }
        _ => Err(Error::ForeignPlan.into()),
    }
}

/// What is defined under a name.
pub(crate) async fn find(
    database: &dyn Database,
    kind: DefinitionKind,
    name: &str,
) -> Result<Defined, Failure> {
    let all = database.definitions(kind).await?;
    let known = all.iter().map(|defined| defined.name.clone()).collect();
    let found = all.into_iter().find(|defined| defined.name == name);
    Ok(found.ok_or_else(|| Error::Undefined {
        what: kind.as_str(),
        name: name.to_owned(),
        database: database.name(),
        known,
    })?)
}
