//! Clusters.

use ostler_api::document::{ClusterAdoption, ClusterInfo, ClusterList, ClusterNodeInfo, ClusterStatus};

use crate::output::{Column, Page, Table, Tone, count, plural, size};

pub(crate) fn list(page: &mut Page, list: &ClusterList) {
    let mut table = Table::new([
        Column::flexible("NAME"),
        Column::right("NODES"),
        Column::left("NEEDED"),
        Column::left("VAULT"),
    ]);
    for cluster in &list.clusters {
        table.row([
            (cluster.name.clone(), Tone::Plain),
            (count(cluster.size), Tone::Plain),
            (needed(cluster.quorum), Tone::Plain),
            (cluster.vault.clone(), Tone::Plain),
        ]);
    }
    page.table(&table);
}

fn needed(quorum: Option<u32>) -> String {
    quorum.map_or_else(|| "all".to_owned(), |least| count(least.into()))
}

pub(crate) fn info(page: &mut Page, info: &ClusterInfo) {
    page.line(format!("cluster {}", info.summary.name));
    page.field("vault", &info.summary.vault);
    page.field(
        "needed",
        format!(
            "{} of {}",
            needed(info.summary.quorum),
            plural(info.summary.size, "node")
        ),
    );
    page.fields("root", info.roots.iter().cloned());
    page.fields("left out", info.exclude.iter().cloned());
    nodes(page, &info.nodes);
    let made = info.nodes.iter().flat_map(|node| &node.files);
    page.fields("made", made.map(|file| file.display().to_string()));
}

fn nodes(page: &mut Page, nodes: &[ClusterNodeInfo]) {
    type Label = fn(&ClusterNodeInfo) -> Option<&String>;
    let labels: [(&str, Label); 2] = [
        ("ZONE", |node| node.zone.as_ref()),
        ("SHARD", |node| node.shard.as_ref()),
    ];
    // Most clusters have neither.
    let is_told = |(_, label): &(&str, Label)| nodes.iter().any(|node| label(node).is_some());
    let labels: Vec<_> = labels.into_iter().filter(is_told).collect();
    let mut columns = vec![Column::left("NODE")];
    columns.extend(labels.iter().map(|(heading, _)| Column::left(heading)));
    columns.push(Column::left("ADDRESS"));
    let mut table = Table::new(columns);
    for node in nodes {
        let told = labels
            .iter()
            .map(|(_, label)| label(node).map_or("–", String::as_str));
        let told = [node.name.as_str()]
            .into_iter()
            .chain(told)
            .chain([node.address.as_str()]);
        table.row(
            told.map(|text| (text.to_owned(), Tone::Plain))
                .collect::<Vec<_>>(),
        );
    }
    page.table(&table);
}

pub(crate) fn adoption(page: &mut Page, adoption: &ClusterAdoption) {
    for node in &adoption.nodes {
        let knew = match node.backups.len() as u64 {
            0 => "it knew them all".to_owned(),
            unknown => format!("it knew nothing of {}", plural(unknown, "backup")),
        };
        let moved = match node.moved {
            true => ", and was another machine",
            false => "",
        };
        page.line(format!(
            "node {} goes on with the backups of cluster {} in vault {}: {knew}{moved}",
            node.name, adoption.name, adoption.vault
        ));
    }
}

pub(crate) fn status(page: &mut Page, status: &ClusterStatus) {
    let mut table = Table::new([
        Column::left("NODE"),
        Column::left("STATE"),
        Column::left("ADDRESS"),
        Column::left("OSTLER"),
        Column::left("PROTOCOL"),
        Column::flexible("ROOTS"),
    ]);
    for node in &status.nodes {
        let roots: Vec<String> = node
            .roots
            .iter()
            .map(|root| format!("{}={} ({} free)", root.name, root.path.display(), size(root.free)))
            .collect();
        let (word, tone) = match (node.ok, &node.problem) {
            (false, _) if node.version.is_some() => ("failing", Tone::Bad),
            (false, _) => ("down", Tone::Bad),
            (true, Some(_)) => ("warning", Tone::Doubtful),
            (true, None) => ("ok", Tone::Good),
        };
        table.row([
            (node.name.clone(), Tone::Plain),
            (word.to_owned(), tone),
            (node.address.clone(), Tone::Plain),
            (node.version.clone().unwrap_or_default(), Tone::Plain),
            (
                node.protocol
                    .map(|version| version.to_string())
                    .unwrap_or_default(),
                Tone::Plain,
            ),
            (roots.join(", "), Tone::Plain),
        ]);
    }
    page.table(&table);
    for node in &status.nodes {
        if let Some(problem) = &node.problem {
            page.line(format!("{}: {problem}", node.name));
        }
    }
    if let Some(system) = &status.system {
        page.line(&system.driver);
        for (name, fact) in &system.facts {
            page.field(name, fact);
        }
        for (name, number) in &system.counts {
            page.field(name, count(*number));
        }
        page.fields("problem", system.problems.iter().cloned());
    }
}
