//! How an operation ended: its report, and the error when not all is right.

mod check;
mod create;
mod drill;
mod mirror;
mod prune;
mod repair;
mod restore;
mod verify;

use std::time::Duration;

use ostler_api::document::{Cost, CreateReport, OperationDetail, Outcome, Problem, Traffic};
use ostler_vocabulary::{ErrorKind, Failure, OperationId};
use serde::Serialize;

use crate::operate::failure_of;
use crate::output::{Page, Schema, count, plural, schema, size};
use crate::session::Session;

/// Causes named with an error when the report itself is not printed.
const CAUSES: usize = 5;

/// A report with the operation it came from, as a document.
#[derive(Debug, Serialize)]
pub(crate) struct Reported<'a, T> {
    pub operation: OperationId,
    #[serde(flatten)]
    pub report: &'a T,
    /// What it asked of the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic: Option<&'a Traffic>,
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
                create::print(page, report, detail.traffic.as_ref(), key.as_deref(), &vault);
            })?;
            create::wrong(report)
        }
        Some(Outcome::Restore(report)) => {
            print(session, detail, schema::RESTORE_REPORT, report, None, |page| {
                restore::print(page, report, detail)
            })?;
            let message = format!(
                "{} could not be restored as they should",
                plural(report.problems.len() as u64, "item")
            );
            let (kind, hint) = if report.damaged {
                let hint = "all other files are right; `ostler backup verify --read-data` tells how far the damage goes";
                (ErrorKind::Corrupt, hint)
            } else {
                (
                    ErrorKind::Partial,
                    "what is listed above is not right in the target",
                )
            };
            failed(&report.problems, kind, message, hint)
        }
        Some(Outcome::Verify(report)) => {
            print(session, detail, schema::VERIFY_REPORT, report, None, |page| {
                verify::print(page, report, now);
                traffic(page, detail.traffic.as_ref());
            })?;
            verify::wrong(report)
        }
        Some(Outcome::Drill(report)) => {
            print(session, detail, schema::DRILL_REPORT, report, None, |page| {
                drill::print(page, report, now);
                traffic(page, detail.traffic.as_ref());
            })?;
            drill::wrong(report)
        }
        Some(Outcome::Prune(report)) => {
            print(session, detail, schema::PRUNE_REPORT, report, None, |page| {
                prune::print(page, report);
                traffic(page, detail.traffic.as_ref());
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
                check::print(page, report);
                traffic(page, detail.traffic.as_ref());
            })?;
            check::wrong(report)
        }
        Some(Outcome::RepairVault(report)) => {
            print(session, detail, schema::REPAIR_REPORT, report, None, |page| {
                repair::print(page, report)
            })?;
            repair::wrong(report)
        }
        Some(Outcome::Mirror(report)) => {
            print(session, detail, schema::MIRROR_REPORT, report, None, |page| {
                mirror::print(page, report, detail)
            })?;
            let message = format!(
                "{} not copied",
                match report.problems.len() {
                    1 => "1 backup was".to_owned(),
                    n => format!("{} were", plural(n as u64, "backup")),
                }
            );
            let hint =
                "what is damaged may be healed by `ostler vault check --repair`; the others were copied";
            failed(&report.problems, ErrorKind::Partial, message, hint)
        }
        Some(Outcome::Keys(report)) => {
            print(session, detail, schema::KEY_REPORT, report, None, |page| {
                super::keys::report(page, report);
            })?;
            None
        }
        Some(Outcome::QueueSchema(report)) => {
            print(
                session,
                detail,
                schema::QUEUE_SCHEMA_REPORT,
                report,
                None,
                |page| {
                    super::queue::schema_report(page, report);
                },
            )?;
            None
        }
        Some(Outcome::Undo(report)) => {
            print(session, detail, schema::UNDO_REPORT, report, None, |page| {
                super::undo::report(page, report);
            })?;
            None
        }
        Some(Outcome::Tables(report)) => {
            print(session, detail, schema::TABLES_REPORT, report, None, |page| {
                super::tables::report(page, report);
            })?;
            None
        }
        Some(Outcome::Retention(report)) => {
            print(session, detail, schema::RETENTION_REPORT, report, None, |page| {
                super::retention::report(page, report);
            })?;
            None
        }
    };
    match wrong {
        Some(mut wrong) => {
            // The engine may know better what it means: a restore that left out what is damaged.
            wrong.kind = detail.failure.unwrap_or(wrong.kind);
            Err(wrong.into_failure(session.output.quiet))
        }
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
            traffic: detail.traffic.as_ref(),
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

/// What the run asked of the store, and what that costs.
fn traffic(page: &mut Page, traffic: Option<&Traffic>) {
    let Some(traffic) = traffic else { return };
    let counts = [
        (traffic.created, "to create"),
        (traffic.read, "to read"),
        (traffic.looked_up, "to look up"),
        (traffic.listed, "to list"),
        (traffic.deleted, "to delete"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", count(*number)))
        .collect();
    page.field("requests", counts.join(", "));
    page.field(
        "transfer",
        format!(
            "{} sent, {} received",
            size(traffic.sent_bytes),
            size(traffic.received_bytes)
        ),
    );
    if traffic.failed > 0 {
        page.field(
            "repeated",
            format!("{} failed", plural(traffic.failed, "request")),
        );
    }
    if let Some(cost) = &traffic.cost {
        page.field("cost", money(cost));
    }
}

/// An estimate, and said so.
pub(crate) fn money(cost: &Cost) -> String {
    format!("about {cost}")
}

fn per_second(bytes: u64, took: Duration) -> u64 {
    let rate = u128::from(bytes) * 1_000 / took.as_millis().max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}
