//! Which node of a backup goes to which node of a cluster. Pure.

use std::collections::{BTreeMap, BTreeSet};

use ostler_api::request::Onto;
use ostler_vault::NodePlace;

use crate::Error;

/// Nodes by name, with where they are.
pub type Nodes<'a> = BTreeMap<&'a str, NodePlace>;

/// These nodes with the places that are known of them.
pub fn placed<'a>(
    names: impl IntoIterator<Item = &'a str>,
    places: Option<&BTreeMap<String, NodePlace>>,
) -> Nodes<'a> {
    let place = |name| {
        places
            .and_then(|places| places.get(name))
            .cloned()
            .unwrap_or_default()
    };
    names.into_iter().map(|name| (name, place(name))).collect()
}

/// Pairs of a node of the backup and the node that gets it, by the former's name. Explicit pairs first; every other node
/// goes to the one of its name, unless that gets another or is told to be elsewhere; then by zone and shard, as far as
/// both sides tell them. So any permutation of names is possible, and nothing is lost or doubled by one: a node that has
/// nowhere to go is an error.
///
/// # Errors
/// [`Error::Malformed`]
pub fn pairs(backup: &Nodes<'_>, cluster: &Nodes<'_>, onto: &Onto) -> Result<Vec<(String, String)>, Error> {
    let given = explicit(backup, cluster, onto)?;
    let mut taken: BTreeSet<&str> = given.values().copied().collect();
    let atlas = Atlas::of(backup, cluster);
    let wanted = |node: &str| onto.only.is_empty() || onto.only.iter().any(|only| only == node);
    let mut pairs = given.clone();
    let mut homeless = Vec::new();
    for (&from, was) in backup {
        if !wanted(from) || given.contains_key(from) {
            continue;
        }
        match cluster.get(from) {
            Some(place) if !taken.contains(from) && atlas.fits(was, place) => {
                taken.insert(from);
                pairs.insert(from, from);
            }
            _ => homeless.push((from, was)),
        }
    }
    for (from, was) in homeless {
        let mut nodes = cluster.iter().map(|(&to, place)| (to, place));
        match nodes.find(|(to, place)| !taken.contains(to) && atlas.is_there(was, place)) {
            Some((to, _)) => {
                taken.insert(to);
                pairs.insert(from, to);
            }
            None => return Err(nowhere(from, was, cluster, &taken, onto)),
        }
    }
    let owned = |(from, to): (&str, &str)| (from.to_owned(), to.to_owned());
    Ok(pairs.into_iter().map(owned).collect())
}

fn wrong<T>(what: String, reason: impl Into<String>) -> Result<T, Error> {
    let reason = reason.into();
    Err(Error::Malformed { what, reason })
}

fn listed<'a>(names: impl IntoIterator<Item = &'a &'a str>) -> String {
    names.into_iter().copied().collect::<Vec<_>>().join(", ")
}

/// The pairs that were given, if they make sense.
fn explicit<'a>(
    backup: &Nodes<'_>,
    cluster: &Nodes<'_>,
    onto: &'a Onto,
) -> Result<BTreeMap<&'a str, &'a str>, Error> {
    for node in onto.nodes.iter().map(|(from, _)| from).chain(&onto.only) {
        if !backup.contains_key(node.as_str()) {
            return wrong(
                format!("node `{node}`"),
                format!("is not in the backup, which has {}", listed(backup.keys())),
            );
        }
    }
    let mut given: BTreeMap<&str, &str> = BTreeMap::new();
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for (from, to) in &onto.nodes {
        if !cluster.contains_key(to.as_str()) {
            return wrong(
                format!("node `{to}`"),
                format!(
                    "is not in cluster `{}`, which has {}",
                    onto.cluster,
                    listed(cluster.keys())
                ),
            );
        }
        if given.insert(from, to).is_some() {
            return wrong(format!("node `{from}`"), "is mapped twice");
        }
        if !taken.insert(to) {
            return wrong(format!("node `{to}`"), "would get two nodes of the backup");
        }
        if !onto.only.is_empty() && !onto.only.contains(from) {
            return wrong(
                format!("node `{from}`"),
                "is mapped and not among those of --nodes",
            );
        }
    }
    Ok(given)
}

