//! Clusters: what the configuration says of them, what their nodes and databases answer, and restores onto them.

use std::collections::BTreeSet;

use axum::extract::{Extension, Path, State};
use maud::{Markup, html};
use ostler_api::document::{
    BackupDetail, ClusterInfo, ClusterStatus, ClusterSummary, NodeStatus, SystemStatus,
};
use ostler_api::reach::host_of_cluster;
use ostler_api::request::{Filter, Onto};
use ostler_vocabulary::humane::{count, plural, size};
use ostler_vocabulary::{ErrorKind, Failure};

use super::Page;
use super::fault::{code, explained};
use super::frame::{Tone, backup_tone, badge, encoded, facts, form_token, nothing, operates, page, when};
use super::source::{address, listed};
use super::table::{Column, table};
use crate::access::Identity;
use crate::serve::Web;
use crate::v1::Pairs;

/// Backups that are shown.
const BACKUPS: usize = 5;
/// What the field of a node of a backup is called before its name.
const NODE: &str = "node ";

pub(super) async fn list(State(web): State<Web>, Extension(identity): Extension<Identity>) -> Page {
    let clusters = web.client(&identity).clusters().await?.clusters;
    let body = html! {
        @if clusters.is_empty() {
            (nothing("No cluster is configured.", &html! {
                code { "ostler cluster init NAME --node NODE=HOST:PORT --root NAME=DIR" }
                " on the server's machine makes one, with an agent's configuration for each node."
            }))
        }
        div.cards { @for cluster in &clusters { (card(cluster)) } }
    };
    Ok(page(&identity, "/clusters", "Clusters", body))
}

fn card(cluster: &ClusterSummary) -> Markup {
    html! {
        article.card {
            h2 { a href={ "/clusters/" (encoded(&cluster.name)) } { (cluster.name) } }
            (facts(&[
                ("Nodes", html! { (count(cluster.size)) }),
                ("A backup holds", needed(cluster)),
                ("Vault", html! { (cluster.vault) }),
            ]))
        }
    }
}

fn needed(cluster: &ClusterSummary) -> Markup {
    html! { @match cluster.quorum { Some(least) => { "at least " (plural(least.into(), "node")) } None => "every node" } }
}

pub(super) async fn show(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(cluster): Path<String>,
) -> Page {
    let client = web.client(&identity);
    let info = client.cluster(&cluster).await?;
    let filter = Filter {
        host: Some(host_of_cluster(&cluster)),
        ..Filter::default()
    };
    let (status, backups) = futures::join!(
        client.cluster_status(&cluster),
        listed(client.as_ref(), None, &filter)
    );
    let (backups, now) = (backups?.backups, web.now());
    let body = html! {
        p.lead { (verdict(&status)) }
        @if operates(&identity) {
            form method="post" action="/plans" {
                (form_token(&identity))
                input type="hidden" name="action" value="create_backup";
                input type="hidden" name="cluster" value=(cluster);
                button type="submit" { "Back it up now" }
            }
        }
        @match &status {
            Ok(status) => {
                (nodes(status))
                @if let Some(system) = &status.system { (database(system)) }
                p { a href={ "/clusters/" (encoded(&cluster)) "/exploration" } { "What there is of it, and where that was found" } }
            }
            Err(failure) => { (explained(failure)) }
        }
        (configured(&info))
        section aria-labelledby="backups" {
            h2 #backups { "Its backups" }
            @if backups.is_empty() { p { "There is none yet." } }
            ul.plain-list {
                @for backup in backups.iter().take(BACKUPS) {
                    li {
                        (badge(backup_tone(backup.state), backup.state.as_str())) " "
                        a href=(address(backup)) { (backup.name.clone().unwrap_or_else(|| backup.id.short())) }
                        " " (when(now, backup.started)) ", " (size(backup.counts.bytes))
                    }
                }
            }
            @if backups.len() > BACKUPS {
                p { a href={ "/backups?host=" (encoded(&host_of_cluster(&cluster))) } { "All " (backups.len()) } }
            }
        }
    };
    Ok(page(&identity, "/clusters", &format!("Cluster {cluster}"), body))
}

fn verdict(status: &Result<ClusterStatus, Failure>) -> Markup {
    let Ok(status) = status else {
        return html! { (badge(Tone::Bad, "cannot be asked")) };
    };
    let down = status.nodes.iter().filter(|node| !node.ok).count() as u64;
    let problems = status
        .system
        .as_ref()
        .is_some_and(|system| !system.problems.is_empty());
    let doubtful = problems || status.nodes.iter().any(|node| node.problem.is_some());
    html! {
        @if down > 0 {
            (badge(Tone::Bad, "not all answer")) " " (plural(down, "node")) " of " (status.nodes.len()) " cannot be used."
        } @else if doubtful {
            (badge(Tone::Doubtful, "look at it")) " Every node answers, and something is to be looked at."
        } @else {
            (badge(Tone::Good, "in order")) " Every node answers."
        }
    }
}

