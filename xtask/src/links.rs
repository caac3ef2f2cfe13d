//! Whether the pages' links point to something. Checked with the reference pages, because that is where they break.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace;

/// Every link of every page that leads nowhere, one line each.
pub fn broken() -> Result<Vec<String>> {
    let root = workspace::root();
    let mut broken = Vec::new();
    for page in workspace::files()? {
        if page.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text =
            fs::read_to_string(root.join(&page)).with_context(|| format!("reading {}", page.display()))?;
        for (line, target) in links(&text) {
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = if path.is_empty() {
                page.clone()
            } else {
                beside(&page, path)
            };
            let whole = root.join(&file);
            let there = whole.exists() && (heading.is_empty() || has_heading(&whole, heading));
            if !there {
                broken.push(format!("{}:{line}: {target} is not there", page.display()));
            }
        }
    }
    Ok(broken)
}

/// The path of `link` on `page`, without `..`.
fn beside(page: &Path, link: &str) -> PathBuf {
    let mut path = page.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path
}

/// Lines and targets of `[text](target)` outside of blocks of code; addresses of other hosts are left out.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut code = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            code = !code;
        }
        if code {
            continue;
        }
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        links.extend(
            targets
                .map(|(target, _)| target)
                .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
                .map(|target| (number + 1, target)),
        );
    }
    links
}

fn has_heading(page: &Path, wanted: &str) -> bool {
    let name = |line: &str| {
        line.trim_start_matches('#')
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect::<String>()
    };
    page.is_dir()
        || fs::read_to_string(page).is_ok_and(|text| {
            text.lines()
                .any(|line| line.starts_with('#') && name(line) == wanted)
        })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{beside, links};

    #[test]
    fn links_are_found_outside_of_code_and_on_this_host() {
        let page = "see [a](a.md) and [b](../b.md#c)\n```\n[no](no.md)\n```\n[far](https://example.net/x)\n";
        assert_eq!(links(page), [(1, "a.md"), (1, "../b.md#c")]);
        assert_eq!(
            beside(Path::new("docs/guides/s3.md"), "../b.md"),
            Path::new("docs/b.md")
        );
    }
}
