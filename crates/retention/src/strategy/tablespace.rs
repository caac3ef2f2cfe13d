//! *reallocate* where a server has files in tablespaces: whole partitions, with their indexes, moved to another one.

use ostler_api::document::RetentionProblem;
use ostler_vocabulary::ErrorKind;

use super::{Besides, Decision, Question, Target, drop, problem};
use crate::column::TimeColumn;
use crate::facts::{Files, Shape, Table};

/// Whether files may be put into a tablespace.
///
/// # Errors
/// When there is none of that name, or we have no right to it.
pub(crate) fn usable(files: &Files, tablespace: &str) -> Result<(), RetentionProblem> {
    match files.tablespaces.get(tablespace) {
        Some(true) => Ok(()),
        Some(false) => Err(problem(
            ErrorKind::Denied,
            format!("nothing may be put into tablespace {tablespace}: GRANT CREATE ON TABLESPACE allows it"),
        )),
        None => Err(problem(
            ErrorKind::NotFound,
            format!(
                "`{tablespace}` is no class of storage of the configuration, and no tablespace of the server; there are {}",
                files.tablespaces.keys().cloned().collect::<Vec<_>>().join(", ")
            ),
        )),
    }
}

pub(super) fn decide(
    question: &Question<'_>,
    table: &Table,
    column: TimeColumn,
    files: &Files,
) -> Result<Decision, RetentionProblem> {
    let tablespace = question.policy.target.as_deref().unwrap_or_default();
    usable(files, tablespace)?;
    if table.shape != Shape::Partitioned {
        let reason = format!("{} is not partitioned: whole partitions are moved", table.table);
        return Err(problem(ErrorKind::Invalid, reason));
    }
    // Nothing goes, so the newest may move too.
    let all = Question {
        min_keep: 0,
        ..question.clone()
    };
    let mut decision = drop::decide(&all, table, column)?;
    let mut stay = Vec::new();
    decision.items.retain_mut(|item| {
        let Target::Partition { id, .. } = &item.target else {
            return false;
        };
        let pieces = files.pieces.get(id).map(Vec::as_slice).unwrap_or_default();
        let elsewhere = pieces
            .iter()
            .filter(|piece| piece.tablespace != tablespace)
            .count();
        if elsewhere == 0 {
            let reason = match pieces.is_empty() {
                true => "it has no files of its own".to_owned(),
                false => format!("it is in tablespace {tablespace} already"),
            };
            stay.push((item.table.clone(), reason));
            return false;
        }
        item.action = "reallocate partition";
        item.besides = Some(Besides::Tablespace {
            tablespace: tablespace.to_owned(),
        });
        true
    });
    for verdict in &mut decision.partitions {
        if let Some((_, reason)) = stay.iter().find(|(table, _)| *table == verdict.partition) {
            verdict.goes = false;
            verdict.reason.clone_from(reason);
        }
    }
    Ok(decision)
}
