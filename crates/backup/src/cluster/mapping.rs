//! Which node of a backup goes to which node of a cluster. Pure.

use std::collections::{BTreeMap, BTreeSet};

use ostler_api::request::Onto;

use crate::Error;

/// Pairs of a node of the backup and the node that gets it, by the former's name. Explicit pairs first; every other node
/// goes to the one of its name, unless that gets another. So any permutation of names is possible, and nothing is lost
/// or doubled by one: a node that has nowhere to go is an error.
///
/// # Errors
/// [`Error::Malformed`]
pub fn pairs(backup: &BTreeSet<&str>, cluster: &[&str], onto: &Onto) -> Result<Vec<(String, String)>, Error> {
    let wrong = |what: String, reason: String| Err(Error::Malformed { what, reason });
    let listed = |names: &mut dyn Iterator<Item = &str>| names.collect::<Vec<_>>().join(", ");
    for node in onto.nodes.iter().map(|(from, _)| from).chain(&onto.only) {
        if !backup.contains(node.as_str()) {
            return wrong(
                format!("node `{node}`"),
                format!(
                    "is not in the backup, which has {}",
                    listed(&mut backup.iter().copied())
                ),
            );
        }
    }
    let mut given: BTreeMap<&str, &str> = BTreeMap::new();
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for (from, to) in &onto.nodes {
        if !cluster.contains(&to.as_str()) {
            return wrong(
                format!("node `{to}`"),
                format!(
                    "is not in cluster `{}`, which has {}",
                    onto.cluster,
                    listed(&mut cluster.iter().copied())
                ),
            );
        }
        if given.insert(from, to).is_some() {
            return wrong(format!("node `{from}`"), "is mapped twice".to_owned());
        }
        if !taken.insert(to) {
            return wrong(
                format!("node `{to}`"),
                "would get two nodes of the backup".to_owned(),
            );
        }
    }
    let wanted = |node: &str| onto.only.is_empty() || onto.only.iter().any(|only| only == node);
    if let Some((from, _)) = onto.nodes.iter().find(|(from, _)| !wanted(from)) {
        return wrong(
            format!("node `{from}`"),
            "is mapped and not among those of --nodes".to_owned(),
        );
    }
    let mut pairs = Vec::new();
    for from in backup.iter().copied().filter(|node| wanted(node)) {
        let to = match given.get(from) {
            Some(to) => *to,
            None if taken.contains(from) => {
                return wrong(
                    format!("node `{from}` of the backup"),
                    "has nowhere to go: the node of its name gets another; say where, or which nodes with --nodes".to_owned(),
                );
            }
            None if cluster.contains(&from) => from,
            None => {
                return wrong(
                    format!("node `{from}` of the backup"),
                    format!(
                        "has nowhere to go: cluster `{}` has {}; say where with --node {from}=NODE, or which nodes with \
                         --nodes",
                        onto.cluster,
                        listed(&mut cluster.iter().copied())
                    ),
                );
            }
        };
        pairs.push((from.to_owned(), to.to_owned()));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use ostler_api::request::Onto;

    use super::pairs;

    fn mapped(backup: &str, cluster: &str, nodes: &str, only: &str) -> Result<String, String> {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let onto = Onto {
            cluster: "c".to_owned(),
            nodes: words(nodes)
                .iter()
                .filter_map(|pair| pair.split_once('='))
                .map(|(from, to)| (from.to_owned(), to.to_owned()))
                .collect(),
            only: words(only),
            ..Onto::default()
        };
        let cluster: Vec<&str> = cluster.split_whitespace().collect();
        let found = pairs(&backup.split_whitespace().collect(), &cluster, &onto);
        let shown = |pairs: Vec<(String, String)>| {
            let pairs: Vec<String> = pairs
                .into_iter()
                .map(|(from, to)| format!("{from}={to}"))
                .collect();
            pairs.join(" ")
        };
        found.map(shown).map_err(|error| error.to_string())
    }

    #[test]
    fn names_stay_unless_somebody_says_otherwise() {
        assert_eq!(mapped("a b c", "a b c", "", "").as_deref(), Ok("a=a b=b c=c"));
        assert_eq!(
            mapped("a b c", "a b c d", "c=d", "").as_deref(),
            Ok("a=a b=b c=d")
        );
        assert_eq!(mapped("a b c", "x", "b=x", "b").as_deref(), Ok("b=x"));
    }

    #[test]
    fn any_permutation_loses_nothing() {
        assert_eq!(mapped("a b", "a b", "a=b b=a", "").as_deref(), Ok("a=b b=a"));
        assert_eq!(
            mapped("a b c", "a b c", "a=b b=c c=a", "").as_deref(),
            Ok("a=b b=c c=a")
        );
        let half = mapped("a b", "a b", "a=b", "");
        assert!(half.is_err_and(|error| error.contains("`b` of the backup has nowhere to go")));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (nodes, only, part) in [
            ("z=a", "", "`z` is not in the backup"),
            ("a=z", "", "`z` is not in cluster"),
            ("a=b a=c", "", "`a` is mapped twice"),
            ("a=c b=c", "", "`c` would get two"),
            ("a=a", "b", "`a` is mapped and not among"),
            ("", "z", "`z` is not in the backup"),
        ] {
            let error = mapped("a b", "a b c", nodes, only).expect_err(nodes);
            assert!(error.contains(part), "{error}");
        }
    }
}
