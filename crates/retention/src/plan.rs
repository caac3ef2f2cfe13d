//! From policies to what would be done: facts, decisions, counts, floors, digest. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use ostler_api::document::{RetentionItem, RetentionProblem, RetentionVerdict};
use ostler_api::request::{Plan, Request, Retention, RetentionWork, Work};
use ostler_api::retention::{Floors, PartitionRule, Policy, PolicyChoice, Strategy, TableName};
use ostler_api::tables::DefinitionKind;
use ostler_operations::plan_digest;
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};

use crate::archive::Shelves;
use crate::class::resolved;
use crate::facts::{Stray, Table};
use crate::floor::{self, Extent};
use crate::run::KIND;
use crate::strategy::{Decision, Item, Question, Target, decide, problem, threshold};
use crate::{Database, Error, Measured, cutoff, fault, obstacle};

/// Of partitions one always stays unless a policy says otherwise.
const MIN_PARTITIONS: u64 = 1;

/// Works out what would go.
///
/// # Errors
/// [`Error`]; when no chosen policy can work, what stands in the way of the first; failures of the database.
pub async fn plan(
    database: &dyn Database,
    shelves: &dyn Shelves,
    mut request: Retention,
    now: Timestamp,
) -> Result<Plan, Failure> {
    database.wait_for_locks(request.pace.lock_wait_ms);
    let zone = cutoff::zone(request.time_zone.as_deref().unwrap_or("UTC"))?;
    let cutoff = cutoff::read(request.cutoff.as_deref(), &zone, now)?;
    request.cutoff = Some(cutoff.to_string());
    let policies = choose(
        &database.name(),
        database.policies().await?,
        &request.choice,
        request.strategy,
    )?;
    let mut work = RetentionWork {
        database: database.name(),
        cutoff,
        policies: Vec::new(),
        items: Vec::new(),
    };
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for policy in &policies {
        let mut verdict = RetentionVerdict {
            policy: policy.name.clone(),
            table: policy.table.clone(),
            strategy: policy.strategy,
            threshold: None,
            items: 0,
            problem: None,
            notes: Vec::new(),
            partitions: Vec::new(),
        };
        let found = match one(database, shelves, policy, &request, cutoff, &mut verdict).await {
            Ok(found) => found,
            Err(failure) => Err(fault::of_policy(database, failure).await?),
        };
        match found {
            Err(problem) => verdict.problem = Some(problem),
            Ok(mut items) => {
                items.retain(|item| {
                    let key = format!("{}\0{}", item.table, item.detail);
                    let by = taken.entry(key).or_insert_with(|| policy.name.clone());
                    if *by != policy.name {
                        verdict
                            .notes
                            .push(format!("{} goes by policy {by} already", item.table));
                    }
                    *by == policy.name
                });
                verdict.items = items.len() as u64;
                work.items.extend(items);
            }
        }
        work.policies.push(verdict);
    }
    if let Some(failure) = fault::nothing_works(&work) {
        return Err(failure);
    }
    Ok(finish(request, work, now))
}

