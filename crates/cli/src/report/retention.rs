//! Policies, what they would remove, what they removed.

use ostler_api::document::{
    PolicyChanges, PolicyCheckList, PolicyList, PolicyTags, RetentionHistory, RetentionItem, RetentionReport,
};
use ostler_api::request::RetentionWork;
use ostler_api::retention::{Policy, RetentionAnswer, Strategy};
use ostler_vocabulary::{ErrorKind, Failure};

use crate::output::{Column, Page, Table, Tone, count, moment, plural, schema, size};
use crate::session::Session;

/// Prints whatever came back.
pub(crate) fn answer(session: &Session, answer: &RetentionAnswer) -> Result<(), Failure> {
    let output = &session.output;
    match answer {
        RetentionAnswer::Policies(it) => output.document(schema::POLICY_LIST, it, |page| list(page, it)),
        RetentionAnswer::Tags(it) => output.document(schema::POLICY_TAGS, it, |page| tags(page, it)),
        RetentionAnswer::Checked(it) => {
            output.document(schema::POLICY_CHECK, it, |page| checked(page, it))?;
            broken(it).map_or(Ok(()), Err)
        }
        RetentionAnswer::Changes(it) => output.document(schema::POLICY_CHANGES, it, |page| changes(page, it)),
        RetentionAnswer::History(it) => {
            output.document(schema::RETENTION_HISTORY, it, |page| history(page, it))
        }
        RetentionAnswer::Definitions(it) => output.document(schema::DEFINITION_LIST, it, |page| {
            super::tables::definitions(page, it);
        }),
        RetentionAnswer::Defined(it) => output.document(schema::DEFINITION_CHANGE, it, |page| {
            super::tables::defined(page, it);
        }),
    }
}

/// Prints policies in full.
pub(crate) fn show(session: &Session, list: &PolicyList) -> Result<(), Failure> {
    session.output.document(schema::POLICY_LIST, list, |page| {
        for policy in &list.policies {
            page.line(format!("policy {} of {}", policy.name, list.database));
            page.field("table", policy.table.to_string());
            page.field("column", &policy.column);
            page.field("strategy", policy.strategy.as_str());
            page.field("keeps", policy.keep.to_string());
            page.field("tags", joined(policy));
            for detail in details(policy) {
                page.field("", detail);
            }
            page.field("version", policy.version.to_string());
        }
    })
}

fn joined(policy: &Policy) -> String {
    match policy.tags.is_empty() {
        true => "–".to_owned(),
        false => policy.tags.iter().cloned().collect::<Vec<_>>().join(", "),
    }
}

/// What is not as usual.
fn details(policy: &Policy) -> Vec<String> {
    let floors = &policy.floors;
    let mut said = Vec::new();
    if policy.time_zone != "UTC" {
        said.push(format!("time zone {}", policy.time_zone));
    }
    said.extend(policy.unit.map(|unit| format!("unit {unit:?}").to_lowercase()));
    if policy.partition_rule == ostler_api::retention::PartitionRule::Start {
        said.push("rule start".to_owned());
    }
    let word = match policy.strategy {
        Strategy::Unknown => "its word is",
        _ => "to",
    };
    said.extend(policy.target.as_ref().map(|target| format!("{word} {target}")));
    said.extend(policy.step.map(|step| format!("step {step}")));
    if let Some(last) = policy.last {
        said.push(format!("newest {last} by {}", policy.by.join(", ")));
    }
    said.extend(floors.max_rows.map(|floor| format!("max_rows {floor}")));
    said.extend(
        floors
            .max_delete_ratio
            .map(|floor| format!("max_delete_ratio {floor}")),
    );
    said.extend(floors.min_keep.map(|floor| format!("min_keep {floor}")));
    said
}

fn list(page: &mut Page, list: &PolicyList) {
    if list.policies.is_empty() {
        page.line(format!("no policies in {}", list.database));
        return;
    }
    let mut table = Table::new([
        Column::flexible("POLICY"),
        Column::flexible("TABLE"),
        Column::flexible("COLUMN"),
        Column::left("STRATEGY"),
        Column::right("KEEPS"),
        Column::flexible("TAGS"),
        Column::left("BESIDES"),
    ]);
    for policy in &list.policies {
        table.row(
            [
                policy.name.clone(),
                policy.table.to_string(),
                policy.column.clone(),
                policy.strategy.as_str().to_owned(),
                policy.keep.to_string(),
                joined(policy),
                details(policy).join(", "),
            ]
            .map(|cell| (cell, Tone::Plain)),
        );
    }
    page.table(&table);
}