/// What a node that has nowhere to go is told.
fn nowhere(from: &str, was: &NodePlace, cluster: &Nodes<'_>, taken: &BTreeSet<&str>, onto: &Onto) -> Error {
    let what = format!("node `{from}` of the backup{}", told(was));
    let has = || {
        let nodes = cluster
            .iter()
            .map(|(name, place)| format!("{name}{}", told(place)));
        nodes.collect::<Vec<_>>().join(", ")
    };
    let reason = match taken.contains(from) {
        true => {
            "has nowhere to go: the node of its name gets another; say where, or which nodes with --nodes"
                .to_owned()
        }
        false => format!(
            "has nowhere to go: cluster `{}` has {}; say where with --node {from}=NODE, or which nodes with --nodes",
            onto.cluster,
            has()
        ),
    };
    Error::Malformed { what, reason }
}

fn told(place: &NodePlace) -> String {
    match (&place.zone, &place.shard) {
        (None, None) => String::new(),
        (Some(zone), None) => format!(" (zone {zone})"),
        (None, Some(shard)) => format!(" (shard {shard})"),
        (Some(zone), Some(shard)) => format!(" (zone {zone}, shard {shard})"),
    }
}

/// Which zone of the cluster stands for which of the backup, and what is told on both sides.
struct Atlas<'a> {
    /// `None` where one side tells no zones.
    zones: Option<BTreeMap<&'a str, &'a str>>,
    has_shards: bool,
}

impl<'a> Atlas<'a> {
    /// A zone stands for itself. Those that the cluster does not have are matched in the order of their names with those
    /// that the backup does not have: nodes that were apart stay apart, and nodes that were together stay together.
    fn of(backup: &'a Nodes<'_>, cluster: &'a Nodes<'_>) -> Self {
        let zones = |nodes: &'a Nodes<'_>| -> BTreeSet<&'a str> {
            nodes.values().filter_map(|place| place.zone.as_deref()).collect()
        };
        let shards = |nodes: &Nodes<'_>| nodes.values().any(|place| place.shard.is_some());
        let (from, to) = (zones(backup), zones(cluster));
        let same = from.intersection(&to).map(|zone| (*zone, *zone));
        let others = from.difference(&to).copied().zip(to.difference(&from).copied());
        let both = !from.is_empty() && !to.is_empty();
        Self {
            zones: both.then(|| same.chain(others).collect()),
            has_shards: shards(backup) && shards(cluster),
        }
    }

    /// Whether a node of that place may go to this one: nothing that is told contradicts it.
    fn fits(&self, was: &NodePlace, place: &NodePlace) -> bool {
        let zone = match (&self.zones, &was.zone, &place.zone) {
            (Some(zones), Some(was), Some(zone)) => zones.get(was.as_str()) == Some(&zone.as_str()),
            _ => true,
        };
        let shard = match (&was.shard, &place.shard) {
            (Some(was), Some(shard)) => was == shard,
            _ => true,
        };
        zone && shard
    }

    /// Whether this is that place, by all that is told on both sides; where nothing is, no place is another.
    fn is_there(&self, was: &NodePlace, place: &NodePlace) -> bool {
        let zone = self.zones.is_none() || (was.zone.is_some() && place.zone.is_some());
        let shard = !self.has_shards || (was.shard.is_some() && place.shard.is_some());
        let is_told = self.zones.is_some() || self.has_shards;
        is_told && zone && shard && self.fits(was, place)
    }
}

#[cfg(test)]
mod tests {
    use ostler_api::request::Onto;
    use ostler_vault::NodePlace;

    use super::{Nodes, pairs};

