//! Evidence of a backup: what was demanded, looked up and remembered.

use ostler_api::document::BackupDetail;
use ostler_vocabulary::humane::count;
use ostler_vocabulary::{BackupEvidence, MemberEvidence, PartEvidence, Timestamp};

use crate::output::{Page, plural, size};
use crate::report::problems;

/// How the objects of a backup were found before the commit.
pub(crate) fn looked_up(objects: u64, evidence: Option<&BackupEvidence>) -> String {
    match evidence.filter(|evidence| evidence.remembered > 0) {
        None => format!(
            "{} found in the store with the right size before the commit",
            plural(objects, "object")
        ),
        Some(evidence) => format!(
            "{} looked up in the store before the commit, {} {}",
            count(evidence.looked_up),
            count(evidence.remembered),
            since(evidence)
        ),
    }
}

fn since(evidence: &BackupEvidence) -> String {
    match evidence.remembered_since {
        Some(at) => format!("seen at {}", time(at)),
        None => "seen earlier".to_owned(),
    }
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `backup show --evidence`
pub(crate) fn show(page: &mut Page, detail: &BackupDetail) {
    page.line(format!("backup {}: evidence", detail.summary.id));
    match &detail.evidence {
        None => page.line("none is stored: an earlier version made it, or it is not committed"),
        Some(evidence) => stored(page, evidence),
    }
    lacking(page, detail);
}

fn stored(page: &mut Page, evidence: &BackupEvidence) {
    let how = match evidence.listed {
        true => "by listing",
        false => "one by one",
    };
    let packs = plural(evidence.looked_up, "pack");
    page.field(
        "looked up",
        format!("{packs}, {how}, at {}", time(evidence.looked_at)),
    );
    page.field(
        "earlier",
        match evidence.remembered {
            0 => "none remembered".to_owned(),
            packs => format!("{}, {}", plural(packs, "pack"), since(evidence)),
        },
    );
    page.fields("excluded", evidence.excluded.iter());
    for member in &evidence.members {
        page.field("node", member_text(member));
        let parts = member.parts.iter();
        page.fields("demanded", parts.map(|part| part_text(&member.node, part)));
    }
}

/// What it lacks, where it lacks something.
pub(crate) fn lacking(page: &mut Page, detail: &BackupDetail) {
    if detail.lacking.is_empty() {
        return;
    }
    page.line(
        "it lacks what every backup of its database contains; `ostler vault check` marks it as damaged:",
    );
    problems(page, &detail.lacking, detail.lacking.len() as u64);
}

fn member_text(member: &MemberEvidence) -> String {
    let tables = match member.tables {
        0 => String::new(),
        tables => format!("; {} that every node has", plural(tables, "table")),
    };
    match (member.directories.as_slice(), &member.source) {
        ([], _) => format!("{}{tables}", member.node),
        (directories, source) => format!(
            "{}: {} ({}){tables}",
            member.node,
            directories.join(", "),
            source.as_deref().unwrap_or("its database")
        ),
    }
}

fn part_text(node: &str, part: &PartEvidence) -> String {
    let files = plural(part.files, "file");
    let found = format!("{node}/{}: {files}, {}", part.root, size(part.bytes));
    let demanded = match (part.demanded_files, part.demanded_bytes, part.demanded_at) {
        (Some(files), Some(bytes), Some(at)) => format!(
            " of {} with {} in the snapshot, counted at {}",
            count(files),
            size(bytes),
            time(at)
        ),
        _ => String::new(),
    };
    let excluded = match part.excluded_files {
        0 => String::new(),
        files => format!("; {} excluded", plural(files, "file")),
    };
    format!("{found}{demanded}{excluded}")
}
