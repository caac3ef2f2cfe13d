//! Plans: what would be done.

use std::time::Duration;

use ostler_api::Plan;
use ostler_api::request::{
    CreateWork, LoadWay, LoadWork, MirrorWork, PruneWork, RepairWork, Request, RestoreWork, Work,
};
use ostler_vocabulary::Timestamp;

use super::outcome::money;
use super::vault::warnings;
use crate::operate::shown_digest;
use crate::output::{Column, Page, Table, Tone, ago, count, duration, plural, size};

pub(crate) fn print(page: &mut Page, plan: &Plan, now: Timestamp) {
    let verb = match &plan.work {
        Work::CreateBackup(_) => "back up ",
        Work::Restore(_) => "restore ",
        Work::Verify(_) => "verify ",
        Work::Drill(_) => "drill ",
        Work::Prune(work) if work.decisions.iter().any(|decision| !decision.keep) => "delete ",
        // The subject says it all: `free space`.
        Work::Prune(_) => "",
        Work::CheckVault { .. } => "check ",
        Work::Repair(_) => "repair ",
        Work::Mirror(_) => "copy ",
        Work::Keys(_) | Work::QueueSchema(_) | Work::Tables(_) => "",
        Work::Retention(work) if work.items.is_empty() => "",
        Work::Retention(work) if work.items.iter().all(super::retention::is_made) => "make ",
        Work::Retention(work) if work.items.iter().all(super::retention::is_moved) => "move ",
        Work::Retention(_) => "remove ",
        Work::Undo(_) => "bring back ",
    };
    let place = if plan.vault.is_empty() {
        String::new()
    } else {
        format!(" (vault {})", plan.vault)
    };
    page.line(format!(
        "plan {}: {verb}{}{place}",
        shown_digest(plan),
        plan.subject
    ));
    match &plan.work {
        Work::CreateBackup(work) => create(page, work),
        Work::Restore(work) => restore(page, work),
        Work::Verify(work) | Work::Drill(work) => {
            page.field(
                "reads",
                format!("{}, {}", plural(work.files, "file"), size(work.bytes)),
            );
        }
        Work::Prune(work) => prune(page, work, now),
        Work::CheckVault { packs, bytes } => {
            page.field("reads", format!("{}, {}", plural(*packs, "pack"), size(*bytes)));
        }
        Work::Repair(work) => {
            let reads = matches!(&plan.request, Request::RepairVault(request) if request.read_data);
            repair(page, work, reads);
        }
        Work::Mirror(work) => mirror(page, work, now),
        Work::Keys(work) => super::keys::plan(page, work),
        Work::QueueSchema(work) => super::queue::plan(page, work),
        Work::Retention(work) => super::retention::plan(page, work),
        Work::Undo(work) => super::undo::plan(page, work),
        Work::Tables(work) => super::tables::plan(page, work),
    }
}

fn repair(page: &mut Page, work: &RepairWork, reads: bool) {
    page.field(
        "looks at",
        format!("{}, {}", plural(work.packs, "pack"), size(work.bytes)),
    );
    page.fields("removes", work.removes.iter().cloned());
    match work.problems.len() {
        0 => page.line("presence and sizes show nothing wrong"),
        n => page.line(format!("{} to heal:", plural(n as u64, "problem"))),
    }
    super::problems(page, &work.problems, work.problems.len() as u64);
    if reads {
        page.line("reads every byte first, and heals what that finds too");
    }
}

fn mirror(page: &mut Page, work: &MirrorWork, now: Timestamp) {
    let mut table = Table::new([
        Column::left("ID"),
        Column::flexible("NAME"),
        Column::right("AGE"),
        Column::right("SIZE"),
        Column::left("SOURCE"),
    ]);
    for item in &work.items {
        table.row([
            (item.backup.short(), Tone::Plain),
            (item.name.clone().unwrap_or_else(|| "–".into()), Tone::Plain),
            (
                ago(now, item.started).trim_end_matches(" ago").to_owned(),
                Tone::Plain,
            ),
            (size(item.bytes), Tone::Plain),
            (super::source_text(item.source.as_ref()), Tone::Plain),
        ]);
    }
    if !work.items.is_empty() {
        page.table(&table);
    }
    page.line(format!(
        "copies {} from {}; what is there already is neither read nor sent",
        plural(work.items.len() as u64, "backup"),
        work.from
    ));
    if work.there > 0 {
        page.field("there", format!("{} already", plural(work.there, "backup")));
    }
    let marked = work.marked.iter().map(|item| item.copy.short());
    page.fields(
        "marks",
        marked.map(|copy| format!("{copy}: holds and tags as in {}", work.from)),
    );
    super::problems(page, &work.refused, work.refused.len() as u64);
}