    /// Nodes as `name`, `name@zone`, `name#shard` or `name@zone#shard`.
    fn nodes(text: &str) -> Nodes<'_> {
        text.split_whitespace()
            .map(|word| {
                let (rest, shard) = match word.split_once('#') {
                    Some((rest, shard)) => (rest, Some(shard.to_owned())),
                    None => (word, None),
                };
                let (name, zone) = match rest.split_once('@') {
                    Some((name, zone)) => (name, Some(zone.to_owned())),
                    None => (rest, None),
                };
                (name, NodePlace { zone, shard })
            })
            .collect()
    }

    fn mapped(backup: &str, cluster: &str, given: &str, only: &str) -> Result<String, String> {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let onto = Onto {
            cluster: "c".to_owned(),
            nodes: words(given)
                .iter()
                .filter_map(|pair| pair.split_once('='))
                .map(|(from, to)| (from.to_owned(), to.to_owned()))
                .collect(),
            only: words(only),
            ..Onto::default()
        };
        let found = pairs(&nodes(backup), &nodes(cluster), &onto);
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
    fn zones_and_shards_decide_where_names_do_not() {
        for (backup, cluster, given, expected) in [
            // Other names, the same zones.
            ("a@1 b@2 c@3", "x@3 y@1 z@2", "", "a=y b=z c=x"),
            // Other zones: who was apart stays apart, who was together stays together.
            ("a@1 b@1 c@2 d@2", "w@8 x@9 y@8 z@9", "", "a=w b=y c=x d=z"),
            ("a@1 b@2", "x@2 y@7", "", "a=y b=x"),
            // The shard of a name counts for more than the name.
            ("a#0 b#1", "a#1 b#0", "", "a=b b=a"),
            (
                "a@1#0 b@2#0 c@1#1 d@2#1",
                "p@2#1 q@1#1 r@2#0 s@1#0",
                "",
                "a=s b=r c=q d=p",
            ),
            // Explicit pairs first, and whatever they leave.
            ("a@1 b@1", "a@1 b@1", "a=b b=a", "a=b b=a"),
            ("a@1 b@1", "x@1 y@1", "a=y", "a=y b=x"),
            ("a#0 b#1", "x#1 y#0", "a=x b=y", "a=x b=y"),
            // What one side does not tell decides nothing.
            ("a@1 b@2", "a b", "", "a=a b=b"),
            ("a b", "a@1 b@2", "", "a=a b=b"),
            ("a@1#0 b@2#1", "x#0 y#1", "", "a=x b=y"),
            ("a b#1", "a x#1", "", "a=a b=x"),
        ] {
            let found = mapped(backup, cluster, given, "");
            assert_eq!(found.as_deref(), Ok(expected), "{backup} to {cluster} by {given}");
        }
    }

    #[test]
    fn a_place_that_is_not_there_or_full_is_an_error() {
        for (backup, cluster, given, part) in [
            (
                "a#0 b#1",
                "x#0 y#0",
                "",
                "`b` of the backup (shard 1) has nowhere to go: cluster `c` has x (shard 0)",
            ),
            (
                "a@1 b@1",
                "x@1 y@2",
                "",
                "`b` of the backup (zone 1) has nowhere to go",
            ),
            ("a@1 b@2 c@3", "x@1 y@2", "", "`c` of the backup (zone 3)"),
            ("a#0 b#0", "a#0 y#1", "", "`b` of the backup (shard 0)"),
            (
                "a#0 b#1",
                "a#0 b#1",
                "a=b",
                "`b` of the backup (shard 1) has nowhere to go: the node of its name",
            ),
            // Somewhere is not good enough for who says nothing of itself.
            ("a b#1", "x#1 y#1", "", "`a` of the backup has nowhere to go"),
        ] {
            let error = mapped(backup, cluster, given, "").expect_err(backup);
            assert!(error.contains(part), "{error}");
        }
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