fn tags(page: &mut Page, tags: &PolicyTags) {
    if tags.tags.is_empty() {
        page.line(format!("no tags in {}", tags.database));
    }
    for (tag, policies) in &tags.tags {
        page.line(format!("{tag}: {}", plural(*policies, "policy")));
    }
}

fn checked(page: &mut Page, list: &PolicyCheckList) {
    page.line(format!(
        "{} of {} checked: {}",
        plural(list.policies, "policy"),
        list.database,
        plural(list.findings.len() as u64, "finding")
    ));
    for finding in &list.findings {
        let (word, tone) = match finding.fatal {
            true => ("cannot work", Tone::Bad),
            false => ("note", Tone::Doubtful),
        };
        page.toned(
            &format!("  {} ", finding.policy),
            word,
            tone,
            &format!(": {}", finding.text),
        );
    }
}

fn broken(list: &PolicyCheckList) -> Option<Failure> {
    let broken = list.findings.iter().filter(|finding| finding.fatal).count() as u64;
    let message = format!("{} cannot work", plural(broken, "policy"));
    (broken > 0).then(|| Failure::new(ErrorKind::Partial, message))
}

fn changes(page: &mut Page, changes: &PolicyChanges) {
    for change in &changes.changes {
        let what = match &change.after {
            Some(policy) => format!(
                " ({}:{} {} {})",
                policy.table,
                policy.column,
                policy.strategy.as_str(),
                policy.keep
            ),
            None => String::new(),
        };
        page.line(format!("policy {}: {}{what}", change.policy, change.action));
    }
}

fn history(page: &mut Page, history: &RetentionHistory) {
    if history.entries.is_empty() {
        page.line(format!("nothing was changed or run in {}", history.database));
        return;
    }
    let mut table = Table::new([
        Column::left("TIME"),
        Column::flexible("WHO"),
        Column::flexible("POLICY"),
        Column::left("ACTION"),
        Column::flexible("ITEM"),
        Column::right("ROWS"),
        Column::left("ERROR"),
    ]);
    for entry in &history.entries {
        let nothing = || "–".to_owned();
        let rows = entry.rows.map(|rows| count(u64::try_from(rows).unwrap_or(0)));
        table.row(
            [
                moment(entry.at),
                entry.who.clone(),
                entry.policy.clone(),
                entry.action.clone(),
                entry.item.clone().unwrap_or_else(nothing),
                rows.unwrap_or_else(nothing),
                entry.error.clone().unwrap_or_else(nothing),
            ]
            .map(|cell| (cell, Tone::Plain)),
        );
    }
    page.table(&table);
}

