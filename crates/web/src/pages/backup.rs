//! One backup: what it is, what is proven of it, and what can be done with it.

mod evidence;

use axum::Form;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Redirect};
use maud::{Markup, html};
use ostler_api::client::Mark;
use ostler_api::document::{BackupDetail, ClusterInfo, Problem, Proof};
use ostler_api::request::{Filter, Selector};
use ostler_vocabulary::humane::{count, duration, plural, size};
use ostler_vocabulary::{Failure, Timestamp};

use super::frame::{Tone, backup_tone, badge, encoded, facts, form_token, kind_words, operates, page, when};
use super::source::{address, named};
use super::table::{Column, table};
use super::{Page, clusters, sent_by};
use crate::access::{Identity, Role};
use crate::serve::Web;
use crate::v1::Pairs;

/// Problems that are shown.
const PROBLEMS: usize = 50;

/// The backup of this id in this vault.
pub(super) fn selector(vault: &str, backup: &str) -> Selector {
    Selector {
        vault: Some(vault.to_owned()),
        backup: backup.to_owned(),
        filter: Filter::default(),
    }
}

pub(super) async fn show(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path((vault, backup)): Path<(String, String)>,
) -> Page {
    let client = web.client(&identity);
    let detail = client.backup(&selector(&vault, &backup)).await?;
    let cluster = match detail.cluster.as_ref().filter(|_| operates(&identity)) {
        Some(parts) => Some(client.cluster(&parts.name).await),
        None => None,
    };
    let name = detail.summary.name.clone();
    let title = format!("Backup {}", name.unwrap_or_else(|| detail.summary.id.short()));
    let body = body(&identity, &detail, cluster.as_ref(), web.now());
    Ok(page(&identity, "/backups", &title, body))
}

fn body(
    identity: &Identity,
    detail: &BackupDetail,
    cluster: Option<&Result<ClusterInfo, Failure>>,
    now: Timestamp,
) -> Markup {
    let backup = &detail.summary;
    let counts = &backup.counts;
    let base = address(backup);
    let readable = !matches!(
        backup.state,
        ostler_api::document::BackupState::Running | ostler_api::document::BackupState::Incomplete
    );
    html! {
        p.lead { (badge(backup_tone(backup.state), backup.state.as_str())) " " (meaning(detail)) }
        @if readable { p { a.button href={ (base) "/files" } { "Browse its files" } } }
        section aria-labelledby="facts" {
            h2 #facts { "What it is" }
            (facts(&[
                ("Source", html! { @if let Some(source) = &backup.source { (named(source)) } @else { "not known" } }),
                ("Started", html! { (when(now, backup.started)) ", took "
                    (duration(std::time::Duration::from_millis(backup.duration_ms))) }),
                ("Data", html! { (size(counts.bytes)) " in " (plural(counts.files, "file")) }),
                ("Changed", html! { (plural(counts.changed_files, "file")) ", " (size(counts.new_bytes)) " new" }),
                ("Stored for it", html! { (size(counts.stored_bytes)) ", compressed and encrypted" }),
                ("Vault", html! { a href={ "/vaults/" (encoded(&backup.vault)) } { (backup.vault) } }),
                ("Held", held(detail)),
                ("Tags", tags(detail)),
                ("Data read back", reading(detail, now)),
                ("Made by", html! { (detail.made_by)
                    @if let Some(operation) = detail.operation { ", " a href={ "/operations/" (operation) } { "operation " (operation.short()) } } }),
                ("Id", html! { code { (backup.id) } }),
            ]))
        }
        @if operates(identity) { (actions(identity, detail, cluster)) }
        (evidence::section(detail, now))
        (problems("What every backup of its database contains, and this one does not", &detail.lacking))
        (proofs(&detail.proofs, now))
        (problems("Files that are missing or changed while they were read", &detail.problems))
    }
}

fn meaning(detail: &BackupDetail) -> &'static str {
    use ostler_api::document::BackupState::{Complete, Damaged, Incomplete, Partial, Running, Verified};
    match detail.summary.state {
        Running => "It is being made now.",
        Incomplete => {
            "It was begun and did not come to its end. It cannot be restored; resume its operation or delete it."
        }
        Partial => "Some files are not in it. What is in it can be restored if you say so.",
        Complete => "Everything it needs was found in the store. Its data was not read back since.",
        Verified => "It was read back in full, or restored in a drill, without a fault.",
        Damaged => "A check found something missing or wrong. Make another backup, then repair the vault.",
    }
}

fn held(detail: &BackupDetail) -> Markup {
    html! {
        @if detail.summary.held {
            "yes, no rule deletes it" @if let Some(reason) = &detail.hold_reason { ": " (reason) }
        } @else { "no" }
    }
}

