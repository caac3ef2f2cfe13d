//! What was found of a cluster.

use ostler_api::document::{ClusterExploration, FoundFact};

use crate::output::{Column, Page, Table, Tone, plural};

pub(crate) fn show(page: &mut Page, explored: &ClusterExploration, all: bool) {
    let mut table = Table::new([
        Column::left("NODE"),
        Column::left("ADDRESS"),
        Column::left("CONFIGURED"),
        Column::flexible("FOUND IN"),
    ]);
    for node in &explored.nodes {
        let (word, tone) = match node.configured {
            true => ("yes", Tone::Plain),
            false => ("no", Tone::Bad),
        };
        table.row([
            (node.name.clone(), Tone::Plain),
            (node.address.clone(), Tone::Plain),
            (word.to_owned(), tone),
            (node.source.clone(), Tone::Plain),
        ]);
    }
    page.table(&table);
    facts(page, "FACT", explored, &explored.facts);
    let (shown, left): (Vec<_>, Vec<_>) = explored
        .parameters
        .iter()
        .cloned()
        .partition(|parameter| all || parameter.differs());
    facts(page, "PARAMETER", explored, &shown);
    if !left.is_empty() {
        let told = plural(left.len() as u64, "parameter");
        page.line(format!(
            "{told} in which nodes agree, or may differ: --parameters shows them"
        ));
    }
    page.fields("problem", explored.problems.iter().cloned());
}

fn facts(page: &mut Page, heading: &'static str, explored: &ClusterExploration, facts: &[FoundFact]) {
    if facts.is_empty() {
        return;
    }
    let mut table = Table::new([
        Column::left(heading),
        Column::left("NODES"),
        Column::flexible("VALUE"),
        Column::left("FOUND IN"),
    ]);
    for fact in facts {
        let tone = if fact.differs() {
            Tone::Doubtful
        } else {
            Tone::Plain
        };
        for value in &fact.values {
            table.row([
                (fact.name.clone(), Tone::Plain),
                (explored.who_has(value), Tone::Plain),
                (value.value.clone(), tone),
                (value.source.clone(), Tone::Plain),
            ]);
        }
    }
    page.table(&table);
}
