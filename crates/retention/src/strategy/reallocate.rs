//! *reallocate*: whole partitions moved: to nodes with an attribute, or, where a server has files in tablespaces, to one of those.

use ostler_api::document::RetentionProblem;
use ostler_api::retention::Policy;
use ostler_vocabulary::ErrorKind;

use super::{Besides, Decision, Fault, Question, Target, drop, problem, tablespace};
use crate::column::TimeColumn;
use crate::facts::Table;

/// The attribute and its value: `storage=warm`.
///
/// # Errors
/// When it is neither that nor a class of storage.
pub(super) fn attribute(policy: &Policy) -> Result<(&str, &str), RetentionProblem> {
    let target = policy.target.as_deref().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let named = |(attribute, value): &(&str, &str)| {
        !attribute.is_empty()
            && attribute.chars().all(plain)
            && !value.trim().is_empty()
            && !value.chars().any(char::is_control)
    };
    target.split_once('=').filter(named).ok_or_else(|| {
        let reason = format!(
            "`{target}` is no class of storage of the configuration, and does not say which nodes: `ATTRIBUTE=VALUE`"
        );
        problem(ErrorKind::NotFound, reason)
    })
}

pub(super) fn valid(policy: &Policy) -> Result<(), Fault> {
    let target = policy.target.as_deref().unwrap_or_default();
    match !target.trim().is_empty() && !target.chars().any(char::is_control) {
        true => Ok(()),
        false => Err(Fault {
            reason: "it does not say where partitions are moved to",
            cure: Some(
                "`reallocate:CLASS`, `reallocate:TABLESPACE`, or of CrateDB `reallocate:ATTRIBUTE=VALUE`",
            ),
        }),
    }
}

pub(super) fn decide(
    question: &Question<'_>,
    table: &Table,
    column: TimeColumn,
) -> Result<Decision, RetentionProblem> {
    if let Some(files) = &table.whereabouts.files {
        return tablespace::decide(question, table, column, files);
    }
    let (attribute, value) = attribute(question.policy)?;
    let nodes = table.whereabouts.nodes.values();
    if !nodes
        .clone()
        .any(|node| node.get(attribute).is_some_and(|has| has == value))
    {
        let reason = format!("no node has the attribute {attribute}={value}: nothing would move");
        return Err(problem(ErrorKind::Invalid, reason));
    }
    // Nothing goes, so the newest may move too.
    let all = Question {
        min_keep: 0,
        ..question.clone()
    };
    let mut decision = drop::decide(&all, table, column)?;
    let mut there = Vec::new();
    decision.items.retain_mut(|item| {
        let Target::Values { partition, .. } = &item.target else {
            return false;
        };
        let place = table.whereabouts.partitions.get(&partition.ident);
        let required = place.and_then(|place| place.required.get(attribute));
        let (settled, all) = table.whereabouts.settled(&partition.ident, attribute, value);
        if settled == all && required.is_some_and(|it| it == value) {
            there.push(item.table.clone());
            return false;
        }
        item.action = "reallocate partition";
        item.besides = Some(Besides::Reallocate {
            attribute: attribute.to_owned(),
            value: value.to_owned(),
        });
        true
    });
    for verdict in decision
        .partitions
        .iter_mut()
        .filter(|it| there.contains(&it.partition))
    {
        verdict.goes = false;
        verdict.reason = format!("it is on nodes with {attribute}={value} already");
    }
    Ok(decision)
}

#[cfg(test)]
mod tests {
    use super::attribute;
    use ostler_api::retention::{Policy, Strategy, TableName};
    use ostler_vocabulary::Period;

    #[test]
    fn an_attribute_has_a_name_and_a_value() {
        let table = TableName::in_public("t");
        let mut policy = Policy::new("p", table, "at", Strategy::Reallocate, Period::Infinite);
        for (target, expected) in [
            (None, None),
            (Some("warm"), None),
            (Some("=warm"), None),
            (Some("storage="), None),
            (Some("sto\"rage=warm"), None),
            (Some("storage=warm"), Some(("storage", "warm"))),
            (Some("rack.id=a=b"), Some(("rack.id", "a=b"))),
        ] {
            policy.target = target.map(str::to_owned);
            assert_eq!(attribute(&policy).ok(), expected, "{target:?}");
        }
    }
}
