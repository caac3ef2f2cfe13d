//! `layers`: data flows one way. Who may depend on whom is said here and nowhere else.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{hygiene, workspace};

/// A crate's place. Dependencies point to lower layers, or to the named crates of the same layer.
struct Place {
    package: &'static str,
    layer: u8,
    beside: &'static [&'static str],
}

const fn place(package: &'static str, layer: u8, beside: &'static [&'static str]) -> Place {
    Place {
        package,
        layer,
        beside,
    }
}

/// The table. A new crate is a line here; CONTRIBUTING.md says what makes one worth it.
const TABLE: &[Place] = &[
    place("ostler-vocabulary", 0, &[]),
    place("ostler-store", 1, &[]),
    place("ostler-vault", 1, &["ostler-store"]),
    place("ostler-operations", 1, &["ostler-state"]),
    place("ostler-api", 1, &[]),
    place("ostler-postgres", 1, &[]),
    place("ostler-state", 1, &["ostler-postgres"]),
    place("ostler-cratedb", 1, &[]),
    place("ostler-queue", 1, &["ostler-postgres"]),
    place("ostler-wire", 1, &["ostler-api"]),
    place("ostler-agent", 2, &[]),
    place("ostler-backup", 2, &[]),
    place("ostler-drivers", 2, &["ostler-backup"]),
    place("ostler-retention", 2, &[]),
    place("ostler-web", 2, &[]),
    place("ostler-schedule", 2, &[]),
    place("ostler-server", 3, &[]),
    place("ostler", 4, &[]),
];

/// Only for tests: it may know the vocabulary, and the others may know it as a dev-dependency.
const TESTKIT: &str = "ostler-testkit";
/// Only for developers.
const XTASK: &str = "xtask";

/// A dependency of one of our crates on another.
struct Edge {
    from: String,
    to: String,
    /// `normal`, `build` or `dev`.
    kind: String,
}

/// Runs the verb.
pub fn run(arguments: &[String]) -> Result<()> {
    if let Some(word) = arguments.first() {
        bail!("layers: unknown argument {word}");
    }
    let (packages, edges) = workspace_edges(&workspace::metadata()?)?;
    let mut faults: Vec<String> = packages.iter().filter_map(|package| unknown(package)).collect();
    faults.extend(edges.iter().filter_map(fault));
    faults.extend(hygiene::faults()?);
    if faults.is_empty() {
        println!(
            "layers: {} crates, {} dependencies between them, all downward",
            packages.len(),
            edges.len()
        );
        return Ok(());
    }
    for fault in &faults {
        println!("{fault}");
    }
    bail!("{} faults", faults.len())
}

fn workspace_edges(metadata: &Value) -> Result<(Vec<String>, Vec<Edge>)> {
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata has no packages")?;
    let name = |package: &Value| {
        package["name"]
            .as_str()
            .map(str::to_owned)
            .context("a package without a name")
    };
    let names = packages.iter().map(name).collect::<Result<Vec<_>>>()?;
    let mut edges = Vec::new();
    for package in packages {
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = name(dependency)?;
            if names.contains(&to) {
                let kind = dependency["kind"].as_str().unwrap_or("normal").to_owned();
                edges.push(Edge {
                    from: name(package)?,
                    to,
                    kind,
                });
            }
        }
    }
    Ok((names, edges))
}

fn find(package: &str) -> Option<&'static Place> {
    TABLE.iter().find(|place| place.package == package)
}

fn unknown(package: &str) -> Option<String> {
    let known = package == TESTKIT || package == XTASK || find(package).is_some();
    (!known).then(|| format!("{package} has no place in the table of xtask/src/layers.rs"))
}

fn fault(edge: &Edge) -> Option<String> {
    let Edge { from, to, kind } = edge;
    if from == to && kind == "dev" {
        // A crate's own tests with one of its features.
        return None;
    }
    let wrong = |why: &str| Some(format!("{from} → {to} ({kind}): {why}"));
    if to == XTASK {
        return wrong("nothing depends on xtask");
    }
    if to == TESTKIT {
        let allowed = kind == "dev" || from == XTASK;
        return if allowed {
            None
        } else {
            wrong("testkit is for tests: make it a dev-dependency")
        };
    }
    if from == XTASK {
        return wrong("xtask is built without the project; run an example of that crate instead");
    }
    let target = find(to)?;
    if from == TESTKIT {
        return if target.layer == 0 {
            None
        } else {
            wrong("testkit knows nothing above the vocabulary")
        };
    }
    let source = find(from)?;
    if target.layer < source.layer || source.beside.contains(&to.as_str()) {
        return None;
    }
    wrong(&format!(
        "layer {} does not know layer {}",
        source.layer, target.layer
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(from: &str, to: &str, kind: &str) -> bool {
        fault(&Edge {
            from: from.into(),
            to: to.into(),
            kind: kind.into(),
        })
        .is_none()
    }

    #[test]
    fn dependencies_point_down_or_where_the_table_says() {
        assert!(allowed("ostler", "ostler-server", "normal"));
        assert!(allowed("ostler-vault", "ostler-store", "normal"));
        assert!(!allowed("ostler-store", "ostler-vault", "normal"));
        assert!(!allowed("ostler-agent", "ostler-backup", "normal"));
        assert!(!allowed("ostler-backup", "ostler-agent", "dev"));
        assert!(!allowed("ostler-vocabulary", "ostler-api", "normal"));
        assert!(allowed("ostler-store", "ostler-store", "dev"));
    }

    #[test]
    fn testkit_is_for_tests() {
        assert!(allowed("ostler-store", "ostler-testkit", "dev"));
        assert!(!allowed("ostler-store", "ostler-testkit", "normal"));
        assert!(!allowed("ostler-testkit", "ostler-store", "normal"));
        assert!(!allowed("ostler-testkit", "ostler-vault", "dev"));
    }

    #[test]
    fn a_crate_without_a_place_is_a_fault() {
        assert!(unknown("ostler-odds-and-ends").is_some());
        assert!(unknown("ostler-vault").is_none());
    }
}
