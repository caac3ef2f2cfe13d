//! Files of a backup, and differences.

use ostler_api::document::{Change, Diff, FileEntry, FileList};

use crate::output::{Column, Page, Table, Tone, count, moment, size};

pub(crate) fn list(page: &mut Page, list: &FileList) {
    let mut table = Table::new([
        Column::left("MODE"),
        Column::left("KIND"),
        Column::right("SIZE"),
        Column::left("MODIFIED"),
        Column::left("PATH"),
    ]);
    for file in &list.files {
        table.row([
            (file.mode.clone(), Tone::Plain),
            (file.kind.clone(), Tone::Plain),
            (size_text(file), Tone::Plain),
            (moment(file.modified), Tone::Plain),
            (path_text(file), Tone::Plain),
        ]);
    }
    page.table(&table);
}

pub(crate) fn diff(page: &mut Page, diff: &Diff) {
    if diff.entries.is_empty() {
        page.line(format!(
            "backups {} and {} hold the same",
            diff.from.short(),
            diff.to.short()
        ));
        return;
    }
    let mut table = Table::new([
        Column::left("CHANGE"),
        Column::left("KIND"),
        Column::right("SIZE"),
        Column::left("MODIFIED"),
        Column::left("PATH"),
    ]);
    let mut counts = [0_u64; 4];
    for difference in &diff.entries {
        let (word, tone, slot) = match difference.change {
            Change::Added => ("added", Tone::Good, 0),
            Change::Removed => ("removed", Tone::Bad, 1),
            Change::Modified => ("modified", Tone::Doubtful, 2),
            Change::Metadata => ("metadata", Tone::Faint, 3),
        };
        counts[slot] += 1;
        table.row([
            (word.to_owned(), tone),
            (difference.entry.kind.clone(), Tone::Plain),
            (size_text(&difference.entry), Tone::Plain),
            (moment(difference.entry.modified), Tone::Plain),
            (path_text(&difference.entry), Tone::Plain),
        ]);
    }
    page.table(&table);
    let [added, removed, modified, metadata] = counts.map(count);
    page.line(format!(
        "{added} added, {removed} removed, {modified} modified, {metadata} with other metadata only"
    ));
}

fn size_text(file: &FileEntry) -> String {
    if file.kind == "file" {
        size(file.size)
    } else {
        "–".to_owned()
    }
}

fn path_text(file: &FileEntry) -> String {
    match &file.target {
        Some(target) => format!("{} -> {target}", file.path),
        None => file.path.clone(),
    }
}