fn tags(detail: &BackupDetail) -> Markup {
    html! {
        @for (key, value) in &detail.summary.tags { span.tag { (key) "=" (value) } " " }
        @if detail.summary.tags.is_empty() { "none" }
    }
}

fn reading(detail: &BackupDetail, now: Timestamp) -> Markup {
    html! {
        @match (detail.reading.since, detail.reading.last) {
            (Some(since), _) => { "all of it since " (when(now, since)) }
            (None, Some(last)) => { "in part, last " (when(now, last)) }
            (None, None) => { "never" }
        }
    }
}

fn actions(
    identity: &Identity,
    detail: &BackupDetail,
    cluster: Option<&Result<ClusterInfo, Failure>>,
) -> Markup {
    let backup = &detail.summary;
    let fields = |action: &str| {
        html! {
            (form_token(identity))
            input type="hidden" name="action" value=(action);
            input type="hidden" name="vault" value=(backup.vault);
            input type="hidden" name="backup" value=(backup.id);
        }
    };
    html! {
        section aria-labelledby="actions" {
            h2 #actions { "What to do with it" }
            p.muted { "Each shows its plan first; nothing happens before you agree." }
            div.actions {
                form method="post" action="/plans" { (fields("verify")) button type="submit" { "Look every object up" } }
                form method="post" action="/plans" { (fields("verify_data")) button type="submit" { "Read every byte" } }
                form method="post" action="/plans" { (fields("drill")) button type="submit" { "Run a restore drill" } }
                @if matches!(cluster, Some(Ok(cluster)) if cluster.drills_start) {
                    form method="post" action="/plans" {
                        (fields("drill"))
                        input type="hidden" name="start" value="true";
                        button type="submit" { "Start the database in a drill" }
                    }
                }
                form method="post" action={ (address(backup)) "/hold" } {
                    (form_token(identity))
                    input type="hidden" name="held" value=(!backup.held);
                    button type="submit" { @if backup.held { "Release the hold" } @else { "Hold it" } }
                }
                form method="post" action="/plans" { (fields("delete")) button.danger type="submit" { "Delete it" } }
            }
            (clusters::restore(identity, detail, cluster))
            form.narrow method="post" action="/plans" {
                (fields("restore"))
                h3 { "Restore" }
                label for="to" { "To this directory of the server" }
                input #to name="to" type="text" placeholder="/tmp/restored" aria-describedby="to-help" required;
                p.help #to-help { "Files that are there and differ stop the restore before anything is written." }
                label for="include" { "Only these paths, one a line (all if empty)" }
                textarea #include name="include" rows="2" {}
                button type="submit" { "Plan the restore" }
            }
        }
    }
}

fn proofs(proofs: &[Proof], now: Timestamp) -> Markup {
    let columns = [
        Column("What was done", false),
        Column("Result", false),
        Column("When", false),
        Column("Files", true),
        Column("Bytes read", true),
    ];
    let rows: Vec<Vec<Markup>> = proofs
        .iter()
        .rev()
        .map(|proof| {
            let (tone, word) = match proof.ok {
                true => (Tone::Good, "all right"),
                false => (Tone::Bad, "problems"),
            };
            vec![
                html! { (kind_words(&proof.method)) },
                badge(tone, word),
                when(now, proof.at),
                html! { (count(proof.files)) },
                html! { (size(proof.bytes)) },
            ]
        })
        .collect();
    html! {
        section aria-labelledby="proofs" {
            h2 #proofs { "Proofs" }
            @if rows.is_empty() { p { "There is none yet." } } @else { (table("Proofs", &columns, &rows)) }
            @for proof in proofs.iter().rev().filter(|proof| !proof.ok).take(1) {
                (problems("What the last failed one found", &proof.problems))
            }
        }
    }
}

/// Problems under a heading; nothing where there are none.
pub(super) fn problems(heading: &str, problems: &[Problem]) -> Markup {
    html! {
        @if !problems.is_empty() {
            section {
                h3 { (heading) }
                ul.problems {
                    @for one in problems.iter().take(PROBLEMS) { li { code { (one.path) } " " (one.reason) } }
                }
                @if problems.len() > PROBLEMS { p.muted { "and " (problems.len() - PROBLEMS) " more" } }
            }
        }
    }
}

pub(super) async fn hold(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path((vault, backup)): Path<(String, String)>,
    Form(form): Form<Pairs>,
) -> Page {
    sent_by(&identity, &form, Role::Operator)?;
    let mark = match form.is_on("held")? {
        true => Mark::Hold { reason: None },
        false => Mark::Release,
    };
    web.client(&identity)
        .mark(&selector(&vault, &backup), mark)
        .await?;
    let back = format!("/backups/{}/{}", encoded(&vault), encoded(&backup));
    Ok(Redirect::to(&back).into_response())
}