fn nodes(status: &ClusterStatus) -> Markup {
    let columns = [
        Column("Node", false),
        Column("State", false),
        Column("Address", false),
        Column("Ostler", false),
        Column("Directories", false),
    ];
    let rows: Vec<Vec<Markup>> = status.nodes.iter().map(node).collect();
    html! {
        section aria-labelledby="nodes" { h2 #nodes { "Nodes" } (table("Nodes", &columns, &rows)) }
    }
}

fn node(node: &NodeStatus) -> Vec<Markup> {
    let (tone, word) = match (node.ok, &node.problem) {
        (false, _) if node.version.is_some() => (Tone::Bad, "failing"),
        (false, _) => (Tone::Bad, "down"),
        (true, Some(_)) => (Tone::Doubtful, "look at it"),
        (true, None) => (Tone::Good, "answers"),
    };
    vec![
        html! { (node.name) },
        html! { (badge(tone, word)) @if let Some(problem) = &node.problem { p.reason { (problem) } } },
        html! { span.paths { (node.address) } },
        html! {
            @match &node.version { Some(version) => (version), None => "–" }
            @if let Some(protocol) = node.protocol { p.reason { "protocol " (protocol) } }
        },
        html! {
            @for root in &node.roots {
                div { (root.name) " " span.paths.muted { (root.path.display()) } ", " (size(root.free)) " free" }
            }
            @if node.roots.is_empty() { "–" }
        },
    ]
}

/// What the driver found: versions, topology, parameters.
fn database(system: &SystemStatus) -> Markup {
    let counts = system
        .counts
        .iter()
        .map(|(name, number)| (name.as_str(), count(*number)));
    let found = system
        .facts
        .iter()
        .map(|(name, fact)| (name.as_str(), fact.clone()));
    let found: Vec<(&str, Markup)> = found
        .chain(counts)
        .map(|(name, said)| (name, html! { (said) }))
        .collect();
    html! {
        section aria-labelledby="database" {
            h2 #database { "What " (system.driver) " says" }
            @if !system.problems.is_empty() {
                ul.findings { @for problem in &system.problems { li { (code(problem)) } } }
            }
            (facts(&found))
        }
    }
}

fn configured(info: &ClusterInfo) -> Markup {
    let words = |words: &[String], none: &'static str| {
        html! { @if words.is_empty() { (none) } @else { span.paths { (words.join(", ")) } } }
    };
    html! {
        section aria-labelledby="configured" {
            h2 #configured { "What the configuration says" }
            (facts(&[
                ("Vault", html! { (info.summary.vault) }),
                ("A backup holds", needed(&info.summary)),
                ("Directories", words(&info.roots, "all that the nodes have")),
                ("Left out", words(&info.exclude, "nothing")),
            ]))
        }
    }
}

/// The form that restores a cluster's backup onto its nodes; nothing for a backup of one machine.
pub(super) fn restore(
    identity: &Identity,
    detail: &BackupDetail,
    cluster: Option<&Result<ClusterInfo, Failure>>,
) -> Markup {
    let (Some(parts), Some(cluster)) = (&detail.cluster, cluster) else {
        return html! {};
    };
    let nodes: BTreeSet<&str> = parts.parts.iter().map(|part| part.node.as_str()).collect();
    html! {
        form.narrow method="post" action="/plans" {
            h3 { "Restore onto the nodes of " (parts.name) }
            @match cluster {
                Err(failure) => { (explained(failure)) }
                Ok(info) => {
                    (form_token(identity))
                    input type="hidden" name="action" value="restore_onto";
                    input type="hidden" name="vault" value=(detail.summary.vault);
                    input type="hidden" name="backup" value=(detail.summary.id);
                    input type="hidden" name="cluster" value=(parts.name);
                    @for from in &nodes {
                        label for={ "node-" (from) } { "What was on " (from) " goes to" }
                        select id={ "node-" (from) } name={ (NODE) (from) } {
                            option value="" { "no node" }
                            @for to in &info.nodes {
                                option value=(to.name) selected[to.name == *from] { (to.name) }
                            }
                        }
                    }
                    label.tick { input type="checkbox" name="into_used" value="true"; "Directories may hold other files, which stay" }
                    button type="submit" { "Plan the restore onto nodes" }
                }
            }
        }
    }
}

/// Who gets what, as that form says it.
pub(super) fn onto(form: &Pairs) -> Result<Onto, Failure> {
    let invalid = |message: &str| Failure::new(ErrorKind::Invalid, message);
    let cluster = form
        .one("cluster")?
        .ok_or_else(|| invalid("no cluster is named"))?;
    let chosen = |(name, to): &(String, String)| Some((name.strip_prefix(NODE)?.to_owned(), to.clone()));
    let nodes: Vec<(String, String)> = form
        .0
        .iter()
        .filter_map(chosen)
        .filter(|(_, to)| !to.is_empty())
        .collect();
    if nodes.is_empty() {
        return Err(invalid("no node gets anything: choose one at least"));
    }
    Ok(Onto {
        cluster: cluster.to_owned(),
        only: nodes.iter().map(|(from, _)| from.clone()).collect(),
        nodes,
        into_used: form.is_on("into_used")?,
        ..Onto::default()
    })
}