/// The plan of a run.
pub(crate) fn plan(page: &mut Page, work: &RetentionWork) {
    page.field("cutoff", work.cutoff.to_string());
    for verdict in &work.policies {
        let ahead = verdict.strategy == Strategy::Ahead;
        let threshold = match verdict.threshold {
            Some(threshold) if ahead => format!("partitions up to {threshold}"),
            Some(threshold) => format!("older than {threshold}"),
            None => "nothing: kept for ever".to_owned(),
        };
        page.field(
            "policy",
            format!("{} ({}): {threshold}", verdict.policy, verdict.table),
        );
        let standing = match (&verdict.problem, verdict.items) {
            (Some(problem), 0) => format!("cannot work: {}", problem.reason),
            (Some(problem), items) => {
                format!("{}; not all can go: {}", plural(items, "item"), problem.reason)
            }
            (None, 0) if ahead => "all partitions are there".to_owned(),
            (None, 0) => "no data is old enough".to_owned(),
            (None, items) => plural(items, "item"),
        };
        page.field("", standing);
        page.fields("", verdict.notes.iter());
        for partition in &verdict.partitions {
            let word = if partition.goes { "goes" } else { "stays" };
            page.field(
                "",
                format!("{word}: {} {}", partition.partition, partition.reason),
            );
        }
    }
    if work.items.is_empty() {
        return;
    }
    for item in &work.items {
        let about = if item.estimated { "about " } else { "" };
        let rows = item.rows.map(|rows| format!("{about}{}", plural(rows, "row")));
        let extent: Vec<String> = rows.into_iter().chain(item.bytes.map(size)).collect();
        page.line(format!("{} {}: {}", item.action, item.table, extent.join(", ")));
        if let (Some(oldest), Some(newest)) = (&item.oldest, &item.newest) {
            page.field("holds", format!("{oldest} to {newest}"));
        }
        page.field("why", &item.reason);
    }
    let (made, rest): (Vec<_>, Vec<_>) = work.items.iter().partition(|item| is_made(item));
    let (moved, gone): (Vec<_>, Vec<_>) = rest.into_iter().partition(|item| is_moved(item));
    if !made.is_empty() {
        page.line(format!("makes {}", plural(made.len() as u64, "partition")));
    }
    if !moved.is_empty() {
        page.line(format!("moves {}", plural(moved.len() as u64, "partition")));
    }
    if !gone.is_empty() {
        let rows = gone.iter().filter_map(|item| item.rows).sum();
        let bytes: u64 = gone.iter().filter_map(|item| item.bytes).sum();
        page.line(format!(
            "removes {} in {}, {} of whole partitions",
            plural(rows, "row"),
            plural(gone.len() as u64, "item"),
            size(bytes)
        ));
    }
}

/// Whether something comes by the item rather than goes.
pub(crate) fn is_made(item: &RetentionItem) -> bool {
    item.action == "create partition"
}

/// Whether it is moved and stays.
pub(crate) fn is_moved(item: &RetentionItem) -> bool {
    item.action == "reallocate partition"
}

/// Why a plan, or what came of it, is no success as a whole.
pub(crate) fn doubts(work: &RetentionWork) -> Option<Failure> {
    let broken = work
        .policies
        .iter()
        .filter(|verdict| verdict.problem.is_some())
        .count() as u64;
    let message = format!("{} cannot work", plural(broken, "policy"));
    (broken > 0).then(|| {
        Failure::new(ErrorKind::Partial, message)
            .with_hint("`ostler retention policy check` tells what is wrong")
    })
}

/// What a run did.
pub(crate) fn report(page: &mut Page, report: &RetentionReport) {
    page.line(format!(
        "{}: removed {} in {}",
        report.database,
        plural(report.rows_removed, "row"),
        plural(report.items.len() as u64, "item")
    ));
    if !report.items.is_empty() {
        let mut table = Table::new([
            Column::left("ACTION"),
            Column::flexible("TABLE"),
            Column::right("PLANNED"),
            Column::right("BEFORE"),
            Column::right("REMOVED"),
            Column::right("AFTER"),
            Column::left("RESULT"),
        ]);
        for proof in &report.items {
            let (result, tone) = match (&proof.problem, &proof.note) {
                (Some(problem), Some(note)) => (format!("{}; {note}", problem.reason), Tone::Bad),
                (Some(problem), None) => (problem.reason.clone(), Tone::Bad),
                (None, Some(note)) => (note.clone(), Tone::Plain),
                (None, None) => ("proven".to_owned(), Tone::Good),
            };
            table.row([
                (proof.action.clone(), Tone::Plain),
                (proof.table.to_string(), Tone::Plain),
                (proof.planned.map_or_else(|| "–".to_owned(), count), Tone::Plain),
                (count(proof.before), Tone::Plain),
                (count(proof.removed), Tone::Plain),
                (count(proof.after), Tone::Plain),
                (result, tone),
            ]);
        }
        page.table(&table);
    }
    for proof in &report.items {
        if let Some(archive) = &proof.archive {
            page.field(
                "archive",
                format!(
                    "{} in {}: {}, {}, read back",
                    archive.manifest,
                    archive.to,
                    plural(archive.files, "file"),
                    size(archive.bytes)
                ),
            );
        }
    }
    page.fields(
        "refused",
        report
            .refused
            .iter()
            .map(|finding| format!("{}: {}", finding.policy, finding.text)),
    );
}
