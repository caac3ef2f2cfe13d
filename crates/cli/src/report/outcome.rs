//! How an operation ended: its report, and the error when not all is right.

use std::time::Duration;

use ostler_api::document::{
    BackupState, CheckReport, CreateReport, DrillReport, OperationDetail, Outcome, Problem, PruneReport,
    RestoreReport, VerifyReport,
};
use ostler_vocabulary::{ErrorKind, Failure, OperationId, Timestamp, Unit};
use serde::Serialize;

use super::backup::{files_text, proof_text, subject, tone};
use super::problems;
use super::vault::{key_advice, warnings};
use crate::operate::failure_of;
use crate::output::{Page, Schema, count, duration, plural, rate, schema, size};
use crate::session::Session;

/// Causes named with an error when the report itself is not printed.
const CAUSES: usize = 5;

/// A report with the operation it came from, as a document.
#[derive(Debug, Serialize)]
pub(crate) struct Reported<'a, T> {
    pub operation: OperationId,
    #[serde(flatten)]
    pub report: &'a T,
    /// Where the vault's key is, after the first backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<std::path::PathBuf>,
}

/// Prints what the operation says of itself; the error says what is not right about it.
pub(crate) async fn outcome(session: &Session, detail: &OperationDetail) -> Result<(), Failure> {
    let now = session.now();
    let vault = vault_words(session);
    let key_file = match &detail.outcome {
        Some(Outcome::CreateBackup(report)) => first_key(session, report).await,
        _ => None,
    };
    let wrong = match &detail.outcome {
        None => None,
        Some(Outcome::CreateBackup(report)) => {
            let key = key_file.clone();
            print(session, detail, schema::CREATE_REPORT, report, key_file, |page| {
                create(page, report, key.as_deref(), &vault);
            })?;
            create_failure(report)
        }
        Some(Outcome::Restore(report)) => {
            print(session, detail, schema::RESTORE_REPORT, report, None, |page| {
                restore(page, report, detail)
            })?;
            let message = format!(
                "{} could not be restored as they should",
                plural(report.problems.len() as u64, "item")
            );
            failed(
                &report.problems,
                ErrorKind::Partial,
                message,
                "what is listed above is not right in the target",
            )
        }
        Some(Outcome::Verify(report)) => {
            print(session, detail, schema::VERIFY_REPORT, report, None, |page| {
                verify(page, report, now)
            })?;
            verify_failure(report)
        }
        Some(Outcome::Drill(report)) => {
            print(session, detail, schema::DRILL_REPORT, report, None, |page| {
                drill(page, report, now)
            })?;
            drill_failure(report)
        }
        Some(Outcome::Prune(report)) => {
            print(session, detail, schema::PRUNE_REPORT, report, None, |page| {
                prune(page, report)
            })?;
            let message = format!(
                "{} changed since the plan was made and stay",
                plural(report.refused.len() as u64, "backup")
            );
            failed(
                &report.refused,
                ErrorKind::Partial,
                message,
                "run it again with `--dry-run` for a new plan",
            )
        }
        Some(Outcome::CheckVault(report)) => {
            print(session, detail, schema::CHECK_REPORT, report, None, |page| {
                check(page, report)
            })?;
            check_failure(report)
        }
    };
    match wrong {
        Some(wrong) => Err(wrong.into_failure(session.output.quiet)),
        None => failure_of(detail).map_or(Ok(()), Err),
    }
}

fn print<T: Serialize>(
    session: &Session,
    detail: &OperationDetail,
    schema: Schema,
    report: &T,
    key_file: Option<std::path::PathBuf>,
    people: impl FnOnce(&mut Page),
) -> Result<(), Failure> {
    session.output.document(
        schema,
        &Reported {
            operation: detail.summary.id,
            report,
            key_file,
        },
        people,
    )
}

/// What is wrong with a report, before it is known whether the report was printed.
struct Wrong<'a> {
    kind: ErrorKind,
    message: String,
    hint: String,
    problems: &'a [Problem],
}

impl Wrong<'_> {
    fn into_failure(self, quiet: bool) -> Failure {
        let causes = if quiet { self.problems } else { &[] };
        let mut texts: Vec<String> = causes
            .iter()
            .take(CAUSES)
            .map(|problem| format!("{}: {}", problem.path, problem.reason))
            .collect();
        texts.insert(0, self.message);
        let mut texts = texts.into_iter().rev();
        let mut failure = Failure::new(self.kind, texts.next().unwrap_or_default());
        for text in texts {
            failure = failure.context(text);
        }
        failure.with_hint(self.hint)
    }
}