fn create(page: &mut Page, work: &CreateWork) {
    if work.files > 0 {
        page.field(
            "reads",
            format!("{}, {}", plural(work.files, "file"), size(work.bytes)),
        );
    }
    page.field(
        "parent",
        match work.parent {
            Some(parent) => format!("{}: files unchanged since are not read", parent.short()),
            None => "none: every file is read".to_owned(),
        },
    );
    page.fields(
        "left out",
        work.left_out.iter().map(|path| path.display().to_string()),
    );
    warnings(page, &work.warnings);
}

fn restore(page: &mut Page, work: &RestoreWork) {
    if work.nodes.is_empty() {
        page.field(
            "to",
            match &work.to {
                Some(to) => to.display().to_string(),
                None => "the original place".to_owned(),
            },
        );
    }
    page.fields(
        "node",
        work.nodes.iter().map(|node| {
            format!(
                "{} gets {}/{}: {} to {} ({} free)",
                node.node,
                node.from,
                node.root,
                size(node.bytes),
                node.to.display(),
                size(node.free)
            )
        }),
    );
    if let Some(load) = &work.load {
        return loaded(page, work, load);
    }
    page.field("makes", plural(work.create, "entry"));
    page.field("replaces", plural(work.replace, "file"));
    page.field("leaves", format!("{}, right already", plural(work.keep, "file")));
    page.field("writes", size(work.bytes));
    if let Some(estimate) = &work.estimate {
        page.field(
            "reads",
            format!(
                "about {} in {}",
                size(estimate.bytes),
                plural(estimate.requests, "request")
            ),
        );
        if let Some(time) = estimate.duration_ms {
            page.field("time", format!("about {}", duration(Duration::from_millis(time))));
        }
        if let Some(cost) = &estimate.cost {
            page.field("cost", money(cost));
        }
    }
    page.fields(
        "removes",
        work.delete.iter().map(|path| path.display().to_string()),
    );
    if !work.conflicts.is_empty() {
        page.line("these exist and differ, so the restore would be refused without `--overwrite`:");
        for path in &work.conflicts {
            page.line(format!("  {}", path.display()));
        }
    }
    advice(page, &work.advice);
}

fn loaded(page: &mut Page, work: &RestoreWork, load: &LoadWork) {
    page.field(
        "fetches",
        format!("{}, {}", plural(work.create, "file"), size(work.bytes)),
    );
    page.fields("runs", load.before.iter().map(|text| in_a_line(text)));
    page.fields("empties", load.empties.iter().cloned());
    page.fields(
        match load.way {
            LoadWay::Import => "imports",
            LoadWay::Stream => "streams",
        },
        load.tables
            .iter()
            .map(|table| format!("{} into {}.{}", table.from.display(), table.keyspace, table.table)),
    );
    page.fields("then runs", load.after.iter().map(|text| in_a_line(text)));
    advice(page, &work.advice);
}

/// A statement on one line, its options left out.
fn in_a_line(statement: &str) -> String {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let line = words.join(" ");
    match line.find(" AND ") {
        Some(at) => format!("{} …", line.get(..at).unwrap_or(&line)),
        None => line,
    }
}

/// What has to be done or known.
pub(super) fn advice(page: &mut Page, advice: &[String]) {
    page.fields("note", advice.iter().cloned());
}

fn prune(page: &mut Page, work: &PruneWork, now: Timestamp) {
    let mut table = Table::new([
        Column::left("ID"),
        Column::flexible("NAME"),
        Column::right("AGE"),
        Column::left("ACTION"),
        Column::left("REASON"),
    ]);
    for decision in &work.decisions {
        let (action, tone) = if decision.keep {
            ("keep", Tone::Good)
        } else {
            ("delete", Tone::Bad)
        };
        table.row([
            (decision.backup.short(), Tone::Plain),
            (decision.name.clone().unwrap_or_else(|| "–".into()), Tone::Plain),
            (
                ago(now, decision.started).trim_end_matches(" ago").to_owned(),
                Tone::Plain,
            ),
            (action.to_owned(), tone),
            (decision.reasons.join(", "), Tone::Plain),
        ]);
    }
    page.table(&table);
    let kept = work.decisions.iter().filter(|decision| decision.keep).count();
    let deleted = work.decisions.len() - kept;
    page.line(format!(
        "keeps {}, deletes {}",
        count(kept as u64),
        count(deleted as u64)
    ));
    if !work.incomplete.is_empty() {
        page.line(format!(
            "removes what {} left",
            plural(work.incomplete.len() as u64, "interrupted backup")
        ));
    }
    page.line(format!(
        "frees {} of {}; rewrites {} to free {}",
        plural(work.free_packs, "pack"),
        size(work.free_bytes),
        plural(work.repack_packs, "pack"),
        size(work.repack_bytes),
    ));
    if work.small_objects > 0 {
        page.line(format!(
            "frees {} of {}",
            plural(work.small_objects, "small object"),
            size(work.small_bytes)
        ));
    }
}