/// What one policy would do, or what stands in its way. What stands in the way of some of its items only is in the verdict.
async fn one(
    database: &dyn Database,
    shelves: &dyn Shelves,
    policy: &Policy,
    request: &Retention,
    cutoff: Timestamp,
    verdict: &mut RetentionVerdict,
) -> Result<Result<Vec<RetentionItem>, RetentionProblem>, Failure> {
    let zone = match cutoff::zone(&policy.time_zone) {
        Ok(zone) => zone,
        Err(error) => return Ok(Err(problem(ErrorKind::Invalid, error.to_string()))),
    };
    verdict.threshold = threshold(policy, cutoff, &zone);
    if let Err(problem) = supported(database, policy) {
        return Ok(Err(problem));
    }
    let policy = &match resolved(database, shelves, policy) {
        Ok(policy) => policy,
        Err(problem) => return Ok(Err(problem)),
    };
    let Some(facts) = facts_for(database, policy).await? else {
        return Ok(Err(problem(
            ErrorKind::NotFound,
            format!("there is no table {}", policy.table),
        )));
    };
    if let Some(target) = policy.shelf()
        && let Err(failure) = shelves.shelf(target).await
    {
        return Ok(Err(problem(failure.kind(), failure.messages().join(": "))));
    }
    let floors = request.floors.over(policy.floors);
    let question = Question {
        policy,
        now: cutoff,
        threshold: verdict.threshold,
        zone: &zone,
        rule: request.partition_rule.unwrap_or(policy.partition_rule),
        min_keep: floors.min_keep.unwrap_or(MIN_PARTITIONS),
    };
    let mut decision = match decide(&question, &facts) {
        Ok(decision) => decision,
        Err(problem) => return Ok(Err(problem)),
    };
    verdict.notes.extend(decision.notes.iter().cloned());
    verdict.notes.extend(rule_note(&question, &facts, &decision));
    let (free, problems) = obstacle::sift(&facts, std::mem::take(&mut decision.items));
    decision.items = free;
    verdict.problem = obstacle::together(&problems);
    if request.explain {
        verdict.partitions.clone_from(&decision.partitions);
    }
    let items = measured(
        database,
        &facts,
        policy,
        &decision.items,
        request.estimate,
        floors,
    )
    .await?;
    let is_rows = |item: &Item| matches!(item.target, Target::Rows { .. });
    let removes = !matches!(policy.strategy, Strategy::Ahead | Strategy::Reallocate);
    let by_rows = decision.items.iter().any(is_rows);
    let extent = Extent {
        going: items
            .iter()
            .filter(|_| removes)
            .filter_map(|item| item.rows)
            .sum(),
        all: match floor::needs_all(&floors, by_rows) {
            true => Some(database.count(&policy.table).await?),
            false => None,
        },
        by_rows,
    };
    Ok(match floor::refusal(&floors, extent) {
        Some(refused) => Err(refused),
        None => Ok(items),
    })
}

/// What the catalogue says of a policy's table, with what else its strategy asks for.
pub(crate) async fn facts_for(database: &dyn Database, policy: &Policy) -> Result<Option<Table>, Failure> {
    let Some(facts) = database.facts(&policy.table).await? else {
        return Ok(None);
    };
    let mut facts = database.look_around(facts, policy).await?;
    if let Some(name) = policy.rollup() {
        let known = database.definitions(DefinitionKind::Rollup).await?;
        facts.rollup = known.into_iter().find(|known| known.name == *name);
    }
    let default = facts
        .partitions
        .iter()
        .find(|it| it.is_default() && it.parent == policy.table);
    let column = facts.columns.iter().find(|it| it.name == policy.column);
    if let (Strategy::Ahead, Some(default), Some(column)) = (policy.strategy, default, column) {
        let all = Target::Rows {
            column: column.name.clone(),
            type_name: column.type_name.clone(),
            boundary: None,
            form: None,
            last: None,
            by: Vec::new(),
        };
        let found = database.measure(&default.table, &all).await?;
        facts.stray = Stray {
            oldest: found.oldest,
            newest: found.newest,
        };
    }
    Ok(Some(facts))
}

/// The items with their counts, without those that are about rows of which there are none.
async fn measured(
    database: &dyn Database,
    facts: &Table,
    policy: &Policy,
    items: &[Item],
    estimate: bool,
    floors: Floors,
) -> Result<Vec<RetentionItem>, Failure> {
    // The server's statistics do not know how many rows are old.
    let estimated = |item: &Item| {
        let by_rows = matches!(item.target, Target::Rows { .. });
        (estimate && !by_rows).then_some(item.rows).flatten()
    };
    let counted: Vec<(&TableName, &Target)> = items
        .iter()
        .filter(|item| estimated(item).is_none())
        .map(|item| (&item.table, &item.target))
        .collect();
    let mut counts = database.measure_all(&counted).await?.into_iter();
    let mut measured = Vec::with_capacity(items.len());
    for item in items {
        let estimated = estimated(item);
        let found = match estimated {
            Some(rows) => Measured {
                rows,
                ..Measured::default()
            },
            None => counts.next().unwrap_or_default(),
        };
        if item.optional && found.rows == 0 {
            continue;
        }
        let task = item.task();
        measured.push(RetentionItem {
            policy: policy.name.clone(),
            table: item.table.clone(),
            action: item.action.to_owned(),
            reason: item.reason.clone(),
            rows: Some(found.rows),
            estimated: estimated.is_some(),
            bytes: item.bytes,
            oldest: found.oldest,
            newest: found.newest,
            statements: database.statements(facts, &item.table, &task),
            max_rows: floors.max_rows,
            detail: serde_json::to_value(&task).map_err(|error| {
                Failure::new(ErrorKind::Internal, format!("cannot write the plan: {error}"))
            })?,
        });
    }
    Ok(measured)
}