fn failed<'a>(problems: &'a [Problem], kind: ErrorKind, message: String, hint: &str) -> Option<Wrong<'a>> {
    (!problems.is_empty()).then(|| Wrong {
        kind,
        message,
        hint: hint.to_owned(),
        problems,
    })
}

/// ` --vault NAME` as it was typed, so that the next commands mean the same vault.
fn vault_words(session: &Session) -> String {
    let mut words = session.words.iter().filter_map(|word| word.to_str());
    let name = loop {
        match words.next() {
            Some("--vault") => break words.next(),
            Some(word) if word.starts_with("--vault=") => break word.strip_prefix("--vault="),
            Some(_) => {}
            None => break None,
        }
    };
    name.map_or_else(String::new, |name| format!(" --vault {name}"))
}

/// The key file, after the first backup of a vault. That it cannot be told is no reason to fail a backup.
async fn first_key(session: &Session, report: &CreateReport) -> Option<std::path::PathBuf> {
    if report.parent.is_some() {
        return None;
    }
    let vault = vault_words(session);
    let name = vault.strip_prefix(" --vault ");
    let info = session.client().await.ok()?.vault(name).await.ok()?;
    let committed = ["complete", "verified", "partial"]
        .iter()
        .filter_map(|state| info.backups.get(*state));
    if committed.sum::<u64>() > 1 {
        None
    } else {
        info.key_file
    }
}

fn create(page: &mut Page, report: &CreateReport, key: Option<&std::path::Path>, vault: &str) {
    let backup = &report.backup;
    page.toned(
        &format!("backup {} is ", backup.id.short()),
        backup.state.as_str(),
        tone(backup.state),
        &format!(": {}", subject(backup)),
    );
    let counts = &backup.counts;
    page.field("files", files_text(backup));
    page.field(
        "size",
        format!("{}, of which {} new", size(counts.bytes), size(counts.new_bytes)),
    );
    page.field("stored", format!("{} compressed", size(counts.stored_bytes)));
    let took = Duration::from_millis(backup.duration_ms);
    page.field(
        "time",
        format!(
            "{}, {}",
            duration(took),
            rate(per_second(counts.bytes, took), Unit::Bytes)
        ),
    );
    if let Some(parent) = report.parent {
        page.field("parent", parent.short());
    }
    page.field(
        "proof",
        format!(
            "{} found in the store with the right size before the commit",
            plural(report.objects_found, "object")
        ),
    );
    page.fields(
        "left out",
        report.left_out.iter().map(|path| path.display().to_string()),
    );
    if let Some(key) = key {
        key_advice(page, key, &report.warnings);
    }
    warnings(page, &report.warnings);
    if !report.problems.is_empty() {
        page.line("not in it as it should be:");
        problems(page, &report.problems, counts.problems);
    }
    page.line("next:");
    let id = backup.id.short();
    page.command(
        &format!("ostler backup drill {id}{vault}"),
        "restore into scratch and compare",
    );
    page.command(&format!("ostler restore {id}{vault} --to DIR"), "bring it back");
}

fn create_failure(report: &CreateReport) -> Option<Wrong<'_>> {
    if report.backup.state.is_good() {
        return None;
    }
    Some(Wrong {
        kind: if report.backup.state == BackupState::Damaged {
            ErrorKind::Corrupt
        } else {
            ErrorKind::Partial
        },
        message: format!(
            "backup {} is {}: {} not in it as they should be",
            report.backup.id.short(),
            report.backup.state.as_str(),
            plural(report.backup.counts.problems, "item"),
        ),
        hint: "a partial backup never counts as the last good one; repair what is listed, or exclude it"
            .to_owned(),
        problems: &report.problems,
    })
}

fn restore(page: &mut Page, report: &RestoreReport, detail: &OperationDetail) {
    let place = report
        .to
        .as_ref()
        .map_or_else(|| "the original place".to_owned(), |to| to.display().to_string());
    page.line(format!("backup {} is restored to {place}", report.backup.short()));
    page.field(
        "written",
        format!(
            "{}, {}",
            plural(report.files_written, "file"),
            size(report.bytes_written)
        ),
    );
    page.field(
        "kept",
        format!("{} that were right already", plural(report.files_kept, "file")),
    );
    if report.deleted > 0 {
        page.field("removed", plural(report.deleted, "entry"));
    }
    let took = Duration::from_millis(detail.summary.duration_ms);
    page.field(
        "time",
        format!(
            "{}, {}",
            duration(took),
            rate(per_second(report.bytes_verified, took), Unit::Bytes)
        ),
    );
    page.field("proof", format!("{} verified", size(report.bytes_verified)));
    if !report.problems.is_empty() {
        page.line("not restored as they should be:");
        problems(page, &report.problems, report.problems.len() as u64);
    }
}

