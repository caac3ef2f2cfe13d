//! The policies of a database: looked at, added, changed, checked.

use std::collections::BTreeMap;

use ostler_api::document::{
    PolicyChanged, PolicyChanges, PolicyCheckList, PolicyFinding, PolicyList, PolicyTags, RetentionHistory,
    RetentionProblem,
};
use ostler_api::retention::{PartitionRule, Policy, PolicyWish, RetentionAnswer, RetentionCall, Strategy};
use ostler_api::tables::DefinitionKind;
use ostler_vocabulary::{Failure, Timestamp};

use crate::archive::Shelves;
use crate::class::resolved;
use crate::facts::{Shape, Table};
use crate::plan::{choose, facts_for, supported};
use crate::strategy::{self, Decision, Question, decide, threshold, time_column};
use crate::{Database, Error, cutoff, definition, fault, obstacle};

/// Answers a call.
///
/// # Errors
/// [`Error`]; failures of the database.
pub async fn answer(
    database: &dyn Database,
    shelves: &dyn Shelves,
    call: RetentionCall,
    now: Timestamp,
) -> Result<RetentionAnswer, Failure> {
    let name = database.name();
    let policies = database.policies().await?;
    let changes = match call {
        RetentionCall::List { choice } => {
            let nothing_asked = choice == Default::default();
            return Ok(RetentionAnswer::Policies(PolicyList {
                policies: match policies.is_empty() && nothing_asked {
                    true => policies,
                    false => choose(&name, policies, &choice, None)?,
                },
                database: name,
            }));
        }
        RetentionCall::Tags => {
            let mut tags: BTreeMap<String, u64> = BTreeMap::new();
            for tag in policies.iter().flat_map(|policy| &policy.tags) {
                *tags.entry(tag.clone()).or_default() += 1;
            }
            return Ok(RetentionAnswer::Tags(PolicyTags { database: name, tags }));
        }
        RetentionCall::Check { choice } => {
            let all = policies.clone();
            let chosen = choose(&name, policies, &choice, None)?;
            let mut findings = Vec::new();
            for policy in &chosen {
                let found = check(database, shelves, policy, &all, now).await;
                findings.extend(fault::findings(database, &policy.name, found).await?);
            }
            return Ok(RetentionAnswer::Checked(PolicyCheckList {
                database: name,
                policies: chosen.len() as u64,
                findings,
            }));
        }
        RetentionCall::History { limit } => {
            return Ok(RetentionAnswer::History(RetentionHistory {
                entries: database.history(limit).await?,
                database: name,
            }));
        }
        RetentionCall::Definitions { .. } | RetentionCall::Define { .. } | RetentionCall::Undefine { .. } => {
            return definition::answer(database, &policies, call).await;
        }
        RetentionCall::Add { wish, replace } => vec![add(database, shelves, policies, wish, replace).await?],
        RetentionCall::Import {
            policies: wanted,
            replace,
        } => {
            let mut changes = Vec::new();
            for mut policy in wanted {
                valid(&policy)?;
                can_be(database, &policy)?;
                let before = policies.iter().find(|known| known.name == policy.name).cloned();
                if let (Some(_), false) = (&before, replace) {
                    return Err(exists(policy.name, name).into());
                }
                policy.version = 0;
                changes.push(changed(before, Some(policy)));
            }
            changes
        }
        RetentionCall::Edit {
            policy,
            version,
            change,
        } => {
            let before = one(&name, policies, &policy)?;
            if let Some(expected) = version.filter(|version| *version != before.version) {
                return Err(Error::Changed {
                    name: policy,
                    found: before.version,
                    expected,
                }
                .into());
            }
            let after = change.applied(before.clone());
            valid(&after)?;
            can_be(database, &after)?;
            vec![changed(Some(before), Some(after))]
        }
        RetentionCall::Remove { choice } => choose(&name, policies, &choice, None)?
            .into_iter()
            .map(|policy| changed(Some(policy), None))
            .collect(),
    };
    let real: Vec<PolicyChanged> = changes
        .iter()
        .filter(|change| change.action != "unchanged")
        .cloned()
        .collect();
    if !real.is_empty() {
        database.change(&real).await?;
    }
    Ok(RetentionAnswer::Changes(PolicyChanges {
        database: name,
        changes,
    }))
}

fn exists(name: String, database: String) -> Error {
    Error::Exists { name, database }
}

fn one(database: &str, policies: Vec<Policy>, name: &str) -> Result<Policy, Error> {
    let choice = ostler_api::retention::PolicyChoice {
        names: vec![name.to_owned()],
        ..Default::default()
    };
    let mut chosen = choose(database, policies, &choice, None)?;
    chosen.pop().ok_or_else(|| Error::NoPolicy {
        database: database.to_owned(),
        choice: format!("is called `{name}`"),
        known: Vec::new(),
    })
}