/// Whether the database can do what a policy asks for.
///
/// # Errors
/// What it can do instead.
pub(crate) fn supported(database: &dyn Database, policy: &Policy) -> Result<(), RetentionProblem> {
    let known = database.strategies();
    if known.contains(&policy.strategy) {
        return Ok(());
    }
    let known: Vec<&str> = known.iter().map(|known| known.as_str()).collect();
    let what = match (policy.strategy, &policy.target) {
        (Strategy::Unknown, Some(word)) => format!("the strategy `{word}` is not known"),
        _ => format!("`{}` is not there for this database", policy.strategy.as_str()),
    };
    let reason = format!("{what}; there are {}", known.join(", "));
    Err(problem(ErrorKind::Unsupported, reason))
}

/// That the rule `start` takes rows that are too young, and how many partitions that concerns.
pub(crate) fn rule_note(question: &Question<'_>, facts: &Table, decision: &Decision) -> Option<String> {
    if question.rule == PartitionRule::End || decision.partitions.is_empty() {
        return None;
    }
    let by_end = decide(
        &Question {
            rule: PartitionRule::End,
            ..question.clone()
        },
        facts,
    )
    .ok()?;
    let more = decision.items.len().saturating_sub(by_end.items.len());
    (more > 0).then(|| {
        format!("rule `start`: {more} of the partitions may hold rows younger than the threshold; rule `end` keeps them")
    })
}

/// The chosen policies.
pub(crate) fn choose(
    database: &str,
    policies: Vec<Policy>,
    choice: &PolicyChoice,
    strategy: Option<Strategy>,
) -> Result<Vec<Policy>, Error> {
    let none = |choice: String, known: Vec<String>| Error::NoPolicy {
        database: database.to_owned(),
        choice,
        known,
    };
    let names: Vec<String> = policies.iter().map(|policy| policy.name.clone()).collect();
    if let Some(missing) = choice.names.iter().find(|name| !names.contains(name)) {
        return Err(none(format!("is called `{missing}`"), names));
    }
    let tags: BTreeSet<String> = policies.iter().flat_map(|policy| policy.tags.clone()).collect();
    if let Some(unknown) = choice.tags.iter().find(|tag| !tags.contains(*tag)) {
        return Err(none(
            format!("has the tag `{unknown}`"),
            tags.into_iter().collect(),
        ));
    }
    let chosen: Vec<Policy> = policies
        .into_iter()
        .filter(|policy| choice.names.is_empty() || choice.names.contains(&policy.name))
        .filter(|policy| choice.tags.is_subset(&policy.tags))
        .filter(|policy| strategy.is_none_or(|strategy| policy.strategy == strategy))
        .collect();
    if chosen.is_empty() {
        let mut words: Vec<String> = choice.tags.iter().map(|tag| format!("tag `{tag}`")).collect();
        words.extend(strategy.map(|strategy| format!("strategy `{}`", strategy.as_str())));
        let what = match words.is_empty() {
            true => "is there".to_owned(),
            false => format!("has {}", words.join(" and ")),
        };
        return Err(none(what, names));
    }
    Ok(chosen)
}

fn finish(request: Retention, work: RetentionWork, now: Timestamp) -> Plan {
    // A noun: messages say "retention of SUBJECT failed".
    let subject = match (work.items.len(), work.policies.as_slice()) {
        (0, [only]) => format!("policy {} in {}", only.policy, work.database),
        (0, policies) => format!("{} policies in {}", policies.len(), work.database),
        (1, [_]) => format!(
            "{} of {} ({})",
            work.items[0].table, work.database, work.items[0].policy
        ),
        (items, policies) => format!(
            "{items} items of {} policies in {}",
            policies.len(),
            work.database
        ),
    };
    let place = serde_json::to_vec(&(&work.database, work.cutoff)).unwrap_or_default();
    let items: Vec<(String, &str)> = work
        .items
        .iter()
        .map(|item| {
            let words = format!("{}\0{}\0{}", item.policy, item.table, item.detail);
            (words, item.action.as_str())
        })
        .collect();
    let digest = plan_digest(
        KIND,
        &[&place],
        items.iter().map(|(item, action)| (item.as_bytes(), *action)),
    );
    Plan {
        made: now,
        vault: String::new(),
        subject,
        backups: Vec::new(),
        digest,
        work: Work::Retention(work),
        request: Request::Retention(request),
    }
}
