//! What there is of a cluster: nodes, versions, topology and parameters, with where each was found.

use axum::extract::{Extension, Path, State};
use maud::{Markup, html};
use ostler_api::document::{ClusterExploration, FoundFact, FoundNode, FoundValue};
use ostler_vocabulary::humane::plural;

use super::Page;
use super::fault::code;
use super::frame::{Tone, badge, encoded, nothing, page};
use super::table::{Column, table};
use crate::access::Identity;
use crate::serve::Web;

pub(super) async fn show(
    State(web): State<Web>,
    Extension(identity): Extension<Identity>,
    Path(cluster): Path<String>,
) -> Page {
    let explored = web.client(&identity).cluster_exploration(&cluster).await?;
    let (differ, agree): (Vec<_>, Vec<_>) = explored.parameters.iter().partition(|one| one.differs());
    let facts: Vec<&FoundFact> = explored.facts.iter().collect();
    let body = html! {
        p.lead { (verdict(&explored)) }
        @if !explored.problems.is_empty() {
            ul.findings { @for problem in &explored.problems { li { (code(problem)) } } }
        }
        section aria-labelledby="nodes" { h2 #nodes { "Nodes" } (nodes(&explored.nodes)) }
        section aria-labelledby="facts" { h2 #facts { "What they are" } (values("What they are", &explored, &facts)) }
        section aria-labelledby="parameters" {
            h2 #parameters { "What they run with" }
            @if explored.parameters.is_empty() {
                (nothing("Nothing was said of it.", &html! { "Drivers of databases ask for it; that of plain files has none to ask." }))
            }
            @if !differ.is_empty() { (values("Parameters in which nodes disagree", &explored, &differ)) }
            @if !agree.is_empty() {
                details {
                    summary { (plural(agree.len() as u64, "parameter")) " in which nodes agree, or may differ" }
                    (values("Parameters", &explored, &agree))
                }
            }
        }
        p { a href={ "/clusters/" (encoded(&cluster)) } { "How it is now" } }
    };
    Ok(page(
        &identity,
        "/clusters",
        &format!("Exploration of {cluster}"),
        body,
    ))
}

fn verdict(explored: &ClusterExploration) -> Markup {
    let strangers = explored.nodes.iter().filter(|node| !node.configured).count() as u64;
    html! {
        @if strangers > 0 {
            (badge(Tone::Bad, "not all is configured")) " " (plural(strangers, "node")) " of it in no backup."
        } @else if !explored.problems.is_empty() {
            (badge(Tone::Doubtful, "look at it")) " Not everything fits together."
        } @else {
            (badge(Tone::Good, "fits together")) " Every node is configured, and the nodes agree."
        }
    }
}

fn nodes(nodes: &[FoundNode]) -> Markup {
    let columns = [
        Column("Node", false),
        Column("Address", false),
        Column("Configured", false),
        Column("Found in", false),
    ];
    let row = |node: &FoundNode| {
        vec![
            html! { (node.name) },
            html! { span.paths { (node.address) } },
            html! { @if node.configured { "yes" } @else { (badge(Tone::Bad, "no")) } },
            html! { (node.source) },
        ]
    };
    table("Nodes", &columns, &nodes.iter().map(row).collect::<Vec<_>>())
}

fn values(caption: &str, explored: &ClusterExploration, facts: &[&FoundFact]) -> Markup {
    let columns = [
        Column("Name", false),
        Column("Value", false),
        Column("Nodes", false),
        Column("Found in", false),
    ];
    let row = |fact: &FoundFact, value: &FoundValue| {
        vec![
            html! { (fact.name) },
            html! { span.paths { (value.value) } },
            html! { (explored.who_has(value)) },
            html! { (value.source) },
        ]
    };
    let rows: Vec<Vec<Markup>> = facts
        .iter()
        .flat_map(|fact| fact.values.iter().map(|value| row(fact, value)))
        .collect();
    table(caption, &columns, &rows)
}