fn verify(page: &mut Page, report: &VerifyReport, now: Timestamp) {
    page.toned(
        &format!("backup {} is ", report.backup.short()),
        report.state.as_str(),
        tone(report.state),
        "",
    );
    page.field("looked at", plural(report.packs, "pack"));
    page.field("proof", proof_text(&report.proof, now));
    problems(page, &report.proof.problems, report.proof.problems.len() as u64);
}

fn verify_failure(report: &VerifyReport) -> Option<Wrong<'_>> {
    (!report.proof.ok).then(|| Wrong {
        kind: ErrorKind::Corrupt,
        message: format!("backup {} is damaged", report.backup.short()),
        hint: "files that are not named can still be restored with `ostler restore … --allow-incomplete`; make a \
               new backup now"
            .to_owned(),
        problems: &report.proof.problems,
    })
}

fn drill(page: &mut Page, report: &DrillReport, now: Timestamp) {
    page.toned(
        &format!("backup {} is ", report.backup.short()),
        report.state.as_str(),
        tone(report.state),
        "",
    );
    page.field(
        "restored",
        format!("in {}", duration(Duration::from_millis(report.restore_ms))),
    );
    page.field(
        "compared",
        format!("{} with the backup", plural(report.compared, "file")),
    );
    page.field(
        "live",
        format!(
            "{} also compared with the source, {} changed since",
            count(report.compared_live),
            count(report.changed_live)
        ),
    );
    if let Some(check) = &report.check {
        page.field(
            "check",
            match check.exit_code {
                Some(code) => format!("`{}` ended with {code}", check.command),
                None => format!("`{}` was ended by a signal", check.command),
            },
        );
        for line in check.output.lines() {
            page.line(format!("    {line}"));
        }
    }
    page.field("proof", proof_text(&report.proof, now));
    problems(page, &report.proof.problems, report.proof.problems.len() as u64);
}

fn drill_failure(report: &DrillReport) -> Option<Wrong<'_>> {
    if report.proof.ok {
        return None;
    }
    let id = report.backup.short();
    let by_check = report
        .check
        .as_ref()
        .is_some_and(|check| check.exit_code != Some(0));
    let (kind, message, hint) = if report.state != BackupState::Damaged && by_check {
        (
            ErrorKind::Internal,
            format!("the check command says that what backup {id} restores is not right"),
            "its last output is in the report: `ostler backup show` keeps it",
        )
    } else {
        (
            ErrorKind::Corrupt,
            format!("backup {id} does not restore to what was backed up"),
            "make a new backup now; `ostler vault check --read-data` tells how far the damage goes",
        )
    };
    Some(Wrong {
        kind,
        message,
        hint: hint.to_owned(),
        problems: &report.proof.problems,
    })
}

fn prune(page: &mut Page, report: &PruneReport) {
    page.line(format!(
        "deleted {}, freed {}",
        plural(report.deleted.len() as u64, "backup"),
        size(report.bytes_freed)
    ));
    page.fields("backups", report.deleted.iter().map(|id| id.short()));
    page.field(
        "packs",
        format!(
            "{} removed, {} rewritten",
            count(report.packs_deleted),
            count(report.packs_rewritten)
        ),
    );
    page.field("others", plural(report.objects_deleted, "leftover object"));
    problems(page, &report.refused, report.refused.len() as u64);
}

fn check(page: &mut Page, report: &CheckReport) {
    let word = if report.problems.is_empty() {
        "right"
    } else {
        "damaged"
    };
    page.line(format!("the vault is {word}"));
    page.field("backups", count(report.backups));
    page.field(
        "looked at",
        format!(
            "{}, {}",
            plural(report.packs, "pack"),
            plural(report.chunks, "chunk")
        ),
    );
    page.field("read", size(report.bytes));
    if report.orphans > 0 {
        page.field(
            "leftovers",
            format!("{} that the next prune frees", plural(report.orphans, "pack")),
        );
    }
    problems(page, &report.problems, report.problems.len() as u64);
    page.fields("damaged", report.damaged.iter().map(ToString::to_string));
}

fn check_failure(report: &CheckReport) -> Option<Wrong<'_>> {
    (!report.problems.is_empty()).then(|| Wrong {
        kind: ErrorKind::Corrupt,
        message: format!(
            "{} in the vault; {} damaged by them",
            plural(report.problems.len() as u64, "problem"),
            plural(report.damaged.len() as u64, "backup"),
        ),
        hint: "new backups of the same sources store again what is missing".to_owned(),
        problems: &report.problems,
    })
}

fn per_second(bytes: u64, took: Duration) -> u64 {
    let rate = u128::from(bytes) * 1_000 / took.as_millis().max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}