/// The change from one state to another, with the next version.
fn changed(before: Option<Policy>, after: Option<Policy>) -> PolicyChanged {
    let named = after.as_ref().or(before.as_ref());
    let policy = named.map(|policy| policy.name.clone()).unwrap_or_default();
    let version = before.as_ref().map_or(0, |before| before.version);
    let mut after = after;
    if let Some(after) = &mut after {
        after.version = version;
    }
    let action = match (&before, &after) {
        (Some(before), Some(after)) if before == after => "unchanged",
        (Some(_), Some(_)) => "changed",
        (None, _) => "added",
        (_, None) => "removed",
    };
    if let (Some(after), false) = (&mut after, action == "unchanged") {
        after.version = version + 1;
    }
    PolicyChanged {
        policy,
        action: action.to_owned(),
        before,
        after,
    }
}

/// What can be told without the table.
fn valid(policy: &Policy) -> Result<(), Error> {
    cutoff::zone(&policy.time_zone)?;
    let wrong = |reason: &str, cure: Option<&str>| {
        Err(Error::Policy {
            name: policy.name.clone(),
            reason: reason.to_owned(),
            cure: cure.map(str::to_owned),
        })
    };
    let blank = |text: &str| text.trim().is_empty() || text.chars().any(char::is_control);
    if blank(&policy.name) {
        return wrong("its name is blank", None);
    }
    if blank(&policy.column) {
        return wrong("it names no column", Some("name it: `TABLE:COLUMN`"));
    }
    if policy.tags.iter().any(|tag| blank(tag)) {
        return wrong("a tag is blank", None);
    }
    if policy
        .floors
        .max_delete_ratio
        .is_some_and(|ratio| !(0.0..=1.0).contains(&ratio))
    {
        return wrong("max_delete_ratio is a share from 0 to 1", None);
    }
    if policy.target.is_some() && !policy.strategy.has_target() {
        return wrong(
            "its strategy has no target",
            Some("`archive:TARGET`, `downsample:ROLLUP`, `reallocate:TARGET`, `snapshot:REPOSITORY`"),
        );
    }
    strategy::valid(policy).or_else(|fault| wrong(fault.reason, fault.cure))
}

/// Whether the database has the strategy.
fn can_be(database: &dyn Database, policy: &Policy) -> Result<(), Failure> {
    supported(database, policy).map_err(|problem| Failure::new(problem.kind, problem.reason))
}

async fn add(
    database: &dyn Database,
    shelves: &dyn Shelves,
    policies: Vec<Policy>,
    wish: PolicyWish,
    replace: bool,
) -> Result<PolicyChanged, Failure> {
    let name = wish.name.clone().unwrap_or_else(|| wish.table.to_string());
    let before = policies.into_iter().find(|known| known.name == name);
    if before.is_some() && !replace {
        return Err(exists(name, database.name()).into());
    }
    let facts = database.facts(&wish.table).await?.ok_or_else(|| Error::NoTable {
        table: wish.table.clone(),
        database: database.name(),
    })?;
    let column = match &wish.column {
        Some(column) => column.clone(),
        None => guess(&facts, &wish)?,
    };
    let strategy = wish.strategy.unwrap_or(match facts.partitioned_by(&column) {
        true => Strategy::Drop,
        false => Strategy::Delete,
    });
    let mut policy = before
        .clone()
        .unwrap_or_else(|| Policy::new(name, wish.table.clone(), &column, strategy, wish.keep));
    policy.table = wish.table;
    policy.column = column;
    policy.strategy = strategy;
    policy.keep = wish.keep;
    policy.target = None;
    let policy = wish.change.applied(policy);
    valid(&policy)?;
    can_be(database, &policy)?;
    if let Some(target) = policy.shelf() {
        shelves.shelf(target).await?;
    }
    if let Some(rollup) = policy.rollup() {
        definition::find(database, DefinitionKind::Rollup, rollup).await?;
    }
    let refused = |problem: RetentionProblem| Failure::new(problem.kind, problem.reason);
    time_column(&policy, &facts).map_err(refused)?;
    let meant = resolved(database, shelves, &policy).map_err(refused)?;
    let facts = database.look_around(facts, &meant).await?;
    strategy::known_place(&meant, &facts).map_err(refused)?;
    Ok(changed(before, Some(policy)))
}

