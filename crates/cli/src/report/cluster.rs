//! Clusters.

use ostler_api::document::{ClusterAdoption, ClusterInfo, ClusterList, ClusterStatus};

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
    let mut table = Table::new([
        Column::left("NODE"),
        Column::left("ZONE"),
        Column::left("SHARD"),
        Column::left("ADDRESS"),
    ]);
    let told = |label: &Option<String>| label.clone().unwrap_or_else(|| "–".to_owned());
    for node in &info.nodes {
        table.row([
            (node.name.clone(), Tone::Plain),
            (told(&node.zone), Tone::Plain),
            (told(&node.shard), Tone::Plain),
            (node.address.clone(), Tone::Plain),
        ]);
    }
    page.table(&table);
    let made = info.nodes.iter().flat_map(|node| &node.files);
    page.fields("made", made.map(|file| file.display().to_string()));
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
