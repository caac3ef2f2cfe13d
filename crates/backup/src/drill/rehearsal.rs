//! The part of a drill in which the database is started on what was restored.

use std::path::{Path, PathBuf};

use ostler_api::document::{DrillVerdict, Problem, StartedDatabase};
use ostler_operations::Operation;
use ostler_vault::Record;
use ostler_vocabulary::{BackupId, ErrorKind, Failure};

use crate::Context;
use crate::cluster::facts::Facts;
use crate::cluster::past::past;
use crate::cluster::restore::below;
use crate::cluster::system::{is_system, named};
use crate::driver::{Driver, Rehearsal, Stage};

/// Answers that are told one by one as wrong.
const TOLD: usize = 20;

/// Refuses to start what nobody can start.
pub(super) async fn possible(context: &Context, id: BackupId) -> Result<(), Failure> {
    let record = context.record(id).await?;
    let refused = |told: String| {
        Failure::new(ErrorKind::Unsupported, told)
            .with_hint("leave out --start; --check runs a command of yours on what was restored")
    };
    let Some(of) = &record.cluster else {
        let told = format!("backup {} is of files: there is no database to start", id.short());
        return Err(refused(told));
    };
    let driver = named(context, &of.name)?.driver.clone();
    match driver.rehearses() {
        true => Ok(()),
        false => Err(refused(format!(
            "the driver `{}` of cluster `{}` starts nothing on restored files",
            driver.name(),
            of.name
        ))),
    }
}

/// Starts it, and judges what it says.
pub(super) async fn rehearse(
    op: &Operation,
    context: &Context,
    id: BackupId,
    tree: &Path,
) -> Result<(StartedDatabase, Vec<Problem>), Failure> {
    let record = context.record(id).await?;
    let of = record.cluster.as_ref();
    let name = of.map(|of| of.name.as_str()).unwrap_or_default();
    let cluster = named(context, name)?;
    let past = past(context, &record).await?;
    let nodes = directories(&record, tree);
    let aside = tree.with_file_name("started");
    let stage = Stage {
        nodes: &nodes,
        aside: &aside,
    };
    let (driver, stage, past) = (&cluster.driver, &stage, &past);
    let mut said = op
        .step("start the database")
        .run(|step| async move { driver.rehearse(past, stage, &step.cancelled).await })
        .await?;
    let absent = of.map(|of| of.absent.as_slice()).unwrap_or_default();
    said.left_out.extend(
        absent
            .iter()
            .map(|node| format!("node `{node}`: it is not in the backup")),
    );
    Ok(judged(&**driver, &Facts::recorded(&past.documents), said))
}

/// Where the files of each node are.
fn directories(record: &Record, tree: &Path) -> Vec<(String, PathBuf)> {
    let parts = record.nodes.iter().filter(|part| !is_system(part));
    parts.map(|part| (part.host.clone(), below(tree, part))).collect()
}

fn judged(driver: &dyn Driver, recorded: &Facts, said: Rehearsal) -> (StartedDatabase, Vec<Problem>) {
    let answers = recorded.judged(&said.facts);
    let mut left_out = said.left_out;
    if said.problems.is_empty() {
        left_out.extend(
            recorded
                .unanswered(&said.facts)
                .into_iter()
                .map(|question| format!("{question}: it is not asked any more")),
        );
    }
    let wrong = answers.iter().filter(|one| one.verdict == DrillVerdict::Wrong);
    let wrong = wrong.take(TOLD).map(|one| Problem {
        path: one.question.clone(),
        reason: format!(
            "it was {} when the backup was made, and is {} in what was restored",
            one.after.as_deref().unwrap_or_default(),
            one.found
        ),
    });
    let mut problems = said.problems;
    problems.extend(wrong);
    for problem in &mut problems {
        problem.path = format!("{}: {}", driver.name(), problem.path);
    }
    let started = StartedDatabase {
        nodes: said.nodes,
        start_ms: said.start_ms,
        answers,
        left_out,
    };
    (started, problems)
}