/// The column by which the table is partitioned, or the only one that tells a time.
fn guess(facts: &Table, wish: &PolicyWish) -> Result<String, Error> {
    let times: Vec<&str> = facts
        .columns
        .iter()
        .filter(|column| column.made_from.is_none())
        .filter(|column| crate::column::TimeColumn::of(&column.type_name, wish.change.unit).is_ok())
        .map(|column| column.name.as_str())
        .collect();
    let keys: Vec<&str> = times
        .iter()
        .copied()
        .filter(|name| facts.partitioned_by(name))
        .collect();
    match (keys.as_slice(), times.as_slice()) {
        ([only], _) | ([], [only]) => Ok((*only).to_owned()),
        (_, found) => Err(Error::WhichColumn {
            table: wish.table.clone(),
            reason: match found {
                [] => "none is of a type that tells a time by itself".to_owned(),
                several => format!("there are {}", several.join(", ")),
            },
        }),
    }
}

/// What CrateDB Toolkit, which made the policy and compared starts, would take besides. What it made is of version 0.
fn toolkit_note(question: &Question<'_>, facts: &Table, decision: &Decision) -> Option<String> {
    if question.policy.version > 0 || question.rule == PartitionRule::Start || decision.partitions.is_empty()
    {
        return None;
    }
    let by_start = decide(
        &Question {
            rule: PartitionRule::Start,
            ..question.clone()
        },
        facts,
    );
    let more = by_start.ok()?.items.len().saturating_sub(decision.items.len());
    Some(format!(
        "CrateDB Toolkit made it, which compares when partitions start: it would take {more} more by now; \
         `policy edit --partition-rule start` goes on as it did"
    ))
}

/// What is wrong with a policy as things are, and what somebody should know.
async fn check(
    database: &dyn Database,
    shelves: &dyn Shelves,
    policy: &Policy,
    all: &[Policy],
    now: Timestamp,
) -> Result<Vec<PolicyFinding>, Failure> {
    let finding = |fatal, text: String| PolicyFinding {
        policy: policy.name.clone(),
        fatal,
        text,
    };
    let mut findings = Vec::new();
    if let Err(problem) = supported(database, policy) {
        findings.push(finding(true, problem.reason));
        return Ok(findings);
    }
    if let Err(error) = valid(policy) {
        findings.push(finding(true, error.to_string()));
        return Ok(findings);
    }
    if let Some(target) = policy.shelf()
        && let Err(failure) = shelves.shelf(target).await
    {
        findings.push(finding(true, failure.messages().join(": ")));
    }
    for other in all {
        let goes = |policy: &Policy| !matches!(policy.strategy, Strategy::Ahead | Strategy::Reallocate);
        let both_go = goes(other) == goes(policy) && (goes(policy) || other.strategy == policy.strategy);
        if other.name != policy.name && other.table == policy.table && both_go {
            findings.push(finding(
                false,
                format!("policy {} is about the same table", other.name),
            ));
        }
    }
    let policy = &match resolved(database, shelves, policy) {
        Ok(policy) => policy,
        Err(problem) => {
            findings.push(finding(true, problem.reason));
            return Ok(findings);
        }
    };
    let Some(facts) = facts_for(database, policy).await? else {
        findings.push(finding(true, format!("there is no table {}", policy.table)));
        return Ok(findings);
    };
    let zone = cutoff::zone(&policy.time_zone)?;
    let question = Question {
        policy,
        now,
        threshold: threshold(policy, now, &zone),
        zone: &zone,
        rule: policy.partition_rule,
        min_keep: policy.floors.min_keep.unwrap_or(1),
    };
    match decide(&question, &facts) {
        Err(problem) => findings.push(finding(true, problem.reason)),
        Ok(decision) => {
            findings.extend(decision.notes.iter().map(|note| finding(false, note.clone())));
            let (_, problems) = obstacle::sift(&facts, decision.items.clone());
            findings.extend(obstacle::together(&problems).map(|problem| finding(true, problem.reason)));
            if policy.strategy == Strategy::Ahead && decision.items.iter().any(|item| !item.optional) {
                let text = "partitions are missing: run it".to_owned();
                findings.push(finding(false, text));
            }
            if policy.strategy == Strategy::Drop && decision.partitions.is_empty() {
                findings.push(finding(false, format!("{} has no partitions", policy.table)));
            }
            if policy.strategy == Strategy::Delete && facts.partitioned_by(&policy.column) {
                let text = format!(
                    "{} is partitioned by {}: `drop` is faster",
                    policy.table, policy.column
                );
                findings.push(finding(false, text));
            }
            findings.extend(toolkit_note(&question, &facts, &decision).map(|note| finding(false, note)));
            if facts.shape == Shape::Partitioned
                && policy.partition_rule == PartitionRule::Start
                && let Some(note) = crate::plan::rule_note(&question, &facts, &decision)
            {
                findings.push(finding(false, note));
            }
        }
    }
    Ok(findings)
}
